//! What evidence proves, in words for somebody who has never seen a registry.

use safeharbor_core::b64;
use safeharbor_core::fork::ProvenFork;
use safeharbor_core::note::VerifierKey;
use safeharbor_core::statement::Statement;
use serde::Serialize;

use crate::report::{Describe, Page};

/// What evidence proves.
#[derive(Debug, Serialize)]
pub struct EvidenceReport {
    #[serde(flatten)]
    proven: Proven,
}

/// What is proven.
#[derive(Debug, Serialize)]
#[serde(tag = "proven", rename_all = "kebab-case")]
pub enum Proven {
    /// A registry signed two histories.
    RegistryForked {
        /// The registry.
        origin: String,
        /// The key that signed both.
        key: String,
        /// The smaller size.
        first_size: u64,
        /// The root signed for it.
        first_root: String,
        /// The larger size, or the same.
        second_size: u64,
        /// The root signed for that.
        second_root: String,
        /// The root that the second history had at the first size.
        other_root: String,
        /// How many hashes lead from the one size to the other.
        hashes: usize,
    },
    /// An institution signed two statements of one number.
    StatementsForked {
        /// The institution.
        issuer: String,
        /// The number.
        seq: u64,
        /// The digest of the first.
        first_digest: String,
        /// The key that signed it.
        first_key: String,
        /// The digest of the second.
        second_digest: String,
        /// The key that signed that.
        second_key: String,
    },
}

impl EvidenceReport {
    pub(super) fn of_registry(log: &VerifierKey, proven: &ProvenFork, hashes: usize) -> Self {
        let root = |root: safeharbor_core::digest::Digest| b64::encode_std(root.as_bytes());
        Self {
            proven: Proven::RegistryForked {
                origin: log.name().to_owned(),
                key: log.to_string(),
                first_size: proven.first.size,
                first_root: root(proven.first.root),
                second_size: proven.second.size,
                second_root: root(proven.second.root),
                other_root: root(proven.other_root),
                hashes,
            },
        }
    }

    pub(super) fn of_statements(
        (first, first_key): (&Statement<'_>, String),
        (second, second_key): (&Statement<'_>, String),
    ) -> Self {
        Self {
            proven: Proven::StatementsForked {
                issuer: first.envelope.iss.to_string(),
                seq: first.envelope.seq,
                first_digest: first.digest.to_string(),
                first_key,
                second_digest: second.digest.to_string(),
                second_key,
            },
        }
    }
}

impl Describe for EvidenceReport {
    const COMMAND: &'static str = "evidence";

    fn describe(&self, page: &mut Page) {
        match &self.proven {
            Proven::RegistryForked {
                origin,
                key,
                first_size,
                first_root,
                second_size,
                second_root,
                other_root,
                hashes,
            } => {
                page.field(
                    "proven",
                    "已证明",
                    page.language().pick("the registry signed two histories", "登记簿签署了两套历史"),
                );
                page.field("registry", "登记簿", origin);
                page.field("by the key", "签名密钥", key);
                page.field("first note", "第一份检查点", format!("{first_size} · {first_root}"));
                page.field("second note", "第二份检查点", format!("{second_size} · {second_root}"));
                if hashes > &0 {
                    page.field("the second then", "第二套当时的树根", format!("{first_size} · {other_root}"));
                }
                describe_registry(page, *first_size, *hashes);
            }
            Proven::StatementsForked { issuer, seq, first_digest, first_key, second_digest, second_key } => {
                page.field(
                    "proven",
                    "已证明",
                    page.language()
                        .pick("two statements were signed for one number", "同一编号签署了两份声明"),
                );
                page.field("institution", "参与单位", issuer);
                page.field("number", "序号", seq);
                page.field("first", "第一份", format!("{first_digest} · {first_key}"));
                page.field("second", "第二份", format!("{second_digest} · {second_key}"));
                describe_statements(page);
            }
        }
    }
}

fn describe_registry(page: &mut Page, first_size: u64, hashes: usize) {
    let language = page.language();
    page.line(language.pick(
        "What this means: a registry is one list that only grows, and a root is the fingerprint of the whole list at one length. Whoever holds \
         the key above signed two fingerprints that no single list can have. It showed one history to some and another to others, or \
         changed what was there. It says nothing about which of the two is right, nor about anyone who only cosigned one of them.",
        "含义：登记簿是只增不改的一份清单，树根是清单在某一长度时的整体指纹。持有上述密钥者签署了任何一份清单都不可能同时具有的两个指纹：\
         要么向不同的人出示了不同的历史，要么改动了已有内容。它不说明哪一套是对的，也不涉及只见证了其中一份的人。",
    ));
    page.line(language.pick(
        "By hand: (1) Get the registry's key from somebody you trust; it must be the one above. (2) Each note is its text up to the empty line, \
         then lines `— name base64`: drop the first four bytes of the registry's base64, the rest is the Ed25519 signature of the text.",
        "手工核对：（1）从可信之处取得登记簿密钥，应与上面的一致。（2）每份检查点先是正文（至空行为止），其后各行为“— 名称 base64”：\
         登记簿那一行的 base64 去掉前四个字节，即为正文的 Ed25519 签名。",
    ));
    if hashes == 0 {
        page.line(language.pick(
            "(3) In both texts line 2, the number of entries, is the same and line 3, the root, is not. That is all of the proof.",
            "（3）两份正文的第二行（条目数）相同，第三行（树根）不同。证明到此为止。",
        ));
    } else {
        let english = format!(
            "(3) The base64 lines before the notes are hashes of the second list, in the order of RFC 9162 section 2.1.4.2, beginning with the \
             largest complete subtree on the right edge of the first {first_size} entries. Hashed together as said there they give the root in \
             the second note, and for the first {first_size} entries the root named above as the second's, which is not that in the first note."
        );
        let chinese = format!(
            "（3）检查点之前的 base64 各行是第二套清单的哈希，顺序见 RFC 9162 第 2.1.4.2 节，以前 {first_size} 条右缘上最大的完整子树开头。\
             照该节合并，得到第二份检查点的树根；而前 {first_size} 条的树根是上面“第二套当时的树根”，与第一份检查点所签的不同。"
        );
        page.line(if language == crate::language::Language::English { &english } else { &chinese });
    }
}

fn describe_statements(page: &mut Page) {
    let language = page.language();
    page.line(language.pick(
        "What this means: every statement of an institution has a number of its own, and the next one names the digest of the one before. \
         Whoever holds the key above signed two different statements for the same number. That happens when a node was copied or restored \
         and ran twice, or when somebody else has the key. The first one logged stands; a person decides what follows.",
        "含义：参与单位的每份声明有自己的编号，后一份写有前一份的摘要。持有上述密钥者为同一编号签署了两份不同的声明。\
         节点被复制或恢复后同时运行，或密钥落入他人之手，都会如此。先登记的一份有效，后续由人决定。",
    ));
    page.line(language.pick(
        "By hand: each file up to the first `~` is a JWS of three parts joined by dots. Decode the second part (base64url): `iss` and `seq` are \
         the same in both. The third part is the Ed25519 signature of the first two with their dot. The digest is the SHA-256 of the JWS followed by `~`.",
        "手工核对：每个文件第一个“~”之前是用点连接的三段 JWS。解码第二段（base64url）：两份的 iss 与 seq 相同。第三段是前两段（连同其间的点）的 Ed25519 签名。\
         摘要是 JWS 后接“~”的 SHA-256。",
    ));
}
