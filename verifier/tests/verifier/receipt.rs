//! A receipt is verified for its own entry under its own policy, and for nothing else.

use safeharbor_verifier::objection::Fault;
use safeharbor_verifier::receipt::{tie_statement, verify, verify_entry};
use serde_json::Value;

use crate::registry::*;

fn check(receipt: &str, entry: &[u8], policy_text: &str) -> Result<Value, Fault> {
    let report = verify(receipt.as_bytes(), &verify_entry(entry)?, &policy(policy_text))?;
    Ok(serde_json::to_value(report).unwrap())
}

#[test]
fn a_receipt_signed_by_the_log_alone_says_so() {
    let (registry, made) = Registry::with_disclosures(300);
    for index in [0, 5, 6, 255, 256, 305] {
        let receipt = registry.receipt(u64::try_from(index).unwrap(), &[]);
        let report = check(&receipt, &registry.entries[index], &policy_text()).unwrap();
        assert_eq!((&report["index"], &report["size"]), (&index.into(), &306.into()));
        assert_eq!((&report["origin"], &report["witnessed_at"]), (&ORIGIN.into(), &Value::Null));
    }
    assert_eq!(made[0].index, 6);
}

#[test]
fn witnesses_are_named_with_their_times() {
    let (registry, _) = Registry::with_disclosures(3);
    let receipt = registry.receipt(7, &[(11, 1_764_000_300), (13, 1_764_000_100)]);
    let report = check(&receipt, &registry.entries[7], &witnessed_policy_text()).unwrap();
    assert_eq!(report["witnessed_at_utc"], "2025-11-24T16:05:00Z");
    assert_eq!(report["witnesses"][0]["name"], "w3");
    assert_eq!(report["witnesses"][0]["url"], "https://witness13.example.org");
    assert_eq!(report["witnesses"][1]["key_name"], "witness11.example.org");
    let alone = registry.receipt(7, &[(11, 1_764_000_300)]);
    assert!(matches!(check(&alone, &registry.entries[7], &witnessed_policy_text()), Err(Fault::Receipt(_))));
}

#[test]
fn a_receipt_of_another_entry_is_refused() {
    let (registry, _) = Registry::with_disclosures(5);
    let receipt = registry.receipt(7, &[]);
    for (index, entry) in registry.entries.iter().enumerate() {
        assert_eq!(check(&receipt, entry, &policy_text()).is_ok(), index == 7, "{index}");
    }
}

#[test]
fn any_flipped_bit_of_receipt_or_entry_is_refused() {
    let (registry, _) = Registry::with_disclosures(5);
    let (receipt, entry) = (registry.receipt(7, &[]).into_bytes(), &registry.entries[7]);
    let (policy, own) = (policy(&policy_text()), verify_entry(entry).unwrap());
    for bit in 0..receipt.len() * 8 {
        let mut flipped = receipt.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(verify(&flipped, &own, &policy).is_err(), "receipt bit {bit}");
    }
    for bit in 0..entry.len() * 8 {
        let mut flipped = entry.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let outcome = verify_entry(&flipped).and_then(|other| verify(&receipt, &other, &policy));
        assert!(outcome.is_err(), "entry bit {bit}");
    }
}

#[test]
fn a_statement_is_tied_to_its_own_entry_only() {
    let (registry, made) = Registry::with_disclosures(5);
    let own = verify_entry(&registry.entries[made[1].index]).unwrap();
    for token in
        [made[1].jwt.clone(), made[1].revealing(0), made[1].revealing(2), format!("{}\n", made[1].jwt)]
    {
        let report = serde_json::to_value(tie_statement(token.as_bytes(), &own).unwrap()).unwrap();
        assert_eq!((&report["type"], &report["kind"]), (&"disclosure".into(), &"ACH".into()));
    }
    for other in [&made[0], &made[2]] {
        assert!(matches!(tie_statement(other.jwt.as_bytes(), &own), Err(Fault::NotTied(_))));
    }
    let foreign = format!("{}{}~", made[1].revealing(1), made[0].disclosures[1].encoded());
    assert!(matches!(tie_statement(foreign.as_bytes(), &own), Err(Fault::Disclosures(_))));
    let bound = format!("{}x", made[1].revealing(1));
    assert!(matches!(tie_statement(bound.as_bytes(), &own), Err(Fault::Bound)));
}

#[test]
fn public_entries_have_receipts_too() {
    let (registry, _) = Registry::with_disclosures(2);
    let entry = verify_entry(&registry.entries[2]).unwrap();
    check(&registry.receipt(2, &[]), &registry.entries[2], &policy_text()).unwrap();
    let report = tie_statement(entry.public.as_ref().unwrap().as_bytes(), &entry).unwrap();
    assert_eq!(serde_json::to_value(report).unwrap()["type"], "institution");
}
