//! Entries of the audit log as files for others: CSV for spreadsheets, JSON Lines as they are.

use std::io::{self, Write};
use std::path::Path;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use super::{AuditFailed, Entry, Selection, read};
use crate::durable_file::{Access, DurableFile, Existing, WriteFailed};

/// In which form entries are exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum ExportForm {
    /// A table for spreadsheets, UTF-8 with a byte order mark.
    Csv,
    /// One entry a line, as in the log.
    Jsonl,
}

/// What a spreadsheet takes for the start of a formula, in both widths.
const FORMULA: [char; 10] = ['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠'];

/// The first line of a table, with its byte order mark.
#[must_use]
pub const fn csv_head() -> &'static str {
    "\u{feff}n,at_utc,person,person_name,role,deputy_for,system_user,action,subject,detail,prev\r\n"
}

/// One entry as a line of the table.
#[must_use]
pub fn csv_line(entry: &Entry) -> String {
    let person = entry.person.as_ref();
    let detail = if entry.detail.is_null() { String::new() } else { entry.detail.to_string() };
    let cells = [
        entry.n.to_string(),
        entry.at.clone(),
        person.map(|person| person.id.to_string()).unwrap_or_default(),
        person.map(|person| person.name.clone()).unwrap_or_default(),
        person.map(|person| person.role.to_string()).unwrap_or_default(),
        person.and_then(|person| person.deputy_for).map(|id| id.to_string()).unwrap_or_default(),
        entry.system_user.clone().unwrap_or_default(),
        entry.action.clone(),
        entry.subject.clone(),
        detail,
        entry.prev.clone(),
    ];
    format!("{}\r\n", cells.map(|cell| quoted(&cell)).join(","))
}

fn quoted(cell: &str) -> String {
    let guard = if cell.starts_with(FORMULA) { "'" } else { "" };
    format!("\"{guard}{}\"", cell.replace('"', "\"\""))
}

/// Writes the selected entries to a file that was not there (mode 0600), and answers how many they are.
///
/// # Errors
/// The log is broken, in which case there is no file; the file is there already or cannot be written.
pub(super) fn export(
    log: &Path,
    selection: &Selection,
    form: ExportForm,
    file: &Path,
) -> Result<u64, ExportFailed> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    let mut draft =
        io::BufWriter::new(DurableFile::create(folder.unwrap_or(Path::new(".")), Access::OwnerOnly)?);
    let mut written = if form == ExportForm::Csv { draft.write_all(csv_head().as_bytes()) } else { Ok(()) };
    let mut entries = 0_u64;
    read(log, &mut |entry| {
        if written.is_err() || !selection.takes(&entry) {
            return;
        }
        let line = match form {
            ExportForm::Csv => csv_line(&entry),
            ExportForm::Jsonl => format!("{}\n", serde_json::to_string(&entry).unwrap_or_default()),
        };
        written = draft.write_all(line.as_bytes());
        entries = entries.saturating_add(1);
    })?;
    let failed = |source| WriteFailed { path: file.to_owned(), step: "writing entries", source };
    written.map_err(failed)?;
    let draft = draft.into_inner().map_err(|refused| failed(refused.into_error()))?;
    draft.finish(file, Existing::Refuse)?;
    Ok(entries)
}

/// Entries cannot be exported.
#[derive(Debug, thiserror::Error)]
pub enum ExportFailed {
    /// The log cannot be read or is broken.
    #[error(transparent)]
    Log(#[from] AuditFailed),
    /// The file cannot be written.
    #[error("the entries cannot be written")]
    Write(#[from] WriteFailed),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::AuditLog;
    use crate::clock::ManualClock;

    fn written() -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.log");
        let log = AuditLog::open(&path, std::sync::Arc::new(ManualClock::at_ms(0))).unwrap();
        log.append(None, "=HYPERLINK(\"x\")", "a,b", serde_json::json!({"why": "\"no\""})).unwrap();
        log.append(None, "start", "server", serde_json::Value::Null).unwrap();
        (folder, path)
    }

    #[test]
    fn a_table_opens_in_a_spreadsheet_and_runs_nothing() {
        let (folder, log) = written();
        let file = folder.path().join("audit.csv");
        assert_eq!(export(&log, &Selection::default(), ExportForm::Csv, &file).unwrap(), 2);
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.starts_with("\u{feff}n,at_utc,"));
        let line = text.lines().nth(1).unwrap();
        assert!(line.contains(r#","'=HYPERLINK(""x"")","a,b","{""why"":""\""no\""""}","#), "{line}");
        assert_eq!(text.lines().count(), 3);
        let again = export(&log, &Selection::default(), ExportForm::Csv, &file);
        assert!(matches!(again, Err(ExportFailed::Write(refused)) if refused.already_exists()));
    }

    #[test]
    fn lines_of_json_are_those_of_the_log() {
        let (folder, log) = written();
        let file = folder.path().join("audit.jsonl");
        export(&log, &Selection::default(), ExportForm::Jsonl, &file).unwrap();
        assert_eq!(std::fs::read(&file).unwrap(), std::fs::read(&log).unwrap());
    }

    #[test]
    fn nothing_is_exported_from_a_broken_log() {
        let (folder, log) = written();
        let text = std::fs::read_to_string(&log).unwrap().replace("start", "stop!");
        std::fs::write(&log, text.replace("a,b", "a,c")).unwrap();
        let file = folder.path().join("audit.csv");
        assert!(matches!(
            export(&log, &Selection::default(), ExportForm::Csv, &file),
            Err(ExportFailed::Log(_))
        ));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no draft is left behind");
    }
}
