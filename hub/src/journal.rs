//! The journal (日志账本): every accepted statement in log order, appended in groups, durable before it is acknowledged.
//!
//! The journal is the truth; the index, the tiles and the board are projections of it. A frame carries the key
//! of its own revealed disclosures in a slot of fixed place; erasing overwrites that slot.

mod copying;
mod frame;
mod reader;
mod segment;
mod writer;

pub use copying::durable_lengths;
pub use frame::{DecodeFrameFailed, Frame, FrameKey, SealFailed, seal, unseal};
pub use reader::{JournalReader, Stored};
pub(crate) use segment::{FIRST_OFFSET, is_last_segment, segment_path, unbegun_segment};
pub use segment::{JournalFailed, Position};
pub use writer::Journal;

#[cfg(test)]
mod tests;
