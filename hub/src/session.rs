//! Sessions at the admin address: a random token in a cookie, of which the hub keeps the hash.

use safeharbor_core::b64;
use safeharbor_core::digest::Digest;
use safeharbor_service::person::{Person, PersonId, PersonsFailed};
use safeharbor_service::random::{self, RandomFailed};
use safeharbor_service::store::{Batch, Scan, StoreFailed};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::office::Desk;
use crate::office::tables::SESSIONS;

/// How long a session lasts at most.
pub const LASTS_MS: u64 = 8 * 3600 * 1000;
/// How long it lasts unused.
pub const IDLE_MS: u64 = 3600 * 1000;
/// How often its use is written down.
const NOTED_EVERY_MS: u64 = 60 * 1000;
/// How many a person has at a time; the oldest ends.
const PER_PERSON_MAX: usize = 16;

/// A session that holds.
#[derive(Debug, Clone)]
pub struct Session {
    /// Whose.
    pub person: Person,
    /// What a form must carry, so that no page of another site can send one.
    pub csrf: String,
    key: Digest,
}

/// A session, as it lies in the store.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Row {
    person: PersonId,
    begun_ms: u64,
    used_ms: u64,
}

/// Sessions cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum SessionFailed {
    /// The store failed.
    #[error("the sessions cannot be read or written")]
    Store(#[from] StoreFailed),
    /// A row cannot be understood.
    #[error("what is stored about a session cannot be understood")]
    Row(#[from] serde_json::Error),
    /// Persons cannot be read.
    #[error("the persons cannot be read")]
    Persons(#[from] PersonsFailed),
    /// No token.
    #[error("a session needs random bytes")]
    Random(#[from] RandomFailed),
}

/// Begins a session of `person`, who began to show who they are at `since_ms`, and answers its token. A password that was replaced
/// since has ended it already. Durable on return.
///
/// # Errors
/// Any of [`SessionFailed`].
pub fn begin(desk: &Desk, person: PersonId, since_ms: u64) -> Result<Zeroizing<String>, SessionFailed> {
    let secret: Zeroizing<[u8; 32]> = Zeroizing::new(random::draw(&*desk.random)?);
    let token = Zeroizing::new(b64::encode_url(secret.as_slice()));
    let now_ms = desk.clock.now_ms();
    let mut batch = Batch::new();
    let mut own = Vec::new();
    for (key, row) in desk.store.scan(&Scan::all(SESSIONS))? {
        let row: Row = serde_json::from_slice(&row)?;
        if !row.lasts(now_ms) {
            batch.delete(SESSIONS, key);
        } else if row.person == person {
            own.push((row.begun_ms, key));
        }
    }
    own.sort();
    let too_many = own.len().saturating_sub(PER_PERSON_MAX.saturating_sub(1));
    for (_, key) in own.into_iter().take(too_many) {
        batch.delete(SESSIONS, key);
    }
    let row = Row { person, begun_ms: since_ms, used_ms: now_ms };
    batch.put(SESSIONS, key_of(&token).as_bytes().to_vec(), serde_json::to_vec(&row)?);
    desk.store.commit(batch)?;
    desk.store.flush()?;
    desk.persons.note_login(person)?;
    Ok(token)
}

/// The session of a token, if it lasts and its person may still show who they are by the password it began with.
///
/// # Errors
/// Any of [`SessionFailed`].
pub fn find(desk: &Desk, token: &str) -> Result<Option<Session>, SessionFailed> {
    let key = key_of(token);
    let Some(row) = desk.store.get(SESSIONS, key.as_bytes())? else { return Ok(None) };
    let row: Row = serde_json::from_slice(&row)?;
    let now_ms = desk.clock.now_ms();
    let Some((person, password_since_ms)) = desk.persons.active(row.person)? else { return Ok(None) };
    if !row.lasts(now_ms) || row.begun_ms < password_since_ms {
        return Ok(None);
    }
    if now_ms.saturating_sub(row.used_ms) >= NOTED_EVERY_MS {
        let mut batch = Batch::new();
        batch.put(SESSIONS, key.as_bytes().to_vec(), serde_json::to_vec(&Row { used_ms: now_ms, ..row })?);
        desk.store.commit(batch)?;
    }
    let csrf = Digest::of(format!("safeharbor form {token}").as_bytes()).to_string();
    Ok(Some(Session { person, csrf, key }))
}

/// Ends a session. Durable on return.
///
/// # Errors
/// The store.
pub fn end(desk: &Desk, session: &Session) -> Result<(), SessionFailed> {
    let mut batch = Batch::new();
    batch.delete(SESSIONS, session.key.as_bytes().to_vec());
    desk.store.commit(batch)?;
    Ok(desk.store.flush()?)
}

fn key_of(token: &str) -> Digest {
    Digest::of(token.as_bytes())
}

impl Row {
    /// A clock set back ends no session and prolongs none past its time.
    const fn lasts(&self, now_ms: u64) -> bool {
        now_ms.saturating_sub(self.begun_ms) < LASTS_MS && now_ms.saturating_sub(self.used_ms) < IDLE_MS
    }
}
