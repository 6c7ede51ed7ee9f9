//! One bundle, read and hashed, and compared with the tile of its leaf hashes: what needs no other bundle.

use safeharbor_core::checkpoint::Checkpoint;
use safeharbor_core::digest::Digest;
use safeharbor_core::merkle::{hash_leaf, prove_inclusion, verify_inclusion};
use safeharbor_core::tile::{
    BundleFailed, BundleId, ENTRY_BYTES_MAX, TILE_WIDTH, TileId, TileReader, decode_bundle,
};

use super::Depth;
use super::files::{self, LogFiles, Width};
use crate::objection::{Fault, Objection};

/// 256 entries, each behind two bytes of length.
pub(crate) const BUNDLE_BYTES_MAX: usize = 256 * (ENTRY_BYTES_MAX + 2);

/// A bundle that was read.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) bundle: BundleId,
    pub(super) path: String,
    /// Each entry of the tree that is in it, with its leaf hash.
    pub(super) entries: Vec<(Vec<u8>, Digest)>,
    /// How many tiles were compared.
    pub(super) tiles: u64,
}

/// Reads a bundle of the tree below `checkpoint`.
///
/// # Errors
/// A file that is missing, malformed, or not what the signed root vouches for.
pub(super) fn prepare(
    files: &dyn LogFiles,
    checkpoint: &Checkpoint,
    depth: Depth,
    bundle: BundleId,
) -> Result<Prepared, Objection> {
    let path = bundle.to_string();
    let (bytes, width) = files::read_tile(files, &path, BUNDLE_BYTES_MAX)?;
    let stored = if width == Width::Full { TILE_WIDTH } else { bundle.width() };
    let tile =
        TileId::in_tree(0, bundle.index(), checkpoint.size).filter(|_| depth == Depth::EntriesAndTiles);
    let hashes = tile.map(|tile| files::read_hashes(files, &tile)).transpose()?;
    let first = bundle.index().saturating_mul(u64::from(TILE_WIDTH));
    let entries = decode_bundle(&bytes, stored).map_err(|source| {
        let objection = Fault::Bundle(source).in_file(&path);
        match place_of_damage(&bytes, source, hashes.as_deref().unwrap_or_default()) {
            Some(at) => objection.at_index(first.saturating_add(at)),
            None => objection,
        }
    })?;
    let entries: Vec<(Vec<u8>, Digest)> = entries
        .into_iter()
        .take(usize::from(bundle.width()))
        .map(|entry| (entry.to_vec(), hash_leaf(entry)))
        .collect();
    if let (Some(tile), Some(hashes)) = (tile, hashes) {
        let differs = entries.iter().zip(&hashes).position(|((_, leaf), hash)| leaf != hash);
        if let Some((at, ((_, leaf), hash))) =
            differs.and_then(|at| Some((at, entries.get(at).zip(hashes.get(at))?)))
        {
            let index = first.saturating_add(u64::try_from(at).unwrap_or(u64::MAX));
            return Err(match vouched_for(files, checkpoint, index, (leaf, hash)) {
                Vouched::Tile => Fault::EntryDamaged.in_file(&path).at_index(index),
                Vouched::Entry | Vouched::Neither => Fault::Tile(at).in_file(tile),
            });
        }
    }
    Ok(Prepared { bundle, path, entries, tiles: u64::from(tile.is_some()) })
}

/// The first entry that a malformed bundle does not hold as its tile says it should.
fn place_of_damage(mut bytes: &[u8], failed: BundleFailed, hashes: &[Digest]) -> Option<u64> {
    for (at, hash) in (0..).zip(hashes) {
        let entry = bytes
            .split_first_chunk()
            .and_then(|(length, rest)| rest.split_at_checked(usize::from(u16::from_be_bytes(*length))));
        match entry {
            Some((entry, rest)) if hash_leaf(entry) == *hash => bytes = rest,
            Some(_) | None => return Some(at),
        }
    }
    match failed {
        BundleFailed::CutOff(at) => Some(u64::from(at)),
        BundleFailed::EntryTooLong { .. } | BundleFailed::Width(_) | BundleFailed::Trailing(_) => None,
    }
}

/// Which of two things that differ leads to the signed root.
enum Vouched {
    Entry,
    Tile,
    Neither,
}

/// The hashes beside the one in doubt lead from the sound one to the signed root.
fn vouched_for(
    files: &dyn LogFiles,
    checkpoint: &Checkpoint,
    index: u64,
    (leaf, hash): (&Digest, &Digest),
) -> Vouched {
    let fetch = |tile: &TileId| {
        let hashes = files::read_hashes(files, tile)?;
        Ok::<Vec<u8>, Objection>(hashes.iter().flat_map(|hash| *hash.as_bytes()).collect())
    };
    let mut reader = TileReader::new(checkpoint.size, fetch);
    let Ok(proof) = prove_inclusion(&mut reader, index, checkpoint.size) else { return Vouched::Neither };
    let leads = |from| verify_inclusion(from, index, checkpoint.size, &proof, &checkpoint.root).is_ok();
    if leads(leaf) {
        Vouched::Entry
    } else if leads(hash) {
        Vouched::Tile
    } else {
        Vouched::Neither
    }
}
