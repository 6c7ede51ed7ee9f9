//! The files of catalogue versions in the office's store: one row a file, and one that says that all are there.

use std::collections::BTreeMap;

use safeharbor_core::digest::Digest;
use safeharbor_rules::FileSet;
use safeharbor_service::store::{Batch, Scan, Store, StoreFailed};

use super::CataloguesFailed;
use crate::office::tables::CATALOGUES;

/// Rows of one commit; a file may have a megabyte.
const FILES_PER_COMMIT: usize = 16;

/// Keeps the files of a version; the row that names it comes last. Durable on return.
pub(super) fn keep(store: &dyn Store, cat: Digest, files: &FileSet) -> Result<(), StoreFailed> {
    if store.get(CATALOGUES, cat.as_bytes())?.is_some() {
        return Ok(());
    }
    let rows: Vec<(&String, &Vec<u8>)> = files.files().iter().collect();
    for part in rows.chunks(FILES_PER_COMMIT) {
        let mut batch = Batch::new();
        for (path, bytes) in part {
            batch.put(CATALOGUES, file_key(cat, path), bytes.as_slice());
        }
        store.commit(batch)?;
    }
    let mut batch = Batch::new();
    batch.put(CATALOGUES, *cat.as_bytes(), b"complete");
    store.commit(batch)?;
    store.flush()
}

/// The versions of which all files are kept.
pub(super) fn list(store: &dyn Store) -> Result<Vec<Digest>, StoreFailed> {
    let mut cats = Vec::new();
    store.visit(Scan::all(CATALOGUES), &mut |key, _| {
        cats.extend(Digest::try_from(key));
        std::ops::ControlFlow::Continue(())
    })?;
    Ok(cats)
}

/// The files of a version; the caller checks its digest.
pub(super) fn load(store: &dyn Store, cat: Digest) -> Result<FileSet, CataloguesFailed> {
    let rows = store.scan(&Scan::prefix(CATALOGUES, cat.as_bytes()))?;
    let files = rows.into_iter().filter_map(|(key, bytes)| {
        let path = key.get(cat.as_bytes().len()..).filter(|path| !path.is_empty())?;
        Some((String::from_utf8_lossy(path).into_owned(), bytes))
    });
    Ok(FileSet::try_from(files.collect::<BTreeMap<_, _>>())?)
}

fn file_key(cat: Digest, path: &str) -> Vec<u8> {
    [cat.as_bytes().as_slice(), path.as_bytes()].concat()
}
