//! What core depends on: nothing that reads a clock, draws random bytes, stores or talks to anybody.

use std::collections::BTreeSet;
use std::process::Command;

/// The names of everything a crate of this workspace is built with.
fn dependencies(package: &str) -> BTreeSet<String> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "-p", package, "-e", "normal", "--prefix", "none", "--offline", "--locked"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let names: BTreeSet<String> =
        text.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect();
    assert!(names.contains(package), "{text}");
    names
}

#[test]
fn core_is_a_pure_function_of_bytes() {
    let found = dependencies("safeharbor-core");
    let impure = [
        "tokio",
        "tonic",
        "sled",
        "getrandom",
        "rand",
        "time",
        "jiff",
        "prost",
        "cel",
        "hyper",
        "rustls",
        "mio",
        "socket2",
        "chrono",
    ];
    for name in impure {
        assert!(!found.contains(name), "core depends on {name}");
    }
    let ours: Vec<_> = found.iter().filter(|name| name.starts_with("safeharbor-")).collect();
    assert_eq!(ours, ["safeharbor-core"]);
}

#[test]
fn the_verifier_depends_on_core_alone_of_our_crates() {
    let found = dependencies("safeharbor-verifier");
    let ours: Vec<_> = found.iter().filter(|name| name.starts_with("safeharbor-")).collect();
    assert_eq!(ours, ["safeharbor-core", "safeharbor-verifier"]);
    // It fetches published logs over HTTPS by rustls; it holds no asynchronous runtime, no store and no protocol of ours.
    for name in ["tokio", "tonic", "sled", "prost"] {
        assert!(!found.contains(name), "the verifier depends on {name}");
    }
}
