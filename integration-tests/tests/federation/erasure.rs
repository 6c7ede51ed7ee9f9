//! After an erase no revealed value of the record can be opened in the hub's folder.

use safeharbor_core::sdjwt::Disclosure;
use safeharbor_core::statement::Statement;
use safeharbor_hub::journal::{JournalReader, unseal};
use serde_json::Value;

use crate::harness::{CODES, Federation, PASSWORD};

/// Every value that the hub's journal can open for a record.
fn openable(federation: &Federation, rec: &str) -> Vec<Value> {
    let mut reader = JournalReader::from_start(&federation.hub_data().join("journal")).unwrap();
    let mut values = Vec::new();
    while let Some(stored) = reader.next_frame().unwrap() {
        let statement = Statement::parse(&stored.frame.jwt).unwrap();
        if statement.envelope.rec.is_some_and(|handle| handle.to_string() == rec) {
            let opened = unseal(&stored.frame).unwrap().unwrap_or_default();
            values.extend(opened.iter().map(|text| Disclosure::parse(text).unwrap().value().clone()));
        }
    }
    values
}

#[test]
fn an_erased_record_opens_no_more_also_after_a_rebuild() {
    let mut federation = Federation::start();
    let node = federation.add_node(CODES[0], "ligong");
    node.import_sample("ligong", "achievements");
    node.sync();
    let records = node.records();
    let rec = records[0]["rec"].as_str().unwrap();
    let other = records[1]["rec"].as_str().unwrap();
    assert!(!openable(&federation, rec).is_empty(), "something was revealed before");
    let counted = federation.board()["aggregates"]["records"].as_u64().unwrap();

    let (code, ..) = node.try_run(&["erase", rec, "--person", "admin"], "a wrong password\n");
    assert_eq!(code, Some(1), "a wrong password erases nothing");
    node.run(&["erase", rec, "--person", "admin"], PASSWORD);
    node.sync();

    assert_eq!(openable(&federation, rec), Vec::<Value>::new());
    assert!(!openable(&federation, other).is_empty(), "other records are left alone");
    assert_eq!(federation.board()["aggregates"]["records"], counted - 1);
    federation.end_hub();
    std::fs::remove_dir_all(federation.hub_data().join("index")).unwrap();
    federation.restart_hub();
    assert_eq!(openable(&federation, rec), Vec::<Value>::new());
    assert_eq!(federation.board()["aggregates"]["records"], counted - 1);
    federation.verified_log();
}
