//! The board: aggregates kept as statements arrive.
//!
//! Every stated record stands in exactly one cell; a later revision moves it, a withdrawal takes it out.

use std::collections::{BTreeMap, HashMap};

use safeharbor_core::institution::InstitutionCode;
use safeharbor_core::record::{KindId, RecordHandle};
use serde_json::Value;

use crate::journal::Position;

/// What a record is counted by, as far as it was revealed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Dimensions {
    /// 技术领域.
    pub field: Option<String>,
    /// 所处阶段.
    pub stage: Option<String>,
    /// 转化方式 (deals).
    pub mode: Option<String>,
    /// `YYYY-MM`: of the signature (deals), of publication, grant or founding.
    pub month: Option<String>,
}

/// Revealed claims that give a record its month, the first one present counts.
const MONTH_CLAIMS: [&str; 5] = ["signed_month", "public_since", "grant_date", "filing_date", "founded"];
/// The most characters a counted value may have; what is longer is no code and is not counted by.
const VALUE_CHARS_MAX: usize = 64;

impl Dimensions {
    /// Reads the dimensions out of revealed claims.
    #[must_use]
    pub fn read(claims: &[(&str, &Value)]) -> Self {
        let text = |wanted: &str| {
            let value = claims.iter().find(|(name, _)| *name == wanted)?.1;
            let value = value.as_str().filter(|text| text.chars().count() <= VALUE_CHARS_MAX)?;
            Some(value.to_owned())
        };
        let month = MONTH_CLAIMS.iter().find_map(|claim| text(claim));
        Self {
            field: text("field"),
            stage: text("stage"),
            mode: text("mode"),
            month: month.and_then(|date| date.get(..7).map(str::to_owned)),
        }
    }
}

/// One cell of the board.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BoardCell {
    /// Whose records.
    pub institution: InstitutionCode,
    /// Of which kind.
    pub kind: KindId,
    /// Counted by what.
    pub dimensions: Dimensions,
}

#[derive(Debug)]
struct StatedRecord {
    cell: u32,
    revision: u32,
    /// Where the frames with its revealed values begin.
    positions: Vec<Position>,
}

/// The aggregates and the state of every stated record.
#[derive(Debug, Default)]
pub struct Board {
    cells: Vec<(BoardCell, u64)>,
    cell_ids: BTreeMap<BoardCell, u32>,
    records: HashMap<(InstitutionCode, RecordHandle), StatedRecord>,
}

impl Board {
    /// The kind and last stated revision of a record.
    #[must_use]
    pub fn revision(&self, code: InstitutionCode, handle: RecordHandle) -> Option<(KindId, u32)> {
        let record = self.records.get(&(code, handle))?;
        let (cell, _) = self.cell(record.cell)?;
        Some((cell.kind.clone(), record.revision))
    }

    /// The cells that count at least one record.
    pub fn cells(&self) -> impl Iterator<Item = (&BoardCell, u64)> {
        self.cells.iter().filter(|(_, count)| *count > 0).map(|(cell, count)| (cell, *count))
    }

    /// How many records are stated and not withdrawn.
    #[must_use]
    pub fn records(&self) -> usize {
        self.records.len()
    }

    pub(super) fn disclose(
        &mut self,
        code: InstitutionCode,
        handle: RecordHandle,
        kind: &KindId,
        revision: u32,
        dimensions: &Dimensions,
        position: Option<Position>,
    ) {
        let cell =
            self.cell_id(BoardCell { institution: code, kind: kind.clone(), dimensions: dimensions.clone() });
        let (before, mut positions) = match self.records.remove(&(code, handle)) {
            Some(record) => (Some(record.cell), record.positions),
            None => (None, Vec::new()),
        };
        if let Some(before) = before {
            self.count(before, |count| count.saturating_sub(1));
        }
        self.count(cell, |count| count.saturating_add(1));
        positions.extend(position);
        self.records.insert((code, handle), StatedRecord { cell, revision, positions });
    }

    /// Takes a record out and returns where its revealed values are.
    pub(super) fn withdraw(&mut self, code: InstitutionCode, handle: RecordHandle) -> Vec<Position> {
        let Some(record) = self.records.remove(&(code, handle)) else { return Vec::new() };
        self.count(record.cell, |count| count.saturating_sub(1));
        record.positions
    }

    fn cell(&self, id: u32) -> Option<&(BoardCell, u64)> {
        self.cells.get(usize::try_from(id).ok()?)
    }

    fn count(&mut self, id: u32, change: impl FnOnce(u64) -> u64) {
        let cell = usize::try_from(id).ok().and_then(|id| self.cells.get_mut(id));
        if let Some((_, count)) = cell {
            *count = change(*count);
        }
    }

    fn cell_id(&mut self, cell: BoardCell) -> u32 {
        if let Some(id) = self.cell_ids.get(&cell) {
            return *id;
        }
        let id = u32::try_from(self.cells.len()).unwrap_or(u32::MAX);
        self.cell_ids.insert(cell.clone(), id);
        self.cells.push((cell, 0));
        id
    }
}
