//! Rows as a mapping arranges them before cells are read: which rows are records, and which columns it makes of them.
//!
//! A row is never changed: what is added to it stands beside it in a [`Piece`], and every piece knows its row.

mod arranger;
mod heading;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::header::{Header, MissingColumn};
use super::mapping::{Condition, Mapping};
use super::pipeline::ImportFault;
use super::source::Row;
use super::text::{fold, trim};
pub(crate) use arranger::Arranger;
use heading::Heading;

/// A mapping's arrangement bound to the columns of one file.
#[derive(Debug)]
pub(crate) struct Arrangement {
    /// Columns of the file; those behind are made.
    width: usize,
    /// For a file without header whose rows differ: where each column is in a row of so many cells.
    layouts: BTreeMap<usize, Vec<Option<usize>>>,
    headings: Option<Headings>,
    stop_at: Vec<String>,
    skip_where: Vec<Choice>,
    only: Vec<Choice>,
    fill_down: Vec<usize>,
    turned: Vec<Turned>,
    null: Vec<String>,
    repeats_of: Vec<usize>,
    made: Vec<Made>,
}

#[derive(Debug)]
struct Headings {
    until: Option<String>,
}

/// Folded texts of one column.
#[derive(Debug)]
struct Choice {
    column: usize,
    texts: BTreeSet<String>,
}

/// A column whose cells are records.
#[derive(Debug)]
struct Turned {
    column: usize,
    name: String,
}

/// A column that the file does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Made {
    Heading,
    TurnedHeader,
    TurnedCell,
    Repeat,
}

/// What one record is made of: a row, or one cell of a row in a wide table.
#[derive(Debug, Clone)]
pub(crate) struct Piece {
    pub(crate) row: Arc<Row>,
    heading: Option<Arc<Heading>>,
    /// Texts of cells above for empty cells, by column.
    filled: Vec<(usize, Arc<str>)>,
    /// Which turned column the record comes from.
    turned: Option<usize>,
    /// "2" for the second with the same texts; empty for the first.
    pub(crate) repeat: String,
    /// Whether what stands above keeps it out.
    pub(crate) is_closed: bool,
}

/// The cells of a piece, in the columns of the file and in the made ones.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cells<'r> {
    arrangement: &'r Arrangement,
    piece: &'r Piece,
}

/// Rows that are no records by what the mapping says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LeftOut {
    /// Headings between records.
    pub sub_headings: u64,
    /// Rows that `only` or `skip_where` leaves out, and rows of a wide table without any cell to turn.
    pub not_chosen: u64,
    /// Rows as of the one that `stop_at` names.
    pub behind_end: u64,
}

impl LeftOut {
    /// All of them.
    #[must_use]
    pub const fn total(self) -> u64 {
        self.sub_headings.saturating_add(self.not_chosen).saturating_add(self.behind_end)
    }
}

impl Arrangement {
    /// Binds the arrangement of `mapping` to `header`, which holds the made columns behind those of the file.
    ///
    /// # Errors
    /// A column that is missing.
    pub(crate) fn new(mapping: &Mapping, header: &Header) -> Result<Self, ImportFault> {
        let arranging = &mapping.arranging;
        let find = |setting: &str, name: &str| header.demand(setting, name);
        let choice = |setting| {
            move |condition: &Condition| -> Result<Choice, MissingColumn> {
                let column = find(setting, &condition.column.value)?;
                Ok(Choice { column, texts: condition.texts.iter().cloned().collect() })
            }
        };
        let repeats_of = arranging.repeats.iter().flat_map(|repeats| &repeats.of);
        Ok(Self {
            width: header.width(),
            layouts: layouts(&arranging.columns, header),
            headings: arranging.sub_headings.as_ref().map(|one| Headings { until: one.until.clone() }),
            stop_at: arranging.stop_at.clone(),
            skip_where: arranging.skip_where.iter().map(choice("skip_where")).collect::<Result<_, _>>()?,
            only: arranging.only.iter().map(choice("only")).collect::<Result<_, _>>()?,
            fill_down: arranging
                .fill_down
                .iter()
                .map(|name| find("fill_down", &name.value))
                .collect::<Result<_, _>>()?,
            turned: turned(mapping, header)?,
            null: mapping.null.clone(),
            repeats_of: repeats_of.map(|name| find("repeats", &name.value)).collect::<Result<_, _>>()?,
            made: made(mapping),
        })
    }

    pub(crate) const fn cells<'r>(&'r self, piece: &'r Piece) -> Cells<'r> {
        Cells { arrangement: self, piece }
    }

    /// The cell of a row of the file in one of the file's columns.
    pub(crate) fn file_cell<'r>(&self, row: &'r Row, column: usize) -> Option<&'r str> {
        match self.layouts.get(&row.width()) {
            Some(places) => row.cell(*places.get(column)?.as_ref()?),
            None => row.cell(column),
        }
    }

    /// Whether rows of the file are of several lengths and this is none of them.
    pub(crate) fn is_misfit(&self, row: &Row) -> bool {
        !self.layouts.is_empty() && !self.layouts.contains_key(&row.width())
    }

    /// Whether rows of the file are of several lengths, each of which is right.
    pub(crate) fn has_layouts(&self) -> bool {
        !self.layouts.is_empty()
    }

    fn made_at(&self, column: usize) -> Option<Made> {
        self.made.get(column.checked_sub(self.width)?).copied()
    }
}

/// The cell of a row in one of the columns of `header`, which `lists` names if the file has no header row.
pub(crate) fn cell_of<'r>(
    lists: &[Vec<String>],
    header: &Header,
    row: &'r Row,
    column: usize,
) -> Option<&'r str> {
    match layouts(lists, header).get(&row.width()) {
        Some(places) => row.cell(*places.get(column)?.as_ref()?),
        None => row.cell(column),
    }
}

/// Where the columns of the header are in rows of each length.
fn layouts(lists: &[Vec<String>], header: &Header) -> BTreeMap<usize, Vec<Option<usize>>> {
    let is_returned = (0..header.width()).any(|column| header.is_reason(column));
    if lists.len() < 2 || is_returned {
        return BTreeMap::new();
    }
    let places = |list: &Vec<String>| {
        let place = |name: &str| list.iter().position(|listed| fold(listed) == fold(name));
        (list.len(), header.names().take(header.width()).map(place).collect())
    };
    lists.iter().map(places).collect()
}

fn turned(mapping: &Mapping, header: &Header) -> Result<Vec<Turned>, MissingColumn> {
    let Some(unpivot) = &mapping.arranging.unpivot else { return Ok(Vec::new()) };
    let columns = header.names().take(header.width()).enumerate().filter(|(_, name)| unpivot.takes(name));
    let turned: Vec<Turned> =
        columns.map(|(column, name)| Turned { column, name: name.to_owned() }).collect();
    if turned.is_empty() {
        Err(header.missing_columns("unpivot", "columns to be turned"))
    } else {
        Ok(turned)
    }
}

/// The made columns in the order in which [`super::mapping::Arranging::made`] names them.
fn made(mapping: &Mapping) -> Vec<Made> {
    let arranging = &mapping.arranging;
    let heading = arranging.sub_headings.as_ref().and_then(|one| one.column.as_ref()).map(|_| Made::Heading);
    let header = arranging.unpivot.as_ref().and_then(|one| one.header.as_ref()).map(|_| Made::TurnedHeader);
    let cell = arranging.unpivot.as_ref().map(|_| Made::TurnedCell);
    let repeat = arranging.repeats.as_ref().map(|_| Made::Repeat);
    [heading, header, cell, repeat].into_iter().flatten().collect()
}

impl Piece {
    /// The heading above, as the file has it; none for one that says nothing that may be repeated.
    pub(crate) fn heading_as_written(&self) -> Option<&str> {
        self.heading.as_ref().and_then(|heading| heading.as_written())
    }
}

impl<'r> Cells<'r> {
    /// The cells in the columns of the file, to be written down once more: empty ones filled from above.
    pub(crate) fn written(self) -> impl Iterator<Item = &'r str> {
        let Self { arrangement, piece } = self;
        let (row, width) = (&piece.row, arrangement.width);
        let filled =
            piece.filled.iter().map(|(column, _)| column.saturating_add(1)).max().unwrap_or_default();
        let is_laid_out = arrangement.has_layouts() && !arrangement.is_misfit(row);
        let count = if is_laid_out { width } else { row.width().max(filled) };
        (0..count).map(move |column| {
            let cell = if column < width { self.cell(column) } else { row.cell(column) };
            cell.unwrap_or_default()
        })
    }

    /// The row of the file they come from.
    pub(crate) fn row(self) -> &'r Row {
        &self.piece.row
    }

    pub(crate) fn cell(self, column: usize) -> Option<&'r str> {
        let Self { arrangement, piece } = self;
        match arrangement.made_at(column) {
            Some(Made::Heading) => piece.heading.as_ref().map(|heading| heading.text()),
            Some(Made::TurnedHeader) => self.turned().map(|turned| turned.name.as_str()),
            Some(Made::TurnedCell) => arrangement.file_cell(&piece.row, self.turned()?.column),
            Some(Made::Repeat) => Some(piece.repeat.as_str()),
            None => {
                let filled = piece.filled.iter().find(|(filled, _)| *filled == column);
                filled.map(|(_, text)| &**text).or_else(|| arrangement.file_cell(&piece.row, column))
            }
        }
    }

    /// The column of the file in which what a person reads in `column` stands: the turned one for its header and cell.
    pub(crate) fn column_of_file(self, column: usize) -> Option<usize> {
        match self.arrangement.made_at(column) {
            Some(Made::TurnedHeader | Made::TurnedCell) => self.turned().map(|turned| turned.column),
            Some(Made::Heading | Made::Repeat) => None,
            None => Some(column),
        }
    }

    /// Whether the piece stands below a heading or row that keeps it out.
    pub(crate) fn are_closed(self) -> bool {
        self.piece.is_closed || self.piece.heading.as_ref().is_some_and(|heading| heading.is_closing())
    }

    fn turned(self) -> Option<&'r Turned> {
        self.arrangement.turned.get(self.piece.turned?)
    }

    fn is_empty_at(self, column: usize) -> bool {
        let text = trim(self.cell(column).unwrap_or_default());
        text.is_empty() || self.arrangement.null.iter().any(|token| token == text)
    }
}
