//! Walking the rows of a file from its start: what stands above a row decides what it is.

use std::collections::HashMap;
use std::sync::Arc;

use safeharbor_core::digest::Digest;
use safeharbor_rules::holds_personal_id;

use super::{Arrangement, Choice, Heading, LeftOut, Piece};
use crate::import::gate::Gates;
use crate::import::source::Row;
use crate::import::text::{fold, trim};

/// Makes pieces of rows, in the order of the file.
#[derive(Debug)]
pub(crate) struct Arranger<'a> {
    arrangement: &'a Arrangement,
    gates: &'a Gates,
    heading: Option<Arc<Heading>>,
    /// The last text of each column that is filled down.
    above: Vec<Option<Arc<str>>>,
    /// Whether the last row that said anything of its secrecy was kept out.
    is_closed: bool,
    /// How often each combination of texts was seen; digests, so that memory stays small.
    seen: HashMap<Digest, u64>,
    has_ended: bool,
    /// Rows of the file taken so far, records or not.
    pub(crate) rows: u64,
    pub(crate) left_out: LeftOut,
}

impl<'a> Arranger<'a> {
    pub(crate) fn new(arrangement: &'a Arrangement, gates: &'a Gates) -> Self {
        Self {
            arrangement,
            gates,
            heading: None,
            above: vec![None; arrangement.fill_down.len()],
            is_closed: false,
            seen: HashMap::new(),
            has_ended: false,
            rows: 0,
            left_out: LeftOut::default(),
        }
    }

    /// Adds to `pieces` what records are to be made of `row`.
    pub(crate) fn arrange(&mut self, row: Row, pieces: &mut Vec<Piece>) {
        self.rows = self.rows.saturating_add(1);
        self.has_ended = self.has_ended || self.is_behind_end(&row);
        if self.has_ended {
            count(&mut self.left_out.behind_end);
        } else if let Some(heading) = self.heading_of(&row) {
            count(&mut self.left_out.sub_headings);
            self.begin_below(heading);
        } else {
            let piece = self.below_what_stands_above(row);
            match piece {
                Some(piece) => self.turn(piece, pieces),
                None => count(&mut self.left_out.not_chosen),
            }
        }
    }

    fn is_behind_end(&self, row: &Row) -> bool {
        let ends = &self.arrangement.stop_at;
        let first = || row.cells().map(fold).find(|text| !text.is_empty());
        !ends.is_empty() && first().is_some_and(|text| ends.iter().any(|end| text.starts_with(end.as_str())))
    }

    fn heading_of(&self, row: &Row) -> Option<Heading> {
        let headings = self.arrangement.headings.as_ref()?;
        Heading::of(row, self.arrangement.width, headings.until.as_deref())
    }

    fn begin_below(&mut self, heading: Heading) {
        self.heading = Some(Arc::new(heading));
        self.above.fill(None);
        self.is_closed = false;
    }

    /// The row as a piece with its empty cells filled, unless `skip_where` leaves it out.
    fn below_what_stands_above(&mut self, row: Row) -> Option<Piece> {
        let mut piece = Piece {
            row: Arc::new(row),
            heading: self.heading.clone(),
            filled: Vec::new(),
            turned: None,
            repeat: String::new(),
            is_closed: false,
        };
        if self.is_any(&self.arrangement.skip_where, &piece) {
            return None;
        }
        self.close_below(&mut piece);
        if !self.arrangement.fill_down.is_empty() {
            self.fill_down(&mut piece);
        }
        Some(piece)
    }

    /// A cell about secrecy may be merged with empty ones below it, which no file of delimited text tells: they say what it says.
    fn close_below(&mut self, piece: &mut Piece) {
        let cells = self.arrangement.cells(piece);
        if self.gates.are_closed(cells) {
            self.is_closed = true;
        } else if self.gates.say_anything(cells) {
            self.is_closed = false;
        }
        piece.is_closed = self.is_closed;
    }

    /// Fills empty cells with the texts above them; of a row that is kept out, nothing goes down.
    fn fill_down(&mut self, piece: &mut Piece) {
        if self.is_closed || self.gates.lack_an_answer(self.arrangement.cells(piece)) {
            self.above.fill(None);
            return;
        }
        for (&column, above) in self.arrangement.fill_down.iter().zip(&mut self.above) {
            let text = trim(self.arrangement.file_cell(&piece.row, column).unwrap_or_default());
            if text.is_empty() {
                piece.filled.extend(above.iter().map(|text| (column, Arc::clone(text))));
            } else {
                *above = Some(text).filter(|text| !holds_personal_id(text)).map(Arc::from);
            }
        }
    }

    /// A piece for each turned cell that holds something, or the piece itself.
    fn turn(&mut self, piece: Piece, pieces: &mut Vec<Piece>) {
        let before = pieces.len();
        if self.arrangement.turned.is_empty() {
            self.choose(piece, pieces);
            return;
        }
        for (index, turned) in self.arrangement.turned.iter().enumerate() {
            if !self.arrangement.cells(&piece).is_empty_at(turned.column) {
                self.choose(Piece { turned: Some(index), ..piece.clone() }, pieces);
            }
        }
        if pieces.len() == before {
            count(&mut self.left_out.not_chosen);
        }
    }

    /// Takes the piece if `only` and `skip_where` do.
    fn choose(&mut self, mut piece: Piece, pieces: &mut Vec<Piece>) {
        let arrangement = self.arrangement;
        let is_wanted = arrangement.only.iter().all(|choice| self.holds(choice, &piece));
        if !is_wanted || self.is_any(&arrangement.skip_where, &piece) {
            if piece.turned.is_none() {
                count(&mut self.left_out.not_chosen);
            }
            return;
        }
        if !arrangement.repeats_of.is_empty() {
            piece.repeat = self.repeat(&piece);
        }
        pieces.push(piece);
    }

    fn is_any(&self, choices: &[Choice], piece: &Piece) -> bool {
        choices.iter().any(|choice| self.holds(choice, piece))
    }

    fn holds(&self, choice: &Choice, piece: &Piece) -> bool {
        let text = self.arrangement.cells(piece).cell(choice.column).unwrap_or_default();
        choice.texts.contains(&fold(text))
    }

    fn repeat(&mut self, piece: &Piece) -> String {
        let cells = self.arrangement.cells(piece);
        let texts =
            self.arrangement.repeats_of.iter().map(|&column| fold(cells.cell(column).unwrap_or_default()));
        let texts: Vec<String> = texts.collect();
        let seen = self.seen.entry(Digest::of(texts.join("\u{1f}").as_bytes())).or_insert(0);
        count(seen);
        if *seen > 1 { seen.to_string() } else { String::new() }
    }
}

fn count(counter: &mut u64) {
    *counter = counter.saturating_add(1);
}
