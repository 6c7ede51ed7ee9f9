//! A statement key is replaced while records flow, and by a node that was killed in the middle: each statement is logged once, under one key.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use safeharbor_core::statement::Statement;
use safeharbor_integration_tests::programs::{run, wait_for};
use safeharbor_service::key_file::{self, KeyUse};
use safeharbor_service::random::SystemRandom;
use serde_json::Value;

use crate::harness::{CODES, Federation, Node, PASSWORD, text, workspace};

const ROWS: u64 = 50;

fn import(federation: &Federation, node: &Node, batch: u64) {
    let mut csv = String::from("Case Number,Title,Status,Center,Application SN,Patent Expiration Date\n");
    for number in 0..ROWS {
        writeln!(csv, "KEY-{batch}-{number:03},Generated record,Issued,Test Center,,").unwrap();
    }
    let file = federation.folder.path().join(format!("key-batch-{batch}.csv"));
    fs::write(&file, csv).unwrap();
    let mapping = workspace().join("catalogue/mappings/nasa-patents.toml");
    node.run(&["import", &text(&file), "--mapping", &text(&mapping)], "");
}

fn rotate(node: &Node) -> Value {
    let said = node.run(&["key", "rotate", "--person", "admin", "--format", "json"], PASSWORD);
    serde_json::from_str(&said).unwrap()
}

fn statement_keys(node: &Node) -> Vec<Value> {
    let listed: Value = serde_json::from_str(&node.run(&["key", "list", "--format", "json"], "")).unwrap();
    assert_eq!(listed["rotation_under_way"], false);
    let keys = listed["keys"].as_array().unwrap();
    keys.iter().filter(|key| key["use"] == "statements").cloned().collect()
}

/// Verifies every receipt, and counts the statements under each key.
fn receipts_by_key(federation: &Federation, node: &Node) -> BTreeMap<String, u64> {
    let folder = node.data.with_extension("receipts");
    node.run(&["export", "receipts", "-o", &text(&folder)], "");
    let policy = text(&federation.hub_data().join("registry/policy"));
    let mut counts = BTreeMap::new();
    for entry in fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.extension().unwrap() != "statement" {
            continue;
        }
        let sent = fs::read_to_string(&entry).unwrap();
        let statement = Statement::parse(sent.split('~').next().unwrap()).unwrap();
        let seen = counts.entry(statement.key_id().unwrap().to_owned()).or_default();
        *seen += 1;
        if *seen % 40 == 1 {
            verify(&entry, &policy);
        }
    }
    counts
}

fn verify(statement: &Path, policy: &str) {
    let [proof, entry] = ["tlog-proof", "entry"].map(|extension| text(&statement.with_extension(extension)));
    let words = ["receipt", &proof, "--entry", &entry, "--policy", policy, "--statement", &text(statement)];
    run("safeharbor-verify", &words, "").unwrap();
}

fn key(node: &Node, name: &str) -> PathBuf {
    node.data.join("keys").join(name)
}

#[test]
fn a_statement_key_is_replaced_under_continuous_import_and_nothing_is_stated_twice() {
    let federation = Federation::start();
    let node = federation.add_node(CODES[0], "rotating");
    let running = node.start();
    wait_for("the node to take commands", || Ok(node.data.join("control.sock").exists())).unwrap();
    let before = fs::read(key(&node, "statement.key")).unwrap();
    import(&federation, &node, 0);
    let said = std::thread::scope(|scope| {
        let rotating = scope.spawn(|| rotate(&node));
        let mut batch = 0;
        while batch < 3 || !rotating.is_finished() {
            batch += 1;
            import(&federation, &node, batch);
        }
        (rotating.join().unwrap(), batch)
    });
    let (rotated, last) = said;
    import(&federation, &node, last + 1);
    running.end().unwrap();
    node.sync();

    let keys = statement_keys(&node);
    assert_eq!(keys.len(), 2);
    assert_eq!((&keys[0]["until"], &keys[1]["from"]), (&rotated["index"], &rotated["index"]));
    assert_eq!((&keys[1]["key"], &keys[1]["until"]), (&rotated["key"], &Value::Null));
    assert_eq!(keys[1]["confirmed"], Value::Null, "the words are to be read out again");
    let counts = receipts_by_key(&federation, &node);
    let [old, new] = [0, 1].map(|at: usize| counts[keys[at]["key"].as_str().unwrap()]);
    assert!(old >= 1 && new >= ROWS, "{counts:?}");
    assert_eq!(old + new, (last + 2) * ROWS);
    assert_eq!(federation.logged_by(CODES[0]), (last + 2) * ROWS);
    assert!(!key(&node, "statement-next.key").exists());
    assert_ne!(fs::read(key(&node, "statement.key")).unwrap(), before);
}

#[test]
fn a_rotation_that_was_killed_at_any_step_ends_with_one_key_in_force() {
    let federation = Federation::start();
    let node = federation.add_node(CODES[0], "killed");
    import(&federation, &node, 0);
    node.sync();
    // Killed before the hub was asked: the next key is there, and nobody knows of it.
    key_file::create(&key(&node, "statement-next.key"), KeyUse::Statement, &SystemRandom).unwrap();
    let next = fs::read(key(&node, "statement-next.key")).unwrap();
    import(&federation, &node, 1);
    node.sync();
    assert_eq!(fs::read(key(&node, "statement.key")).unwrap(), next, "the node finished it by itself");
    assert_eq!(federation.logged_by(CODES[0]), 2 * ROWS);

    // Killed once the hub had confirmed: neither membership nor key file tells of it.
    let (before, papers) = (key(&node, "statement.before"), node.data.join("trust/membership.json"));
    fs::copy(key(&node, "statement.key"), &before).unwrap();
    let member = fs::read(&papers).unwrap();
    let rotated = rotate(&node);
    let confirmed = fs::read(key(&node, "statement.key")).unwrap();
    fs::rename(key(&node, "statement.key"), key(&node, "statement-next.key")).unwrap();
    fs::rename(&before, key(&node, "statement.key")).unwrap();
    fs::write(&papers, &member).unwrap();
    import(&federation, &node, 2);
    let again = rotate(&node);
    assert_eq!((&again["key"], &again["index"]), (&rotated["key"], &rotated["index"]), "the same answer");
    assert_eq!(fs::read(key(&node, "statement.key")).unwrap(), confirmed);
    node.sync();
    assert_eq!(federation.logged_by(CODES[0]), 3 * ROWS);
    assert_eq!(statement_keys(&node).len(), 3);
    assert_eq!(receipts_by_key(&federation, &node).len(), 3);
}

#[test]
fn a_hub_that_does_not_answer_or_says_no_changes_nothing() {
    let mut federation = Federation::start();
    let node = federation.add_node(CODES[0], "refused");
    let before = fs::read(key(&node, "statement.key")).unwrap();
    let stays = |words: &str| {
        let (code, _, complaint) = node.try_run(&["key", "rotate", "--person", "admin"], PASSWORD);
        assert!(code != Some(0) && complaint.contains(words), "{code:?} {complaint}");
        assert!(!key(&node, "statement-next.key").exists());
        assert_eq!(fs::read(key(&node, "statement.key")).unwrap(), before);
    };
    federation.end_hub();
    stays("Nothing was replaced");
    federation.restart_hub();
    federation.administrator().command(&["key", "end", CODES[0]]).unwrap();
    stays("join --re-enrol");
}
