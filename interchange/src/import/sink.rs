//! Where checked rows go: the store behind one seam, the same for a dry run and an import.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;

use safeharbor_rules::Record;

use super::fault::Wording;

/// A row that passed every check. Its values stay in the node: `Debug` withholds them.
#[derive(Clone, PartialEq)]
pub struct ImportedRow {
    /// Row number as a spreadsheet shows it.
    pub row: u64,
    /// Which record of its kind this is: the values of the key fields, joined by U+001F.
    pub key: String,
    /// The record, derived fields included; of a row that deletes, the key fields alone.
    pub record: Record,
    /// Field to the text of its cell, where that says more than the value: a date known better or worse than the field
    /// wants, a text in no code list, a number before it was normalised. Class C3 whatever the field: it never leaves.
    pub raw: BTreeMap<String, String>,
    /// What the file asks to be done with the record.
    pub action: Action,
}

impl ImportedRow {
    /// A row whose values say all that its cells said.
    #[must_use]
    pub const fn new(row: u64, key: String, record: Record) -> Self {
        Self { row, key, record, raw: BTreeMap::new(), action: Action::Upsert }
    }
}

/// What a row asks to be done with its record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Action {
    /// Make it if it is not there, bring it up to date if it is.
    #[default]
    Upsert,
    /// Make it (新增); the file says it is not there yet.
    Add,
    /// Bring it up to date (修改); the file says it is there.
    Update,
    /// Take it away (删除).
    Delete,
}

impl fmt::Debug for ImportedRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "ImportedRow({}, {:?}, {} fields, values withheld)",
            self.row,
            self.action,
            self.record.len()
        )
    }
}

/// What became of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taken {
    /// A record that was not there.
    New,
    /// The record is there with the same content, or with an edit made here since the row was last imported as it is.
    Unchanged,
    /// The record is there with other content: this is its next revision.
    Revised,
    /// The record was there and is retired.
    Deleted,
    /// The record was changed here and the row was changed in the file, each in its own way; the store keeps its own.
    Conflict(Vec<Objection>),
    /// The row is not taken.
    Refused(Vec<Objection>),
}

/// Why the store does not take a row as it is. The texts may hold values: they stay in the node.
#[derive(Clone, PartialEq, Eq)]
pub struct Objection {
    /// The field it is about; none for the whole row.
    pub field: Option<String>,
    /// A stable code for programs.
    pub code: &'static str,
    /// What is wrong.
    pub text: Wording,
    /// What to do about it.
    pub advice: Wording,
}

impl fmt::Debug for Objection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Objection({}, {:?}, texts withheld)", self.code, self.field)
    }
}

/// Something about many rows that a person should look at, said once at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// The field it is about.
    pub field: String,
    /// A stable code for programs.
    pub code: &'static str,
    /// The first row it was seen in.
    pub first_row: u64,
    /// What to look at, and why; no values.
    pub text: Wording,
}

/// A row that does not reach the store, because it broke a rule.
#[derive(Clone, PartialEq, Eq)]
pub struct RefusedRow {
    /// Row number as a spreadsheet shows it.
    pub row: u64,
    /// Which record it is about, if its key could be read; never shown.
    pub key: Option<String>,
    /// Why nothing of it may be shown, if that is so.
    pub withheld: Option<Withheld>,
}

/// Why nothing of a row may be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Withheld {
    /// The file does not say that it is public.
    Secrecy,
    /// It holds something that may not be stored here, such as an identity card number (class CX).
    Forbidden,
}

impl fmt::Debug for RefusedRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RefusedRow({}, {:?}, key withheld)", self.row, self.withheld)
    }
}

/// Takes checked rows in the order of the file. A dry run answers the same without keeping anything.
pub trait Sink: Send {
    /// Takes one batch and answers for every row in order.
    ///
    /// Within one import no key comes twice. A batch that was answered is durable.
    ///
    /// # Errors
    /// The store failed; of this batch any number of rows may have been kept, each wholly, and importing again takes the others.
    fn take(&mut self, rows: Vec<ImportedRow>) -> Result<Vec<Taken>, Box<dyn Error + Send + Sync>>;

    /// Takes note of rows that were refused before they came here. Their records are in the file all the same.
    ///
    /// # Errors
    /// The store failed.
    fn pass_over(&mut self, rows: Vec<RefusedRow>) -> Result<(), Box<dyn Error + Send + Sync>> {
        drop(rows);
        Ok(())
    }

    /// What there is to say about the file as a whole, asked after the last batch.
    fn remarks(&mut self) -> Vec<Remark> {
        Vec::new()
    }
}
