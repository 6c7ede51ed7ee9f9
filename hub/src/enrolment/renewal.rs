//! Renewing: a certificate for another TLS key, on proof of the statement key in force.

use safeharbor_certs::proof::verify_renewal;
use safeharbor_certs::spki;
use safeharbor_core::code::Code;
use safeharbor_core::directory::{Institution, KeySigns, Standing};
use safeharbor_core::institution::InstitutionCode;
use safeharbor_core::key::PublicKey;
use safeharbor_proto::v1;
use safeharbor_service::store::Batch;

use super::{Refusal, membership, parse_code};
use crate::certificates;
use crate::key_register::{KeyRegister, NamedKey, Usage};
use crate::office::Office;

pub(super) async fn renew(office: &Office, request: v1::RenewRequest) -> Result<v1::Membership, Refusal> {
    let code = parse_code(&request.institution)?;
    let directory = office.shared.directory();
    let key = key_in_force(directory.institution(&code))?;
    verify_renewal(&request.proof, &office.settings.issuer(), code, &request.csr_pem, &key)?;
    let tls = spki::of_request(&request.csr_pem);
    let tls = tls.map_err(|failed| Refusal::new(Code::ProofRefused, failed.to_string()))?;
    let certificate_pem = {
        let _deciding = office.deciding().await;
        issue(office, code, &request.csr_pem, NamedKey { name: tls, usage: Usage::Tls })?
    };
    membership(office, code, certificate_pem)
}

fn issue(office: &Office, code: InstitutionCode, csr_pem: &str, tls: NamedKey) -> Result<String, Refusal> {
    let mut batch = Batch::new();
    KeyRegister::of(office).claim(&mut batch, &code, &[tls])?;
    certificates::issue(office, code, csr_pem, batch).map_err(|failed| Refusal::ours(&failed))
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
