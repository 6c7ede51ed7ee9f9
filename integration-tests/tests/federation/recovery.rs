//! A node that lost its records links them again by what it had revealed, and a person withdraws the rest.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;

use crate::harness::{CODES, Federation, Node, PASSWORD, text, workspace};

/// Imports rights `1..=last`, under whatever policy is in force.
fn import(federation: &Federation, node: &Node, last: u32) {
    let mut csv = String::from("Case Number,Title,Status,Center,Application SN,Patent Expiration Date\n");
    for number in 1..=last {
        writeln!(csv, "LOST-{number},Generated record {number},Issued,Test Center,,").unwrap();
    }
    let file = federation.folder.path().join("rights.csv");
    std::fs::write(&file, csv).unwrap();
    let mapping = text(&workspace().join("catalogue/mappings/nasa-patents.toml"));
    node.run(&["import", &text(&file), "--mapping", &mapping], "");
}

/// Rights are revealed, profiles only committed.
fn accept_policy(federation: &Federation, node: &Node) {
    let file = federation.folder.path().join("policy.toml");
    std::fs::write(&file, "version = 2\n[kinds]\nIPR = \"reveal\"\nPRF = \"commit\"\n").unwrap();
    node.run(&["policy", "accept", &text(&file), "--person", "admin"], PASSWORD);
}

/// Handles by natural key, of a kind.
fn handles(node: &Node, kind: &str) -> BTreeMap<String, String> {
    let of_kind = node.records().into_iter().filter(|record| record["kind"] == kind);
    let text = |record: &Value, name: &str| record[name].as_str().unwrap().to_owned();
    let named = |record: Value| (text(&record, "key"), text(&record, "rec"));
    of_kind.map(named).collect()
}

/// What the hub counts, and how many records it says are not linked.
fn counted(federation: &Federation) -> (u64, u64) {
    let board = federation.board();
    let unlinked = board["institutions"][0]["unlinked"].as_u64().unwrap();
    (board["aggregates"]["records"].as_u64().unwrap(), unlinked)
}

/// A backup of the keys alone: made before there is any record.
fn back_up(node: &Node) -> (String, String) {
    let key = text(&node.data.with_extension("backup-key"));
    node.run(&["backup", "key", "--save", &key, "--person", "admin"], PASSWORD);
    let made: Value = serde_json::from_str(&node.run(&["backup", "now", "--format", "json"], "")).unwrap();
    let kept = text(&node.data.with_extension("tar.gz.age"));
    std::fs::copy(made["path"].as_str().unwrap(), &kept).unwrap();
    (kept, key)
}

#[test]
fn a_node_that_lost_its_records_links_them_again_and_counts_nothing_twice() {
    let federation = Federation::start();
    let node = federation.add_node(CODES[1], "yike");
    let (backup, key) = back_up(&node);
    accept_policy(&federation, &node);
    import(&federation, &node, 4);
    node.import_sample("yike", "profile");
    node.sync();
    node.run(&["withdraw", "LOST-4", "--reason", "by mistake", "--person", "admin"], PASSWORD);
    node.sync();
    let (linked, profiles) = (handles(&node, "IPR"), handles(&node, "PRF").len() as u64);
    assert!(profiles > 0);
    assert_eq!(counted(&federation), (3 + profiles, 0));

    std::fs::remove_dir_all(&node.data).unwrap();
    node.run(&["restore", &backup, "--identity", &key], "");
    node.sync();
    assert_eq!(
        counted(&federation),
        (3 + profiles, 3 + profiles),
        "in recovery, within the stream that adopted"
    );
    assert_eq!(node.status()["unlinked"], 3 + profiles);
    let said = node.run(&["recovery"], "");
    assert!(said.contains("in recovery") && said.contains("LOST-3") && !said.contains("LOST-4"), "{said}");

    accept_policy(&federation, &node);
    // What was taken back is not imported again.
    import(&federation, &node, 3);
    node.import_sample("yike", "profile");
    let mut wanted = linked;
    wanted.remove("LOST-4");
    assert_eq!(handles(&node, "IPR"), wanted, "each has its handle again");
    assert_eq!(node.status()["unlinked"], profiles, "what was only committed cannot be told");
    let words = ["recovery", "withdraw", "--all", "--reason", "lost", "--person", "admin"];
    node.run(&words, PASSWORD);
    node.run(&words, PASSWORD);
    node.sync();
    assert_eq!(counted(&federation), (3 + profiles, 0), "the same records, none twice, no more in recovery");
    let status = node.status();
    assert_eq!(status["sync"]["alarms"].as_array().map(Vec::len), Some(0), "{status}");
    assert_eq!(status["sync"]["content_refused"].as_array().map(Vec::len), Some(0), "{status}");
}
