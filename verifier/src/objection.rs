//! Everything that keeps a verdict from being "verified": what is wrong, where, and how sure that makes us.

use std::error::Error;
use std::fmt;

use safeharbor_core::audit::AuditFault;
use safeharbor_core::checkpoint::VerifyCheckpointFailed;
use safeharbor_core::entry::DecodeEntryFailed;
use safeharbor_core::institution::Issuer;
use safeharbor_core::merkle::FrontierFailed;
use safeharbor_core::policy::PolicyNotMet;
use safeharbor_core::sdjwt::VerifySdJwtFailed;
use safeharbor_core::statement::{OpenFailed, ParseStatementFailed};
use safeharbor_core::tile::{BundleFailed, TileFailed};
use safeharbor_core::tlog_proof::{ParseProofFailed, VerifyReceiptFailed};

use crate::language::Language;
use crate::report::Verdict;
use crate::trust::TrustFailed;

/// A fault and where it was met.
#[derive(Debug)]
pub struct Objection {
    /// The file, where one is to blame.
    pub file: Option<String>,
    /// The log index of the entry, where one is to blame.
    pub index: Option<u64>,
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
    /// Hashes that make no tile.
    #[error("the hashes make no tile")]
    Hashes(#[source] TileFailed),
    /// Hashes that are no right edge of a tree.
    #[error("the hashes make no tree")]
    Edge(#[source] FrontierFailed),
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
            | Self::Hashes(_)
            | Self::Edge(_)
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
            Self::Hashes(_) => "这些哈希不构成瓦片".to_owned(),
            Self::Edge(_) => "这些哈希不构成树".to_owned(),
            Self::Root { expected, found } => format!("条目算出的树根是 {found}，检查点写的是 {expected}"),
            Self::HubUnknown(hub) => format!("登记簿由 {hub} 维护，信任策略没有列出它"),
            Self::HubKey => "枢纽的首个密钥不是信任策略所列的密钥".to_owned(),
        }
    }
}

impl From<Fault> for Objection {
    fn from(fault: Fault) -> Self {
        Self { file: None, index: None, fault: Box::new(fault) }
    }
}

impl Objection {
    /// Places the objection at an entry of the log.
    #[must_use]
    pub fn at_index(self, index: u64) -> Self {
        Self { index: Some(index), ..self }
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
