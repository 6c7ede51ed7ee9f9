//! Tiles and entry bundles (C2SP tlog-tiles): the log as static files.

mod bundle;
mod growth;
mod hashes;
mod path;
mod reader;
mod tree;

pub use bundle::{BundleFailed, ENTRY_BYTES_MAX, decode_bundle, encode_bundle};
pub use growth::{bundles_between, tiles_between};
pub use hashes::{TileFailed, TileHashes};
pub use path::{BundleId, ParsePathFailed, TileId};
pub use reader::{ReadTileFailed, TileReader};
pub use tree::{PlacedTile, TileTree, TileTreeFailed};

/// The hashes in a full tile and the entries in a full bundle.
pub const TILE_WIDTH: u16 = 256;
/// The levels of the tree between the hashes of a tile and their common root.
pub const TILE_HEIGHT: u8 = 8;
/// The highest level a tile path may name.
pub const LEVEL_MAX: u8 = 63;
