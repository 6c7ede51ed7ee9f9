//! A monitor tells what is new, and raises each alarm when there is reason and only then.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::Path;

use safeharbor_core::checkpoint::sign_checkpoint;
use safeharbor_core::cosignature::cosign;
use safeharbor_verifier::log::LogFiles;
use safeharbor_verifier::monitor::{Event, Watch};
use safeharbor_verifier::objection::{Fault, Objection};
use safeharbor_verifier::report::Verdict;
use safeharbor_verifier::trust::LogTrust;

use crate::registry::*;

const HEARTBEAT: u64 = 3600;
const NOW: u64 = 1_764_000_000;

/// A registry whose checkpoint was last written at some time, or that does not answer.
struct Dated {
    files: Option<Files>,
    written_at: Option<u64>,
}

impl LogFiles for Dated {
    fn read(&self, path: &str, bytes_max: usize) -> Result<Option<Vec<u8>>, Objection> {
        match &self.files {
            Some(files) => files.read(path, bytes_max),
            None => Err(Fault::Unreachable("no route".to_owned()).into()),
        }
    }

    fn written_at(&self, _path: &str) -> Result<Option<u64>, Objection> {
        Ok(self.written_at)
    }
}

fn look_with(trust: &LogTrust, source: &Dated, folder: &Path, now: u64) -> Vec<Event> {
    let institutions = BTreeSet::from([institution(TSINGHUA)]);
    let watch = Watch { files: source, trust, folder, heartbeat: HEARTBEAT, institutions };
    let look = watch.look(now).unwrap();
    look.keep(folder).unwrap();
    look.events
}

fn look(source: &Dated, folder: &Path, now: u64) -> Vec<Event> {
    look_with(&LogTrust::by_vkey(vkey()), source, folder, now)
}

fn at(registry: &Registry, written_at: u64) -> Dated {
    Dated { files: Some(registry.files()), written_at: Some(written_at) }
}

#[test]
fn growth_and_entries_of_whom_is_watched_are_told_once() {
    let folder = tempfile::tempdir().unwrap();
    let (mut registry, _) = Registry::with_disclosures(3);
    let told = |events: &[Event]| events.iter().map(|event| format!("{event:?}")).collect::<Vec<_>>();
    let events = look(&at(&registry, NOW), folder.path(), NOW);
    assert!(
        matches!(&events[..], [Event::Entry { index: 8, seq: 1, .. }, Event::Grown { from: 0, to: 9 }]),
        "{events:?}"
    );
    assert_eq!(told(&look(&at(&registry, NOW), folder.path(), NOW + 60)), Vec::<String>::new());
    registry.disclose(PEKING, PEKING_KEY);
    registry.disclose(TSINGHUA, TSINGHUA_KEY);
    let events = look(&at(&registry, NOW + 100), folder.path(), NOW + 120);
    assert!(
        matches!(&events[..], [Event::Entry { index: 10, seq: 2, .. }, Event::Grown { from: 9, to: 11 }]),
        "{events:?}"
    );
}

#[test]
fn what_was_not_told_before_an_interruption_is_told_again() {
    let folder = tempfile::tempdir().unwrap();
    let (registry, _) = Registry::with_disclosures(3);
    let (trust, source) = (LogTrust::by_vkey(vkey()), at(&registry, NOW));
    let institutions = BTreeSet::from([institution(TSINGHUA)]);
    let watch =
        Watch { files: &source, trust: &trust, folder: folder.path(), heartbeat: HEARTBEAT, institutions };
    for _ in 0..2 {
        let look = watch.look(NOW).unwrap();
        assert!(matches!(&look.events[..], [Event::Entry { index: 8, .. }, Event::Grown { from: 0, to: 9 }]));
    }
    watch.look(NOW).unwrap().keep(folder.path()).unwrap();
    assert!(watch.look(NOW).unwrap().events.is_empty());
}

#[test]
fn no_entry_is_lost_where_the_server_fails_halfway() {
    let folder = tempfile::tempdir().unwrap();
    let mut registry = Registry::begin();
    look(&at(&registry, NOW), folder.path(), NOW);
    registry.disclose(TSINGHUA, TSINGHUA_KEY);
    registry.seal(PEKING, 17_000, "a");
    let mut halfway = at(&registry, NOW);
    halfway.files.as_mut().unwrap().0.remove("tile/entries/065");
    assert!(matches!(look(&halfway, folder.path(), NOW + 60)[..], [Event::Objection(_)]));
    let events = look(&at(&registry, NOW), folder.path(), NOW + 120);
    assert!(
        matches!(&events[..], [Event::Entry { index: 6, seq: 1, .. }, Event::Grown { from: 6, to: 17_007 }]),
        "{events:?}"
    );
}

#[test]
fn a_fork_is_proven_and_ends_it() {
    let folder = tempfile::tempdir().unwrap();
    look(&at(&Registry::with_disclosures(3).0, NOW), folder.path(), NOW);
    let mut other = Registry::begin();
    (0..8).for_each(|_| drop(other.disclose(TSINGHUA, TSINGHUA_KEY)));
    let events = look(&at(&other, NOW), folder.path(), NOW + 60);
    assert!(events.iter().any(Event::is_proof) && events.len() == 1, "{events:?}");
    let Event::Objection(objection) = &events[0] else { unreachable!() };
    assert!(Path::new(objection.evidence.as_ref().unwrap()).starts_with(folder.path()));
    // It stays proven after a restart, and the honest history is still followed.
    assert!(look(&at(&other, NOW), folder.path(), NOW + 120).iter().any(Event::is_proof));
    assert!(look(&at(&Registry::with_disclosures(4).0, NOW), folder.path(), NOW + 180).len() == 1);
}

#[test]
fn a_registry_that_went_back_is_an_alarm_and_no_proof() {
    let folder = tempfile::tempdir().unwrap();
    look(&at(&Registry::with_disclosures(9).0, NOW), folder.path(), NOW);
    let events = look(&at(&Registry::with_disclosures(5).0, NOW), folder.path(), NOW + 60);
    assert_eq!(events.iter().map(Event::verdict).collect::<Vec<_>>(), [Verdict::Alarm]);
    assert!(!events[0].is_proof());
}

#[test]
fn silence_is_an_alarm_after_two_heartbeats() {
    let (registry, _) = Registry::with_disclosures(3);
    let silent = |written_at: u64, now: u64| {
        let folder = tempfile::tempdir().unwrap();
        let events = look(&at(&registry, written_at), folder.path(), now);
        events.iter().any(|event| matches!(event, Event::Silent { unreachable: false, .. }))
    };
    assert!(!silent(NOW, NOW + 2 * HEARTBEAT));
    assert!(silent(NOW, NOW + 2 * HEARTBEAT + 1));
    assert!(!silent(NOW + 10_000, NOW));
    // Where nobody dates the checkpoint, an idle registry looks the same as one that ended.
    let folder = tempfile::tempdir().unwrap();
    let undated = Dated { files: Some(registry.files()), written_at: None };
    look(&undated, folder.path(), NOW);
    assert!(look(&undated, folder.path(), NOW + 100 * HEARTBEAT).is_empty());
}

#[test]
fn the_time_of_witnesses_counts_more_than_that_of_the_server() {
    let (registry, _) = Registry::with_disclosures(3);
    let mut note = sign_checkpoint(&registry.checkpoint(), &signer(LOG_KEY)).unwrap().to_string();
    for key in [11, 12] {
        let text = registry.checkpoint().to_string();
        note.push_str(
            &cosign(&text, &format!("witness{key}.example.org"), NOW, &signer(key)).unwrap().to_string(),
        );
    }
    let mut files = registry.files();
    files.0.insert("checkpoint".to_owned(), note.into_bytes());
    let trust = LogTrust::by_policy(policy(&witnessed_policy_text()));
    let later = NOW + 2 * HEARTBEAT + 1;
    let source = Dated { files: Some(files), written_at: Some(later) };
    let folder = tempfile::tempdir().unwrap();
    let events = look_with(&trust, &source, folder.path(), later);
    assert!(matches!(events[..], [_, _, Event::Silent { since: NOW, unreachable: false }]), "{events:?}");
}

#[test]
fn a_registry_that_does_not_answer_is_an_alarm_once_it_lasts() {
    let folder = tempfile::tempdir().unwrap();
    let (registry, _) = Registry::with_disclosures(3);
    look(&at(&registry, NOW), folder.path(), NOW);
    let gone = Dated { files: None, written_at: None };
    let verdicts = |now| look(&gone, folder.path(), now).iter().map(Event::verdict).collect::<Vec<_>>();
    assert_eq!(verdicts(NOW + 60), [Verdict::CouldNotTell]);
    assert_eq!(verdicts(NOW + 2 * HEARTBEAT + 1), [Verdict::CouldNotTell, Verdict::Alarm]);
    assert!(look(&at(&registry, NOW + 9000), folder.path(), NOW + 9000).is_empty());
}

#[test]
fn the_program_looks_once_or_goes_on_until_it_is_told_to_end() {
    use clap::Parser as _;
    use safeharbor_verifier::language::Language;
    use safeharbor_verifier::monitor::{Arguments, Time, run};
    use safeharbor_verifier::report::Format;

    #[derive(clap::Parser)]
    struct Words {
        #[command(flatten)]
        arguments: Arguments,
    }

    let folder = tempfile::tempdir().unwrap();
    let (registry, _) = Registry::with_disclosures(3);
    registry.files().write_to(&folder.path().join("log"));
    std::fs::write(folder.path().join("vkey"), vkey().to_string()).unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let words =
        ["monitor", &path("log"), "--vkey", &path("vkey"), "--state", &path("state"), "--interval", "5"];
    let arguments = Words::parse_from(words).arguments;
    let waits = RefCell::new(Vec::new());
    let wait = |duration| {
        waits.borrow_mut().push(duration);
        waits.borrow().len() < 3
    };
    // Files that were just written are of today, not of the time that the test makes up.
    let time = Time { now: &|| NOW, wait: &wait };
    let mut out = Vec::new();
    let verdict = run(&arguments, (Format::Json, Language::English), time, &mut out).unwrap();
    assert_eq!((verdict, waits.borrow().len()), (Verdict::Verified, 3));
    let lines: Vec<serde_json::Value> =
        String::from_utf8(out).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((lines.len(), &lines[0]["event"], &lines[0]["to"]), (1, &"grown".into(), &9.into()));
}
