//! The published checkpoint and the record of what was signed, against the roots that the journal yields.

use std::collections::BTreeMap;
use std::path::Path;

use safeharbor_core::checkpoint::{Checkpoint, verify_checkpoint};
use safeharbor_core::digest::Digest;
use safeharbor_core::key::Signer as _;
use safeharbor_core::note::VerifierKey;
use safeharbor_core::policy::{Policy, PolicyNotMet};
use safeharbor_service::doctor::Words;
use safeharbor_service::key_file::{self, KeyUse};
use safeharbor_service::speech::chain_of;

use super::finding::{Findings, Place};
use crate::folder::{Paths, Settings};
use crate::registry::SigningState;

/// The published checkpoint, if there is one that the log key signed.
pub(super) fn published(paths: &Paths, settings: &Settings, findings: &mut Findings) -> Option<Checkpoint> {
    let vkey = log_key(paths, settings, findings)?;
    let path = paths.registry().join("checkpoint");
    let note = match std::fs::read(&path) {
        Ok(note) => note,
        Err(failed) => {
            let what = Words::new(
                format!("没有已发布的检查点：{failed}"),
                format!("there is no published checkpoint: {failed}"),
            );
            findings.damage(&path, Place::default(), what);
            return None;
        }
    };
    check_policy(paths, &note, findings);
    match verify_checkpoint(&note, &vkey) {
        Ok(checkpoint) => Some(checkpoint),
        Err(failed) => {
            let why = chain_of(&failed);
            findings.damage(
                &path,
                Place::default(),
                Words::new(format!("检查点不成立：{why}"), format!("the checkpoint does not hold: {why}")),
            );
            None
        }
    }
}

/// The log's public half, from the key itself or, where that is kept elsewhere, from what is published.
fn log_key(paths: &Paths, settings: &Settings, findings: &mut Findings) -> Option<VerifierKey> {
    let path = paths.vkey();
    let published =
        std::fs::read_to_string(&path).ok().and_then(|text| text.trim_end().parse::<VerifierKey>().ok());
    let own = key_file::load(&paths.log_key(), KeyUse::Log).ok();
    let own = own.and_then(|key| VerifierKey::ed25519(&settings.origin, key.public_key()).ok());
    if own.is_some() && own != published || published.is_none() {
        let what = Words::new("不是登记簿密钥的公开部分", "it is not the public half of the log key");
        findings.damage(&path, Place::default(), what);
    }
    own.or(published)
}

/// Cosignatures of witnesses that the policy names must hold.
fn check_policy(paths: &Paths, note: &[u8], findings: &mut Findings) {
    let path = paths.policy();
    let policy = std::fs::read_to_string(&path).ok().and_then(|text| text.parse::<Policy>().ok());
    let Some(policy) = policy else {
        let what = Words::new("信任策略缺失或格式错误", "the trust policy is missing or malformed");
        return findings.damage(&path, Place::default(), what);
    };
    match policy.verify_checkpoint(note) {
        Ok(_) => {}
        Err(failed @ PolicyNotMet::Quorum { .. }) => {
            let why = chain_of(&failed);
            let what = Words::new(
                format!("已发布的检查点未满足见证要求：{why}"),
                format!("the published checkpoint does not meet the policy: {why}"),
            );
            findings.note(&paths.registry().join("checkpoint"), Place::default(), what);
        }
        Err(failed) => {
            let why = chain_of(&failed);
            let what = Words::new(
                format!("已发布的检查点不成立：{why}"),
                format!("the published checkpoint does not hold: {why}"),
            );
            findings.damage(&paths.registry().join("checkpoint"), Place::default(), what);
        }
    }
}

/// The largest (size, root) that was signed.
pub(super) fn signed(
    paths: &Paths,
    something_published: bool,
    findings: &mut Findings,
) -> Option<(u64, Digest)> {
    match SigningState::load(&paths.signed(), something_published) {
        Ok(state) => state.root().map(|root| (state.size(), root)),
        Err(failed) => {
            let why = chain_of(&failed);
            findings.damage(
                &paths.signed(),
                Place::default(),
                Words::new(format!("签名记录不能使用：{why}"), why),
            );
            None
        }
    }
}

/// Compares roots that were signed with those that the journal yields.
pub(super) fn compare(
    paths: &Paths,
    published: Option<&Checkpoint>,
    signed: Option<(u64, Digest)>,
    roots: &BTreeMap<u64, Digest>,
    findings: &mut Findings,
) {
    let mut check = |file: &Path, size: u64, root: Digest| {
        if roots.get(&size).is_some_and(|found| *found != root) {
            let what = Words::new(
                format!("{size} 条时日志账本得出另一个树根：日志账本被改动或替换"),
                format!(
                    "at size {size} the journal yields another root: the journal was changed or replaced"
                ),
            );
            findings.damage(file, Place::entry(size.saturating_sub(1)), what);
        }
    };
    if let Some(checkpoint) = published {
        check(&paths.registry().join("checkpoint"), checkpoint.size, checkpoint.root);
    }
    if let Some((size, root)) = signed {
        check(&paths.signed(), size, root);
    }
    if let Some((size, _)) = signed.filter(|(size, _)| !roots.contains_key(size)) {
        let what = Words::new(
            format!("记录已签 {size} 条，日志账本没有这么多：要么日志账本缺条目，要么此记录损坏"),
            format!(
                "it says that {size} entries were signed, more than the journal yields: entries are missing, or this record is damaged"
            ),
        );
        findings.damage(&paths.signed(), Place::default(), what);
    }
    if let (Some(checkpoint), Some((size, _))) = (published, signed)
        && checkpoint.size > size
    {
        let what = Words::new(
            format!("发布了 {} 条的检查点，签名记录只到 {size} 条", checkpoint.size),
            format!(
                "a checkpoint of {} entries is published, and the record ends at {size}",
                checkpoint.size
            ),
        );
        findings.damage(&paths.signed(), Place::default(), what);
    }
}
