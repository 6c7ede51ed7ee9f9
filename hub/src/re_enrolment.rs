//! Re-enrolment: what two persons permitted, until an invitation uses it up.

use safeharbor_core::digest::Digest;
use safeharbor_core::directory::{Deciders, Standing};
use safeharbor_core::institution::InstitutionCode;
use safeharbor_service::store::Batch;
use serde::{Deserialize, Serialize};

use crate::office::Desk;
use crate::office::drawer::{Drawer, DrawerFailed, keep_all};
use crate::office::tables::META;

/// Two persons permit that lost keys are replaced, once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Permission {
    /// The persons.
    deciders: Vec<u32>,
    /// The thumbprint of the institution's last statement key then.
    key: Digest,
}

fn drawer(desk: &Desk) -> Drawer<'_, Permission> {
    Drawer::new(&*desk.store, META)
}

fn key_of(code: InstitutionCode) -> Vec<u8> {
    format!("re-enrolment/{code}").into_bytes()
}

/// The thumbprint of the last statement key of an institution that may re-enrol.
fn last_key(desk: &Desk, code: InstitutionCode) -> Option<Digest> {
    let directory = desk.shared.directory();
    let institution = directory.institution(&code).filter(|found| found.standing != Standing::Revoked)?;
    institution.statement_keys().last().map(|term| term.key.thumbprint())
}

/// What a re-enrolment would be about; none if there is nothing to replace.
#[must_use]
pub fn situation(desk: &Desk, code: InstitutionCode) -> Option<String> {
    last_key(desk, code).map(|key| format!("{code}, statement key 声明密钥 {key}"))
}

/// Keeps the permission of two persons; durable on return.
///
/// # Errors
/// The store.
pub fn permit(desk: &Desk, code: InstitutionCode, deciders: &Deciders) -> Result<(), DrawerFailed> {
    let Some(key) = last_key(desk, code) else { return Ok(()) };
    drawer(desk).keep(&key_of(code), &Permission { deciders: deciders.numbers().to_vec(), key })
}

/// Who permitted it; none if nobody did, or the key they spoke of was replaced meanwhile.
///
/// # Errors
/// The store.
pub fn permitted(desk: &Desk, code: InstitutionCode) -> Result<Option<Vec<u32>>, DrawerFailed> {
    let found = drawer(desk).find(&key_of(code))?;
    let holds = |found: &Permission| last_key(desk, code) == Some(found.key);
    Ok(found.filter(holds).map(|found| found.deciders))
}

/// Forgets the permission, because an invitation carries it; durable on return.
///
/// # Errors
/// The store.
pub fn use_up(desk: &Desk, code: InstitutionCode) -> Result<(), DrawerFailed> {
    let mut batch = Batch::new();
    batch.delete(META, key_of(code));
    keep_all(&*desk.store, batch)
}
