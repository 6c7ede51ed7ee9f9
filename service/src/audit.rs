//! The audit log: who did what to what, each line bound to the one before it.
//!
//! A line is the JSON of an [`Entry`]; `prev` is the SHA-256 of the line before it without its newline (of nothing
//! for the first). Whoever can write the file can cut its end or write it anew from some line on; they cannot
//! change a line and keep the ones after it.

mod command;
mod export;
mod selection;
mod words;

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use safeharbor_core::digest::Digest;
use serde::{Deserialize, Serialize};

pub use command::{AuditCommand, AuditCommandFailed, Reader, Wanted};
pub use export::{ExportFailed, ExportForm, csv_head, csv_line};
pub use selection::{Last, Selection};
pub use words::{AuditWords, WantedWords};

use crate::caller;
use crate::clock::{self, Clock};
use crate::durable_file::sync_folder;
use crate::person::Person;

/// Bytes of one line with its newline.
pub const LINE_BYTES_MAX: usize = 64 * 1024;

/// One line of the log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The number of the line, from 1.
    pub n: u64,
    /// When it was written, RFC 3339 in UTC.
    pub at: String,
    /// Who did it; nobody for what the server did by itself, or on the word of somebody at its shell.
    pub person: Option<Person>,
    /// Where no person is named, the operating system's user at whose word it was done: `uid 1000`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system_user: Option<String>,
    /// What was done.
    pub action: String,
    /// To what.
    pub subject: String,
    /// More about it.
    pub detail: serde_json::Value,
    /// SHA-256 of the line before, in base64url.
    pub prev: String,
}

/// The audit log could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum AuditFailed {
    /// The operating system refused.
    #[error("the audit log {} cannot be read or written", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// A line is not what was written.
    #[error("line {line} of the audit log {}: {reason}", path.display())]
    Broken {
        /// Which file.
        path: PathBuf,
        /// The first line that is wrong, from 1.
        line: u64,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The entry is too long for a line.
    #[error("an audit entry has at most {LINE_BYTES_MAX} bytes, this one has {bytes}")]
    TooLong {
        /// How many it has.
        bytes: usize,
    },
    /// The entry has no JSON form.
    #[error("the audit entry cannot be written as JSON")]
    Encode(#[source] serde_json::Error),
}

/// What was found in a log whose every line is in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified {
    /// How many lines there are.
    pub lines: u64,
    /// SHA-256 of the last line; of nothing if there is none.
    pub head: Digest,
    /// Bytes of these lines.
    pub bytes: u64,
    /// Bytes behind the last newline: an entry that was being written when the process ended.
    pub torn_bytes: u64,
}

/// The audit log of a running server; one process has it open.
#[derive(Debug)]
pub struct AuditLog {
    path: PathBuf,
    clock: Arc<dyn Clock>,
    tail: Mutex<Tail>,
}

#[derive(Debug)]
struct Tail {
    file: File,
    lines: u64,
    head: Digest,
    bytes: u64,
}

impl AuditLog {
    /// Opens the log, or begins one (mode 0600). A torn last line, which nobody was told of, is cut off, and the cut is logged.
    ///
    /// # Errors
    /// A line is broken, or the file cannot be read or written.
    pub fn open(path: &Path, clock: Arc<dyn Clock>) -> Result<Self, AuditFailed> {
        let failed = |source| AuditFailed::Io { path: path.to_owned(), source };
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(true).mode(0o600);
        let file = options.open(path).map_err(failed)?;
        if let Some(folder) = path.parent() {
            sync_folder(if folder.as_os_str().is_empty() { Path::new(".") } else { folder })
                .map_err(failed)?;
        }
        let found = verify(path)?;
        let tail = Tail { file, lines: found.lines, head: found.head, bytes: found.bytes };
        let log = Self { path: path.to_owned(), clock, tail: Mutex::new(tail) };
        if found.torn_bytes > 0 {
            let detail = serde_json::json!({ "bytes": found.torn_bytes });
            log.append(None, "cut a torn line", "audit log", detail)?;
        }
        Ok(log)
    }

    /// Bytes of all whole entries: what a copy of the file holds.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.tail.lock().unwrap_or_else(PoisonError::into_inner).bytes
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes one entry; durable on return.
    ///
    /// # Errors
    /// The entry is too long, or the file cannot be written; the log then goes on as if it had not been tried.
    pub fn append(
        &self,
        person: Option<&Person>,
        action: &str,
        subject: &str,
        detail: serde_json::Value,
    ) -> Result<Entry, AuditFailed> {
        let mut entries = self.append_all(person, action, vec![(subject.to_owned(), detail)])?;
        entries.pop().ok_or_else(|| self.failed(io::ErrorKind::WriteZero.into()))
    }

    /// Writes an entry for each subject with its detail and waits for the disk once; durable on return. A crash may keep the first of them.
    ///
    /// # Errors
    /// As [`Self::append`].
    pub fn append_all(
        &self,
        person: Option<&Person>,
        action: &str,
        about: Vec<(String, serde_json::Value)>,
    ) -> Result<Vec<Entry>, AuditFailed> {
        if about.is_empty() {
            return Ok(Vec::new());
        }
        let mut tail = self.tail.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut lines, mut head, mut bytes) = (tail.lines, tail.head, Vec::new());
        let mut entries = Vec::with_capacity(about.len());
        for (subject, detail) in about {
            lines = lines.saturating_add(1);
            let entry = Entry {
                n: lines,
                at: clock::to_rfc3339(self.clock.now_ms()),
                person: person.cloned(),
                system_user: caller::current().filter(|_| person.is_none()).map(|uid| format!("uid {uid}")),
                action: action.to_owned(),
                subject,
                detail,
                prev: head.to_string(),
            };
            let line = serde_json::to_vec(&entry).map_err(AuditFailed::Encode)?;
            if line.len() >= LINE_BYTES_MAX {
                return Err(AuditFailed::TooLong { bytes: line.len().saturating_add(1) });
            }
            head = Digest::of(&line);
            bytes.extend(line);
            bytes.push(b'\n');
            entries.push(entry);
        }
        tail.write(&bytes).map_err(|source| self.failed(source))?;
        (tail.lines, tail.head) = (lines, head);
        Ok(entries)
    }

    fn failed(&self, source: io::Error) -> AuditFailed {
        AuditFailed::Io { path: self.path.clone(), source }
    }
}

impl Tail {
    /// Cuts first what an earlier failure may have left behind the last whole line.
    fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        if self.file.metadata()?.len() != self.bytes {
            self.file.set_len(self.bytes)?;
        }
        self.file.write_all(lines)?;
        self.file.sync_data()?;
        self.bytes = self.bytes.saturating_add(u64::try_from(lines.len()).unwrap_or_default());
        Ok(())
    }
}

/// Checks every whole line of a log: its number, its form, and that it is bound to the line before.
///
/// # Errors
/// The first line that is wrong, or the file cannot be read.
pub fn verify(path: &Path) -> Result<Verified, AuditFailed> {
    read(path, &mut |_| {})
}

/// Reads all entries, checked as [`verify`] does.
///
/// # Errors
/// As [`verify`].
pub fn load(path: &Path) -> Result<Vec<Entry>, AuditFailed> {
    let mut entries = Vec::new();
    read(path, &mut |entry| entries.push(entry))?;
    Ok(entries)
}

/// Shows `each` every entry, checked as [`verify`] does, one at a time.
///
/// # Errors
/// As [`verify`]; `each` has then seen the entries before.
pub fn read(path: &Path, each: &mut dyn FnMut(Entry)) -> Result<Verified, AuditFailed> {
    let failed = |source| AuditFailed::Io { path: path.to_owned(), source };
    let mut reader = BufReader::new(File::open(path).map_err(failed)?);
    let mut verified = Verified { lines: 0, head: Digest::of(b""), bytes: 0, torn_bytes: 0 };
    let mut line = Vec::new();
    loop {
        line.clear();
        let limit = u64::try_from(LINE_BYTES_MAX).unwrap_or(u64::MAX);
        let read = reader.by_ref().take(limit).read_until(b'\n', &mut line).map_err(failed)?;
        let bytes = u64::try_from(read).unwrap_or(u64::MAX);
        let broken = |reason| AuditFailed::Broken {
            path: path.to_owned(),
            line: verified.lines.saturating_add(1),
            reason,
        };
        let Some(content) = line.strip_suffix(b"\n") else {
            if read == LINE_BYTES_MAX {
                return Err(broken("it is longer than any entry"));
            }
            verified.torn_bytes = bytes;
            return Ok(verified);
        };
        let entry = verify_line(content, &verified).map_err(broken)?;
        verified.lines = entry.n;
        verified.head = Digest::of(content);
        verified.bytes = verified.bytes.saturating_add(bytes);
        each(entry);
    }
}

fn verify_line(content: &[u8], before: &Verified) -> Result<Entry, &'static str> {
    let entry: Entry = serde_json::from_slice(content).or(Err("it is not an entry"))?;
    if entry.n != before.lines.saturating_add(1) {
        return Err("its number does not follow");
    }
    if entry.prev != before.head.to_string() {
        return Err("it is not bound to the line before, so one of the two was changed");
    }
    Ok(entry)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::clock::ManualClock;
    use crate::person::{Authentication, PersonId, Role};

    fn open(path: &Path) -> Result<AuditLog, AuditFailed> {
        AuditLog::open(path, Arc::new(ManualClock::at_ms(0)))
    }

    fn written(lines: u8) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.log");
        let log = open(&path).unwrap();
        let person = Person {
            id: PersonId(1),
            name: "李娜".to_owned(),
            role: Role::Approver,
            authenticated: Authentication::LocalPassword,
            deputy_for: None,
        };
        for line in 0..lines {
            log.append(Some(&person), "approve", &format!("record {line}"), json!({ "fields": [line] }))
                .unwrap();
        }
        (folder, path)
    }

    #[test]
    fn entries_are_read_as_they_were_written() {
        let (_folder, path) = written(3);
        let entries = load(&path).unwrap();
        assert_eq!(entries.iter().map(|entry| entry.n).collect::<Vec<_>>(), [1, 2, 3]);
        assert_eq!(entries[2].subject, "record 2");
        assert_eq!(entries[0].at, "1970-01-01T00:00:00.000Z");
        assert_eq!(entries[0].person.as_ref().map(|person| person.id), Some(PersonId(1)));
    }

    #[test]
    fn an_entry_without_a_person_carries_the_systems_user_and_lines_without_either_still_verify() {
        let (_folder, path) = written(1);
        let log = open(&path).unwrap();
        log.append(None, "by itself", "", json!(null)).unwrap();
        caller::sync_scope(Some(1000), || {
            log.append(None, "at the shell", "", json!(null)).unwrap();
            let person = load(&path).unwrap().remove(0).person;
            log.append(person.as_ref(), "by somebody", "", json!(null)).unwrap();
        });
        let users: Vec<_> = load(&path).unwrap().into_iter().map(|entry| entry.system_user).collect();
        assert_eq!(users, [None, None, Some("uid 1000".to_owned()), None]);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.lines().nth(2).unwrap().contains(r#""person":null,"system_user":"uid 1000""#));
        assert!(!text.lines().next().unwrap().contains("system_user"), "as lines were before there was one");
    }

    #[test]
    fn a_log_goes_on_when_opened_again() {
        let (_folder, path) = written(2);
        open(&path).unwrap().append(None, "start", "server", json!(null)).unwrap();
        assert_eq!(verify(&path).unwrap().lines, 3);
    }

    #[test]
    fn entries_written_together_are_bound_like_others_and_one_that_is_too_long_keeps_all_out() {
        let (_folder, path) = written(1);
        let log = open(&path).unwrap();
        let about =
            |bytes: usize| vec![("甲".to_owned(), json!({})), ("乙".to_owned(), json!("x".repeat(bytes)))];
        assert!(matches!(
            log.append_all(None, "many", about(LINE_BYTES_MAX)),
            Err(AuditFailed::TooLong { .. })
        ));
        let together = log.append_all(None, "many", about(3)).unwrap();
        log.append(None, "one", "y", json!({})).unwrap();
        let loaded = load(&path).unwrap();
        assert_eq!(loaded[1..3], together);
        assert_eq!(loaded.iter().map(|entry| entry.n).collect::<Vec<_>>(), [1, 2, 3, 4]);
        assert_eq!(log.append_all(None, "many", Vec::new()).unwrap(), []);
    }

    #[test]
    fn a_torn_line_is_cut_at_any_byte_and_the_cut_is_logged() {
        let (_folder, path) = written(2);
        let whole = std::fs::read(&path).unwrap();
        let second = whole.iter().position(|byte| *byte == b'\n').unwrap() + 1;
        for length in second + 1..whole.len() {
            std::fs::write(&path, &whole[..length]).unwrap();
            drop(open(&path).unwrap());
            let entries = load(&path).unwrap();
            assert_eq!(entries.len(), 2, "cut at {length}");
            assert_eq!(entries[1].action, "cut a torn line");
            assert_eq!(entries[1].detail, json!({ "bytes": length - second }));
        }
    }

    #[test]
    fn any_changed_byte_is_found() {
        let (_folder, path) = written(2);
        open(&path).unwrap().append(None, "end", "", json!(null)).unwrap();
        let whole = std::fs::read(&path).unwrap();
        let last = whole.len() - 1 - whole.iter().rev().skip(1).position(|byte| *byte == b'\n').unwrap();
        for at in 0..last - 1 {
            let mut changed = whole.clone();
            changed[at] ^= 1;
            std::fs::write(&path, &changed).unwrap();
            assert!(matches!(open(&path), Err(AuditFailed::Broken { .. })), "byte {at}");
        }
    }

    #[test]
    fn a_missing_line_is_found() {
        let (_folder, path) = written(3);
        let whole = std::fs::read_to_string(&path).unwrap();
        let without: String = whole
            .lines()
            .enumerate()
            .filter(|(n, _)| *n != 1)
            .fold(String::new(), |text, (_, line)| text + line + "\n");
        std::fs::write(&path, without).unwrap();
        assert!(matches!(verify(&path), Err(AuditFailed::Broken { line: 2, .. })));
    }

    #[test]
    fn an_entry_too_long_is_refused_and_the_log_goes_on() {
        let (_folder, path) = written(1);
        let log = open(&path).unwrap();
        let refused = log.append(None, "x", &"y".repeat(LINE_BYTES_MAX), json!(null));
        assert!(matches!(refused, Err(AuditFailed::TooLong { .. })));
        log.append(None, "x", "y", json!(null)).unwrap();
        assert_eq!(verify(&path).unwrap().lines, 2);
    }
}
