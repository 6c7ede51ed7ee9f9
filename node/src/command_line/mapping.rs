//! `mapping`: its words, and what they ask for. No node need be set up.

use std::path::PathBuf;

use clap::Subcommand;

use super::Desk;
use crate::command::{DraftOrder, check_mapping, draft_mapping, list_mappings, show_mapping};
use crate::speech::Exit;

/// What can be asked about mapping files.
#[derive(Debug, Subcommand)]
pub enum MappingWords {
    /// 为一个文件起草映射；凡是猜测都标明“核对” Propose a mapping for a file, with every guess marked "check"
    Draft {
        /// 表格文件 The file (CSV, XLSX, XLS, ODS, JSON Lines)
        file: PathBuf,
        /// 记录类别；省略时取最相近的 The kind (ACH, IPR, DEAL, …); without it, the one the columns resemble most
        #[arg(long)]
        kind: Option<String>,
        /// 强制编码 Overrules the detected encoding
        #[arg(long, value_name = "NAME")]
        encoding: Option<String>,
        /// 覆盖已有文件 Replace a file of that name
        #[arg(long)]
        replace: bool,
        /// 写出的文件；省略时写到标准输出 The file to write; without it, standard output
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// 检查映射，并可用一个文件试读（不保存） Check a mapping, and try it on a file (nothing is kept)
    Check {
        /// 映射文件 The mapping
        mapping: PathBuf,
        /// 表格文件 A file to try it on
        file: Option<PathBuf>,
    },
    /// 列出自带的映射 List the mappings that ship
    List,
    /// 显示一个自带的映射 Show one of them
    Show {
        /// 名称 Its name
        name: String,
    },
}

impl Desk {
    pub(super) fn mapping(&self, words: MappingWords) -> Exit {
        match words {
            MappingWords::Draft { file, kind, encoding, replace, output } => {
                let (file, output) = (self.path(&file), output.map(|output| self.path(&output)));
                let order = DraftOrder { file, kind, encoding, replace, output };
                self.tell(|catalogue, speech| draft_mapping(catalogue, &order, speech))
            }
            MappingWords::Check { mapping, file } => {
                let (mapping, file) = (self.path(&mapping), file.map(|file| self.path(&file)));
                self.tell(|catalogue, speech| check_mapping(catalogue, &mapping, file.as_deref(), speech))
            }
            MappingWords::List => self.tell(list_mappings),
            MappingWords::Show { name } => {
                self.tell(|catalogue, speech| show_mapping(catalogue, &name, speech))
            }
        }
    }
}
