//! `import` and `split`: files people have, checked and stored, or shared out.

use std::fs::{self, File};
use std::io::{Read as _, Write};
use std::path::Path;
use std::str::FromStr as _;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use safeharbor_core::digest::Digest;
use safeharbor_core::record::KindId;
use safeharbor_rules::{Catalogue, Kind};
use safeharbor_service::durable_file::{Access, Existing, write};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{CommandFailed, record};
use crate::context::Context;
use crate::records::{DryRun, RecordSink};
use crate::speech::{Exit, Format, Language, Speech};
use safeharbor_interchange::import as importing;
use safeharbor_interchange::import::{
    Encoding, ImportOptions, ImportedRow, LeftOut, Mapping, Progress, Report, RowProblem, Sink, Taken,
    Warning,
};

/// Problems a report lists; all are counted.
const PROBLEMS_MAX: usize = 1_000;
/// How long a long import is silent.
const BETWEEN_LINES: Duration = Duration::from_secs(3);

/// Which file to import, and how to read it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Order<'o> {
    pub(super) file: &'o Path,
    pub(super) mapping: Option<&'o Path>,
    /// The kind of a file without a mapping, where its header does not tell.
    pub(super) kind: Option<&'o str>,
    pub(super) encoding: Option<&'o str>,
}

pub(super) fn import(
    context: &Context,
    order: &Order<'_>,
    dry_run: bool,
    speech: &mut Speech<'_>,
) -> Result<Exit, CommandFailed> {
    let mapping = mapping_of(context, order)?;
    let kind_id = record::find_kind(context, mapping.kind())?;
    let kind = context.catalogue.kind(&kind_id).ok_or_else(|| CommandFailed::NoKind(kind_id.to_string()))?;
    let sha256 = digest_of(order.file)?;
    let mapping_sha256 = order.mapping.map(digest_of).transpose()?;
    let name = importing::shown_file_name(order.file);
    let start = Instant::now();
    let imported = {
        let teller = Teller::new(&mut *speech.err, speech.language);
        let progress = |progress: Progress| teller.tell(progress);
        let options = ImportOptions {
            encoding: encoding(order)?,
            delimiter: None,
            problems_max: PROBLEMS_MAX,
            progress: Some(&progress),
            ..ImportOptions::default()
        };
        let mut sink: Box<dyn Sink> = if dry_run {
            Box::new(DryRun::new(context, kind_id.clone()))
        } else {
            Box::new(RecordSink::new(context, kind, name.clone()))
        };
        importing::import(order.file, &mapping, kind, &options, &mut *sink)
    };
    if !dry_run {
        let detail = audit_detail(&kind_id, sha256, mapping_sha256, imported.as_ref().ok());
        context.audit.append(None, "import", &name, detail)?;
    }
    let report = imported?;
    match speech.format {
        Format::Json => speech.json(&report_json(&report, &kind_id, sha256, dry_run, speech.language))?,
        Format::Table => print(&report, dry_run, start.elapsed(), speech)?,
    }
    Ok(if report.refused == 0 && report.conflicts == 0 { Exit::Done } else { Exit::Refused })
}

/// The mapping that was named; without one the file has the own layout of a kind.
fn mapping_of(context: &Context, order: &Order<'_>) -> Result<Mapping, CommandFailed> {
    if let Some(path) = order.mapping {
        return Ok(Mapping::load(path)?);
    }
    let kinds: Vec<&Kind> = match order.kind {
        Some(id) => {
            let id = record::find_kind(context, id)?;
            context.catalogue.kind(&id).into_iter().collect()
        }
        None => context.catalogue.kinds().collect(),
    };
    Ok(importing::recognise(order.file, &kinds, encoding(order)?)?)
}

/// Says every few seconds how far an import is.
struct Teller<'w> {
    said: Mutex<(&'w mut (dyn Write + Send), Instant)>,
    language: Language,
}

impl<'w> Teller<'w> {
    fn new(err: &'w mut (dyn Write + Send), language: Language) -> Self {
        Self { said: Mutex::new((err, Instant::now())), language }
    }

    fn tell(&self, progress: Progress) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if said.1.elapsed() < BETWEEN_LINES {
            return;
        }
        said.1 = Instant::now();
        let Progress { rows, of } = progress;
        // An import goes on whether anybody listens or not.
        drop(match self.language {
            Language::Zh => writeln!(said.0, "已处理 {rows} / {of} 行"),
            Language::En => writeln!(said.0, "{rows} of {of} rows"),
        });
    }
}

/// Counts and hashes only: no value of a row.
fn audit_detail(kind: &KindId, file: Digest, mapping: Option<Digest>, report: Option<&Report>) -> Value {
    let counts = report.map(|report| {
        json!({
            "rows": report.rows, "new": report.new, "revised": report.revised,
            "unchanged": report.unchanged, "deleted": report.deleted, "conflicts": report.conflicts,
            "refused": report.refused,
        })
    });
    json!({
        "kind": kind.as_str(), "sha256": file.to_string(), "mapping_sha256": mapping.map(|digest| digest.to_string()), "counts": counts,
    })
}

fn encoding(order: &Order<'_>) -> Result<Option<Encoding>, CommandFailed> {
    match order.encoding {
        None | Some("auto") => Ok(None),
        Some(name) => Ok(Some(Encoding::from_str(name)?)),
    }
}

/// The file's SHA-256, read a piece at a time: files are large.
fn digest_of(file: &Path) -> Result<Digest, CommandFailed> {
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

fn print(
    report: &Report,
    dry_run: bool,
    took: Duration,
    speech: &mut Speech<'_>,
) -> Result<(), CommandFailed> {
    let lang = speech.language.lang();
    let warnings: Vec<_> = report.warnings.iter().map(|warning| warning.text(lang).to_owned()).collect();
    for warning in warnings {
        speech.note(format_args!("{}{warning}", speech.pick("提示：", "note: ")))?;
    }
    for problem in &report.problems {
        speech.note(problem.line_of_text(lang))?;
    }
    let listed = u64::try_from(report.problems.len()).unwrap_or(u64::MAX);
    let more = report.problems_total.saturating_sub(listed);
    if more > 0 {
        let language = speech.language;
        speech.note(
            language
                .pick(format!("另有 {more} 个问题未列出"), format!("{more} more problems are not listed")),
        )?;
    }
    if report.left_out.total() > 0 {
        speech.note(left_out(report.left_out, speech.language))?;
    }
    Ok(speech.data(summary(report, dry_run, took, speech.language))?)
}

fn left_out(left_out: LeftOut, language: Language) -> String {
    let LeftOut { sub_headings, not_chosen, behind_end } = left_out;
    let total = left_out.total();
    language.pick(
        format!(
            "按映射文件未收录 {total} 行：小标题 {sub_headings}，未选中 {not_chosen}，结尾之后 {behind_end}"
        ),
        format!(
            "{total} rows left out by the mapping: {sub_headings} headings, {not_chosen} not chosen, {behind_end} behind the end"
        ),
    )
}

fn summary(report: &Report, dry_run: bool, took: Duration, language: Language) -> String {
    let Report { file, rows, new, revised, unchanged, refused, .. } = report;
    let (recognised, seconds) = (&report.recognised, took.as_secs_f64());
    let done = match (dry_run, language) {
        (false, Language::Zh) => "已导入",
        (true, Language::Zh) => "试导入（未保存任何内容）",
        (false, Language::En) => "imported",
        (true, Language::En) => "dry run (nothing was kept)",
    };
    match language {
        Language::Zh => format!(
            "{done} {file}（{recognised}）：{rows} 行，新增 {new}，修订 {revised}，未变 {unchanged}，拒收 {refused}；{seconds:.1} 秒"
        ),
        Language::En => format!(
            "{done} {file} ({recognised}): {rows} rows, {new} new, {revised} revised, {unchanged} unchanged, {refused} refused; {seconds:.1} s"
        ),
    }
}

fn report_json(report: &Report, kind: &KindId, sha256: Digest, dry_run: bool, language: Language) -> Value {
    let lang = language.lang();
    let problem = |problem: &RowProblem| {
        json!({
            "row": problem.row, "line": problem.line, "column": problem.column, "value": problem.value,
            "code": problem.code, "text": problem.text(lang), "advice": problem.advice(lang),
        })
    };
    let recognised = &report.recognised;
    let warning = |warning: &Warning| json!({ "code": warning.code, "column": warning.column, "row": warning.row, "text": warning.text(lang) });
    json!({
        "file": report.file, "sha256": sha256.to_string(), "kind": kind.as_str(), "dry_run": dry_run,
        "format": recognised.format.to_string(), "sheet": recognised.sheet,
        "encoding": recognised.detected.map(|detected| detected.encoding.to_string()),
        "delimiter": recognised.delimiter.map(String::from),
        "rows": report.rows, "new": report.new, "revised": report.revised, "unchanged": report.unchanged,
        "deleted": report.deleted, "conflicts": report.conflicts,
        "left_out": report.left_out.total(), "refused": report.refused, "problems_total": report.problems_total,
        "problems": report.problems.iter().map(problem).collect::<Vec<_>>(),
        "warnings": report.warnings.iter().map(warning).collect::<Vec<_>>(),
    })
}

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

/// Keeps nothing; only the rows of the report matter.
struct Counting;

impl Sink for Counting {
    fn take(
        &mut self,
        rows: Vec<ImportedRow>,
    ) -> Result<Vec<Taken>, Box<dyn std::error::Error + Send + Sync>> {
        Ok(vec![Taken::New; rows.len()])
    }
}
