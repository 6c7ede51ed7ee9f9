//! `template`: an empty workbook of a kind, to fill in and import without a mapping. It needs no node.

use std::io::BufWriter;
use std::path::Path;

use safeharbor_interchange::template::write_template;
use safeharbor_rules::{Catalogue, KindId};
use safeharbor_service::durable_file::{Access, DurableFile, Existing};

use super::CommandFailed;

/// Writes the template of `kind` to `file`.
///
/// # Errors
/// No such kind, a file that is there and may not be replaced, a disk that fails.
pub fn template(catalogue: &Catalogue, kind: &str, file: &Path, replace: bool) -> Result<(), CommandFailed> {
    let id = kind.trim().to_ascii_uppercase().parse::<KindId>().ok();
    let found = id.and_then(|id| catalogue.kind(&id));
    let kind = found.ok_or_else(|| CommandFailed::NoKind(kind.to_owned()))?;
    if !file.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("xlsx")) {
        return Err(CommandFailed::NotWorkbook(file.to_owned()));
    }
    if !replace && file.exists() {
        return Err(CommandFailed::Exists(file.to_owned()));
    }
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut target = BufWriter::new(DurableFile::create(folder, Access::Ordinary)?);
    write_template(kind, &mut target)?;
    let target = target.into_inner().map_err(|failed| failed.into_error())?;
    Ok(target.finish(file, if replace { Existing::Replace } else { Existing::Refuse })?)
}
