//! Tests of the node's witness over a store: what it answers, what it keeps, and what a crash leaves.

use safeharbor_core::checkpoint::Checkpoint;
use safeharbor_core::cosignature::verify_cosignature;
use safeharbor_core::merkle::hash_leaf;
use safeharbor_core::note::SignedNote;
use safeharbor_core::witness::anchor_key;
use safeharbor_service::clock::ManualClock;
use safeharbor_service::random::SystemRandom;
use safeharbor_service::store::{Fault, FaultyStore, MemoryStore};

use super::*;
use crate::chain::testing::signer;
use crate::trust::testing::{Log, ORIGIN};

const NOW_MS: u64 = 1_700_000_000_000;

struct Bench {
    folder: tempfile::TempDir,
    store: Arc<dyn Store>,
    witness: Witness,
    evidence: Evidence,
}

fn institution() -> InstitutionCode {
    "12100000400002259P".parse().unwrap()
}

fn bench_on(store: Arc<dyn Store>) -> Bench {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("witness.key");
    key_file::create(&key, KeyUse::Witness, &SystemRandom).unwrap();
    let witness = open(&store, &key);
    let evidence = Evidence::open(&folder.path().join("evidence"), 1 << 20).unwrap();
    Bench { folder, store, witness, evidence }
}

fn open(store: &Arc<dyn Store>, key: &Path) -> Witness {
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::at_ms(NOW_MS));
    let log = VerifierKey::ed25519(ORIGIN, signer(9).public_key()).unwrap();
    Witness::open((Arc::clone(store), clock), log, &institution(), key)
}

fn bench() -> Bench {
    bench_on(Arc::new(MemoryStore::new()))
}

fn log(size: u8) -> Log {
    Log((0..size).map(|n| hash_leaf(&[n])).collect())
}

fn request(log: &Log, old: u64) -> WitnessRequest {
    let received = log.receipts(old, &[]);
    let note = SignedNote::parse(received.checkpoint.as_bytes()).unwrap();
    let body = AddCheckpoint { old, proof: received.consistency, note }.to_string();
    WitnessRequest { nonce: 7, body, now_ms: NOW_MS + CLOCK_OFF_MAX_MS }
}

impl Bench {
    fn answer(&self, request: &WitnessRequest) -> Answered {
        self.witness.answer(request, &self.evidence).unwrap()
    }

    fn check(&self, request: &WitnessRequest, status: u32, body: &str) {
        let Answered::Say(answer) = self.answer(request) else { panic!("inconsistent") };
        assert_eq!((answer.nonce, answer.status), (7, status), "{}", answer.body);
        assert!(answer.body.contains(body), "{}", answer.body);
    }

    fn last(&self) -> Option<Checkpoint> {
        last_witnessed(&*self.store, ORIGIN).unwrap().map(|last| last.checkpoint().clone())
    }
}

#[test]
fn a_checkpoint_is_cosigned_under_the_name_of_the_institution_and_kept() {
    let bench = bench();
    let asked = request(&log(5), 0);
    let Answered::Say(answer) = bench.answer(&asked) else { panic!("inconsistent") };
    assert_eq!(answer.status, 200);
    let key = key_file::load(&bench.folder.path().join("witness.key"), KeyUse::Witness).unwrap();
    let key = anchor_key(ORIGIN, &institution(), key.public_key()).unwrap();
    let note = SignedNote::parse(log(5).note().as_bytes()).unwrap();
    let line = answer.body.parse().unwrap();
    assert_eq!(verify_cosignature(note.text(), &key, &line), Ok(NOW_MS / 1000));
    assert_eq!(bench.last().unwrap().size, 5);
    bench.check(&request(&log(5), 5), 200, "witness");
    bench.check(&request(&log(9), 5), 200, "witness");
    assert_eq!(bench.last().unwrap().size, 9);
}

#[test]
fn what_does_not_extend_is_answered_as_the_specification_says() {
    let bench = bench();
    bench.check(&request(&log(5), 0), 200, "");
    bench.check(&request(&log(9), 0), 409, "5\n");
    bench.check(&request(&log(3), 0), 409, "5\n");
    bench.check(&WitnessRequest { body: "old x\n\n".to_owned(), ..request(&log(9), 5) }, 400, "old size");
    let foreign = request(&log(9), 5);
    let foreign = WitnessRequest { body: foreign.body.replace(ORIGIN, "other.example"), ..foreign };
    bench.check(&foreign, 404, "other.example");
    let mut forked = log(9);
    forked.0[0] = hash_leaf(b"rewritten");
    bench.check(&request(&forked, 5), 422, "proof");
    assert_eq!(bench.last().unwrap().size, 5);
}

#[test]
fn a_contradiction_is_evidence_and_an_alarm_and_is_not_cosigned() {
    let bench = bench();
    bench.check(&request(&log(5), 0), 200, "");
    let kept = last_witnessed(&*bench.store, ORIGIN).unwrap().unwrap();
    let mut forked = log(5);
    forked.0[4] = hash_leaf(b"rewritten");
    let Answered::Inconsistent(alarm) = bench.answer(&request(&forked, 5)) else { panic!("answered") };
    let Alarm::CheckpointInconsistent { size: 5, evidence } = &alarm else { panic!("{alarm}") };
    let notes: Vec<_> =
        evidence.iter().map(|digest| bench.evidence.load(digest.parse().unwrap()).unwrap()).collect();
    assert_eq!(notes, [kept.note().as_bytes(), forked.note().as_bytes()]);
    assert_eq!(Alarms::new(Arc::clone(&bench.store)).list().unwrap()[0].alarm, alarm);
    assert_eq!(last_witnessed(&*bench.store, ORIGIN).unwrap(), Some(kept));
}

#[test]
fn a_clock_that_is_off_or_a_missing_key_cosigns_nothing_and_says_so() {
    let bench = bench();
    for now_ms in [NOW_MS - CLOCK_OFF_MAX_MS - 1, NOW_MS + CLOCK_OFF_MAX_MS + 1, 0, u64::MAX] {
        bench.check(&WitnessRequest { now_ms, ..request(&log(5), 0) }, 503, "clocks differ");
    }
    assert_eq!(bench.last(), None);
    let keyless = open(&bench.store, &bench.folder.path().join("absent.key"));
    let keyless = Bench { witness: keyless, ..bench };
    keyless.check(&request(&log(5), 0), 503, "no witness key");
    assert_eq!(keyless.last(), None);
}

#[test]
fn a_state_that_is_not_durable_is_never_answered_with_a_cosignature() {
    for fault in [Fault::CommitRefused, Fault::CommitLost, Fault::CommitKept, Fault::FlushRefused] {
        let store = Arc::new(FaultyStore::new(MemoryStore::new()));
        let bench = bench_on(Arc::clone(&store) as Arc<dyn Store>);
        bench.check(&request(&log(5), 0), 200, "");
        store.plan(fault);
        assert!(bench.witness.answer(&request(&log(9), 5), &bench.evidence).is_err());
    }
}

#[test]
fn killed_between_state_and_answer_it_cosigns_the_same_again_and_nothing_else() {
    let bench = bench();
    bench.check(&request(&log(5), 0), 200, "");
    // The answer was lost with the process; the hub asks as before and learns the size.
    let again = Bench { witness: open(&bench.store, &bench.folder.path().join("witness.key")), ..bench };
    again.check(&request(&log(5), 0), 409, "5\n");
    again.check(&request(&log(5), 5), 200, "witness");
    let mut forked = log(5);
    forked.0[0] = hash_leaf(b"rewritten");
    assert!(matches!(again.answer(&request(&forked, 5)), Answered::Inconsistent(_)));
}
