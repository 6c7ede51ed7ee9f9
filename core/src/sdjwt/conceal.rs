//! Turning claims into salted digests, padded with decoys to a fixed number.

use serde_json::Value;

use super::disclosure::Disclosure;
use crate::digest::Digest;

/// Salted claims and the sorted digests that stand for them in the token.
#[derive(Debug, Clone, PartialEq)]
pub struct Concealed {
    /// One disclosure a claim, in the order of the claims.
    pub disclosures: Vec<Disclosure>,
    /// The digests of all disclosures and decoys, sorted by their text.
    pub digests: Vec<Digest>,
}

/// The claims do not fit the number of digests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{claims} claims do not fit {digests} digests")]
pub struct ConcealFailed {
    /// How many claims were given.
    pub claims: usize,
    /// How many digests the kind has.
    pub digests: usize,
}

/// Conceals `claims` behind exactly `entropy.len()` digests: one fresh 128-bit value each, salts first, decoys after.
///
/// # Errors
/// More claims than digests.
pub fn conceal<'a>(
    claims: impl ExactSizeIterator<Item = (&'a str, &'a Value)>,
    entropy: &[[u8; 16]],
) -> Result<Concealed, ConcealFailed> {
    let count = claims.len();
    let (salts, decoys) =
        entropy.split_at_checked(count).ok_or(ConcealFailed { claims: count, digests: entropy.len() })?;
    let disclosures: Vec<_> =
        claims.zip(salts).map(|((name, value), salt)| Disclosure::of_claim(*salt, name, value)).collect();
    let mut digests: Vec<_> = disclosures.iter().map(Disclosure::digest).collect();
    digests.extend(decoys.iter().map(|decoy| Digest::of(decoy)));
    digests.sort_by_cached_key(Digest::to_string);
    Ok(Concealed { disclosures, digests })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_digests_does_not_depend_on_the_claims() {
        let entropy: Vec<[u8; 16]> = (0..8_u8).map(|n| [n; 16]).collect();
        let one = Value::from(1);
        for count in 0..=8_usize {
            let names: Vec<String> = (0..count).map(|n| n.to_string()).collect();
            let concealed = conceal(names.iter().map(|n| (n.as_str(), &one)), &entropy).unwrap();
            assert_eq!((concealed.disclosures.len(), concealed.digests.len()), (count, 8));
        }
        let names = ["x"; 9];
        assert!(conceal(names.iter().map(|n| (*n, &one)), &entropy).is_err());
    }
}
