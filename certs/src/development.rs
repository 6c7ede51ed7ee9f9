//! A throw-away authority with servers on this machine and clients of any institution: for tests and demonstrations.

use safeharbor_core::institution::InstitutionCode;

use crate::authority::{Authority, AuthorityFailed, Issued};
use crate::request::create_request;

/// All of it ends after a day.
const LIFETIME_S: u64 = 86_400;

/// Makes an authority whose key nobody needs to keep.
///
/// # Errors
/// As [`Authority::create`].
pub fn authority(now_s: u64) -> Result<Authority, AuthorityFailed> {
    Authority::create("Safe Harbour Gateway throw-away authority", now_s, LIFETIME_S)
}

/// Makes a certificate and key for a server on this machine.
///
/// # Errors
/// As [`Authority::issue_server`].
pub fn server(authority: &Authority, now_s: u64) -> Result<Issued, AuthorityFailed> {
    let names = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
    authority.issue_server(&names, now_s, LIFETIME_S)
}

/// Makes a certificate and key for the node of institution `code`.
///
/// # Errors
/// As [`Authority::issue_client`].
pub fn client(authority: &Authority, code: InstitutionCode, now_s: u64) -> Result<Issued, AuthorityFailed> {
    let request = create_request(code).map_err(|failed| AuthorityFailed::Sign(failed.0))?;
    let certificate_pem = authority.issue_client(&request.csr_pem, code, now_s, LIFETIME_S)?;
    Ok(Issued { certificate_pem, key_pem: request.key_pem })
}
