//! The walk along a registry: one bundle at a time, each entry hashed, audited and put into the tree.

use safeharbor_core::audit::{AuditFailed, RegistryAudit};
use safeharbor_core::b64;
use safeharbor_core::checkpoint::Checkpoint;
use safeharbor_core::digest::Digest;
use safeharbor_core::entry::Entry;
use safeharbor_core::institution::Issuer;
use safeharbor_core::merkle::hash_leaf;
use safeharbor_core::note::NOTE_BYTES_MAX;
use safeharbor_core::policy::WitnessedCheckpoint;
use safeharbor_core::tile::{BundleId, ENTRY_BYTES_MAX, TILE_WIDTH, bundles_between, decode_bundle};

use super::files::{self, CHECKPOINT, LogFiles, Width};
use super::tree::{PlacedTile, Tree};
use crate::objection::{Fault, Objection};
use crate::trust::{HubKeySource, LogTrust};

/// 256 entries, each behind two bytes of length.
const BUNDLE_BYTES_MAX: usize = 256 * (ENTRY_BYTES_MAX + 2);
/// 256 hashes.
const TILE_BYTES_MAX: usize = 256 * 32;

/// How much of a registry is compared with what its entries yield.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// The entries, the chains, the public statements and the root.
    Entries,
    /// All of that, and every stored tile.
    EntriesAndTiles,
}

/// A registry that is verified.
#[derive(Debug)]
pub struct VerifiedLog {
    believed: WitnessedCheckpoint,
    audit: Option<RegistryAudit>,
    hub_key_source: HubKeySource,
    bundles: u64,
    tiles: u64,
}

pub(super) fn walk(
    files: &impl LogFiles,
    trust: &LogTrust,
    depth: Depth,
    see: impl FnMut(u64, &Entry),
) -> Result<VerifiedLog, Objection> {
    let note = files::read(files, CHECKPOINT, NOTE_BYTES_MAX)?;
    let believed = trust.verify_checkpoint(&note).map_err(|fault| fault.in_file(CHECKPOINT))?;
    let size = believed.checkpoint.size;
    let tree = Tree::new(size);
    let mut walk =
        Walk { files, trust, depth, see, checkpoint: &believed.checkpoint, audit: None, tree, tiles: 0 };
    let mut bundles = 0_u64;
    for bundle in bundles_between(0, size) {
        walk.take_bundle(bundle)?;
        bundles = bundles.saturating_add(1);
    }
    let (audit, tiles) = walk.finish()?;
    let hub_key_source = pin_hub_key(trust, audit.as_ref())?;
    Ok(VerifiedLog { audit, hub_key_source, bundles, tiles, believed })
}

struct Walk<'a, F, S> {
    files: &'a F,
    trust: &'a LogTrust,
    depth: Depth,
    see: S,
    checkpoint: &'a Checkpoint,
    audit: Option<RegistryAudit>,
    tree: Tree,
    tiles: u64,
}

impl<F: LogFiles, S: FnMut(u64, &Entry)> Walk<'_, F, S> {
    fn take_bundle(&mut self, bundle: BundleId) -> Result<(), Objection> {
        let path = bundle.to_string();
        let (bytes, width) = files::read_tile(self.files, &path, BUNDLE_BYTES_MAX)?;
        let stored = if width == Width::Full { TILE_WIDTH } else { bundle.width() };
        let entries = decode_bundle(&bytes, stored).map_err(|source| Fault::Bundle(source).in_file(&path))?;
        for entry in entries.into_iter().take(usize::from(bundle.width())) {
            self.take_entry(&path, entry)?;
        }
        Ok(())
    }

    fn take_entry(&mut self, path: &str, bytes: &[u8]) -> Result<(), Objection> {
        let audit = match &mut self.audit {
            Some(audit) => audit,
            none => {
                none.insert(begin(self.trust, self.checkpoint, bytes).map_err(|fault| first(fault, path))?)
            }
        };
        let index = audit.size();
        let (entry, _announcement) = audit.next(bytes).map_err(|failed| misplaced(failed, path))?;
        (self.see)(index, &entry);
        let (files, depth, tiles) = (self.files, self.depth, &mut self.tiles);
        self.tree.append(hash_leaf(bytes), |tile| compare(files, depth, tile, tiles))
    }

    fn finish(self) -> Result<(Option<RegistryAudit>, u64), Objection> {
        let Self { files, depth, checkpoint, audit, tree, mut tiles, .. } = self;
        let (partial, found) = tree.finish()?;
        for tile in &partial {
            compare(files, depth, tile, &mut tiles)?;
        }
        if found == checkpoint.root {
            return Ok((audit, tiles));
        }
        let print = |root: Digest| b64::encode_std(root.as_bytes());
        Err(Fault::Root { expected: print(checkpoint.root), found: print(found) }.in_file(CHECKPOINT))
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

fn first(fault: Fault, path: &str) -> Objection {
    fault.in_file(path).at_index(0)
}

fn misplaced(failed: AuditFailed, path: &str) -> Objection {
    Fault::Audit(failed.source).in_file(path).at_index(failed.index)
}

/// Compares a stored tile byte for byte with the one that the entries yield.
fn compare(
    files: &impl LogFiles,
    depth: Depth,
    (id, tile): &PlacedTile,
    compared: &mut u64,
) -> Result<(), Objection> {
    if depth == Depth::Entries {
        return Ok(());
    }
    let path = id.to_string();
    let (mut stored, width) = files::read_tile(files, &path, TILE_BYTES_MAX)?;
    let expected = tile.encode();
    if width == Width::Full && stored.len() == TILE_BYTES_MAX {
        stored.truncate(expected.len());
    }
    if stored.len() != expected.len() {
        let fault = Fault::TileLength { expected: expected.len(), found: stored.len() };
        return Err(fault.in_file(path));
    }
    let (stored, _) = stored.as_chunks::<32>();
    match tile.hashes().iter().zip(stored).position(|(hash, stored)| hash.as_bytes() != stored) {
        Some(at) => Err(Fault::Tile(at).in_file(path)),
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
        self.audit.as_ref()
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
