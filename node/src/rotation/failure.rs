//! Why a statement key was not rotated, or not yet, and what the person does about it.

use safeharbor_core::code::Code;
use safeharbor_core::key::SignFailed;
use safeharbor_service::audit::AuditFailed;
use safeharbor_service::durable_file::WriteFailed;
use safeharbor_service::key_file::{CreateKeyFailed, LoadKeyFailed};
use safeharbor_service::store::StoreFailed;

use crate::chain::ChainFailed;
use crate::enrolment::{AnswerFailed, ReachFailed};
use crate::membership::MembershipFailed;
use crate::speech::Language;

/// The statement key was not rotated, or it is not known yet whether it was.
#[derive(Debug, thiserror::Error)]
pub enum RotateFailed {
    /// The node is no member.
    #[error("the node is no member of a hub")]
    NoMember,
    /// Numbered statements are not acknowledged.
    #[error("the hub has not acknowledged the last {waiting} statements")]
    Undrained {
        /// How many.
        waiting: u64,
    },
    /// The membership cannot be read, kept or believed.
    #[error(transparent)]
    Membership(#[from] MembershipFailed),
    /// The chain cannot be read.
    #[error(transparent)]
    Chain(#[from] ChainFailed),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreFailed),
    /// The next key cannot be made.
    #[error("the next key cannot be made")]
    CreateKey(#[from] CreateKeyFailed),
    /// The next key cannot be loaded.
    #[error("the next key cannot be loaded")]
    LoadKey(#[from] LoadKeyFailed),
    /// A key refused to sign.
    #[error("a key cannot sign")]
    Sign(#[from] SignFailed),
    /// A key has no JSON form.
    #[error("the next key cannot be written as JSON")]
    Encode(#[source] serde_json::Error),
    /// The hub cannot be asked.
    #[error(transparent)]
    Reach(#[from] ReachFailed),
    /// The hub does not do it, or does not say so.
    #[error(transparent)]
    Answer(#[from] AnswerFailed),
    /// A key file cannot be replaced or removed.
    #[error("a key file cannot be replaced")]
    Write(#[from] WriteFailed),
    /// The audit log cannot be written.
    #[error("the audit log cannot be written")]
    Audit(#[from] AuditFailed),
}

/// Whether the hub has not begun the next key and will not: it looked at the request, and says no to it. After any other answer, also one of
/// a later version, the next key may be in force.
pub(super) const fn is_final(code: Code) -> bool {
    matches!(
        code,
        Code::ProofRefused
            | Code::HeadMismatch
            | Code::KeyInUse
            | Code::StandingRefused
            | Code::InstitutionUnknown
    )
}

impl RotateFailed {
    /// What to do. `is_under_way` tells whether the next key is kept, so that its end is not known.
    #[must_use]
    pub fn remedy(&self, is_under_way: bool, language: Language) -> &'static str {
        if is_under_way {
            return language.pick(
                "新密钥已保存，枢纽是否已启用尚不知道：在查清之前不为声明编号，其余照常（可以导入）。运行中的节点会自动接着问；也可再次运行 key rotate，结果相同。",
                "The next key is kept, and whether the hub has put it in force is not known: until it is, nothing is numbered, all else goes on. A running node asks again by itself; so does `key rotate`.",
            );
        }
        match self {
            Self::NoMember => language.pick("先用 join 入网。", "Join first."),
            Self::Undrained { .. } => language.pick(
                "没有任何改动：先让节点与枢纽同步（run），再次运行 key rotate。",
                "Nothing has changed: let the node get in step (`run`), then ask again.",
            ),
            Self::Answer(AnswerFailed::Refused { code: Code::HeadMismatch, .. }) => language.pick(
                "原密钥继续有效：枢纽有本机没有的声明，先让节点与枢纽同步（run）。",
                "The key before stays in force: the hub has statements that are not here; let the node get in step (`run`) first.",
            ),
            Self::Answer(_) => language.pick(
                "没有更换，新密钥已销毁：请按枢纽的说明处理，密钥已失效的须重新入网（join --re-enrol）。",
                "The key was not replaced and the next one is destroyed: do as the hub says; one that was ended is replaced by `join --re-enrol`.",
            ),
            Self::Membership(_)
            | Self::Chain(_)
            | Self::Store(_)
            | Self::CreateKey(_)
            | Self::LoadKey(_)
            | Self::Sign(_)
            | Self::Encode(_)
            | Self::Reach(_)
            | Self::Write(_)
            | Self::Audit(_) => {
                language.pick("没有更换；排除原因后再次运行。", "Nothing was replaced; put this right, then ask again.")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_says_nothing_about_the_key_does_not_cost_it() {
        for code in
            [Code::AttemptsThrottled, Code::Unavailable, Code::IdentityRefused, Code::MessageMalformed]
        {
            assert!(!is_final(code), "{code}");
        }
        assert!(is_final(Code::ProofRefused) && is_final(Code::StandingRefused));
    }
}
