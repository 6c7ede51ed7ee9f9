//! A university that is suspended cannot send, and resumes without loss once it is reinstated, by itself.

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

    let administrator = federation.administrator();
    administrator.command(&["institution", "suspend", CODES[0]]).unwrap();
    node.import_sample("ligong", "deals");
    wait_for("the node to say why nothing is taken", || {
        Ok(node.status()["sync"].to_string().contains("standing-refused"))
    })
    .unwrap();
    assert_eq!(federation.logged_by(CODES[0]), before, "nothing is logged of a suspended institution");

    administrator.have_decided(&["institution", "reinstate", CODES[0]]).unwrap();
    let held = node.records().len() as u64;
    wait_for("everything to be in step again", || Ok(in_step()? && federation.logged_by(CODES[0]) == held))
        .unwrap();
    running.end().unwrap();
}
