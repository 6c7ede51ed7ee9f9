//! Codes for institutions of a real file whose own code is not known.

use safeharbor_core::digest::Digest;
use safeharbor_core::institution::InstitutionCode;

use crate::failure::Failure;

/// The 31 characters of GB 32100-2015.
const ALPHABET: &[u8; 31] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";

/// Starts codes made for demonstrations: a registration authority (登记管理部门) of Y is "other" in GB 32100-2015, a
/// category of Y does not exist there, so no institution holds such a code.
const RESERVED: &str = "YY";

/// Makes the code of an institution that is known only by its name: the same name, the same code.
///
/// # Errors
/// Never in practice: every character is taken from the alphabet.
pub(super) fn make_up(name: &str) -> Result<InstitutionCode, Failure> {
    let digest = Digest::of(name.as_bytes());
    let letters = digest.as_bytes().iter().take(15).map(|byte| {
        let place = usize::from(*byte) % ALPHABET.len();
        char::from(ALPHABET.get(place).copied().unwrap_or(b'0'))
    });
    let first_17: String = RESERVED.chars().chain(letters).collect();
    InstitutionCode::complete(&first_17)
        .or(Err(Failure::lacks("the made-up code", "17 characters of the alphabet")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_made_up_code_is_valid_and_marked() {
        for name in ["清源大学", "NASA Ames Research Center", ""] {
            let code = make_up(name).unwrap();
            assert_eq!(code.as_str().parse::<InstitutionCode>(), Ok(code));
            assert!(code.as_str().starts_with(RESERVED), "{code}");
        }
    }

    #[test]
    fn names_have_codes_of_their_own() {
        assert_eq!(make_up("甲").unwrap(), make_up("甲").unwrap());
        assert_ne!(make_up("甲").unwrap(), make_up("乙").unwrap());
    }

    proptest::proptest! {
        #[test]
        fn any_name_gets_a_code(name in ".*") {
            proptest::prop_assert!(make_up(&name).is_ok());
        }
    }
}
