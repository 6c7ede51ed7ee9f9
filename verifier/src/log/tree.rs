//! The tree that entries yield: every tile as it fills, and the root in the end.

use safeharbor_core::digest::Digest;
use safeharbor_core::merkle::Frontier;
use safeharbor_core::tile::{TILE_HEIGHT, TILE_WIDTH, TileHashes, TileId};

use crate::objection::Fault;

/// The right edge of a growing tree of tiles.
#[derive(Debug)]
pub(super) struct Tree {
    size: u64,
    levels: Vec<Level>,
}

/// The hashes of one level that fill no tile yet.
#[derive(Debug, Default)]
struct Level {
    full_tiles: u64,
    hashes: Vec<Digest>,
}

/// A tile with its place in the tree.
pub(super) type PlacedTile = (TileId, TileHashes);

impl Tree {
    /// An empty tree that will grow to `size` entries.
    pub(super) const fn new(size: u64) -> Self {
        Self { size, levels: Vec::new() }
    }

    /// Appends a leaf hash and hands every tile that this fills to `filled`.
    pub(super) fn append<E: From<Fault>>(
        &mut self,
        leaf: Digest,
        mut filled: impl FnMut(&PlacedTile) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut rising = Some(leaf);
        let mut at = 0_u8;
        while let Some(hash) = rising.take() {
            if self.levels.len() <= usize::from(at) {
                self.levels.push(Level::default());
            }
            let Some(level) = self.levels.get_mut(usize::from(at)) else { break };
            level.hashes.push(hash);
            if level.hashes.len() == usize::from(TILE_WIDTH) {
                let tile = level.take_tile(at, self.size)?;
                level.full_tiles = level.full_tiles.saturating_add(1);
                filled(&tile)?;
                rising = tile.1.root();
            }
            at = at.saturating_add(1);
        }
        Ok(())
    }

    /// Ends the tree: the partial tiles on its right edge, lowest level first, and its root.
    pub(super) fn finish(mut self) -> Result<(Vec<PlacedTile>, Digest), Fault> {
        let mut tiles = Vec::new();
        for (at, level) in (0..).zip(&mut self.levels) {
            if !level.hashes.is_empty() {
                tiles.push(level.take_tile(at, self.size)?);
            }
        }
        let edge = tiles.iter().rev().flat_map(|(_, tile)| peaks(tile)).collect();
        let frontier = Frontier::from_right_edge(self.size, edge).map_err(Fault::Edge)?;
        Ok((tiles, frontier.root()))
    }
}

impl Level {
    fn take_tile(&mut self, level: u8, size: u64) -> Result<PlacedTile, Fault> {
        let tile = TileHashes::build(std::mem::take(&mut self.hashes)).map_err(Fault::Hashes)?;
        let id = TileId::in_tree(level, self.full_tiles, size);
        // A tree that outgrew its size has tiles that do not exist in it.
        id.map(|id| (id, tile)).ok_or(Fault::TileLength { expected: 0, found: 0 })
    }
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
    use safeharbor_core::merkle::hash_leaf;
    use safeharbor_core::tile::tiles_between;

    fn check(size: u64) {
        let mut tree = Tree::new(size);
        let mut frontier = Frontier::new();
        let mut tiles = Vec::new();
        for n in 0..size {
            let leaf = hash_leaf(&n.to_be_bytes());
            frontier.append(&leaf);
            tree.append(leaf, |tile| {
                tiles.push(tile.0);
                Ok::<(), Fault>(())
            })
            .unwrap();
        }
        let (partial, root) = tree.finish().unwrap();
        tiles.extend(partial.iter().map(|(id, _)| *id));
        tiles.sort_unstable();
        let mut expected: Vec<TileId> = tiles_between(0, size).collect();
        expected.sort_unstable();
        assert_eq!(tiles, expected, "{size}");
        assert_eq!(root, frontier.root(), "{size}");
    }

    #[test]
    fn tiles_and_root_are_those_of_the_size() {
        (0..=20).for_each(check);
        [255, 256, 257, 511, 512, 65_535, 65_536, 65_793].into_iter().for_each(check);
    }
}
