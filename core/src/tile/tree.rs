//! A tree that grows leaf by leaf and yields every tile it has: nothing stored is believed.

use super::{TILE_HEIGHT, TILE_WIDTH, TileFailed, TileHashes, TileId};
use crate::digest::Digest;
use crate::merkle::{Frontier, FrontierFailed};

/// The place of the last hash of a tile.
const LAST_HASH: u64 = 255;

/// The tiles on the right edge of a growing tree; those to the left of it were handed out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TileTree {
    size: u64,
    /// For each level, the hashes of the tile that is not full.
    levels: Vec<Vec<Digest>>,
}

/// A tile and where it belongs.
pub type PlacedTile = (TileId, TileHashes);

/// A right edge of tiles that is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TileTreeFailed {
    /// Hashes that make no tile.
    #[error("the hashes make no tile")]
    Tile(#[from] TileFailed),
    /// Hashes that are no right edge of a tree.
    #[error("the hashes make no tree")]
    Edge(#[from] FrontierFailed),
    /// A level has not the number of hashes that the size calls for.
    #[error("level {level} of a tree of {size} entries has not {found} hashes on its right edge")]
    Width {
        /// The size of the tree.
        size: u64,
        /// Which level.
        level: usize,
        /// How many hashes it has.
        found: usize,
    },
}

impl TileTree {
    /// The empty tree.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes up a tree of `size` entries from the hashes of its partial tiles, lowest level first.
    ///
    /// # Errors
    /// A level that has more or fewer hashes than the size calls for, or one that a tree of that size has not.
    pub fn from_right_edge(size: u64, levels: Vec<Vec<Digest>>) -> Result<Self, TileTreeFailed> {
        let mut left = size;
        for (level, hashes) in levels.iter().enumerate() {
            let found = hashes.len();
            if u64::try_from(found) != Ok(left & LAST_HASH) {
                return Err(TileTreeFailed::Width { size, level, found });
            }
            left >>= TILE_HEIGHT;
        }
        // The highest level of a tree has a hash: where it has none, there is a level too many.
        if left > 0 || levels.last().is_some_and(Vec::is_empty) {
            return Err(TileTreeFailed::Width { size, level: levels.len(), found: 0 });
        }
        Ok(Self { size, levels })
    }

    /// The number of entries.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The hashes of the partial tiles, lowest level first; a level whose tiles are all full has none.
    #[must_use]
    pub fn right_edge(&self) -> &[Vec<Digest>] {
        &self.levels
    }

    /// Appends a leaf hash and hands every tile that this fills to `filled`.
    ///
    /// # Errors
    /// Whatever `filled` answers; the tree must not be used any further then.
    pub fn append<E: From<TileTreeFailed>>(
        &mut self,
        leaf: Digest,
        mut filled: impl FnMut(&PlacedTile) -> Result<(), E>,
    ) -> Result<(), E> {
        self.size = self.size.saturating_add(1);
        let mut rising = Some(leaf);
        let mut at = 0_u8;
        while let Some(hash) = rising.take() {
            if self.levels.len() <= usize::from(at) {
                self.levels.push(Vec::new());
            }
            let Some(hashes) = self.levels.get_mut(usize::from(at)) else { break };
            hashes.push(hash);
            if hashes.len() == usize::from(TILE_WIDTH) {
                let tile = place(at, std::mem::take(hashes), self.size)?;
                filled(&tile)?;
                rising = tile.1.root();
            }
            at = at.saturating_add(1);
        }
        Ok(())
    }

    /// The partial tiles on the right edge, lowest level first.
    ///
    /// # Errors
    /// None that a tree grown by [`TileTree::append`] has.
    pub fn partial_tiles(&self) -> Result<Vec<PlacedTile>, TileTreeFailed> {
        let levels = (0_u8..).zip(&self.levels).filter(|(_, hashes)| !hashes.is_empty());
        levels.map(|(level, hashes)| place(level, hashes.clone(), self.size)).collect()
    }

    /// The root over all entries.
    ///
    /// # Errors
    /// None that a tree grown by [`TileTree::append`] has.
    pub fn root(&self) -> Result<Digest, TileTreeFailed> {
        let tiles = self.partial_tiles()?;
        let edge = tiles.iter().rev().flat_map(|(_, tile)| peaks(tile)).collect();
        Ok(Frontier::from_right_edge(self.size, edge)?.root())
    }
}

/// Builds the last tile of a level in a tree of `size` entries.
fn place(level: u8, hashes: Vec<Digest>, size: u64) -> Result<PlacedTile, TileTreeFailed> {
    let width = TileTreeFailed::Width { size, level: usize::from(level), found: hashes.len() };
    let bits = u32::from(level).saturating_mul(u32::from(TILE_HEIGHT));
    let last = size.checked_shr(bits).and_then(|count| count.checked_sub(1)).ok_or(width)?;
    let index = last.checked_shr(u32::from(TILE_HEIGHT)).unwrap_or(0);
    let id = TileId::in_tree(level, index, size).ok_or(width)?;
    Ok((id, TileHashes::build(hashes)?))
}

/// The roots of the largest complete subtrees of a partial tile, from left to right.
fn peaks(tile: &TileHashes) -> Vec<Digest> {
    let width = tile.hashes().len();
    let peak = |level: u8| {
        let index = (width >> level).checked_sub(1).filter(|index| index % 2 == 0)?;
        tile.node(level, u8::try_from(index).ok()?)
    };
    (0..TILE_HEIGHT).rev().filter_map(peak).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::merkle::hash_leaf;
    use crate::tile::tiles_between;

    fn check(size: u64) {
        let mut tree = TileTree::new();
        let mut frontier = Frontier::new();
        let mut tiles = Vec::new();
        for n in 0..size {
            let leaf = hash_leaf(&n.to_be_bytes());
            frontier.append(&leaf);
            tree.append(leaf, |tile| {
                tiles.push(tile.0);
                Ok::<(), TileTreeFailed>(())
            })
            .unwrap();
        }
        tiles.extend(tree.partial_tiles().unwrap().iter().map(|(id, _)| *id));
        tiles.sort_unstable();
        let mut expected: Vec<TileId> = tiles_between(0, size).collect();
        expected.sort_unstable();
        assert_eq!(tiles, expected, "{size}");
        assert_eq!(tree.root().unwrap(), frontier.root(), "{size}");
        let again = TileTree::from_right_edge(size, tree.right_edge().to_vec()).unwrap();
        assert_eq!(again, tree);
        assert!(TileTree::from_right_edge(size.wrapping_add(1), tree.right_edge().to_vec()).is_err());
        let too_high = [tree.right_edge(), &[Vec::new()]].concat();
        assert!(TileTree::from_right_edge(size, too_high).is_err());
    }

    #[test]
    fn tiles_and_root_are_those_of_the_size() {
        (0..=20).for_each(check);
        [255, 256, 257, 511, 512, 65_535, 65_536, 65_793].into_iter().for_each(check);
    }
}
