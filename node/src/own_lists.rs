//! The catalogue as this institution has it: the version in use (ADR 0020), with the code lists it sets itself (ADR 0011).

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use safeharbor_core::digest::Digest;
use safeharbor_rules::{Catalogue, LoadFailed, OwnLists};

use crate::catalogues::{Acceptance, Shelf, ShelfFailed};
use crate::layout::Layout;

/// The largest own list: 500 codes with long labels are a tenth of it.
const LIST_BYTES_MAX: u64 = 1 << 20;

/// The catalogue cannot be used as this institution has it.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueFailed {
    /// The folder of own code lists, or a file of it, cannot be read.
    #[error("the institution's code lists cannot be read: {}", path.display())]
    Io {
        /// Which folder or file.
        path: PathBuf,
        /// The error.
        #[source]
        source: io::Error,
    },
    /// A file that is not named after a list.
    #[error("{} is not named <list>.json: rename it or take it away (docs/kinds.md)", path.display())]
    FileName {
        /// Which file.
        path: PathBuf,
    },
    /// A file larger than any list.
    #[error("{} is larger than {LIST_BYTES_MAX} bytes, which is no code list: take it away", path.display())]
    TooLarge {
        /// Which file.
        path: PathBuf,
    },
    /// An own list is refused.
    #[error("a code list in {} cannot be used: correct it or take it away (docs/kinds.md)", folder.display())]
    Own {
        /// The folder of own lists.
        folder: PathBuf,
        /// Why.
        #[source]
        source: Box<LoadFailed>,
    },
    /// The versions cannot be read or kept.
    #[error(transparent)]
    Shelf(#[from] ShelfFailed),
    /// The files of the version in use are gone.
    #[error(
        "the files of catalogue version {cat}, which is in use, are missing; restore the data folder from a backup"
    )]
    Missing {
        /// The version.
        cat: Digest,
    },
    /// This program refuses the version in use, which an earlier one took.
    #[error(
        "this program refuses catalogue version {cat}, which is in use: accept another version with the program that was \
         installed before, then install this one again"
    )]
    InUse {
        /// The version.
        cat: Digest,
        /// Why.
        #[source]
        source: Box<LoadFailed>,
    },
    /// The compiled-in catalogue is broken.
    #[error("the catalogue cannot be loaded")]
    Embedded(#[source] Box<LoadFailed>),
}

/// Loads the catalogue version in use, with the code lists in the data folder, if there are any; before a node is opened for the
/// first time, the version compiled in.
///
/// # Errors
/// A file there that is no list an institution sets itself, or no code list.
pub fn load_catalogue(layout: &Layout) -> Result<Catalogue, CatalogueFailed> {
    let (folder, own) = (layout.own_lists(), load_own_lists(layout)?);
    let embedded = Catalogue::embedded().map_err(|refused| CatalogueFailed::Embedded(Box::new(refused)))?;
    let shelf = Shelf::of(layout);
    let in_use = shelf.in_use()?.map(|acceptance| acceptance.cat).filter(|cat| *cat != embedded.digest());
    let files = match in_use {
        None => embedded.file_set().clone(),
        Some(cat) => shelf.get(cat)?.ok_or(CatalogueFailed::Missing { cat })?,
    };
    Catalogue::of(files, &own).map_err(|refused| {
        let source = Box::new(refused);
        match (own.is_empty(), in_use) {
            (false, _) => CatalogueFailed::Own { folder, source },
            (true, Some(cat)) => CatalogueFailed::InUse { cat, source },
            (true, None) => CatalogueFailed::Embedded(source),
        }
    })
}

/// The code lists that the institution sets itself.
///
/// # Errors
/// A file there that is not named after a list, too large or unreadable.
pub fn load_own_lists(layout: &Layout) -> Result<OwnLists, CatalogueFailed> {
    read_folder(&layout.own_lists())
}

/// Notes on the first opening that the version that came with the program is in use: a later program offers its own, and does
/// not put it in its place.
///
/// # Errors
/// The folder of versions cannot be read or written.
pub fn pin_catalogue(layout: &Layout, catalogue: &Catalogue, now_ms: u64) -> Result<(), CatalogueFailed> {
    let shelf = Shelf::of(layout);
    if shelf.in_use()?.is_none() {
        shelf.put(catalogue.file_set())?;
        shelf.use_it(&Acceptance { cat: catalogue.digest(), person: None, at: now_ms })?;
    }
    let embedded = Catalogue::embedded().map_err(|refused| CatalogueFailed::Embedded(Box::new(refused)))?;
    if !shelf.list()?.contains(&embedded.digest()) {
        shelf.put(embedded.file_set())?;
    }
    Ok(())
}

fn read_folder(folder: &Path) -> Result<OwnLists, CatalogueFailed> {
    let failed = |source| CatalogueFailed::Io { path: folder.to_owned(), source };
    let entries = match std::fs::read_dir(folder) {
        Err(missing) if missing.kind() == io::ErrorKind::NotFound => return Ok(OwnLists::new()),
        entries => entries.map_err(failed)?,
    };
    let mut own = OwnLists::new();
    for entry in entries {
        let path = entry.map_err(failed)?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if name.starts_with('.') {
            continue;
        }
        let Some(list) = name.strip_suffix(".json").map(str::to_owned) else {
            return Err(CatalogueFailed::FileName { path });
        };
        own.insert(list, read_list(&path)?);
    }
    Ok(own)
}

fn read_list(path: &Path) -> Result<Vec<u8>, CatalogueFailed> {
    let failed = |source| CatalogueFailed::Io { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(failed)?;
    file.take(LIST_BYTES_MAX.saturating_add(1)).read_to_end(&mut bytes).map_err(failed)?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > LIST_BYTES_MAX {
        return Err(CatalogueFailed::TooLarge { path: path.to_owned() });
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::speech::chain_of;

    const LIST: &str = r#"{"title": "五方", "x-title-en": "Party role", "x-source": "own",
        "codes": [{"code": "P1", "zh": "甲方面", "en": "First party"}]}"#;

    fn load(files: &[(&str, &[u8])]) -> Result<Catalogue, String> {
        let data = tempfile::tempdir().unwrap();
        let layout = Layout::at(data.path());
        fs::create_dir(layout.own_lists()).unwrap();
        for (name, bytes) in files {
            fs::write(layout.own_lists().join(name), bytes).unwrap();
        }
        load_catalogue(&layout).map_err(|failed| chain_of(&failed))
    }

    #[test]
    fn a_folder_without_lists_is_the_catalogue_that_ships() {
        let data = tempfile::tempdir().unwrap();
        let none = load_catalogue(&Layout::at(data.path())).unwrap();
        assert!(none.codes("party_role").unwrap().codes().is_empty());
        assert_eq!(load(&[]).unwrap().digest(), none.digest());
    }

    #[test]
    fn a_list_in_the_folder_is_used() {
        let catalogue = load(&[("party_role.json", LIST.as_bytes()), (".DS_Store", b"x")]).unwrap();
        assert_eq!(catalogue.codes("party_role").unwrap().codes().len(), 1);
    }

    #[test]
    fn what_cannot_be_used_is_named_with_what_to_do() {
        let check = |name: &str, bytes: &[u8], wanted: &[&str]| {
            let shown = load(&[(name, bytes)]).map(|_| ()).unwrap_err();
            assert!(wanted.iter().all(|part| shown.contains(part)), "{shown}");
        };
        check("party_role.json", b"{", &["correct it or take it away", "\"party_role.json\" is refused"]);
        check("secrecy.json", LIST.as_bytes(), &["\"secrecy\" is no list", "force, party_role"]);
        check("party_role.json.txt", LIST.as_bytes(), &["party_role.json.txt is not named <list>.json"]);
        let large = vec![b' '; 1 << 20 | 1];
        check("force.json", &large, &["larger than 1048576 bytes"]);
    }

    #[test]
    fn what_was_in_use_stays_so_under_a_program_that_brings_another_version() {
        let data = tempfile::tempdir().unwrap();
        let layout = Layout::at(data.path());
        let (shelf, earlier) = (Shelf::of(&layout), crate::catalogues::testing::another());
        let (cat, embedded) = (earlier.digest(), Catalogue::embedded().unwrap().digest());
        shelf.use_it(&Acceptance { cat, person: None, at: 1 }).unwrap();
        let missing = load_catalogue(&layout).map_err(|failed| chain_of(&failed)).unwrap_err();
        assert!(missing.contains("are missing"), "{missing}");
        shelf.put(&earlier).unwrap();
        for _ in 0..2 {
            let catalogue = load_catalogue(&layout).unwrap();
            assert_eq!(catalogue.digest(), cat);
            pin_catalogue(&layout, &catalogue, 2).unwrap();
            assert_eq!(shelf.in_use().unwrap().unwrap().at, 1);
            assert!(shelf.list().unwrap().contains(&embedded), "it is there to be accepted");
        }
    }

    #[test]
    fn the_first_opening_pins_what_came_with_the_program() {
        let data = tempfile::tempdir().unwrap();
        let layout = Layout::at(data.path());
        let catalogue = load_catalogue(&layout).unwrap();
        pin_catalogue(&layout, &catalogue, 3).unwrap();
        let expected = Acceptance { cat: catalogue.digest(), person: None, at: 3 };
        assert_eq!(Shelf::of(&layout).in_use().unwrap(), Some(expected));
    }
}
