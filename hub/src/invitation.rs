//! Invitations: whom the hub lets in once, and what became of it. The hub keeps the hash of the secret alone.

use safeharbor_certs::invitation::{Invitation, pin_of};
use safeharbor_core::digest::Digest;
use safeharbor_core::directory::{Deciders, InstitutionType};
use safeharbor_core::institution::InstitutionCode;
use safeharbor_service::person::Person;
use safeharbor_service::random::draw;
use safeharbor_service::store::Batch;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::authority::{Authorities, AuthoritiesFailed};
use crate::office::Desk;
use crate::office::drawer::{Drawer, DrawerFailed, keep_all};
use crate::office::tables::INVITATIONS;
use crate::re_enrolment;

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
    /// The thumbprint of the statement key that they spoke of; none for an ordinary invitation.
    #[serde(default)]
    pub replaces: Option<Digest>,
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
    /// A person took it back, or made another one in its place.
    Withdrawn {
        /// When, in Unix milliseconds.
        at_ms: u64,
        /// Who.
        by: Person,
    },
}

/// Two persons decided that one certain key is replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permitted {
    /// The persons' numbers.
    pub deciders: Vec<u32>,
    /// The thumbprint of the statement key.
    pub key: Digest,
}

/// Somebody came with a used or withdrawn invitation and other keys.
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

    /// What two persons decided, if this is a re-enrolment.
    #[must_use]
    pub fn permitted(&self) -> Option<Permitted> {
        self.replaces.map(|key| Permitted { deciders: self.re_enrolment.clone(), key })
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

/// The invitations of an institution that can be taken up, by the hash of their secrets.
///
/// # Errors
/// The store.
pub(crate) fn open_of(desk: &Desk, code: InstitutionCode) -> Result<Vec<(Vec<u8>, Invited)>, DrawerFailed> {
    let (mut rows, now_ms) = (drawer(desk).all()?, desk.clock.now_ms());
    rows.retain(|(_, row)| row.code == code && row.is_open(now_ms));
    Ok(rows)
}

/// Keeps an invitation and gives its token, which is nowhere else. In the same write those of the institution that wait are withdrawn, and the
/// decision that it carries is used up: there is one invitation that can be taken up at any time. Durable on return.
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
    let mut batch = Batch::new();
    for (id, before) in open_of(desk, invited.code)? {
        let state = State::Withdrawn { at_ms: invited.at_ms, by: invited.by.clone() };
        drawer(desk).put(&mut batch, &id, &Invited { state, ..before })?;
    }
    if invited.replaces.is_some() {
        re_enrolment::use_up(desk, invited.code, &mut batch)?;
    }
    drawer(desk).put(&mut batch, token.id().as_bytes(), invited)?;
    keep_all(&*desk.store, batch)?;
    Ok(token.to_token())
}
