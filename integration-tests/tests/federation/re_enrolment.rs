//! A node whose statement key was lost joins again with fresh keys: its records stay, its chain goes on, and everybody can see it.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use safeharbor_integration_tests::programs::{run, run_any};
use serde_json::Value;

use crate::harness::{CODES, Federation, Node, PASSWORD, text, workspace};
use crate::joining::copy;

/// In the order in which they take their places; `check_moved` holds it against what the program did.
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

/// The English words of the statement key, in what `join` says.
fn words_of(said: &str) -> Option<&str> {
    said.lines().nth(2)
}

fn rename(from: &Path, to: &Path) {
    fs::create_dir_all(to.parent().unwrap()).unwrap();
    fs::rename(from, to).unwrap();
}

/// That the program moved these files and no others, the first of them first: moving is the last thing that happened to each.
fn check_moved(node: &Node, former: &Path, lost: &str) {
    let mut aside = Vec::new();
    for folder in fs::read_dir(former).unwrap().map(|entry| entry.unwrap().path()) {
        let files = if folder.is_dir() { fs::read_dir(&folder).unwrap().collect() } else { Vec::new() };
        let files = files.into_iter().map(|entry| entry.unwrap().path());
        aside.extend(files.chain(folder.is_file().then(|| folder.clone())));
    }
    let mut aside: Vec<_> = aside.iter().map(|file| text(file.strip_prefix(former).unwrap())).collect();
    aside.push(lost.to_owned());
    aside.sort_unstable();
    let mut moved = MOVED;
    moved.sort_unstable();
    assert_eq!(aside, moved);
    let at = |file: &&str| {
        let moved = fs::metadata(node.data.join(file)).unwrap();
        (moved.ctime(), moved.ctime_nsec())
    };
    assert!(MOVED.iter().map(at).is_sorted(), "{:?}", MOVED.iter().map(at).collect::<Vec<_>>());
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
    check_moved(&node, &former, "keys/statement.key");

    // Killed after each file that was moved: the same keys, the same words, the same folder.
    let words = said.lines().last().unwrap().to_owned();
    for done in 0..=MOVED.len() {
        undo(&node, done);
        let (code, again, complaint) = join(&federation, &node, &[], "");
        assert_eq!(code, Some(0), "after {done} files: {complaint}");
        assert_eq!(again.lines().last(), Some(words.as_str()), "after {done} files");
        assert!(!node.data.join("re-enrolment").exists(), "after {done} files");
    }
    // Killed before the emptied folder was removed, or when all was done: the same command once more is no stranger to the hub.
    fs::create_dir_all(node.data.join("re-enrolment/keys")).unwrap();
    let again: [(&[&str], &str); 2] = [(&[], ""), (&["--re-enrol"], &token)];
    for (words, token) in again {
        let (code, again, complaint) = join(&federation, &node, words, token);
        assert_eq!(code, Some(0), "{words:?}: {complaint}");
        assert!(again.starts_with("a member already") && again.lines().nth(2) == words_of(&said), "{again}");
    }
    let hub = text(&federation.hub_data());
    let listed =
        run("safeharbor-hub", &["--data", &hub, "invitation", "list", "--format", "json"], "").unwrap();
    let listed: Value = serde_json::from_slice(&listed.stdout).unwrap();
    let alarms = listed.as_array().unwrap().iter().map(|row| &row["invitation"]["alarm"]);
    assert!(alarms.clone().count() > 0 && alarms.clone().all(Value::is_null), "{listed}");

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

#[test]
fn keys_that_the_hub_may_know_outlive_who_stands_in_its_place_and_keys_it_ended_do_not() {
    let (mut federation, other) = (Federation::start(), Federation::start());
    let node = federation.add_node(CODES[1], "yike");
    let token = decided_token(&federation);
    let staged = node.data.join("re-enrolment/keys/statement.key");
    federation.end_hub();
    let (code, _, complaint) = join(&federation, &node, &["--re-enrol"], &token);
    assert_eq!(code, Some(3), "{complaint}");
    let made = fs::read(&staged).unwrap();
    let (code, _, complaint) = join(&other, &node, &[], "");
    assert!(
        code == Some(1) && complaint.contains("is not the hub of this invitation"),
        "{code:?} {complaint}"
    );
    assert_eq!(fs::read(&staged).unwrap(), made);

    // The hub took them, its answer was lost, and it ended them: they are of no use, and the next invitation is taken up with others.
    federation.restart_hub();
    let taken = Node { data: node.data.with_extension("taken") };
    copy(&node.data, &taken.data);
    let (code, _, complaint) = join(&federation, &taken, &[], &token);
    assert_eq!(code, Some(0), "{complaint}");
    federation.administrator().command(&["key", "end", CODES[1]]).unwrap();
    let next = decided_token(&federation);
    let (code, _, complaint) = join(&federation, &node, &["--re-enrol"], &next);
    assert!(code == Some(1) && complaint.contains("key-in-use"), "{code:?} {complaint}");
    assert!(!staged.exists());
    let (code, _, complaint) = join(&federation, &node, &["--re-enrol"], &next);
    assert_eq!(code, Some(0), "{complaint}");
    node.sync();
}
