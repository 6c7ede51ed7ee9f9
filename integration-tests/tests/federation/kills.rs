//! kill -9 of the hub and of a node during sync: afterwards every statement stands exactly once in the log.

use std::fmt::Write as _;

use safeharbor_integration_tests::programs::wait_for;

use crate::harness::{CODES, Federation, Node, text};

/// Enough that the last kill comes before everything is on its way.
const RECORDS: u64 = 9_000;

/// Imports generated achievements by the sample's own mapping.
fn import_many(federation: &Federation, node: &Node) {
    let mut csv = String::from("Case Number,Title,Status,Center,Application SN,Patent Expiration Date\n");
    for number in 0..RECORDS {
        writeln!(csv, "KILL-{number:05},Generated record {number},Issued,Test Center,,").unwrap();
    }
    let file = federation.folder.path().join("many.csv");
    std::fs::write(&file, csv).unwrap();
    let mapping = crate::harness::workspace().join("catalogue/mappings/nasa-patents.toml");
    node.run(&["import", &text(&file), "--mapping", &text(&mapping)], "");
}

/// Entries in the hub's last checkpoint.
fn logged(federation: &Federation) -> u64 {
    let checkpoint = federation.hub_data().join("registry/checkpoint");
    let text = std::fs::read_to_string(checkpoint).unwrap_or_default();
    text.lines().nth(1).and_then(|size| size.parse().ok()).unwrap_or(0)
}

#[test]
fn killed_hubs_and_nodes_lose_and_repeat_nothing() {
    let mut federation = Federation::start();
    let node = federation.add_node(CODES[0], "killed");
    import_many(&federation, &node);
    let mut service = node.start();
    for share in [1, 2, 4, 6, 7] {
        wait_for("some statements to be logged", || Ok(logged(&federation) > RECORDS * share / 10)).unwrap();
        if share % 4 == 2 {
            service.kill().unwrap();
            service = node.start();
        } else {
            federation.kill_hub();
            federation.restart_hub();
        }
    }
    service.kill().unwrap();
    assert!(logged(&federation) < RECORDS, "the kills came too late to mean anything");
    node.sync();
    assert_eq!(federation.logged_by(CODES[0]), RECORDS);
    assert_eq!(node.records().len() as u64, RECORDS);
    let board = federation.board();
    assert_eq!(board["aggregates"]["records"], RECORDS);
    assert_eq!(board["institutions"][0]["accepted"], RECORDS);
}
