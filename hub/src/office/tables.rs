//! The tables of the office's store.

use safeharbor_service::store::Table;

/// Id → person.
pub const PERSONS: Table = Table(1);
/// Id of a roster row → the row.
pub const ROSTER: Table = Table(2);
/// SHA-256 of an invitation's secret → the invitation.
pub const INVITATIONS: Table = Table(3);
/// Number (big-endian) → what one person proposed and a second has to decide.
pub const PROPOSALS: Table = Table(4);
/// SHA-256 of a public key → whose it is and what for: one key, one use, one owner.
pub const KEYS: Table = Table(5);
/// Institution → until when its last certificate is valid.
pub const CERTIFICATES: Table = Table(6);
/// SHA-256 of a session's token → whose session.
pub const SESSIONS: Table = Table(7);
/// Digest of a catalogue version → its files.
pub const CATALOGUES: Table = Table(9);
/// Name → JSON: what there is one of.
pub const META: Table = Table(10);
