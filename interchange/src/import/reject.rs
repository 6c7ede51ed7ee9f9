//! Rejected rows as a table of the same shape with the reasons before them, which imports again once it is corrected.
//!
//! The header row stands where the mapping expects it, below whatever stood above it. Of a row that may not be stored
//! here for what it holds, only its number and the reason are written. Of a file without header row the rows come back
//! as JSON Lines, since a list in a cell of text would be another value.

use std::io;

use encoding_rs::GB18030;
use safeharbor_rules::{Lang, holds_personal_id};
use serde_json::Value;

use super::arrange::Piece;
use super::encoding::Encoding;
use super::header::Header;
use super::mapping::Mapping;
use super::pipeline::{ImportOptions, TakesBytes};
use super::plan::{CellFinding, Plan};
use super::source::{Format, Mark, Row};

/// The header of the column with the reasons. An import passes over the column, and over rows in which only it is filled.
pub const REASON_COLUMN: &str = "拒收原因";

/// Rows of titles and notes around the header are kept up to this many bytes.
const HEAD_BYTES_MAX: usize = 64 * 1024;

/// Writes rejected rows, if anybody wants them.
pub(crate) struct Rejects<'i> {
    out: Option<&'i TakesBytes<'i>>,
    lang: Lang,
    head: &'i [Row],
    /// The header's row in the file; 0 where it is none.
    header_row: u64,
    /// Where the mapping expects it.
    wanted_row: u64,
    /// The file has none, and the mapping names its columns.
    is_headless: bool,
    header: &'i Header,
    plan: &'i Plan<'i>,
    delimiter: u8,
    is_gb: bool,
    is_json_lines: bool,
    has_begun: bool,
    last_heading: Option<String>,
}

/// A row that is not taken, and why.
#[derive(Debug)]
pub(crate) struct Rejected {
    pub(crate) row: u64,
    pub(crate) line: Option<u64>,
    /// Nothing of the row may be shown.
    pub(crate) withheld: bool,
    pub(crate) findings: Vec<CellFinding>,
}

impl std::fmt::Debug for Rejects<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rejects").field("has_begun", &self.has_begun).finish_non_exhaustive()
    }
}

impl<'i> Rejects<'i> {
    pub(crate) fn new(
        options: &ImportOptions<'i>,
        mapping: &Mapping,
        format: Format,
        header_row: u64,
        head: &'i [Row],
        header: &'i Header,
        plan: &'i Plan<'i>,
    ) -> Self {
        Self {
            out: options.rejects,
            lang: options.lang,
            head,
            header_row,
            wanted_row: mapping.header_row,
            is_headless: header_row == 0 && !mapping.arranging.columns.is_empty(),
            header,
            plan,
            delimiter: mapping.delimiter.unwrap_or(b','),
            is_gb: mapping.encoding == Some(Encoding::Gb18030),
            is_json_lines: matches!(format, Format::JsonLines | Format::Metadata),
            has_begun: false,
            last_heading: None,
        }
    }

    /// Writes the rejected among `pieces`, both in the order of the file.
    ///
    /// # Errors
    /// Whoever takes the bytes cannot.
    pub(crate) fn write(&mut self, rejected: &[Rejected], pieces: &[Piece]) -> io::Result<()> {
        let Some(out) = self.out.filter(|_| !rejected.is_empty()) else { return Ok(()) };
        let mut text = if self.has_begun || self.is_json_lines { String::new() } else { self.head() };
        self.has_begun = true;
        for of_row in rejected.chunk_by(|one, other| one.row == other.row) {
            let Some(number) = of_row.first().map(|rejected| rejected.row) else { continue };
            let found = pieces.binary_search_by_key(&number, |piece| piece.row.number).ok();
            let is_withheld = of_row.iter().any(|rejected| rejected.withheld);
            let piece = found.and_then(|found| pieces.get(found));
            let piece = piece.filter(|piece| !is_withheld && self.plan.may_copy(piece));
            let reason = self.reason(number, of_row, piece.is_some());
            if self.is_json_lines {
                self.object(&reason, piece.map(|piece| &*piece.row), &mut text);
                continue;
            }
            if let Some(heading) = piece.and_then(|piece| self.heading_above(piece)) {
                self.line("", [heading].into_iter(), &mut text);
            }
            let cells = piece.into_iter().flat_map(|piece| self.plan.arrangement.cells(piece).written());
            self.line(&reason, cells, &mut text);
        }
        out(&self.encode(&text))
    }

    /// A line of JSON with the reason first; lists and groups as the file has them, all else as text.
    fn object(&self, reason: &str, row: Option<&Row>, text: &mut String) {
        let string = |text: &str| Value::from(text).to_string();
        text.push_str(&format!("{{{}:{}", string(REASON_COLUMN), string(reason)));
        let keys = self.head.first().into_iter().flat_map(Row::cells).enumerate();
        for (index, key) in keys.filter(|(index, _)| !self.header.is_reason(*index)) {
            // Every key stands in every line: the mapping looks for all of them.
            let cell = row.and_then(|row| row.cell(index)).filter(|cell| !cell.is_empty());
            let is_json = row.is_some_and(|row| row.has(index, Mark::Json));
            let value =
                cell.map_or("null".to_owned(), |cell| if is_json { cell.to_owned() } else { string(cell) });
            text.push_str(&format!(",{}:{value}", string(key)));
        }
        text.push_str("}\n");
    }

    /// The heading above the row, unless it was the last one written.
    fn heading_above<'p>(&mut self, piece: &'p Piece) -> Option<&'p str> {
        let heading = piece.heading_as_written()?;
        if self.last_heading.as_deref() == Some(heading) {
            return None;
        }
        self.last_heading = Some(heading.to_owned());
        Some(heading)
    }

    /// What stands above the first record, with the header of the reasons.
    fn head(&self) -> String {
        let mut text = if self.is_gb { String::new() } else { "\u{feff}".to_owned() };
        let mut number = 0_u64;
        for row in self.head {
            number = number.saturating_add(1);
            while number < row.number || (self.header_row == 0 && number < self.wanted_row) {
                text.push_str("\r\n");
                number = number.saturating_add(1);
            }
            let reason = if row.number == self.header_row { REASON_COLUMN } else { "" };
            let is_shown = !row.cells().any(holds_personal_id);
            self.line(reason, row.cells().filter(|_| is_shown), &mut text);
        }
        if self.is_headless {
            self.line(REASON_COLUMN, self.header.names().take(self.header.width()), &mut text);
        }
        text
    }

    fn reason(&self, number: u64, of_row: &[Rejected], is_copied: bool) -> String {
        let findings = of_row.iter().flat_map(|rejected| &rejected.findings);
        let reasons = findings.map(|found| {
            let (text, advice) = (found.finding.text.of(self.lang), found.finding.advice.of(self.lang));
            match (&found.column, self.lang) {
                (Some(column), Lang::Zh) => format!("列“{column}”：{text}。{advice}"),
                (Some(column), Lang::En) => format!("column {column:?}: {text}. {advice}"),
                (None, Lang::Zh) => format!("{text}。{advice}"),
                (None, Lang::En) => format!("{text}. {advice}"),
            }
        });
        let reasons: Vec<String> = reasons.collect();
        match (is_copied, self.lang) {
            (true, Lang::Zh) => format!("第 {number} 行：{}", reasons.join("；")),
            (true, Lang::En) => format!("row {number}: {}", reasons.join("; ")),
            (false, Lang::Zh) => {
                format!("第 {number} 行：{}（未复制该行内容，请在原文件中改正）", reasons.join("；"))
            }
            (false, Lang::En) => {
                format!(
                    "row {number}: {} (nothing of the row is copied; correct it in the original file)",
                    reasons.join("; ")
                )
            }
        }
    }

    /// The reason, then the cells; reasons of an earlier round are left out.
    fn line<'c>(&self, reason: &str, cells: impl Iterator<Item = &'c str>, text: &mut String) {
        self.cell(reason, text);
        for (_, cell) in cells.enumerate().filter(|(index, _)| !self.header.is_reason(*index)) {
            text.push(char::from(self.delimiter));
            self.cell(cell, text);
        }
        text.push_str("\r\n");
    }

    fn cell(&self, cell: &str, text: &mut String) {
        let is_plain = |c: char| !matches!(c, '"' | '\r' | '\n') && c != char::from(self.delimiter);
        if cell.chars().all(is_plain) {
            text.push_str(cell);
        } else {
            text.push('"');
            text.push_str(&cell.replace('"', "\"\""));
            text.push('"');
        }
    }

    fn encode(&self, text: &str) -> Vec<u8> {
        if self.is_gb && !self.is_json_lines {
            GB18030.encode(text).0.into_owned()
        } else {
            text.as_bytes().to_vec()
        }
    }
}

/// Keeps a row that stands above the first record, as long as there is room.
pub(crate) fn keep_head(head: &mut Vec<Row>, row: Row) {
    let bytes: usize = head.iter().map(Row::bytes).sum();
    if bytes.saturating_add(row.bytes()) <= HEAD_BYTES_MAX {
        head.push(row);
    }
}
