//! What is found of a hub that was just set up, that runs, and that was broken.

use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use safeharbor_service::doctor::{Report, State};

use super::*;
use crate::enrolment::testing::{DAY_MS, Hub, now_ms};
use crate::folder::Paths;

/// A hub whose first checkpoint is published.
async fn hub() -> Hub {
    let hub = Hub::start().await;
    crate::running::wait_published(&hub.office.shared, 0).await.unwrap();
    hub
}

fn files(hub: &Hub, at_ms: u64) -> Report {
    let mut report = Report::at(at_ms);
    examine_files(&hub.office.paths, at_ms, &mut report);
    report
}

fn state(report: &Report, id: &str) -> State {
    report.finding(id).unwrap_or_else(|| panic!("{id} is not in {report:#?}")).state
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_hub_is_well_but_for_its_backups() {
    let hub = hub().await;
    std::fs::set_permissions(hub.office.paths.folder(), std::fs::Permissions::from_mode(0o700)).unwrap();
    let report = files(&hub, now_ms());
    for id in ["folder", "certificate", "registry", "sizes", "forks"] {
        assert_eq!(state(&report, id), State::Ok, "{id}: {report:#?}");
    }
    assert_eq!(state(&report, "backup"), State::Warning);
    let later = files(&hub, now_ms() + 40 * 365 * DAY_MS);
    assert_eq!(state(&later, "certificate"), State::Failed);
    let pem = || Ok(std::fs::read_to_string(hub.office.paths.ca()).unwrap());
    assert_eq!(super::desk::authority(pem(), now_ms()).state, State::Ok);
    assert_eq!(super::desk::authority(pem(), now_ms() + 40 * 365 * DAY_MS).state, State::Failed);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_key_a_missing_registry_and_a_fork_are_found() {
    let hub = hub().await;
    let paths = &hub.office.paths;
    std::fs::set_permissions(paths.log_key(), std::fs::Permissions::from_mode(0o644)).unwrap();
    std::fs::write(paths.forks(), "{}\n{}\n").unwrap();
    std::fs::rename(paths.registry(), paths.folder().join("elsewhere")).unwrap();
    let report = files(&hub, now_ms());
    assert_eq!(state(&report, "folder"), State::Failed);
    assert_eq!(state(&report, "registry"), State::Failed);
    let forks = report.finding("forks").unwrap();
    assert!(forks.state == State::Warning && forks.cause.en.starts_with("2, "), "{forks:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_hub_tells_of_its_persons_and_who_is_silent() {
    let hub = Hub::start().await;
    let mut report = Report::at(now_ms());
    examine_desk(&hub.office, true).into_iter().for_each(|finding| report.add(finding));
    assert_eq!(state(&report, "persons"), State::Failed, "nobody is an administrator");
    assert_eq!(state(&report, "institutions"), State::Ok);
    assert_eq!(state(&report, "alarms"), State::Ok);
    assert_eq!(state(&report, "clock"), State::NotChecked);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_hub_is_reached_and_a_stopped_one_not_looked_for() {
    let hub = Hub::start().await;
    let reach = examine_reach(&hub.office, true, Duration::from_secs(20)).await;
    assert!(reach.iter().all(|finding| finding.state == State::Ok), "{reach:?}");
    let stopped = examine_reach(&hub.office, false, Duration::from_secs(20)).await;
    assert!(stopped.iter().all(|finding| finding.state == State::NotChecked));
}

#[test]
fn a_folder_that_is_none_cannot_be_examined() {
    let folder = tempfile::tempdir().unwrap();
    let mut report = Report::at(0);
    examine_files(&Paths::new(folder.path()), 0, &mut report);
    assert_eq!(report.exit().code(), 3);
}
