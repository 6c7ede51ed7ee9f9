//! What keys sign when a node joins, renews its certificate, or rotates its statement key: each in its own format.

use safeharbor_core::b64;
use safeharbor_core::checkpoint::Checkpoint;
use safeharbor_core::cosignature::{cosign, verify_cosignature};
use safeharbor_core::digest::Digest;
use safeharbor_core::institution::{InstitutionCode, Issuer};
use safeharbor_core::json::Object;
use safeharbor_core::key::{PublicKey, SignFailed, Signer};
use safeharbor_core::note::{NoteFailed, SignatureLine, VerifierKey};
use safeharbor_core::sdjwt::{Algorithm, Jws, JwsFailed, public_key_from_jwk, public_key_to_jwk, sign_jws};
use serde_json::Value;

/// The `typ` header of the proof with which a statement key names all keys of its node.
pub const JOIN_TYPE: &str = "safeharbor-join+jwt";
/// The `typ` header of the proof with which a statement key asks for a certificate.
pub const RENEW_TYPE: &str = "safeharbor-renew+jwt";
/// The `typ` header of the proof of a presentation key (RFC 9901 section 4.3).
const KEY_BINDING_TYPE: &str = "kb+jwt";
/// The most bytes a proof may have.
pub const PROOF_BYTES_MAX: usize = 8 * 1024;

/// The public keys of a node besides that of its certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NodeKeys {
    /// Signs statements.
    pub statements: PublicKey,
    /// Cosigns checkpoints.
    pub witness: PublicKey,
    /// Presents certificates.
    pub presentation: PublicKey,
}

/// A proof does not prove what it should.
#[derive(Debug, thiserror::Error)]
pub enum ProofFailed {
    /// The token is malformed or not signed by its key.
    #[error("the proof of the {0} is refused")]
    Token(&'static str, #[source] JwsFailed),
    /// A claim is missing, malformed or about something else.
    #[error("the proof's claim {0:?} is missing, malformed or about something else")]
    Claim(&'static str),
    /// The witness key did not cosign what it should.
    #[error("the witness key did not cosign the empty checkpoint of this invitation or request")]
    Witness,
    /// It is longer than any honest proof.
    #[error("a proof has at most {PROOF_BYTES_MAX} bytes")]
    TooLong,
}

/// The statement key's proof: it names the invitation, the certificate request and all keys.
///
/// # Errors
/// The signing device refuses.
pub fn prove_join(
    invitation: &Digest,
    csr_pem: &str,
    keys: &NodeKeys,
    signer: &dyn Signer,
) -> Result<String, SignFailed> {
    let mut claims = Object::new();
    claims.insert("invitation".to_owned(), invitation.to_string().into());
    claims.insert("csr_sha256".to_owned(), Digest::of(csr_pem.as_bytes()).to_string().into());
    for (name, key) in
        [("statements", keys.statements), ("witness", keys.witness), ("presentation", keys.presentation)]
    {
        claims.insert(name.to_owned(), public_key_to_jwk(&key));
    }
    sign_jws(Algorithm::default(), JOIN_TYPE, &claims, signer)
}

/// Verifies the statement key's proof and returns the keys it names; they must be three different ones.
///
/// # Errors
/// The proof is malformed, not signed by the key it names, or about another invitation or request.
pub fn verify_join(proof: &str, invitation: &Digest, csr_pem: &str) -> Result<NodeKeys, ProofFailed> {
    let proof = parse(proof, JOIN_TYPE, "statement key")?;
    let key = |name: &'static str| {
        proof.payload.get(name).and_then(public_key_from_jwk).ok_or(ProofFailed::Claim(name))
    };
    let keys = NodeKeys {
        statements: key("statements")?,
        witness: key("witness")?,
        presentation: key("presentation")?,
    };
    proof.verify(&keys.statements).map_err(|source| ProofFailed::Token("statement key", source))?;
    expect(&proof, "invitation", &invitation.to_string())?;
    expect(&proof, "csr_sha256", &Digest::of(csr_pem.as_bytes()).to_string())?;
    let NodeKeys { statements, witness, presentation } = keys;
    if statements == witness || witness == presentation || statements == presentation {
        return Err(ProofFailed::Claim("witness"));
    }
    Ok(keys)
}

/// The witness key's proof: it cosigns the empty checkpoint of `<origin>/join/<invitation>`. The key goes by the name of the
/// invitation: a node that was never a member learns its institution's code only from the answer.
///
/// # Errors
/// The signing device refuses.
pub fn prove_witness(
    (origin, invitation): (&str, &Digest),
    now_s: u64,
    signer: &dyn Signer,
) -> Result<String, NoteFailed> {
    cosign_empty((origin, "join", invitation), now_s, signer)
}

/// Verifies the witness key's proof.
///
/// # Errors
/// It is malformed, or of another key, invitation or registry.
pub fn verify_witness(
    line: &str,
    (origin, invitation): (&str, &Digest),
    key: &PublicKey,
) -> Result<(), ProofFailed> {
    verify_empty(line, (origin, "join", invitation), key)
}

/// The proof of another witness key, as a restored node makes one: it cosigns the empty checkpoint of `<origin>/renew/<request>`,
/// where the request is the SHA-256 of the certificate request with which the statement key names it.
///
/// # Errors
/// The signing device refuses.
pub fn prove_other_witness(
    (origin, csr_pem): (&str, &str),
    now_s: u64,
    signer: &dyn Signer,
) -> Result<String, NoteFailed> {
    cosign_empty((origin, "renew", &Digest::of(csr_pem.as_bytes())), now_s, signer)
}

/// Verifies the proof of another witness key.
///
/// # Errors
/// It is malformed, or of another key, request or registry.
pub fn verify_other_witness(
    line: &str,
    (origin, csr_pem): (&str, &str),
    key: &PublicKey,
) -> Result<(), ProofFailed> {
    verify_empty(line, (origin, "renew", &Digest::of(csr_pem.as_bytes())), key)
}

fn cosign_empty(
    (origin, occasion, name): (&str, &str, &Digest),
    now_s: u64,
    signer: &dyn Signer,
) -> Result<String, NoteFailed> {
    let checkpoint = empty_checkpoint(origin, occasion, name);
    cosign(&checkpoint, &name.to_string(), now_s, signer).map(|line| line.to_string())
}

fn verify_empty(
    line: &str,
    (origin, occasion, name): (&str, &str, &Digest),
    key: &PublicKey,
) -> Result<(), ProofFailed> {
    if line.len() > PROOF_BYTES_MAX {
        return Err(ProofFailed::TooLong);
    }
    let line: SignatureLine = line.parse().or(Err(ProofFailed::Witness))?;
    let key = VerifierKey::cosignature(&name.to_string(), *key).or(Err(ProofFailed::Witness))?;
    let checkpoint = empty_checkpoint(origin, occasion, name);
    verify_cosignature(&checkpoint, &key, &line).map(drop).or(Err(ProofFailed::Witness))
}

fn empty_checkpoint(origin: &str, occasion: &str, name: &Digest) -> String {
    let root = Digest::of(b"");
    Checkpoint { origin: format!("{origin}/{occasion}/{name}"), size: 0, root }.to_string()
}

/// The presentation key's proof, in the form in which it will present certificates: to this hub, for this invitation.
///
/// # Errors
/// The signing device refuses.
pub fn prove_presentation(
    (hub, invitation, join_proof): (&Issuer, &Digest, &str),
    now_s: u64,
    signer: &dyn Signer,
) -> Result<String, SignFailed> {
    let mut claims = presentation_claims(hub, invitation, join_proof);
    claims.insert("iat".to_owned(), now_s.into());
    sign_jws(Algorithm::default(), KEY_BINDING_TYPE, &claims, signer)
}

/// Verifies the presentation key's proof.
///
/// # Errors
/// It is malformed, not of this key, or for another hub, invitation or join.
pub fn verify_presentation(
    proof: &str,
    (hub, invitation, join_proof): (&Issuer, &Digest, &str),
    key: &PublicKey,
) -> Result<(), ProofFailed> {
    let proof = parse(proof, KEY_BINDING_TYPE, "presentation key")?;
    proof.verify(key).map_err(|source| ProofFailed::Token("presentation key", source))?;
    for (name, value) in
        [("aud", hub.to_string()), ("nonce", invitation.to_string()), ("sd_hash", hash(join_proof))]
    {
        expect(&proof, name, &value)?;
    }
    Ok(())
}

fn presentation_claims(hub: &Issuer, invitation: &Digest, join_proof: &str) -> Object {
    let mut claims = Object::new();
    claims.insert("aud".to_owned(), hub.to_string().into());
    claims.insert("nonce".to_owned(), invitation.to_string().into());
    claims.insert("sd_hash".to_owned(), hash(join_proof).into());
    claims
}

fn hash(join_proof: &str) -> String {
    b64::encode_url(Digest::of(join_proof.as_bytes()).as_bytes())
}

/// The statement key's proof for a new certificate, which may name a witness key that is to take the place of the one before. It
/// proves nothing to anybody but this hub, only whoever holds the key of the request can use what it asks for, and a witness key
/// begins once, so repeating it does no harm.
///
/// # Errors
/// The signing device refuses.
pub fn prove_renewal(
    hub: &Issuer,
    code: InstitutionCode,
    (csr_pem, witness): (&str, Option<&PublicKey>),
    now_s: u64,
    signer: &dyn Signer,
) -> Result<String, SignFailed> {
    let mut claims = Object::new();
    claims.insert("hub".to_owned(), hub.to_string().into());
    claims.insert("institution".to_owned(), code.as_str().into());
    claims.insert("csr_sha256".to_owned(), Digest::of(csr_pem.as_bytes()).to_string().into());
    claims.insert("iat".to_owned(), now_s.into());
    if let Some(witness) = witness {
        claims.insert("witness".to_owned(), public_key_to_jwk(witness));
    }
    sign_jws(Algorithm::default(), RENEW_TYPE, &claims, signer)
}

/// Verifies the proof for a new certificate under the institution's statement key in force; returns the witness key it names, if any.
///
/// # Errors
/// It is malformed, not of this key, or for another hub, institution or request.
pub fn verify_renewal(
    proof: &str,
    hub: &Issuer,
    code: InstitutionCode,
    csr_pem: &str,
    key: &PublicKey,
) -> Result<Option<PublicKey>, ProofFailed> {
    let proof = parse(proof, RENEW_TYPE, "statement key")?;
    proof.verify(key).map_err(|source| ProofFailed::Token("statement key", source))?;
    expect(&proof, "hub", &hub.to_string())?;
    expect(&proof, "institution", code.as_str())?;
    expect(&proof, "csr_sha256", &Digest::of(csr_pem.as_bytes()).to_string())?;
    let witness = proof.payload.get("witness");
    witness.map(|jwk| public_key_from_jwk(jwk).ok_or(ProofFailed::Claim("witness"))).transpose()
}

fn parse<'a>(proof: &'a str, kind: &str, whose: &'static str) -> Result<Jws<'a>, ProofFailed> {
    if proof.len() > PROOF_BYTES_MAX {
        return Err(ProofFailed::TooLong);
    }
    let refused = |source| ProofFailed::Token(whose, source);
    let proof = Jws::parse(proof).map_err(refused)?;
    proof.expect_type(kind).map_err(refused)?;
    Ok(proof)
}

fn expect(proof: &Jws<'_>, claim: &'static str, value: &str) -> Result<(), ProofFailed> {
    if proof.payload.get(claim).and_then(Value::as_str) == Some(value) {
        Ok(())
    } else {
        Err(ProofFailed::Claim(claim))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use safeharbor_core::key::MemorySigner;
    use zeroize::Zeroizing;

    use super::*;

    const ORIGIN: &str = "hub.example.org/registry";

    fn signer(seed: u8) -> MemorySigner {
        MemorySigner::from_seed(&Zeroizing::new([seed; 32]))
    }

    fn keys() -> NodeKeys {
        NodeKeys {
            statements: signer(1).public_key(),
            witness: signer(2).public_key(),
            presentation: signer(3).public_key(),
        }
    }

    fn code() -> InstitutionCode {
        "12100000400002259P".parse().unwrap()
    }

    fn hub() -> Issuer {
        "https://hub.example.org".parse().unwrap()
    }

    #[test]
    fn a_join_proof_names_all_keys_and_holds_for_one_invitation_and_request() {
        let invitation = Digest::of(b"secret");
        let proof = prove_join(&invitation, "csr", &keys(), &signer(1)).unwrap();
        assert_eq!(verify_join(&proof, &invitation, "csr").unwrap(), keys());
        assert!(verify_join(&proof, &Digest::of(b"other"), "csr").is_err());
        assert!(verify_join(&proof, &invitation, "other").is_err());
        let foreign = prove_join(&invitation, "csr", &keys(), &signer(4)).unwrap();
        assert!(verify_join(&foreign, &invitation, "csr").is_err(), "not signed by the key it names");
        let twice = NodeKeys { witness: signer(1).public_key(), ..keys() };
        let proof = prove_join(&invitation, "csr", &twice, &signer(1)).unwrap();
        assert!(verify_join(&proof, &invitation, "csr").is_err(), "one key, two uses");
    }

    #[test]
    fn witness_and_presentation_keys_prove_themselves_in_their_own_formats() {
        let invitation = Digest::of(b"secret");
        let place = (ORIGIN, &invitation);
        let line = prove_witness(place, 1_700_000_000, &signer(2)).unwrap();
        verify_witness(&line, place, &signer(2).public_key()).unwrap();
        assert!(verify_witness(&line, place, &signer(1).public_key()).is_err());
        assert!(
            verify_witness(&line, ("other.example/registry", &invitation), &signer(2).public_key()).is_err()
        );
        let said = (&hub(), &invitation, "join proof");
        let proof = prove_presentation(said, 1_700_000_000, &signer(3)).unwrap();
        verify_presentation(&proof, said, &signer(3).public_key()).unwrap();
        assert!(
            verify_presentation(&proof, (&hub(), &invitation, "another"), &signer(3).public_key()).is_err()
        );
    }

    proptest! {
        #[test]
        fn no_text_makes_a_check_panic_or_pass(
            text in "\\PC{0,120}", at in any::<prop::sample::Index>(), with in any::<char>()
        ) {
            let invitation = Digest::of(b"secret");
            let proof = prove_join(&invitation, "csr", &keys(), &signer(1)).unwrap();
            let mut changed: Vec<char> = proof.chars().collect();
            let at = at.index(changed.len());
            let is_changed = changed[at] != with;
            changed[at] = with;
            let changed: String = changed.into_iter().collect();
            prop_assert!(!is_changed || verify_join(&changed, &invitation, "csr").is_err());
            let (place, key) = ((ORIGIN, &invitation), signer(2).public_key());
            prop_assert!(verify_join(&text, &invitation, "csr").is_err());
            prop_assert!(verify_witness(&text, place, &key).is_err());
            prop_assert!(verify_presentation(&text, (&hub(), &invitation, "x"), &key).is_err());
            prop_assert!(verify_renewal(&text, &hub(), code(), "csr", &key).is_err());
        }
    }

    #[test]
    fn a_renewal_holds_for_one_hub_institution_and_request() {
        let proof = prove_renewal(&hub(), code(), ("csr", None), 1_700_000_000, &signer(1)).unwrap();
        let key = signer(1).public_key();
        assert_eq!(verify_renewal(&proof, &hub(), code(), "csr", &key).unwrap(), None);
        assert!(
            verify_renewal(&proof, &"https://other.example".parse().unwrap(), code(), "csr", &key).is_err()
        );
        assert!(verify_renewal(&proof, &hub(), code(), "other", &key).is_err());
        assert!(verify_renewal(&proof, &hub(), code(), "csr", &signer(2).public_key()).is_err());
    }

    #[test]
    fn a_renewal_names_another_witness_key_which_proves_itself_for_that_request_alone() {
        let witness = signer(2).public_key();
        let named = ("csr", Some(&witness));
        let proof = prove_renewal(&hub(), code(), named, 1_700_000_000, &signer(1)).unwrap();
        let found = verify_renewal(&proof, &hub(), code(), "csr", &signer(1).public_key()).unwrap();
        assert_eq!(found, Some(witness));
        let line = prove_other_witness((ORIGIN, "csr"), 1_700_000_000, &signer(2)).unwrap();
        verify_other_witness(&line, (ORIGIN, "csr"), &witness).unwrap();
        for (origin, csr, key) in [
            ("other.example/registry", "csr", witness),
            (ORIGIN, "another", witness),
            (ORIGIN, "csr", signer(1).public_key()),
        ] {
            assert!(verify_other_witness(&line, (origin, csr), &key).is_err(), "{origin} {csr}");
        }
        // The same bytes prove nothing for an invitation of that name.
        let invitation = Digest::of(b"csr");
        assert!(verify_witness(&line, (ORIGIN, &invitation), &witness).is_err());
    }
}
