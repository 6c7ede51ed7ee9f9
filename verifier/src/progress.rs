//! How far a long command is: a bar on a terminal, a line every few seconds elsewhere, always on standard error.

use std::io::{IsTerminal as _, Write as _};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::language::Language;

/// How long a long command is silent where there is no terminal.
const BETWEEN_LINES: Duration = Duration::from_secs(5);

/// Says how far a command is.
#[derive(Debug)]
pub struct Progress {
    way: Way,
    language: Language,
}

#[derive(Debug)]
enum Way {
    Silent,
    Bar(ProgressBar),
    Lines(Mutex<Instant>),
}

impl Progress {
    /// Says nothing.
    #[must_use]
    pub const fn silent() -> Self {
        Self { way: Way::Silent, language: Language::English }
    }

    /// Says it on standard error.
    #[must_use]
    pub fn on_standard_error(language: Language) -> Self {
        let way = if std::io::stderr().is_terminal() {
            let unit = language.pick("entries", "条");
            let template = format!("[{{wide_bar}}] {{human_pos}} / {{human_len}} {unit}, {{eta}}");
            let style = ProgressStyle::with_template(&template);
            Way::Bar(
                ProgressBar::new(0)
                    .with_style(style.unwrap_or_else(|_malformed| ProgressStyle::default_bar())),
            )
        } else {
            Way::Lines(Mutex::new(Instant::now()))
        };
        Self { way, language }
    }

    /// `done` of `all` entries are behind us.
    pub fn tell(&self, done: u64, all: u64) {
        match &self.way {
            Way::Silent => {}
            Way::Bar(bar) => {
                bar.set_length(all);
                bar.set_position(done);
            }
            Way::Lines(last) => {
                let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
                if last.elapsed() >= BETWEEN_LINES {
                    *last = Instant::now();
                    let unit = self.language.pick("entries", "条");
                    // Nobody need listen.
                    drop(writeln!(std::io::stderr(), "{done} / {all} {unit}"));
                }
            }
        }
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        if let Way::Bar(bar) = &self.way {
            bar.finish_and_clear();
        }
    }
}
