//! The roster from the official list of universities (教育部《全国高等学校名单》), read with the mapping that is shipped.

use std::error::Error;
use std::path::Path;

use safeharbor_core::directory::InstitutionType;
use safeharbor_core::institution::InstitutionCode;
use safeharbor_interchange::import::{
    ImportFailed, ImportOptions, ImportedRow, Mapping, MappingFailed, Report, Sink, Taken, import,
};
use safeharbor_rules::Record;
use safeharbor_service::store::Batch;
use serde_json::Value;

use super::{RosterRow, drawer};
use crate::office::Desk;
use crate::office::drawer::keep_all;

const MAPPING: &str = include_str!("../../../catalogue/mappings/moe-universities.toml");
const KIND: &str = "ROS";

/// The list is not imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportRosterFailed {
    /// The shipped mapping cannot be used.
    #[error("the mapping of the official list cannot be used")]
    Mapping(#[from] MappingFailed),
    /// The catalogue has no such kind.
    #[error("the catalogue has no kind {KIND}")]
    Kind,
    /// The file is refused.
    #[error(transparent)]
    Import(#[from] ImportFailed),
}

/// What an import did.
#[derive(Debug)]
pub struct RosterImported {
    /// Counts and problems.
    pub report: Report,
    /// The changed rows: id, former name, name.
    pub changed: Vec<[String; 3]>,
}

/// Takes the official list in. What the district added to a row (aliases, code, whether it is in the district) stays.
///
/// # Errors
/// Any of [`ImportRosterFailed`].
pub fn import_official(desk: &Desk, file: &Path) -> Result<RosterImported, ImportRosterFailed> {
    let mapping = Mapping::parse(MAPPING)?;
    // The mapping is compiled in with the kind it fits.
    let kind = desk.catalogues.embedded().kind(&KIND.parse().or(Err(ImportRosterFailed::Kind))?);
    let kind = kind.ok_or(ImportRosterFailed::Kind)?;
    let mut taking = Taking { desk, changed: Vec::new() };
    let report = import(file, &mapping, kind, &ImportOptions::default(), &mut taking)?;
    Ok(RosterImported { report, changed: taking.changed })
}

struct Taking<'d> {
    desk: &'d Desk,
    changed: Vec<[String; 3]>,
}

impl Sink for Taking<'_> {
    fn take(&mut self, rows: Vec<ImportedRow>) -> Result<Vec<Taken>, Box<dyn Error + Send + Sync>> {
        let (drawer, mut batch, mut answers) = (drawer(self.desk), Batch::new(), Vec::new());
        for row in rows {
            let before = drawer.find(row.key.as_bytes())?;
            let after = merge(before.as_ref(), &row);
            let answer = match before {
                None => Taken::New,
                Some(before) if before == after => Taken::Unchanged,
                Some(before) => {
                    let names = [after.id.clone(), before.name().to_owned(), after.name().to_owned()];
                    self.changed.push(names);
                    Taken::Revised
                }
            };
            if answer != Taken::Unchanged {
                drawer.put(&mut batch, row.key.as_bytes(), &after)?;
            }
            answers.push(answer);
        }
        keep_all(&*self.desk.store, batch)?;
        Ok(answers)
    }
}

/// The official name comes from the list; a former one stays known as an alias.
fn merge(before: Option<&RosterRow>, row: &ImportedRow) -> RosterRow {
    let name = text(&row.record, "name").unwrap_or(&row.key).to_owned();
    let code: Option<InstitutionCode> = text(&row.record, "code").and_then(|code| code.parse().ok());
    let Some(before) = before else {
        return RosterRow {
            id: row.key.clone(),
            names: vec![name],
            aliases: Vec::new(),
            kind: InstitutionType::University,
            in_district: None,
            counts_for_g1: false,
            code,
        };
    };
    let mut after = RosterRow { code: before.code.or(code), ..before.clone() };
    if before.name() != name {
        let former = before.name().to_owned();
        after.names.retain(|known| *known != former && *known != name);
        after.names.insert(0, name);
        after.aliases.push(former);
    }
    after
}

fn text<'r>(record: &'r Record, field: &str) -> Option<&'r str> {
    record.get(field).and_then(Value::as_str)
}
