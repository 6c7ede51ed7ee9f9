//! `split`: a file shared out by the values of a column.

use std::fs;
use std::path::Path;

use safeharbor_core::record::KindId;
use safeharbor_interchange::import as importing;
use safeharbor_interchange::import::{Encoding, ImportOptions, ImportedRow, Mapping, Sink, Taken};
use safeharbor_rules::{Catalogue, Kind};
use safeharbor_service::durable_file::{Access, Existing, write};
use serde_json::{Value, json};

use super::CommandFailed;

/// Shares a file out by the values of a column: one file each and an `index.json`. Needs no node.
///
/// # Errors
/// The file or mapping is refused, or the folder cannot be written.
pub fn split(
    catalogue: &Catalogue,
    file: &Path,
    mapping: &Path,
    column: &str,
    folder: &Path,
) -> Result<Value, CommandFailed> {
    let mapping = Mapping::load(mapping)?;
    let kind_id = mapping.kind().parse::<KindId>().ok();
    let kind = kind_id.as_ref().and_then(|kind| catalogue.kind(kind));
    let kind = kind.ok_or_else(|| CommandFailed::NoKind(mapping.kind().to_owned()))?;
    let parts = importing::split(file, &mapping, column)?;
    fs::create_dir_all(folder).map_err(CommandFailed::Output)?;
    let mut index = Vec::new();
    for (number, (value, bytes)) in parts.into_iter().enumerate() {
        let name = format!("{:04}.csv", number.saturating_add(1));
        let rows = count_rows(&name, &bytes, &mapping, kind)?;
        write(&folder.join(&name), &bytes, Access::OwnerOnly, Existing::Replace)?;
        index.push(json!({ "value": value, "file": name, "rows": rows }));
    }
    let index = Value::from(index);
    let text = format!("{index:#}\n");
    write(&folder.join("index.json"), text.as_bytes(), Access::OwnerOnly, Existing::Replace)?;
    Ok(index)
}

fn count_rows(name: &str, bytes: &[u8], mapping: &Mapping, kind: &Kind) -> Result<u64, CommandFailed> {
    let input = std::io::Cursor::new(bytes);
    let options =
        ImportOptions { encoding: Some(Encoding::Utf8), problems_max: 0, ..ImportOptions::default() };
    Ok(importing::import_from(name, input, mapping, kind, &options, &mut Counting)?.rows)
}

/// Keeps nothing; only what the report counts matters.
pub(super) struct Counting;

impl Sink for Counting {
    fn take(
        &mut self,
        rows: Vec<ImportedRow>,
    ) -> Result<Vec<Taken>, Box<dyn std::error::Error + Send + Sync>> {
        Ok(vec![Taken::New; rows.len()])
    }
}
