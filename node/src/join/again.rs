//! Joining again with fresh keys, because the statement key was lost or ended (重新登记).
//!
//! The node joins into a folder inside its own, with keys made there; what makes it a member until then is not touched. Once the hub has
//! answered, each file takes its place in the data folder, and what was there lies in `former/` under the new key's name. The membership
//! moves last, so that a process killed in the middle finds what is left to be moved.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use safeharbor_certs::invitation::Invitation;
use safeharbor_core::directory::KeySigns;
use safeharbor_core::key::Signer as _;
use safeharbor_service::audit::AuditLog;
use safeharbor_service::durable_file::{create_folders_durably, sync_folder};
use safeharbor_service::folder::{DataFolder, Role};
use safeharbor_service::key_file::{self, KeyUse};
use serde_json::json;

use super::{JoinFailed, Joined, KeyWords, Order, take_up};
use crate::layout::Layout;
use crate::membership::Membership;
use crate::opening::load_owner;

/// What joining makes besides the membership, by its place in a data folder.
const MADE: [&str; 7] = [
    "keys/statement.key",
    "keys/witness.key",
    "keys/presentation.key",
    "keys/tls.key",
    "keys/tls.csr",
    "trust/hub-address",
    "institution.json",
];
const MEMBERSHIP: &str = "trust/membership.json";
/// So much of a thumbprint names a folder.
const NAME_CHARACTERS: usize = 16;

/// Whether joining again was begun and not finished. Of what lies in its folder the statement key leaves first and the membership last: one
/// without them was only not removed to the end.
#[must_use]
pub(super) fn is_under_way(layout: &Layout) -> bool {
    let staged = Layout::at(&layout.re_enrolment());
    [staged.invitation(), staged.statement_key(), staged.membership()].iter().any(|file| file.exists())
}

/// Joins again, or goes on doing so.
pub(super) async fn join_again(order: &Order<'_>, given: Option<Invitation>) -> Result<Joined, JoinFailed> {
    let layout = order.layout;
    let _folder = DataFolder::open_or_create(layout.root(), Role::Node)?;
    let staged = Layout::at(&layout.re_enrolment());
    let membership = match Membership::load(&staged)? {
        Some(answered) => answered,
        None => match take_up(order, &staged, given).await {
            Ok(answered) => answered,
            Err(failed) => {
                if failed.is_of_the_keys() {
                    remove(&staged)?;
                }
                return Err(failed);
            }
        },
    };
    take_into_use(order, &staged, &membership)?;
    let key = key_file::load(&layout.statement_key(), KeyUse::Statement)?.public_key();
    let membership = Membership::load(layout)?.ok_or(JoinFailed::NoInvitation)?;
    Ok(Joined { words: KeyWords::of(&key), membership, was_member: false })
}

/// Moves what was made to its place, and what was there aside. Each step is found done when it is done again.
fn take_into_use(order: &Order<'_>, staged: &Layout, answered: &Membership) -> Result<(), JoinFailed> {
    let (layout, code) = (order.layout, answered.institution);
    if layout.institution().exists() {
        let found = load_owner(layout)?.institution;
        if found != code {
            return Err(JoinFailed::OtherInstitution { found, wanted: code });
        }
    }
    let before = Membership::load(layout)?;
    if let Some(before) = before.as_ref().filter(|before| before.admitted != answered.admitted) {
        return Err(JoinFailed::OtherHub(before.hub_name.clone()));
    }
    let key = answered.key_in_force(KeySigns::Statements)?.map(|key| key.thumbprint().to_string());
    let name: String = key.clone().unwrap_or_default().chars().take(NAME_CHARACTERS).collect();
    let aside = layout.former().join(&name);
    if staged.statement_key().exists() {
        let audit = AuditLog::open(&layout.audit_log(), Arc::clone(&order.seams.clock))?;
        let detail = json!({ "key": key, "former": format!("former/{name}") });
        audit.append(None, "join again with fresh keys", code.as_str(), detail)?;
    }
    // Names that joining does not give: they are in nobody's way, and belong to what was.
    let tls_key = before.as_ref().map(|before| format!("keys/{}", before.tls_key));
    for file in tls_key.into_iter().chain(["keys/statement-next.key".to_owned()]) {
        if !MADE.contains(&file.as_str()) {
            put_aside(layout, &aside, &file)?;
        }
    }
    for file in MADE.into_iter().chain([MEMBERSHIP]) {
        let made = staged.root().join(file);
        if made.exists() {
            put_aside(layout, &aside, file)?;
            rename(&made, &layout.root().join(file))?;
        }
    }
    remove(staged)
}

/// Nothing is overwritten: what is there already stays, and is a failure.
fn put_aside(layout: &Layout, aside: &Path, file: &str) -> Result<(), JoinFailed> {
    let (from, to) = (layout.root().join(file), aside.join(file));
    if !from.exists() {
        return Ok(());
    }
    if to.exists() {
        return Err(JoinFailed::read(&to, std::io::ErrorKind::AlreadyExists.into()));
    }
    rename(&from, &to)
}

/// Durable on return.
fn rename(from: &Path, to: &Path) -> Result<(), JoinFailed> {
    let folders = [to.parent(), from.parent()].into_iter().flatten();
    if let Some(folder) = to.parent() {
        create_folders_durably(folder).map_err(|source| JoinFailed::read(folder, source))?;
    }
    fs::rename(from, to).map_err(|source| JoinFailed::read(from, source))?;
    for folder in folders {
        sync_folder(folder).map_err(|source| JoinFailed::read(folder, source))?;
    }
    Ok(())
}

fn remove(staged: &Layout) -> Result<(), JoinFailed> {
    fs::remove_dir_all(staged.root()).map_err(|source| JoinFailed::read(staged.root(), source))
}
