//! `jobs` and `job`: what connectors did, and doing it again.

use std::fs;

use serde_json::{Value, json};

use serde::{Deserialize, Serialize};

use super::CommandFailed;
use super::connector::{ConnectingFailed, find, pause};
use crate::connector::{Shell, run_again};
use crate::context::Context;
use crate::job::{Counts, Job, JobId, State};
use crate::speech::{Exit, Format, Language, Speech, moment, padded};

/// What can be asked about jobs.
#[derive(Debug, Serialize, Deserialize)]
pub enum JobCommand {
    /// The latest.
    List {
        /// Only of this connector.
        connector: Option<String>,
        /// At most this many.
        limit: usize,
    },
    /// One with its log.
    Show(String),
    /// Does one again.
    Again(String),
}

pub(super) fn carry_out(
    context: &Context,
    command: JobCommand,
    speech: &mut Speech<'_>,
) -> Result<Exit, CommandFailed> {
    match command {
        JobCommand::List { connector, limit } => list(context, connector.as_deref(), limit, speech),
        JobCommand::Show(id) => show(context, &id, speech),
        JobCommand::Again(id) => again(context, &id, speech),
    }
}

fn list(
    context: &Context,
    connector: Option<&str>,
    limit: usize,
    speech: &mut Speech<'_>,
) -> Result<Exit, CommandFailed> {
    let connector = connector.map(str::parse).transpose().map_err(ConnectingFailed::from)?;
    let jobs = context.jobs.latest(connector.as_ref(), limit).map_err(ConnectingFailed::from)?;
    if speech.format == Format::Json {
        speech.json(&jobs.iter().map(|job| shown(context, job)).collect())?;
        return Ok(Exit::Done);
    }
    if jobs.is_empty() {
        speech.note(speech.pick("还没有任务", "there are no jobs yet"))?;
    }
    for job in &jobs {
        speech.data(line(job, speech.language))?;
    }
    Ok(Exit::Done)
}

fn show(context: &Context, id: &str, speech: &mut Speech<'_>) -> Result<Exit, CommandFailed> {
    let job = find_job(context, id)?;
    if speech.format == Format::Json {
        speech.json(&shown(context, &job))?;
        return Ok(Exit::Done);
    }
    speech.data(line(&job, speech.language))?;
    let folder = context.jobs.folder(job.id);
    let path = folder.join("log.txt");
    let log = fs::read_to_string(&path).map_err(|source| CommandFailed::Read { path, source })?;
    speech.data(log.trim_end())?;
    speech.data(format_args!("{}{}", speech.pick("文件：", "files: "), folder.display()))?;
    for name in files(context, job.id) {
        speech.data(format_args!("  {name}"))?;
    }
    Ok(Exit::Done)
}

fn again(context: &Context, id: &str, speech: &mut Speech<'_>) -> Result<Exit, CommandFailed> {
    let job = find_job(context, id)?;
    let connector = find(context, &job.connector.to_string())?;
    let ran = run_again(context, &connector, &job, &mut Shell { pause: &mut pause });
    let jobs = ran.map_err(ConnectingFailed::from)?;
    say_all(&jobs, speech)
}

/// Says how jobs ended; done only if all were.
pub(super) fn say_all(jobs: &[Job], speech: &mut Speech<'_>) -> Result<Exit, CommandFailed> {
    if speech.format == Format::Json {
        speech.json(&serde_json::to_value(jobs)?)?;
    } else {
        for job in jobs {
            speech.data(line(job, speech.language))?;
        }
    }
    let all_done = jobs.iter().all(|job| job.state == State::Done);
    Ok(if all_done { Exit::Done } else { Exit::Refused })
}

fn find_job(context: &Context, typed: &str) -> Result<Job, CommandFailed> {
    let id = typed.parse::<JobId>().ok();
    let job = id.map(|id| context.jobs.find(id)).transpose().map_err(ConnectingFailed::from)?;
    Ok(job.flatten().ok_or_else(|| ConnectingFailed::NoJob(typed.to_owned()))?)
}

fn files(context: &Context, id: JobId) -> Vec<String> {
    let Ok(entries) = fs::read_dir(context.jobs.folder(id)) else { return Vec::new() };
    let mut names: Vec<_> = entries
        .filter_map(Result::ok)
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

fn shown(context: &Context, job: &Job) -> Value {
    json!({
        "id": job.id, "connector": job.connector.to_string(), "started": job.started, "ended": job.ended,
        "state": job.state, "counts": job.counts, "why": job.why,
        "folder": context.jobs.folder(job.id), "files": files(context, job.id),
    })
}

fn line(job: &Job, language: Language) -> String {
    let state = match (job.state, language) {
        (State::Running, Language::Zh) => "进行中",
        (State::Running, Language::En) => "running",
        (State::Done, Language::Zh) => "完成",
        (State::Done, Language::En) => "done",
        (State::Partly, Language::Zh) => "部分完成",
        (State::Partly, Language::En) => "partly done",
        (State::Failed, Language::Zh) => "失败",
        (State::Failed, Language::En) => "failed",
        (State::Interrupted, Language::Zh) => "中断",
        (State::Interrupted, Language::En) => "interrupted",
    };
    let what = job.counts.map(|counts| counts_text(&counts, language)).or_else(|| job.why.clone());
    let (id, connector) = (padded(&job.id.to_string(), 5), padded(&job.connector.to_string(), 16));
    format!("{id} {connector} {} {} {}", moment(job.started), padded(state, 12), what.unwrap_or_default())
}

fn counts_text(counts: &Counts, language: Language) -> String {
    let Counts { rows, new, revised, unchanged, deleted, conflicts, refused } = counts;
    match language {
        Language::Zh => format!(
            "{rows} 行，新增 {new}，修订 {revised}，未变 {unchanged}，删除 {deleted}，冲突 {conflicts}，拒收 {refused}"
        ),
        Language::En => format!(
            "{rows} rows, {new} new, {revised} revised, {unchanged} unchanged, {deleted} deleted, {conflicts} conflicts, {refused} refused"
        ),
    }
}
