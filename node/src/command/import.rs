//! `import`: files people have, checked and stored.

mod progress;
mod rejects;
pub(super) mod report;

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::str::FromStr as _;
use std::time::Instant;

use safeharbor_core::digest::Digest;
use safeharbor_interchange::import as importing;
use safeharbor_interchange::import::{Encoding, ImportFailed, ImportOptions, Mapping, Progress, Report};
use safeharbor_rules::Kind;
use safeharbor_service::person::{Person, Role};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::credentials::authenticate;
use super::{CommandFailed, Credentials, record};
use crate::context::Context;
use crate::records::{Links, RecordSink, Terms};
use crate::speech::{CatalogueLanguage as _, Exit, Format, Speech};
use progress::Teller;
use rejects::RejectFile;
use report::{Told, print, to_json};

/// Problems a report lists; all are counted.
const PROBLEMS_MAX: usize = 1_000;
/// Overruled records that the audit log names; all are counted.
const OVERRULED_NAMED_MAX: usize = 100;

/// Which file to import, how to read it, and on which terms to take it. Paths are absolute.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ImportOrder {
    /// The file.
    pub file: PathBuf,
    /// Its mapping; none for a file in the own layout of a kind.
    pub mapping: Option<PathBuf>,
    /// The kind of a file without a mapping, where its header does not tell.
    pub kind: Option<String>,
    /// Overrules the mapping's encoding.
    pub encoding: Option<String>,
    /// Answers the same and keeps nothing.
    pub dry_run: bool,
    /// Where rejected rows are written.
    pub rejects: Rejects,
    /// What the records are from, where that has a name besides the file's.
    pub origin: Option<String>,
    /// What becomes of rows that name records which are not here.
    pub links: Links,
    /// Whether the file is right where it contradicts a change made here.
    pub takes_file: bool,
    /// Who imports it, if rows are to be deleted or changes made here overruled.
    pub by: Option<Credentials>,
    /// Whose word the import rests on without a password: who set up the connector. Never from the command line.
    #[serde(skip)]
    pub on_word_of: Option<Person>,
    /// Whether rows may delete what never came here. Never from the command line.
    #[serde(skip)]
    pub deletes_unknown: bool,
    /// Whether the file holds only what changed, so that nothing is missing from it. Never from the command line.
    #[serde(skip)]
    pub is_part: bool,
}

/// Where rejected rows are written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Rejects {
    /// Nowhere.
    None,
    /// Into a file that is not there yet, named after the imported one, in this folder; not by a dry run.
    In(PathBuf),
    /// Into this file, which must not be there yet.
    Into(PathBuf),
}

impl ImportOrder {
    /// The ordinary order for a file.
    #[must_use]
    pub const fn of_file(file: PathBuf, mapping: Option<PathBuf>) -> Self {
        Self {
            file,
            mapping,
            kind: None,
            encoding: None,
            dry_run: false,
            rejects: Rejects::None,
            origin: None,
            links: Links::Refuse,
            takes_file: false,
            by: None,
            on_word_of: None,
            deletes_unknown: false,
            is_part: false,
        }
    }
}

pub(super) fn import(
    context: &Context,
    order: &ImportOrder,
    speech: &mut Speech<'_>,
) -> Result<Exit, CommandFailed> {
    let mapping = mapping_of(context, order)?;
    let kind_id = record::find_kind(context, mapping.kind())?;
    let catalogue = context.catalogue();
    let kind = catalogue.kind(&kind_id).ok_or_else(|| CommandFailed::NoKind(kind_id.to_string()))?;
    let (terms, person) = terms(context, order)?;
    let sha256 = digest_of(&order.file)?;
    let mapping_sha256 = order.mapping.as_deref().map(digest_of).transpose()?;
    let rejects = RejectFile::new(&order.rejects, &terms.file, order.dry_run)?;
    let start = Instant::now();
    let name = terms.file.clone();
    let mut sink = if order.dry_run {
        RecordSink::dry_run(context, kind, terms)
    } else {
        RecordSink::new(context, kind, terms)
    };
    let imported = run(order, &mapping, kind, &rejects, &mut sink, speech)?;
    if !order.dry_run {
        let mut detail = json!({
            "kind": kind_id.as_str(), "sha256": sha256.to_string(),
            "mapping_sha256": mapping_sha256.map(|digest| digest.to_string()),
            "counts": imported.as_ref().ok().map(counts),
        });
        note_overruled(&sink, &mut detail);
        context.audit.append(person.as_ref(), "import", &name, detail)?;
    }
    let report = imported?;
    let absent = if order.is_part { None } else { sink.absent()? };
    let rejects = rejects.finish()?;
    let told = Told { report, kind: kind_id, sha256, dry_run: order.dry_run, absent, rejects };
    match speech.format {
        Format::Json => speech.json(&to_json(&told, speech.language))?,
        Format::Table => print(&told, start.elapsed(), speech)?,
    }
    let is_whole = told.report.refused == 0 && told.report.conflicts == 0;
    Ok(if is_whole { Exit::Done } else { Exit::Refused })
}

fn run(
    order: &ImportOrder,
    mapping: &Mapping,
    kind: &Kind,
    rejects: &RejectFile,
    sink: &mut RecordSink<'_>,
    speech: &mut Speech<'_>,
) -> Result<Result<Report, ImportFailed>, CommandFailed> {
    let (language, terminal) = (speech.language, speech.terminal);
    let teller = Teller::new(&mut *speech.err, language, terminal);
    let progress = |progress: Progress| teller.tell(progress);
    let write = |bytes: &[u8]| rejects.write(bytes);
    let options = ImportOptions {
        encoding: encoding(order)?,
        delimiter: None,
        problems_max: PROBLEMS_MAX,
        progress: Some(&progress),
        rejects: rejects.is_wanted().then_some(&write),
        lang: language.lang(),
    };
    let imported = importing::import(&order.file, mapping, kind, &options, sink);
    teller.finish();
    Ok(imported)
}

/// The terms of an order, and who gave it.
fn terms(context: &Context, order: &ImportOrder) -> Result<(Terms, Option<Person>), CommandFailed> {
    let roles = [Role::Clerk, Role::Approver, Role::Administrator];
    let person = match &order.by {
        Some(by) => Some(authenticate(context, by, &roles, "import")?),
        None => order.on_word_of.clone(),
    };
    let terms = Terms {
        file: importing::shown_file_name(&order.file),
        origin: order.origin.clone(),
        person: person.clone(),
        takes_file: order.takes_file && person.is_some(),
        links: order.links,
        deletes_unknown: order.deletes_unknown,
    };
    Ok((terms, person))
}

/// The mapping that was named; without one the file has the own layout of a kind.
fn mapping_of(context: &Context, order: &ImportOrder) -> Result<Mapping, CommandFailed> {
    if let Some(path) = &order.mapping {
        return Ok(Mapping::load(path)?);
    }
    let catalogue = context.catalogue();
    let kinds: Vec<&Kind> = match &order.kind {
        Some(id) => {
            let id = record::find_kind(context, id)?;
            catalogue.kind(&id).into_iter().collect()
        }
        None => catalogue.kinds().collect(),
    };
    Ok(importing::recognise(&order.file, &kinds, encoding(order)?)?)
}

/// Counts only: no value of a row.
fn counts(report: &Report) -> Value {
    json!({
        "rows": report.rows, "new": report.new, "revised": report.revised,
        "unchanged": report.unchanged, "deleted": report.deleted, "conflicts": report.conflicts,
        "refused": report.refused,
    })
}

/// Whose changes the file overruled, by handle.
fn note_overruled(sink: &RecordSink<'_>, detail: &mut Value) {
    let overruled = sink.overruled();
    if let Some(detail) = detail.as_object_mut().filter(|_| !overruled.is_empty()) {
        let named = overruled.iter().take(OVERRULED_NAMED_MAX).map(ToString::to_string);
        detail.insert("overruled".to_owned(), named.collect());
        detail.insert("overruled_total".to_owned(), overruled.len().into());
    }
}

fn encoding(order: &ImportOrder) -> Result<Option<Encoding>, CommandFailed> {
    match order.encoding.as_deref() {
        None | Some("auto") => Ok(None),
        Some(name) => Ok(Some(Encoding::from_str(name)?)),
    }
}

/// The file's SHA-256, read a piece at a time: files are large.
pub(super) fn digest_of(file: &Path) -> Result<Digest, CommandFailed> {
    let failed = |source| CommandFailed::Read { path: file.to_owned(), source };
    let mut input = File::open(file).map_err(failed)?;
    let mut hasher = Sha256::new();
    let mut piece = vec![0; 64 * 1024];
    loop {
        match input.read(&mut piece).map_err(failed)? {
            0 => return Ok(Digest::from_bytes(hasher.finalize().into())),
            length => hasher.update(piece.get(..length).unwrap_or_default()),
        }
    }
}
