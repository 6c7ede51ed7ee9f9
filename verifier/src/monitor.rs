//! `monitor`: follows a registry, and says at once when it forks, goes back, falls silent or cannot be verified.

mod event;
mod memory;

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use safeharbor_core::institution::{InstitutionCode, Issuer};

pub use event::Event;

use crate::language::Language;
use crate::log::{AuditState, CHECKPOINT, Course, Depth, LogFiles, SourceArguments, walk_with_state};
use crate::objection::{Fault, Objection};
use crate::progress::Progress;
use crate::report::{Format, Verdict};
use crate::trust::LogTrust;
use memory::Memory;

/// Where a monitor keeps how far its audit is.
const STATE: &str = "audit-state";

/// Arguments of `monitor`.
#[derive(Args, Debug)]
pub struct Arguments {
    #[command(flatten)]
    source: SourceArguments,
    /// A folder for what the monitor remembers, and for evidence.
    #[arg(long, value_name = "FOLDER")]
    state: PathBuf,
    /// How many seconds lie between two looks.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..))]
    interval: u64,
    /// How many seconds the registry may be idle before it signs again; twice that without a sign of life is an alarm.
    #[arg(long, value_name = "SECONDS", default_value_t = 3600, value_parser = clap::value_parser!(u64).range(1..))]
    heartbeat: u64,
    /// Also tells each new entry of this institution; may be given more than once.
    #[arg(long = "institution", value_name = "CODE")]
    institutions: Vec<InstitutionCode>,
    /// Look once, then end.
    #[arg(long)]
    once: bool,
}

/// Time, as a monitor needs it.
#[derive(Clone, Copy)]
#[expect(missing_debug_implementations, reason = "functions print nothing useful")]
pub struct Time<'a> {
    /// Seconds since 1970 UTC.
    pub now: &'a dyn Fn() -> u64,
    /// Waits; `false` ends the monitor.
    pub wait: &'a dyn Fn(Duration) -> bool,
}

/// What a monitor watches and tells.
#[expect(missing_debug_implementations, reason = "files may be anything that can be read")]
pub struct Watch<'a> {
    /// The registry.
    pub files: &'a dyn LogFiles,
    /// What it is believed on.
    pub trust: &'a LogTrust,
    /// What is remembered, and evidence.
    pub folder: &'a Path,
    /// Seconds within which an idle registry signs again.
    pub heartbeat: u64,
    /// Whose new entries are told.
    pub institutions: BTreeSet<Issuer>,
}

/// Watches until a fork is proven, or once.
///
/// # Errors
/// What was asked for cannot be begun.
pub fn run(
    arguments: &Arguments,
    (format, language): (Format, Language),
    time: Time<'_>,
    out: &mut dyn Write,
) -> Result<Verdict, Objection> {
    let (trust, source) = (arguments.source.trust()?, arguments.source.open()?);
    let watch = Watch {
        files: &source,
        trust: &trust,
        folder: &arguments.state,
        heartbeat: arguments.heartbeat,
        institutions: arguments.institutions.iter().copied().map(Issuer::Institution).collect(),
    };
    loop {
        let now = (time.now)();
        let events = watch.look(now)?;
        for event in &events {
            // Whoever stops reading has stopped watching.
            if out
                .write_all(event.print(now, format, language).as_bytes())
                .and_then(|()| out.flush())
                .is_err()
            {
                return Ok(Verdict::CouldNotTell);
            }
        }
        let verdict = worst(&events);
        let is_over = events.iter().any(Event::is_proof);
        if is_over || arguments.once || !(time.wait)(Duration::from_secs(arguments.interval)) {
            return Ok(verdict);
        }
    }
}

fn worst(events: &[Event]) -> Verdict {
    let has = |verdict| events.iter().any(|event| event.verdict() == verdict);
    [Verdict::Refuted, Verdict::Alarm, Verdict::CouldNotTell]
        .into_iter()
        .find(|verdict| has(*verdict))
        .unwrap_or(Verdict::Verified)
}

impl Watch<'_> {
    /// Looks once: what is to be told. What is remembered is durable on return.
    ///
    /// # Errors
    /// What is remembered cannot be read or kept.
    pub fn look(&self, now: u64) -> Result<Vec<Event>, Objection> {
        let mut memory = Memory::load(self.folder, now)?;
        let mut events = Vec::new();
        let progress = Progress::silent();
        let course = Course {
            files: self.files,
            trust: self.trust,
            depth: Depth::EntriesAndTiles,
            progress: &progress,
        };
        let before = crate::log::load_state(&self.folder.join(STATE))?;
        let log = walk_with_state(course, &self.folder.join(STATE), |seen| {
            if self.institutions.contains(&seen.entry.iss) {
                events.push(Event::Entry {
                    index: seen.index,
                    issuer: seen.entry.iss.to_string(),
                    seq: seen.entry.seq,
                    digest: seen.entry.digest.to_string(),
                });
            }
        });
        match log {
            Ok(log) => {
                memory.reached_at = now;
                let alive = match log.believed().witnessed_at {
                    Some(witnessed) => Some(witnessed),
                    None => self.files.written_at(CHECKPOINT).ok().flatten(),
                };
                memory.alive_at = alive;
                events.extend(grown(&before, log.state()));
            }
            // Entries of a tree whose root does not hold are nobody's word.
            Err(objection) => {
                events.clear();
                if !matches!(*objection.fault, Fault::Unreachable(_) | Fault::Status(_)) {
                    memory.reached_at = now;
                }
                events.push(Event::Objection(objection));
            }
        }
        events.extend(self.silence(&memory, now));
        memory.store(self.folder)?;
        Ok(events)
    }

    /// The alarm that nothing shows that the registry still signs.
    fn silence(&self, memory: &Memory, now: u64) -> Option<Event> {
        let limit = self.heartbeat.saturating_mul(2);
        let since = |moment: u64| now.saturating_sub(moment);
        let unreachable = since(memory.reached_at) > limit;
        let silent = memory.alive_at.is_some_and(|alive| since(alive) > limit);
        let last = if unreachable { memory.reached_at } else { memory.alive_at? };
        (unreachable || silent).then_some(Event::Silent { since: last, unreachable })
    }
}

fn grown(before: &AuditState, after: &AuditState) -> Option<Event> {
    let is_new = before.verified().is_none() || before.size() != after.size();
    is_new.then(|| Event::Grown { from: before.size(), to: after.size() })
}
