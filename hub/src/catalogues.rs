//! Catalogue versions at the hub: every version's files are kept; what institutions state is judged by the version it names.

mod folder;
mod publishing;
mod shelf;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use safeharbor_core::digest::Digest;
use safeharbor_core::directory::Directory;
use safeharbor_rules::{Catalogue, FileSet, FilesRefused, LoadFailed, OwnLists};
use safeharbor_service::store::{Store, StoreFailed};

pub use folder::{ReadFolderFailed, read_folder, write_folder};
pub use publishing::{PublishCatalogueFailed, may_publish, publish};

/// Versions that are held in memory; each takes a few megabytes.
const VERSIONS_MAX: usize = 64;
/// The fewest characters by which a person may name a version.
const PREFIX_CHARS_MIN: usize = 6;

/// Catalogue versions cannot be read or kept.
#[derive(Debug, thiserror::Error)]
pub enum CataloguesFailed {
    /// The store failed.
    #[error("the catalogue versions cannot be read or kept")]
    Store(#[from] StoreFailed),
    /// The files are none of a catalogue's.
    #[error("the catalogue is refused")]
    Files(#[from] FilesRefused),
    /// The version is refused.
    #[error("the catalogue is refused")]
    Load(#[from] LoadFailed),
    /// There is no room for another version.
    #[error("{VERSIONS_MAX} catalogue versions are kept, which is all there is room for")]
    TooMany,
}

/// The versions in memory, by digest; a published one judges, whether or not a later one was published.
#[derive(Debug, Clone, Default)]
pub struct Versions(BTreeMap<Digest, Arc<Catalogue>>);

impl Versions {
    /// The version of that digest, if the hub published it.
    #[must_use]
    pub fn published(&self, cat: &Digest, directory: &Directory) -> Option<&Catalogue> {
        self.0.get(cat).filter(|_| directory.has_catalogue(cat)).map(AsRef::as_ref)
    }
}

impl FromIterator<Arc<Catalogue>> for Versions {
    fn from_iter<I: IntoIterator<Item = Arc<Catalogue>>>(catalogues: I) -> Self {
        Self(catalogues.into_iter().map(|catalogue| (catalogue.digest(), catalogue)).collect())
    }
}

/// The catalogue versions of a hub: the one compiled in, and those kept in the office's store.
pub struct Catalogues {
    store: Arc<dyn Store>,
    embedded: Arc<Catalogue>,
    versions: RwLock<Arc<Versions>>,
}

impl Catalogues {
    /// Loads every version that is kept; the one compiled in is kept, too. A version that this program refuses is left out: the
    /// log says so, and statements that name it are refused.
    ///
    /// # Errors
    /// The store, or the version compiled in.
    pub fn open(store: Arc<dyn Store>) -> Result<Self, CataloguesFailed> {
        let embedded = Arc::new(Catalogue::embedded()?);
        shelf::keep(&*store, embedded.digest(), embedded.file_set())?;
        let mut versions = Versions::from_iter([Arc::clone(&embedded)]);
        for cat in shelf::list(&*store)? {
            if versions.0.contains_key(&cat) {
                continue;
            }
            match shelf::load(&*store, cat).and_then(|files| Ok(Catalogue::of(files, &OwnLists::new())?)) {
                Ok(catalogue) if catalogue.digest() == cat => {
                    versions.0.insert(cat, Arc::new(catalogue));
                }
                Ok(_) => tracing::error!(%cat, "the files kept of a catalogue version are damaged"),
                Err(refused) => tracing::error!(%cat, error = %refused, "a catalogue version cannot be used"),
            }
        }
        Ok(Self { store, embedded, versions: RwLock::new(Arc::new(versions)) })
    }

    /// The version compiled into this program.
    #[must_use]
    pub const fn embedded(&self) -> &Arc<Catalogue> {
        &self.embedded
    }

    /// The versions at this moment.
    #[must_use]
    pub fn versions(&self) -> Arc<Versions> {
        Arc::clone(&self.versions.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The digests of all versions that can be used, published or not.
    #[must_use]
    pub fn digests(&self) -> Vec<Digest> {
        self.versions().0.keys().copied().collect()
    }

    /// The version of that digest, published or not.
    #[must_use]
    pub fn get(&self, cat: &Digest) -> Option<Arc<Catalogue>> {
        self.versions().0.get(cat).map(Arc::clone)
    }

    /// The version published last; the one compiled in where none was or it cannot be used.
    #[must_use]
    pub fn newest(&self, directory: &Directory) -> Arc<Catalogue> {
        let newest = directory.catalogues().last().and_then(|cat| self.get(cat));
        newest.unwrap_or_else(|| Arc::clone(&self.embedded))
    }

    /// The one version whose digest begins with what a person typed.
    #[must_use]
    pub fn find(&self, typed: &str) -> Option<Arc<Catalogue>> {
        let versions = self.versions();
        let mut fitting = versions.0.iter().filter(|(cat, _)| cat.to_string().starts_with(typed));
        let found = fitting.next().filter(|_| typed.chars().count() >= PREFIX_CHARS_MIN);
        found.filter(|_| fitting.next().is_none()).map(|(_, catalogue)| Arc::clone(catalogue))
    }

    /// Checks a version and keeps its files; it is not published by that. Durable on return.
    ///
    /// # Errors
    /// The version is refused, there are too many, or the store fails.
    pub fn keep(&self, files: FileSet) -> Result<Arc<Catalogue>, CataloguesFailed> {
        let catalogue = Arc::new(Catalogue::of(files, &OwnLists::new())?);
        let mut versions = self.versions.write().unwrap_or_else(PoisonError::into_inner);
        if versions.0.contains_key(&catalogue.digest()) {
            return Ok(catalogue);
        }
        if versions.0.len() >= VERSIONS_MAX {
            return Err(CataloguesFailed::TooMany);
        }
        shelf::keep(&*self.store, catalogue.digest(), catalogue.file_set())?;
        let mut more = Versions::clone(&versions);
        more.0.insert(catalogue.digest(), Arc::clone(&catalogue));
        *versions = Arc::new(more);
        Ok(catalogue)
    }
}

impl fmt::Debug for Catalogues {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Catalogues").field(&self.versions().0.keys()).finish()
    }
}

#[cfg(test)]
mod tests;
