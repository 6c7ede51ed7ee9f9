//! Why a node did not join, and what the person does about it.

use std::io;
use std::path::{Path, PathBuf};

use rustls::CertificateError;
use safeharbor_certs::invitation::ParseInvitationFailed;
use safeharbor_certs::request::CreateRequestFailed;
use safeharbor_certs::tls::ConfigureTlsFailed;
use safeharbor_core::code::{Code, Fault};
use safeharbor_core::institution::InstitutionCode;
use safeharbor_core::key::SignFailed;
use safeharbor_core::note::NoteFailed;
use safeharbor_service::audit::AuditFailed;
use safeharbor_service::durable_file::WriteFailed;
use safeharbor_service::folder::OpenFolderFailed;
use safeharbor_service::key_file::{CreateKeyFailed, LoadKeyFailed};
use tonic::Status;

use crate::membership::MembershipFailed;
use crate::opening::OpenFailed;
use crate::speech::{Exit, Language, chain_of, moment};
use crate::sync::{ConnectorFailed, LoadDialFailed, clean};

/// A node did not join.
#[derive(Debug, thiserror::Error)]
pub enum JoinFailed {
    /// The token is none, or damaged.
    #[error(transparent)]
    Token(#[from] ParseInvitationFailed),
    /// There is no token, neither given nor kept.
    #[error("there is no invitation to take up")]
    NoInvitation,
    /// The node is a member of another hub.
    #[error("this node is a member of the hub {0}, and the invitation is another hub's")]
    OtherHub(String),
    /// The node is a member, by another invitation.
    #[error("this node is a member already, by another invitation")]
    OtherInvitation,
    /// The folder is another institution's.
    #[error("this is the node of {found}, not of {wanted}")]
    OtherInstitution {
        /// Whose folder it is.
        found: InstitutionCode,
        /// Whom the invitation was for.
        wanted: InstitutionCode,
    },
    /// The hub cannot be reached.
    #[error("there is no connection to {address}: {why}")]
    Unreachable {
        /// What was dialled.
        address: String,
        /// What went wrong, with its causes.
        why: String,
    },
    /// Who answers is not the hub of the invitation.
    #[error("who answers at {0} is not the hub of this invitation: its authority has another fingerprint")]
    WrongHub(String),
    /// Who answers does not have the name of the hub.
    #[error("the certificate at {0} does not carry the name in the invitation")]
    WrongName(String),
    /// The hub's certificate is not valid at this machine's time.
    #[error("the certificate of the hub is not valid at the time of this machine")]
    OutOfTime,
    /// The two clocks are too far apart.
    #[error("the clock of this machine says {}, that of the hub {}", moment(*ours_ms), moment(*theirs_ms))]
    Clock {
        /// This machine's time.
        ours_ms: u64,
        /// The hub's.
        theirs_ms: u64,
    },
    /// The hub does not answer.
    #[error("the hub at {0} does not answer")]
    Silent(String),
    /// What the hub says of itself cannot be understood.
    #[error("what the hub says of itself cannot be understood")]
    Greeting,
    /// The hub refuses.
    #[error("the hub refuses ({code}): {text}")]
    Refused {
        /// Why, as one of the stable codes.
        code: Code,
        /// What it says.
        text: String,
    },
    /// The hub's answer does not hold.
    #[error("the hub's answer is refused")]
    Membership(#[from] MembershipFailed),
    /// The audit log cannot be written.
    #[error("the audit log cannot be written")]
    Audit(#[from] AuditFailed),
    /// The data folder cannot be used.
    #[error("the data folder cannot be used")]
    Folder(#[from] OpenFolderFailed),
    /// The data folder cannot be read.
    #[error("the data folder cannot be opened")]
    Open(#[from] OpenFailed),
    /// A key cannot be made.
    #[error("a key cannot be made")]
    CreateKey(#[from] CreateKeyFailed),
    /// A key cannot be loaded.
    #[error("a key cannot be loaded")]
    LoadKey(#[from] LoadKeyFailed),
    /// A certificate request cannot be made.
    #[error("the certificate request cannot be made")]
    Request(#[from] CreateRequestFailed),
    /// A key refused to sign.
    #[error("a key cannot sign")]
    Sign(#[from] SignFailed),
    /// The witness key refused to sign.
    #[error("the witness key cannot sign")]
    Witness(#[source] NoteFailed),
    /// TLS cannot be set up.
    #[error("TLS cannot be set up")]
    Tls(#[from] ConfigureTlsFailed),
    /// The hub cannot be connected to by these settings.
    #[error("the hub cannot be connected to")]
    Connector(#[from] ConnectorFailed),
    /// The proxy cannot be used by these settings.
    #[error("the proxy cannot be used")]
    Dial(#[from] LoadDialFailed),
    /// A file cannot be written.
    #[error("a file cannot be written")]
    Write(#[from] WriteFailed),
    /// A file cannot be read or removed.
    #[error("{} cannot be used", path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// What is kept cannot be written as JSON.
    #[error("what is kept cannot be encoded")]
    Encode(#[source] serde_json::Error),
}

impl JoinFailed {
    /// Whether it takes another invitation to join.
    pub(super) fn is_of_the_invitation(&self) -> bool {
        let codes = [
            Code::InvitationUnknown,
            Code::InvitationExpired,
            Code::InvitationUsed,
            Code::InvitationWithdrawn,
            Code::InvitationSuperseded,
            Code::AlreadyMember,
        ];
        matches!(self, Self::WrongHub(_))
            || matches!(self, Self::Refused { code, .. } if codes.contains(code))
    }

    /// Whether the hub has no use for the keys that were made: the next attempt makes others. Whoever answers in its place cannot know; the
    /// hub may have taken the keys already, and its answer have been lost.
    pub(super) fn is_of_the_keys(&self) -> bool {
        matches!(self, Self::Refused { code, .. } if *code == Code::KeyInUse || self.is_of_the_invitation())
    }

    pub(super) fn read(path: &Path, source: io::Error) -> Self {
        Self::Read { path: path.to_owned(), source }
    }

    /// Why a connection did not come about.
    pub(super) fn connecting(address: &str, failed: &tonic::transport::Error) -> Self {
        match refused_by_tls(failed) {
            Some(CertificateError::UnknownIssuer | CertificateError::BadSignature) => {
                Self::WrongHub(address.to_owned())
            }
            Some(CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. }) => {
                Self::WrongName(address.to_owned())
            }
            Some(
                CertificateError::Expired
                | CertificateError::ExpiredContext { .. }
                | CertificateError::NotValidYet
                | CertificateError::NotValidYetContext { .. },
            ) => Self::OutOfTime,
            Some(_) | None => Self::Unreachable { address: address.to_owned(), why: chain_of(failed) },
        }
    }

    /// Why the hub did not do as asked.
    pub(super) fn refused(address: &str, status: &Status) -> Self {
        let (code, text) = status.message().split_once(':').unwrap_or((status.message(), ""));
        match code.parse() {
            Ok(code) => Self::Refused { code, text: clean(text.trim()) },
            Err(_) => Self::Unreachable { address: address.to_owned(), why: clean(status.message()) },
        }
    }

    /// Why, and what to do, for the person; and with which exit code.
    #[must_use]
    pub fn text(&self, language: Language) -> (Exit, String) {
        let later = if let Self::Refused { code, .. } = self {
            code.fault() == Fault::Later
        } else {
            matches!(self, Self::Unreachable { .. } | Self::Silent(_))
        };
        let exit = if later { Exit::Unavailable } else { Exit::Refused };
        (
            exit,
            language.pick(
                format!("{}（{}）", self.remedy().0, chain_of(self)),
                format!("{}. {}", chain_of(self), self.remedy().1),
            ),
        )
    }

    /// What to do, in Chinese and English.
    const fn remedy(&self) -> (&'static str, &'static str) {
        match self {
            Self::Token(_) => (
                "邀请码不完整或有改动：请重新完整复制。邀请码没有消耗。",
                "Copy the whole token again; it is not used up.",
            ),
            Self::NoInvitation => ("没有邀请码：请向枢纽索取。", "Ask the hub's operator for an invitation."),
            Self::OtherInvitation => (
                "邀请码没有消耗。如声明密钥已丢失或已失效，枢纽为重新登记发出了此邀请：用 join --re-enrol，记录保留，换用新密钥；否则无需再次入网。",
                "The invitation is not used up. If the statement key was lost or ended and the hub made this one for a re-enrolment: `join --re-enrol`, which keeps the records and makes fresh keys. Otherwise there is nothing to do.",
            ),
            Self::OtherHub(_) | Self::OtherInstitution { .. } => (
                "本目录已属于另一家枢纽或单位：请另用一个数据目录（--data）。",
                "Use another data folder (--data).",
            ),
            Self::Unreachable { .. } | Self::Silent(_) => (
                "连接不上枢纽：请检查域名解析、端口和代理，用 doctor 查明原因，然后再次运行 join；邀请码没有消耗。",
                "Check the name (DNS), the port and the proxy; `doctor` says which it is. Then run `join` again: the invitation is not used up.",
            ),
            Self::WrongHub(_) => (
                "应答的不是邀请码所指的枢纽：可能是地址有误，或连接被中途截取；用 doctor 查看是谁，不要继续。",
                "The address is wrong, or somebody stands between: `doctor` says who. Nothing was sent to them.",
            ),
            Self::WrongName(_) => (
                "证书上没有邀请码中的名称：请枢纽运行方检查其地址设置。",
                "The hub's operator has to check its public address.",
            ),
            Self::OutOfTime | Self::Clock { .. } => (
                "本机时钟不准：请校准（NTP）后再次运行 join。",
                "Set the clock of this machine (NTP), then run `join` again.",
            ),
            Self::Refused { code, .. } => refused_remedy(*code),
            Self::Membership(_) | Self::Greeting => (
                "枢纽的答复核验不通过，没有采用：请告知枢纽运行方。",
                "Nothing of it was kept; tell the hub's operator.",
            ),
            Self::Folder(_)
            | Self::Audit(_)
            | Self::Open(_)
            | Self::CreateKey(_)
            | Self::LoadKey(_)
            | Self::Request(_)
            | Self::Sign(_)
            | Self::Witness(_)
            | Self::Tls(_)
            | Self::Connector(_)
            | Self::Dial(_)
            | Self::Write(_)
            | Self::Read { .. }
            | Self::Encode(_) => {
                ("本机未能完成；排除原因后再次运行 join。", "Put this right, then run `join` again.")
            }
        }
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "other codes are answered by the hub's own text")]
const fn refused_remedy(code: Code) -> (&'static str, &'static str) {
    match code {
        Code::InvitationUnknown => (
            "这家枢纽没有发出过这份邀请：请核对是哪一家枢纽的邀请码。",
            "This hub made no such invitation: is the token another hub's?",
        ),
        Code::InvitationExpired => {
            ("邀请已过期：请向枢纽运行方另要一份。", "Ask the hub's operator for another invitation.")
        }
        Code::InvitationUsed => (
            "邀请码已被其他密钥用过：如不是本校的节点，请立即致电枢纽运行方。",
            "If that was not your node, call the hub's operator at once.",
        ),
        Code::InvitationWithdrawn => (
            "邀请已被收回：请使用最新的一份，或询问枢纽运行方。",
            "Use the newest one, or ask the hub's operator.",
        ),
        Code::InvitationSuperseded => (
            "邀请所指的密钥此后已被更换：如非本校所为，请立即致电枢纽运行方；仍需更换的，请其重新办理。",
            "If nobody here replaced that key, call the hub's operator at once.",
        ),
        Code::KeyInUse => (
            "本目录中的密钥已在枢纽用过：密钥或成员文件丢失的，用重新登记的邀请运行 join --re-enrol，换用新密钥。",
            "Keys in this folder were used before: where papers or keys were lost, `join --re-enrol` makes fresh ones, with an invitation for that.",
        ),
        Code::AlreadyMember => (
            "本单位已是成员，而这份邀请不是重新登记用的：密钥丢失的，请枢纽运行方经两人同意后发出重新登记的邀请（invite --re-enrol），再运行 join --re-enrol。",
            "This invitation is for no re-enrolment: where the key was lost, two persons at the hub decide (`invite --re-enrol`), and their invitation is for `join --re-enrol`.",
        ),
        _ => ("枢纽没有接受；邀请码没有消耗。", "The invitation is not used up."),
    }
}

/// What rustls found wrong with the server's certificate; I/O errors keep their inner error out of the chain of sources.
fn refused_by_tls(failed: &tonic::transport::Error) -> Option<&CertificateError> {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(failed);
    while let Some(error) = cause {
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        let found = inner.and_then(|inner| inner.downcast_ref::<rustls::Error>());
        if let Some(rustls::Error::InvalidCertificate(refused)) = found {
            return Some(refused);
        }
        cause = error.source();
    }
    None
}
