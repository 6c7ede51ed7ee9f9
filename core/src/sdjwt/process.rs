//! Putting revealed claims back into the payload (RFC 9901 section 7.1, steps 3 to 5).

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::disclosure::Disclosure;
use crate::digest::Digest;
use crate::json::Object;

/// As deep as strict JSON goes; disclosures that refer to each other must not get deeper.
const DEPTH_MAX: usize = 128;

/// A payload and disclosures that do not fit together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProcessFailed {
    /// `_sd_alg` names another hash than `sha-256`, or stands below the top level.
    #[error("_sd_alg must be sha-256 and stand at the top level only")]
    HashAlgorithm,
    /// `_sd` is not an array of digests, or `...` not a digest alone in its object.
    #[error("a placeholder (_sd or ...) is malformed")]
    Placeholder,
    /// A digest occurs twice, revealed or not.
    #[error("the digest {0} occurs twice")]
    DigestTwice(Digest),
    /// Two disclosures are the same.
    #[error("a disclosure was sent twice (digest {0})")]
    DisclosureTwice(Digest),
    /// No digest refers to this disclosure.
    #[error("no digest refers to the disclosure with digest {0}")]
    Unreferenced(Digest),
    /// An object claim was revealed where an array element stands, or the other way round.
    #[error("the disclosure with digest {0} is of the wrong shape for its place")]
    Misplaced(Digest),
    /// A revealed claim collides with one that is already there.
    #[error("the revealed claim {0:?} collides with another claim")]
    Collision(String),
    /// Revealed values that hold placeholders of further values, and so on, are nested too deeply.
    #[error("the revealed claims are nested deeper than {DEPTH_MAX}")]
    Depth,
}

struct Processing<'a> {
    disclosures: HashMap<Digest, &'a Disclosure>,
    used: HashSet<Digest>,
    seen: HashSet<Digest>,
    depth: usize,
}

/// Returns the payload with every disclosure in its place and all placeholders removed.
///
/// # Errors
/// Any of [`ProcessFailed`].
pub fn process(mut payload: Object, disclosures: &[Disclosure]) -> Result<Object, ProcessFailed> {
    match payload.remove("_sd_alg") {
        None => {}
        Some(Value::String(hash)) if hash == "sha-256" => {}
        Some(_) => return Err(ProcessFailed::HashAlgorithm),
    }
    let mut by_digest = HashMap::with_capacity(disclosures.len());
    for disclosure in disclosures {
        let digest = disclosure.digest();
        if by_digest.insert(digest, disclosure).is_some() {
            return Err(ProcessFailed::DisclosureTwice(digest));
        }
    }
    let mut processing =
        Processing { disclosures: by_digest, used: HashSet::new(), seen: HashSet::new(), depth: 0 };
    let claims = processing.object(payload)?;
    let Processing { disclosures: by_digest, used, .. } = processing;
    match by_digest.into_keys().filter(|digest| !used.contains(digest)).min() {
        Some(digest) => Err(ProcessFailed::Unreferenced(digest)),
        None => Ok(claims),
    }
}

impl<'a> Processing<'a> {
    fn value(&mut self, value: Value) -> Result<Value, ProcessFailed> {
        self.depth = self.depth.saturating_add(1);
        if self.depth > DEPTH_MAX {
            return Err(ProcessFailed::Depth);
        }
        let value = match value {
            Value::Object(object) => self.object(object).map(Value::Object),
            Value::Array(array) => self.array(array).map(Value::Array),
            plain @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => Ok(plain),
        };
        self.depth = self.depth.saturating_sub(1);
        value
    }

    fn object(&mut self, mut object: Object) -> Result<Object, ProcessFailed> {
        if object.contains_key("_sd_alg") {
            return Err(ProcessFailed::HashAlgorithm);
        }
        if object.contains_key("...") {
            return Err(ProcessFailed::Placeholder);
        }
        let digests = match object.remove("_sd") {
            None => Vec::new(),
            Some(Value::Array(digests)) => digests,
            Some(_) => return Err(ProcessFailed::Placeholder),
        };
        let mut claims = Object::new();
        for (name, value) in object {
            claims.insert(name, self.value(value)?);
        }
        for digest in digests {
            if let Some((digest, disclosure)) = self.lookup(&digest)? {
                let name = disclosure.name().ok_or(ProcessFailed::Misplaced(digest))?;
                // The one name that is taken at the top level although it is gone from `claims`.
                if name == "_sd_alg" {
                    return Err(ProcessFailed::HashAlgorithm);
                }
                if claims.contains_key(name) {
                    return Err(ProcessFailed::Collision(name.to_owned()));
                }
                claims.insert(name.to_owned(), self.value(disclosure.value().clone())?);
            }
        }
        Ok(claims)
    }

    fn array(&mut self, array: Vec<Value>) -> Result<Vec<Value>, ProcessFailed> {
        let mut elements = Vec::with_capacity(array.len());
        for element in array {
            match element
                .as_object()
                .and_then(|object| object.get("...").map(|digest| (object.len(), digest)))
            {
                None => elements.push(self.value(element)?),
                Some((1, digest)) => {
                    if let Some((digest, disclosure)) = self.lookup(digest)? {
                        if disclosure.name().is_some() {
                            return Err(ProcessFailed::Misplaced(digest));
                        }
                        elements.push(self.value(disclosure.value().clone())?);
                    }
                }
                Some(_) => return Err(ProcessFailed::Placeholder),
            }
        }
        Ok(elements)
    }

    /// Notes a digest and finds the disclosure it stands for, if that was sent.
    fn lookup(&mut self, digest: &Value) -> Result<Option<(Digest, &'a Disclosure)>, ProcessFailed> {
        let digest: Digest =
            digest.as_str().and_then(|text| text.parse().ok()).ok_or(ProcessFailed::Placeholder)?;
        if !self.seen.insert(digest) {
            return Err(ProcessFailed::DigestTwice(digest));
        }
        let found = self.disclosures.get(&digest).copied();
        if found.is_some() {
            self.used.insert(digest);
        }
        Ok(found.map(|disclosure| (digest, disclosure)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(payload: &Value, disclosures: &[Disclosure]) -> Result<Value, ProcessFailed> {
        process(payload.as_object().unwrap().clone(), disclosures).map(Value::Object)
    }

    fn claim(name: &str) -> (Disclosure, String) {
        let disclosure = Disclosure::of_claim([1; 16], name, &json!(1));
        let digest = disclosure.digest().to_string();
        (disclosure, digest)
    }

    #[test]
    fn revealed_claims_return_and_placeholders_go() {
        let (a, digest) = claim("a");
        let hidden = Digest::of(b"hidden").to_string();
        let payload = json!({"_sd": [digest, hidden], "_sd_alg": "sha-256", "list": [{"...": Digest::of(b"x").to_string()}, 2]});
        assert_eq!(check(&payload, &[a]), Ok(json!({"a": 1, "list": [2]})));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let (a, digest) = claim("a");
        let parsed: Digest = digest.parse().unwrap();
        let one = std::slice::from_ref(&a);
        assert_eq!(check(&json!({"_sd": [digest, digest]}), &[]), Err(ProcessFailed::DigestTwice(parsed)));
        assert_eq!(
            check(&json!({"_sd": [digest], "x": {"_sd": [digest]}}), &[]),
            Err(ProcessFailed::DigestTwice(parsed))
        );
        assert_eq!(check(&json!({}), one), Err(ProcessFailed::Unreferenced(parsed)));
        assert_eq!(
            check(&json!({"_sd": [digest]}), &[a.clone(), a.clone()]),
            Err(ProcessFailed::DisclosureTwice(parsed))
        );
        assert_eq!(check(&json!({"_sd": [digest], "a": 2}), one), Err(ProcessFailed::Collision("a".into())));
        assert_eq!(check(&json!({"l": [{"...": digest}]}), one), Err(ProcessFailed::Misplaced(parsed)));
        assert_eq!(check(&json!({"l": [{"...": digest, "b": 1}]}), one), Err(ProcessFailed::Placeholder));
        assert_eq!(check(&json!({"_sd": "x"}), &[]), Err(ProcessFailed::Placeholder));
        assert_eq!(check(&json!({"_sd": ["x"]}), &[]), Err(ProcessFailed::Placeholder));
        assert_eq!(check(&json!({"_sd_alg": "md5"}), &[]), Err(ProcessFailed::HashAlgorithm));
        assert_eq!(check(&json!({"x": {"_sd_alg": "sha-256"}}), &[]), Err(ProcessFailed::HashAlgorithm));
    }

    #[test]
    fn a_disclosure_cannot_name_the_hash_algorithm() {
        let (alg, digest) = claim("_sd_alg");
        let answer = check(&json!({"_sd": [digest], "_sd_alg": "sha-256"}), &[alg]);
        assert_eq!(answer, Err(ProcessFailed::HashAlgorithm));
    }

    #[test]
    fn a_chain_of_disclosures_is_refused_before_the_stack_ends() {
        let chain = |length: usize| {
            let mut value = json!(1);
            let disclosures: Vec<_> = (0..length)
                .map(|_| {
                    let disclosure = Disclosure::of_claim([1; 16], "n", &value);
                    value = json!({"_sd": [disclosure.digest().to_string()]});
                    disclosure
                })
                .collect();
            check(&value, &disclosures)
        };
        assert!(chain(128).is_ok());
        assert_eq!(chain(129), Err(ProcessFailed::Depth));
        assert_eq!(chain(100_000), Err(ProcessFailed::Depth));
    }
}
