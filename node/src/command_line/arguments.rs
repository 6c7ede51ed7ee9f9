//! The words of the command line.

use std::path::PathBuf;

use clap::{ArgGroup, Args, Parser, Subcommand, ValueEnum};
use safeharbor_service::audit::AuditWords;
use safeharbor_service::person::PersonWords;

use super::backing_up::BackupWords;
use super::catalogue::CatalogueWords;
use super::examining::DoctorWords;
use super::exporting::ExportWords;
use super::joining::JoinWords;
use super::keys::KeyWords;
use super::mapping::MappingWords;
use super::recovering::RecoveryWords;
use crate::command::{Choice, ExportForm};
use crate::records::Links;
use crate::selection::Among;
use crate::speech::{Format, Language};

const EXIT_CODES: &str = "退出码 Exit codes:
  0  完成 done
  1  被拒绝或未全部完成 refused, or done in part (import: some rows were refused or in conflict)
  2  命令行或设置有误 the command line or the settings are wrong
  3  暂时无法完成或判断 unavailable: the folder is in use, the disk failed, the running node did not answer

数据写到标准输出，其余写到标准错误。密码只从终端或标准输入读取。
Data goes to standard output, all else to standard error. Passwords are read from the terminal or standard input only.
`run` 运行期间，其他命令由它执行。While `run` is active it carries out the other commands.";

/// 高校节点：记录留在本地，只有获准的内容离开。A university's node: records stay, only what was allowed leaves.
#[derive(Debug, Parser)]
#[command(name = "safeharbor-node", version, after_help = EXIT_CODES, max_term_width = 110)]
pub struct Arguments {
    /// 节点的数据目录 The node's data folder
    #[arg(long, global = true, value_name = "DIR", default_value = "safeharbor-node-data")]
    pub data: PathBuf,
    /// 语言 Language [default: the settings', otherwise the locale's]
    #[arg(long, global = true, value_enum, value_name = "LANG")]
    pub lang: Option<Language>,
    /// 数据的形式；csv、xlsx、jsonl、cerif 仅用于 export records The form of data; the last four are for `export records`
    #[arg(long, global = true, value_enum, default_value_t, value_name = "FORMAT")]
    pub format: FormatWord,
    /// What to do.
    #[command(subcommand)]
    pub words: Words,
}

/// A form of what a command says, or of the file that it writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum FormatWord {
    /// 供人阅读 For people
    #[default]
    Table,
    /// 供程序读取 For programs
    Json,
    /// 表格文本 A table as text, for `export records`
    Csv,
    /// 电子表格 A workbook, for `export records`
    Xlsx,
    /// JSON Lines, for `export records`
    Jsonl,
    /// CERIF-XML 供其他系统使用，只含已公开的内容 For other systems, what is public alone, for `export records`
    Cerif,
}

impl FormatWord {
    /// The form of what is said.
    pub(crate) const fn data(self) -> Format {
        match self {
            Self::Json => Format::Json,
            Self::Table | Self::Csv | Self::Xlsx | Self::Jsonl | Self::Cerif => Format::Table,
        }
    }

    /// The form of the file that is written, if it is one.
    pub(crate) const fn form(self) -> Option<ExportForm> {
        match self {
            Self::Csv => Some(ExportForm::Csv),
            Self::Xlsx => Some(ExportForm::Xlsx),
            Self::Jsonl => Some(ExportForm::JsonLines),
            Self::Cerif => Some(ExportForm::Cerif),
            Self::Table | Self::Json => None,
        }
    }
}

/// What can be asked of a node.
#[derive(Debug, Subcommand)]
pub enum Words {
    /// 凭邀请码入网 Join with the invitation that the hub made; running it again goes on where it stopped
    Join(JoinWords),
    /// 与枢纽同步 Keep in step with the hub
    Run {
        /// 同步完成后退出 End when in step
        #[arg(long)]
        once: bool,
    },
    /// 查看状态 How things stand
    Status,
    /// 检查节点和通往枢纽的网络 Check the node and its way to the hub: what is wrong, why, what to do
    Doctor(DoctorWords),
    /// 导入文件 Import a file (nothing leaves by importing unless the accepted policy says so)
    Import(ImportWords),
    /// 修改一条记录的字段 Change fields of a record by hand
    ///
    /// 例 For instance: edit ACH:A-1 name=石墨烯散热膜 funding=18 --person 王伟
    Edit {
        /// 记录柄、类别:主键 或 主键 A handle, KIND:key, or a key
        record: String,
        /// 字段=值，写法与模板相同（金额用万元）；值留空为清除 field=value as in a template (money in 万元); an empty value clears
        #[arg(required = true, value_name = "FIELD=VALUE")]
        changes: Vec<String>,
        /// 修改人 Who edits
        #[arg(long, value_name = "NAME")]
        person: String,
    },
    /// 查看一条记录的全部版本 Every revision of a record: when, from what, what changed
    History {
        /// 记录柄、类别:主键 或 主键 A handle, KIND:key, or a key
        record: String,
    },
    /// 写出某一类别的填报模板 Write an empty workbook of a kind to fill in; it imports without a mapping
    Template {
        /// 记录类别 The kind (ACH, IPR, DEAL, …)
        kind: String,
        /// 覆盖已有文件 Replace a file of that name
        #[arg(long)]
        replace: bool,
        /// 写出的文件（.xlsx）The file to write (.xlsx)
        #[arg(short, long, value_name = "FILE")]
        output: PathBuf,
    },
    /// 映射文件：起草、检查、查看自带的 Mapping files: draft one, check one, see those that ship
    #[command(subcommand)]
    Mapping(MappingWords),
    /// 按某列的值拆分文件 Split a file by the values of a column
    Split {
        /// 文件：CSV、XLSX、XLS、ODS、JSON Lines The file: CSV, XLSX, XLS, ODS or JSON Lines
        file: PathBuf,
        /// 映射文件 The mapping of its columns
        #[arg(long, value_name = "FILE")]
        mapping: PathBuf,
        /// 列名 The column
        #[arg(long, value_name = "COLUMN")]
        by: String,
        /// 写出的目录，含 index.json The folder to write, with an index.json
        #[arg(short, long, value_name = "DIR")]
        output: PathBuf,
    },
    /// 列出记录类别 List the kinds of records
    Kinds,
    /// 查看一个类别的字段 What the fields of a kind take, and how far they may go
    Kind {
        /// 类别 The kind, such as ACH
        id: String,
    },
    /// 列出记录 List records
    List {
        /// 只列某一类别 Only this kind; see `kinds`
        #[arg(long)]
        kind: Option<String>,
        /// 最多列出多少条 At most this many
        #[arg(long, default_value_t = 100)]
        limit: usize,
    },
    /// 查看什么离开、什么留下、依据何人：一条记录、一个类别或全部待发 What leaves, what stays, and on whose word
    #[command(visible_alias = "preview", group(ArgGroup::new("of").args(["record", "kind", "waiting"]).required(true).multiple(true)))]
    Show {
        /// 记录柄、类别:主键 或 主键 A handle, KIND:key, or a key that only one kind has
        #[arg(conflicts_with_all = ["kind", "waiting"])]
        record: Option<String>,
        /// 一个类别的全部记录 All records of this kind
        #[arg(long)]
        kind: Option<String>,
        /// 全部待发声明 Everything that waits to be sent
        #[arg(long)]
        waiting: bool,
        /// 最多列出多少条 List at most this many
        #[arg(long, default_value_t = 20)]
        limit: usize,
    },
    /// 已离开本节点的内容：声明、字段、依据、回执 What has left: statements, fields, on whose word, receipts
    Left {
        /// 只看某一类别 Only this kind
        #[arg(long)]
        kind: Option<String>,
        /// 自某日起 Only from this day on
        #[arg(long, value_name = "YYYY-MM-DD")]
        since: Option<String>,
    },
    /// 批准公开若干字段：一条记录，或一个类别中符合条件的全部记录 Let fields leave: of a record, or of all that fit
    Approve {
        #[command(flatten)]
        choice: ChoiceWords,
        /// 字段名，逗号分隔 Field names, separated by commas
        #[arg(long, value_delimiter = ',', required = true)]
        fields: Vec<String>,
        /// 批准人 Who approves
        #[arg(long, value_name = "NAME")]
        person: String,
        /// 只说明将离开什么，不批准 Only say what would leave
        #[arg(long)]
        dry_run: bool,
    },
    /// 驳回：现有内容不外传，直到变更 Reject: as it is it does not leave
    Reject {
        #[command(flatten)]
        choice: ChoiceWords,
        /// 理由，只保存在本节点 Why; kept here only
        #[arg(long)]
        reason: String,
        /// 驳回人 Who rejects
        #[arg(long, value_name = "NAME")]
        person: String,
    },
    /// 撤回已离开的值，并说明什么无法收回；记录仍在本节点 Take back what left; the record stays here
    Withdraw {
        /// 记录柄、类别:主键 或 主键 A handle, KIND:key, or a key
        record: String,
        /// 理由，只保存在本节点 Why; kept here only
        #[arg(long)]
        reason: String,
        /// 撤回人 Who withdraws
        #[arg(long, value_name = "NAME")]
        person: String,
    },
    /// 谁在何时批准、驳回、撤回了什么 Who approved, rejected or withdrew what, and when
    Approvals {
        /// 只看一条记录 Only about this record
        record: Option<String>,
        /// 只看某人 Only by this person
        #[arg(long, value_name = "NAME")]
        person: Option<String>,
        /// 自某日起 Only from this day on
        #[arg(long, value_name = "YYYY-MM-DD")]
        since: Option<String>,
    },
    /// 删除一条记录，并说明什么无法收回 Erase a record, and say what cannot be recalled
    Erase {
        /// 记录柄、类别:主键 或 主键 A handle, KIND:key, or a key
        record: String,
        /// 删除人 Who erases
        #[arg(long, value_name = "NAME")]
        person: String,
    },
    /// 披露政策 The disclosure policy
    #[command(subcommand)]
    Policy(PolicyWords),
    /// 目录版本：在用的、枢纽提供的、差别、接受 Catalogue versions: in use, offered by the hub, what they change, accepting one
    #[command(subcommand)]
    Catalogue(CatalogueWords),
    /// 人员 Persons
    #[command(subcommand)]
    Person(PersonWords),
    /// 审计日志 The audit log: who did what
    #[command(subcommand)]
    Audit(AuditWords),
    /// 导出 Export
    #[command(subcommand)]
    Export(ExportWords),
    /// 连接器：定时采集的来源 Connectors: sources that records come from by themselves
    #[command(subcommand)]
    Connector(ConnectorWords),
    /// 列出任务（连接器的运行） List jobs: the runs of connectors
    Jobs {
        /// 只列某一连接器的 Only of this connector
        #[arg(long, value_name = "NAME")]
        connector: Option<String>,
        /// 最多列出多少个 At most this many
        #[arg(long, default_value_t = 20)]
        limit: usize,
    },
    /// 查看一个任务的日志、计数和文件 The log, counts and files of one job
    Job {
        /// 任务编号 Its number
        id: String,
        /// 重新执行 Do it again
        #[arg(long)]
        run_again: bool,
    },
    /// 密钥：查看本单位的密钥及其在登记簿中的位置，更换声明密钥 Keys: where they stand in the registry, and replacing the statement key
    #[command(subcommand)]
    Key(KeyWords),
    /// 备份：加密的一个文件，含恢复本节点所需的全部内容 Backups: one encrypted file with all that this node needs to come back
    #[command(subcommand)]
    Backup(BackupWords),
    /// 从备份恢复到空目录（--data） Restore a backup into an empty or missing folder (--data)
    Restore {
        /// 备份文件 The backup
        file: PathBuf,
        /// 另存的备份密钥 The backup key that was saved elsewhere
        #[arg(long, value_name = "FILE")]
        identity: PathBuf,
    },
    /// 打印本节点最近核验过的登记簿检查点，恢复枢纽时需要 Print the newest checkpoint this node verified; restoring the hub takes it
    Checkpoint,
    /// 丢失数据后：哪些声明过的记录尚未重新关联 After a loss: which stated records are not linked again
    Recovery {
        #[command(subcommand)]
        words: Option<RecoveryWords>,
    },
    /// 查明分叉或登记簿矛盾后恢复同步 Go on after a fork or a contradicting registry stopped the node
    Resume {
        /// 作出决定的管理员 The administrator who decided
        #[arg(long, value_name = "NAME")]
        person: String,
    },
}

/// One record, or those of a kind that fit.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("choice").args(["record", "kind"]).required(true)))]
pub struct ChoiceWords {
    /// 记录柄、类别:主键 或 主键 A handle, KIND:key, or a key
    pub record: Option<String>,
    /// 一个类别中符合条件的全部记录 All records of this kind that fit
    #[arg(long)]
    pub kind: Option<String>,
    /// 条件，可多次：字段=值、字段=甲|乙、日期字段=2020-01-01..2020-12-31、published
    /// A condition, repeatable: field=value, field=one|another, date=from..to, published
    #[arg(long = "where", value_name = "CONDITION", requires = "kind")]
    pub conditions: Vec<String>,
    /// 在哪些记录之中 Among which records
    #[arg(long = "state", value_enum, default_value_t, requires = "kind")]
    pub among: Among,
}

impl ChoiceWords {
    /// As the node takes it.
    #[must_use]
    pub fn into_choice(self) -> Choice {
        let Self { record, kind, conditions, among } = self;
        match (record, kind) {
            (_, Some(kind)) => Choice::Set(crate::command::Words { kind, conditions, among }),
            (record, None) => Choice::Record(record.unwrap_or_default()),
        }
    }
}

/// What can be said about an import.
#[derive(Debug, Args)]
pub struct ImportWords {
    /// 要导入的文件 The file
    pub file: PathBuf,
    /// 映射文件；本节点导出的文件和填好的模板不需要 The mapping of its columns; exports and filled-in templates need none
    #[arg(long, value_name = "FILE")]
    pub mapping: Option<PathBuf>,
    /// 记录类别，仅在没有映射文件而表头不能判明时 The kind, where there is no mapping and the header does not tell
    #[arg(long, conflicts_with = "mapping")]
    pub kind: Option<String>,
    /// 强制编码 Overrules the detected encoding: auto, utf-8, gbk, gb18030, utf-16le, utf-16be, cp1252
    #[arg(long, value_name = "NAME")]
    pub encoding: Option<String>,
    /// 只检查，不保存 Check by the same rules and keep nothing
    #[arg(long)]
    pub dry_run: bool,
    /// 拒收的行写入此文件，改正后可再导入；默认为当前目录的 文件名-rejected.csv
    /// Where rejected rows go, to be corrected and imported again [default: NAME-rejected.csv in the current folder]
    #[arg(long, value_name = "FILE")]
    pub rejects: Option<PathBuf>,
    /// 来源名称；同一来源的文件互相比对缺失的记录，默认为文件名
    /// What the records are from: files of one source are compared for absent records [default: the file's name]
    #[arg(long, value_name = "NAME")]
    pub source: Option<String>,
    /// 所引用的记录不存在时 What becomes of rows that name records which are not here
    #[arg(long, value_enum, default_value_t)]
    pub links: Links,
    /// 与本节点的修改冲突时以文件为准 Where the file contradicts a change made here, the file is right
    #[arg(long, requires = "person")]
    pub take_file: bool,
    /// 导入人；含删除行（DELETE）或 --take-file 时必填 Who imports; needed for rows that delete, and for --take-file
    #[arg(long, value_name = "NAME")]
    pub person: Option<String>,
}

/// What can be asked about the policy.
#[derive(Debug, Subcommand)]
pub enum PolicyWords {
    /// 查看现行政策 Show the policy in force
    Show,
    /// 历次接受的政策 Who accepted which policies, and when
    History,
    /// 检查一份政策并逐类说明其含义 Check a policy and say what it means for each kind
    Check {
        /// 政策文件 The policy file
        file: PathBuf,
    },
    /// 与现行政策相比有何变化 What a policy would change against the one in force
    Diff {
        /// 政策文件 The policy file
        file: PathBuf,
    },
    /// 说明将有何变化，然后接受 Say what would change, then accept
    Accept {
        /// 政策文件 The policy file
        file: PathBuf,
        /// 接受人 Who accepts
        #[arg(long, value_name = "NAME")]
        person: String,
    },
}

/// What can be asked about connectors.
#[derive(Debug, Subcommand)]
pub enum ConnectorWords {
    /// 说明将做什么，然后添加 Say what it would do, then add it, in place of the one of that name
    Add {
        /// 名称 Its name
        name: String,
        /// 说明文件（TOML） The declaration, see docs/connectors.md
        file: PathBuf,
        /// 以何人名义（审批或管理员） On whose word (approver or administrator)
        #[arg(long, value_name = "NAME")]
        person: String,
    },
    /// 列出连接器 List connectors
    List,
    /// 移除；已带来的记录保留 Remove one; what it brought stays
    Remove {
        /// 名称 Its name
        name: String,
        /// 何人移除 Who removes it
        #[arg(long, value_name = "NAME")]
        person: String,
    },
    /// 立即运行一次 Run one at once
    Run {
        /// 名称 Its name
        name: String,
    },
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_words_are_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn the_data_folder_may_stand_behind_the_words() {
        let arguments =
            Arguments::try_parse_from(["safeharbor-node", "policy", "show", "--data", "x"]).unwrap();
        assert_eq!(arguments.data, PathBuf::from("x"));
        assert!(matches!(arguments.words, Words::Policy(PolicyWords::Show)));
    }

    #[test]
    fn help_tells_the_exit_codes() {
        let help = Arguments::command().render_long_help().to_string();
        assert!(help.contains("Exit codes"), "{help}");
    }
}
