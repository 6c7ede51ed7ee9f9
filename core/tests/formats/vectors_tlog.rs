//! Whole static logs of other implementations: every checkpoint, tile, bundle and root must verify.

use std::fs;
use std::path::{Path, PathBuf};

use safeharbor_core::checkpoint::{Checkpoint, verify_checkpoint};
use safeharbor_core::cosignature::verify_cosignature;
use safeharbor_core::digest::Digest;
use safeharbor_core::key::{MemorySigner, Signer as _};
use safeharbor_core::merkle::{self, Frontier, hash_leaf};
use safeharbor_core::note::{SignedNote, VerifierKey};
use safeharbor_core::tile::{BundleId, TileHashes, TileId, TileReader, bundles_between, decode_bundle};
use safeharbor_core::witness::{
    AddCheckpoint, AddCheckpointFailed, Cosigner, MemoryWitnessStore, NotCosigned,
};
use zeroize::Zeroizing;

use crate::support;

/// Proofs are made for about this many entries of a log, however large it is.
const ENTRIES_PROVED: u64 = 500;

struct Log {
    folder: PathBuf,
    key: VerifierKey,
}

fn logs() -> Vec<Log> {
    let Some(folder) = support::vectors("tlog") else { return Vec::new() };
    let folders = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let folders: Vec<PathBuf> = folders.filter(|path| path.is_dir()).collect();
    assert!(!folders.is_empty(), "no log among the vectors");
    folders.into_iter().map(open).collect()
}

fn open(folder: PathBuf) -> Log {
    let vkey = fs::read_to_string(folder.join("vkey")).unwrap();
    let key: VerifierKey = vkey.trim_end().parse().unwrap();
    assert_eq!(key.to_string(), vkey.trim_end());
    Log { folder, key }
}

impl Log {
    fn checkpoint_files(&self) -> Vec<PathBuf> {
        let files = fs::read_dir(&self.folder).unwrap().map(|entry| entry.unwrap());
        let files = files.filter(|file| file.file_name().to_string_lossy().starts_with("checkpoint"));
        let mut paths: Vec<PathBuf> = files.map(|file| file.path()).collect();
        assert!(!paths.is_empty(), "no checkpoint in {}", self.folder.display());
        paths.sort();
        paths
    }

    /// Every verified checkpoint, smallest first.
    fn checkpoints(&self) -> Vec<Checkpoint> {
        let files = self.checkpoint_files();
        let mut checkpoints: Vec<Checkpoint> = files.iter().map(|path| self.checkpoint(path)).collect();
        checkpoints.sort_by_key(|checkpoint| checkpoint.size);
        checkpoints
    }

    fn checkpoint(&self, path: &Path) -> Checkpoint {
        let note = fs::read(path).unwrap();
        verify_checkpoint(&note, &self.key).unwrap_or_else(|error| panic!("{}: {error:?}", path.display()))
    }

    fn size(&self) -> u64 {
        self.checkpoints().last().unwrap().size
    }

    /// The bytes of a tile, out of the full one where the partial one is gone.
    fn tile(&self, id: &TileId) -> Result<Vec<u8>, std::io::Error> {
        let read = |id: TileId| fs::read(self.folder.join(id.to_string()));
        read(*id).or_else(|_partial| read(id.full()))
    }

    fn reader(&self, size: u64) -> TileReader<impl FnMut(&TileId) -> Result<Vec<u8>, std::io::Error>> {
        TileReader::new(size, |id: &TileId| self.tile(id))
    }

    /// The paths of the files under `tile/`, as the log's own paths.
    fn tile_paths(&self) -> Vec<String> {
        let mut folders = vec![self.folder.join("tile")];
        let mut paths = Vec::new();
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    paths.push(path.strip_prefix(&self.folder).unwrap().to_str().unwrap().to_owned());
                }
            }
        }
        assert!(!paths.is_empty(), "no tile in {}", self.folder.display());
        paths
    }

    fn entries(&self, id: &BundleId) -> Vec<Vec<u8>> {
        let read = |id: BundleId| fs::read(self.folder.join(id.to_string())).map(|bytes| (id, bytes));
        let (found, bytes) = read(*id).or_else(|_partial| read(id.full())).unwrap();
        let entries = decode_bundle(&bytes, found.width()).unwrap();
        entries.into_iter().take(usize::from(id.width())).map(<[u8]>::to_vec).collect()
    }

    /// The leaf hashes of all entries, from the bundles.
    fn leaves(&self) -> Vec<Digest> {
        let entries = bundles_between(0, self.size()).flat_map(|id| self.entries(&id));
        entries.map(|entry| hash_leaf(&entry)).collect()
    }
}

#[test]
fn roots_of_tlog_vectors_follow_from_tiles_and_from_entries() {
    for log in logs() {
        let leaves = log.leaves();
        let mut frontier = Frontier::new();
        for Checkpoint { size, root, .. } in log.checkpoints() {
            let added = &leaves[usize::try_from(frontier.size()).unwrap()..usize::try_from(size).unwrap()];
            added.iter().for_each(|leaf| frontier.append(leaf));
            assert_eq!(frontier.root(), root, "{size} entries");
            assert_eq!(merkle::root(&mut log.reader(size), size).unwrap(), root, "{size} entries in tiles");
        }
    }
}

#[test]
fn tiles_and_bundles_of_tlog_vectors_agree() {
    for log in logs() {
        let leaves = log.leaves();
        for path in log.tile_paths() {
            let bytes = fs::read(log.folder.join(&path)).unwrap();
            if let Ok(id) = path.parse::<BundleId>() {
                let hashes = decode_bundle(&bytes, id.width()).unwrap();
                let hashes: Vec<Digest> = hashes.into_iter().map(hash_leaf).collect();
                let start = usize::try_from(id.index() * 256).unwrap();
                assert_eq!(hashes, leaves[start..start + hashes.len()], "{path}");
            } else {
                let id: TileId = path.parse().unwrap_or_else(|_refused| panic!("{path}"));
                assert_eq!(id.to_string(), path);
                assert_eq!(
                    TileHashes::decode(&bytes, id.width()).unwrap(),
                    derive(&log, &leaves, &id),
                    "{path}"
                );
            }
        }
    }
}

/// The hashes a tile must have, from the leaves or from the full tiles below.
fn derive(log: &Log, leaves: &[Digest], id: &TileId) -> TileHashes {
    let start = id.index() * 256;
    let places = start..start + u64::from(id.width());
    let hashes = places.map(|place| match id.level() {
        0 => leaves[usize::try_from(place).unwrap()],
        level => {
            let below = TileId::in_tree(level - 1, place, u64::MAX).unwrap();
            TileHashes::decode(&log.tile(&below).unwrap(), 256).unwrap().root().unwrap()
        }
    });
    TileHashes::build(hashes.collect()).unwrap()
}

#[test]
fn proofs_from_tlog_vectors_verify() {
    for log in logs() {
        let leaves = log.leaves();
        let checkpoints = log.checkpoints();
        for new in checkpoints.iter().filter(|checkpoint| checkpoint.size > 0) {
            let mut reader = log.reader(new.size);
            let step = usize::try_from(new.size / ENTRIES_PROVED + 1).unwrap();
            for index in (0..new.size).step_by(step) {
                let proof = merkle::prove_inclusion(&mut reader, index, new.size).unwrap();
                let leaf = &leaves[usize::try_from(index).unwrap()];
                merkle::verify_inclusion(leaf, index, new.size, &proof, &new.root).unwrap();
            }
            for old in checkpoints.iter().filter(|old| (1..=new.size).contains(&old.size)) {
                let proof = merkle::prove_consistency(&mut reader, old.size, new.size).unwrap();
                merkle::verify_consistency(old.size, new.size, &proof, &old.root, &new.root).unwrap();
            }
        }
    }
}

#[test]
fn a_flipped_bit_never_makes_another_checkpoint_of_the_tlog_vectors() {
    for log in logs() {
        let path = &log.checkpoint_files()[0];
        let (note, checkpoint) = (fs::read(path).unwrap(), log.checkpoint(path));
        for bit in 0..note.len() * 8 {
            let mut flipped = note.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let verified = verify_checkpoint(&flipped, &log.key);
            assert!(
                verified.is_err() || verified == Ok(checkpoint.clone()),
                "bit {bit} of {}",
                path.display()
            );
        }
    }
}

#[test]
fn a_witness_follows_tlog_vectors_and_never_goes_back() {
    for log in logs() {
        let (logs, store) = ([log.key.clone()], MemoryWitnessStore::default());
        let signer = MemorySigner::from_seed(&Zeroizing::new([4; 32]));
        let cosigner = Cosigner { logs: &logs, name: "w.example", signer: &signer, store: &store };
        let paths = log.checkpoint_files();
        let mut notes: Vec<(u64, SignedNote)> = paths
            .iter()
            .map(|path| (log.checkpoint(path).size, SignedNote::parse(&fs::read(path).unwrap()).unwrap()))
            .collect();
        notes.sort_by_key(|(size, _)| *size);
        let mut old = 0;
        for (size, note) in &notes {
            let proof = merkle::prove_consistency(&mut log.reader(*size), old, *size).unwrap_or_default();
            let request = AddCheckpoint { old, proof, note: note.clone() };
            let line =
                cosigner.add_checkpoint(&request, 7).unwrap_or_else(|refused| panic!("{size}: {refused}"));
            let key = VerifierKey::cosignature("w.example", signer.public_key()).unwrap();
            assert_eq!(verify_cosignature(note.text(), &key, &line), Ok(7));
            old = *size;
        }
        let back = AddCheckpoint { old: notes[0].0, proof: Vec::new(), note: notes[0].1.clone() };
        let refused = cosigner.add_checkpoint(&back, 8).unwrap_err();
        assert!(matches!(refused, AddCheckpointFailed::Not(NotCosigned::Conflict { size }) if size == old));
    }
}
