//! Changing the authority, step by step: begin, switch, retire. Each step leaves every node connected.

use safeharbor_certs::authority::{Authority, AuthorityFailed, fingerprint};
use safeharbor_certs::spki;
use safeharbor_core::directory::Standing;
use safeharbor_core::institution::InstitutionCode;
use safeharbor_service::clock::to_seconds;
use safeharbor_service::durable_file::write_durably;
use safeharbor_service::random::draw;
use safeharbor_service::secret_file;

use super::{Authorities, AuthoritiesFailed, ROW, Stage, files, row};
use crate::certificates;
use crate::invitation;
use crate::key_register::{KeyRegister, NamedKey, Usage};
use crate::office::Desk;
use crate::setup::AUTHORITY_S;

/// The authority is not changed.
#[derive(Debug, thiserror::Error)]
pub enum RotateFailed {
    /// It is not the turn of this step.
    #[error("this step has its turn at another stage: {0:?}; `authority show` says what comes next")]
    Turn(Stage),
    /// Institutions would be cut off.
    #[error("these institutions would be cut off, because they did not renew meanwhile: {}", list(.0))]
    Behind(Vec<InstitutionCode>),
    /// Invitations name the authority that issues at the moment, and could not be taken up.
    #[error("these institutions hold invitations that could not be taken up any more; withdraw them, or let them be used first: {}", list(.0))]
    Invited(Vec<InstitutionCode>),
    /// The files or the office.
    #[error(transparent)]
    Authorities(#[from] AuthoritiesFailed),
}

impl RotateFailed {
    /// In Chinese.
    #[must_use]
    pub fn text_zh(&self) -> String {
        match self {
            Self::Turn(_) => "还没有轮到这一步；见 authority show".to_owned(),
            Self::Behind(codes) => {
                format!("以下单位尚未更新证书，这一步会使其断开：{}", list(codes))
            }
            Self::Invited(codes) => {
                format!("以下单位持有的邀请码将无法使用，请先撤回或等其使用：{}", list(codes))
            }
            Self::Authorities(failed) => safeharbor_service::speech::chain_of(failed),
        }
    }
}

fn list(codes: &[InstitutionCode]) -> String {
    codes.iter().map(InstitutionCode::to_string).collect::<Vec<_>>().join(", ")
}

/// Makes the next authority, which is trusted and handed out from here on. Hold the office's lock.
///
/// # Errors
/// Another change is not finished, or the files cannot be written.
pub fn begin(desk: &Desk) -> Result<Authorities, RotateFailed> {
    let current = Authorities::load(desk)?;
    if current.stage != Stage::Steady {
        return Err(RotateFailed::Turn(current.stage));
    }
    let next = make(desk)?;
    keep(
        desk,
        Authorities { other: Some(next), stage: Stage::Begun, since_ms: desk.clock.now_ms(), ..current },
    )
}

fn make(desk: &Desk) -> Result<String, AuthoritiesFailed> {
    let tag = u64::from_be_bytes(draw(&*desk.random)?);
    let name = format!("authority-{tag:016x}");
    let subject = format!("Safe Harbour hub {}", desk.settings.name);
    let made = Authority::create(&subject, to_seconds(desk.clock.now_ms()), AUTHORITY_S)?;
    let pem = made.ca_pem();
    let name_of_key = spki::of_certificate(&pem).ok_or(AuthorityFailed::NotAnAuthority)?;
    let key = NamedKey { name: name_of_key, usage: Usage::Authority };
    KeyRegister::of(desk).keep_own(&[key])?;
    let (certificate, key) = files(desk, &name);
    secret_file::create(&key, made.key_pem().as_bytes())?;
    write_durably(&certificate, pem.as_bytes())?;
    Ok(name)
}

/// Issues from the next authority from here on. Hold the office's lock.
///
/// # Errors
/// No change was begun, or, unless forced, a member did not renew since, so that its node may not trust the next, or an
/// invitation is open.
pub fn switch(desk: &Desk, force: bool) -> Result<Authorities, RotateFailed> {
    let current = Authorities::load(desk)?;
    let (Stage::Begun, Some(next)) = (current.stage, current.other.clone()) else {
        return Err(RotateFailed::Turn(current.stage));
    };
    let behind = behind(desk, |last| last.issued_ms > current.since_ms)?;
    if !behind.is_empty() && !force {
        return Err(RotateFailed::Behind(behind));
    }
    let invited = invited(desk)?;
    if !invited.is_empty() && !force {
        return Err(RotateFailed::Invited(invited));
    }
    let (other, since_ms) = (Some(current.issuing), desk.clock.now_ms());
    keep(desk, Authorities { issuing: next, other, stage: Stage::Switched, since_ms })
}

/// Trusts the former authority no more and forgets its key. Hold the office's lock.
///
/// # Errors
/// No change was switched, or the last certificate of an institution that is not revoked is one of the former authority and
/// still valid.
pub fn retire(desk: &Desk) -> Result<Authorities, RotateFailed> {
    let current = Authorities::load(desk)?;
    let (Stage::Switched, Some(former)) = (current.stage, current.other.clone()) else {
        return Err(RotateFailed::Turn(current.stage));
    };
    let pem = current.other_pem(desk)?.unwrap_or_default();
    let former_is = fingerprint(&pem).map_err(AuthoritiesFailed::from)?;
    let now_ms = desk.clock.now_ms();
    let behind = behind(desk, |last| last.authority != former_is || last.until_ms <= now_ms)?;
    if !behind.is_empty() {
        return Err(RotateFailed::Behind(behind));
    }
    let kept = keep(desk, Authorities { other: None, stage: Stage::Steady, since_ms: now_ms, ..current })?;
    // Whoever is killed before this leaves a key that nothing trusts.
    std::fs::remove_file(files(desk, &former).1).ok();
    Ok(kept)
}

/// Whose invitations are open.
fn invited(desk: &Desk) -> Result<Vec<InstitutionCode>, AuthoritiesFailed> {
    let (rows, now_ms) = (invitation::drawer(desk).all()?, desk.clock.now_ms());
    let open = rows.into_iter().filter(|(_, invited)| invited.is_open(now_ms));
    Ok(open.map(|(_, invited)| invited.code).collect())
}

/// The institutions that take part and whose last certificate is not as it should be.
fn behind(
    desk: &Desk,
    is_fine: impl Fn(&certificates::LastCertificate) -> bool,
) -> Result<Vec<InstitutionCode>, AuthoritiesFailed> {
    let mut behind = Vec::new();
    for (code, institution) in desk.shared.directory().institutions() {
        let last = certificates::last_of(desk, code)?;
        if institution.standing != Standing::Revoked && last.is_some_and(|last| !is_fine(&last)) {
            behind.push(*code);
        }
    }
    Ok(behind)
}

/// Everybody who looks at the authorities sees the next stage.
fn keep(desk: &Desk, next: Authorities) -> Result<Authorities, RotateFailed> {
    row(desk).keep(ROW, &next).map_err(AuthoritiesFailed::from)?;
    desk.authorities_changed.send_modify(|changes| *changes = changes.wrapping_add(1));
    Ok(next)
}
