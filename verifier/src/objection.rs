//! Everything that keeps a verdict from being "verified": what is wrong, where, and how sure that makes us.

use std::error::Error;
use std::fmt;
use std::path::Path;

use safeharbor_core::audit::AuditFault;
use safeharbor_core::checkpoint::{ParseCheckpointFailed, VerifyCheckpointFailed};
use safeharbor_core::digest::Digest;
use safeharbor_core::entry::DecodeEntryFailed;
use safeharbor_core::fork::Fork;
use safeharbor_core::institution::Issuer;
use safeharbor_core::policy::PolicyNotMet;
use safeharbor_core::sdjwt::VerifySdJwtFailed;
use safeharbor_core::statement::{OpenFailed, ParseStatementFailed};
use safeharbor_core::tile::{BundleFailed, TileTreeFailed};
use safeharbor_core::tlog_proof::{ParseProofFailed, VerifyReceiptFailed};

use crate::language::Language;
use crate::log::ParseStateFailed;
use crate::output;
use crate::report::Verdict;
use crate::trust::TrustFailed;

/// A fault and where it was met.
#[derive(Debug)]
pub struct Objection {
    /// The file, where one is to blame.
    pub file: Option<String>,
    /// The log index of the entry, where one is to blame.
    pub index: Option<u64>,
    /// The file that was written as evidence.
    pub evidence: Option<String>,
    /// What is wrong.
    pub fault: Box<Fault>,
}

/// What keeps a verdict from being "verified".
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The file does not exist.
    #[error("the file is missing")]
    Missing,
    /// The file system refused.
    #[error("the file could not be read")]
    Unreadable(#[source] std::io::Error),
    /// Larger than its format allows.
    #[error("the file has more than the {0} bytes that it may have, so it was not read")]
    TooLarge(usize),
    /// A file that should be the base of trust cannot be.
    #[error("the file cannot serve as the base of trust")]
    Trust(#[source] TrustFailed),
    /// The token names a key that is not at hand.
    #[error("the token is signed with the key {0}, which is not among the keys at hand")]
    KeyMissing(String),
    /// The log has no statement with this number.
    #[error("statement {seq} of {issuer} is not among the {size} entries of the log")]
    NotLogged {
        /// Who made the statement.
        issuer: Issuer,
        /// Its number.
        seq: u64,
        /// The size of the log.
        size: u64,
    },

    /// The server did not answer, or not to the end.
    #[error("the server did not answer: {0}")]
    Unreachable(String),
    /// The server answered with something else than the file.
    #[error("the server answered with status {0}")]
    Status(u16),
    /// A file could not be written.
    #[error("the file could not be written")]
    Unwritable(#[source] std::io::Error),
    /// A state that was kept cannot be used.
    #[error("what was kept here before cannot be used: remove the file to begin again")]
    StateRefused(#[source] ParseStateFailed),
    /// The checkpoint in a state is none.
    #[error("the checkpoint that was kept is malformed: remove the state to begin again")]
    State(#[source] ParseCheckpointFailed),
    /// The state is that of another registry.
    #[error("the registry is {found:?}, what was kept here before is of {known:?}")]
    OtherRegistry {
        /// What the state is of.
        known: String,
        /// What was found.
        found: String,
    },
    /// The registry is smaller than it was.
    #[error("the registry has {found} entries, and {known} were verified before: it is behind, or was cut")]
    Behind {
        /// How many were verified before.
        known: u64,
        /// How many there are.
        found: u64,
    },

    /// Not UTF-8.
    #[error("the bytes are not UTF-8")]
    NotText(#[source] std::str::Utf8Error),
    /// Not a receipt.
    #[error("this is no receipt")]
    Proof(#[source] ParseProofFailed),
    /// A receipt that proves nothing.
    #[error("the receipt does not prove that this entry is in the registry")]
    Receipt(#[source] VerifyReceiptFailed),
    /// Not a registry entry.
    #[error("this is no registry entry")]
    Entry(#[source] DecodeEntryFailed),
    /// Not a statement.
    #[error("this is no statement")]
    Statement(#[source] ParseStatementFailed),
    /// A public entry whose lines are not those of the statement in it.
    #[error("the entry is not that of the statement in it")]
    Content,
    /// The statement is another one than that of the entry.
    #[error("the statement is not that of the entry: their {0} differ")]
    NotTied(&'static str),
    /// Revealed disclosures that are not the statement's.
    #[error("the disclosures do not belong to the statement")]
    Disclosures(#[source] OpenFailed),
    /// Not a verifiable SD-JWT.
    #[error("the token is refused")]
    Token(#[source] VerifySdJwtFailed),
    /// Something follows the last `~`.
    #[error("something follows the last ~, but statements carry no key binding")]
    Bound,
    /// The token does not say which key signed it.
    #[error("the token does not say which key signed it (kid)")]
    KeyUnnamed,
    /// A claim that may never be selectively disclosed.
    #[error("the disclosure of {0:?} poses as a claim of the envelope")]
    ReservedClaim(String),
    /// The key was not valid where the statement stands in the log.
    #[error("the key {key} of {issuer} is not valid for entry {index}")]
    KeyNotValid {
        /// Who made the statement.
        issuer: Issuer,
        /// The key's thumbprint.
        key: String,
        /// The log index of the statement.
        index: u64,
    },
    /// The log has another statement with this number.
    #[error("the log has another statement with number {seq} of {issuer}")]
    OtherLogged {
        /// Who made the statement.
        issuer: Issuer,
        /// Its number.
        seq: u64,
    },
    /// The checkpoint is not signed by the log's key.
    #[error("the checkpoint is not one of this log")]
    Checkpoint(#[source] VerifyCheckpointFailed),
    /// The checkpoint does not meet the policy.
    #[error("the checkpoint does not meet the policy")]
    Policy(#[source] PolicyNotMet),
    /// The first entry does not say whose registry this is.
    #[error("the first entry is not by a hub")]
    FirstEntry,
    /// An entry bundle is malformed.
    #[error("the entry bundle is malformed")]
    Bundle(#[source] BundleFailed),
    /// An entry does not belong where it stands.
    #[error("the entry does not belong where it stands")]
    Audit(#[source] AuditFault),
    /// A tile is not what the entries yield.
    #[error("hash {0} of the tile is not the one that the entries yield")]
    Tile(usize),
    /// A tile has not the length that the size of the log calls for.
    #[error("the tile has not the {expected} bytes that it must have, but {found}")]
    TileLength {
        /// What the size of the log calls for.
        expected: usize,
        /// What is there.
        found: usize,
    },
    /// Hashes that make no tree.
    #[error("the hashes make no tree")]
    Tree(#[source] TileTreeFailed),
    /// An entry is not the one that was signed over: its tile leads to the signed root, the entry does not.
    #[error("the entry is damaged: the signed root vouches for another one in its place")]
    EntryDamaged,
    /// An entry that was verified before is another one.
    #[error("the entry is another one than was verified here before")]
    Rewritten,
    /// Two checkpoints that no tree can have both.
    #[error(
        "the registry signed two histories: its checkpoint of {second} entries contradicts the one of {first} verified before"
    )]
    Forked {
        /// The size of the checkpoint verified before.
        first: u64,
        /// The size of the other.
        second: u64,
        /// What proves it.
        evidence: Box<Fork>,
    },
    /// The entries yield another root.
    #[error("the entries yield the root {found}, the checkpoint says {expected}")]
    Root {
        /// What the checkpoint says.
        expected: String,
        /// What the entries yield.
        found: String,
    },
    /// The registry is kept by another hub than the policy names.
    #[error("the registry is kept by {0}, whom the policy does not name")]
    HubUnknown(Issuer),
    /// The registry does not begin with the hub's key that the policy names.
    #[error("the first key of the hub is not the one that the policy names")]
    HubKey,
}

impl Fault {
    /// Places the fault in a file.
    pub fn in_file(self, file: impl fmt::Display) -> Objection {
        Objection { file: Some(file.to_string()), ..self.into() }
    }

    /// How sure the fault makes us.
    #[must_use]
    pub const fn verdict(&self) -> Verdict {
        match self {
            Self::Missing
            | Self::Unreadable(_)
            | Self::TooLarge(_)
            | Self::Trust(_)
            | Self::KeyMissing(_)
            | Self::Unreachable(_)
            | Self::Status(_)
            | Self::Unwritable(_)
            | Self::StateRefused(_)
            | Self::State(_)
            | Self::OtherRegistry { .. }
            | Self::NotLogged { .. } => Verdict::CouldNotTell,
            Self::NotText(_)
            | Self::Proof(_)
            | Self::Receipt(_)
            | Self::Entry(_)
            | Self::Statement(_)
            | Self::Content
            | Self::NotTied(_)
            | Self::Disclosures(_)
            | Self::Token(_)
            | Self::Bound
            | Self::KeyUnnamed
            | Self::ReservedClaim(_)
            | Self::KeyNotValid { .. }
            | Self::OtherLogged { .. }
            | Self::Checkpoint(_)
            | Self::Policy(_)
            | Self::FirstEntry
            | Self::Bundle(_)
            | Self::Audit(_)
            | Self::Tile(_)
            | Self::TileLength { .. }
            | Self::Tree(_)
            | Self::EntryDamaged
            | Self::Rewritten
            | Self::Forked { .. }
            | Self::Behind { .. }
            | Self::Root { .. }
            | Self::HubUnknown(_)
            | Self::HubKey => Verdict::Refuted,
        }
    }

    fn in_chinese(&self) -> String {
        match self {
            Self::Missing => "文件不存在".to_owned(),
            Self::Unreadable(_) => "文件无法读取".to_owned(),
            Self::TooLarge(bytes) => format!("文件超过其格式允许的 {bytes} 字节，未读取"),
            Self::Trust(_) => "该文件不能作为信任依据".to_owned(),
            Self::KeyMissing(key) => format!("令牌由密钥 {key} 签名，所给密钥中没有它"),
            Self::NotLogged { issuer, seq, size } => {
                format!("登记簿的 {size} 条目中没有 {issuer} 的第 {seq} 号声明")
            }
            Self::NotText(_) => "内容不是 UTF-8 文本".to_owned(),
            Self::Proof(_) => "这不是回执".to_owned(),
            Self::Receipt(_) => "回执不能证明该条目在登记簿中".to_owned(),
            Self::Entry(_) => "这不是登记簿条目".to_owned(),
            Self::Statement(_) => "这不是声明".to_owned(),
            Self::Content => "条目与其所载声明不符".to_owned(),
            Self::NotTied(what) => format!("声明与条目不是同一份：{what} 不同"),
            Self::Disclosures(_) => "所附披露不属于该声明".to_owned(),
            Self::Token(_) => "令牌被拒绝".to_owned(),
            Self::Bound => "最后一个 ~ 之后还有内容，而声明没有密钥绑定".to_owned(),
            Self::KeyUnnamed => "令牌没有写明签名密钥（kid）".to_owned(),
            Self::ReservedClaim(name) => format!("披露 {name:?} 冒充声明的固定字段"),
            Self::KeyNotValid { issuer, key, index } => {
                format!("{issuer} 的密钥 {key} 对第 {index} 条目无效")
            }
            Self::OtherLogged { issuer, seq } => format!("登记簿中 {issuer} 的第 {seq} 号是另一份声明"),
            Self::Checkpoint(_) => "检查点不属于该登记簿".to_owned(),
            Self::Policy(_) => "检查点不满足信任策略".to_owned(),
            Self::FirstEntry => "首个条目不是枢纽所作".to_owned(),
            Self::Bundle(_) => "条目文件格式错误".to_owned(),
            Self::Audit(_) => "条目不应出现在此处".to_owned(),
            Self::Tile(at) => format!("瓦片的第 {at} 个哈希与条目算出的不同"),
            Self::TileLength { expected, found } => format!("瓦片应有 {expected} 字节，实有 {found} 字节"),
            Self::Tree(_) => "这些哈希不构成树".to_owned(),
            Self::EntryDamaged => "条目已损坏：签名树根证明此处应是另一条目".to_owned(),
            Self::Rewritten => "该条目与此前在此验证过的不同".to_owned(),
            Self::Forked { first, second, .. } => {
                format!("登记簿签了两套历史：{second} 条的检查点与此前验证的 {first} 条的检查点相矛盾")
            }
            Self::Unreachable(why) => format!("服务器没有回应：{why}"),
            Self::Status(status) => format!("服务器回应状态 {status}"),
            Self::Unwritable(_) => "文件无法写入".to_owned(),
            Self::StateRefused(_) => "此前保存的进度不能使用：删除该文件即可重新开始".to_owned(),
            Self::State(_) => "所保存的检查点格式错误：删除进度文件即可重新开始".to_owned(),
            Self::OtherRegistry { known, found } => {
                format!("登记簿是 {found:?}，而此前保存的进度属于 {known:?}")
            }
            Self::Behind { known, found } => {
                format!("登记簿有 {found} 条，而此前验证过 {known} 条：它落后了，或被截短")
            }
            Self::Root { expected, found } => format!("条目算出的树根是 {found}，检查点写的是 {expected}"),
            Self::HubUnknown(hub) => format!("登记簿由 {hub} 维护，信任策略没有列出它"),
            Self::HubKey => "枢纽的首个密钥不是信任策略所列的密钥".to_owned(),
        }
    }
}

impl From<Fault> for Objection {
    fn from(fault: Fault) -> Self {
        Self { file: None, index: None, evidence: None, fault: Box::new(fault) }
    }
}

impl Objection {
    /// Places the objection at an entry of the log.
    #[must_use]
    pub fn at_index(self, index: u64) -> Self {
        Self { index: Some(index), ..self }
    }

    /// Writes the evidence that the fault holds into `folder`, and says where. Where that fails, the fault stands all the same.
    #[must_use]
    pub fn keep_evidence(self, folder: &Path) -> Self {
        let Fault::Forked { evidence, .. } = self.fault.as_ref() else { return self };
        let text = evidence.to_string();
        let name: String = Digest::of(text.as_bytes()).to_string().chars().take(12).collect();
        let path = folder.join(format!("fork-{name}.evidence"));
        match output::write_durably(&path, text.as_bytes()) {
            Ok(()) => Self { evidence: Some(path.display().to_string()), ..self },
            Err(_unwritable) => self,
        }
    }

    /// How sure the objection makes us.
    #[must_use]
    pub const fn verdict(&self) -> Verdict {
        self.fault.verdict()
    }

    /// The fault in one language; its causes are in English only.
    #[must_use]
    pub fn reason(&self, language: Language) -> String {
        match language {
            Language::English => self.fault.to_string(),
            Language::Chinese => self.fault.in_chinese(),
        }
    }

    /// What lies behind the fault, from the nearest cause to the first.
    #[must_use]
    pub fn causes(&self) -> Vec<String> {
        let mut causes = Vec::new();
        let mut cause = self.fault.source();
        while let Some(nearest) = cause {
            causes.push(nearest.to_string());
            cause = nearest.source();
        }
        causes
    }
}
