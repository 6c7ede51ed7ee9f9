//! Renewing: a certificate for another TLS key, on proof of the statement key in force, and with it another witness key where there is one.

use safeharbor_certs::proof::{verify_other_witness, verify_renewal};
use safeharbor_certs::spki;
use safeharbor_core::code::Code;
use safeharbor_core::directory::{Announcement, Deciders, Institution, KeyGround, KeySigns, Standing};
use safeharbor_core::institution::InstitutionCode;
use safeharbor_core::key::PublicKey;
use safeharbor_proto::v1;
use safeharbor_service::store::Batch;

use super::{Refusal, membership, parse_code};
use crate::certificates;
use crate::key_register::{KeyRegister, NamedKey, Usage};
use crate::office::Office;
use crate::office::drawer::keep_all;
use crate::running::{announce, wait_published};

/// What a request proves.
pub(super) struct Proven {
    pub(super) code: InstitutionCode,
    /// The statement key in force, which signed.
    key: PublicKey,
    /// The witness key that is to begin, if there is one; it signed, too.
    witness: Option<PublicKey>,
}

/// Verifies that the statement key in force asks.
pub(super) fn verify(office: &Office, request: &v1::RenewRequest) -> Result<Proven, Refusal> {
    let code = parse_code(&request.institution)?;
    let key = key_in_force(office.shared.directory().institution(&code))?;
    let witness = verify_renewal(&request.proof, &office.settings.issuer(), code, &request.csr_pem, &key)?;
    if let Some(witness) = &witness {
        let place = (office.settings.origin.as_str(), request.csr_pem.as_str());
        verify_other_witness(&request.cosignature, place, witness)?;
    }
    Ok(Proven { code, key, witness })
}

pub(super) async fn renew(office: &Office, request: v1::RenewRequest) -> Result<v1::Membership, Refusal> {
    let tls = spki::of_request(&request.csr_pem);
    let tls = tls.map_err(|failed| Refusal::new(Code::ProofRefused, failed.to_string()))?;
    let deciding = office.deciding().await;
    // As the key stands here, where nobody ends it meanwhile.
    let Proven { code, key, witness } = verify(office, &request)?;
    let begun = match witness {
        Some(witness) => begin_witness(office, code, witness).await?,
        None => None,
    };
    let mut batch = Batch::new();
    KeyRegister::of(office).claim_tls(&mut batch, &code, (tls, &key))?;
    let issued = certificates::issue(office, code, &request.csr_pem, batch);
    let certificate_pem = issued.map_err(|failed| Refusal::ours(&failed))?;
    drop(deciding);
    if let Some(index) = begun {
        wait_published(&office.shared, index).await.map_err(|failed| Refusal::ours(&failed))?;
    }
    membership(office, code, certificate_pem)
}

/// Logs that another witness key begins, which ends the one before, unless it is in force already. The statement key vouches for it.
async fn begin_witness(
    office: &Office,
    code: InstitutionCode,
    key: PublicKey,
) -> Result<Option<u64>, Refusal> {
    let (signs, named) = (KeySigns::Checkpoints, NamedKey::of(&key, Usage::Checkpoints));
    let directory = office.shared.directory();
    let current = directory.institution(&code).and_then(|known| known.current_key(signs));
    if current.is_some_and(|term| term.key == key) {
        return Ok(None);
    }
    if directory.has_seen(&key) {
        return Err(Refusal::new(
            Code::KeyInUse,
            "the witness key was seen before; a restored node makes its own",
        ));
    }
    let mut batch = Batch::new();
    KeyRegister::of(office).claim(&mut batch, &code, &[named])?;
    keep_all(&*office.store, batch).map_err(|failed| Refusal::ours(&failed))?;
    let (ground, decided_by) = (KeyGround::Admission, Deciders::default());
    let begins = Announcement::KeyBegins { code, key, signs, ground, decided_by };
    let announced = announce(&office.orders, begins).await.map_err(|failed| Refusal::ours(&failed))?;
    let detail = serde_json::json!({ "key": key.thumbprint(), "index": announced.index });
    let noted = office.audit.append(None, "other witness key", code.as_str(), detail);
    noted.map_err(|failed| Refusal::ours(&failed))?;
    Ok(Some(announced.index))
}

/// The statement key with which an institution that takes part speaks for itself.
pub(super) fn key_in_force(institution: Option<&Institution>) -> Result<PublicKey, Refusal> {
    let institution = institution
        .ok_or_else(|| Refusal::new(Code::InstitutionUnknown, "the institution was never admitted"))?;
    if institution.standing == Standing::Revoked {
        return Err(Refusal::new(Code::StandingRefused, "the institution was revoked, which is for good"));
    }
    let term = institution.current_key(KeySigns::Statements);
    let none = || {
        Refusal::new(Code::ProofRefused, "the institution's statement key was ended; ask for a re-enrolment")
    };
    term.map(|term| term.key).ok_or_else(none)
}
