//! The mapping of a kind's own layout, and which kind a file without a mapping holds.

use std::fs::File;
use std::io::{Read, Seek};
use std::path::Path;

use safeharbor_rules::{Kind, Lang};

use super::encoding::Encoding;
use super::header::{Header, read_header_row};
use super::mapping::{FieldMapping, Mapping, Own};
use super::pipeline::{ImportFailed, ImportFault, shown_file_name};
use super::source::{Row, Table};
use super::text::trim;
use crate::layout::{Column, Layout};

/// What the row of notes below the header of a template begins with.
pub(crate) const NOTES_MARK: &str = "【填写说明】";

/// A kind that a file might hold, and how well its header fits.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Fit<'k> {
    kind: &'k str,
    columns: usize,
    lacks: Vec<&'k str>,
}

/// The mapping by which a file without one is read: the own layout of the one kind that its header fits.
///
/// Headers may be Chinese or English titles with their units, or the names of fields: those hold stored values.
///
/// # Errors
/// A file that cannot be read as a table, or whose header fits no kind of `kinds`, or two of them equally.
pub fn recognise(
    source: &Path,
    kinds: &[&Kind],
    encoding: Option<Encoding>,
) -> Result<Mapping, ImportFailed> {
    let opened = File::open(source).map_err(ImportFault::Open);
    opened
        .and_then(|input| recognise_from(input, kinds, encoding))
        .map_err(|reason| ImportFailed { file: shown_file_name(source), reason })
}

fn recognise_from<R: Read + Seek + Send>(
    input: R,
    kinds: &[&Kind],
    encoding: Option<Encoding>,
) -> Result<Mapping, ImportFault> {
    let layouts: Vec<Layout<'_>> = kinds.iter().map(|kind| Layout::of(kind)).collect();
    let any = of_all(&layouts);
    let mut table = Table::open(input, &any, encoding, None)?;
    let row = table.header_row(&any);
    let mut rows = table.rows()?;
    let header = read_header_row(&mut rows, row)?.ok_or(ImportFault::NoHeader { row })?;
    let notes = rows.read()?.is_some_and(|row| is_notes(&row));
    let header = Header::of(&header);
    let layout = choose(&layouts, &header)?;
    Ok(layout.mapping(&header, u64::from(notes)))
}

fn is_notes(row: &Row) -> bool {
    row.cells().any(|cell| trim(cell).starts_with(NOTES_MARK))
}

/// The layout the header fits best: all its required columns, and more columns than any other kind's.
fn choose<'l, 'k>(layouts: &'l [Layout<'k>], header: &Header) -> Result<&'l Layout<'k>, ImportFault> {
    if let [only] = layouts {
        return Ok(only);
    }
    let mut fits: Vec<(Fit<'_>, &Layout<'_>)> =
        layouts.iter().map(|layout| (layout.fit(header), layout)).collect();
    fits.sort_by_key(|(fit, _)| (!fit.lacks.is_empty(), std::cmp::Reverse(fit.columns)));
    let best = fits
        .first()
        .filter(|(fit, _)| fit.lacks.is_empty() && fit.columns.saturating_mul(2) >= header.width());
    let ties =
        |columns| fits.iter().filter(|(fit, _)| fit.lacks.is_empty() && fit.columns == columns).count();
    match best {
        Some((fit, layout)) if ties(fit.columns) == 1 => Ok(layout),
        _ => Err(ImportFault::Unrecognised { candidates: candidates(&fits) }),
    }
}

/// The kinds that come nearest, with what they lack; nothing of the file is quoted, as its first row may be a record.
fn candidates(fits: &[(Fit<'_>, &Layout<'_>)]) -> String {
    const SHOWN: usize = 3;
    let shown = fits.iter().filter(|(fit, _)| fit.columns > 0).take(SHOWN).map(|(fit, layout)| {
        let title = layout.kind().title(Lang::Zh);
        let lacks =
            if fit.lacks.is_empty() { String::new() } else { format!(", lacks {}", fit.lacks.join(" / ")) };
        format!("{} {title} ({} columns{lacks})", fit.kind, fit.columns)
    });
    shown.collect::<Vec<_>>().join("; ")
}

/// A mapping that reads nothing, to find the delimiter by: it knows the headers of all layouts.
fn of_all(layouts: &[Layout<'_>]) -> Mapping {
    let columns = layouts.iter().flat_map(Layout::columns);
    mapping_of("", columns.map(|column| column.entry(Own::Written)).collect(), 0)
}

fn mapping_of(kind: &str, fields: Vec<FieldMapping>, skip_rows: u64) -> Mapping {
    Mapping { fields, skip_rows, ..Mapping::bare(kind) }
}

impl Layout<'_> {
    fn fit(&self, header: &Header) -> Fit<'_> {
        let is_there = |column: &&Column<'_>| column.own_in(header).is_some();
        let lacks = self.columns().iter().filter(|column| column.field().is_required() && !is_there(column));
        Fit {
            kind: self.kind().id().as_str(),
            columns: self.columns().iter().filter(is_there).count(),
            lacks: lacks.map(|column| column.header(Lang::Zh)).collect(),
        }
    }

    /// Reads the columns that are there; one that every record needs is asked for in any case.
    fn mapping(&self, header: &Header, skip_rows: u64) -> Mapping {
        let entries = self.columns().iter().filter_map(|column| match column.own_in(header) {
            Some(own) => Some(column.entry(own)),
            None => column.field().is_required().then(|| column.entry(Own::Written)),
        });
        mapping_of(self.kind().id().as_str(), entries.collect(), skip_rows)
    }
}

impl Column<'_> {
    /// How the header speaks of the column, if it does.
    fn own_in(&self, header: &Header) -> Option<Own> {
        // `name` is the name of a field, `Name` its English title.
        if header.names().any(|name| name == self.field().name()) {
            return Some(Own::Stored);
        }
        let is_there = |lang| header.find(self.header(lang)).is_some();
        [Lang::Zh, Lang::En].into_iter().any(is_there).then_some(Own::Written)
    }

    fn entry(&self, own: Own) -> FieldMapping {
        let name = self.field().name();
        let from = match own {
            Own::Written => [Lang::Zh, Lang::En].map(|lang| self.header(lang).to_owned()).to_vec(),
            Own::Stored => vec![name.to_owned()],
        };
        FieldMapping::own(name, from, own, self.unit())
    }
}
