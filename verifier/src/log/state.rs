//! Where an audit of a registry stands: enough to go on behind the last entry, as a file of its own.
//!
//! The file is as good as the disk it lies on: whoever can change it can change this program. Its first line holds the SHA-256
//! of the rest, so that damage is noticed; and nothing of it is believed before the next root that the log signed is reached.

use std::collections::BTreeMap;

use safeharbor_core::audit::RegistryAudit;
use safeharbor_core::b64;
use safeharbor_core::chain::Head;
use safeharbor_core::digest::Digest;
use safeharbor_core::institution::Issuer;
use safeharbor_core::tile::TileTree;
use serde::{Deserialize, Serialize};

const HEADER: &str = "safeharbor-audit-state@v1 ";
/// The most bytes a state file may have: some hundred bytes for each chain, some thousand for each public statement that
/// changes the directory.
pub const STATE_BYTES_MAX: usize = 256 << 20;

/// What an auditor holds after so many entries of a registry.
#[derive(Debug, Clone)]
pub struct AuditState {
    pub(super) origin: String,
    pub(super) audit: Option<RegistryAudit>,
    pub(super) tree: TileTree,
    /// The public entries that changed the directory, with their log indexes: it is made again from them.
    pub(super) public: Vec<(u64, Vec<u8>)>,
    /// The last checkpoint whose root the entries yielded, verbatim.
    pub(super) verified: Option<String>,
}

/// Bytes that are no state.
#[derive(Debug, thiserror::Error)]
pub enum ParseStateFailed {
    /// Not the first line of a state, or its checksum is not that of the rest.
    #[error("the file was changed or is no state of an audit")]
    Checksum,
    /// Not JSON of the right form.
    #[error("the state is malformed")]
    Json(#[from] serde_json::Error),
    /// The state contradicts itself.
    #[error("the state contradicts itself")]
    Content,
}

#[derive(Serialize, Deserialize)]
struct Written {
    origin: String,
    size: u64,
    hub: Option<String>,
    levels: Vec<Vec<String>>,
    heads: Vec<(String, u64, String)>,
    public: Vec<(u64, String)>,
    verified: Option<String>,
}

impl AuditState {
    /// Before the first entry.
    #[must_use]
    pub fn begin() -> Self {
        Self { origin: String::new(), audit: None, tree: TileTree::new(), public: Vec::new(), verified: None }
    }

    /// How many entries were taken.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.tree.size()
    }

    /// The last checkpoint whose root the entries yielded, verbatim.
    #[must_use]
    pub fn verified(&self) -> Option<&str> {
        self.verified.as_deref()
    }

    /// Prints the file.
    ///
    /// # Errors
    /// None: numbers and texts always serialise.
    pub fn print(&self) -> Result<String, ParseStateFailed> {
        let hash = |hash: &Digest| b64::encode_std(hash.as_bytes());
        let heads = self.audit.iter().flat_map(RegistryAudit::heads);
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).or(Err(ParseStateFailed::Content));
        let written = Written {
            origin: self.origin.clone(),
            size: self.size(),
            hub: self.audit.as_ref().map(|audit| audit.directory().hub().to_string()),
            levels: self.tree.right_edge().iter().map(|level| level.iter().map(hash).collect()).collect(),
            heads: heads.map(|(iss, head)| (iss.to_string(), head.seq, hash(&head.digest))).collect(),
            public: self
                .public
                .iter()
                .map(|(index, entry)| Ok((*index, text(entry)?)))
                .collect::<Result<_, ParseStateFailed>>()?,
            verified: self.verified.clone(),
        };
        let body = serde_json::to_string(&written)?;
        Ok(format!("{HEADER}{}\n{body}\n", Digest::of(body.as_bytes())))
    }

    /// Reads the file.
    ///
    /// # Errors
    /// Any of [`ParseStateFailed`].
    pub fn parse(text: &str) -> Result<Self, ParseStateFailed> {
        let (checksum, body) = text
            .strip_prefix(HEADER)
            .and_then(|rest| rest.strip_suffix('\n'))
            .and_then(|rest| rest.split_once('\n'))
            .ok_or(ParseStateFailed::Checksum)?;
        if Digest::of(body.as_bytes()).to_string() != checksum {
            return Err(ParseStateFailed::Checksum);
        }
        let Written { origin, size, hub, levels, heads, public, verified } = serde_json::from_str(body)?;
        let hash = |text: &String| {
            let bytes = b64::decode_std(text).or(Err(ParseStateFailed::Content))?;
            Digest::try_from(bytes.as_slice()).or(Err(ParseStateFailed::Content))
        };
        let levels: Vec<Vec<Digest>> =
            levels.iter().map(|level| level.iter().map(hash).collect()).collect::<Result<_, _>>()?;
        let tree = TileTree::from_right_edge(size, levels).or(Err(ParseStateFailed::Content))?;
        let issuer = |text: &String| text.parse::<Issuer>().or(Err(ParseStateFailed::Content));
        let heads: BTreeMap<Issuer, Head> = heads
            .iter()
            .map(|(iss, seq, digest)| Ok((issuer(iss)?, Head { seq: *seq, digest: hash(digest)? })))
            .collect::<Result<_, ParseStateFailed>>()?;
        let public: Vec<(u64, Vec<u8>)> =
            public.into_iter().map(|(index, entry)| (index, entry.into_bytes())).collect();
        let resume = |hub: String| {
            let entries = public.iter().map(|(index, entry)| (*index, entry.as_slice()));
            let resumed = RegistryAudit::resume(&origin, issuer(&hub)?, entries, heads, size);
            resumed.or(Err(ParseStateFailed::Content))
        };
        let audit = hub.map(resume).transpose()?;
        if audit.is_none() != (size == 0) {
            return Err(ParseStateFailed::Content);
        }
        Ok(Self { origin, audit, tree, public, verified })
    }
}
