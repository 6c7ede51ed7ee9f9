//! The words of the command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use safeharbor_core::directory::InstitutionType;
use safeharbor_core::institution::InstitutionCode;
use safeharbor_service::audit::AuditWords;
use safeharbor_service::person::PersonWords;
use safeharbor_service::speech::{Format, Language};

use super::backing_up::BackupWords;
use super::joining::{AuthorityWords, InvitationWords, InviteWords, KeyWords};

/// The district hub of the Safe Harbour Gateway (安全港枢纽).
///
/// Exit codes: 0 done, 1 refused, 2 usage, 3 unavailable. Data goes to standard output, everything else to standard error.
#[derive(Debug, Parser)]
#[command(name = "safeharbor-hub", version)]
pub struct Arguments {
    /// 语言 Language [default: the locale's]
    #[arg(long, global = true, value_enum, value_name = "LANG")]
    pub lang: Option<Language>,
    /// 数据的形式 The form of data
    #[arg(long, global = true, value_enum, default_value_t, value_name = "FORMAT")]
    pub format: Format,
    /// The hub's data folder (数据目录)
    #[arg(long, global = true, value_name = "DIR", default_value = "hub-data")]
    pub data: PathBuf,
    /// What to do.
    #[command(subcommand)]
    pub words: Words,
}

/// What can be done.
#[derive(Debug, Subcommand)]
pub enum Words {
    /// Set a hub up in an empty or missing folder: keys, certificate authority, trust file (初始化)
    Init {
        /// The hub's host name; its issuer is https://NAME
        #[arg(long)]
        name: String,
        /// The registry's origin, a URL prefix without scheme [default: NAME/registry]
        #[arg(long)]
        origin: Option<String>,
        /// A further DNS name or IP address for the TLS certificate; may be given more than once
        #[arg(long = "dns", value_name = "NAME")]
        tls_names: Vec<String>,
    },
    /// Serve nodes and operators until told to stop (运行)
    Run {
        /// Where nodes connect [default: from settings.toml, else 127.0.0.1:7443]
        #[arg(long, value_name = "ADDRESS")]
        listen: Option<String>,
        /// Where operators look; keep it on loopback or a protected network [default: 127.0.0.1:7480]
        #[arg(long, value_name = "ADDRESS")]
        admin: Option<String>,
        /// Where nodes reach this hub from outside, HOST[:PORT]; goes into invitations [default: the first TLS name]
        #[arg(long, value_name = "ADDRESS")]
        public_address: Option<String>,
    },
    /// The roster, and the standing of institutions (参与单位)
    #[command(subcommand)]
    Institution(InstitutionWords),
    /// Make the token with which one institution's node joins; it alone goes to standard output (邀请)
    Invite(InviteWords),
    /// Invitations: what became of them, alarms (邀请码)
    #[command(subcommand)]
    Invitation(InvitationWords),
    /// Keys of institutions: the six words, confirming, ending (密钥)
    #[command(subcommand)]
    Key(KeyWords),
    /// Replace the certificate authority while every node stays connected (证书机构)
    #[command(subcommand)]
    Authority(AuthorityWords),
    /// 人员 Persons: accounts, roles, deputies, the first two administrators
    #[command(subcommand)]
    Person(PersonWords),
    /// 审计日志 The audit log: who did what
    #[command(subcommand)]
    Audit(AuditWords),
    /// Decide, as the second person, what another one proposed (两人决定)
    #[command(subcommand)]
    Proposal(ProposalWords),
    /// Backups: one encrypted file with all that this hub needs to come back (备份)
    #[command(subcommand)]
    Backup(BackupWords),
    /// Check this hub: what is wrong, why, and what to do (检查)
    Doctor,
    /// Derive everything again from the journal and compare it with what is stored, changing nothing; the hub must not be running (核对)
    #[command(
        after_help = "Exit codes: 0 all in order, 1 something is damaged (each with file, byte and entry), 2 usage, 3 the folder cannot be checked: a process has it, or it is no hub's."
    )]
    Fsck,
    /// Restore a backup into an empty or missing folder, named by --data (恢复)
    Restore {
        /// The backup
        file: PathBuf,
        /// The backup key that was saved elsewhere
        #[arg(long, value_name = "FILE")]
        identity: PathBuf,
        /// The newest checkpoint known outside: the public registry's `checkpoint`, or what `safeharbor-node checkpoint` prints
        #[arg(long, value_name = "NOTE")]
        checkpoint: Option<PathBuf>,
    },
    /// Catalogue versions: what there is, what another one changes, publishing it (目录版本)
    #[command(subcommand)]
    Catalogue(CatalogueWords),
    /// Make index and registry files again from the journal; the hub must not be running (重建)
    Rebuild,
}

/// What can be done with institutions; carried out by the running hub where there is one.
#[derive(Debug, Clone, Subcommand)]
pub enum InstitutionWords {
    /// Put an institution on the roster, or change what is said of it there (列入名册)
    Add(AddWords),
    /// Take in the official list of universities (教育部名单), as published in .xls; rows that changed are said
    Import {
        /// The file
        file: PathBuf,
        /// The administrator who imports it; their password is asked for
        #[arg(long, value_name = "NAME")]
        person: String,
    },
    /// List institutions
    List,
    /// Take no statements until reinstated; reading goes on
    Suspend {
        /// The 18-character code
        code: InstitutionCode,
        /// The administrator who decides; their password is asked for (决定人)
        #[arg(long, value_name = "NAME")]
        person: String,
    },
    /// Propose to take statements again; a second person approves
    Reinstate {
        /// The 18-character code
        code: InstitutionCode,
        /// The administrator who proposes it; their password is asked for (提出人)
        #[arg(long, value_name = "NAME")]
        person: String,
        /// Why, for whoever decides; up to 500 characters (理由)
        #[arg(long, default_value = "", hide_default_value = true, value_name = "TEXT")]
        reason: String,
    },
    /// Propose to take no statements for good; a second person approves
    Revoke {
        /// The 18-character code
        code: InstitutionCode,
        /// The administrator who proposes it; their password is asked for (提出人)
        #[arg(long, value_name = "NAME")]
        person: String,
        /// Why, for whoever decides; up to 500 characters (理由)
        #[arg(long, default_value = "", hide_default_value = true, value_name = "TEXT")]
        reason: String,
    },
}

/// What is said of an institution; what is not said stays as it is.
#[derive(Debug, Clone, Args)]
pub struct AddWords {
    /// Its name; may be given more than once, the official one first
    #[arg(long = "name", value_name = "NAME")]
    pub names: Vec<String>,
    /// What people call it, too; may be given more than once
    #[arg(long = "alias", value_name = "NAME")]
    pub aliases: Vec<String>,
    /// The id of its row [default: the code, else a number of its own]
    #[arg(long)]
    pub id: Option<String>,
    /// What it is [default: university]
    #[arg(long = "type", value_enum)]
    pub kind: Option<TypeArgument>,
    /// Whether it is in the district
    #[arg(long, value_name = "true|false")]
    pub in_district: Option<bool>,
    /// Whether it counts for the indicator G1
    #[arg(long, value_name = "true|false")]
    pub counts_for_g1: Option<bool>,
    /// Its 18-character code
    #[arg(long, value_name = "USCC")]
    pub code: Option<InstitutionCode>,
    /// The administrator who says so; their password is asked for
    #[arg(long, value_name = "NAME")]
    pub person: String,
}

/// What can be done with proposals.
#[derive(Debug, Clone, Subcommand)]
pub enum ProposalWords {
    /// List proposals and who may decide them
    List,
    /// Approve one as the second person: it is carried out at once
    Approve {
        /// Its number
        number: u32,
        /// The administrator who decides; their password is asked for (决定人)
        #[arg(long, value_name = "NAME")]
        person: String,
    },
    /// Decide against one that somebody else proposed (否决)
    Decline {
        /// Its number
        number: u32,
        /// Why, for whoever proposed it; up to 500 characters (理由)
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// The administrator who declines; their password is asked for
        #[arg(long, value_name = "NAME")]
        person: String,
    },
    /// Take one back that one proposed oneself (撤回)
    Withdraw {
        /// Its number
        number: u32,
        /// Whoever proposed it; their password is asked for
        #[arg(long, value_name = "NAME")]
        person: String,
    },
}

/// What can be done with catalogue versions; carried out by the running hub where there is one.
#[derive(Debug, Clone, Subcommand)]
pub enum CatalogueWords {
    /// List the versions: published ones first, in their order (列出各版本)
    List,
    /// Show what is in a version (查看)
    Show {
        /// Its digest, or how that begins [default: the one published last]
        #[arg(value_name = "CAT")]
        cat: Option<String>,
    },
    /// Check the files of a folder; nothing is kept (检查)
    Check {
        /// The folder, such as `catalogue/` of the repository
        #[arg(value_name = "FOLDER")]
        folder: PathBuf,
    },
    /// Say what a version would change against the one published last (比较)
    Diff {
        /// The folder
        #[arg(value_name = "FOLDER", required_unless_present = "embedded")]
        folder: Option<PathBuf>,
        /// The version compiled into this program instead of a folder
        #[arg(long, conflicts_with = "folder")]
        embedded: bool,
    },
    /// Propose to publish a version; a second person approves it with `proposal approve` (提议公布)
    Propose {
        /// The folder
        #[arg(value_name = "FOLDER", required_unless_present = "embedded")]
        folder: Option<PathBuf>,
        /// The version compiled into this program instead of a folder
        #[arg(long, conflicts_with = "folder")]
        embedded: bool,
        /// Which administrator proposes
        #[arg(long, value_name = "NAME")]
        person: String,
        /// Why, for whoever decides; up to 500 characters (理由)
        #[arg(long, default_value = "", hide_default_value = true, value_name = "TEXT")]
        reason: String,
    },
    /// Write the files of a version to a folder that is not there yet (导出)
    Export {
        /// Its digest, or how that begins
        #[arg(value_name = "CAT")]
        cat: String,
        /// The folder
        #[arg(short, long, value_name = "DIR")]
        output: PathBuf,
    },
}

/// The types of institutions, as words of the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TypeArgument {
    /// 高等学校
    University,
    /// 科研院所
    Institute,
    /// 医疗卫生机构
    Hospital,
    /// 国有企业
    StateOwnedEnterprise,
    /// 交易平台
    TradingPlatform,
    /// 园区或孵化器
    Park,
    /// 基金或银行
    Fund,
    /// 区级部门
    DistrictBureau,
}

impl From<TypeArgument> for InstitutionType {
    fn from(argument: TypeArgument) -> Self {
        match argument {
            TypeArgument::University => Self::University,
            TypeArgument::Institute => Self::Institute,
            TypeArgument::Hospital => Self::Hospital,
            TypeArgument::StateOwnedEnterprise => Self::StateOwnedEnterprise,
            TypeArgument::TradingPlatform => Self::TradingPlatform,
            TypeArgument::Park => Self::Park,
            TypeArgument::Fund => Self::Fund,
            TypeArgument::DistrictBureau => Self::DistrictBureau,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_institution_code_is_explained() {
        let words = ["safeharbor-hub", "institution", "suspend", "1", "--person", "x"];
        let refused = Arguments::try_parse_from(words).unwrap_err().to_string();
        assert!(refused.contains("18 characters"), "{refused}");
    }
}
