//! Joining: an invitation is taken up with keys made here, and the hub's answer is checked and kept.
//!
//! Each step looks first at what is there, so that a process that is killed anywhere goes on from there when it is run again:
//! the invitation is kept until the membership is, the keys are the ones made at first, and the hub gives the same keys the same answer.

mod again;
mod asking;
mod failure;
mod keys;

use std::fs;
use std::io::ErrorKind;

use safeharbor_certs::authority;
use safeharbor_certs::invitation::{Invitation, pin_of};
use safeharbor_certs::words::KeyWords;
use safeharbor_core::key::Signer as _;
use safeharbor_service::durable_file::{
    Access, Existing, create_folders_durably, sync_folder, write, write_durably,
};
use safeharbor_service::folder::{DataFolder, Role, is_set_up};
use safeharbor_service::key_file::{self, KeyUse};
use safeharbor_service::secret_file;

use crate::layout::Layout;
use crate::membership::Membership;
use crate::opening::{Owner, Seams, load_owner};
use crate::settings::Hub;
pub use failure::JoinFailed;
pub use keys::Keys;

/// With what, and where to, a node joins.
#[derive(Debug)]
pub struct Order<'a> {
    /// The node's folder.
    pub layout: &'a Layout,
    /// How the hub is reached.
    pub hub: &'a Hub,
    /// Time and randomness.
    pub seams: &'a Seams,
    /// The token that was handed over; none if the one of an attempt that was broken off is to be used.
    pub token: Option<&'a str>,
    /// The address to dial in place of the invitation's.
    pub address: Option<&'a str>,
    /// Whether fresh keys take the place of those that there are, or were.
    pub re_enrols: bool,
}

/// What came of it.
#[derive(Debug)]
pub struct Joined {
    /// The membership.
    pub membership: Membership,
    /// The words of the statement key, to be read to the hub's operator.
    pub words: KeyWords,
    /// Whether the node was a member already.
    pub was_member: bool,
}

/// Whether joining needs a token: neither is the node a member, nor was an attempt broken off.
#[must_use]
pub fn wants_token(layout: &Layout, re_enrols: bool) -> bool {
    let place = if re_enrols || again::is_under_way(layout) {
        Layout::at(&layout.re_enrolment())
    } else {
        layout.clone()
    };
    !place.membership().exists() && !place.invitation().exists()
}

/// Joins, or goes on joining.
///
/// # Errors
/// Any of [`JoinFailed`]; nothing is lost, and running it again goes on.
pub async fn join(order: &Order<'_>) -> Result<Joined, JoinFailed> {
    let layout = order.layout;
    let given = order.token.map(Invitation::parse).transpose()?;
    if again::is_under_way(layout) || (order.re_enrols && !is_taken_up(layout, given.as_ref())?) {
        return again::join_again(order, given).await;
    }
    if is_set_up(layout.root())
        && let Some(member) = Membership::load(layout)?
    {
        return already(layout, member, given.as_ref());
    }
    let _folder = DataFolder::open_or_create(layout.root(), Role::Node)?;
    let membership = take_up(order, layout, given).await?;
    let key = key_file::load(&layout.statement_key(), KeyUse::Statement)?.public_key();
    Ok(Joined { words: KeyWords::of(&key), membership, was_member: false })
}

/// Whether it is this invitation that made the node a member, so that nothing is left to be done again. The hub would take other keys with
/// it for a stranger's.
fn is_taken_up(layout: &Layout, given: Option<&Invitation>) -> Result<bool, JoinFailed> {
    let Some(given) = given.filter(|_| secret_file::exists(&layout.statement_key())) else {
        return Ok(false);
    };
    let taken_up = Membership::load(layout)?.and_then(|member| member.invitation);
    Ok(taken_up == Some(given.id().to_string()))
}

/// Takes an invitation up with keys that lie in `place`, and keeps the membership there.
async fn take_up(
    order: &Order<'_>,
    place: &Layout,
    given: Option<Invitation>,
) -> Result<Membership, JoinFailed> {
    create_folders_durably(&place.keys()).map_err(|source| JoinFailed::read(&place.keys(), source))?;
    let invitation = keep_invitation(place, order.token, given)?;
    let keys = Keys::load_or_create(place, &*order.seams.random)?;
    let address = order.address.unwrap_or(&invitation.address).to_owned();
    let asked = asking::ask(order, (&invitation, &address), &keys).await;
    if asked.as_ref().is_err_and(JoinFailed::is_of_the_invitation) {
        // Another one is asked for next time.
        forget_invitation(place)?;
    }
    let answer = asked?;
    let invitation = Some(invitation.id().to_string());
    let membership = Membership { invitation, ..Membership::from_wire(answer)? };
    membership.verify(&keys.public())?;
    drop(membership.tls(place, order.hub.key_exchange)?);
    keep(place, &membership, &address)?;
    Ok(membership)
}

/// The one that was handed over takes the place of one that could not be taken up.
fn keep_invitation(
    layout: &Layout,
    token: Option<&str>,
    given: Option<Invitation>,
) -> Result<Invitation, JoinFailed> {
    if let (Some(token), Some(given)) = (token, given) {
        secret_file::replace(&layout.invitation(), token.trim().as_bytes())?;
        return Ok(given);
    }
    let kept = secret_file::load(&layout.invitation()).or(Err(JoinFailed::NoInvitation))?;
    let kept = std::str::from_utf8(&kept).or(Err(JoinFailed::NoInvitation))?;
    Ok(Invitation::parse(kept)?)
}

/// The membership is kept last: from then on the node is a member, and the invitation is of no use to anybody.
fn keep(layout: &Layout, membership: &Membership, address: &str) -> Result<(), JoinFailed> {
    let owner = Owner { institution: membership.institution, name: membership.name.clone() };
    if layout.institution().exists() {
        let found = load_owner(layout)?.institution;
        if found != owner.institution {
            return Err(JoinFailed::OtherInstitution { found, wanted: owner.institution });
        }
    }
    write_durably(&layout.institution(), &serde_json::to_vec(&owner).map_err(JoinFailed::Encode)?)?;
    create_folders_durably(&layout.trust()).map_err(|source| JoinFailed::read(&layout.trust(), source))?;
    write(&layout.hub_address(), address.as_bytes(), Access::OwnerOnly, Existing::Replace)?;
    membership.store(layout)?;
    forget_invitation(layout)
}

fn forget_invitation(layout: &Layout) -> Result<(), JoinFailed> {
    match fs::remove_file(layout.invitation()) {
        Err(failed) if failed.kind() != ErrorKind::NotFound => {
            Err(JoinFailed::read(&layout.invitation(), failed))
        }
        Ok(()) | Err(_) => {
            sync_folder(&layout.keys()).map_err(|source| JoinFailed::read(&layout.keys(), source))
        }
    }
}

/// A member of the invitation's hub is told so; one of another hub needs another folder.
fn already(
    layout: &Layout,
    membership: Membership,
    given: Option<&Invitation>,
) -> Result<Joined, JoinFailed> {
    if let Some(given) = given
        && !authorities(&membership).contains(&given.authority)
    {
        return Err(JoinFailed::OtherHub(membership.hub_name));
    }
    let other =
        |given: &Invitation| membership.invitation.as_ref().is_some_and(|id| *id != given.id().to_string());
    if given.is_some_and(other) {
        return Err(JoinFailed::OtherInvitation);
    }
    forget_invitation(layout)?;
    let key = key_file::load(&layout.statement_key(), KeyUse::Statement)?.public_key();
    Ok(Joined { words: KeyWords::of(&key), membership, was_member: true })
}

fn authorities(membership: &Membership) -> Vec<[u8; safeharbor_certs::invitation::PIN_BYTES]> {
    const END: &str = "-----END CERTIFICATE-----";
    let pems = membership.authorities_pem.split_inclusive(END);
    pems.filter_map(|pem| authority::fingerprint(pem).ok()).map(|found| pin_of(&found)).collect()
}
