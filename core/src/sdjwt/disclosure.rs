//! One disclosure: the salted claim that a digest in the token stands for (RFC 9901 section 4.2).

use serde_json::Value;

use crate::b64;
use crate::digest::Digest;
use crate::json;

/// A salted claim as it travels beside the token. The string that was sent is kept: only that is hashed.
#[derive(Debug, Clone, PartialEq)]
pub struct Disclosure {
    encoded: String,
    name: Option<String>,
    value: Value,
}

/// A string that is not a disclosure.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseDisclosureFailed {
    /// Not base64url without padding.
    #[error("a disclosure is not base64url")]
    Base64,
    /// Not strict JSON.
    #[error("a disclosure holds something else than strict JSON")]
    Json(#[source] json::ParseJsonFailed),
    /// Not `[salt, name, value]` or `[salt, value]` with strings for salt and name.
    #[error("a disclosure is an array of salt, name and value (of salt and value inside arrays)")]
    Shape,
    /// `_sd` and `...` cannot be claim names (RFC 9901 section 4.2.1).
    #[error("a disclosure claims the reserved name {0:?}")]
    ReservedName(String),
}

impl Disclosure {
    /// Makes the disclosure of an object's claim with a fresh 128-bit salt.
    #[must_use]
    pub fn of_claim(salt: [u8; 16], name: &str, value: &Value) -> Self {
        let text = Value::Array(vec![b64::encode_url(&salt).into(), name.into(), value.clone()]).to_string();
        Self { encoded: b64::encode_url(text.as_bytes()), name: Some(name.to_owned()), value: value.clone() }
    }

    /// Parses the string that was sent.
    ///
    /// # Errors
    /// Anything but base64url of a JSON array of three (object claims) or two (array elements) members.
    pub fn parse(encoded: &str) -> Result<Self, ParseDisclosureFailed> {
        let bytes = b64::decode_url(encoded).or(Err(ParseDisclosureFailed::Base64))?;
        let array = match json::parse(&bytes).map_err(ParseDisclosureFailed::Json)? {
            Value::Array(array) => array,
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {
                return Err(ParseDisclosureFailed::Shape);
            }
        };
        let (name, value) = match <[Value; 3]>::try_from(array) {
            Ok([Value::String(_), Value::String(name), value]) => (Some(name), value),
            Ok(_) => return Err(ParseDisclosureFailed::Shape),
            Err(array) => match <[Value; 2]>::try_from(array) {
                Ok([Value::String(_), value]) => (None, value),
                Ok(_) | Err(_) => return Err(ParseDisclosureFailed::Shape),
            },
        };
        match name {
            Some(name) if name == "_sd" || name == "..." => Err(ParseDisclosureFailed::ReservedName(name)),
            name => Ok(Self { encoded: encoded.to_owned(), name, value }),
        }
    }

    /// The string as sent.
    #[must_use]
    pub fn encoded(&self) -> &str {
        &self.encoded
    }

    /// The claim's name; `None` for an array element.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The claim's value.
    #[must_use]
    pub const fn value(&self) -> &Value {
        &self.value
    }

    /// Gives name and value away; nothing for an array element.
    #[must_use]
    pub fn into_claim(self) -> Option<(String, Value)> {
        Some((self.name?, self.value))
    }

    /// The digest that stands for this disclosure in the token: SHA-256 over the string as sent.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of(self.encoded.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_rfc_9901_hashes_as_printed() {
        // RFC 9901 section 4.2.3.
        let disclosure =
            Disclosure::parse("WyJfMjZiYzRMVC1hYzZxMktJNmNCVzVlcyIsICJmYW1pbHlfbmFtZSIsICJNw7ZiaXVzIl0")
                .unwrap();
        assert_eq!(disclosure.name(), Some("family_name"));
        assert_eq!(disclosure.value(), &Value::from("Möbius"));
        assert_eq!(disclosure.digest().to_string(), "X9yH0Ajrdm1Oij4tWso9UzzKJvPoDxwmuEcO3XAdRC0");
    }

    #[test]
    fn other_shapes_are_refused() {
        let encode = |text: &str| b64::encode_url(text.as_bytes());
        for bad in [
            r#"["s","_sd",1]"#,
            r#"["s","...",1]"#,
            r#"["s"]"#,
            r#"[1,"n",2]"#,
            r#"["s",1,2]"#,
            "{}",
            "[1,2]",
        ] {
            assert!(Disclosure::parse(&encode(bad)).is_err(), "{bad}");
        }
        assert!(
            Disclosure::parse(&encode(r#"["s","n",1] "#)).is_ok(),
            "white space is part of the hashed string"
        );
        assert!(Disclosure::parse(&encode(r#"["s","n",1]x"#)).is_err());
    }

    #[test]
    fn what_is_made_parses_to_the_same() {
        let made = Disclosure::of_claim([9; 16], "name", &Value::from("海淀"));
        assert_eq!(Disclosure::parse(made.encoded()).unwrap(), made);
    }
}
