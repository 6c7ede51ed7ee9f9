//! What makes a node a member: what the hub answered when it joined, checked, in one file that replaces itself as a whole.

mod key_terms;

use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use safeharbor_certs::identity::{IdentityFailed, PeerIdentity};
use safeharbor_certs::proof::NodeKeys;
use safeharbor_certs::tls::{ConfigureTlsFailed, KeyExchange, client_config_with};
use safeharbor_core::directory::{Announcement, KeySigns, ReadAnnouncementFailed};
use safeharbor_core::institution::{InstitutionCode, Issuer, ParseCodeFailed};
use safeharbor_core::key::PublicKey;
use safeharbor_core::policy::{ParsePolicyFailed, Policy};
use safeharbor_core::sdjwt::JwsFailed;
use safeharbor_core::statement::{ParseStatementFailed, Statement, statement_digest};
use safeharbor_proto::v1;
use safeharbor_service::durable_file::{Access, Existing, WriteFailed, create_folders_durably, write};
use safeharbor_service::secret_file::{self, LoadSecretFailed};
use serde::{Deserialize, Serialize};

use crate::layout::Layout;
use crate::sync::clean;

/// A membership is a few kilobytes, and one for each key that was ever rotated.
const FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// A member's papers; nothing in them is secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Membership {
    /// Whose node it is.
    pub institution: InstitutionCode,
    /// The institution's name.
    pub name: String,
    /// The node's certificate (PEM).
    pub certificate_pem: String,
    /// The name of the certificate's key in the folder of keys.
    #[serde(default = "first_tls_key")]
    pub tls_key: String,
    /// The certificates of the hub's authorities (PEM).
    pub authorities_pem: String,
    /// The name the hub's TLS certificate carries.
    pub hub_name: String,
    /// The registry's trust file (tlog-policy with the hub's statement key).
    pub policy: String,
    /// The digest of the statement that admitted the institution (base64url).
    pub admitted: String,
    /// The hub's public statements about the institution and its keys, in log order.
    pub statements: Vec<LoggedStatement>,
    /// Names the invitation that was taken up (SHA-256 of its secret); none of a node that joined before this was kept.
    #[serde(default)]
    pub invitation: Option<String>,
}

/// A public statement of the hub, as logged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoggedStatement {
    /// Its log index.
    pub index: u64,
    /// The issuer-signed JWT, without `~`.
    pub jwt: String,
}

/// Papers that do not make this node a member.
#[derive(Debug, thiserror::Error)]
pub enum MembershipFailed {
    /// The file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// The file cannot be written.
    #[error("the membership cannot be kept")]
    Write(#[from] WriteFailed),
    /// It is longer than any membership.
    #[error("the membership is longer than {FILE_BYTES_MAX} bytes")]
    TooLong,
    /// The file holds something else.
    #[error("the membership is malformed")]
    Malformed(#[source] serde_json::Error),
    /// The hub names no institution.
    #[error("the institution's code in the hub's answer is refused")]
    Code(#[from] ParseCodeFailed),
    /// The certificate is none.
    #[error("the certificate in the hub's answer is not one in PEM")]
    Certificate,
    /// The certificate does not go with the TLS key, or an authority is none.
    #[error("the certificate in the hub's answer does not go with this node's TLS key")]
    Tls(#[from] ConfigureTlsFailed),
    /// The TLS key cannot be loaded.
    #[error("the TLS key cannot be loaded")]
    Secret(#[from] LoadSecretFailed),
    /// The certificate names nobody.
    #[error("the certificate in the hub's answer is refused")]
    Identity(#[from] IdentityFailed),
    /// The certificate is another institution's.
    #[error("the hub's answer is about {wanted} and its certificate about {found}")]
    OtherInstitution {
        /// Whom the certificate names.
        found: InstitutionCode,
        /// Whom the answer names.
        wanted: InstitutionCode,
    },
    /// The trust policy is malformed.
    #[error("the trust policy in the hub's answer is refused")]
    Policy(#[from] ParsePolicyFailed),
    /// The trust policy lacks a log or the hub's key.
    #[error("the trust policy in the hub's answer names no {0}")]
    Lacks(&'static str),
    /// A public statement is malformed.
    #[error("the public statement at {index} is refused")]
    Statement {
        /// Its log index.
        index: u64,
        /// Why.
        #[source]
        source: ParseStatementFailed,
    },
    /// A public statement was not signed by the hub.
    #[error("the public statement at {0} is not signed by the hub's key in the trust policy")]
    Unsigned(u64),
    /// A public statement's claims are malformed.
    #[error("the public statement at {index} cannot be understood")]
    Announcement {
        /// Its log index.
        index: u64,
        /// Why.
        #[source]
        source: ReadAnnouncementFailed,
    },
    /// The statements are out of order or do not begin with the admission.
    #[error(
        "the hub's public statements are out of order, or do not begin with this institution's admission"
    )]
    Order,
    /// The log has another key in force than the node's own.
    #[error("the registry does not say that this node's {0} key is in force")]
    NotInForce(&'static str),
    /// The log says that the key came by a re-enrolment, which nobody here asked for.
    #[error(
        "the registry says that the next key came by a re-enrolment, and not by the signature of the key before"
    )]
    NotRotated,
}

/// The key that a node joins with.
fn first_tls_key() -> String {
    "tls.key".to_owned()
}

impl Membership {
    /// Takes a hub's answer apart; whether it holds is for [`Membership::verify`] to say.
    ///
    /// # Errors
    /// The institution's code is none, or no statement admits it.
    pub fn from_wire(answer: v1::Membership) -> Result<Self, MembershipFailed> {
        let admission = answer.statements.first().ok_or(MembershipFailed::Order)?;
        let admitted = statement_digest(&admission.jwt).to_string();
        let logged = |public: v1::PublicStatement| LoggedStatement { index: public.index, jwt: public.jwt };
        Ok(Self {
            institution: answer.institution.parse()?,
            // Shown to whoever joins.
            name: clean(&answer.name),
            certificate_pem: answer.certificate_pem,
            tls_key: first_tls_key(),
            authorities_pem: answer.authorities_pem,
            hub_name: clean(&answer.hub_name),
            policy: answer.policy,
            admitted,
            statements: answer.statements.into_iter().map(logged).collect(),
            invitation: None,
        })
    }

    /// What the node has; none before it joins.
    ///
    /// # Errors
    /// The file cannot be read or is malformed.
    pub fn load(layout: &Layout) -> Result<Option<Self>, MembershipFailed> {
        let path = layout.membership();
        let failed = |source| MembershipFailed::Read { path: path.clone(), source };
        match fs::metadata(&path) {
            Ok(found) if found.len() > FILE_BYTES_MAX => Err(failed(io::ErrorKind::FileTooLarge.into())),
            Ok(_) => {
                let bytes = fs::read(&path).map_err(failed)?;
                let read: Self = serde_json::from_slice(&bytes).map_err(MembershipFailed::Malformed)?;
                // The name leads into the folder of keys and nowhere else.
                let is_plain =
                    !read.tls_key.is_empty() && !read.tls_key.contains('/') && !read.tls_key.starts_with('.');
                if is_plain {
                    Ok(Some(read))
                } else {
                    Err(MembershipFailed::Lacks("plain name of a TLS key"))
                }
            }
            Err(missing) if missing.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(unreadable) => Err(failed(unreadable)),
        }
    }

    /// The TLS configuration with the node's certificate and key; it fails if the two do not belong together.
    ///
    /// # Errors
    /// The key cannot be loaded, or does not go with the certificate.
    pub fn tls(&self, layout: &Layout, offered: KeyExchange) -> Result<Arc<ClientConfig>, MembershipFailed> {
        let key = secret_file::load(&layout.keys().join(&self.tls_key))?;
        let key = std::str::from_utf8(&key).or(Err(MembershipFailed::Lacks("TLS key in PEM")))?;
        Ok(client_config_with(&self.authorities_pem, Some((&self.certificate_pem, key)), offered)?)
    }

    /// Keeps it; durable on return, and either the one before or this one after a crash.
    ///
    /// # Errors
    /// It is too long or cannot be written; the one before stays.
    pub fn store(&self, layout: &Layout) -> Result<(), MembershipFailed> {
        create_folders_durably(&layout.trust())
            .map_err(|source| MembershipFailed::Read { path: layout.trust(), source })?;
        let bytes = serde_json::to_vec(self).map_err(MembershipFailed::Malformed)?;
        // Refused here, where the one before stays, and not when it is loaded.
        if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > FILE_BYTES_MAX {
            return Err(MembershipFailed::TooLong);
        }
        Ok(write(&layout.membership(), &bytes, Access::OwnerOnly, Existing::Replace)?)
    }

    /// Checks that the papers are of one institution, that the hub's key signed each public statement, and that
    /// `own` are the keys in force. That the certificate goes with the TLS key is for rustls to say.
    ///
    /// # Errors
    /// Anything that is not so.
    pub fn verify(&self, own: &NodeKeys) -> Result<(), MembershipFailed> {
        let certificate = CertificateDer::from_pem_slice(self.certificate_pem.as_bytes())
            .or(Err(MembershipFailed::Certificate))?;
        let found = PeerIdentity::from_certificate(&certificate)?.institution;
        if found != self.institution {
            return Err(MembershipFailed::OtherInstitution { found, wanted: self.institution });
        }
        let policy: Policy = self.policy.parse()?;
        if policy.logs().len() != 1 {
            return Err(MembershipFailed::Lacks("log, or several"));
        }
        let Some((hub, key)) = policy.hub_keys().first() else {
            return Err(MembershipFailed::Lacks("hub key"));
        };
        let in_force = self.keys_in_force(hub, key)?;
        let wanted = [
            (KeySigns::Statements, own.statements, "statement"),
            (KeySigns::Checkpoints, own.witness, "witness"),
            (KeySigns::Presentations, own.presentation, "presentation"),
        ];
        match wanted.into_iter().find(|(signs, key, _)| !in_force.contains(&(*signs, *key))) {
            Some((_, _, which)) => Err(MembershipFailed::NotInForce(which)),
            None => Ok(()),
        }
    }

    /// Checks the papers that came with a renewed certificate: they are of the same institution and admission as those `before`, and
    /// `own` is its statement key in force.
    ///
    /// # Errors
    /// Anything that is not so.
    pub fn verify_renewed(&self, before: &Self, own: &PublicKey) -> Result<(), MembershipFailed> {
        let certificate = CertificateDer::from_pem_slice(self.certificate_pem.as_bytes())
            .or(Err(MembershipFailed::Certificate))?;
        let found = PeerIdentity::from_certificate(&certificate)?.institution;
        if found != before.institution || self.institution != before.institution {
            return Err(MembershipFailed::OtherInstitution { found, wanted: before.institution });
        }
        if self.admitted != before.admitted {
            return Err(MembershipFailed::Order);
        }
        let policy: Policy = before.policy.parse()?;
        let (hub, key) = policy.hub_keys().first().ok_or(MembershipFailed::Lacks("hub key"))?;
        let in_force = self.keys_in_force(hub, key)?;
        if in_force.contains(&(KeySigns::Statements, *own)) {
            Ok(())
        } else {
            Err(MembershipFailed::NotInForce("statement"))
        }
    }

    /// The papers with the statements that the hub answered to a rotation to `own`. Nothing else of that answer is taken: other authorities
    /// come with a certificate, when a connection under them was set up.
    ///
    /// # Errors
    /// The answer is about another institution or admission, or `own` is not the statement key in force by a rotation.
    pub(crate) fn with_statements_of(
        self,
        answer: v1::Membership,
        own: &PublicKey,
    ) -> Result<Self, MembershipFailed> {
        let answer = v1::Membership { certificate_pem: self.certificate_pem.clone(), ..answer };
        let next = Self { tls_key: self.tls_key.clone(), ..Self::from_wire(answer)? };
        next.verify_renewed(&self, own)?;
        let next = Self { statements: next.statements, ..self };
        if next.keys()?.iter().any(|term| term.key == *own && term.re_enrolled) {
            return Err(MembershipFailed::NotRotated);
        }
        Ok(next)
    }

    /// The keys that the public statements leave in force.
    fn keys_in_force(
        &self,
        hub: &Issuer,
        hub_key: &PublicKey,
    ) -> Result<Vec<(KeySigns, PublicKey)>, MembershipFailed> {
        let terms = self.key_terms(hub, hub_key)?;
        let in_force = terms.into_iter().filter(|term| term.until.is_none());
        Ok(in_force.map(|term| (term.signs, term.key)).collect())
    }
}

impl LoggedStatement {
    fn announcement(&self, hub: &Issuer, hub_key: &PublicKey) -> Result<Announcement, MembershipFailed> {
        let index = self.index;
        let statement =
            Statement::parse(&self.jwt).map_err(|source| MembershipFailed::Statement { index, source })?;
        let signed: Result<(), JwsFailed> = statement.verify(hub_key);
        if statement.envelope.iss != *hub || signed.is_err() {
            return Err(MembershipFailed::Unsigned(index));
        }
        Announcement::read(&statement).map_err(|source| MembershipFailed::Announcement { index, source })
    }
}

#[cfg(test)]
pub(crate) mod tests;
