//! The words of the command line about the audit log, the same at both servers.

use std::io;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use super::command::{AuditCommand, Wanted};
use super::export::ExportForm;
use crate::prompt::credentials;
use crate::speech::Language;

/// What can be done with the audit log; each on an administrator's word, and noted.
#[derive(Debug, Subcommand)]
pub enum AuditWords {
    /// 查看最近的记录 Show the last entries
    Show {
        /// Which.
        #[command(flatten)]
        wanted: WantedWords,
        /// 最多多少条 At most so many
        #[arg(long, default_value_t = 50)]
        limit: usize,
    },
    /// 核对：每一行与前一行相连，未被改动 Check that every line is bound to the one before and none was changed
    Verify {
        /// 管理员 The administrator
        #[arg(long, value_name = "NAME")]
        person: String,
    },
    /// 导出到文件 Write entries to a file
    Export {
        /// Which.
        #[command(flatten)]
        wanted: WantedWords,
        /// 格式 csv 表格 · jsonl 原样；默认按文件名 The form [default: by the file's name]
        #[arg(long = "as", value_enum, value_name = "FORM")]
        form: Option<ExportForm>,
        /// 写到哪个文件（不得已存在） The file, which must not be there
        #[arg(short, long, value_name = "FILE")]
        output: PathBuf,
    },
}

/// Which entries.
#[derive(Debug, Args)]
pub struct WantedWords {
    /// 首日（北京时间） From this day on, UTC+8
    #[arg(long, value_name = "YYYY-MM-DD")]
    from: Option<String>,
    /// 末日（含） Until this day, included
    #[arg(long, value_name = "YYYY-MM-DD")]
    to: Option<String>,
    /// 何人所为：姓名、编号或 "uid 1000" By whom: a name, a number, or "uid 1000"
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
    /// 操作名称包含 With these letters in the action
    #[arg(long)]
    action: Option<String>,
    /// 管理员 The administrator who reads
    #[arg(long, value_name = "NAME")]
    person: String,
}

impl WantedWords {
    fn split(self) -> (Wanted, String) {
        let Self { from, to, by, action, person } = self;
        (Wanted { from, to, by, action }, person)
    }
}

impl AuditWords {
    /// The command, with the password it takes; a relative file is in `folder`.
    ///
    /// # Errors
    /// The password cannot be read.
    pub fn ask(self, language: Language, folder: &Path) -> io::Result<AuditCommand> {
        Ok(match self {
            Self::Show { wanted, limit } => {
                let (wanted, person) = wanted.split();
                AuditCommand::Show { wanted, limit, by: credentials(person, language)? }
            }
            Self::Verify { person } => AuditCommand::Verify { by: credentials(person, language)? },
            Self::Export { wanted, form, output } => {
                let (wanted, person) = wanted.split();
                let is_csv = output.extension().is_some_and(|end| end.eq_ignore_ascii_case("csv"));
                let form = form.unwrap_or(if is_csv { ExportForm::Csv } else { ExportForm::Jsonl });
                let (file, by) = (folder.join(output), credentials(person, language)?);
                AuditCommand::Export { wanted, form, file, by }
            }
        })
    }
}
