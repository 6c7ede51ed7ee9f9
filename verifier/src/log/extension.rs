//! Whether a checkpoint extends what was verified before; and if it cannot, the evidence.

use safeharbor_core::checkpoint::Checkpoint;
use safeharbor_core::fork::Fork;
use safeharbor_core::merkle::{prove_both_roots, roots_of_both};
use safeharbor_core::tile::{TileId, TileReader};

use super::files::{self, LogFiles};
use super::state::AuditState;
use crate::objection::{Fault, Objection};

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
/// Another registry, a smaller one, or one that contradicts the last verified checkpoint: that comes with the evidence.
pub(crate) fn verify_extension(
    files: &dyn LogFiles,
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
            extension = verify_root(files, (&last, known), (next, note))?;
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
    files: &dyn LogFiles,
    (last, first): (&Checkpoint, &str),
    (next, second): (&Checkpoint, &str),
) -> Result<Extension, Objection> {
    let fork = |hashes| {
        let fork = Fork { first: first.to_owned(), second: second.to_owned(), hashes };
        Err(Fault::Forked { first: last.size, second: next.size, evidence: Box::new(fork) }.into())
    };
    if next.size == last.size {
        return if next.root == last.root { Ok(Extension::Shown) } else { fork(Vec::new()) };
    }
    let fetch = |tile: &TileId| {
        let hashes = files::read_hashes(files, tile)?;
        Ok::<Vec<u8>, Objection>(hashes.iter().flat_map(|hash| *hash.as_bytes()).collect())
    };
    let Ok(hashes) = prove_both_roots(&mut TileReader::new(next.size, fetch), last.size, next.size) else {
        return Ok(Extension::Untold);
    };
    match roots_of_both(last.size, next.size, &hashes) {
        Ok((then, in_the_end)) if in_the_end == next.root && then != last.root => fork(hashes),
        Ok((_, in_the_end)) if in_the_end == next.root => Ok(Extension::Shown),
        Ok(_) | Err(_) => Ok(Extension::Untold),
    }
}

/// The signed text of a note.
fn text_of(note: &str) -> String {
    let (text, _signatures) = note.rsplit_once("\n\n").unwrap_or((note, ""));
    format!("{text}\n")
}
