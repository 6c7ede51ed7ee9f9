//! A node and a hub that lost their disks come back from a backup, with the real programs.

use std::path::{Path, PathBuf};

use safeharbor_integration_tests::programs::{run, run_any, wait_for};
use serde_json::Value;

use crate::harness::{CODES, Federation, Node, PASSWORD, text};

/// The file that `backup now` wrote.
fn made(answer: &str) -> String {
    let made: Value = serde_json::from_str(answer).unwrap();
    made["path"].as_str().unwrap().to_owned()
}

/// Saves a backup and its key where the data folder is not, and loses the data folder.
fn lose(data: &Path, backup: &str, key: &Path) -> PathBuf {
    let kept = data.with_extension("tar.gz.age");
    std::fs::copy(backup, &kept).unwrap();
    assert!(key.exists());
    std::fs::rename(data, data.with_extension("lost")).unwrap();
    kept
}

fn restore_node(node: &Node, kept: &Path, key: &Path) {
    node.run(&["restore", &text(kept), "--identity", &text(key)], "");
}

#[test]
fn a_node_restored_from_an_older_backup_is_in_step_again_by_itself() {
    let federation = Federation::start();
    let node = federation.add_node(CODES[1], "yike");
    node.import_sample("yike", "achievements");
    node.sync();
    let records = node.records();
    let key = node.data.with_extension("backup-key");
    node.run(&["backup", "key", "--save", &text(&key), "--person", "admin"], PASSWORD);
    let backup = made(&node.run(&["backup", "now", "--format", "json"], ""));
    node.run(&["backup", "verify", &backup, "--identity", &text(&key)], "");
    // What the hub hears after the backup was made.
    node.import_sample("yike", "deals");
    node.sync();
    let logged = federation.logged_by(CODES[1]);

    let kept = lose(&node.data, &backup, &key);
    restore_node(&node, &kept, &key);
    assert!(node.status()["restored"]["made_at"].is_string(), "{}", node.status());
    assert_eq!(node.records(), records, "the records are those of the backup");
    assert!(node.data.join("keys/witness.key").exists());
    node.sync();
    let status = node.status();
    assert_eq!(status["sync"]["standing"], "in-step", "{status}");
    assert_eq!(status["sync"]["alarms"].as_array().map(Vec::len), Some(0), "{status}");
    assert_eq!((status["stated"].as_u64(), federation.logged_by(CODES[1])), (Some(logged), logged));
    // The registry learns the witness key that the restored node made: the one before ends with it.
    let running = node.start();
    let witnesses = || {
        let listed: Value =
            serde_json::from_str(&node.run(&["key", "list", "--format", "json"], "")).unwrap();
        let keys = listed["keys"].as_array().unwrap().clone();
        keys.into_iter().filter(|key| key["use"] == "checkpoints").collect::<Vec<_>>()
    };
    wait_for("the node to take commands", || Ok(node.data.join("control.sock").exists())).unwrap();
    wait_for("the new witness key in the registry", || Ok(witnesses().len() == 2)).unwrap();
    assert_eq!(witnesses()[0]["until"], witnesses()[1]["from"]);
    running.end().unwrap();
    // A folder in use, and a damaged backup, change nothing.
    let again = node.try_run(&["restore", &text(&kept), "--identity", &text(&key)], "");
    assert_eq!(again.0, Some(1), "{}", again.2);
    let mut bytes = std::fs::read(&kept).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&kept, bytes).unwrap();
    let elsewhere = Node { data: node.data.with_extension("elsewhere") };
    let refused = elsewhere.try_run(&["restore", &text(&kept), "--identity", &text(&key)], "");
    assert!(refused.0 == Some(1) && !elsewhere.data.exists(), "{}", refused.2);
}

#[test]
fn a_hub_restored_with_its_last_checkpoint_serves_its_nodes_again() {
    let mut federation = Federation::start();
    let node = federation.add_node(CODES[1], "yike");
    node.import_sample("yike", "achievements");
    node.sync();
    federation.verified_log();
    let data = federation.hub_data();
    let hub = |words: &[&str]| {
        let path = text(&data);
        run_any("safeharbor-hub", &[words, &["--data", &path, "--lang", "en"]].concat(), "").unwrap()
    };
    let answer = hub(&["backup", "now", "--format", "json"]);
    let backup = made(&String::from_utf8(answer.stdout).unwrap());
    let checkpoint = data.with_extension("checkpoint");
    std::fs::copy(data.join("registry/checkpoint"), &checkpoint).unwrap();
    let key = data.with_extension("backup-key");
    std::fs::copy(data.join("keys/backup-identity"), &key).unwrap();
    let logged = federation.logged_by(CODES[1]);
    federation.end_hub();
    let kept = text(&lose(&data, &backup, &key));

    let (key, checkpoint) = (text(&key), text(&checkpoint));
    let without = hub(&["restore", &kept, "--identity", &key]);
    let said = String::from_utf8(without.stderr).unwrap();
    assert!(without.status.code() == Some(2) && said.contains("sign a fork"), "{said}");
    let restored = hub(&["restore", &kept, "--identity", &key, "--checkpoint", &checkpoint]);
    assert!(restored.status.success(), "{}", String::from_utf8_lossy(&restored.stderr));
    federation.restart_hub();
    assert_eq!(federation.logged_by(CODES[1]), logged);
    node.import_sample("yike", "deals");
    node.sync();
    assert!(federation.logged_by(CODES[1]) > logged);
    assert_eq!(node.status()["sync"]["alarms"].as_array().map(Vec::len), Some(0));
}

/// What a node saw is what the hub must catch up with.
#[test]
fn a_hub_restored_from_before_what_a_node_saw_stays_closed() {
    let mut federation = Federation::start();
    let node = federation.add_node(CODES[1], "yike");
    let data = federation.hub_data();
    let path = text(&data);
    let answer = run("safeharbor-hub", &["backup", "now", "--format", "json", "--data", &path], "").unwrap();
    let backup = made(&String::from_utf8(answer.stdout).unwrap());
    node.import_sample("yike", "achievements");
    node.sync();
    let seen = data.with_extension("seen");
    std::fs::write(&seen, node.run(&["checkpoint"], "")).unwrap();
    let key = data.with_extension("backup-key");
    std::fs::copy(data.join("keys/backup-identity"), &key).unwrap();
    federation.end_hub();
    let kept = text(&lose(&data, &backup, &key));
    let (key, seen) = (text(&key), text(&seen));
    let words =
        ["restore", &kept, "--identity", &key, "--checkpoint", &seen, "--data", &path, "--lang", "en"];
    let restored = run_any("safeharbor-hub", &words, "").unwrap();
    let said = String::from_utf8(restored.stderr).unwrap();
    assert!(restored.status.code() == Some(1) && said.contains("are missing"), "{said}");
    let listed = run_any("safeharbor-hub", &["institution", "list", "--data", &path], "").unwrap();
    let said = String::from_utf8(listed.stderr).unwrap();
    assert!(listed.status.code() == Some(3) && said.contains("entries were signed"), "{said}");
}
