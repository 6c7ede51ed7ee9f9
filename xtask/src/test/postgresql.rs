//! PostgreSQL for the tests that read a real database: installed where that is possible, required where it is there.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::Command;

use crate::{console, process};

/// Where Debian's packages put the programs of each version.
const VERSIONS: &str = "/usr/lib/postgresql";

/// Installs the package where it is missing and this process is root; says so otherwise. Tests without it say that they were
/// skipped.
pub(super) fn install() {
    if is_present() {
        return;
    }
    if !is_root() {
        console::progress("PostgreSQL is missing, and its tests are skipped: apt-get install postgresql");
        return;
    }
    console::progress("PostgreSQL is missing: apt-get install --yes postgresql");
    // A fresh machine has no lists of packages, or old ones; where they cannot be had, those that are there may do.
    let updated = apt_get(&["update", "--quiet"]);
    if !apt_get(&["install", "--yes", "--no-install-recommends", "postgresql"]) {
        let why = if updated { "" } else { " (nor fetch the lists of packages)" };
        console::progress(&format!("apt-get cannot install PostgreSQL{why}, and its tests are skipped"));
    }
}

fn apt_get(words: &[&str]) -> bool {
    let mut apt = Command::new("apt-get");
    apt.args(words).env("DEBIAN_FRONTEND", "noninteractive");
    process::show(&mut apt).is_ok_and(|status| status.success())
}

/// The variable that makes a missing PostgreSQL a failure, where it is there.
pub(super) fn required() -> Vec<(&'static str, String)> {
    if is_present() { vec![("SAFEHARBOR_REQUIRE_POSTGRES", "1".to_owned())] } else { Vec::new() }
}

fn is_present() -> bool {
    let Ok(versions) = fs::read_dir(VERSIONS) else { return false };
    versions.filter_map(Result::ok).any(|version| version.path().join("bin/initdb").exists())
}

fn is_root() -> bool {
    fs::metadata(Path::new("/proc/self")).is_ok_and(|about| about.uid() == 0)
}
