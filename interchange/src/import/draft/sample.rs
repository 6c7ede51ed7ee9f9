//! The first rows of a file: its header, which has to be found, and the rows below it.

use std::io::{Read, Seek};

use safeharbor_rules::{Kind, Lang};

use super::likeness::without_unit;
use crate::import::date::DateForm;
use crate::import::encoding::Encoding;
use crate::import::header::Header;
use crate::import::mapping::Mapping;
use crate::import::pipeline::ImportFault;
use crate::import::source::{Format, ReadRowsFailed, Recognised, Row, Table};
use crate::import::text::{fold, narrow, trim};

/// The header is looked for among so many rows.
pub(super) const HEADER_ROWS_MAX: usize = 40;
/// So many rows are looked at, and so many bytes of them.
const ROWS_MAX: usize = 2_000;
const BYTES_MAX: usize = 8 * 1024 * 1024;
/// Delimiters that are tried; the first is kept where they make no difference.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// What is looked at of a file.
pub(super) struct Sample {
    pub(super) recognised: Recognised,
    pub(super) header_row: u64,
    pub(super) header: Header,
    /// The rows below the header.
    pub(super) rows: Vec<Row>,
    /// Columns headed by a year, if that is what most columns are.
    pub(super) years: Vec<usize>,
    /// Whether the header differs from the rows below it: it has words where they have numbers.
    pub(super) stands_out: bool,
}

impl Sample {
    /// Reads the first rows of `input`; none where no row can be a header for any of `kinds`.
    pub(super) fn take<R: Read + Seek + Send>(
        input: &mut R,
        kinds: &[&Kind],
        encoding: Option<Encoding>,
    ) -> Result<Option<Self>, ImportFault> {
        let (recognised, rows) = read(input, None, encoding)?;
        if recognised.format != Format::Csv {
            return Ok(Self::find(recognised, rows, kinds));
        }
        let mut best: Option<(usize, Recognised, Vec<Row>)> = None;
        for delimiter in DELIMITERS {
            // Under a wrong delimiter a file need not be a table.
            let Ok((recognised, rows)) = read(input, Some(delimiter), encoding) else { continue };
            let score = regularity(&rows);
            if best.as_ref().is_none_or(|(most, ..)| score > *most) {
                best = Some((score, recognised, rows));
            }
        }
        let (_, recognised, rows) = best.unwrap_or((0, recognised, rows));
        Ok(Self::find(recognised, rows, kinds))
    }

    fn find(recognised: Recognised, rows: Vec<Row>, kinds: &[&Kind]) -> Option<Self> {
        let titles: Vec<String> = kinds.iter().flat_map(|kind| titles(kind)).collect();
        let candidates = rows.iter().take(HEADER_ROWS_MAX).enumerate();
        let scored = candidates.filter_map(|(place, row)| Some((score(row, &titles)?, place)));
        // The first of equals is the header.
        let (_, place) = scored.rev().max_by_key(|(score, _)| *score)?;
        let found = rows.get(place)?;
        let (header, header_row) = (Header::of(found), found.number);
        let rows: Vec<Row> = rows.into_iter().skip(place.saturating_add(1)).collect();
        let (years, stands_out) = (years(&header), stands_out(&header, &rows));
        Some(Self { recognised, header_row, header, rows, years, stands_out })
    }

    /// The cells of a column that hold something, trimmed.
    pub(super) fn column(&self, column: usize) -> impl Iterator<Item = &str> {
        let cells = self.rows.iter().filter_map(move |row| row.cell(column));
        cells.map(trim).filter(|text| !text.is_empty())
    }
}

/// The first rows that hold anything.
fn read<R: Read + Seek + Send>(
    input: &mut R,
    delimiter: Option<u8>,
    encoding: Option<Encoding>,
) -> Result<(Recognised, Vec<Row>), ImportFault> {
    let mut table = Table::open(input, &Mapping::bare(""), encoding, delimiter)?;
    let recognised = table.recognised.clone();
    let (mut rows, mut bytes) = (Vec::new(), 0_usize);
    let mut source = table.rows()?;
    while rows.len() < ROWS_MAX && bytes < BYTES_MAX {
        match source.read() {
            Ok(Some(row)) => {
                bytes = bytes.saturating_add(row.bytes());
                if !row.is_blank() {
                    rows.push(row);
                }
            }
            Ok(None) => break,
            Err(failed @ ReadRowsFailed::Read(_)) => return Err(failed.into()),
            // What was read until then is enough to look at; the import says what is wrong.
            Err(_) if !rows.is_empty() => break,
            Err(failed) => return Err(failed.into()),
        }
    }
    Ok((recognised, rows))
}

/// How many rows have the most common number of cells, if that is more than one; wider tables win.
fn regularity(rows: &[Row]) -> usize {
    let count = |width: usize| rows.iter().filter(|row| row.width() == width).count();
    let widths: std::collections::BTreeSet<usize> =
        rows.iter().map(Row::width).filter(|width| *width > 1).collect();
    widths.into_iter().map(|width| count(width).saturating_mul(width)).max().unwrap_or_default()
}

fn titles(kind: &Kind) -> Vec<String> {
    let fields = kind.fields().iter();
    fields.flat_map(|field| [field.title(Lang::Zh), field.title(Lang::En), field.name()].map(fold)).collect()
}

/// How much the row looks like a header; none for one that cannot be.
fn score(row: &Row, titles: &[String]) -> Option<(usize, usize)> {
    let header = Header::of(row);
    if !header.is_plausible() {
        return None;
    }
    let names = || header.names().filter(|name| !name.is_empty());
    let known = names().filter(|name| titles.contains(&fold(without_unit(name)))).count();
    Some((known.max(years(&header).len()), names().count()))
}

/// Whether a column without a digit in its name has one in nearly all cells.
fn stands_out(header: &Header, rows: &[Row]) -> bool {
    let has_digit = |text: &str| narrow(text).contains(|c: char| c.is_ascii_digit());
    header.names().enumerate().filter(|(_, name)| !name.is_empty() && !has_digit(name)).any(|(column, _)| {
        let cells = rows.iter().filter_map(|row| row.cell(column)).filter(|cell| !trim(cell).is_empty());
        let (with, all) = cells.fold((0_usize, 0_usize), |(with, all), cell| {
            (with.saturating_add(usize::from(has_digit(cell))), all.saturating_add(1))
        });
        all > 1 && with.saturating_mul(10) >= all.saturating_mul(9)
    })
}

/// The columns headed by a year, if they are most.
fn years(header: &Header) -> Vec<usize> {
    let forms: Vec<DateForm> =
        ["%Y", "%Y年"].iter().filter_map(|form| DateForm::parse(form, false).ok()).collect();
    let is_year = |name: &str| forms.iter().any(|form| form.read(&narrow(trim(name))).is_some());
    let years: Vec<usize> =
        header.names().enumerate().filter(|(_, name)| is_year(name)).map(|(column, _)| column).collect();
    if years.len() > 1 && years.len().saturating_mul(2) > header.width() { years } else { Vec::new() }
}
