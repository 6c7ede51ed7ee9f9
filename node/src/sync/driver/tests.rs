//! Whole runs against a hub in this process, over real TLS and gRPC.

use std::collections::BTreeSet;
use std::sync::Mutex;

use safeharbor_core::code::Code;
use safeharbor_core::sdjwt::Disclosure;
use safeharbor_proto::v1;
use safeharbor_rules::Catalogue;
use safeharbor_service::audit::AuditLog;
use safeharbor_service::clock::{Clock, SystemClock};
use safeharbor_service::evidence::Evidence;
use safeharbor_service::person::{Authentication, Person, PersonId, Role};
use safeharbor_service::random::SystemRandom;
use safeharbor_service::store::{Batch, MemoryStore, Store};

use super::model_hub::{Mischief, ModelHub};
use super::*;
use crate::chain::testing::{admitted, author, disclosure, record, signer, state_these};
use crate::context::Parts;
use crate::layout::Layout;
use crate::outbox::{Entry, Pending};
use crate::sync::{Standing, state};
use crate::trust::testing::policy;
use crate::trust::{load_receipt, load_stop};

mod catalogue;
mod restored;
mod standing;
mod witness;

struct Bench {
    folder: tempfile::TempDir,
    context: Arc<Context>,
    hub: ModelHub,
    connector: Connector,
}

async fn bench(mischief: &[Mischief]) -> Bench {
    let folder = tempfile::tempdir().unwrap();
    let context = context_in(folder.path(), Arc::new(MemoryStore::new()));
    let hub = ModelHub::default();
    hub.0.lock().unwrap().mischief.extend(mischief);
    let connector = hub.serve().await;
    Bench { folder, context, hub, connector }
}

pub(crate) fn trust() -> Trust {
    Trust::new(policy("quorum none"), admitted()).unwrap()
}

/// A node on a data folder and a store.
pub(crate) fn context_in(folder: &std::path::Path, store: Arc<dyn Store>) -> Arc<Context> {
    let layout = Layout::at(folder);
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let context = Context::new(Parts {
        institution: "12100000400002259P".parse().unwrap(),
        name: "北京大学".to_owned(),
        store,
        catalogue: Arc::new(Catalogue::embedded().unwrap()),
        random: Arc::new(SystemRandom),
        signer: Arc::new(signer(1)),
        audit: AuditLog::open(&layout.audit_log(), Arc::clone(&clock)).unwrap(),
        evidence: Evidence::open(&layout.evidence(), 1 << 20).unwrap(),
        clock,
        layout,
    });
    Arc::new(context.unwrap())
}

impl Bench {
    fn put(&self, numbers: std::ops::RangeInclusive<u64>) {
        let mut batch = Batch::new();
        let (id, name) = (PersonId(1), "李娜".to_owned());
        let by = Person {
            id,
            name,
            role: Role::Approver,
            authenticated: Authentication::LocalPassword,
            deputy_for: None,
        };
        for number in numbers {
            let kind = "ACH".parse().unwrap();
            let entry = Entry::Withdrawal { kind, rec: record(number), rev: 1, by: by.clone(), at: 7 };
            self.context.outbox.put(&entry, &mut batch).unwrap();
        }
        self.context.store.commit(batch).unwrap();
        self.context.outbox.announce();
    }

    async fn run(&self, until: Until) -> Outcome {
        self.run_over(self.connector.clone(), &Shutdown::new(), until).await
    }

    async fn run_over(&self, connector: Connector, shutdown: &Shutdown, until: Until) -> Outcome {
        let link = Link { connector, trust: trust() };
        let run = run(Arc::clone(&self.context), link, shutdown, until);
        tokio::time::timeout(Duration::from_secs(60), run).await.expect("the run does not end").unwrap()
    }

    fn standing(&self) -> Standing {
        state(&self.context).unwrap().standing
    }

    fn alarms(&self) -> Vec<Alarm> {
        state(&self.context).unwrap().alarms.into_iter().map(|raised| raised.alarm).collect()
    }

    fn logged(&self) -> Vec<String> {
        self.hub.0.lock().unwrap().log.clone()
    }

    /// All of `count` statements are in the log, and here with their receipts.
    fn check_in_step(&self, count: u64) {
        assert_eq!(self.standing(), Standing::InStep);
        assert_eq!(self.logged().len() as u64, count);
        for seq in 1..=count {
            assert!(load_receipt(&*self.context.store, seq).unwrap().is_some(), "no receipt for {seq}");
        }
    }
}

#[tokio::test]
async fn what_waits_is_logged_acknowledged_and_receipted() {
    let bench = bench(&[]).await;
    bench.put(1..=600);
    assert!(matches!(bench.standing(), Standing::Waiting { statements: 600, since_ms: Some(7) }));
    assert_eq!(bench.run(Until::InStep).await, Outcome::InStep);
    bench.check_in_step(600);
    assert_eq!(bench.alarms(), []);
    bench.put(601..=603);
    assert_eq!(bench.run(Until::InStep).await, Outcome::InStep);
    bench.check_in_step(603);
}

#[tokio::test]
async fn an_open_stream_takes_what_is_added_later() {
    let bench = bench(&[]).await;
    let shutdown = Shutdown::new();
    let watch = async {
        bench.put(1..=2);
        while load_receipt(&*bench.context.store, 2).unwrap().is_none() {
            tokio::task::yield_now().await;
        }
        bench.put(3..=4);
        while load_receipt(&*bench.context.store, 4).unwrap().is_none() {
            tokio::task::yield_now().await;
        }
        shutdown.trigger();
    };
    let run = bench.run_over(bench.connector.clone(), &shutdown, Until::Shutdown);
    let (outcome, ()) = tokio::join!(run, watch);
    assert_eq!(outcome, Outcome::ShutDown);
    assert_eq!(bench.hub.0.lock().unwrap().streams, 1);
}

#[tokio::test]
async fn a_broken_stream_is_resumed_without_loss_or_repetition() {
    let bench = bench(&[Mischief::HangUpAfter(3), Mischief::HangUpAfter(0)]).await;
    bench.put(1..=10);
    assert_eq!(bench.run(Until::InStep).await, Outcome::InStep);
    bench.check_in_step(10);
    assert_eq!(bench.hub.0.lock().unwrap().streams, 3);
}

#[tokio::test]
async fn refusals_that_pass_are_sent_again() {
    let bench = bench(&[
        Mischief::RefuseCall(Code::Unavailable),
        Mischief::RefuseCall(Code::IdentityRefused),
        Mischief::Refuse(Code::SequenceGap),
    ])
    .await;
    bench.put(1..=3);
    assert_eq!(bench.run(Until::InStep).await, Outcome::InStep);
    bench.check_in_step(3);
}

#[tokio::test]
async fn a_refusal_that_stays_is_told_and_forgotten_once_it_is_over() {
    for mischief in [Mischief::RefuseCall(Code::StandingRefused), Mischief::Refuse(Code::StandingRefused)] {
        let bench = bench(&[mischief]).await;
        bench.put(1..=3);
        let outcome = bench.run(Until::InStep).await;
        assert!(matches!(outcome, Outcome::Refused(refused) if refused.code == Code::StandingRefused));
        let expected = |standing| matches!(standing, Standing::Refused { code: Code::StandingRefused, .. });
        assert!(expected(bench.standing()));
        assert_eq!(bench.run(Until::InStep).await, Outcome::InStep);
        bench.check_in_step(3);
    }
}

#[tokio::test]
async fn a_node_that_is_the_second_with_its_key_stops_until_a_person_decides() {
    let bench = bench(&[Mischief::RefuseCall(Code::NodeCloned)]).await;
    bench.put(1..=3);
    let stopped = bench.run(Until::Shutdown).await;
    assert!(matches!(stopped, Outcome::Stopped(Alarm::Cloned { .. })), "{stopped:?}");
    assert_eq!(bench.run(Until::InStep).await, stopped, "a restart changes nothing");
    assert_eq!((bench.logged().len(), bench.alarms().len()), (0, 1));
    crate::trust::resume(&*bench.context.store).unwrap();
    assert_eq!(bench.run(Until::InStep).await, Outcome::InStep);
    bench.check_in_step(3);
}

#[tokio::test]
async fn a_probe_is_answered_by_the_process_that_said_hello() {
    let bench = bench(&[]).await;
    bench.hub.0.lock().unwrap().probe = Some(7);
    for put in [1..=2, 3..=4] {
        bench.put(put);
        assert_eq!(bench.run(Until::InStep).await, Outcome::InStep);
    }
    let hub = bench.hub.0.lock().unwrap();
    assert_eq!(hub.alive, [7, 7]);
    assert!(hub.processes.len() == 2 && hub.processes[0].len() == 16);
    assert_eq!(hub.processes[0], hub.processes[1], "drawn once");
}

#[tokio::test]
async fn a_wrong_receipt_is_an_alarm_and_the_right_one_is_kept_later() {
    let bench = bench(&[Mischief::WrongReceipt]).await;
    bench.put(1..=3);
    assert_eq!(bench.run(Until::InStep).await, Outcome::InStep);
    assert!(matches!(bench.alarms()[..], [Alarm::ReceiptRefused { seq: 1, .. }]));
    bench.check_in_step(3);
}

#[tokio::test]
async fn a_wrong_acknowledgement_is_an_alarm() {
    let bench = bench(&[Mischief::WrongAcknowledgement]).await;
    bench.put(1..=3);
    assert_eq!(bench.run(Until::InStep).await, Outcome::InStep);
    assert!(matches!(bench.alarms()[..], [Alarm::WrongAcknowledgement { seq: 3, .. }]));
}

#[tokio::test]
async fn a_fork_stops_the_node_until_a_person_decides() {
    let bench = bench(&[]).await;
    bench.put(1..=3);
    bench.run(Until::InStep).await;
    bench.put(4..=4);
    bench.hub.0.lock().unwrap().mischief.push(Mischief::OtherHead);
    let stopped = bench.run(Until::Shutdown).await;
    assert!(matches!(stopped, Outcome::Stopped(Alarm::Fork { seq: 3, .. })), "{stopped:?}");
    assert!(matches!(bench.standing(), Standing::Stopped { .. }));
    let ours = bench.context.store.get(crate::tables::CHAIN, &3_u64.to_be_bytes()).unwrap();
    assert!(ours.is_some());
    assert_eq!(bench.run(Until::InStep).await, stopped, "a restart changes nothing");
    assert_eq!(bench.logged().len(), 3, "nothing is sent");
    crate::trust::resume(&*bench.context.store).unwrap();
    assert_eq!(bench.run(Until::InStep).await, Outcome::InStep);
    assert_eq!(load_stop(&*bench.context.store).unwrap(), None);
    bench.check_in_step(4);
}

#[tokio::test]
async fn a_hub_that_lost_receipted_statements_gets_them_again() {
    let bench = bench(&[]).await;
    bench.put(1..=3);
    bench.run(Until::InStep).await;
    let before = bench.logged();
    {
        let mut hub = bench.hub.0.lock().unwrap();
        hub.log.truncate(1);
        hub.leaves.0.truncate(2);
    }
    bench.put(4..=4);
    assert_eq!(bench.run(Until::InStep).await, Outcome::InStep);
    bench.check_in_step(4);
    assert_eq!(bench.logged()[..3], before, "the same bytes");
    let mut alarms = bench.alarms();
    alarms.sort_by_key(ToString::to_string);
    let behind = Alarm::HubBehind { ours: 6, theirs: 2 };
    assert_eq!(alarms, [behind, Alarm::HubLostStatements { hub_seq: 1, receipted: 3 }]);
}

#[tokio::test]
async fn a_registry_that_contradicts_itself_stops_the_node() {
    let bench = bench(&[]).await;
    bench.put(1..=3);
    bench.run(Until::InStep).await;
    bench.hub.0.lock().unwrap().leaves.0[0] = safeharbor_core::digest::Digest::of(b"rewritten");
    // The node asks for its receipts again, and gets them under a checkpoint of the same size.
    let mut batch = Batch::new();
    crate::chain::Memory::put_receipts_from(1, &mut batch);
    bench.context.store.commit(batch).unwrap();
    let stopped = bench.run(Until::Shutdown).await;
    assert!(matches!(stopped, Outcome::Stopped(Alarm::CheckpointInconsistent { .. })), "{stopped:?}");
}

#[tokio::test]
async fn a_node_that_lost_its_store_adopts_its_chain_and_goes_on() {
    let old: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let old = author(&old);
    let pending = (1..=5).map(|number| Pending { number, content: disclosure(number) });
    state_these(&old, pending.collect()).unwrap();
    let bench = bench(&[]).await;
    for stated in old.chain.statements(1, 10).unwrap() {
        bench.hub.0.lock().unwrap().log(stated.jwt);
    }
    bench.put(6..=7);
    assert_eq!(bench.run(Until::InStep).await, Outcome::InStep);
    bench.check_in_step(7);
    assert_eq!(bench.alarms(), []);
}

#[tokio::test]
async fn tasks_are_answered() {
    let bench = bench(&[]).await;
    let task = |id: &str, kind: &str| v1::Task {
        id: id.to_owned(),
        r#type: kind.to_owned(),
        due_ms: 0,
        payload: br#"{"seq":1,"code":"value-invalid","text":"no"}"#.to_vec(),
    };
    let tasks = [task("a", "content-refused"), task("b", "reveal"), task("a", "content-refused")];
    bench.hub.0.lock().unwrap().tasks.extend(tasks);
    bench.put(1..=1);
    bench.run(Until::InStep).await;
    let answers = bench.hub.0.lock().unwrap().answers.clone();
    assert_eq!(answers.get("a").map(String::as_str), Some(r#"{"stored":true}"#));
    assert_eq!(answers.get("b").map(String::as_str), Some(r#"{"unsupported":true}"#));
    let refused = state(&bench.context).unwrap().content_refused;
    assert_eq!((refused.len(), refused[0].rec.clone()), (1, Some(record(1).to_string())));
}

#[tokio::test]
async fn only_revealed_disclosures_are_in_what_is_sent() {
    let bench = bench(&[]).await;
    let pending = vec![Pending { number: 1, content: disclosure(1) }];
    state_these(&author(&bench.context.store), pending).unwrap();
    let sent: Arc<Mutex<Vec<u8>>> = Arc::default();
    let tapped = Arc::clone(&sent);
    let connector =
        bench.connector.clone().with_tap(Arc::new(move |bytes| tapped.lock().unwrap().extend(bytes)));
    assert_eq!(bench.run_over(connector, &Shutdown::new(), Until::InStep).await, Outcome::InStep);
    let sent = String::from_utf8_lossy(&sent.lock().unwrap()).into_owned();
    let stated = author(&bench.context.store).chain.statement(1).unwrap().unwrap();
    assert!(sent.contains(&stated.jwt));
    for claim in &stated.claims {
        assert_eq!(sent.contains(&claim.disclosure), claim.name == "name", "{}", claim.name);
    }
    let revealed: Vec<String> = bench.hub.0.lock().unwrap().disclosures.concat();
    let names = revealed.iter().map(|text| Disclosure::parse(text).unwrap().name().unwrap().to_owned());
    assert_eq!(names.collect::<BTreeSet<_>>(), BTreeSet::from(["name".to_owned()]));
}

#[tokio::test]
async fn a_hub_of_another_authority_is_not_spoken_to() {
    let (ours, theirs) = (bench(&[]).await, bench(&[]).await);
    let refused = ours.connector.dialling(theirs.connector.address()).connect().await;
    assert!(refused.is_err());
}
