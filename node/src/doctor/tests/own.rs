//! The node's own folder and store: certificates at every age, a chain that is whole or not.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use safeharbor_certs::authority::Authority as CertificateAuthority;
use safeharbor_certs::development;
use safeharbor_service::doctor::{Finding, Report, State};
use safeharbor_service::folder::{DataFolder, Role};
use safeharbor_service::secret_file;
use safeharbor_service::store::Batch;

use super::super::files::{Pinned, examine_files};
use super::super::{Authority, Target, examine_books};
use crate::chain::testing::signer;
use crate::layout::Layout;
use crate::membership::tests::join_with_keys;
use crate::settings::Hub;
use crate::tables::CHAIN;
use crate::testing::{APPROVER, Bench, by, published};

const NOW_S: u64 = 1_772_366_400;
const HOUR_MS: u64 = 3_600_000;

/// A folder of a node that joined, and what is pinned in it.
fn joined(folder: &Path) -> (Layout, Pinned) {
    drop(DataFolder::create(&folder.join("node"), Role::Node).unwrap());
    let layout = Layout::at(&folder.join("node"));
    let authority = CertificateAuthority::create("test", NOW_S, 99 * 86_400).unwrap();
    let issued = development::client(&authority, "12100000400002259P".parse().unwrap(), NOW_S).unwrap();
    std::fs::create_dir(layout.keys()).unwrap();
    std::fs::set_permissions(layout.keys(), std::fs::Permissions::from_mode(0o700)).unwrap();
    secret_file::create(&layout.tls_key(), issued.key_pem.as_bytes()).unwrap();
    let target =
        Target { authority: Authority::Pinned(authority.ca_pem()), ..Target::at("hub.example:7443") };
    (layout, Pinned { target, certificate_pem: issued.certificate_pem, tls_key: "tls.key".to_owned() })
}

fn examine(layout: &Layout, pinned: &Pinned, now_ms: u64) -> Report {
    let mut report = Report::at(now_ms);
    examine_files(layout, &Ok(Some(pinned.clone())), &Hub::default(), now_ms, &mut report);
    report
}

fn check(finding: Option<&Finding>, state: State, said: &str) {
    let finding = finding.unwrap();
    assert!(finding.state == state && finding.cause.en.contains(said), "{finding:?}");
}

#[test]
fn a_certificate_is_told_from_one_that_is_due_over_or_of_the_future() {
    let folder = tempfile::tempdir().unwrap();
    let (layout, pinned) = joined(folder.path());
    let shown = safeharbor_certs::diagnosis::describe_pem(&pinned.certificate_pem).unwrap();
    let ends_ms = u64::try_from(shown.ends_s).unwrap() * 1000;
    for (now_ms, state, said) in [
        (NOW_S * 1000, State::Ok, "renewed from"),
        (ends_ms - HOUR_MS, State::Warning, "its renewal was due"),
        (ends_ms, State::Failed, "expired"),
        (1_000, State::Failed, "clock may be wrong"),
    ] {
        check(examine(&layout, &pinned, now_ms).finding("certificate"), state, said);
    }
}

#[test]
fn a_certificate_of_another_key_and_an_open_key_are_found() {
    let folder = tempfile::tempdir().unwrap();
    let (layout, pinned) = joined(folder.path());
    check(examine(&layout, &pinned, NOW_S * 1000).finding("folder"), State::Ok, "");
    let other = tempfile::tempdir().unwrap();
    let (_, stranger) = joined(other.path());
    let mixed = Pinned { certificate_pem: stranger.certificate_pem, ..pinned.clone() };
    check(
        examine(&layout, &mixed, NOW_S * 1000).finding("certificate"),
        State::Failed,
        "does not go with the key",
    );
    std::fs::set_permissions(layout.tls_key(), std::fs::Permissions::from_mode(0o640)).unwrap();
    check(examine(&layout, &pinned, NOW_S * 1000).finding("folder"), State::Failed, "tls.key");
}

fn find<'f>(findings: &'f [Finding], id: &str) -> Option<&'f Finding> {
    findings.iter().find(|finding| finding.id == id)
}

#[test]
fn a_chain_that_is_whole_is_ok_and_one_with_a_gap_names_the_number() {
    let bench = Bench::new();
    bench.import(&[&published("A-1", "甲"), &published("A-2", "乙"), &published("A-3", "丙")]);
    for record in ["A-1", "A-2", "A-3"] {
        bench.approve(record, &["abstract"], by(APPROVER));
    }
    assert_eq!(bench.state_all(), 3);
    for deep in [false, true] {
        let findings = examine_books(&bench.context, deep);
        check(find(&findings, "chain"), State::Ok, "3 signatures checked");
        check(find(&findings, "store"), State::Ok, "");
        check(find(&findings, "alarms"), State::Ok, "");
    }
    let mut batch = Batch::new();
    batch.delete(CHAIN, 2_u64.to_be_bytes());
    bench.context.store.commit(batch).unwrap();
    check(find(&examine_books(&bench.context, true), "chain"), State::Failed, "statement 2:");
}

#[test]
fn statements_that_do_not_follow_one_another_are_found() {
    let bench = Bench::new();
    bench.import(&[&published("A-1", "甲"), &published("A-2", "乙")]);
    for record in ["A-1", "A-2"] {
        bench.approve(record, &["abstract"], by(APPROVER));
    }
    bench.state_all();
    let second = bench.context.store.get(CHAIN, &2_u64.to_be_bytes()).unwrap().unwrap();
    let mut batch = Batch::new();
    batch.put(CHAIN, 1_u64.to_be_bytes(), second);
    bench.context.store.commit(batch).unwrap();
    let findings = examine_books(&bench.context, true);
    let chain = find(&findings, "chain").unwrap();
    assert_eq!(chain.state, State::Failed, "{chain:?}");
}

#[test]
fn what_an_earlier_key_signed_is_checked_and_what_a_key_of_nobody_signed_is_found() {
    let bench = Bench::new();
    bench.import(&[&published("A-1", "甲"), &published("A-2", "乙")]);
    bench.approve("A-1", &["abstract"], by(APPROVER));
    bench.state_all();
    bench.context.signer.replace(std::sync::Arc::new(signer(5)));
    bench.approve("A-2", &["abstract"], by(APPROVER));
    bench.state_all();
    let chain = || examine_books(&bench.context, true).into_iter().find(|finding| finding.id == "chain");
    check(chain().as_ref(), State::Ok, "1 signatures checked");
    join_with_keys(&bench.context.layout, &[1, 5]);
    check(chain().as_ref(), State::Ok, "2 signatures checked");
    join_with_keys(&bench.context.layout, &[4, 5]);
    check(chain().as_ref(), State::Failed, "statement 1: no key of this institution signed it");
}

#[test]
fn what_waits_for_days_is_a_warning() {
    let bench = Bench::new();
    bench.import(&[&published("A-1", "甲")]);
    bench.approve("A-1", &["abstract"], by(APPROVER));
    bench.state_all();
    check(find(&examine_books(&bench.context, false), "outbox"), State::Ok, "1 wait");
    bench.clock.advance_ms(48 * HOUR_MS);
    check(find(&examine_books(&bench.context, false), "outbox"), State::Warning, "1 wait");
}
