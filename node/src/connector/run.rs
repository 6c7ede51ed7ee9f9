//! One run of a connector: a job that fetches into a file and has it imported as any other file is.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::ToSpan as _;
use jiff::civil::Date;
use serde::Deserialize;
use serde_json::{Value, json};

use super::declaration::{FolderSource, OaiSource, PostgresqlSource, Source};
use super::declared::{Connector, ConnectorsFailed};
use super::folder::{
    Look, Shelf, WatchFailed, imported_later, leave_beside, name_before, neutral_name, shelve, take,
};
use super::oai::{Asking, HarvestFailed, harvest};
use super::spool::{Spool, SpoolFailed};
use super::web::{Http, OpenWebFailed, WebSettings};
use crate::command::{Command, ImportOrder, Rejects, execute};
use crate::context::Context;
use crate::job::{Counts, Ending, Job, JobFailed, JobId, Running, State};
use crate::speech::{Exit, Format, Speech, chain_of};

/// A run that could not be done, or not be kept.
#[derive(Debug, thiserror::Error)]
pub enum RunConnectorFailed {
    /// The job.
    #[error("the run cannot be kept")]
    Job(#[from] JobFailed),
    /// What the connector knows of its source.
    #[error("the connector cannot be read or written")]
    Connectors(#[from] ConnectorsFailed),
    /// The audit log.
    #[error("the run cannot be logged")]
    Audit(#[from] safeharbor_service::audit::AuditFailed),
    /// Persons.
    #[error("who set the connector up cannot be looked up")]
    Persons(#[from] safeharbor_service::person::PersonsFailed),
    /// A watched folder.
    #[error("the watched folder cannot be used")]
    Watch(#[from] WatchFailed),
    /// Nobody answers for the records any more.
    #[error(
        "{0}, who set up the connector, is no longer a person here; add the connector again on somebody else's word"
    )]
    NobodyAnswers(String),
    /// A job whose file is gone.
    #[error("the file of job {0} is no longer there")]
    FileGone(JobId),
    /// A job whose file would put older values over newer ones.
    #[error(
        "job {later} has imported a later file of the same name than job {job}; put the file into the folder again if it is the right one"
    )]
    Followed {
        /// The job that failed.
        job: JobId,
        /// The later one.
        later: JobId,
    },
}

/// Why nothing was imported; the job says so.
#[derive(Debug, thiserror::Error)]
enum FetchFailed {
    #[error("the source cannot be reached")]
    Web(#[from] OpenWebFailed),
    #[error("the harvest did not come to its end")]
    Harvest(#[from] HarvestFailed),
    #[error("fetched records cannot be kept")]
    Spool(#[from] SpoolFailed),
    #[cfg(feature = "postgres")]
    #[error("the database cannot be read")]
    Database(#[from] super::postgres::ReadDatabaseFailed),
    #[cfg(not(feature = "postgres"))]
    #[error("this program was built without PostgreSQL (feature postgres)")]
    NotBuilt,
}

/// What a run needs besides the node.
pub struct Shell<'s> {
    /// Waits, and says whether to go on.
    pub pause: &'s mut dyn FnMut(Duration) -> bool,
}

impl std::fmt::Debug for Shell<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Shell")
    }
}

/// What was fetched.
struct Fetched {
    file: PathBuf,
    rows: u64,
    /// From where the next run goes on.
    since: Option<String>,
}

/// Fetches from a repository or a database, and imports what came.
///
/// # Errors
/// The run cannot be begun or kept. A source that fails is the job's state.
pub(super) fn run(
    context: &Context,
    connector: &Connector,
    shell: &mut Shell<'_>,
) -> Result<Job, RunConnectorFailed> {
    verify_person(context, connector)?;
    let mut running = context.jobs.begin(&connector.name)?;
    let fetched = match &connector.source {
        Source::OaiPmh(oai) => fetch_oai(context, connector, oai, shell, &mut running),
        Source::Postgresql(database) => fetch_database(connector, database, &running),
        Source::Folder(_) => return finish(context, connector, running, nothing_came()),
    };
    let ending = match fetched {
        Err(failed) => failed_ending(&failed),
        Ok(Fetched { rows: 0, since, .. }) => {
            remember_since(context, connector, since)?;
            nothing_came()
        }
        Ok(Fetched { file, since, .. }) => {
            let origin = connector.name.to_string();
            let came = Came { file: &file, origin, is_part: connector.since.is_some() };
            let imported = import(context, connector, came, &mut running);
            if imported.counts.is_some() {
                remember_since(context, connector, since)?;
            }
            imported
        }
    };
    finish(context, connector, running, ending)
}

/// Imports one file that came to rest in a watched folder.
///
/// # Errors
/// The run cannot be begun or kept. A file that fails is the job's state.
pub(super) fn run_file(
    context: &Context,
    connector: &Connector,
    watched: &FolderSource,
    name: &str,
) -> Result<Job, RunConnectorFailed> {
    verify_person(context, connector)?;
    let mut running = context.jobs.begin(&connector.name)?;
    running.log().line(&neutral_name(name));
    let job = running.id().0;
    let taken = take(&watched.path, name, &running.input());
    let mut ending = match &taken {
        Ok(taken) => {
            let origin = origin_of(connector, &neutral_name(name));
            import(context, connector, Came { file: &taken.copy, origin, is_part: false }, &mut running)
        }
        Err(failed) => failed_ending_of_file(failed),
    };
    if taken.is_ok_and(|taken| !taken.is_still_in(&watched.path, name)) {
        // It is read once it has come to rest; on a shelf nobody would have read it.
        running.log().line(connector.language.pick(
            "文件在导入期间被替换或修改：留在目录中，静止后再读",
            "the file was replaced or changed while it was imported: it stays in the folder and is read once at rest",
        ));
        return finish(context, connector, running, ending);
    }
    let shelf = if ending.state == State::Done { Shelf::Imported } else { Shelf::Failed };
    match shelve(&watched.path, name, shelf, job) {
        Ok(shelved) => ending.file = (ending.state == State::Failed).then_some(shelved),
        Err(failed) => running.log().line(&chain_of(&failed)),
    }
    for left in left_by_import(&running.folder()) {
        if let Err(failed) = leave_beside(&watched.path, &left, shelf, job) {
            running.log().line(&chain_of(&failed));
        }
    }
    finish(context, connector, running, ending)
}

/// Looks into the folder once more, and imports the files that are as they were `before`.
///
/// # Errors
/// As [`run`].
pub(super) fn run_folder(
    context: &Context,
    connector: &Connector,
    watched: &FolderSource,
    before: &Look,
) -> Result<(Look, Vec<Job>), RunConnectorFailed> {
    let mut look = Look::into(&watched.path)?;
    let names: Vec<String> = look.at_rest(before).map(str::to_owned).collect();
    let mut jobs = Vec::new();
    for name in &names {
        jobs.push(run_file(context, connector, watched, name)?);
    }
    look.note_stuck(before, &watched.path, names);
    Ok((look, jobs))
}

/// Imports once more a file of a watched folder that failed and may have been repaired.
///
/// # Errors
/// As [`run`], for a file that is no longer there, and for one that was followed by a later one of its name.
pub(super) fn run_file_again(
    context: &Context,
    connector: &Connector,
    watched: &FolderSource,
    job: &Job,
    file: &Path,
) -> Result<Job, RunConnectorFailed> {
    verify_person(context, connector)?;
    let (Some(shelf), Some(shelved)) = (file.parent(), file.file_name().and_then(|name| name.to_str()))
    else {
        return Err(RunConnectorFailed::FileGone(job.id));
    };
    if !file.is_file() {
        return Err(RunConnectorFailed::FileGone(job.id));
    }
    let name = name_before(file).unwrap_or_default();
    if let Some(later) = imported_later(&watched.path, name, job.id.0) {
        return Err(RunConnectorFailed::Followed { job: job.id, later: JobId(later) });
    }
    let mut running = context.jobs.begin(&connector.name)?;
    // Copied without following a link: others may write to the shelf.
    let ending = match take(shelf, shelved, &running.input()) {
        Ok(taken) => {
            let came = Came { file: &taken.copy, origin: origin_of(connector, name), is_part: false };
            import(context, connector, came, &mut running)
        }
        Err(failed) => failed_ending_of_file(&failed),
    };
    let ending = Ending { file: ending.counts.is_none().then(|| file.to_owned()), ..ending };
    finish(context, connector, running, ending)
}

fn verify_person(context: &Context, connector: &Connector) -> Result<(), RunConnectorFailed> {
    if context.persons.list()?.iter().any(|person| person.id == connector.person.id) {
        return Ok(());
    }
    Err(RunConnectorFailed::NobodyAnswers(connector.person.name.clone()))
}

fn fetch_oai(
    context: &Context,
    connector: &Connector,
    oai: &OaiSource,
    shell: &mut Shell<'_>,
    running: &mut Running<'_>,
) -> Result<Fetched, FetchFailed> {
    let file = running.input().join("records.jsonl");
    let mut spool = Spool::create(&file)?;
    let since = connector.since.as_deref().unwrap_or("-");
    running.log().line(&format!("{}; since {since}", connector.source));
    let settings =
        WebSettings { url: &oai.url, ca_file: oai.ca_file.as_deref(), proxy: oai.proxy.as_deref() };
    let mut web = Http::open(&settings)?;
    let mut asking = Asking { web: &mut web, pause: shell.pause, seed: context.clock.now_ms() };
    let since = connector.since.as_deref().map(two_days_before);
    let harvested = harvest(oai, since.as_deref(), &mut asking, &mut spool);
    let rows = spool.finish()?;
    let language = connector.language;
    running.log().line(&language.pick(format!("取回 {rows} 条"), format!("{rows} records came")));
    let harvested = harvested?;
    for note in &harvested.notes {
        running.log().line(&note.text(connector.language));
    }
    Ok(Fetched { file, rows, since: Some(harvested.since) })
}

#[cfg(feature = "postgres")]
fn fetch_database(
    connector: &Connector,
    database: &PostgresqlSource,
    running: &Running<'_>,
) -> Result<Fetched, FetchFailed> {
    let file = running.input().join("records.jsonl");
    let mut spool = Spool::create(&file)?;
    let read = super::postgres::read(database, connector.since.as_deref(), &mut spool);
    let rows = spool.finish()?;
    Ok(Fetched { file, rows, since: read? })
}

#[cfg(not(feature = "postgres"))]
fn fetch_database(_: &Connector, _: &PostgresqlSource, _: &Running<'_>) -> Result<Fetched, FetchFailed> {
    Err(FetchFailed::NotBuilt)
}

/// What there is to import.
struct Came<'c> {
    file: &'c Path,
    /// What the records are from: those that an earlier file of it brought can be missing from this one.
    origin: String,
    /// Whether it holds only what changed.
    is_part: bool,
}

/// Each file of a folder is of its own; a name comes again when the file does.
fn origin_of(connector: &Connector, name: &str) -> String {
    format!("{}/{name}", connector.name)
}

/// Has the file imported by the ordinary command, on the word of who set the connector up.
fn import(context: &Context, connector: &Connector, came: Came<'_>, running: &mut Running<'_>) -> Ending {
    let mapping = running.folder().join("mapping.toml");
    if let Err(failed) = keep_file(&mapping, connector.mapping.as_bytes()) {
        return Ending { why: Some(failed.to_string()), ..failed_ending_of(State::Failed) };
    }
    let mapping = (!connector.mapping.is_empty()).then_some(mapping);
    let command = Command::Import(ImportOrder {
        origin: Some(came.origin),
        is_part: came.is_part,
        rejects: Rejects::In(running.folder().to_owned()),
        on_word_of: Some(connector.person.clone()),
        deletes_unknown: matches!(connector.source, Source::OaiPmh(_)),
        ..ImportOrder::of_file(came.file.to_owned(), mapping)
    });
    let mut out = Vec::new();
    let report = running.folder().join("report.json");
    let speech = &mut Speech {
        out: &mut out,
        err: running.log(),
        language: connector.language,
        format: Format::Json,
        terminal: false,
    };
    let exit = execute(context, command, speech);
    let counts = serde_json::from_slice::<Counts>(&out).ok();
    if let Err(failed) = keep_file(&report, &out) {
        running.log().line(&failed.to_string());
    }
    log_problems(&out, running);
    let state = match (exit, counts) {
        (Exit::Done, Some(_)) => State::Done,
        (_, Some(_)) => State::Partly,
        (_, None) => State::Failed,
    };
    let why = connector
        .language
        .pick("导入未完成，原因见日志", "the import did not come to its end; the log says why");
    Ending { counts, why: (state == State::Failed).then(|| why.to_owned()), ..failed_ending_of(state) }
}

/// Writes a file for its owner alone.
fn keep_file(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(bytes)
}

/// What an import reports of a row, as far as the log says it; the values stand in the report.
#[derive(Deserialize)]
struct ReportedProblem {
    row: u64,
    column: Option<String>,
    text: String,
    advice: String,
}

#[derive(Deserialize)]
struct Reported {
    problems: Vec<ReportedProblem>,
}

fn log_problems(report: &[u8], running: &mut Running<'_>) {
    let Ok(Reported { problems }) = serde_json::from_slice(report) else { return };
    for ReportedProblem { row, column, text, advice } in problems {
        let column = column.map(|column| format!(" {column}")).unwrap_or_default();
        running.log().line(&format!("#{row}{column}: {text}; {advice}"));
    }
}

fn failed_ending_of_file(failed: &WatchFailed) -> Ending {
    Ending {
        why: Some(format!("the file cannot be taken: {}", chain_of(failed))),
        ..failed_ending_of(State::Failed)
    }
}

const fn failed_ending_of(state: State) -> Ending {
    Ending { state, counts: None, why: None, file: None }
}

fn failed_ending(failed: &FetchFailed) -> Ending {
    Ending { why: Some(chain_of(failed)), ..failed_ending_of(State::Failed) }
}

fn nothing_came() -> Ending {
    Ending { counts: Some(Counts::default()), ..failed_ending_of(State::Done) }
}

/// Files that an import wrote into the folder of its job.
fn left_by_import(folder: &Path) -> Vec<PathBuf> {
    let ours = ["log.txt", "mapping.toml", "report.json"];
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let other = |path: &PathBuf| {
        path.is_file() && path.file_name().is_some_and(|name| ours.iter().all(|known| name != *known))
    };
    entries.filter_map(Result::ok).map(|entry| entry.path()).filter(other).collect()
}

/// A repository lists what changed hours after it did, under the time when it did; what comes twice changes nothing.
fn two_days_before(since: &str) -> String {
    let parts = since.split_at_checked(10).and_then(|(day, rest)| Some((day.parse::<Date>().ok()?, rest)));
    let earlier =
        parts.and_then(|(day, rest)| Some(format!("{}{rest}", day.checked_sub(2_i32.days()).ok()?)));
    earlier.unwrap_or_else(|| since.to_owned())
}

fn remember_since(
    context: &Context,
    connector: &Connector,
    since: Option<String>,
) -> Result<(), ConnectorsFailed> {
    match since {
        // One that was declared anew meanwhile begins at its own beginning.
        Some(since) => context.connectors.change(&connector.name, |kept| {
            if kept.at == connector.at {
                kept.since = Some(since);
            }
        }),
        None => Ok(()),
    }
}

fn finish(
    context: &Context,
    connector: &Connector,
    running: Running<'_>,
    ending: Ending,
) -> Result<Job, RunConnectorFailed> {
    let mut running = running;
    if let Some(why) = &ending.why {
        running.log().line(why);
    }
    let job = running.finish(ending)?;
    let counts = job.counts.map_or(Value::Null, |counts| json!(counts));
    let detail = json!({ "job": job.id, "state": job.state, "counts": counts });
    context.audit.append(Some(&connector.person), "connector run", &connector.name.to_string(), detail)?;
    Ok(job)
}

#[cfg(test)]
mod tests {
    use super::two_days_before;

    #[test]
    fn a_harvest_goes_back_two_days_at_its_own_granularity() {
        for (since, wanted) in [
            ("2026-03-01T08:00:00Z", "2026-02-27T08:00:00Z"),
            ("2026-03-01", "2026-02-27"),
            ("yesterday", "yesterday"),
            ("", ""),
        ] {
            assert_eq!(two_days_before(since), wanted);
        }
    }
}
