//! The right edge of a growing tree: enough to append to it and to name its root.

use super::hash_node;
use super::prove::fold_peaks;
use crate::digest::Digest;

/// The most entries a frontier counts to; far beyond any log, far below an overflow.
pub const SIZE_MAX: u64 = 1 << 62;

/// The complete subtrees on the right edge of a tree, largest first; one for each one-bit of its size.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Frontier {
    size: u64,
    edge: Vec<Digest>,
}

/// Hashes that are no right edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrontierFailed {
    /// The number of hashes is not the number of one-bits of the size.
    #[error("the right edge of a tree of {size} entries has {expected} hashes, not {found}")]
    Length {
        /// The size of the tree.
        size: u64,
        /// How many hashes its right edge has.
        expected: u32,
        /// How many there are.
        found: usize,
    },
    /// The tree is larger than [`SIZE_MAX`].
    #[error("a tree of {0} entries is too large")]
    TooLarge(u64),
}

impl Frontier {
    /// The frontier of the empty tree.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes up a tree of `size` entries from the hashes of its right edge, largest subtree first.
    ///
    /// # Errors
    /// A number of hashes that does not fit the size, or a size beyond [`SIZE_MAX`].
    pub fn from_right_edge(size: u64, edge: Vec<Digest>) -> Result<Self, FrontierFailed> {
        if size > SIZE_MAX {
            return Err(FrontierFailed::TooLarge(size));
        }
        let (expected, found) = (size.count_ones(), edge.len());
        if u32::try_from(found) != Ok(expected) {
            return Err(FrontierFailed::Length { size, expected, found });
        }
        Ok(Self { size, edge })
    }

    /// The hashes of the right edge, largest subtree first.
    #[must_use]
    pub fn right_edge(&self) -> &[Digest] {
        &self.edge
    }

    /// The number of entries.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Appends a leaf hash.
    pub fn append(&mut self, leaf: &Digest) {
        let mut hash = *leaf;
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.edge.pop() {
                hash = hash_node(&left, &hash);
            }
        }
        self.edge.push(hash);
        // SIZE_MAX leaves room for 2^62 more.
        self.size = self.size.saturating_add(1);
    }

    /// The root of the tree.
    #[must_use]
    pub fn root(&self) -> Digest {
        fold_peaks(&self.edge)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::merkle::{empty_root, hash_leaf};

    #[test]
    fn roots_are_those_of_the_definition() {
        let leaves: Vec<Digest> = (0_u8..5).map(|n| hash_leaf(&[n])).collect();
        let mut frontier = Frontier::new();
        assert_eq!(frontier.root(), empty_root());
        leaves.iter().for_each(|leaf| frontier.append(leaf));
        let four = hash_node(&hash_node(&leaves[0], &leaves[1]), &hash_node(&leaves[2], &leaves[3]));
        assert_eq!(frontier.root(), hash_node(&four, &leaves[4]));
        assert_eq!((frontier.size(), frontier.right_edge()), (5, &[four, leaves[4]][..]));
    }

    #[test]
    fn a_right_edge_of_another_size_is_refused() {
        let h = hash_leaf(b"");
        assert_eq!(
            Frontier::from_right_edge(5, vec![h]),
            Err(FrontierFailed::Length { size: 5, expected: 2, found: 1 })
        );
        let size = SIZE_MAX + 1;
        assert_eq!(Frontier::from_right_edge(size, vec![h; 2]), Err(FrontierFailed::TooLarge(size)));
        assert_eq!(Frontier::from_right_edge(0, vec![]), Ok(Frontier::new()));
    }
}
