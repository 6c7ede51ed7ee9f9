//! Versions are kept whole, found again, and taken from folders within limits.

use std::fs;

use safeharbor_service::store::{Batch, MemoryStore};

use super::*;
use crate::office::tables::CATALOGUES;

fn another(note: &str) -> FileSet {
    let mut files = Catalogue::embedded().unwrap().file_set().clone();
    files.add("notes.txt".to_owned(), note.as_bytes().to_vec()).unwrap();
    files
}

#[test]
fn a_version_that_is_kept_is_there_after_a_restart() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let catalogues = Catalogues::open(Arc::clone(&store)).unwrap();
    let kept = catalogues.keep(another("one")).unwrap();
    catalogues.keep(another("one")).unwrap();
    let typed: String = kept.digest().to_string().chars().take(8).collect();
    for catalogues in [catalogues, Catalogues::open(Arc::clone(&store)).unwrap()] {
        assert_eq!(catalogues.versions().0.len(), 2);
        assert_eq!(catalogues.get(&kept.digest()).unwrap().files(), kept.files());
        assert_eq!(catalogues.find(&typed).unwrap().digest(), kept.digest());
        assert!(catalogues.find("").is_none() && catalogues.find("nothing-like-it").is_none());
    }
}

#[test]
fn only_a_published_version_judges() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let catalogues = Catalogues::open(store).unwrap();
    let kept = catalogues.keep(another("one")).unwrap();
    let directory = Directory::new("https://hub.example.org".parse().unwrap());
    assert!(catalogues.versions().published(&kept.digest(), &directory).is_none());
    assert_eq!(catalogues.newest(&directory).digest(), catalogues.embedded().digest());
}

#[test]
fn a_version_that_was_kept_in_part_or_damaged_is_not_used() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let kept = Catalogues::open(Arc::clone(&store)).unwrap().keep(another("one")).unwrap();
    let mut batch = Batch::new();
    batch.delete(CATALOGUES, *kept.digest().as_bytes());
    store.commit(batch).unwrap();
    assert!(Catalogues::open(Arc::clone(&store)).unwrap().get(&kept.digest()).is_none(), "cut off");
    Catalogues::open(Arc::clone(&store)).unwrap().keep(another("one")).unwrap();
    let key = [kept.digest().as_bytes().as_slice(), b"notes.txt"].concat();
    let mut batch = Batch::new();
    batch.put(CATALOGUES, key, b"two".to_vec());
    store.commit(batch).unwrap();
    assert!(Catalogues::open(store).unwrap().get(&kept.digest()).is_none(), "damaged");
}

#[test]
fn a_folder_reads_back_what_was_written_and_nothing_from_elsewhere() {
    let outer = tempfile::tempdir().unwrap();
    let folder = outer.path().join("v2");
    let files = another("one");
    write_folder(&files, &folder).unwrap();
    assert!(matches!(write_folder(&files, &folder), Err(ReadFolderFailed::Exists(_))));
    fs::write(folder.join(".DS_Store"), b"x").unwrap();
    assert_eq!(read_folder(&folder).unwrap().digest(), files.digest());
    std::os::unix::fs::symlink("/etc/passwd", folder.join("codes/passwd.json")).unwrap();
    assert!(matches!(read_folder(&folder), Err(ReadFolderFailed::NeitherFileNorFolder(_))));
    fs::remove_file(folder.join("codes/passwd.json")).unwrap();
    fs::write(folder.join("huge.txt"), vec![b'x'; 2 << 20]).unwrap();
    assert!(matches!(
        read_folder(&folder),
        Err(ReadFolderFailed::Files { source: FilesRefused::FileTooLarge(_), .. })
    ));
    fs::remove_file(folder.join("huge.txt")).unwrap();
    fs::create_dir_all(folder.join("1/2/3/4/5/6/7")).unwrap();
    assert!(matches!(
        read_folder(&folder),
        Err(ReadFolderFailed::Files { source: FilesRefused::Path(_), .. })
    ));
}
