//! A catalogue version goes from two persons at the hub to a node whose person accepts it, and the hub judges by it.

use std::path::Path;

use safeharbor_integration_tests::programs::{run, run_any, wait_for};

use crate::harness::{CODES, Federation, PASSWORD, text};

fn hub(federation: &Federation, words: &[&str], input: &str) -> String {
    let data = text(&federation.hub_data());
    let mut arguments = words.to_vec();
    arguments.extend(["--data", &data, "--lang", "en"]);
    String::from_utf8(run("safeharbor-hub", &arguments, input).unwrap().stdout).unwrap()
}

/// Gives achievements one more stage, S9.
fn add_stage(folder: &Path) {
    let path = folder.join("codes/ach_stage.json");
    let text = std::fs::read_to_string(&path).unwrap();
    let more = text.replacen(
        "\"codes\": [",
        "\"codes\": [{\"code\": \"S9\", \"zh\": \"量产阶段\", \"en\": \"Mass production\"},",
        1,
    );
    assert_ne!(text, more);
    std::fs::write(path, more).unwrap();
}

#[test]
fn a_version_that_two_persons_published_is_used_once_a_person_of_the_institution_accepts_it() {
    let mut federation = Federation::start();
    let node = federation.add_node(CODES[0], "ligong");
    node.import_sample("ligong", "achievements");
    node.sync();
    let record = node
        .records()
        .into_iter()
        .find(|record| record["kind"] == "ACH" && record["record"]["public_since"].is_string());
    let record = record.unwrap_or_else(|| panic!("{}", node.records()[0]));
    let key = record["record"]["achievement_no"].as_str().unwrap().to_owned();
    let first = node.status()["catalogue"]["in_use"].as_str().unwrap().to_owned();

    let administrator = federation.administrator();
    administrator.add_colleague().unwrap();
    let password = format!("{}\n", administrator.password());
    let folder = text(&federation.folder.path().join("v2"));
    hub(&federation, &["catalogue", "export", &first, "-o", &folder], "");
    add_stage(Path::new(&folder));
    let diff = hub(&federation, &["catalogue", "diff", &folder], "");
    assert!(diff.contains("new codes S9 Mass production"), "{diff}");
    hub(&federation, &["catalogue", "propose", &folder, "--person", "second"], &password);
    let data = text(&federation.hub_data());
    let alone = ["proposal", "approve", "1", "--person", "second", "--data", &data];
    assert!(!run_any("safeharbor-hub", &alone, &password).unwrap().status.success(), "one person is not two");
    hub(&federation, &["proposal", "approve", "1", "--person", "admin"], &password);

    node.sync();
    let status = node.status();
    let offered =
        status["catalogue"]["offered"]["cat"].as_str().unwrap_or_else(|| panic!("{status}")).to_owned();
    assert_eq!(status["catalogue"]["in_use"], first.as_str(), "nothing is taken by itself");
    assert_eq!(status["catalogue"]["offered"]["decided_by"], 2);
    let refused = node.try_run(&["edit", &format!("ACH:{key}"), "stage=S9", "--person", "admin"], PASSWORD);
    assert_ne!(refused.0, Some(0), "the version in use has no S9: {refused:?}");

    let running = node.start();
    wait_for("the node to take commands", || Ok(node.data.join("control.sock").exists())).unwrap();
    node.run(&["catalogue", "accept", &offered, "--person", "admin"], PASSWORD);
    node.run(&["edit", &format!("ACH:{key}"), "stage=S9", "--person", "admin"], PASSWORD);
    let counted = |federation: &Federation| federation.board()["aggregates"].to_string().contains("\"S9\"");
    wait_for("the hub to count a stage of the version", || Ok(counted(&federation))).unwrap();
    running.end().unwrap();
    let status = node.status();
    assert_eq!(status["catalogue"]["in_use"], offered.as_str());
    assert_eq!(status["sync"]["content_refused"].as_array().map(Vec::len), Some(0), "{status}");

    federation.end_hub();
    federation.restart_hub();
    assert!(counted(&federation), "after a restart the same");
    federation.end_hub();
}
