//! Renewing the certificate: at two thirds of its life, for another TLS key, on proof of the statement key. A restored node renews at once,
//! because the hub learns its new witness key by the same request.
//!
//! The connection for it carries no certificate, so that one that has ended is renewed in the same way. The membership is replaced as a
//! whole and names its key's file: whatever a kill leaves, certificate and key go together.

use std::fs;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use safeharbor_certs::authority::validity_s;
use safeharbor_certs::proof::{prove_other_witness, prove_renewal};
use safeharbor_certs::request::{CreateRequestFailed, create_request};
use safeharbor_core::digest::Digest;
use safeharbor_core::directory::KeySigns;
use safeharbor_core::key::{MemorySigner, SignFailed, Signer};
use safeharbor_core::note::NoteFailed;
use safeharbor_core::policy::{ParsePolicyFailed, Policy};
use safeharbor_proto::v1;
use safeharbor_service::durable_file::WriteFailed;
use safeharbor_service::key_file::{self, KeyUse, LoadKeyFailed};
use safeharbor_service::random::{RandomFailed, draw};
use safeharbor_service::secret_file;
use safeharbor_service::settings::LoadSettingsFailed;
use safeharbor_service::shutdown::Shutdown;

use crate::context::Context;
use crate::enrolment::{AnswerFailed, ReachFailed, answered, connect};
use crate::layout::Layout;
use crate::membership::{Membership, MembershipFailed};
use crate::settings::Settings;
use crate::speech::chain_of;
use crate::sync::Connector;

/// Certificates begin this long before they are made, for peers whose clocks are behind; it is no part of their life.
const BACKDATED_S: u64 = 300;
/// The clock is looked at again after this long at the latest: it may have been set, or the machine have slept.
const LOOK_S_MAX: u64 = 60;
/// The longest pause after an attempt that failed.
const PAUSE_S_MAX: u64 = 600;

/// The certificate was not renewed; the one before stays.
#[derive(Debug, thiserror::Error)]
pub enum RenewFailed {
    /// The membership cannot be read, kept or believed.
    #[error(transparent)]
    Membership(#[from] MembershipFailed),
    /// The node is no member.
    #[error("the node is no member of a hub")]
    NoMember,
    /// The trust policy is malformed.
    #[error("the pinned trust policy cannot be used")]
    Policy(#[from] ParsePolicyFailed),
    /// The settings cannot be used.
    #[error("the settings cannot be used")]
    Settings(#[from] LoadSettingsFailed),
    /// A TLS key cannot be made.
    #[error("a TLS key cannot be made")]
    Request(#[from] CreateRequestFailed),
    /// The TLS key cannot be kept.
    #[error("the TLS key cannot be kept")]
    Write(#[from] WriteFailed),
    /// The statement key refused.
    #[error("the statement key cannot sign")]
    Sign(#[from] SignFailed),
    /// The hub cannot be asked.
    #[error(transparent)]
    Reach(#[from] ReachFailed),
    /// The hub refused or fell silent.
    #[error("the hub did not renew the certificate")]
    Answer(#[from] AnswerFailed),
    /// No name for the key.
    #[error("a name for the TLS key takes random bytes")]
    Random(#[from] RandomFailed),
    /// The witness key cannot be loaded.
    #[error(transparent)]
    WitnessKey(#[from] LoadKeyFailed),
    /// The witness key refused.
    #[error("the witness key cannot sign")]
    Witness(#[source] NoteFailed),
}

/// Renews for as long as the node runs, at once where the hub has other authorities than the node; `connector` uses the new
/// certificate from its next connection on.
pub async fn keep(context: Arc<Context>, connector: Connector, shutdown: &Shutdown) {
    let (mut failures, mut asked) = (0_u32, false);
    loop {
        let wait = match due(&context) {
            Some((due_s, life_s)) if asked || context.clock.now_s() >= due_s => {
                match renew(&context, &connector).await {
                    Ok(until_s) => {
                        (failures, asked) = (0, false);
                        tracing::info!(until_s, "the certificate is renewed");
                        1
                    }
                    Err(failed) => {
                        failures = failures.saturating_add(1);
                        tracing::warn!(why = %chain_of(&failed), "the certificate was not renewed");
                        pause_s(failures, life_s)
                    }
                }
            }
            Some((due_s, _)) => due_s.saturating_sub(context.clock.now_s()).clamp(1, LOOK_S_MAX),
            None => LOOK_S_MAX,
        };
        tokio::select! {
            () = tokio::time::sleep(Duration::from_secs(wait)) => {}
            () = context.renewal_asked_for(), if !asked => asked = true,
            () = shutdown.wait() => return,
        }
    }
}

/// The pause doubles, within what is left of a short life and ten minutes.
fn pause_s(failures: u32, life_s: u64) -> u64 {
    let doubled = 1_u64.checked_shl(failures.min(16)).unwrap_or(PAUSE_S_MAX);
    doubled.min((life_s / 12).max(1)).min(PAUSE_S_MAX)
}

/// When the certificate is due, and how long its life is; none where there is none.
fn due(context: &Context) -> Option<(u64, u64)> {
    let membership = Membership::load(&context.layout).ok()??;
    let valid = validity_s(&membership.certificate_pem)?;
    let due_s = match other_witness(&context.layout, &membership) {
        Ok(Some(_)) => 0,
        Ok(None) | Err(_) => due_s(&valid, jitter_of(&membership.certificate_pem)),
    };
    Some((due_s, life_s(&valid)))
}

/// From when on the certificate is renewed, in seconds since 1970 UTC, for the person.
#[must_use]
pub fn renewal_s(certificate_pem: &str) -> Option<u64> {
    Some(due_s(&validity_s(certificate_pem)?, jitter_of(certificate_pem)))
}

fn life_s(valid: &Range<u64>) -> u64 {
    valid.end.saturating_sub(valid.start.saturating_add(BACKDATED_S))
}

/// Two thirds of the life, and up to a tenth of it earlier or later, so that nodes that joined together do not renew together.
fn due_s(valid: &Range<u64>, jitter: u8) -> u64 {
    let life = life_s(valid);
    let tenth = life / 10;
    let begin = valid.start.saturating_add(BACKDATED_S);
    let shift = tenth.saturating_mul(2).saturating_mul(u64::from(jitter)) / u64::from(u8::MAX);
    begin.saturating_add(life.saturating_mul(2) / 3).saturating_sub(tenth).saturating_add(shift)
}

/// The same certificate has the same jitter, whenever it is asked for.
fn jitter_of(certificate_pem: &str) -> u8 {
    Digest::of(certificate_pem.as_bytes()).as_bytes().first().copied().unwrap_or_default()
}

/// Asks for a certificate for another TLS key; answers until when it is valid.
///
/// # Errors
/// Any of [`RenewFailed`]; nothing has changed then.
pub async fn renew(context: &Context, connector: &Connector) -> Result<u64, RenewFailed> {
    let _papers = context.papers.lock().await;
    let layout = &context.layout;
    let kept = Membership::load(layout)?.ok_or(RenewFailed::NoMember)?;
    let hub = Settings::load(layout, &[])?.hub;
    let witness = other_witness(layout, &kept)?;
    let request = create_request(context.institution)?;
    let name = format!("tls-{}.key", hex(&draw(&*context.random)?));
    secret_file::create(&layout.keys().join(&name), request.key_pem.as_bytes())?;
    let answer = ask(context, &kept, request.csr_pem, witness.as_ref()).await?;
    let next = Membership { tls_key: name, ..Membership::from_wire(answer)? };
    next.verify_renewed(&kept, &context.signer.public_key())?;
    if let Some(witness) = witness
        && next.key_in_force(KeySigns::Checkpoints)? != Some(witness.public_key())
    {
        return Err(MembershipFailed::NotInForce("witness").into());
    }
    // What is trusted was pinned when the node joined; a certificate does not change it.
    let next = Membership { policy: kept.policy, invitation: kept.invitation, ..next };
    let tls = next.tls(layout, hub.key_exchange)?;
    next.store(layout)?;
    connector.replace_tls(tls);
    remove_other_keys(layout, &next.tls_key);
    Ok(validity_s(&next.certificate_pem).map_or(0, |valid| valid.end))
}

async fn ask(
    context: &Context,
    kept: &Membership,
    csr_pem: String,
    witness: Option<&MemorySigner>,
) -> Result<v1::Membership, RenewFailed> {
    let policy: Policy = kept.policy.parse()?;
    let (issuer, _) = policy.hub_keys().first().ok_or(MembershipFailed::Lacks("hub key"))?;
    let (code, now_s) = (context.institution, context.clock.now_s());
    let named = witness.map(Signer::public_key);
    let proof = prove_renewal(issuer, code, (&csr_pem, named.as_ref()), now_s, &*context.signer)?;
    let cosignature = match witness {
        Some(witness) => {
            let log = policy.logs().first().ok_or(MembershipFailed::Lacks("log"))?;
            prove_other_witness((log.key.name(), &csr_pem), now_s, witness).map_err(RenewFailed::Witness)?
        }
        None => String::new(),
    };
    let mut client = connect(&context.layout, kept).await?;
    let request = v1::RenewRequest { institution: code.to_string(), csr_pem, proof, cosignature };
    Ok(answered(client.renew(request)).await?)
}

/// The witness key at hand, if it is another one than the registry says: a restored node has made its own.
fn other_witness(layout: &Layout, kept: &Membership) -> Result<Option<MemorySigner>, RenewFailed> {
    if !secret_file::exists(&layout.witness_key()) {
        return Ok(None);
    }
    let witness = key_file::load(&layout.witness_key(), KeyUse::Witness)?;
    let is_logged = kept.key_in_force(KeySigns::Checkpoints)? == Some(witness.public_key());
    Ok((!is_logged).then_some(witness))
}

/// Keys that no certificate of ours is for any more, and those of attempts that failed.
fn remove_other_keys(layout: &Layout, current: &str) {
    let Ok(entries) = fs::read_dir(layout.keys()) else { return };
    for path in entries.filter_map(Result::ok).map(|entry| entry.path()) {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let is_tls =
            name == "tls.key" || name == "tls.csr" || (name.starts_with("tls-") && name.ends_with(".key"));
        if is_tls && name != current {
            // One that stays is found again at the next renewal.
            drop(fs::remove_file(&path));
        }
    }
}

fn hex(bytes: &[u8; 8]) -> String {
    format!("{:016x}", u64::from_be_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_due_at_two_thirds_of_its_life_give_or_take_a_tenth() {
        let week = 7 * 24 * 3600;
        let valid = 1_000_000..(1_000_000 + BACKDATED_S + week);
        let begin = 1_000_000 + BACKDATED_S;
        for (jitter, per_mille) in [(0, 566), (127, 666), (255, 766)] {
            let due = due_s(&valid, jitter) - begin;
            assert!(due.abs_diff(week * per_mille / 1000) <= week / 200, "{jitter}: {due}");
        }
        // One of two minutes is not due at once although it is backdated by five.
        let short = 1_000_000..(1_000_000 + BACKDATED_S + 120);
        assert!((68..=92).contains(&(due_s(&short, 255) - begin)) && due_s(&short, 0) - begin >= 68);
    }

    #[test]
    fn pauses_grow_but_leave_a_short_life_several_attempts() {
        assert_eq!([1, 2, 3, 20].map(|failures| pause_s(failures, 120)), [2, 4, 8, 10]);
        assert_eq!([1, 9, 20].map(|failures| pause_s(failures, 604_800)), [2, 512, 600]);
    }
}
