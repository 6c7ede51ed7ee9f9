//! Certificates of seconds, renewed unattended while records flow: the stream stays, nothing is lost, an ended one comes back.

use std::fmt::Write as _;

use safeharbor_integration_tests::programs::wait_for;
use safeharbor_service::clock::{Clock as _, SystemClock};
use serde_json::Value;

use crate::harness::{CODES, Federation, Node, text, workspace};

/// Long enough to join, short enough to see several.
const LIFETIME_S: u64 = 6;

fn until_s(node: &Node) -> u64 {
    let status: Value = node.status();
    status["certificate"]["until_s"].as_u64().unwrap_or_else(|| panic!("{status}"))
}

fn import(federation: &Federation, node: &Node, batch: u64) {
    let mut csv = String::from("Case Number,Title,Status,Center,Application SN,Patent Expiration Date\n");
    for number in 0..50 {
        writeln!(csv, "RENEW-{batch}-{number:03},Generated record,Issued,Test Center,,").unwrap();
    }
    let file = federation.folder.path().join(format!("batch-{batch}.csv"));
    std::fs::write(&file, csv).unwrap();
    let mapping = workspace().join("catalogue/mappings/nasa-patents.toml");
    node.run(&["import", &text(&file), "--mapping", &text(&mapping)], "");
}

#[test]
fn a_certificate_of_seconds_renews_under_load_and_one_that_ended_comes_back() {
    let federation = Federation::start_with(&format!("certificate_lifetime_s = {LIFETIME_S}\n"));
    let node = federation.add_node(CODES[0], "renewed");
    let running = node.start();
    wait_for("the node to take commands", || Ok(node.data.join("control.sock").exists())).unwrap();
    let (mut seen, mut batch) = (until_s(&node), 0);
    let mut renewals = 0;
    wait_for("three renewals under load", || {
        batch += 1;
        import(&federation, &node, batch);
        let now = until_s(&node);
        renewals += u32::from(now > seen);
        seen = seen.max(now);
        Ok(renewals >= 3)
    })
    .unwrap();
    let told = std::fs::read_to_string(node.data.with_extension("log")).unwrap();
    assert!(!told.contains("no connection to the hub"), "the stream was dropped: {told}");
    running.end().unwrap();

    // Left alone past its end, the node renews first thing and is in step.
    wait_for("the certificate to end", || Ok(SystemClock.now_s() > seen + 1)).unwrap();
    let before = seen;
    node.sync();
    assert!(until_s(&node) > before);
    assert_eq!(federation.logged_by(CODES[0]), batch * 50);
    let keys: Vec<_> =
        std::fs::read_dir(node.data.join("keys")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    let tls = keys.iter().filter(|name| name.to_string_lossy().starts_with("tls")).count();
    assert_eq!(tls, 1, "keys of earlier certificates are gone: {keys:?}");
}
