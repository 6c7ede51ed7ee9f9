//! The institution's disclosure policy (披露政策): accepted by a named person, applied to what is stored and to every import.

mod effect;

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use safeharbor_core::digest::Digest;
use safeharbor_core::record::KindId;
use safeharbor_rules::{Catalogue, Kind, Mode, ParsePolicyFailed, Policy, Record};
use safeharbor_service::audit::AuditFailed;
use safeharbor_service::evidence::EvidenceFailed;
use safeharbor_service::person::{Authentication, Person, PersonId, Role};
use safeharbor_service::store::{Batch, Scan, Store, StoreFailed};
use serde::{Deserialize, Serialize};

use crate::as_text;
use crate::context::Context;
use crate::disclosure;
use crate::outbox::{Authority, Grant, OutboxFailed};
use crate::records::RecordsFailed;
use crate::tables::META;
pub use effect::{Change, Changes};

const ACCEPTED: &[u8] = b"policy";
/// The rows of earlier acceptances begin with this; their texts are evidence.
const HISTORY: &[u8] = b"policy-accepted/";
const APPLIED: &[u8] = b"policy-applied";
/// The row is there while the accepted policy is that of a backup, and nobody accepted it since.
const AWAITED: &[u8] = b"policy-awaited";

/// The disclosure policy could not be read, accepted or applied.
#[derive(Debug, thiserror::Error)]
pub enum PolicyFailed {
    /// The store failed.
    #[error("the disclosure policy cannot be read or kept")]
    Store(#[from] StoreFailed),
    /// The accepted policy in the store is not what was written.
    #[error("the accepted policy cannot be understood; restore the data folder from a backup")]
    Row,
    /// The text is no policy.
    #[error("the text is not a disclosure policy")]
    Parse(#[source] ParsePolicyFailed),
    /// An accepted policy has this version or a later one.
    #[error(
        "version {found} is not later than the accepted version {accepted}; raise `version` with every change"
    )]
    Version {
        /// What the text says.
        found: u32,
        /// What is in force.
        accepted: u32,
    },
    /// Records cannot be had.
    #[error("the records cannot be read")]
    Records(#[from] RecordsFailed),
    /// The outbox cannot be had.
    #[error("the outbox cannot be changed")]
    Outbox(#[from] OutboxFailed),
    /// The text cannot be kept.
    #[error("the policy's text cannot be kept")]
    Evidence(#[from] EvidenceFailed),
    /// The audit log cannot be written.
    #[error("the acceptance cannot be logged")]
    Audit(#[from] AuditFailed),
    /// Something has no JSON form.
    #[error("the acceptance cannot be written as JSON")]
    Encode(#[from] serde_json::Error),
}

/// Who accepted which text, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accepted {
    /// The version in the text.
    pub version: u32,
    /// SHA-256 of the text; the evidence folder holds it under this name.
    #[serde(with = "as_text")]
    pub sha256: Digest,
    /// Who accepted it.
    pub person: Person,
    /// When, in milliseconds since 1970 UTC.
    pub at: u64,
    /// The text.
    pub text: String,
}

/// The policy that governs what leaves.
#[derive(Debug, Clone)]
pub struct InForce {
    /// Who accepted it.
    pub accepted: Accepted,
    /// What it says.
    pub policy: Policy,
}

impl InForce {
    /// What the policy lets a record of `kind` reveal by itself; none if it is not to be stated at all.
    #[must_use]
    pub fn grant(&self, kind: &Kind, record: &Record, today: Date) -> Option<Grant> {
        let fields = disclosure::automatic(kind, record, today)?;
        match self.policy.mode(kind.id()) {
            Mode::Off => None,
            Mode::Commit => Some(Grant { authority: self.authority(), fields: BTreeSet::new() }),
            Mode::Reveal => Some(Grant { authority: self.authority(), fields }),
        }
    }

    fn authority(&self) -> Authority {
        Authority::Policy { version: self.accepted.version, person: self.accepted.person.clone() }
    }
}

impl Context {
    /// The policy in force; none until one was accepted, and after a restore until one is accepted again, which lets nothing leave.
    ///
    /// # Errors
    /// The store.
    pub fn policy(&self) -> Result<Option<InForce>, PolicyFailed> {
        load(&*self.store)
    }

    /// The accepted policy that came with a backup and is not in force until a named person accepts it, or another one: a stricter one
    /// may have been accepted since the backup was made.
    ///
    /// # Errors
    /// The store.
    pub fn awaited_policy(&self) -> Result<Option<Accepted>, PolicyFailed> {
        let is_awaited = self.store.get(META, AWAITED)?.is_some();
        Ok(load_accepted(&*self.store)?.filter(|_| is_awaited))
    }

    /// What accepting `text` would change, record by record. Nothing is changed.
    ///
    /// # Errors
    /// The text is no policy or not a later one; the store.
    pub fn preview_policy(&self, text: &str, person: &Person) -> Result<Changes, PolicyFailed> {
        let _held = self.outbox.hold();
        let next = self.next_policy(text, person)?;
        effect::preview(self, &self.catalogue(), self.policy()?.as_ref(), &next)
    }

    /// Accepts `text` for the institution and puts into the outbox what it lets leave. Durable on return.
    ///
    /// # Errors
    /// The text is no policy or not a later one; the store.
    pub fn accept_policy(&self, text: &str, person: &Person) -> Result<Changes, PolicyFailed> {
        let held = self.outbox.hold();
        let (before, next) = (self.policy()?, self.next_policy(text, person)?);
        let modes = modes(&next.policy, self);
        self.evidence.put(text.as_bytes())?;
        let detail = serde_json::json!({
            "version": next.accepted.version, "sha256": next.accepted.sha256.to_string(), "modes": modes,
        });
        self.audit.append(Some(person), "accept policy", "disclosure policy", detail)?;
        let mut batch = Batch::new();
        batch.put(META, ACCEPTED, serde_json::to_vec(&next.accepted)?);
        batch.delete(META, AWAITED);
        // The same text may be accepted again after a restore: what it lets leave is put into the outbox anew, also after a crash.
        batch.delete(META, APPLIED);
        let kept = Accepted { text: String::new(), ..next.accepted.clone() };
        let key = [HISTORY, &next.accepted.at.to_be_bytes(), &next.accepted.version.to_be_bytes()].concat();
        batch.put(META, key, serde_json::to_vec(&kept)?);
        self.store.commit(batch)?;
        self.store.flush()?;
        let changes = effect::apply(self, before.as_ref(), &next)?;
        self.keep_applied(next.accepted.sha256)?;
        drop(held);
        self.outbox.announce();
        Ok(changes)
    }

    /// Every acceptance, the earliest first, without the texts: the evidence folder holds each under its SHA-256.
    ///
    /// # Errors
    /// The store.
    pub fn policy_history(&self) -> Result<Vec<Accepted>, PolicyFailed> {
        let rows = self.store.scan(&Scan::prefix(META, HISTORY))?;
        rows.iter().map(|(_, row)| serde_json::from_slice(row).or(Err(PolicyFailed::Row))).collect()
    }

    /// Reads a policy and changes nothing.
    ///
    /// # Errors
    /// The text is no policy.
    pub fn check_policy(&self, text: &str) -> Result<Policy, PolicyFailed> {
        self.parse_policy(text)
    }

    /// What the policy in `text` would change against the one in force, whoever accepted it. Nothing is changed.
    ///
    /// # Errors
    /// The text is no policy; the store.
    pub fn diff_policy(&self, text: &str) -> Result<Changes, PolicyFailed> {
        let _held = self.outbox.hold();
        let policy = self.parse_policy(text)?;
        let in_force = self.policy()?;
        let person = load_accepted(&*self.store)?.map_or_else(nobody, |accepted| accepted.person);
        let next = self.in_force(text, policy, &person);
        effect::preview(self, &self.catalogue(), in_force.as_ref(), &next)
    }

    /// Finishes an acceptance that was interrupted between the policy and its effects.
    ///
    /// # Errors
    /// The store.
    pub fn resume_policy(&self) -> Result<(), PolicyFailed> {
        let _held = self.outbox.hold();
        if self.apply_policy()? {
            self.outbox.announce();
        }
        Ok(())
    }

    /// Applies the policy in force under the catalogue version in use, unless that was done; whether it was not. The caller holds
    /// the outbox.
    pub(crate) fn apply_policy(&self) -> Result<bool, PolicyFailed> {
        let Some(in_force) = self.policy()? else { return Ok(false) };
        let sha256 = in_force.accepted.sha256;
        if self.store.get(META, APPLIED)? == Some(self.applied_row(sha256)) {
            return Ok(false);
        }
        effect::apply(self, Some(&in_force), &in_force)?;
        self.keep_applied(sha256)?;
        Ok(true)
    }

    /// What the policy in force would change for what is stored if another catalogue version were in use. The caller holds the outbox.
    pub(crate) fn preview_under(
        &self,
        catalogue: &Catalogue,
        in_force: &InForce,
    ) -> Result<Changes, PolicyFailed> {
        effect::preview(self, catalogue, Some(in_force), in_force)
    }

    /// A policy is applied anew under each catalogue version.
    fn applied_row(&self, sha256: Digest) -> Vec<u8> {
        [sha256.as_bytes().as_slice(), self.catalogue().digest().as_bytes()].concat()
    }

    fn keep_applied(&self, sha256: Digest) -> Result<(), PolicyFailed> {
        let mut batch = Batch::new();
        batch.put(META, APPLIED, self.applied_row(sha256));
        self.store.commit(batch)?;
        Ok(self.store.flush()?)
    }

    fn next_policy(&self, text: &str, person: &Person) -> Result<InForce, PolicyFailed> {
        let policy = self.parse_policy(text)?;
        let sha256 = Digest::of(text.as_bytes());
        let version = policy.version();
        if let Some(accepted) = load_accepted(&*self.store)?
            && accepted.sha256 != sha256
            && accepted.version >= version
        {
            return Err(PolicyFailed::Version { found: version, accepted: accepted.version });
        }
        Ok(self.in_force(text, policy, person))
    }

    fn in_force(&self, text: &str, policy: Policy, person: &Person) -> InForce {
        let (version, sha256, at) = (policy.version(), Digest::of(text.as_bytes()), self.clock.now_ms());
        let accepted = Accepted { version, sha256, person: person.clone(), at, text: text.to_owned() };
        InForce { accepted, policy }
    }

    fn parse_policy(&self, text: &str) -> Result<Policy, PolicyFailed> {
        Policy::parse(text, &self.catalogue()).map_err(PolicyFailed::Parse)
    }
}

/// Stands in for who would accept a policy while its effects are only counted.
fn nobody() -> Person {
    let authenticated = Authentication::LocalPassword;
    Person { id: PersonId(0), name: String::new(), role: Role::Approver, authenticated, deputy_for: None }
}

/// Has nothing leave by the accepted policy until a named person accepts one again, as part of `batch`: the store came from a backup.
pub(crate) fn await_acceptance(batch: &mut Batch) {
    batch.put(META, AWAITED, Vec::new());
}

fn load_accepted(store: &dyn Store) -> Result<Option<Accepted>, PolicyFailed> {
    let row = store.get(META, ACCEPTED)?;
    row.map(|row| serde_json::from_slice(&row).or(Err(PolicyFailed::Row))).transpose()
}

/// The policy in force that `store` holds; none until one was accepted, and while it awaits that a person accepts it again.
pub(crate) fn load(store: &dyn Store) -> Result<Option<InForce>, PolicyFailed> {
    if store.get(META, AWAITED)?.is_some() {
        return Ok(None);
    }
    let Some(accepted) = load_accepted(store)? else { return Ok(None) };
    let policy = Policy::parse_accepted(&accepted.text).map_err(PolicyFailed::Parse)?;
    Ok(Some(InForce { accepted, policy }))
}

/// The mode of every kind of the catalogue, by its word.
#[must_use]
pub fn modes(policy: &Policy, context: &Context) -> BTreeMap<String, &'static str> {
    let mode = |kind: &Kind| (kind.id().to_string(), policy.mode(kind.id()).as_str());
    context.catalogue().kinds().map(mode).collect()
}

/// The mode of one kind under what may be no policy at all.
#[must_use]
pub fn mode_of(in_force: Option<&InForce>, kind: &KindId) -> Mode {
    in_force.map_or(Mode::Off, |in_force| in_force.policy.mode(kind))
}
