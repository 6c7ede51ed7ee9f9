//! Everything at the hub but journal, keys, persons and audit log is made again from the journal.

use std::collections::BTreeMap;
use std::path::Path;

use safeharbor_integration_tests::programs::run;

use crate::harness::{CODES, Federation, text};

fn files(folder: &Path, all: &mut BTreeMap<String, Vec<u8>>) {
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        if path.is_dir() {
            files(&path, all);
        } else {
            all.insert(text(&path), std::fs::read(&path).unwrap());
        }
    }
}

#[test]
fn a_rebuilt_hub_is_the_same_hub() {
    let mut federation = Federation::start();
    let node = federation.add_node(CODES[1], "yike");
    node.import_sample("yike", "achievements");
    node.import_sample("yike", "deals");
    node.sync();
    let aggregates = federation.board()["aggregates"].clone();
    federation.end_hub();
    let checkpoint = federation.hub_data().join("registry/checkpoint");
    let before = std::fs::read_to_string(&checkpoint).unwrap();
    std::fs::remove_dir_all(federation.hub_data().join("index")).unwrap();
    run("safeharbor-hub", &["rebuild", "--data", &text(&federation.hub_data())], "").unwrap();
    assert_eq!(std::fs::read_to_string(&checkpoint).unwrap(), before);
    let mut tiles = BTreeMap::new();
    files(&federation.hub_data().join("registry/tile"), &mut tiles);
    assert!(!tiles.is_empty());
    federation.restart_hub();
    assert_eq!(federation.board()["aggregates"], aggregates);
    federation.verified_log();
    node.import_sample("yike", "enterprises");
    node.sync();
    federation.verified_log();
}
