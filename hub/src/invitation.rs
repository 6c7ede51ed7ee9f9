//! Invitations: whom the hub lets in once, and what became of it. The hub keeps the hash of the secret alone.

use safeharbor_certs::invitation::{Invitation, pin_of};
use safeharbor_core::digest::Digest;
use safeharbor_core::directory::{Deciders, InstitutionType};
use safeharbor_core::institution::InstitutionCode;
use safeharbor_service::person::Person;
use safeharbor_service::random::draw;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::authority::{Authorities, AuthoritiesFailed};
use crate::office::Desk;
use crate::office::drawer::{Drawer, DrawerFailed};
use crate::office::tables::INVITATIONS;

/// An invitation, by the hash of its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invited {
    /// Which institution.
    pub code: InstitutionCode,
    /// Its official name.
    pub name: String,
    /// What it is.
    pub kind: InstitutionType,
    /// Who invited it.
    pub by: Person,
    /// When, in Unix milliseconds.
    pub at_ms: u64,
    /// Until when a node may take it up, in Unix milliseconds.
    pub expires_ms: u64,
    /// The persons who decided that lost keys are replaced; none for an ordinary invitation.
    pub re_enrolment: Vec<u32>,
    /// What became of it.
    pub state: State,
    /// Somebody came with other keys than the first.
    pub alarm: Option<Alarm>,
}

/// What became of an invitation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum State {
    /// Nobody took it up yet.
    Open,
    /// A node took it up with these keys: thumbprints of those for statements, checkpoints and presentations.
    Taken {
        /// When, in Unix milliseconds.
        at_ms: u64,
        /// The keys.
        keys: [Digest; 3],
    },
    /// A person took it back.
    Withdrawn {
        /// When, in Unix milliseconds.
        at_ms: u64,
        /// Who.
        by: Person,
    },
}

/// Somebody came with a used invitation and other keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alarm {
    /// When first, in Unix milliseconds.
    pub at_ms: u64,
    /// How often.
    pub times: u64,
    /// From which network address last.
    pub from: String,
    /// Whether a person looked at it.
    pub seen: bool,
}

impl Invited {
    /// Whether it can be taken up.
    #[must_use]
    pub fn is_open(&self, now_ms: u64) -> bool {
        self.state == State::Open && now_ms < self.expires_ms
    }

    /// Whether an alarm waits for a person.
    #[must_use]
    pub fn alarms(&self) -> bool {
        self.alarm.as_ref().is_some_and(|alarm| !alarm.seen)
    }

    /// Who decided that keys are replaced; one person invites, two decide on a re-enrolment.
    #[must_use]
    pub fn deciders(&self) -> Deciders {
        if self.re_enrolment.is_empty() {
            Deciders::new([self.by.id.0])
        } else {
            Deciders::new(self.re_enrolment.iter().copied())
        }
    }
}

/// An invitation is not made.
#[derive(Debug, thiserror::Error)]
pub enum InviteFailed {
    /// The authority.
    #[error(transparent)]
    Authorities(#[from] AuthoritiesFailed),
    /// The office.
    #[error(transparent)]
    Drawer(#[from] DrawerFailed),
    /// No random bytes.
    #[error(transparent)]
    Random(#[from] safeharbor_service::random::RandomFailed),
    /// An expiry that no token carries.
    #[error("an invitation ends before the year 2106")]
    Expiry,
}

/// The invitations, by the hash of their secrets.
#[must_use]
pub fn drawer(desk: &Desk) -> Drawer<'_, Invited> {
    Drawer::new(&*desk.store, INVITATIONS)
}

/// Keeps what became of an invitation, and has the screens show which alarms wait; durable on return.
///
/// # Errors
/// The store.
pub fn keep(desk: &Desk, id: &Digest, invited: &Invited) -> Result<(), DrawerFailed> {
    drawer(desk).keep(id.as_bytes(), invited)?;
    show_alarms(desk)
}

/// Has the screens show which alarms wait for a person.
///
/// # Errors
/// The store.
pub fn show_alarms(desk: &Desk) -> Result<(), DrawerFailed> {
    let rows = drawer(desk).all()?;
    let alarming = rows.into_iter().filter(|(_, row)| row.alarms()).map(|(_, row)| row.code);
    desk.shared.set_alarms(alarming.collect());
    Ok(())
}

/// Keeps an invitation and gives its token; durable on return. The token is nowhere else.
///
/// # Errors
/// Any of [`InviteFailed`].
pub fn make(desk: &Desk, invited: &Invited) -> Result<Zeroizing<String>, InviteFailed> {
    let secret: Zeroizing<[u8; 16]> = Zeroizing::new(draw(&*desk.random)?);
    let pem = Authorities::load(desk)?.issuing_pem(desk)?;
    let fingerprint = safeharbor_certs::authority::fingerprint(&pem).map_err(AuthoritiesFailed::from)?;
    let token = Invitation {
        secret,
        address: desk.public_address(),
        expires_s: u32::try_from(invited.expires_ms / 1000).or(Err(InviteFailed::Expiry))?,
        authority: pin_of(&fingerprint),
    };
    drawer(desk).keep(token.id().as_bytes(), invited)?;
    Ok(token.to_token())
}
