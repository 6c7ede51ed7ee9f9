//! Growing the tree: entries in, tiles and bundles out, each file durable before the next checkpoint.

use std::io;
use std::path::PathBuf;

use safeharbor_core::digest::Digest;
use safeharbor_core::merkle::{Frontier, hash_leaf};
use safeharbor_core::tile::{
    BundleFailed, BundleId, ReadTileFailed, TileFailed, TileHashes, TileId, encode_bundle,
};
use safeharbor_service::durable_file::{WriteFailed, create_folders_durably, write_durably};

use super::files::{ReadRegistryFailed, RegistryFiles};

/// The right edge of the tree, with everything to the left of it on disk.
#[derive(Debug)]
pub struct TreeWriter {
    files: RegistryFiles,
    frontier: Frontier,
    size: u64,
    /// The entries of the bundle that is not full.
    bundle: Vec<Vec<u8>>,
    /// For each tile level, the hashes of the tile that is not full.
    levels: Vec<Vec<Digest>>,
}

/// The tree cannot be read or extended.
#[derive(Debug, thiserror::Error)]
pub enum TreeFailed {
    /// A file exists already with other bytes: tiles never change.
    #[error("{} exists with other bytes", path.display())]
    Differs {
        /// Which file.
        path: PathBuf,
    },
    /// A file cannot be read.
    #[error("cannot read {}", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file cannot be written.
    #[error(transparent)]
    Write(#[from] WriteFailed),
    /// An entry cannot stand in a bundle.
    #[error("an entry cannot be bundled")]
    Bundle(#[from] BundleFailed),
    /// Hashes that make no tile.
    #[error("a tile cannot be made")]
    Tile(#[from] TileFailed),
    /// The root at an earlier size cannot be read.
    #[error("the root of the first {size} entries cannot be read")]
    Root {
        /// That size.
        size: u64,
        /// Why.
        #[source]
        source: ReadTileFailed<io::Error>,
    },
    /// The stored right edge cannot be read.
    #[error("the right edge of the tree cannot be read")]
    Edge(#[from] ReadRegistryFailed),
}

impl TreeWriter {
    /// An empty tree in the registry's folder.
    #[must_use]
    pub fn empty(files: RegistryFiles) -> Self {
        Self { files, frontier: Frontier::new(), size: 0, bundle: Vec::new(), levels: Vec::new() }
    }

    /// Loads the right edge of the tree of `size` entries from its tiles.
    ///
    /// # Errors
    /// A tile of the right edge is missing or malformed.
    pub fn load(files: RegistryFiles, size: u64) -> Result<Self, TreeFailed> {
        let mut tree = Self::empty(files);
        tree.size = size;
        if let Some(bundle) = BundleId::in_tree(size / 256, size) {
            tree.bundle = tree.files.read_bundle(&bundle)?;
        }
        let mut count = size;
        let mut level = 0_u8;
        while count > 0 {
            tree.levels.push(tree.load_level(level, count)?);
            count /= 256;
            level = level.saturating_add(1);
        }
        tree.frontier = tree.rebuild_frontier()?;
        Ok(tree)
    }

    fn load_level(&self, level: u8, count: u64) -> Result<Vec<Digest>, TreeFailed> {
        let Some(tile) =
            TileId::in_tree(level, count / 256, self.size).filter(|_| !count.is_multiple_of(256))
        else {
            return Ok(Vec::new());
        };
        let path = self.files.folder().join(tile.to_string());
        let mut bytes = self.files.read_tile(&tile).map_err(|source| TreeFailed::Io { path, source })?;
        bytes.truncate(usize::from(tile.width()).saturating_mul(32));
        Ok(TileHashes::decode(&bytes, tile.width())?.hashes().to_vec())
    }

    /// Frontier hashes are the complete subtrees of the right edge, which the partial tiles hold.
    fn rebuild_frontier(&self) -> Result<Frontier, TreeFailed> {
        let mut edge = Vec::new();
        for hashes in self.levels.iter().rev().filter(|hashes| !hashes.is_empty()) {
            let tile = TileHashes::build(hashes.clone())?;
            let mut start = 0_usize;
            for level in (0..8_u8).rev() {
                let width = 1_usize << level;
                if hashes.len() & width != 0 {
                    let index = u8::try_from(start >> level).unwrap_or(u8::MAX);
                    edge.extend(tile.node(level, index));
                    start = start.saturating_add(width);
                }
            }
        }
        let malformed = |_| TreeFailed::Tile(TileFailed::Width(edge_len(&self.levels)));
        Frontier::from_right_edge(self.size, edge).map_err(malformed)
    }

    /// The number of entries.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The root over them.
    #[must_use]
    pub fn root(&self) -> Digest {
        self.frontier.root()
    }

    /// Appends entries and makes every new tile and bundle durable.
    ///
    /// # Errors
    /// A file exists with other bytes, or the file system refused; the tree is unusable then.
    pub fn extend(&mut self, entries: impl IntoIterator<Item = Vec<u8>>) -> Result<(), TreeFailed> {
        let before = self.size;
        for entry in entries {
            let leaf = hash_leaf(&entry);
            self.frontier.append(&leaf);
            self.size = self.size.saturating_add(1);
            self.bundle.push(entry);
            if self.bundle.len() == 256 {
                let full = std::mem::take(&mut self.bundle);
                self.write_bundle(&full)?;
            }
            self.push_hash(0, leaf)?;
        }
        if self.size > before { self.write_partial(before) } else { Ok(()) }
    }

    fn push_hash(&mut self, level: usize, hash: Digest) -> Result<(), TreeFailed> {
        if self.levels.len() <= level {
            self.levels.push(Vec::new());
        }
        let Some(hashes) = self.levels.get_mut(level) else { return Ok(()) };
        hashes.push(hash);
        if hashes.len() < 256 {
            return Ok(());
        }
        let tile = TileHashes::build(std::mem::take(hashes))?;
        let level_id = u8::try_from(level).unwrap_or(u8::MAX);
        let shift = 8_u32.saturating_mul(u32::from(level_id).saturating_add(1));
        let index = self.size.checked_shr(shift).unwrap_or(0).saturating_sub(1);
        if let Some(id) = TileId::in_tree(level_id, index, self.size) {
            self.write_once(&id.to_string(), &tile.encode())?;
        }
        match tile.root() {
            Some(root) => self.push_hash(level.saturating_add(1), root),
            None => Ok(()),
        }
    }

    /// Writes the partial tile of every level whose width changed since `before`.
    fn write_partial(&self, before: u64) -> Result<(), TreeFailed> {
        if !self.bundle.is_empty() {
            self.write_bundle(&self.bundle)?;
        }
        for (level, hashes) in (0_u8..).zip(&self.levels) {
            let shift = 8_u32.saturating_mul(u32::from(level));
            let count = |size: u64| size.checked_shr(shift).unwrap_or(0);
            let id = TileId::in_tree(level, count(self.size) / 256, self.size);
            if let Some(id) = id.filter(|_| !hashes.is_empty() && count(self.size) != count(before)) {
                self.write_once(&id.to_string(), &TileHashes::build(hashes.clone())?.encode())?;
            }
        }
        Ok(())
    }

    fn write_bundle(&self, entries: &[Vec<u8>]) -> Result<(), TreeFailed> {
        let index = self.size.saturating_sub(1) / 256;
        match BundleId::in_tree(index, self.size) {
            Some(id) => self.write_once(&id.to_string(), &encode_bundle(entries)?),
            None => Ok(()),
        }
    }

    fn write_once(&self, name: &str, bytes: &[u8]) -> Result<(), TreeFailed> {
        let path = self.files.folder().join(name);
        match std::fs::read(&path) {
            Ok(found) if found == bytes => return Ok(()),
            Ok(_) => return Err(TreeFailed::Differs { path }),
            Err(source) if source.kind() == io::ErrorKind::NotFound => {}
            Err(source) => return Err(TreeFailed::Io { path, source }),
        }
        let folder = path.parent().unwrap_or(&path);
        create_folders_durably(folder)
            .map_err(|source| TreeFailed::Io { path: folder.to_owned(), source })?;
        Ok(write_durably(&path, bytes)?)
    }
}

fn edge_len(levels: &[Vec<Digest>]) -> usize {
    levels.iter().map(Vec::len).sum()
}

#[cfg(test)]
mod tests {
    use safeharbor_core::merkle;

    use super::*;

    fn entry(n: u64) -> Vec<u8> {
        format!("entry {n}").into_bytes()
    }

    #[test]
    fn a_tree_grown_in_any_steps_is_the_same_tree_on_disk() {
        let folder = tempfile::tempdir().unwrap();
        let files = RegistryFiles::new(folder.path().to_owned());
        let mut tree = TreeWriter::empty(files.clone());
        let mut reference = Frontier::new();
        let mut next = 0;
        for step in [1, 1, 253, 1, 1, 255, 1, 400, 65_000] {
            tree.extend((next..next + step).map(entry)).unwrap();
            (next..next + step).for_each(|n| reference.append(&hash_leaf(&entry(n))));
            next += step;
            assert_eq!((tree.size(), tree.root()), (next, reference.root()));
            assert_eq!(
                merkle::root(&mut files.tree(next), next).unwrap(),
                reference.root(),
                "{next} on disk"
            );
            let again = TreeWriter::load(files.clone(), next).unwrap();
            assert_eq!((again.root(), &again.bundle), (tree.root(), &tree.bundle), "{next} loaded");
            assert_eq!(files.read_entry(next - 1, next).unwrap(), entry(next - 1));
        }
        let mut loaded = TreeWriter::load(files.clone(), next).unwrap();
        loaded.extend([entry(next)]).unwrap();
        reference.append(&hash_leaf(&entry(next)));
        assert_eq!(loaded.root(), reference.root());
    }

    #[test]
    fn full_files_stand_in_for_partial_ones_that_are_gone() {
        let folder = tempfile::tempdir().unwrap();
        let files = RegistryFiles::new(folder.path().to_owned());
        let mut tree = TreeWriter::empty(files.clone());
        tree.extend((0..200).map(entry)).unwrap();
        let root = tree.root();
        tree.extend((200..300).map(entry)).unwrap();
        for partial in ["tile/entries/000.p", "tile/0/000.p"] {
            std::fs::remove_dir_all(folder.path().join(partial)).unwrap();
        }
        assert_eq!(files.read_entry(199, 200).unwrap(), entry(199));
        assert!(files.read_entry(200, 200).is_err(), "beyond the tree that was asked for");
        let loaded = TreeWriter::load(files, 200).unwrap();
        assert_eq!((loaded.root(), loaded.bundle.len()), (root, 200));
    }

    #[test]
    fn tiles_that_exist_are_compared_and_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let files = RegistryFiles::new(folder.path().to_owned());
        TreeWriter::empty(files.clone()).extend((0..300).map(entry)).unwrap();
        TreeWriter::empty(files.clone()).extend((0..300).map(entry)).unwrap();
        let other = TreeWriter::empty(files).extend((1..301).map(entry));
        assert!(matches!(other, Err(TreeFailed::Differs { .. })));
    }
}
