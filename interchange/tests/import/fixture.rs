//! A store in memory, a dry run over it, and short ways to import a text.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::Cursor;
use std::sync::LazyLock;

use safeharbor_interchange::import::{
    Action, ImportFailed, ImportOptions, ImportedRow, Mapping, Report, Sink, Taken, import_from,
};
use safeharbor_rules::{Catalogue, Kind, Record};

/// Records by key: what a store does, without a disk.
#[derive(Debug, Default, Clone)]
pub(crate) struct MemoryStore {
    pub(crate) records: BTreeMap<String, Record>,
    pub(crate) rows: Vec<u64>,
    /// Every row as it came.
    pub(crate) taken: Vec<ImportedRow>,
}

impl MemoryStore {
    fn compare(&self, row: &ImportedRow) -> Taken {
        match self.records.get(&row.key) {
            None => Taken::New,
            Some(kept) if *kept == row.record => Taken::Unchanged,
            Some(_) => Taken::Revised,
        }
    }
}

impl Sink for MemoryStore {
    fn take(&mut self, rows: Vec<ImportedRow>) -> Result<Vec<Taken>, Box<dyn Error + Send + Sync>> {
        let mut answers = Vec::new();
        for row in rows {
            self.rows.push(row.row);
            self.taken.push(row.clone());
            if row.action == Action::Delete {
                answers.push(self.records.remove(&row.key).map_or(Taken::Unchanged, |_| Taken::Deleted));
                continue;
            }
            answers.push(self.compare(&row));
            self.records.insert(row.key, row.record);
        }
        Ok(answers)
    }
}

/// Answers as the store would and keeps nothing.
#[derive(Debug)]
pub(crate) struct DryRun<'s>(pub(crate) &'s MemoryStore);

impl Sink for DryRun<'_> {
    fn take(&mut self, rows: Vec<ImportedRow>) -> Result<Vec<Taken>, Box<dyn Error + Send + Sync>> {
        Ok(rows.iter().map(|row| self.0.compare(row)).collect())
    }
}

/// A mapping for a small achievement list: 编号, 名称, 密级, 经费 (万元), 完成人, 登记日期.
pub(crate) const ACHIEVEMENTS: &str = r#"
kind = "ACH"
null = ["-"]
ignore = ["备注"]
[field.achievement_no]
from = ["成果编号", "编号"]
[field.name]
from = "名称"
[field.secrecy]
from = "密级"
[field.funding]
from = "经费（万元）"
unit = "万元"
[field.inventors]
from = "完成人"
split = ["；", ";", "、"]
[field.internal_registered_at]
from = "登记日期"
[field.stage]
from = "阶段"
codes = { "样机" = "S2" }
"#;

/// The header that [`ACHIEVEMENTS`] reads.
pub(crate) const HEADER: &str = "编号,名称,密级,经费（万元）,完成人,登记日期,阶段\n";

pub(crate) fn mapping(text: &str) -> Mapping {
    Mapping::parse(text).unwrap()
}

pub(crate) fn import_bytes(
    bytes: &[u8],
    mapping_text: &str,
    sink: &mut dyn Sink,
) -> Result<Report, ImportFailed> {
    let mapping = mapping(mapping_text);
    import_from("成果.csv", Cursor::new(bytes), &mapping, kind_of(&mapping), &ImportOptions::default(), sink)
}

/// The kind a mapping is for.
pub(crate) fn kind_of(mapping: &Mapping) -> &'static Kind {
    static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| Catalogue::embedded().unwrap());
    CATALOGUE.kind(&mapping.kind().parse().unwrap()).unwrap()
}

/// Imports rows below [`HEADER`].
pub(crate) fn import_rows(rows: &str) -> (Report, MemoryStore) {
    let mut store = MemoryStore::default();
    let report = import_bytes(format!("{HEADER}{rows}").as_bytes(), ACHIEVEMENTS, &mut store).unwrap();
    (report, store)
}

/// An error with all its causes on one line.
pub(crate) fn explain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}

/// A store that answers every row alike.
#[derive(Debug)]
pub(crate) struct Always(pub(crate) Taken);

impl Sink for Always {
    fn take(&mut self, rows: Vec<ImportedRow>) -> Result<Vec<Taken>, Box<dyn Error + Send + Sync>> {
        Ok(rows.iter().map(|_| self.0.clone()).collect())
    }
}
