//! A node whose statement key was lost joins again with fresh keys: its records stay, its chain goes on, and everybody can see it.

use std::fs;
use std::path::Path;

use safeharbor_integration_tests::programs::{run, run_any};
use serde_json::Value;

use crate::harness::{CODES, Federation, Node, PASSWORD, text, workspace};

/// In the order in which they take their places.
const MOVED: [&str; 8] = [
    "keys/statement.key",
    "keys/witness.key",
    "keys/presentation.key",
    "keys/tls.key",
    "keys/tls.csr",
    "trust/hub-address",
    "institution.json",
    "trust/membership.json",
];

fn decided_token(federation: &Federation) -> String {
    let administrator = federation.administrator();
    administrator.have_decided(&["invite", CODES[1], "--re-enrol"]).unwrap();
    administrator.command(&["invite", CODES[1], "--re-enrol"]).unwrap()
}

fn join(federation: &Federation, node: &Node, words: &[&str], input: &str) -> (Option<i32>, String, String) {
    let address = format!("localhost:{}", federation.addresses.grpc.port());
    node.try_run(&[&["join", "--address", &address], words].concat(), input)
}

fn statement_keys(node: &Node) -> Vec<Value> {
    let listed: Value = serde_json::from_str(&node.run(&["key", "list", "--format", "json"], "")).unwrap();
    let keys = listed["keys"].as_array().unwrap().clone();
    keys.into_iter().filter(|key| key["use"] == "statements").collect()
}

fn rename(from: &Path, to: &Path) {
    fs::create_dir_all(to.parent().unwrap()).unwrap();
    fs::rename(from, to).unwrap();
}

/// Puts a folder back to where joining again had moved the first `done` files.
fn undo(node: &Node, done: usize) {
    let former = fs::read_dir(node.data.join("former")).unwrap().next().unwrap().unwrap().path();
    for file in &MOVED[done..] {
        let place = node.data.join(file);
        if place.exists() {
            rename(&place, &node.data.join("re-enrolment").join(file));
        }
        if former.join(file).exists() {
            rename(&former.join(file), &place);
        }
    }
}

#[test]
fn a_node_that_lost_its_statement_key_joins_again_in_its_folder() {
    let federation = Federation::start();
    let node = federation.add_node(CODES[1], "yike");
    node.import_sample("yike", "achievements");
    node.sync();
    let (records, logged) = (node.records(), federation.logged_by(CODES[1]));
    fs::remove_file(node.data.join("keys/statement.key")).unwrap();
    let token = decided_token(&federation);
    let (code, _, complaint) = join(&federation, &node, &[], &token);
    assert!(code == Some(1) && complaint.contains("--re-enrol"), "{code:?} {complaint}");
    let papers = fs::read(node.data.join("trust/membership.json")).unwrap();

    let (code, said, complaint) = join(&federation, &node, &["--re-enrol"], &token);
    assert_eq!(code, Some(0), "{complaint}");
    assert!(said.starts_with("joined"), "{said}");
    let former: Vec<_> = fs::read_dir(node.data.join("former")).unwrap().collect();
    assert_eq!(former.len(), 1);
    let former = former.into_iter().next().unwrap().unwrap().path();
    assert_eq!(fs::read(former.join("trust/membership.json")).unwrap(), papers);
    assert!(!node.data.join("re-enrolment").exists());

    // Killed after each file that was moved: the same keys, the same words, the same folder.
    let words = said.lines().last().unwrap().to_owned();
    for done in 0..=MOVED.len() {
        undo(&node, done);
        let (code, again, complaint) = join(&federation, &node, &[], "");
        assert_eq!(code, Some(0), "after {done} files: {complaint}");
        assert_eq!(again.lines().last(), Some(words.as_str()), "after {done} files");
        assert!(!node.data.join("re-enrolment").exists(), "after {done} files");
    }

    assert_eq!(node.records(), records);
    node.import_sample("yike", "deals");
    node.sync();
    assert!(federation.logged_by(CODES[1]) > logged);
    let keys = statement_keys(&node);
    assert_eq!(keys.iter().map(|key| key["re_enrolled"].clone()).collect::<Vec<_>>(), [false, true]);
    assert_eq!(node.status()["sync"]["alarms"].as_array().map(Vec::len), Some(0), "{}", node.status());
    let audit = fs::read_to_string(node.data.join("audit.log")).unwrap();
    assert!(audit.contains("join again with fresh keys"));
    verifiers_say_so(&federation, &node, (&keys[1]["from"], &keys[1]["key"]));
}

/// The statement with the highest number is under the key that re-enrolled, the first one is not.
fn verifiers_say_so(federation: &Federation, node: &Node, (from, key): (&Value, &Value)) {
    let folder = node.data.with_extension("receipts");
    node.run(&["export", "receipts", "-o", &text(&folder)], "");
    let registry = federation.hub_data().join("registry");
    let (log, policy) = (text(&registry), text(&registry.join("policy")));
    let stated = node.status()["stated"].as_u64().unwrap();
    for (seq, is_re_enrolled) in [(1, false), (stated, true)] {
        let path = |extension: &str| text(&folder.join(format!("{}-{seq}.{extension}", CODES[1])));
        let (statement, proof, entry) = (path("statement"), path("tlog-proof"), path("entry"));
        let receipt = ["receipt", &proof, "--entry", &entry, "--policy", &policy, "--statement", &statement];
        let disclosure = ["disclosure", &statement, "--log", &log, "--policy", &policy];
        for words in [&[&receipt[..], &["--log", &log]].concat(), &disclosure[..]] {
            let output = run("safeharbor-verify", &[words, &["--format", "json"]].concat(), "").unwrap();
            let report: Value = serde_json::from_slice(&output.stdout).unwrap();
            let found = report["admission"]["re_enrolments"].as_array().unwrap();
            assert_eq!(found.len(), usize::from(is_re_enrolled), "{report}");
            if is_re_enrolled {
                assert_eq!((&found[0]["index"], &found[0]["persons"]), (from, &Value::from(2)), "{report}");
                assert_eq!((&found[0]["key"], &found[0]["signed"]), (key, &Value::from(true)), "{report}");
            }
            let shown = run_any("safeharbor-verify", &[words, &["--lang", "en"]].concat(), "").unwrap();
            let shown = String::from_utf8(shown.stdout).unwrap();
            assert_eq!(shown.contains("re-enrolled"), is_re_enrolled, "{shown}");
        }
        let shown = run_any("safeharbor-verify", &[&receipt[..], &["--lang", "en"]].concat(), "").unwrap();
        let shown = String::from_utf8(shown.stdout).unwrap();
        assert!(shown.contains("cannot be told from these files"), "{shown}");
    }
}

#[test]
fn a_node_that_lost_everything_joins_again_in_an_empty_folder_and_adopts_its_chain() {
    let federation = Federation::start();
    let node = federation.add_node(CODES[1], "yike");
    node.import_sample("yike", "achievements");
    node.sync();
    let logged = federation.logged_by(CODES[1]);
    let lost = Node { data: node.data.with_extension("empty") };
    let (code, _, complaint) = join(&federation, &lost, &["--re-enrol"], &decided_token(&federation));
    assert_eq!(code, Some(0), "{complaint}");
    assert!(!lost.data.join("former").exists() && !lost.data.join("re-enrolment").exists());
    lost.sync();
    let status = lost.status();
    assert_eq!(status["stated"].as_u64(), Some(logged), "{status}");
    assert_eq!(status["sync"]["alarms"].as_array().map(Vec::len), Some(0), "{status}");
    lost.run(&["person", "add", "--name", "admin", "--role", "administrator"], PASSWORD);
    let policy = text(&workspace().join("catalogue/policies/demo.toml"));
    lost.run(&["policy", "accept", &policy, "--person", "admin"], PASSWORD);
    lost.import_sample("yike", "achievements");
    lost.import_sample("yike", "deals");
    lost.sync();
    assert!(federation.logged_by(CODES[1]) > logged);
}
