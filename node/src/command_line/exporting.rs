//! `export`: its words, and what they ask for.

use std::path::PathBuf;

use clap::Subcommand;

use super::Desk;
use crate::command::{Command, LayoutOrder};
use crate::speech::Exit;

/// What can be exported.
#[derive(Debug, Subcommand)]
pub enum ExportWords {
    /// 某一类别的记录（CSV、XLSX、JSON Lines，可原样导回），或全部记录；含不得外传的内容
    ///
    /// The records of a kind as CSV, XLSX or JSON Lines, to be imported again without a mapping, or all records as JSON
    /// Lines; they hold what must not leave. The form is that of the file's name, or --format. CERIF-XML (.xml) of
    /// achievements and rights is for other systems and holds what is public alone.
    Records {
        /// 记录类别 The kind (ACH, IPR, DEAL, …); without it all records, as JSON Lines
        #[arg(long)]
        kind: Option<String>,
        /// 覆盖已有文件 Replace a file of that name
        #[arg(long)]
        replace: bool,
        /// 写出的文件 The file to write
        #[arg(short, long, value_name = "FILE")]
        output: PathBuf,
    },
    /// 成果登记表 R、转化年度报告 Y（非官方表样），并列出未能填写的项
    ///
    /// The statutory forms R (registration of an achievement) and Y (annual report), filled in from stored records, not
    /// official, with what could not be filled in.
    Layout {
        /// R 或 Y R or Y
        name: String,
        /// 报告年度 The year of the report
        #[arg(long, value_parser = clap::value_parser!(i16).range(1900..2200))]
        year: Option<i16>,
        /// 为该记录单列一张表，可重复；不写则为全部 The records that get a sheet each; all without it
        #[arg(long, value_name = "RECORD")]
        record: Vec<String>,
        /// 用您自己的表样代替 Your own layout in its place
        #[arg(long, value_name = "FILE")]
        layout: Option<PathBuf>,
        /// 覆盖已有文件 Replace a file of that name
        #[arg(long)]
        replace: bool,
        /// 写出的文件（.xlsx）The file to write (.xlsx)
        #[arg(short, long, value_name = "FILE")]
        output: PathBuf,
    },
    /// 全部回执，每份附条目与声明 All receipts, each with its entry and statement
    Receipts {
        /// 写出的目录 The folder to write
        #[arg(short, long, value_name = "DIR")]
        output: PathBuf,
    },
}

impl Desk {
    pub(super) fn export(&self, words: ExportWords) -> Exit {
        match words {
            ExportWords::Records { kind, replace, output } => {
                let file = self.path(&output);
                self.deliver(Command::ExportRecords { file, kind, form: self.form, replace })
            }
            ExportWords::Layout { name, year, record: records, layout, replace, output } => {
                let text = match layout.map(|file| self.text_of(&self.path(&file))).transpose() {
                    Ok(text) => text,
                    Err(failed) => return self.refuse(&failed),
                };
                let file = self.path(&output);
                self.deliver(Command::ExportLayout(LayoutOrder { name, text, year, records, file, replace }))
            }
            ExportWords::Receipts { output } => {
                self.deliver(Command::ExportReceipts { folder: self.path(&output) })
            }
        }
    }
}
