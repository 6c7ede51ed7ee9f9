//! What a node and the hub exchange when an institution is admitted by files.

use safeharbor_core::institution::InstitutionCode;
use serde::{Deserialize, Serialize};

/// The `typ` header of the proof that one node holds all the keys of a request.
pub const JOIN_PROOF_TYPE: &str = "safeharbor-join+jwt";

/// What a node asks with: every key proven in its own format.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnrolmentRequest {
    /// Whose node.
    pub institution: InstitutionCode,
    /// The institution's name, as its node has it.
    pub name: String,
    /// The certificate request (PKCS #10, PEM), signed by the TLS key.
    pub csr_pem: String,
    /// The statement key as an RFC 8037 JWK.
    pub jwk: serde_json::Value,
    /// A JWS of type [`JOIN_PROOF_TYPE`] signed by the statement key, over `institution` and `csr_sha256`
    /// (base64url of the SHA-256 of `csr_pem`).
    pub proof: String,
}

/// What the hub answers with; nothing in it is secret.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnrolmentBundle {
    /// Whose node.
    pub institution: InstitutionCode,
    /// The node's certificate (PEM).
    pub certificate_pem: String,
    /// The certificate of the hub's authority (PEM).
    pub ca_pem: String,
    /// The name the hub's TLS certificate carries.
    pub hub_name: String,
    /// The registry's trust file (tlog-policy with the hub's statement key).
    pub policy: String,
    /// The digest of the statement that admitted the institution (base64url).
    pub admitted: String,
}
