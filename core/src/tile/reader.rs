//! The tree behind a log's tiles, read one tile at a time.

use super::hashes::{TileFailed, TileHashes};
use super::{TILE_HEIGHT, TILE_WIDTH, TileId};
use crate::digest::Digest;
use crate::merkle::HashReader;

/// Answers with the hashes of a tree of a given size out of its tiles.
///
/// What it answers is only as good as the tiles: a root or proof made from it must still be compared with a
/// checkpoint.
#[derive(Debug)]
pub struct TileReader<F> {
    fetch: F,
    size: u64,
    tiles_max: usize,
    /// The tiles last used, the latest at the end.
    tiles: Vec<(TileId, TileHashes)>,
}

/// A hash that could not be had from the tiles.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadTileFailed<E> {
    /// The subtree is not complete in a tree of this size.
    #[error("subtree {index} of level {level} is not complete in a tree of {size} entries")]
    Outside {
        /// The level of the subtree.
        level: u8,
        /// Its index in the level.
        index: u64,
        /// The size of the tree.
        size: u64,
    },
    /// The bytes of a tile could not be had.
    #[error("{tile} could not be read")]
    Fetch {
        /// The tile.
        tile: TileId,
        /// Why.
        #[source]
        source: E,
    },
    /// The bytes are no tile of this width.
    #[error("{tile} is malformed")]
    Tile {
        /// The tile.
        tile: TileId,
        /// Why.
        #[source]
        source: TileFailed,
    },
}

impl<F> TileReader<F> {
    /// How many tiles are kept when nothing else is said; a proof touches at most two in each of eight levels.
    pub const TILES_KEPT: usize = 16;

    /// Reads the tree of `size` entries through `fetch`, which gives the bytes of a tile.
    ///
    /// Where a partial tile is gone because the full one exists, `fetch` may answer with the full one.
    pub const fn new(size: u64, fetch: F) -> Self {
        Self { fetch, size, tiles_max: Self::TILES_KEPT, tiles: Vec::new() }
    }

    /// Keeps up to `tiles_max` tiles (16 kB each), at least one.
    #[must_use]
    pub fn keeping(self, tiles_max: usize) -> Self {
        Self { tiles_max: tiles_max.max(1), ..self }
    }

    /// The size of the tree.
    pub const fn size(&self) -> u64 {
        self.size
    }
}

impl<F, E> TileReader<F>
where
    F: FnMut(&TileId) -> Result<Vec<u8>, E>,
{
    /// Brings `id` to the end of the kept tiles, fetching it where it is not among them.
    fn tile(&mut self, id: TileId) -> Result<&TileHashes, ReadTileFailed<E>> {
        let tile = match self.tiles.iter().position(|(kept, _)| *kept == id) {
            Some(at) => self.tiles.remove(at).1,
            None => self.fetch_tile(id)?,
        };
        if self.tiles.len() >= self.tiles_max {
            self.tiles.remove(0);
        }
        Ok(&self.tiles.push_mut((id, tile)).1)
    }

    fn fetch_tile(&mut self, id: TileId) -> Result<TileHashes, ReadTileFailed<E>> {
        let mut bytes = (self.fetch)(&id).map_err(|source| ReadTileFailed::Fetch { tile: id, source })?;
        if bytes.len() == bytes_of(TILE_WIDTH) {
            bytes.truncate(bytes_of(id.width()));
        }
        TileHashes::decode(&bytes, id.width()).map_err(|source| ReadTileFailed::Tile { tile: id, source })
    }
}

fn bytes_of(width: u16) -> usize {
    usize::from(width).saturating_mul(32)
}

impl<F, E> HashReader for TileReader<F>
where
    F: FnMut(&TileId) -> Result<Vec<u8>, E>,
{
    type Error = ReadTileFailed<E>;

    fn hash(&mut self, level: u8, index: u64) -> Result<Digest, Self::Error> {
        let outside = ReadTileFailed::Outside { level, index, size: self.size };
        let inside = level % TILE_HEIGHT;
        let within = TILE_HEIGHT.saturating_sub(inside);
        let Some(id) = TileId::in_tree(level / TILE_HEIGHT, index >> within, self.size) else {
            return Err(outside);
        };
        let place = index & (u64::from(u8::MAX) >> inside);
        let place = u8::try_from(place).unwrap_or(u8::MAX);
        self.tile(id)?.node(inside, place).ok_or(outside)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::collections::BTreeMap;

    use super::*;
    use crate::merkle::{self, Frontier, hash_leaf};
    use crate::tile::tiles_between;

    fn leaf(n: u64) -> Digest {
        hash_leaf(&n.to_be_bytes())
    }

    /// Every tile of a tree of `size` entries, by path.
    fn tiles(size: u64) -> BTreeMap<TileId, Vec<u8>> {
        let mut tiles: BTreeMap<TileId, Vec<u8>> = BTreeMap::new();
        for id in tiles_between(0, size) {
            let places = (0..u64::from(id.width())).map(|place| id.index() * 256 + place);
            let hashes = places.map(|place| match id.level() {
                0 => leaf(place),
                level => {
                    let below = TileId::in_tree(level - 1, place, size).unwrap();
                    TileHashes::decode(&tiles[&below], below.width()).unwrap().root().unwrap()
                }
            });
            let bytes = TileHashes::build(hashes.collect()).unwrap().encode();
            tiles.insert(id, bytes);
        }
        tiles
    }

    fn fetch_from(
        tiles: &BTreeMap<TileId, Vec<u8>>,
    ) -> impl FnMut(&TileId) -> Result<Vec<u8>, &'static str> + '_ {
        |id| tiles.get(id).or_else(|| tiles.get(&id.full())).cloned().ok_or("gone")
    }

    #[test]
    fn roots_and_proofs_come_out_of_tiles() {
        for size in [1, 255, 256, 257, 513, 65_536, 70_000] {
            let mut frontier = Frontier::new();
            (0..size).for_each(|n| frontier.append(&leaf(n)));
            let tiles = tiles(size);
            let mut reader = TileReader::new(size, fetch_from(&tiles));
            assert_eq!(merkle::root(&mut reader, size), Ok(frontier.root()), "{size}");
            for index in [0, size / 3, size - 1] {
                let proof = merkle::prove_inclusion(&mut reader, index, size).unwrap();
                merkle::verify_inclusion(&leaf(index), index, size, &proof, &frontier.root()).unwrap();
            }
        }
    }

    #[test]
    fn a_full_tile_stands_in_for_a_partial_one() {
        let tiles = tiles(256);
        let mut reader = TileReader::new(200, fetch_from(&tiles));
        let mut frontier = Frontier::new();
        (0..200).for_each(|n| frontier.append(&leaf(n)));
        assert_eq!(merkle::root(&mut reader, 200), Ok(frontier.root()));
    }

    #[test]
    fn incomplete_subtrees_are_refused() {
        let tiles = tiles(300);
        let mut reader = TileReader::new(300, fetch_from(&tiles));
        for (level, index) in [(0, 300), (5, 9), (8, 1), (9, 0), (16, 0), (64, 0), (255, u64::MAX)] {
            let refused = Err(ReadTileFailed::Outside { level, index, size: 300 });
            assert_eq!(reader.hash(level, index), refused, "{level}/{index}");
        }
        assert!(reader.hash(8, 0).is_ok() && reader.hash(5, 8).is_ok());
    }

    #[test]
    fn what_fetching_said_is_kept() {
        let tile = TileId::in_tree(0, 0, 7).unwrap();
        let mut gone = TileReader::new(7, |_: &TileId| Err("gone"));
        assert_eq!(gone.hash(0, 0), Err(ReadTileFailed::Fetch { tile, source: "gone" }));
        let mut short = TileReader::new(7, |_: &TileId| Ok::<_, &str>(vec![0; 31]));
        let source = TileFailed::Bytes { width: 7, bytes: 31 };
        assert_eq!(short.hash(0, 0), Err(ReadTileFailed::Tile { tile, source }));
    }

    #[test]
    fn no_more_tiles_are_kept_than_asked_for() {
        let tiles = tiles(1024);
        let fetched = RefCell::new(Vec::new());
        let fetch = |id: &TileId| {
            fetched.borrow_mut().push(id.index());
            Ok::<_, &str>(tiles[id].clone())
        };
        let mut reader = TileReader::new(1024, fetch).keeping(2);
        for index in [0, 256, 0, 512, 0, 256, 257] {
            reader.hash(0, index).unwrap();
            assert!(reader.tiles.len() <= 2);
        }
        assert_eq!(*fetched.borrow(), [0, 1, 2, 1]);
    }
}
