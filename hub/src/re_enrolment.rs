//! Re-enrolment: what two persons permitted, until an invitation uses it up. It is about one certain key and holds no longer than that.

use safeharbor_core::digest::Digest;
use safeharbor_core::directory::{Deciders, Institution, Standing};
use safeharbor_core::institution::InstitutionCode;
use safeharbor_service::store::Batch;
use serde::{Deserialize, Serialize};

use crate::invitation::{self, Permitted};
use crate::office::Desk;
use crate::office::drawer::{Drawer, DrawerFailed};
use crate::office::tables::META;

/// The last decision of two persons that lost keys are replaced, once. The row stays when it is used up, so that no decision counts twice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Decision {
    /// The persons.
    deciders: Vec<u32>,
    /// The thumbprint of the institution's last statement key then.
    key: Digest,
    /// How many decisions there were about this institution.
    #[serde(default)]
    number: u32,
    /// Whether an invitation carries it.
    #[serde(default)]
    used: bool,
}

fn drawer(desk: &Desk) -> Drawer<'_, Decision> {
    Drawer::new(&*desk.store, META)
}

fn key_of(code: InstitutionCode) -> Vec<u8> {
    format!("re-enrolment/{code}").into_bytes()
}

/// The thumbprint of the last statement key of an institution that may re-enrol.
#[must_use]
pub fn last_key(institution: Option<&Institution>) -> Option<Digest> {
    let institution = institution.filter(|found| found.standing != Standing::Revoked)?;
    institution.statement_keys().last().map(|term| term.key.thumbprint())
}

fn last_key_of(desk: &Desk, code: InstitutionCode) -> Option<Digest> {
    last_key(desk.shared.directory().institution(&code))
}

/// What a re-enrolment would be about: another text after each decision. None if there is nothing to replace.
///
/// # Errors
/// The store.
pub fn situation(desk: &Desk, code: InstitutionCode) -> Result<Option<String>, DrawerFailed> {
    let decided = drawer(desk).find(&key_of(code))?.map_or(0, |decision| decision.number);
    let after = if decided == 0 { String::new() } else { format!(", after decision 前已决定 {decided}") };
    Ok(last_key_of(desk, code).map(|key| format!("{code}, statement key 声明密钥 {key}{after}")))
}

/// Keeps the decision of two persons; durable on return.
///
/// # Errors
/// The store.
pub fn permit(desk: &Desk, code: InstitutionCode, deciders: &Deciders) -> Result<(), DrawerFailed> {
    let Some(key) = last_key_of(desk, code) else { return Ok(()) };
    let number = drawer(desk).find(&key_of(code))?.map_or(0, |before| before.number).saturating_add(1);
    let deciders = deciders.numbers().to_vec();
    drawer(desk).keep(&key_of(code), &Decision { deciders, key, number, used: false })
}

/// What an invitation may carry: a decision that none carries yet, or the one of an invitation that waits and whose token may have been
/// lost; it is withdrawn when the next one is made. None if nobody decided, or the key they spoke of was replaced meanwhile.
///
/// # Errors
/// The store.
pub fn permitted(desk: &Desk, code: InstitutionCode) -> Result<Option<Permitted>, DrawerFailed> {
    let decision = drawer(desk).find(&key_of(code))?.filter(|decision| !decision.used);
    let decision = decision.map(|Decision { deciders, key, .. }| Permitted { deciders, key });
    let found = match decision {
        Some(decision) => Some(decision),
        None => invitation::open_of(desk, code)?.into_iter().find_map(|(_, invited)| invited.permitted()),
    };
    Ok(found.filter(|found| last_key_of(desk, code) == Some(found.key)))
}

/// Marks the decision as used up in the batch that keeps the invitation with it.
///
/// # Errors
/// The store.
pub(crate) fn use_up(desk: &Desk, code: InstitutionCode, batch: &mut Batch) -> Result<(), DrawerFailed> {
    if let Some(decision) = drawer(desk).find(&key_of(code))? {
        drawer(desk).put(batch, &key_of(code), &Decision { used: true, ..decision })?;
    }
    Ok(())
}
