//! Reading the audit log on an administrator's word, the same at both servers; that is noted, too.

use std::path::PathBuf;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::export::{ExportFailed, ExportForm, export};
use super::{AuditFailed, AuditLog, Entry, Last, Selection, read, verify};
use crate::person::{AuthorizeFailed, Credentials, Person, Persons, Role, Said, authorize};
use crate::speech::{Exit, Language, chain_of};

/// How many entries are shown at most.
const SHOWN_MAX: usize = 10_000;

/// Which entries, in the words of the person.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Wanted {
    /// From this day on, `YYYY-MM-DD`.
    pub from: Option<String>,
    /// Until this day.
    pub to: Option<String>,
    /// By whom.
    pub by: Option<String>,
    /// What.
    pub action: Option<String>,
}

/// What can be asked for.
#[derive(Debug, Serialize, Deserialize)]
pub enum AuditCommand {
    /// Shows the last entries.
    Show {
        /// Which.
        wanted: Wanted,
        /// At most so many.
        limit: usize,
        /// An administrator.
        by: Credentials,
    },
    /// Checks that no line was changed.
    Verify {
        /// An administrator.
        by: Credentials,
    },
    /// Writes entries to a file.
    Export {
        /// Which.
        wanted: Wanted,
        /// In which form.
        form: ExportForm,
        /// The file, which must not be there; absolute.
        file: PathBuf,
        /// An administrator.
        by: Credentials,
    },
}

/// The audit log is not read.
#[derive(Debug, thiserror::Error)]
pub enum AuditCommandFailed {
    /// Somebody may not.
    #[error(transparent)]
    Authorize(#[from] AuthorizeFailed),
    /// A day is none.
    #[error("{0:?} is no day; write YYYY-MM-DD")]
    Day(String),
    /// The log cannot be read, or is broken.
    #[error(transparent)]
    Log(#[from] AuditFailed),
    /// There is a file of that name.
    #[error("there is a file {} already; choose another name", .0.display())]
    Exists(PathBuf),
    /// The entries cannot be written.
    #[error(transparent)]
    Export(ExportFailed),
    /// The answer has no JSON form.
    #[error("the answer cannot be written as JSON")]
    Encode(#[from] serde_json::Error),
}

/// The audit log of a server, and how it speaks.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a> {
    /// The persons.
    pub persons: &'a Persons,
    /// The log.
    pub audit: &'a AuditLog,
    /// In which language.
    pub language: Language,
    /// Whether data goes to a program.
    pub json: bool,
}

type Done = Result<Said, AuditCommandFailed>;

impl Reader<'_> {
    /// Carries a command out. Blocks for the hashing of the password.
    ///
    /// # Errors
    /// Any of [`AuditCommandFailed`].
    pub fn carry_out(self, command: AuditCommand) -> Done {
        match command {
            AuditCommand::Show { wanted, limit, by } => {
                let selection = parse(wanted)?;
                self.authorize(&by, "show audit log", &selection)?;
                self.show(&selection, limit.min(SHOWN_MAX))
            }
            AuditCommand::Verify { by } => {
                self.authorize(&by, "verify audit log", &Selection::default())?;
                self.verify()
            }
            AuditCommand::Export { wanted, form, file, by } => {
                let selection = parse(wanted)?;
                self.authorize(&by, "export audit log", &selection)?;
                self.export(&selection, form, file)
            }
        }
    }

    /// Notes who reads before they do, so that nothing is read unnoted.
    fn authorize(
        &self,
        by: &Credentials,
        action: &str,
        selection: &Selection,
    ) -> Result<Person, AuditCommandFailed> {
        let person = authorize((self.persons, self.audit), by, &[Role::Administrator], action)?;
        let day = |day: Option<Date>| day.map(|day| day.to_string());
        let detail = json!({
            "from": day(selection.from), "to": day(selection.to),
            "by": selection.person, "action": selection.action,
        });
        let detail = if *selection == Selection::default() { Value::Null } else { detail };
        self.audit.append(Some(&person), action, "audit log", detail)?;
        Ok(person)
    }

    fn show(&self, selection: &Selection, limit: usize) -> Done {
        let mut last = Last::new(limit);
        read(self.audit.path(), &mut |entry| {
            if selection.takes(&entry) {
                last.push(entry);
            }
        })?;
        let entries = last.into_entries();
        let data = if self.json {
            format!("{:#}\n", serde_json::to_value(&entries)?)
        } else {
            entries.iter().map(|entry| self.line(entry)).collect()
        };
        Ok(Said { data, note: String::new() })
    }

    fn line(&self, entry: &Entry) -> String {
        let who = entry.who(self.language, |id| self.persons.name_of(id).ok().flatten());
        let detail = if entry.detail.is_null() { String::new() } else { format!("  {}", entry.detail) };
        let Entry { n, at, action, subject, .. } = entry;
        format!("{n:>6}  {at}  {who}  {action}  {subject}{detail}\n")
    }

    fn verify(&self) -> Done {
        let verified = verify(self.audit.path())?;
        let (lines, head) = (verified.lines, verified.head);
        let note = self.language.pick(
            format!("审计日志共 {lines} 条，逐条核对无误；末条摘要 {head}。请把条数和摘要记在别处，以便日后发现截尾"),
            format!("the audit log's {lines} lines are in order; the last one's digest is {head}. Keep both elsewhere: a log cut at its end shows only against them"),
        );
        let data = if self.json {
            format!("{:#}\n", json!({"lines": lines, "head": head.to_string()}))
        } else {
            String::new()
        };
        Ok(Said { data, note })
    }

    fn export(&self, selection: &Selection, form: ExportForm, file: PathBuf) -> Done {
        match export(self.audit.path(), selection, form, &file) {
            Ok(entries) => {
                let path = file.display();
                let note = self.language.pick(
                    format!("已导出 {entries} 条审计记录：{path}"),
                    format!("{entries} audit entries are in {path}"),
                );
                Ok(Said { data: String::new(), note })
            }
            Err(ExportFailed::Write(refused)) if refused.already_exists() => {
                Err(AuditCommandFailed::Exists(file))
            }
            Err(ExportFailed::Log(failed)) => Err(failed.into()),
            Err(failed) => Err(AuditCommandFailed::Export(failed)),
        }
    }
}

fn parse(wanted: Wanted) -> Result<Selection, AuditCommandFailed> {
    let day = |typed: Option<String>| match typed {
        None => Ok(None),
        Some(typed) => typed.trim().parse().map(Some).map_err(|_parse| AuditCommandFailed::Day(typed)),
    };
    let Wanted { from, to, by: person, action } = wanted;
    Ok(Selection { from: day(from)?, to: day(to)?, person, action })
}

impl AuditCommandFailed {
    /// In Chinese.
    #[must_use]
    pub fn text_zh(&self) -> String {
        match self {
            Self::Authorize(failed) => failed.text_zh(),
            Self::Day(typed) => format!("“{typed}”不是日期，请写作 2026-03-01"),
            Self::Log(AuditFailed::Broken { path, line, reason }) => {
                format!("审计日志 {} 第 {line} 行被改动或损坏：{reason}", path.display())
            }
            Self::Exists(path) => format!("已有文件 {}；换一个文件名", path.display()),
            Self::Log(_) | Self::Export(_) | Self::Encode(_) => {
                format!("无法读取审计日志或写出文件：{}", chain_of(self))
            }
        }
    }

    /// The exit code that says it.
    #[must_use]
    pub const fn exit(&self) -> Exit {
        match self {
            Self::Day(_) => Exit::Usage,
            Self::Authorize(_) | Self::Exists(_) | Self::Log(AuditFailed::Broken { .. }) => Exit::Refused,
            Self::Log(_) | Self::Export(_) | Self::Encode(_) => Exit::Unavailable,
        }
    }
}
