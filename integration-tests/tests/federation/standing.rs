//! A university that is suspended cannot send, keeps its stream, and resumes without loss once it is reinstated, by itself.

use safeharbor_integration_tests::programs::wait_for;

use crate::harness::{CODES, Federation};

#[test]
fn a_suspended_university_sends_nothing_and_resumes_by_itself_without_loss() {
    let federation = Federation::start();
    let node = federation.add_node(CODES[0], "ligong");
    let running = node.start();
    wait_for("the node to take commands", || Ok(node.data.join("control.sock").exists())).unwrap();
    node.import_sample("ligong", "achievements");
    let in_step = || {
        let status = node.status();
        Ok(status["waiting"] == 0
            && status["receipts"] == status["stated"]
            && status["stated"].as_u64() > Some(0))
    };
    wait_for("the first records to be in step", in_step).unwrap();
    let before = federation.logged_by(CODES[0]);
    let streams = streams_of(&federation, CODES[0]);

    let administrator = federation.administrator();
    administrator.command(&["institution", "suspend", CODES[0]]).unwrap();
    let held = || Ok(node.status()["sync"]["standing"] == "held");
    wait_for("the node to hear that it is suspended", held).unwrap();
    let told = node.status()["sync"]["told"].clone();
    assert_eq!((&told["standing"], &told["logged"]), (&"suspended".into(), &"suspended".into()), "{told}");
    node.import_sample("ligong", "deals");
    let waiting = node.status()["waiting"].as_u64();
    assert!(waiting > Some(0), "nothing is numbered while it is suspended");
    assert!(node.run(&["status"], "").contains("the hub takes no statements"));
    assert_eq!(federation.logged_by(CODES[0]), before, "nothing is logged of a suspended institution");

    administrator.have_decided(&["institution", "reinstate", CODES[0]]).unwrap();
    let records = node.records().len() as u64;
    wait_for(
        "everything to be in step again",
        || Ok(in_step()? && federation.logged_by(CODES[0]) == records),
    )
    .unwrap();
    assert_eq!(streams_of(&federation, CODES[0]), streams, "one and the same stream");

    administrator.command(&["institution", "suspend", CODES[0]]).unwrap();
    wait_for("the node to hear it again", held).unwrap();
    running.end().unwrap();
    let (exit, _, said) = node.try_run(&["run", "--once"], "");
    assert!(exit == Some(1) && said.contains("suspended since"), "{exit:?} {said}");
}

/// How many streams of an institution the hub opened.
fn streams_of(federation: &Federation, code: &str) -> usize {
    let log = std::fs::read_to_string(federation.folder.path().join("hub.log")).unwrap();
    log.lines().filter(|line| line.contains("a stream is open") && line.contains(code)).count()
}
