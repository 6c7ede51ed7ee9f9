//! The hashes inside one tile and those of the tree above them, up to the root of a full tile.

use super::{TILE_HEIGHT, TILE_WIDTH};
use crate::digest::Digest;
use crate::merkle::hash_node;

/// The 1 to 256 hashes of a tile with every complete subtree they form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TileHashes {
    /// Level 0 holds the hashes of the tile; each level above, one for every complete pair below.
    levels: Vec<Vec<Digest>>,
}

/// Bytes or hashes that make no tile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TileFailed {
    /// No hash at all, or more than 256.
    #[error("a tile has 1 to {TILE_WIDTH} hashes, not {0}")]
    Width(usize),
    /// Not the bytes of that many hashes.
    #[error("a tile of {width} hashes does not have {bytes} bytes")]
    Bytes {
        /// The width asked for.
        width: u16,
        /// The number of bytes.
        bytes: usize,
    },
}

impl TileHashes {
    /// Builds a tile from its hashes.
    ///
    /// # Errors
    /// No hash at all, or more than 256.
    pub fn build(hashes: Vec<Digest>) -> Result<Self, TileFailed> {
        if !(1..=usize::from(TILE_WIDTH)).contains(&hashes.len()) {
            return Err(TileFailed::Width(hashes.len()));
        }
        let levels = std::iter::successors(Some(hashes), |below| hash_pairs(below));
        Ok(Self { levels: levels.collect() })
    }

    /// Reads the bytes of a tile of `width` hashes.
    ///
    /// # Errors
    /// A width outside 1 to 256, or bytes of another length.
    pub fn decode(bytes: &[u8], width: u16) -> Result<Self, TileFailed> {
        let (hashes, rest) = bytes.as_chunks::<32>();
        if hashes.len() != usize::from(width) || !rest.is_empty() {
            return Err(TileFailed::Bytes { width, bytes: bytes.len() });
        }
        Self::build(hashes.iter().copied().map(Digest::from_bytes).collect())
    }

    /// Writes the hashes of the tile one after the other.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        self.hashes().iter().flat_map(|hash| *hash.as_bytes()).collect()
    }

    /// The hashes of the tile itself.
    #[must_use]
    pub fn hashes(&self) -> &[Digest] {
        self.levels.first().map_or(&[], Vec::as_slice)
    }

    /// The root of the complete subtree over 2^`level` of the hashes, the `index`-th of its level; none where the
    /// tile is too narrow for it.
    #[must_use]
    pub fn node(&self, level: u8, index: u8) -> Option<Digest> {
        self.levels.get(usize::from(level))?.get(usize::from(index)).copied()
    }

    /// The root of a full tile: the hash that stands for it in the level above.
    #[must_use]
    pub fn root(&self) -> Option<Digest> {
        self.node(TILE_HEIGHT, 0)
    }
}

/// One hash for every complete pair; none where there is no pair.
fn hash_pairs(below: &[Digest]) -> Option<Vec<Digest>> {
    let (pairs, _single) = below.as_chunks::<2>();
    (!pairs.is_empty()).then(|| pairs.iter().map(|[left, right]| hash_node(left, right)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::merkle::{Frontier, hash_leaf};

    fn hashes(width: u16) -> Vec<Digest> {
        (0..width).map(|n| hash_leaf(&n.to_be_bytes())).collect()
    }

    #[test]
    fn nodes_are_the_roots_of_complete_subtrees() {
        let hashes = hashes(256);
        let tile = TileHashes::build(hashes.clone()).unwrap();
        for level in 0..=8_u8 {
            for (index, below) in hashes.chunks(1 << level).enumerate() {
                let mut frontier = Frontier::new();
                below.iter().for_each(|hash| frontier.append(hash));
                let node = tile.node(level, u8::try_from(index).unwrap());
                assert_eq!(node, Some(frontier.root()), "{level}/{index}");
            }
        }
        assert_eq!((tile.node(9, 0), tile.node(8, 1)), (None, None));
        assert_eq!(tile.root(), tile.node(8, 0));
    }

    #[test]
    fn partial_tiles_have_no_root() {
        let tile = TileHashes::build(hashes(5)).unwrap();
        assert_eq!((tile.node(2, 1), tile.node(3, 0), tile.root()), (None, None, None));
        assert_eq!(tile.node(0, 4), Some(hashes(5)[4]));
    }

    #[test]
    fn bytes_of_another_width_are_refused() {
        let bytes = TileHashes::build(hashes(3)).unwrap().encode();
        assert_eq!(TileHashes::decode(&bytes, 3).unwrap().hashes(), hashes(3));
        assert_eq!(TileHashes::decode(&bytes, 2), Err(TileFailed::Bytes { width: 2, bytes: 96 }));
        assert_eq!(TileHashes::decode(&bytes[..95], 3), Err(TileFailed::Bytes { width: 3, bytes: 95 }));
        let longer = [&bytes[..], &[0]].concat();
        assert_eq!(TileHashes::decode(&longer, 3), Err(TileFailed::Bytes { width: 3, bytes: 97 }));
        assert_eq!(TileHashes::decode(&[], 0), Err(TileFailed::Width(0)));
        assert_eq!(TileHashes::decode(&[0; 257 * 32], 257), Err(TileFailed::Width(257)));
    }
}
