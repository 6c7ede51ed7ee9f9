//! Finds the test vectors that stand beside the checkout.

use std::fs;
use std::path::{Path, PathBuf};

/// The folder `sub` of the vectors; none, with a word about it, where there is none.
///
/// # Panics
/// Where the environment variable `SAFEHARBOR_REQUIRE_VECTORS` is set and the folder is absent.
pub(crate) fn vectors(sub: &str) -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/vectors");
    let folder = variable("SAFEHARBOR_VECTORS").map_or_else(beside, PathBuf::from).join(sub);
    if folder.is_dir() {
        return Some(folder);
    }
    println!("skipped: no vectors at {}", folder.display());
    assert!(variable("SAFEHARBOR_REQUIRE_VECTORS").is_none(), "no vectors at {}", folder.display());
    None
}

#[expect(
    clippy::disallowed_methods,
    reason = "a test binary has no settings; the layout of vectors names these"
)]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Every file in `folder` whose name ends in `.json`, with its text, in order of names.
///
/// # Panics
/// Where a file cannot be read or there is none.
pub(crate) fn json_files(folder: &Path) -> Vec<(String, String)> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<PathBuf> =
        paths.filter(|path| path.extension().is_some_and(|e| e == "json")).collect();
    paths.sort();
    assert!(!paths.is_empty(), "no .json in {}", folder.display());
    let read = |path: &PathBuf| (path.display().to_string(), fs::read_to_string(path).unwrap());
    paths.iter().map(read).collect()
}
