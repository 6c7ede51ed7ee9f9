//! Other catalogue versions, and the hub's statement about one, for tests.

use safeharbor_core::digest::Digest;
use safeharbor_core::directory::{Announcement, Deciders};
use safeharbor_core::key::MemorySigner;
use safeharbor_core::sdjwt::Algorithm;
use safeharbor_core::statement::{Draft, Envelope, Vct};
use safeharbor_rules::{Catalogue, FileSet};
use serde_json::Value;
use zeroize::Zeroizing;

/// The hub's statement key.
pub(crate) fn hub_signer() -> MemorySigner {
    MemorySigner::from_seed(&Zeroizing::new([33; 32]))
}

/// The hub's statement that these persons published the version.
pub(crate) fn published(cat: Digest, persons: &[u32]) -> String {
    published_as(7, cat, persons)
}

/// As [`published`], as the statement of the hub with this number.
pub(crate) fn published_as(seq: u64, cat: Digest, persons: &[u32]) -> String {
    let announcement = Announcement::Catalogue { cat, decided_by: Deciders::new(persons.iter().copied()) };
    let envelope = Envelope {
        iss: "https://hub.example.org".parse().unwrap(),
        iat: 1,
        seq,
        prev: Digest::of(b"before"),
        vct: Vct::without_kind(announcement.statement_type()).unwrap(),
        rec: None,
        rev: None,
        cat: Some(cat),
    };
    let draft = Draft { envelope, digests: Vec::new(), claims: announcement.to_claims() };
    draft.sign(Algorithm::default(), &hub_signer()).unwrap()
}

/// The shipped version with one more file.
pub(crate) fn another() -> FileSet {
    let mut files = Catalogue::embedded().unwrap().file_set().clone();
    files.add("notes.txt".to_owned(), b"another version".to_vec()).unwrap();
    files
}

/// The shipped version with every field declared public, within the ceilings that are compiled in.
pub(crate) fn hostile() -> FileSet {
    edited(|property| {
        property.remove("x-free-text");
        property.insert("x-class".to_owned(), "C0".into());
    })
}

/// The shipped version with every field changed.
pub(crate) fn edited(edit: impl Fn(&mut serde_json::Map<String, Value>)) -> FileSet {
    let mut files = Catalogue::embedded().unwrap().files().clone();
    for (_, bytes) in files.iter_mut().filter(|(path, _)| path.starts_with("kinds/")) {
        let mut kind: Value = serde_json::from_slice(bytes).unwrap();
        for property in kind["properties"].as_object_mut().unwrap().values_mut() {
            edit(property.as_object_mut().unwrap());
        }
        *bytes = serde_json::to_vec(&kind).unwrap();
    }
    FileSet::try_from(files).unwrap()
}
