//! Files of a registry that are copied while they are read: from the signed root downwards each tile vouches for what is below
//! it, so each file is verified before it is written under its name.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use safeharbor_core::checkpoint::Checkpoint;
use safeharbor_core::digest::Digest;
use safeharbor_core::merkle::hash_leaf;
use safeharbor_core::tile::{
    BundleId, TILE_HEIGHT, TILE_WIDTH, TileHashes, TileId, TileTree, decode_bundle, encode_bundle,
};

use crate::log::{BUNDLE_BYTES_MAX, CHECKPOINT, LogFiles, LogFolder, Width, read_hashes, read_tile};
use crate::objection::{Fault, Objection};
use crate::output;

/// Tiles above the lowest level that are kept in memory; 8 kB each.
const TILES_KEPT: usize = 64;

/// What was copied.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Counts {
    pub(super) fetched: u64,
    pub(super) kept: u64,
    pub(super) healed: u64,
}

/// The registry below one checkpoint, in the copy or, where it is not there yet, at its source.
pub(super) struct Copying<'a> {
    source: &'a dyn LogFiles,
    folder: PathBuf,
    local: LogFolder,
    note: Vec<u8>,
    checkpoint: Checkpoint,
    vouched: Mutex<BTreeMap<TileId, Vec<Digest>>>,
    edge: BTreeMap<TileId, Vec<Digest>>,
    fetched: AtomicU64,
    kept: AtomicU64,
    healed: AtomicU64,
}

impl<'a> Copying<'a> {
    /// Reads the right edge of the tree from the source and verifies it against the signed root.
    ///
    /// # Errors
    /// The source lacks a tile, or its tiles do not lead to the root.
    pub(super) fn open(
        source: &'a dyn LogFiles,
        folder: &Path,
        note: Vec<u8>,
        checkpoint: Checkpoint,
    ) -> Result<Self, Objection> {
        let size = checkpoint.size;
        let (mut edge, mut levels) = (BTreeMap::new(), Vec::new());
        let mut count = size;
        while count > 0 {
            let level = u8::try_from(levels.len()).unwrap_or(u8::MAX);
            let tile = TileId::in_tree(level, count >> TILE_HEIGHT, size).filter(TileId::is_partial);
            let hashes = tile.map_or(Ok(Vec::new()), |tile| read_hashes(source, &tile))?;
            edge.extend(tile.map(|tile| (tile, hashes.clone())));
            levels.push(hashes);
            count >>= TILE_HEIGHT;
        }
        let tree = TileTree::from_right_edge(size, levels).map_err(Fault::Tree)?;
        if tree.root().map_err(Fault::Tree)? != checkpoint.root {
            return Err(Fault::RightEdge.into());
        }
        let (folder, local) = (folder.to_owned(), LogFolder::new(folder));
        let (fetched, kept, healed) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
        let vouched = Mutex::new(BTreeMap::new());
        Ok(Self { source, folder, local, note, checkpoint, vouched, edge, fetched, kept, healed })
    }

    pub(super) fn note(&self) -> &[u8] {
        &self.note
    }

    pub(super) fn counts(&self) -> Counts {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts { fetched: count(&self.fetched), kept: count(&self.kept), healed: count(&self.healed) }
    }

    /// The verified hashes of a tile, from the copy or the source; in the copy from then on.
    fn tile(&self, tile: TileId) -> Result<Vec<Digest>, Objection> {
        let cached = || self.vouched.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(hashes) = cached().get(&tile) {
            return Ok(hashes.clone());
        }
        let is_sound = |hashes: &Vec<Digest>| self.is_sound_tile(tile, hashes);
        let local = read_hashes(&self.local, &tile).ok();
        let hashes = match local.map(|hashes| Ok::<_, Objection>((is_sound(&hashes)?, hashes))).transpose()? {
            Some((true, hashes)) => {
                self.kept.fetch_add(1, Ordering::Relaxed);
                hashes
            }
            Some((false, _)) | None => {
                let hashes = read_hashes(self.source, &tile)?;
                if !is_sound(&hashes)? {
                    return Err(Fault::NotVouched.in_file(tile));
                }
                let bytes: Vec<u8> = hashes.iter().flat_map(|hash| *hash.as_bytes()).collect();
                self.write(&tile.to_string(), &bytes)?;
                hashes
            }
        };
        if tile.level() > 0 {
            let mut cached = cached();
            if cached.len() >= TILES_KEPT {
                cached.clear();
            }
            cached.insert(tile, hashes.clone());
        }
        Ok(hashes)
    }

    fn is_sound_tile(&self, tile: TileId, hashes: &Vec<Digest>) -> Result<bool, Objection> {
        if tile.is_partial() {
            return Ok(self.edge.get(&tile) == Some(hashes));
        }
        let above = TileId::in_tree(
            tile.level().saturating_add(1),
            tile.index() >> TILE_HEIGHT,
            self.checkpoint.size,
        );
        let above = self.tile(above.ok_or_else(|| Fault::NotVouched.in_file(tile))?)?;
        let place = usize::try_from(tile.index() % u64::from(TILE_WIDTH)).unwrap_or(usize::MAX);
        let root = TileHashes::build(hashes.clone()).ok().and_then(|hashes| hashes.root());
        Ok(root.is_some() && root.as_ref() == above.get(place))
    }

    fn bundle(&self, bundle: BundleId) -> Result<Vec<u8>, Objection> {
        let path = bundle.to_string();
        let beside = TileId::in_tree(0, bundle.index(), self.checkpoint.size);
        let hashes = self.tile(beside.ok_or_else(|| Fault::NotVouched.in_file(&path))?)?;
        let local = read_bundle(&self.local, bundle).ok();
        if let Some((bytes, leaves)) = &local
            && *leaves == hashes
        {
            self.kept.fetch_add(1, Ordering::Relaxed);
            return Ok(bytes.clone());
        }
        let (bytes, leaves) = read_bundle(self.source, bundle)?;
        if let Some(at) = (0..hashes.len().max(leaves.len())).find(|at| hashes.get(*at) != leaves.get(*at)) {
            let first = bundle.index().saturating_mul(u64::from(TILE_WIDTH));
            let index = first.saturating_add(u64::try_from(at).unwrap_or(u64::MAX));
            return Err(Fault::EntryDamaged.in_file(path).at_index(index));
        }
        self.write(&path, &bytes)?;
        Ok(bytes)
    }

    fn write(&self, path: &str, bytes: &[u8]) -> Result<(), Objection> {
        let path = self.folder.join(path);
        // What was there under this name is damaged.
        let counter = if path.exists() { &self.healed } else { &self.fetched };
        counter.fetch_add(1, Ordering::Relaxed);
        output::write_durably(&path, bytes)
    }

    /// Removes the partial files whose full ones took their place since the copy had `known` entries.
    ///
    /// # Errors
    /// The file system refused.
    pub(super) fn drop_outgrown(&self, known: u64) -> Result<(), Objection> {
        let size = self.checkpoint.size;
        let (mut outgrown, mut count, mut level) = (Vec::new(), known, 0_u8);
        if known / 256 < size / 256 {
            outgrown.extend(BundleId::in_tree(known / 256, size).map(|bundle| bundle.to_string()));
        }
        while count > 0 {
            let full = TileId::in_tree(level, count / 256, size).filter(|tile| !tile.is_partial());
            outgrown.extend(full.map(|tile| tile.to_string()));
            count >>= TILE_HEIGHT;
            level = level.saturating_add(1);
        }
        for full in outgrown {
            let partial = self.folder.join(format!("{full}.p"));
            match fs::remove_dir_all(&partial) {
                Err(failed) if failed.kind() != ErrorKind::NotFound => {
                    return Err(Fault::Unwritable(failed).in_file(partial.display()));
                }
                Ok(()) | Err(_) => {}
            }
        }
        Ok(())
    }
}

/// The bundle as wide as it is in the tree, with the leaf hashes of its entries.
fn read_bundle(files: &dyn LogFiles, bundle: BundleId) -> Result<(Vec<u8>, Vec<Digest>), Objection> {
    let path = bundle.to_string();
    let (bytes, width) = read_tile(files, &path, BUNDLE_BYTES_MAX)?;
    let stored = if width == Width::Full { TILE_WIDTH } else { bundle.width() };
    let refused = |source| Fault::Bundle(source).in_file(&path);
    let mut entries = decode_bundle(&bytes, stored).map_err(refused)?;
    entries.truncate(usize::from(bundle.width()));
    let leaves = entries.iter().map(|entry| hash_leaf(entry)).collect();
    Ok((encode_bundle(&entries).map_err(refused)?, leaves))
}

impl LogFiles for Copying<'_> {
    fn read(&self, path: &str, _bytes_max: usize) -> Result<Option<Vec<u8>>, Objection> {
        if path == CHECKPOINT {
            return Ok(Some(self.note.clone()));
        }
        if let Ok(bundle) = path.parse::<BundleId>() {
            return self.bundle(bundle).map(Some);
        }
        let tile: TileId = path.parse().or(Err(Fault::NotVouched.in_file(path)))?;
        let hashes = self.tile(tile)?;
        Ok(Some(hashes.iter().flat_map(|hash| *hash.as_bytes()).collect()))
    }

    fn readers(&self) -> usize {
        self.source.readers()
    }
}
