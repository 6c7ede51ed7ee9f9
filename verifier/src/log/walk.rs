//! The walk along a registry: bundles read and hashed in parallel, then each entry audited in order and put into the tree.

use safeharbor_core::audit::{AuditFailed, RegistryAudit};
use safeharbor_core::b64;
use safeharbor_core::checkpoint::Checkpoint;
use safeharbor_core::digest::Digest;
use safeharbor_core::directory::Announcement;
use safeharbor_core::entry::Entry;
use safeharbor_core::institution::Issuer;
use safeharbor_core::note::NOTE_BYTES_MAX;
use safeharbor_core::policy::WitnessedCheckpoint;
use safeharbor_core::tile::{PlacedTile, TILE_WIDTH, TileTreeFailed, bundles_between};

use super::ahead::in_order;
use super::extension::{is_extended_by, verify_extension};
use super::files::{self, CHECKPOINT, LogFiles};
use super::prepare::{Prepared, prepare};
use super::state::AuditState;
use crate::objection::{Fault, Objection};
use crate::progress::Progress;
use crate::trust::{HubKeySource, LogTrust};

/// How much of a registry is compared with what its entries yield.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// The entries, the chains, the public statements and the root.
    Entries,
    /// All of that, and every stored tile.
    EntriesAndTiles,
}

/// What a walk goes along, and how.
#[derive(Clone, Copy)]
#[expect(missing_debug_implementations, reason = "files may be anything that can be read")]
pub struct Course<'a> {
    /// The registry.
    pub files: &'a dyn LogFiles,
    /// What it is believed on.
    pub trust: &'a LogTrust,
    /// How much is compared.
    pub depth: Depth,
    /// Who is told how far it is.
    pub progress: &'a Progress,
}

/// An entry that a walk passes, before the root above it is known to hold.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    /// Its log index.
    pub index: u64,
    /// The entry.
    pub entry: &'a Entry,
    /// What it announces, where it is public.
    pub announcement: Option<&'a Announcement>,
}

/// Where a walk stands between two bundles.
#[derive(Clone, Copy)]
#[expect(missing_debug_implementations, reason = "files may be anything that can be read")]
pub struct Rest<'a> {
    /// What is held after the entries so far.
    pub state: &'a AuditState,
    files: &'a dyn LogFiles,
    checkpoint: &'a Checkpoint,
}

impl Rest<'_> {
    /// Whether the signed root vouches for the entries so far: until then they are the word of whoever keeps the files.
    #[must_use]
    pub fn is_vouched_for(&self) -> bool {
        is_extended_by(self.files, &self.state.tree, self.checkpoint)
    }
}

/// Whoever goes along on a walk.
pub trait Companion {
    /// Sees an entry.
    fn see(&mut self, _seen: Seen<'_>) {}

    /// May note where the walk stands, after each bundle.
    ///
    /// # Errors
    /// Whatever should end the walk.
    fn rest(&mut self, _rest: Rest<'_>) -> Result<(), Objection> {
        Ok(())
    }
}

/// A registry that is verified.
#[derive(Debug)]
pub struct VerifiedLog {
    believed: WitnessedCheckpoint,
    state: AuditState,
    hub_key_source: HubKeySource,
    bundles: u64,
    tiles: u64,
}

/// Walks from `state` to the checkpoint.
///
/// # Errors
/// The first thing that keeps the registry from being verified, and where.
pub fn walk(
    course: Course<'_>,
    state: AuditState,
    companion: &mut dyn Companion,
) -> Result<VerifiedLog, Objection> {
    let note = files::read(course.files, CHECKPOINT, NOTE_BYTES_MAX)?;
    let believed = course.trust.verify_checkpoint(&note).map_err(|fault| fault.in_file(CHECKPOINT))?;
    let note = String::from_utf8(note).map_err(|failed| Fault::NotText(failed.utf8_error()))?;
    verify_extension((course.files, course.trust), &state, &believed.checkpoint, &note)?;
    let (checkpoint, size) = (&believed.checkpoint, believed.checkpoint.size);
    let mut walk = Walk { course, companion, checkpoint, state, bundles: 0, tiles: 0 };
    walk.state.origin.clone_from(&checkpoint.origin);
    let read = |bundle| prepare(course.files, checkpoint, course.depth, bundle);
    let bundles = bundles_between(walk.state.size(), size);
    let walked = in_order(&bundles, course.files.readers(), read, |prepared| walk.take_bundle(&prepared?));
    course.progress.finish();
    walked?;
    walk.finish()?;
    let Walk { mut state, bundles, tiles, .. } = walk;
    let hub_key_source = pin_hub_key(course.trust, state.audit.as_ref())?;
    state.verified = Some(note);
    Ok(VerifiedLog { believed, state, hub_key_source, bundles, tiles })
}

struct Walk<'a> {
    course: Course<'a>,
    companion: &'a mut dyn Companion,
    checkpoint: &'a Checkpoint,
    state: AuditState,
    bundles: u64,
    tiles: u64,
}

impl Walk<'_> {
    fn take_bundle(&mut self, prepared: &Prepared) -> Result<(), Objection> {
        let start = prepared.bundle.index().saturating_mul(u64::from(TILE_WIDTH));
        let known = usize::try_from(self.state.size().saturating_sub(start)).unwrap_or(usize::MAX);
        self.compare_known(prepared, start, known)?;
        for (entry, leaf) in prepared.entries.iter().skip(known) {
            self.take_entry(&prepared.path, entry, *leaf)?;
        }
        self.bundles = self.bundles.saturating_add(1);
        self.tiles = self.tiles.saturating_add(prepared.tiles);
        self.course.progress.tell(self.state.size(), self.checkpoint.size);
        let Self { course: Course { files, .. }, checkpoint, state, .. } = self;
        self.companion.rest(Rest { state, files: *files, checkpoint })
    }

    /// The entries of a bundle that were there before must be the same ones.
    fn compare_known(&self, prepared: &Prepared, start: u64, known: usize) -> Result<(), Objection> {
        let hashes = self.state.tree.right_edge().first().map_or(&[][..], Vec::as_slice);
        let differs =
            prepared.entries.iter().zip(hashes).take(known).position(|((_, leaf), hash)| leaf != hash);
        differs.map_or(Ok(()), |at| {
            let index = start.saturating_add(u64::try_from(at).unwrap_or(u64::MAX));
            Err(Fault::Rewritten.in_file(&prepared.path).at_index(index))
        })
    }

    fn take_entry(&mut self, path: &str, bytes: &[u8], leaf: Digest) -> Result<(), Objection> {
        let audit = match &mut self.state.audit {
            Some(audit) => audit,
            none => {
                let begun = begin(self.course.trust, self.checkpoint, bytes);
                none.insert(begun.map_err(|fault| fault.in_file(path).at_index(0))?)
            }
        };
        let index = audit.size();
        let (entry, announcement) = audit.next(bytes).map_err(|failed| misplaced(failed, path))?;
        if announcement.as_ref().is_some_and(|announcement| *announcement != Announcement::Other) {
            self.state.public.push((index, bytes.to_vec()));
        }
        self.companion.see(Seen { index, entry: &entry, announcement: announcement.as_ref() });
        let (course, tiles) = (self.course, &mut self.tiles);
        self.state.tree.append(leaf, |tile| compare(course, tile, tiles))
    }

    fn finish(&mut self) -> Result<(), Objection> {
        let tree = &self.state.tree;
        for tile in &tree.partial_tiles().map_err(Fault::Tree)? {
            compare(self.course, tile, &mut self.tiles)?;
        }
        let (found, expected) = (tree.root().map_err(Fault::Tree)?, self.checkpoint.root);
        if found == expected {
            return Ok(());
        }
        let print = |root: Digest| b64::encode_std(root.as_bytes());
        Err(Fault::Root { expected: print(expected), found: print(found) }.in_file(CHECKPOINT))
    }
}

impl From<TileTreeFailed> for Objection {
    fn from(failed: TileTreeFailed) -> Self {
        Fault::Tree(failed).into()
    }
}

/// Begins the audit with the hub that the first entry names, which a policy must name as well.
fn begin(trust: &LogTrust, checkpoint: &Checkpoint, first: &[u8]) -> Result<RegistryAudit, Fault> {
    let hub = Entry::decode(first).map_err(Fault::Entry)?.iss;
    if matches!(hub, Issuer::Institution(_)) {
        return Err(Fault::FirstEntry);
    }
    if trust.hub_keys().is_some_and(|keys| keys.iter().all(|(named, _)| *named != hub)) {
        return Err(Fault::HubUnknown(hub));
    }
    Ok(RegistryAudit::new(&checkpoint.origin, hub))
}

fn misplaced(failed: AuditFailed, path: &str) -> Objection {
    Fault::Audit(failed.source).in_file(path).at_index(failed.index)
}

/// Compares a stored tile with the one that the entries yield. Those of leaf hashes were compared with their bundles.
fn compare(course: Course<'_>, (id, tile): &PlacedTile, compared: &mut u64) -> Result<(), Objection> {
    if course.depth == Depth::Entries || id.level() == 0 {
        return Ok(());
    }
    let stored = files::read_hashes(course.files, id)?;
    match tile.hashes().iter().zip(&stored).position(|(hash, stored)| hash != stored) {
        Some(at) => Err(Fault::Tile(at).in_file(id)),
        None => {
            *compared = compared.saturating_add(1);
            Ok(())
        }
    }
}

/// The key that vouches for itself must be the one that the policy names; later keys are vouched for by earlier ones.
fn pin_hub_key(trust: &LogTrust, audit: Option<&RegistryAudit>) -> Result<HubKeySource, Fault> {
    let (Some(named), Some(audit)) = (trust.hub_keys(), audit) else {
        return Ok(HubKeySource::LogItself);
    };
    let directory = audit.directory();
    let first = directory.hub_keys().first().ok_or(Fault::HubKey)?;
    let pinned = named.iter().any(|(hub, key)| hub == directory.hub() && *key == first.key);
    if pinned { Ok(HubKeySource::Policy) } else { Err(Fault::HubKey) }
}

impl VerifiedLog {
    /// The origin of the registry.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.believed.checkpoint.origin
    }

    /// The number of entries.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.believed.checkpoint.size
    }

    /// The checkpoint on which the registry is believed.
    #[must_use]
    pub const fn believed(&self) -> &WitnessedCheckpoint {
        &self.believed
    }

    /// The audit of all entries; none where there are none.
    #[must_use]
    pub const fn audit(&self) -> Option<&RegistryAudit> {
        self.state.audit.as_ref()
    }

    /// Where the audit stands: the next walk may begin here.
    #[must_use]
    pub const fn state(&self) -> &AuditState {
        &self.state
    }

    /// Where the audit stands.
    #[must_use]
    pub fn into_state(self) -> AuditState {
        self.state
    }

    /// Who vouches for the statement key of the hub.
    #[must_use]
    pub const fn hub_key_source(&self) -> HubKeySource {
        self.hub_key_source
    }

    /// How many entry bundles were read.
    #[must_use]
    pub const fn bundles(&self) -> u64 {
        self.bundles
    }

    /// How many stored tiles were compared.
    #[must_use]
    pub const fn tiles(&self) -> u64 {
        self.tiles
    }
}
