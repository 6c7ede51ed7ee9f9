//! Passwords and their Argon2id hashes.

use argon2::password_hash::{self, PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use secrecy::{ExposeSecret as _, SecretString};

use crate::random::{self, Random, RandomFailed};

/// Characters a password has at least.
pub const PASSWORD_CHARACTERS_MIN: usize = 12;
/// Bytes a password has at most.
pub const PASSWORD_BYTES_MAX: usize = 1024;

/// A password cannot be taken or checked.
#[derive(Debug, thiserror::Error)]
pub enum PasswordFailed {
    /// Too short to withstand guessing.
    #[error("a password has at least {PASSWORD_CHARACTERS_MIN} characters")]
    TooShort,
    /// Longer than anybody types.
    #[error("a password has at most {PASSWORD_BYTES_MAX} bytes")]
    TooLong,
    /// No salt.
    #[error("hashing a password needs random bytes")]
    Random(#[source] RandomFailed),
    /// The hash function refused.
    #[error("the password cannot be hashed: {0}")]
    Hash(password_hash::Error),
}

/// 19 MiB, two passes, one lane: the parameters OWASP names for Argon2id.
#[cfg(not(test))]
const PARAMS: Params = Params::DEFAULT;
/// The least that the function takes; these tests are about what is around it.
#[cfg(test)]
const PARAMS: Params = match Params::new(Params::MIN_M_COST, 1, 1, None) {
    Ok(params) => params,
    Err(_) => Params::DEFAULT,
};

fn hasher() -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, PARAMS)
}

/// Hashes a password that may be used, to a PHC string with its own salt.
pub(super) fn hash(password: &SecretString, random: &dyn Random) -> Result<String, PasswordFailed> {
    let password = password.expose_secret();
    if password.chars().count() < PASSWORD_CHARACTERS_MIN {
        return Err(PasswordFailed::TooShort);
    }
    if password.len() > PASSWORD_BYTES_MAX {
        return Err(PasswordFailed::TooLong);
    }
    let salt: [u8; 16] = random::draw(random).map_err(PasswordFailed::Random)?;
    let hash = hasher().hash_password_with_salt(password.as_bytes(), &salt).map_err(PasswordFailed::Hash)?;
    Ok(hash.to_string())
}

/// Whether `password` is the one that was hashed.
pub(super) fn matches(password: &SecretString, hash: &str) -> Result<bool, PasswordFailed> {
    let password = password.expose_secret();
    if password.len() > PASSWORD_BYTES_MAX {
        return Ok(false);
    }
    match hasher().verify_password(password.as_bytes(), hash) {
        Ok(()) => Ok(true),
        Err(password_hash::Error::PasswordInvalid) => Ok(false),
        Err(failed) => Err(PasswordFailed::Hash(failed)),
    }
}

/// Takes as long as [`matches`], so that a name nobody has cannot be told from one somebody has.
pub(super) fn spend_time(password: &SecretString) -> Result<(), PasswordFailed> {
    let secret = password.expose_secret().as_bytes();
    let secret = secret.get(..PASSWORD_BYTES_MAX).unwrap_or(secret);
    hasher().hash_password_with_salt(secret, b"any sixteen byte").map_err(PasswordFailed::Hash)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SeededRandom;

    fn check(password: &str) -> Result<String, PasswordFailed> {
        hash(&SecretString::from(password), &SeededRandom::from_seed(1))
    }

    #[test]
    fn a_password_matches_its_own_hash_only() {
        let hash = check("correct horse battery").unwrap();
        assert!(hash.starts_with("$argon2id$v=19$"), "{hash}");
        assert!(matches(&SecretString::from("correct horse battery"), &hash).unwrap());
        assert!(!matches(&SecretString::from("correct horse batterz"), &hash).unwrap());
        assert!(matches(&SecretString::from("any"), "not a hash").is_err());
    }

    #[test]
    fn length_is_counted_in_characters() {
        assert!(matches!(check("eleven char"), Err(PasswordFailed::TooShort)));
        assert!(matches!(check("安全港登记簿安全港"), Err(PasswordFailed::TooShort)));
        assert!(check("安全港登记簿安全港登记簿").is_ok());
        assert!(matches!(check(&"x".repeat(1025)), Err(PasswordFailed::TooLong)));
    }
}
