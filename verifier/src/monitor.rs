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
use crate::log::{
    AuditState, CHECKPOINT, Companion, Course, Depth, Keeper, LogFiles, Rest, Seen, SourceArguments,
    load_state, store_state, walk,
};
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
        let look = watch.look(now)?;
        for event in &look.events {
            // Whoever stops reading has stopped watching, and is told again.
            if out
                .write_all(event.print(now, format, language).as_bytes())
                .and_then(|()| out.flush())
                .is_err()
            {
                return Ok(Verdict::CouldNotTell);
            }
        }
        look.keep(watch.folder)?;
        let verdict = worst(&look.events);
        let is_over = look.events.iter().any(Event::is_proof);
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

/// What one look found.
#[derive(Debug)]
pub struct Look {
    /// What is to be told.
    pub events: Vec<Event>,
    memory: Memory,
    state: Option<AuditState>,
}

impl Look {
    /// Keeps what is to be remembered, durably. Told first and kept then, a line may come twice after an interruption; none is
    /// lost.
    ///
    /// # Errors
    /// It cannot be kept.
    pub fn keep(&self, folder: &Path) -> Result<(), Objection> {
        if let Some(state) = &self.state {
            store_state(&folder.join(STATE), state)?;
        }
        self.memory.store(folder)
    }
}

/// Notes the entries of whom is watched.
struct Watching<'a> {
    institutions: &'a BTreeSet<Issuer>,
    entries: Vec<Event>,
    keeper: Keeper<'a>,
}

impl Companion for Watching<'_> {
    fn see(&mut self, seen: Seen<'_>) {
        if self.institutions.contains(&seen.entry.iss) {
            self.entries.push(Event::Entry {
                index: seen.index,
                issuer: seen.entry.iss.to_string(),
                seq: seen.entry.seq,
                digest: seen.entry.digest.to_string(),
            });
        }
    }

    fn rest(&mut self, rest: Rest<'_>) -> Result<(), Objection> {
        // A walk that went on from behind an entry that is not told yet would never tell it.
        if self.entries.is_empty() { self.keeper.rest(rest) } else { Ok(()) }
    }
}

impl Watch<'_> {
    /// Looks once: what is to be told, and then kept.
    ///
    /// # Errors
    /// What is remembered cannot be read.
    pub fn look(&self, now: u64) -> Result<Look, Objection> {
        let mut memory = Memory::load(self.folder, now)?;
        let mut events = Vec::new();
        let progress = Progress::silent();
        let course = Course {
            files: self.files,
            trust: self.trust,
            depth: Depth::EntriesAndTiles,
            progress: &progress,
        };
        let path = self.folder.join(STATE);
        let before = load_state(&path)?;
        let known = (before.verified().is_some(), before.size());
        let keeper = Keeper::new(&path);
        let mut watching = Watching { institutions: &self.institutions, entries: Vec::new(), keeper };
        let mut state = None;
        match walk(course, before, &mut watching) {
            Ok(log) => {
                events.append(&mut watching.entries);
                memory.reached_at = now;
                let alive = match log.believed().witnessed_at {
                    Some(witnessed) => Some(witnessed),
                    None => self.files.written_at(CHECKPOINT).ok().flatten(),
                };
                memory.alive_at = alive;
                events.extend(grown(known, log.size()));
                state = Some(log.into_state());
            }
            // Entries of a tree whose root does not hold are nobody's word.
            Err(objection) => {
                if !matches!(*objection.fault, Fault::Unreachable(_) | Fault::Status(_)) {
                    memory.reached_at = now;
                }
                events.push(Event::Objection(objection.keep_evidence(self.folder)));
            }
        }
        events.extend(self.silence(&memory, now));
        Ok(Look { events, memory, state })
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

fn grown((is_known, from): (bool, u64), to: u64) -> Option<Event> {
    (!is_known || from != to).then_some(Event::Grown { from, to })
}
