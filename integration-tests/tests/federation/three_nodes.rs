//! Records in, signed disclosures out, registry and aggregates at the hub: three universities over real TLS.

use std::collections::BTreeMap;

use safeharbor_integration_tests::programs::run;

use crate::harness::{CODES, Federation, text};

const SAMPLES: [&str; 3] = ["ligong", "yike", "nonglin"];

#[test]
fn three_universities_come_in_step_and_everything_verifies() {
    let mut federation = Federation::start();
    let mut held = BTreeMap::new();
    for (code, sample) in CODES.iter().zip(SAMPLES) {
        let node = federation.add_node(code, sample);
        node.import_sample(sample, "achievements");
        node.import_sample(sample, "deals");
        node.sync();
        let records = node.records();
        let status = node.status();
        assert!(records.len() >= 50, "{sample} has {}", records.len());
        assert!(status.to_string().contains("in-step"), "{status}");
        for record in &records {
            *held.entry(record["kind"].as_str().unwrap().to_owned()).or_insert(0_u64) += 1;
        }
        assert_eq!(federation.logged_by(code), records.len() as u64);
        verify_receipts(&federation, &node);
    }
    let board = federation.board();
    let counted: BTreeMap<String, u64> = board["aggregates"]["by_kind"]
        .as_array()
        .unwrap()
        .iter()
        .map(|count| (count["value"].as_str().unwrap().to_owned(), count["records"].as_u64().unwrap()))
        .collect();
    assert_eq!(counted, held, "the hub counts what the nodes hold");
    federation.end_hub();
}

fn verify_receipts(federation: &Federation, node: &crate::harness::Node) {
    let folder = node.data.with_extension("receipts");
    node.run(&["export", "receipts", "-o", &text(&folder)], "");
    let policy = text(&federation.hub_data().join("registry/policy"));
    let registry = text(&federation.hub_data().join("registry"));
    let mut receipts: Vec<_> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|file| file.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "tlog-proof"))
        .collect();
    receipts.sort();
    assert_eq!(receipts.len(), node.records().len());
    for receipt in receipts.iter().step_by(10) {
        let (entry, statement) = (receipt.with_extension("entry"), receipt.with_extension("statement"));
        let (proof, entry, statement) = (text(receipt), text(&entry), text(&statement));
        let arguments =
            ["receipt", &proof, "--entry", &entry, "--policy", &policy, "--statement", &statement];
        run("safeharbor-verify", &arguments, "").unwrap();
        run("safeharbor-verify", &["disclosure", &statement, "--log", &registry, "--policy", &policy], "")
            .unwrap();
    }
}

#[test]
fn importing_the_same_file_twice_changes_nothing() {
    let federation = Federation::start();
    let node = federation.add_node(CODES[0], "ligong");
    node.import_sample("ligong", "achievements");
    node.sync();
    let before = (node.records(), federation.logged_by(CODES[0]));
    node.import_sample("ligong", "achievements");
    node.sync();
    assert_eq!((node.records(), federation.logged_by(CODES[0])), before);
}
