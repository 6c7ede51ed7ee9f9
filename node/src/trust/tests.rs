//! Receipts and checkpoints: what is believed, what raises an alarm.

use std::sync::Arc;

use safeharbor_core::checkpoint::{Checkpoint, sign_checkpoint};
use safeharbor_core::cosignature;
use safeharbor_core::directory::{KeySigns, KeyTerm};
use safeharbor_core::entry::Entry;
use safeharbor_core::key::Signer as _;
use safeharbor_core::merkle::hash_leaf;
use safeharbor_core::note::VerifierKey;
use safeharbor_core::statement::Statement;
use safeharbor_core::tlog_proof::{TlogProof, verify_receipt};
use safeharbor_proto::ReceivedReceipts;
use safeharbor_service::clock::ManualClock;
use safeharbor_service::evidence::Evidence;
use safeharbor_service::store::{MemoryStore, Store};

use super::testing::{Log, ORIGIN, policy};
use super::*;
use crate::chain::testing::{admitted, author, fill, signer, state};
use crate::chain::{Author, Memory};

struct Bench {
    _folder: tempfile::TempDir,
    evidence: std::path::PathBuf,
    store: Arc<dyn Store>,
    author: Author,
    book: ReceiptBook,
    log: Log,
}

/// Three statements, logged at 1, 2 and 3 behind one entry of somebody else.
fn bench(policy: Policy) -> Bench {
    bench_with_keys(policy, KeyTerms::default())
}

/// The same where the hub said which of our keys is valid where.
fn bench_with_keys(policy: Policy, keys: KeyTerms) -> Bench {
    let folder = tempfile::tempdir().unwrap();
    let evidence = folder.path().join("evidence");
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let author = author(&store);
    fill(&*store, 1..=3);
    state(&author, 10).unwrap();
    let mut log = Log(vec![hash_leaf(b"somebody else")]);
    for stated in author.chain.statements(1, 3).unwrap() {
        log.0.push(hash_leaf(&Entry::of(&Statement::parse(&stated.jwt).unwrap()).encode()));
    }
    let trust = Trust::new(policy, admitted()).unwrap().with_own_keys(keys);
    let clock = Arc::new(ManualClock::at_ms(1));
    let book = ReceiptBook::open(Arc::clone(&store), clock, trust, &evidence).unwrap();
    Bench { _folder: folder, evidence, store, author, book, log }
}

impl Bench {
    fn alarms(&self) -> Vec<Alarm> {
        let alarms = Alarms::new(Arc::clone(&self.store)).list().unwrap();
        alarms.into_iter().map(|raised| raised.alarm).collect()
    }

    fn receipts_from(&self) -> u64 {
        Memory::new(Arc::clone(&self.store)).receipts_from().unwrap()
    }
}

#[test]
fn verified_receipts_are_kept_and_verify_again_by_themselves() {
    let bench = bench(policy("quorum none"));
    let received = bench.log.receipts(0, &[(1, 1), (2, 2), (3, 3)]);
    assert_eq!(bench.book.keep(&received).unwrap(), 4);
    assert_eq!(last_receipted(&*bench.store).unwrap(), 3);
    for seq in 1..=3 {
        let kept = bench.book.receipt(seq).unwrap().unwrap();
        assert_eq!(kept.state, ReceiptState::Logged);
        let jwt = bench.author.chain.statement(seq).unwrap().unwrap().jwt;
        let entry = Entry::of(&Statement::parse(&jwt).unwrap()).encode();
        let proof: TlogProof = kept.proof.parse().unwrap();
        assert_eq!(proof.index, seq);
        verify_receipt(&entry, &proof, &policy("quorum none")).unwrap();
    }
    let mut visited = Vec::new();
    visit_receipts(&*bench.store, 2, &mut |receipt| visited.push(receipt.seq)).unwrap();
    assert_eq!(visited, [2, 3]);
}

#[test]
fn the_first_receipt_stays_and_duplicates_are_harmless() {
    let bench = bench(policy("quorum none"));
    bench.book.keep(&bench.log.receipts(0, &[(1, 1)])).unwrap();
    let first = bench.book.receipt(1).unwrap();
    let mut longer = bench.log.clone();
    longer.0.push(hash_leaf(b"later"));
    assert_eq!(bench.book.keep(&longer.receipts(4, &[(1, 1), (2, 2)])).unwrap(), 3);
    assert_eq!(bench.book.receipt(1).unwrap(), first);
    assert_eq!(LastCheckpoint::load(&*bench.store).unwrap().unwrap().checkpoint.size, 5);
}

#[test]
fn a_gap_in_the_receipts_is_not_skipped() {
    let bench = bench(policy("quorum none"));
    assert_eq!(bench.book.keep(&bench.log.receipts(0, &[(2, 2), (3, 3)])).unwrap(), 1);
    assert_eq!(bench.book.keep(&bench.log.receipts(4, &[(1, 1)])).unwrap(), 4);
}

/// Changes good receipts; they must be refused with an alarm, and nothing be kept.
fn check_refused(change: impl Fn(&mut ReceivedReceipts), is_expected: impl Fn(&Alarm) -> bool) {
    let bench = bench(policy("quorum none"));
    let mut received = bench.log.receipts(0, &[(1, 1), (2, 2)]);
    change(&mut received);
    let refused = bench.book.keep(&received).unwrap_err();
    let ReceiptsFailed::Refused { alarm } = &refused else { panic!("{refused:?}") };
    assert!(is_expected(alarm), "{alarm}");
    assert_eq!(bench.alarms(), [(**alarm).clone()]);
    assert_eq!((bench.receipts_from(), last_receipted(&*bench.store).unwrap()), (1, 0));
    assert_eq!(LastCheckpoint::load(&*bench.store).unwrap(), None);
}

#[test]
fn tampered_receipts_are_refused() {
    let of_receipt = |alarm: &Alarm| matches!(alarm, Alarm::ReceiptRefused { .. });
    let of_checkpoint = |alarm: &Alarm| matches!(alarm, Alarm::CheckpointRefused { .. });
    check_refused(|received| received.receipts[1].2[0] = Digest::of(b"other"), of_receipt);
    check_refused(|received| received.receipts[1].1 = 1, of_receipt);
    check_refused(|received| received.receipts[1].1 = 99, of_receipt);
    check_refused(|received| received.receipts[0].0 = 2, of_receipt);
    check_refused(|received| received.receipts[0].0 = 77, of_receipt);
    check_refused(|received| received.receipts[0].2.truncate(1), of_receipt);
    check_refused(
        |received| received.checkpoint = received.checkpoint.replace("\n4\n", "\n5\n"),
        of_checkpoint,
    );
    check_refused(
        |received| received.checkpoint = received.checkpoint.replace("log.", "gol."),
        of_checkpoint,
    );
    check_refused(|received| received.checkpoint.truncate(20), of_checkpoint);
    check_refused(
        |received| {
            let checkpoint: Checkpoint = received
                .checkpoint
                .split_once("\n\n")
                .map(|(text, _)| format!("{text}\n").parse().unwrap())
                .unwrap();
            received.checkpoint = sign_checkpoint(&checkpoint, &signer(8)).unwrap().to_string();
        },
        of_checkpoint,
    );
}

#[test]
fn a_checkpoint_of_the_same_size_with_another_root_is_evidence() {
    let bench = bench(policy("quorum none"));
    bench.book.keep(&bench.log.receipts(0, &[(1, 1)])).unwrap();
    let mut forked = bench.log.clone();
    forked.0[0] = hash_leaf(b"rewritten");
    check_evidence(&bench, &forked.receipts(4, &[(2, 2)]), &forked.note());
}

#[test]
fn at_the_same_size_the_roots_decide_whatever_the_proof_says() {
    let bench = bench(policy("quorum none"));
    bench.book.keep(&bench.log.receipts(0, &[(1, 1)])).unwrap();
    let mut same = bench.log.receipts(4, &[(2, 2)]);
    same.consistency = vec![Digest::of(b"superfluous")];
    bench.book.keep(&same).unwrap();
    let mut forked = bench.log.clone();
    forked.0[0] = hash_leaf(b"rewritten");
    let mut received = forked.receipts(4, &[(3, 3)]);
    received.consistency = vec![Digest::of(b"superfluous")];
    let ours = LastCheckpoint::load(&*bench.store).unwrap().unwrap();
    let refused = bench.book.keep(&received).unwrap_err();
    assert!(matches!(refused, ReceiptsFailed::Inconsistent { .. }), "{refused:?}");
    assert_eq!(LastCheckpoint::load(&*bench.store).unwrap().unwrap(), ours);
}

#[test]
fn a_proof_that_leads_elsewhere_proves_nothing() {
    let bench = bench(policy("quorum none"));
    bench.book.keep(&bench.log.receipts(0, &[(1, 1)])).unwrap();
    let mut longer = bench.log.clone();
    longer.0.push(hash_leaf(b"later"));
    let mut received = longer.receipts(4, &[(2, 2)]);
    received.consistency[0] = Digest::of(b"elsewhere");
    let refused = bench.book.keep(&received).unwrap_err();
    assert!(matches!(refused, ReceiptsFailed::Refused { .. }), "{refused:?}");
    assert!(matches!(&bench.alarms()[..], [Alarm::Unproven { ours: 4, theirs: 5, .. }]));
    assert_eq!(bench.receipts_from(), 2, "nothing of it is kept");
    assert_eq!(bench.book.keep(&longer.receipts(4, &[(2, 2)])).unwrap(), 3, "a good proof is believed");
}

fn check_evidence(bench: &Bench, received: &ReceivedReceipts, theirs: &str) {
    let ours = LastCheckpoint::load(&*bench.store).unwrap().unwrap().note;
    let refused = bench.book.keep(received).unwrap_err();
    let ReceiptsFailed::Inconsistent { alarm } = refused else { panic!("{refused:?}") };
    let Alarm::CheckpointInconsistent { evidence, .. } = &*alarm else { panic!("{alarm}") };
    let folder = Evidence::open(&bench.evidence, u64::MAX - 1).unwrap();
    let kept: Vec<_> = evidence.iter().map(|digest| folder.load(digest.parse().unwrap()).unwrap()).collect();
    assert_eq!(kept, [ours.as_bytes(), theirs.as_bytes()]);
    assert_eq!(LastCheckpoint::load(&*bench.store).unwrap().unwrap().note, ours, "the last one stays");
    assert_eq!(bench.receipts_from(), 2);
}

#[test]
fn a_missing_consistency_proof_proves_nothing_either_way() {
    let bench = bench(policy("quorum none"));
    bench.book.keep(&bench.log.receipts(0, &[(1, 1)])).unwrap();
    let mut longer = bench.log.clone();
    longer.0.push(hash_leaf(b"later"));
    let mut received = longer.receipts(4, &[(2, 2)]);
    received.consistency.clear();
    let refused = bench.book.keep(&received).unwrap_err();
    assert!(matches!(refused, ReceiptsFailed::Refused { .. }), "{refused:?}");
}

#[test]
fn a_smaller_registry_is_an_alarm_and_nothing_of_it_is_believed() {
    let bench = bench(policy("quorum none"));
    bench.book.keep(&bench.log.receipts(0, &[(1, 1)])).unwrap();
    let mut shorter = bench.log.clone();
    shorter.0.truncate(3);
    let refused = bench.book.keep(&shorter.receipts(0, &[(2, 2)])).unwrap_err();
    assert!(matches!(refused, ReceiptsFailed::Behind { .. }), "{refused:?}");
    assert_eq!(bench.alarms(), [Alarm::HubBehind { ours: 4, theirs: 3 }]);
    assert_eq!(bench.receipts_from(), 2);
}

#[test]
fn without_its_quorum_a_receipt_is_only_logged_and_a_witnessed_one_joins_it() {
    let witness = VerifierKey::cosignature("witness.example", signer(7).public_key()).unwrap();
    let bench = bench(policy(&format!("witness w {witness}\nquorum w")));
    let mut received = bench.log.receipts(0, &[(1, 1), (2, 2), (3, 3)]);
    assert_eq!(bench.book.keep(&received).unwrap(), 1, "logged does not suffice");
    let logged = bench.book.receipt(1).unwrap().unwrap();
    assert_eq!(logged.state, ReceiptState::Logged);
    let mut note = safeharbor_core::note::SignedNote::parse(received.checkpoint.as_bytes()).unwrap();
    let line = cosignature::cosign(note.text(), "witness.example", 1_700_000_000, &signer(7)).unwrap();
    note.append(line).unwrap();
    received.checkpoint = note.to_string();
    assert_eq!(bench.book.keep(&received).unwrap(), 4);
    assert_eq!(bench.book.receipt(1).unwrap().unwrap().state, ReceiptState::Witnessed);
}

#[test]
fn the_same_alarm_again_only_counts() {
    let bench = bench(policy("quorum none"));
    let mut received = bench.log.receipts(0, &[(1, 1)]);
    received.receipts[0].1 = 2;
    for _ in 0..3 {
        bench.book.keep(&received).unwrap_err();
    }
    let alarms = Alarms::new(Arc::clone(&bench.store)).list().unwrap();
    assert_eq!((alarms.len(), alarms[0].count), (1, 3));
}

#[test]
fn a_policy_of_several_logs_is_refused() {
    let first = VerifierKey::ed25519(ORIGIN, signer(9).public_key()).unwrap();
    let second = VerifierKey::ed25519("other.example", signer(8).public_key()).unwrap();
    let policy: Policy = format!("log {first}\nlog {second}\nquorum none\n").parse().unwrap();
    assert!(matches!(Trust::new(policy, admitted()), Err(TrustFailed::Logs(2))));
}

#[test]
fn a_stop_lasts_until_a_person_resumes() {
    let bench = bench(policy("quorum none"));
    let stopped = Stopped { alarm: Alarm::HubBehind { ours: 2, theirs: 1 }, since_ms: 5 };
    store_stop(&*bench.store, &stopped).unwrap();
    assert_eq!(load_stop(&*bench.store).unwrap(), Some(stopped));
    resume(&*bench.store).unwrap();
    assert_eq!(load_stop(&*bench.store).unwrap(), None);
}

/// The key that signed the three statements, valid so far.
fn ended_at(until: Option<u64>) -> KeyTerms {
    let (key, signs) = (signer(1).public_key(), KeySigns::Statements);
    KeyTerms::new(vec![KeyTerm { key, from: 1, until, signs, re_enrolled: false, confirmed: None }])
}

#[test]
fn a_statement_logged_after_its_key_ended_is_an_alarm_and_evidence() {
    let bench = bench_with_keys(policy("quorum none"), ended_at(Some(2)));
    assert_eq!(bench.book.keep(&bench.log.receipts(0, &[(1, 1), (2, 2)])).unwrap(), 3, "until then it holds");
    let refused = bench.book.keep(&bench.log.receipts(4, &[(3, 3)])).unwrap_err();
    let ReceiptsFailed::Foreign { alarm } = refused else { panic!("{refused:?}") };
    let Alarm::KeyNotValid { seq: 3, index: 3, evidence, .. } = &*alarm else { panic!("{alarm}") };
    assert_eq!(bench.alarms(), [(*alarm).clone()]);
    assert_eq!(last_receipted(&*bench.store).unwrap(), 2, "its receipt is not kept");
    assert_eq!(evidence.len(), 2, "the statement and its receipt");
    let folder = Evidence::open(&bench.evidence, u64::MAX - 1).unwrap();
    let kept = folder.load(evidence[0].parse().unwrap()).unwrap();
    assert_eq!(kept, bench.author.chain.statement(3).unwrap().unwrap().jwt.as_bytes());
}

#[test]
fn nothing_is_held_against_a_key_whose_end_is_not_known() {
    let bench = bench_with_keys(policy("quorum none"), ended_at(None));
    assert_eq!(bench.book.keep(&bench.log.receipts(0, &[(1, 1), (2, 2), (3, 3)])).unwrap(), 4);
}
