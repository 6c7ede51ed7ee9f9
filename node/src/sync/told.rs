//! What the hub last said of the institution: its standing, the six words, the authorities. Only the public statements that come with it
//! are signed, and they are verified; the rest is the hub's word about what it will do.

mod words;

use safeharbor_core::digest::Digest;
use safeharbor_core::directory::{Announcement, KeyGround, KeySigns, Standing};
use safeharbor_core::institution::InstitutionCode;
use safeharbor_core::key::PublicKey;
use safeharbor_core::statement::Statement;
use safeharbor_proto::Situation;
use safeharbor_service::evidence::EvidenceFailed;
use safeharbor_service::store::{Batch, Store, StoreFailed};
use serde::{Deserialize, Serialize};

use super::driver::{Desk, SyncFailed};
use crate::chain::ChainFailed;
use crate::membership::Membership;
use crate::own_keys::OwnKeys;
use crate::tables::SYNC;
use crate::trust::Alarm;

const TOLD: &[u8] = b"told";

/// The hub's last word about the institution.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// Whether it takes the institution's statements.
    pub standing: Standing,
    /// Since when it says so, by this node's clock, in milliseconds since 1970 UTC.
    pub since_ms: u64,
    /// Whether a person at the hub compared the six words of the statement key with the institution.
    pub confirmed: bool,
    /// SHA-256 of the authorities' certificates a node should have.
    pub authorities: Digest,
    /// The standing in the last verified statement about the institution.
    pub logged: Option<Standing>,
    /// The log index of the last verified statement about the institution or its keys.
    pub through: Option<u64>,
    /// Before this log index keys of the institution may have been another node's: there a key of this node took the place of a lost one.
    pub own_from: u64,
}

impl Told {
    /// The hub's last word; none before it said anything.
    ///
    /// # Errors
    /// The store. A row that cannot be understood counts as none: the hub says everything anew on each stream.
    pub fn load(store: &dyn Store) -> Result<Option<Self>, StoreFailed> {
        Ok(store.get(SYNC, TOLD)?.and_then(|row| serde_json::from_slice(&row).ok()))
    }

    /// Whether the hub takes no statements.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.standing != Standing::Active
    }

    /// Whether the hub's word is what its last verified statement says.
    #[must_use]
    pub fn is_logged(&self) -> bool {
        self.logged == Some(self.standing)
    }

    fn keep(&self, store: &dyn Store) -> Result<(), StoreFailed> {
        let mut batch = Batch::new();
        // Words and numbers always serialise.
        batch.put(SYNC, TOLD, serde_json::to_vec(self).unwrap_or_default());
        store.commit(batch)
    }
}

/// A situation could not be taken in.
#[derive(Debug, thiserror::Error)]
pub(super) enum HearFailed {
    #[error(transparent)]
    Store(#[from] StoreFailed),
    #[error(transparent)]
    Chain(#[from] ChainFailed),
    #[error(transparent)]
    Evidence(#[from] EvidenceFailed),
}

impl From<HearFailed> for SyncFailed {
    fn from(failed: HearFailed) -> Self {
        match failed {
            HearFailed::Store(failed) => failed.into(),
            HearFailed::Chain(failed) => failed.into(),
            HearFailed::Evidence(failed) => failed.into(),
        }
    }
}

/// Verifies the statements of a situation and keeps what it says; what is not to be believed is an alarm. A change is logged once.
pub(super) fn hear(desk: &Desk, situation: &Situation) -> Result<Told, HearFailed> {
    let store = &*desk.context.store;
    let before = Told::load(store)?;
    let mut told = Told {
        standing: situation.standing,
        since_ms: before
            .as_ref()
            .filter(|before| before.standing == situation.standing)
            .map_or(desk.now_ms(), |before| before.since_ms),
        confirmed: situation.confirmed,
        authorities: situation.authorities,
        logged: before.as_ref().and_then(|before| before.logged),
        through: before.as_ref().and_then(|before| before.through),
        own_from: before.as_ref().map_or(0, |before| before.own_from),
    };
    let known = told.through;
    let own = OwnKeys::load(store)?;
    let current = desk.context.signer.public_key();
    let is_own = |key: &PublicKey| *key == current || own.contains(key);
    let announced = read(desk, &situation.statements)?;
    for Announced { index, announcement, .. } in &announced {
        if let Announcement::Institution { standing, .. } = announcement {
            told.logged = Some(*standing);
        }
        if let Announcement::KeyBegins { key, ground: KeyGround::ReEnrolment, .. } = announcement
            && is_own(key)
        {
            told.own_from = told.own_from.max(*index);
        }
        told.through = told.through.max(Some(*index));
    }
    for Announced { index, announcement, jwt } in &announced {
        if let Announcement::KeyBegins { key, signs, .. } = announcement
            && !is_own(key)
            && *index >= told.own_from
            && known.is_none_or(|known| known < *index)
        {
            raise_foreign_key(desk, (*index, jwt), (key, *signs))?;
        }
    }
    told.keep(store)?;
    say_change(before.as_ref(), &told);
    Ok(told)
}

/// A public statement that is verified and about this institution.
struct Announced<'s> {
    index: u64,
    announcement: Announcement,
    jwt: &'s str,
}

fn read<'s>(desk: &Desk, statements: &'s [(u64, String)]) -> Result<Vec<Announced<'s>>, HearFailed> {
    let mut announced = Vec::new();
    for (index, jwt) in statements {
        match verify_public(jwt, &desk.hub_keys, desk.context.institution) {
            Ok(announcement) => announced.push(Announced { index: *index, announcement, jwt }),
            Err(reason) => {
                let alarm = Alarm::PublicStatementRefused { index: *index, reason: reason.to_owned() };
                desk.alarms().raise(&alarm, desk.now_ms())?;
            }
        }
    }
    Ok(announced)
}

/// Verifies a public statement about `code` under the hub's pinned statement keys.
fn verify_public(
    jwt: &str,
    pinned: &[PublicKey],
    code: InstitutionCode,
) -> Result<Announcement, &'static str> {
    let statement = Statement::parse(jwt).or(Err("it is malformed"))?;
    let named = statement.key_id().and_then(|kid| kid.parse::<Digest>().ok());
    let key = pinned.iter().find(|key| Some(key.thumbprint()) == named);
    let key = key.ok_or("no pinned key of the hub has its id")?;
    statement.verify(key).or(Err("its signature does not verify"))?;
    let announcement = Announcement::read(&statement).or(Err("its claims are malformed"))?;
    if announcement.about() == Some(code) {
        Ok(announcement)
    } else {
        Err("it is not about this institution")
    }
}

/// The registry names a key under our code that never was ours: the statement is kept as evidence.
fn raise_foreign_key(
    desk: &Desk,
    (index, jwt): (u64, &str),
    (key, signs): (&PublicKey, KeySigns),
) -> Result<(), HearFailed> {
    let evidence = desk.context.evidence.put(jwt.as_bytes())?.to_string();
    let alarm =
        Alarm::ForeignKey { index, key: key.thumbprint(), signs: signs.as_str().to_owned(), evidence };
    Ok(desk.alarms().raise(&alarm, desk.now_ms())?)
}

fn say_change(before: Option<&Told>, told: &Told) {
    let standing = told.standing.as_str();
    let was = before.map(|before| before.standing);
    match told.standing {
        Standing::Active if was.is_none_or(|was| was == Standing::Active) => {}
        Standing::Active => tracing::info!(standing, "the hub takes statements again"),
        Standing::Suspended | Standing::Revoked if was == Some(told.standing) => {}
        Standing::Suspended | Standing::Revoked => {
            let is_logged = told.is_logged();
            tracing::warn!(standing, is_logged, "the hub takes no statements; the node waits on its stream");
        }
    }
    if told.confirmed && before.is_some_and(|before| !before.confirmed) {
        tracing::info!("the six words of the statement key are confirmed");
    }
}

/// Whether the node has other authorities than it should; one that is no member has none to compare.
pub(super) fn wants_renewal(desk: &Desk, told: &Told) -> bool {
    let member = Membership::load(&desk.context.layout).ok().flatten();
    member.is_some_and(|member| Digest::of(member.authorities_pem.as_bytes()) != told.authorities)
}

#[cfg(test)]
mod tests;
