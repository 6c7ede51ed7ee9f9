//! Joining: an invitation is taken up with keys that are proven, and the institution and its keys are logged.

use safeharbor_certs::invitation::id_of;
use safeharbor_certs::proof::{NodeKeys, verify_join, verify_presentation, verify_witness};
use safeharbor_certs::spki;
use safeharbor_core::code::Code;
use safeharbor_core::digest::Digest;
use safeharbor_core::directory::{Announcement, Institution, KeyGround, KeySigns, Standing};
use safeharbor_core::institution::InstitutionCode;
use safeharbor_core::key::PublicKey;
use safeharbor_proto::v1;
use safeharbor_service::speech::moment;
use safeharbor_service::store::Batch;
use serde_json::json;

use super::{Refusal, membership};
use crate::certificates;
use crate::invitation::{Alarm, Invited, State, drawer, keep};
use crate::key_register::{KeyRegister, NamedKey, Usage};
use crate::office::Office;
use crate::office::drawer::keep_all;
use crate::re_enrolment;
use crate::running::{announce, wait_published};

/// What somebody asks with, proven.
struct Asked {
    invitation: Digest,
    keys: NodeKeys,
    csr_pem: String,
    /// The name of the key of the certificate request.
    tls: Digest,
    from: String,
}

impl Asked {
    /// The keys that the log names, and what for.
    const fn logged_keys(&self) -> [(PublicKey, KeySigns); 3] {
        [
            (self.keys.statements, KeySigns::Statements),
            (self.keys.witness, KeySigns::Checkpoints),
            (self.keys.presentation, KeySigns::Presentations),
        ]
    }

    fn named_keys(&self) -> Vec<NamedKey> {
        let logged = self.logged_keys();
        let mut named: Vec<_> =
            logged.iter().map(|(key, signs)| NamedKey::of(key, (*signs).into())).collect();
        named.push(NamedKey { name: self.tls, usage: Usage::Tls });
        named
    }

    fn thumbprints(&self) -> [Digest; 3] {
        self.logged_keys().map(|(key, _)| key.thumbprint())
    }
}

pub(super) async fn join(
    office: &Office,
    request: v1::JoinRequest,
    from: String,
) -> Result<v1::Membership, Refusal> {
    let deciding = office.deciding().await;
    let invitation = id_of(&request.secret);
    let found = drawer(office).find(invitation.as_bytes()).map_err(|failed| Refusal::ours(&failed))?;
    let invited = found.ok_or_else(|| {
        Refusal::new(
            Code::InvitationUnknown,
            "this hub made no such invitation: is it for another hub, or was the hub set up anew?",
        )
    })?;
    let asked = verify(office, (invitation, request, from))?;
    let invited = take_up(office, invited, &asked)?;
    let last = log(office, &invited, &asked).await?;
    let certificate_pem = certify(office, invited.code, &asked)?;
    drop(deciding);
    if let Some(index) = last {
        wait_published(&office.shared, index).await.map_err(|failed| Refusal::ours(&failed))?;
    }
    membership(office, invited.code, certificate_pem)
}

/// Checks that one node holds all the keys it names, each in its own format.
fn verify(
    office: &Office,
    (invitation, request, from): (Digest, v1::JoinRequest, String),
) -> Result<Asked, Refusal> {
    let v1::JoinRequest { csr_pem, proof, cosignature, presentation, .. } = request;
    let keys = verify_join(&proof, &invitation, &csr_pem)?;
    verify_witness(&cosignature, (&office.settings.origin, &invitation), &keys.witness)?;
    verify_presentation(&presentation, (&office.settings.issuer(), &invitation, &proof), &keys.presentation)?;
    let tls =
        spki::of_request(&csr_pem).map_err(|failed| Refusal::new(Code::ProofRefused, failed.to_string()))?;
    Ok(Asked { invitation, keys, csr_pem, tls, from })
}

/// The TLS key need not be the one of the first attempt, but it is nobody else's.
fn certify(office: &Office, code: InstitutionCode, asked: &Asked) -> Result<String, Refusal> {
    let mut batch = Batch::new();
    KeyRegister::of(office).claim_tls(&mut batch, &code, (asked.tls, &asked.keys.statements))?;
    certificates::issue(office, code, &asked.csr_pem, batch).map_err(|failed| Refusal::ours(&failed))
}

/// Binds the invitation to the keys, if it is open; if it is bound to the same ones, it is so already. Durable on return.
fn take_up(office: &Office, invited: Invited, asked: &Asked) -> Result<Invited, Refusal> {
    match &invited.state {
        State::Withdrawn { at_ms, .. } => {
            let text = format!(
                "the invitation was withdrawn at {}; use the newest one, or ask for another one",
                moment(*at_ms)
            );
            let directory = office.shared.directory();
            // A member that tries its old token is known by its keys; anybody else may have found it.
            if !owns(directory.institution(&invited.code), &asked.keys.statements) {
                raise_alarm(office, invited, asked)?;
            }
            Err(Refusal::new(Code::InvitationWithdrawn, text))
        }
        State::Taken { keys, .. } if *keys == asked.thumbprints() => {
            let directory = office.shared.directory();
            let institution = directory.institution(&invited.code);
            verify_standing(institution)?;
            if !owns(institution, &asked.keys.statements) {
                verify_replaces(institution, &invited)?;
            }
            Ok(invited)
        }
        State::Taken { at_ms, .. } => {
            let at_ms = *at_ms;
            raise_alarm(office, invited, asked)?;
            let text = format!(
                "the invitation was used with other keys at {}; if that was not your node, call the district at once",
                moment(at_ms)
            );
            Err(Refusal::new(Code::InvitationUsed, text))
        }
        State::Open if invited.is_open(office.clock.now_ms()) => bind(office, invited, asked),
        State::Open => {
            let text =
                format!("the invitation expired at {}; ask for another one", moment(invited.expires_ms));
            Err(Refusal::new(Code::InvitationExpired, text))
        }
    }
}

fn bind(office: &Office, invited: Invited, asked: &Asked) -> Result<Invited, Refusal> {
    let directory = office.shared.directory();
    verify_admissible(directory.institution(&invited.code), &invited)?;
    if asked.logged_keys().iter().any(|(key, _)| directory.has_seen(key)) {
        return Err(Refusal::new(
            Code::KeyInUse,
            "a key was seen before; a node that was set up again makes its own",
        ));
    }
    let mut batch = Batch::new();
    let register = KeyRegister::of(office);
    register.claim(&mut batch, &invited.code, &asked.named_keys())?;
    // The same row again, with what proved it.
    register.claim_tls(&mut batch, &invited.code, (asked.tls, &asked.keys.statements))?;
    let (at_ms, keys) = (office.clock.now_ms(), asked.thumbprints());
    let invited = Invited { state: State::Taken { at_ms, keys }, ..invited };
    let detail = json!({
        "invitation": asked.invitation, "from": asked.from, "statement_key": keys.first(),
        "re_enrolment": !invited.re_enrolment.is_empty(),
    });
    let noted = office.audit.append(None, "join", invited.code.as_str(), detail);
    noted.map_err(|failed| Refusal::ours(&failed))?;
    let put = drawer(office).put(&mut batch, asked.invitation.as_bytes(), &invited);
    put.and_then(|()| keep_all(&*office.store, batch)).map_err(|failed| Refusal::ours(&failed))?;
    Ok(invited)
}

fn verify_standing(known: Option<&Institution>) -> Result<(), Refusal> {
    if known.is_some_and(|known| known.standing == Standing::Revoked) {
        return Err(Refusal::new(Code::StandingRefused, "the institution was revoked, which is for good"));
    }
    Ok(())
}

/// Whether the institution may begin with these keys, as it stands.
fn verify_admissible(known: Option<&Institution>, invited: &Invited) -> Result<(), Refusal> {
    verify_standing(known)?;
    let has_keys = known.is_some_and(|known| known.statement_keys().next().is_some());
    if has_keys && invited.re_enrolment.is_empty() {
        let text = "the institution has or had a statement key; a lost one is replaced by a re-enrolment";
        return Err(Refusal::new(Code::AlreadyMember, text));
    }
    verify_replaces(known, invited)
}

/// Two persons decided about one certain key: once another one took its place, they decided nothing.
fn verify_replaces(known: Option<&Institution>, invited: &Invited) -> Result<(), Refusal> {
    if invited.re_enrolment.is_empty()
        || invited.replaces.is_some_and(|key| re_enrolment::last_key(known) == Some(key))
    {
        return Ok(());
    }
    let text = "the statement key that this re-enrolment was to replace was replaced since; \
        if it is to be replaced all the same, the district decides anew";
    Err(Refusal::new(Code::InvitationSuperseded, text))
}

fn owns(known: Option<&Institution>, key: &PublicKey) -> bool {
    known.is_some_and(|known| known.statement_keys().any(|term| term.key == *key))
}

/// Logs what is not logged yet: the institution, then each key. The index of the last statement, if there was one.
async fn log(office: &Office, invited: &Invited, asked: &Asked) -> Result<Option<u64>, Refusal> {
    let (code, decided_by) = (invited.code, invited.deciders());
    let mut last = None;
    if office.shared.directory().institution(&code).is_none() {
        let (name, kind, standing) = (invited.name.clone(), invited.kind, Standing::Active);
        let decided_by = decided_by.clone();
        last =
            Some(order(office, Announcement::Institution { code, name, kind, standing, decided_by }).await?);
    }
    for (key, signs) in asked.logged_keys() {
        let directory = office.shared.directory();
        let Some(institution) = directory.institution(&code) else { continue };
        match institution.keys.iter().find(|term| term.key == key) {
            Some(term) if term.until.is_some() => {
                return Err(Refusal::new(Code::KeyInUse, "this key was ended; ask for another invitation"));
            }
            Some(_) => {}
            None => {
                let ground = ground(institution, invited);
                let decided_by = decided_by.clone();
                let begins = Announcement::KeyBegins { code, key, signs, ground, decided_by };
                last = Some(order(office, begins).await?);
            }
        }
    }
    Ok(last)
}

/// The first statement key admits; a later one that no key before signs for re-enrols, and so do the keys beside it.
fn ground(institution: &Institution, invited: &Invited) -> KeyGround {
    let is_first = institution.statement_keys().next().is_none() || invited.re_enrolment.is_empty();
    if is_first { KeyGround::Admission } else { KeyGround::ReEnrolment }
}

async fn order(office: &Office, announcement: Announcement) -> Result<u64, Refusal> {
    let announced = announce(&office.orders, announcement).await;
    announced.map(|announced| announced.index).map_err(|failed| Refusal::ours(&failed))
}

/// Somebody else has the token: a person has to look, whoever came first.
fn raise_alarm(office: &Office, invited: Invited, asked: &Asked) -> Result<(), Refusal> {
    let detail = json!({
        "invitation": asked.invitation, "from": asked.from, "statement_key": asked.keys.statements.thumbprint(),
    });
    let action = if matches!(invited.state, State::Withdrawn { .. }) {
        "alarm: withdrawn invitation"
    } else {
        "alarm: used invitation, other keys"
    };
    let noted = office.audit.append(None, action, invited.code.as_str(), detail);
    noted.map_err(|failed| Refusal::ours(&failed))?;
    tracing::warn!(institution = %invited.code, from = asked.from, action, "an invitation came with other keys");
    let times = invited.alarm.as_ref().map_or(0, |alarm| alarm.times).saturating_add(1);
    let at_ms = invited.alarm.as_ref().map_or_else(|| office.clock.now_ms(), |alarm| alarm.at_ms);
    let alarm = Some(Alarm { at_ms, times, from: asked.from.clone(), seen: false });
    let kept = keep(office, &asked.invitation, &Invited { alarm, ..invited });
    kept.map_err(|failed| Refusal::ours(&failed))
}
