//! Reading the registry's files: tiles for proofs, bundles for entries.

use std::io;
use std::path::{Path, PathBuf};

use safeharbor_core::tile::{BundleFailed, BundleId, TileId, TileReader, decode_bundle};

/// The folder that holds `checkpoint` and `tile/`.
#[derive(Debug, Clone)]
pub struct RegistryFiles {
    folder: PathBuf,
}

/// An entry or tile cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadRegistryFailed {
    /// The file system refused.
    #[error("cannot read {}", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The bundle's bytes are malformed.
    #[error("{} is malformed", path.display())]
    Bundle {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: BundleFailed,
    },
    /// The entry is beyond the published size.
    #[error("entry {index} is not published")]
    Beyond {
        /// Its index.
        index: u64,
    },
}

impl RegistryFiles {
    /// The registry in `folder`.
    #[must_use]
    pub const fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Reads a tile; the full one stands in where a partial one is gone.
    ///
    /// # Errors
    /// Neither file can be read.
    pub fn read_tile(&self, tile: &TileId) -> Result<Vec<u8>, io::Error> {
        match std::fs::read(self.folder.join(tile.to_string())) {
            Err(refused) if refused.kind() == io::ErrorKind::NotFound => {
                std::fs::read(self.folder.join(tile.full().to_string()))
            }
            read => read,
        }
    }

    /// Reads hashes of the tree of `size` entries.
    pub fn tree(&self, size: u64) -> TileReader<impl FnMut(&TileId) -> Result<Vec<u8>, io::Error> + '_> {
        TileReader::new(size, move |tile: &TileId| self.read_tile(tile))
    }

    /// Reads one entry of the tree of `size` entries.
    ///
    /// # Errors
    /// The entry is not there, or its bundle is unreadable.
    pub fn read_entry(&self, index: u64, size: u64) -> Result<Vec<u8>, ReadRegistryFailed> {
        let beyond = ReadRegistryFailed::Beyond { index };
        if index >= size {
            return Err(beyond);
        }
        let Some(bundle) = BundleId::in_tree(index / 256, size) else { return Err(beyond) };
        let entries = self.read_bundle(&bundle)?;
        let place = usize::try_from(index % 256).unwrap_or(usize::MAX);
        entries.into_iter().nth(place).ok_or(beyond)
    }

    /// Reads a bundle's entries; the full one stands in where a partial one is gone.
    ///
    /// # Errors
    /// The bundle is missing or malformed.
    pub fn read_bundle(&self, bundle: &BundleId) -> Result<Vec<Vec<u8>>, ReadRegistryFailed> {
        match self.read_entries(bundle) {
            Err(ReadRegistryFailed::Io { source, .. })
                if bundle.is_partial() && source.kind() == io::ErrorKind::NotFound =>
            {
                let mut entries = self.read_entries(&bundle.full())?;
                entries.truncate(usize::from(bundle.width()));
                Ok(entries)
            }
            read => read,
        }
    }

    fn read_entries(&self, bundle: &BundleId) -> Result<Vec<Vec<u8>>, ReadRegistryFailed> {
        let path = self.folder.join(bundle.to_string());
        let bytes =
            std::fs::read(&path).map_err(|source| ReadRegistryFailed::Io { path: path.clone(), source })?;
        let entries = decode_bundle(&bytes, bundle.width());
        let entries = entries.map_err(|source| ReadRegistryFailed::Bundle { path, source })?;
        Ok(entries.into_iter().map(<[u8]>::to_vec).collect())
    }
}
