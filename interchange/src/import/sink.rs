//! Where checked rows go: the store behind one seam, the same for a dry run and an import.

use std::error::Error;
use std::fmt;

use safeharbor_rules::Record;

/// A row that passed every check. Its values stay in the node: `Debug` withholds them.
#[derive(Clone, PartialEq)]
pub struct ImportedRow {
    /// Row number as a spreadsheet shows it.
    pub row: u64,
    /// Which record of its kind this is: the values of the key fields, joined by U+001F.
    pub key: String,
    /// The record, derived fields included.
    pub record: Record,
}

impl fmt::Debug for ImportedRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ImportedRow({}, {} fields, values withheld)", self.row, self.record.len())
    }
}

/// What became of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// A record that was not there.
    New,
    /// The record is there with the same content.
    Unchanged,
    /// The record is there with other content: this is its next revision.
    Revised,
}

/// Takes checked rows in the order of the file. A dry run answers the same without keeping anything.
pub trait Sink: Send {
    /// Takes one batch, wholly or not at all, and answers for every row in order.
    ///
    /// Within one import no key comes twice. A batch that was answered is durable.
    ///
    /// # Errors
    /// The store failed; nothing of this batch was kept, earlier batches were.
    fn take(&mut self, rows: Vec<ImportedRow>) -> Result<Vec<Taken>, Box<dyn Error + Send + Sync>>;
}
