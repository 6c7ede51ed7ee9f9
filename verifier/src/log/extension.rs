//! Whether a checkpoint extends what was verified before; and if it cannot, the evidence.

use safeharbor_core::checkpoint::Checkpoint;
use safeharbor_core::digest::Digest;
use safeharbor_core::fork::Fork;
use safeharbor_core::merkle::{prove_both_roots, roots_of_both};
use safeharbor_core::tile::{TileId, TileReader, TileTree};

use super::files::{self, LogFiles};
use super::state::AuditState;
use crate::evidence::verify_fork;
use crate::objection::{Fault, Objection};
use crate::trust::LogTrust;

/// Whether a checkpoint extends another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extension {
    /// The tiles show it.
    Shown,
    /// Tiles are missing or damaged.
    Untold,
}

/// Verifies that `next` can follow what was verified before.
///
/// Where nothing shows it either way, because tiles are missing or damaged, the walk that follows says what is wrong.
///
/// # Errors
/// Another registry, a smaller one, or one that contradicts the last verified checkpoint: that comes with the evidence. A
/// state whose checkpoint the registry did not sign is no evidence, and accuses nobody.
pub(crate) fn verify_extension(
    (files, trust): (&dyn LogFiles, &LogTrust),
    state: &AuditState,
    next: &Checkpoint,
    note: &str,
) -> Result<Extension, Objection> {
    if state.size() == 0 && state.verified.is_none() {
        return Ok(Extension::Shown);
    }
    if state.origin != next.origin {
        return Err(Fault::OtherRegistry { known: state.origin.clone(), found: next.origin.clone() }.into());
    }
    let mut extension = Extension::Shown;
    if let Some(known) = &state.verified {
        let last: Checkpoint = text_of(known).parse().map_err(Fault::State)?;
        if next.size >= last.size && last.size > 0 {
            extension = verify_root((files, trust), (&last, known), (next, note))?;
        } else if next.size < last.size {
            return Err(Fault::Behind { known: last.size, found: next.size }.into());
        }
    }
    if next.size < state.size() {
        return Err(Fault::Behind { known: state.size(), found: next.size }.into());
    }
    Ok(extension)
}

fn verify_root(
    (files, trust): (&dyn LogFiles, &LogTrust),
    (last, first): (&Checkpoint, &str),
    (next, second): (&Checkpoint, &str),
) -> Result<Extension, Objection> {
    let fork = |hashes| {
        let fork = Fork { first: first.to_owned(), second: second.to_owned(), hashes };
        verify_fork(&fork, &trust.logs()).map_err(|_unproven| Fault::StateUnsigned)?;
        Err(Fault::Forked { first: last.size, second: next.size, evidence: Box::new(fork) }.into())
    };
    if next.size == last.size {
        return if next.root == last.root { Ok(Extension::Shown) } else { fork(Vec::new()) };
    }
    match read_root_at(files, last.size, next) {
        Some((then, hashes)) if then != last.root => fork(hashes),
        Some(_) => Ok(Extension::Shown),
        None => Ok(Extension::Untold),
    }
}

/// Whether the tiles show that the tree below `next` begins with `tree`.
pub(super) fn is_extended_by(files: &dyn LogFiles, tree: &TileTree, next: &Checkpoint) -> bool {
    let then = if tree.size() == next.size {
        Some(next.root)
    } else {
        read_root_at(files, tree.size(), next).map(|(then, _hashes)| then)
    };
    then.is_some() && then == tree.root().ok()
}

/// The root that the tree below `next` had at a smaller size, with the hashes that prove it; none where the tiles do not lead to
/// the signed root.
fn read_root_at(files: &dyn LogFiles, size: u64, next: &Checkpoint) -> Option<(Digest, Vec<Digest>)> {
    let fetch = |tile: &TileId| {
        let hashes = files::read_hashes(files, tile)?;
        Ok::<Vec<u8>, Objection>(hashes.iter().flat_map(|hash| *hash.as_bytes()).collect())
    };
    let hashes = prove_both_roots(&mut TileReader::new(next.size, fetch), size, next.size).ok()?;
    let (then, in_the_end) = roots_of_both(size, next.size, &hashes).ok()?;
    (in_the_end == next.root).then_some((then, hashes))
}

/// The signed text of a note.
fn text_of(note: &str) -> String {
    let (text, _signatures) = note.rsplit_once("\n\n").unwrap_or((note, ""));
    format!("{text}\n")
}
