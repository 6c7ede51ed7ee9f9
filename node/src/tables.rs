//! The tables of a node's store.

use safeharbor_service::store::Table;

/// Name → JSON: what there is one of (the accepted policy, the institution).
pub const META: Table = Table(1);
/// Kind, 0, natural key → [`Current`](crate::records::Current): which record that is and its last revision.
pub const KEYS: Table = Table(2);
/// Handle and revision (big-endian) → [`Revision`](crate::records::Revision).
pub const REVISIONS: Table = Table(3);
/// Handle → [`Tombstone`](crate::erasure::Tombstone) of an erased record.
pub const TOMBSTONES: Table = Table(4);
/// Number (big-endian) → [`Entry`](crate::outbox::Entry) that has no place in the chain.
pub const OUTBOX: Table = Table(5);
/// Handle and revision → the [`Entry`](crate::outbox::Entry) under which it got its place in the chain.
pub const STATED: Table = Table(6);
/// Handle and id → [`Approval`](crate::approval::Approval).
pub const APPROVALS: Table = Table(7);
/// Id → person.
pub const PERSONS: Table = Table(8);
/// Number in the chain → signed statement.
pub const CHAIN: Table = Table(9);
/// Number in the chain → receipt.
pub const RECEIPTS: Table = Table(10);
/// Id → task of the hub.
pub const TASKS: Table = Table(11);
/// What the stream to the hub remembers between connections.
pub const SYNC: Table = Table(12);

/// Handle, reason, and of a rejection the content → [`Hold`](crate::hold::Hold) that keeps the record here.
pub const HOLDS: Table = Table(13);
/// Handle and id → [`Decision`](crate::decision::Decision) against leaving.
pub const DECISIONS: Table = Table(14);
/// Kind, 0, natural key → [`Current`](crate::records::Current) of a retired record, which has no row in [`KEYS`].
pub const RETIRED: Table = Table(15);
/// Handle → SHA-256 of what a row of a file said last of a record that a person changed here since.
pub const BASES: Table = Table(16);
/// Handle → [`Unlinked`](crate::recovery::Unlinked): a record that was stated and is not here.
pub const UNLINKED: Table = Table(17);
/// Kind, 0, natural key, 0, handle → nothing: under which key a row of [`UNLINKED`] is linked again.
pub const UNLINKED_KEYS: Table = Table(18);
/// Name → [`Connector`](crate::connector::Connector).
pub const CONNECTORS: Table = Table(20);
/// Number (big-endian) → [`Job`](crate::job::Job).
pub const JOBS: Table = Table(21);

/// Origin of a log → the note this node cosigned last; in no backup.
pub const WITNESS: Table = Table(24);

/// All tables, for whoever looks through everything.
pub const ALL: [Table; 21] = [
    META,
    KEYS,
    REVISIONS,
    TOMBSTONES,
    OUTBOX,
    STATED,
    APPROVALS,
    PERSONS,
    CHAIN,
    RECEIPTS,
    TASKS,
    SYNC,
    HOLDS,
    DECISIONS,
    RETIRED,
    BASES,
    UNLINKED,
    UNLINKED_KEYS,
    CONNECTORS,
    JOBS,
    WITNESS,
];
