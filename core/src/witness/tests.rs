//! Tests of the witness: everything over small trees, every answer of the specification, and what a race may not do.

use std::cell::RefCell;

use zeroize::Zeroizing;

use super::*;
use crate::checkpoint::sign_checkpoint;
use crate::cosignature::verify_cosignature;
use crate::digest::Digest;
use crate::key::{MemorySigner, Signer as _};
use crate::merkle::{HashReader, VerifyProofFailed, hash_leaf, hash_node, prove_consistency, root};
use crate::note::SignatureLine;

const ORIGIN: &str = "log.example";
const SIZES: u64 = 17;

fn signer(seed: u8) -> MemorySigner {
    MemorySigner::from_seed(&Zeroizing::new([seed; 32]))
}

fn log_key() -> VerifierKey {
    VerifierKey::ed25519(ORIGIN, signer(1).public_key()).unwrap()
}

fn witness_key() -> VerifierKey {
    VerifierKey::cosignature("w.example", signer(2).public_key()).unwrap()
}

/// A log whose entries from `fork` on differ from those of the honest one.
#[derive(Clone, Copy)]
struct Log {
    fork: u64,
}

const HONEST: Log = Log { fork: u64::MAX };

impl HashReader for Log {
    type Error = ();

    fn hash(&mut self, level: u8, index: u64) -> Result<Digest, ()> {
        if level == 0 {
            let branch = u8::from(index >= self.fork);
            return Ok(hash_leaf(&[index.to_be_bytes().as_slice(), &[branch]].concat()));
        }
        let left = self.hash(level - 1, index * 2)?;
        Ok(hash_node(&left, &self.hash(level - 1, index * 2 + 1)?))
    }
}

impl Log {
    fn checkpoint(mut self, size: u64) -> Checkpoint {
        Checkpoint { origin: ORIGIN.to_owned(), size, root: root(&mut self, size).unwrap() }
    }

    fn note(self, size: u64) -> SignedNote {
        sign_checkpoint(&self.checkpoint(size), &signer(1)).unwrap()
    }

    fn request(mut self, old: u64, size: u64) -> AddCheckpoint {
        let proof = prove_consistency(&mut self, old, size).unwrap_or_default();
        AddCheckpoint { old, proof, note: self.note(size) }
    }
}

fn add(store: &MemoryWitnessStore, request: &AddCheckpoint) -> Result<SignatureLine, NotCosigned> {
    let (logs, signer) = ([log_key()], signer(2));
    let cosigner = Cosigner { logs: &logs, name: "w.example", signer: &signer, store };
    cosigner.add_checkpoint(request, 1234).map_err(|failed| {
        let AddCheckpointFailed::Not(not) = failed else { panic!("{failed:?}") };
        not
    })
}

/// A witness that cosigned the honest log at `size`; at 0 it has seen nothing.
fn witness_at(size: u64) -> MemoryWitnessStore {
    let store = MemoryWitnessStore::default();
    if size > 0 {
        add(&store, &HONEST.request(0, size)).unwrap();
    }
    store
}

fn size_of(store: &MemoryWitnessStore) -> u64 {
    store.load(ORIGIN).unwrap().map_or(0, |last| last.checkpoint().size)
}

#[test]
fn every_extension_of_every_small_tree_is_cosigned_and_kept() {
    for old in 0..=SIZES {
        for size in old..=SIZES {
            let store = witness_at(old);
            let request = HONEST.request(old, size);
            let line = add(&store, &request).unwrap_or_else(|refused| panic!("{old} to {size}: {refused}"));
            assert_eq!(verify_cosignature(request.note.text(), &witness_key(), &line), Ok(1234));
            assert_eq!(size_of(&store), size);
            assert!(add(&store, &HONEST.request(size, size)).is_ok(), "{size} again");
        }
    }
}

#[test]
fn no_forked_tree_of_any_size_is_cosigned_after_the_honest_one() {
    for old in 1..=SIZES {
        for fork in 0..old {
            for size in old..=SIZES {
                let store = witness_at(old);
                let refused = add(&store, &Log { fork }.request(old, size)).unwrap_err();
                let as_expected = match size == old {
                    true => matches!(refused, NotCosigned::Inconsistent { .. }),
                    false => matches!(refused, NotCosigned::Proof(_)),
                };
                assert!(as_expected, "{old} {fork} {size}: {refused:?}");
                assert_eq!(store.load(ORIGIN).unwrap().unwrap().checkpoint(), &HONEST.checkpoint(old));
            }
        }
    }
}

#[test]
fn whatever_is_asked_the_size_never_falls_and_only_the_size_cosigned_last_is_gone_on_from() {
    for last in 0..=SIZES {
        for old in 0..=SIZES {
            for size in 0..=SIZES {
                let store = witness_at(last);
                let expected = match () {
                    () if old > size => Err(NotCosigned::OldLarger { old, size }),
                    () if old != last => Err(NotCosigned::Conflict { size: last }),
                    () => Ok(()),
                };
                assert_eq!(
                    add(&store, &HONEST.request(old, size)).map(drop),
                    expected,
                    "{last} {old} {size}"
                );
                assert_eq!(size_of(&store), if expected.is_ok() { size } else { last });
            }
        }
    }
}

#[test]
fn an_inconsistent_checkpoint_yields_both_notes() {
    let store = witness_at(7);
    let forked = Log { fork: 3 };
    let mut request = forked.request(7, 7);
    request.note.append(SignatureLine::new(&witness_key(), vec![0; 72])).unwrap();
    let NotCosigned::Inconsistent { size: 7, ours, theirs } = add(&store, &request).unwrap_err() else {
        panic!("not inconsistent");
    };
    for (note, expected) in [(ours, HONEST.checkpoint(7)), (theirs.clone(), forked.checkpoint(7))] {
        assert_eq!(crate::checkpoint::verify_checkpoint(note.as_bytes(), &log_key()), Ok(expected));
    }
    assert_eq!(theirs, forked.note(7).to_string(), "with the log's own line alone");
}

fn check(request: &AddCheckpoint, status: u16, is_expected: impl Fn(&NotCosigned) -> bool) {
    let store = witness_at(5);
    let refused = add(&store, request).unwrap_err();
    assert!(is_expected(&refused), "{refused:?}");
    assert_eq!(refused.http_status(), status);
    assert_eq!(size_of(&store), 5);
}

#[test]
fn each_refusal_has_its_status() {
    let good = HONEST.request(5, 9);
    let with_note = |note: SignedNote| AddCheckpoint { note, ..good.clone() };
    let foreign = Checkpoint { origin: "other.example".into(), ..HONEST.checkpoint(9) };
    let unknown = with_note(sign_checkpoint(&foreign, &signer(1)).unwrap());
    check(&unknown, 404, |refused| matches!(refused, NotCosigned::UnknownOrigin(_)));
    let unsigned = with_note(sign_checkpoint(&HONEST.checkpoint(9), &signer(3)).unwrap());
    check(&unsigned, 403, |refused| matches!(refused, NotCosigned::NotTheLogs(_)));
    let no_checkpoint = with_note(crate::note::sign_note("log.example\n", ORIGIN, &signer(1)).unwrap());
    check(&no_checkpoint, 400, |refused| matches!(refused, NotCosigned::Text(_)));
    check(&HONEST.request(5, 4), 400, |refused| {
        matches!(refused, NotCosigned::OldLarger { old: 5, size: 4 })
    });
    check(&HONEST.request(4, 9), 409, |refused| matches!(refused, NotCosigned::Conflict { size: 5 }));
    check(&HONEST.request(0, 9), 409, |refused| matches!(refused, NotCosigned::Conflict { size: 5 }));
    let forked = Log { fork: 0 }.request(5, 5);
    check(&forked, 409, |refused| matches!(refused, NotCosigned::Inconsistent { size: 5, .. }));
    let unproven = AddCheckpoint { proof: vec![], ..good.clone() };
    check(&unproven, 422, |refused| matches!(refused, NotCosigned::Proof(_)));
    let superfluous = AddCheckpoint { proof: good.proof.clone(), ..HONEST.request(5, 5) };
    check(&superfluous, 422, |refused| matches!(refused, NotCosigned::Proof(_)));
}

#[test]
fn from_nothing_the_proof_is_empty_and_the_empty_tree_has_its_root() {
    let store = witness_at(0);
    let with_proof = AddCheckpoint { proof: HONEST.request(5, 9).proof, ..HONEST.request(0, 9) };
    let length = NotCosigned::Proof(VerifyProofFailed::Length { expected: 0, found: 5 });
    assert_eq!(add(&store, &with_proof), Err(length));
    let false_root = Checkpoint { root: Digest::of(b"x"), ..HONEST.checkpoint(0) };
    let note = sign_checkpoint(&false_root, &signer(1)).unwrap();
    let request = AddCheckpoint { old: 0, proof: vec![], note };
    assert_eq!(add(&store, &request), Err(NotCosigned::Proof(VerifyProofFailed::Root)));
    assert!(add(&store, &HONEST.request(0, 0)).is_ok());
    assert!(add(&store, &HONEST.request(0, 9)).is_ok(), "everything extends the empty tree");
}

/// A store on which another request always wins first.
struct Raced {
    store: MemoryWitnessStore,
    faster: RefCell<Vec<AddCheckpoint>>,
}

impl WitnessStore for Raced {
    type Error = std::convert::Infallible;

    fn load(&self, origin: &str) -> Result<Option<Witnessed>, Self::Error> {
        self.store.load(origin)
    }

    fn replace(&self, before: Option<&Witnessed>, next: &Witnessed) -> Result<bool, Self::Error> {
        if let Some(faster) = self.faster.borrow_mut().pop() {
            add(&self.store, &faster).unwrap();
        }
        self.store.replace(before, next)
    }
}

#[test]
fn the_race_of_the_specification_rolls_nothing_back() {
    let faster = RefCell::new(vec![HONEST.request(5, 12)]);
    let raced = Raced { store: witness_at(5), faster };
    let (logs, signer) = ([log_key()], signer(2));
    let cosigner = Cosigner { logs: &logs, name: "w.example", signer: &signer, store: &raced };
    let refused = cosigner.add_checkpoint(&HONEST.request(5, 9), 1).unwrap_err();
    assert!(matches!(refused, AddCheckpointFailed::Not(NotCosigned::Conflict { size: 12 })), "{refused:?}");
    assert_eq!(size_of(&raced.store), 12);
}

#[test]
fn the_kept_note_reads_back_and_carries_the_cosignature() {
    let store = witness_at(5);
    let last = store.load(ORIGIN).unwrap().unwrap();
    assert_eq!(Witnessed::read(last.note()), Ok(last.clone()));
    let note = SignedNote::parse(last.note().as_bytes()).unwrap();
    assert_eq!(note.verify(&[log_key(), witness_key()]).unwrap().len(), 2);
    assert!(Witnessed::read("x").is_err());
}

#[test]
fn requests_round_trip() {
    for (old, size) in [(0, 0), (0, 5), (5, 5), (5, 9)] {
        let request = HONEST.request(old, size);
        assert_eq!(request.to_string().parse(), Ok(request));
    }
}

#[test]
fn malformed_requests_are_refused() {
    use ParseRequestFailed as Failed;
    let note = HONEST.note(5);
    let check = |text: &str, expected| assert_eq!(text.parse::<AddCheckpoint>(), Err(expected), "{text}");
    for bad in ["", "old", "old 5", "new 5\n\n", "old 05\n\n", "old -1\n\n", "old  5\n\n"] {
        check(bad, Failed::Old);
    }
    check(&format!("old 5\n{note}"), Failed::Hash(1));
    check(&format!("old 5\nAQ==\n\n{note}"), Failed::Hash(1));
    check("old 5\n", Failed::Hash(1));
    let hash = crate::b64::encode_std(&[7; 32]) + "\n";
    assert!(format!("old 5\n{}\n{note}", hash.repeat(63)).parse::<AddCheckpoint>().is_ok());
    check(&format!("old 5\n{}\n{note}", hash.repeat(64)), Failed::Hash(64));
    assert!(matches!("old 5\n\nx".parse::<AddCheckpoint>(), Err(Failed::Note(_))));
    let long = format!("old 5\n\n{}", "x".repeat(REQUEST_BYTES_MAX));
    check(&long, Failed::TooLong(long.len()));
}

#[test]
fn sizes_are_canonical() {
    assert_eq!(parse_size(&print_size(7)), Some(7));
    for bad in ["", "7", "07\n", "7\n\n", " 7\n", "7 \n", "x\n"] {
        assert_eq!(parse_size(bad), None, "{bad:?}");
    }
}

#[test]
fn two_quorums_share_an_honest_witness() {
    for witnesses in 0..40_u32 {
        for colluding in 0..40_u32 {
            let Some(needed) = quorum_size(witnesses, colluding) else {
                // Without one, even all of them would not do.
                assert!(
                    witnesses <= colluding + 1 || 2 * witnesses < witnesses + colluding + 1,
                    "{witnesses} {colluding}"
                );
                continue;
            };
            assert!(needed <= witnesses);
            // Two sets of this size share at least 2k − n witnesses; one less would not do.
            assert!(2 * needed - witnesses > colluding);
            assert!(2 * (needed - 1) <= witnesses + colluding);
        }
    }
    assert_eq!((quorum_size(3, 0), quorum_size(15, 4), quorum_size(4, 1)), (Some(2), Some(10), Some(3)));
    assert_eq!((quorum_size(0, 0), quorum_size(1, 0), quorum_size(3, 3)), (None, Some(1), None));
}

#[test]
fn an_anchor_is_named_after_log_and_institution() {
    let code = "12100000400002259P".parse().unwrap();
    let key = anchor_key("hub.example/registry", &code, signer(2).public_key()).unwrap();
    assert_eq!(key.name(), "hub.example/registry/witness/12100000400002259P");
    assert_eq!(key.type_byte(), 4);
}
