//! How far an import is: a bar on a terminal, a line every few seconds elsewhere.
//!
//! The terminal may belong to another process than the one that imports, so the bar is drawn as text and sent there.

use std::fmt;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle, TermLike};
use safeharbor_interchange::import::Progress;

use crate::speech::Language;

/// How long a long import is silent where there is no terminal.
const BETWEEN_LINES: Duration = Duration::from_secs(3);
/// Cells of a line; a narrower terminal would show a bar on two.
const WIDTH: u16 = 78;

/// Says how far an import is.
pub(super) struct Teller<'w> {
    said: Mutex<Said<'w>>,
    language: Language,
}

struct Said<'w> {
    err: &'w mut (dyn Write + Send),
    last: Instant,
    bar: Option<(ProgressBar, Screen)>,
}

impl<'w> Teller<'w> {
    pub(super) fn new(err: &'w mut (dyn Write + Send), language: Language, terminal: bool) -> Self {
        let bar = terminal.then(|| bar(language));
        Self { said: Mutex::new(Said { err, last: Instant::now(), bar }), language }
    }

    pub(super) fn tell(&self, progress: Progress) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let Progress { rows, of } = progress;
        let Said { err, last, bar } = &mut *said;
        // An import goes on whether anybody listens or not.
        if let Some((bar, screen)) = bar {
            bar.set_length(of);
            bar.set_position(rows);
            drop(screen.show(*err));
        } else if last.elapsed() >= BETWEEN_LINES {
            *last = Instant::now();
            drop(match self.language {
                Language::Zh => writeln!(err, "已处理 {rows} / {of} 行"),
                Language::En => writeln!(err, "{rows} of {of} rows"),
            });
        }
    }

    /// Takes the bar away.
    pub(super) fn finish(&self) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let Said { err, bar, .. } = &mut *said;
        if let Some((bar, screen)) = bar.take() {
            bar.finish_and_clear();
            drop(screen.show(*err));
        }
    }
}

fn bar(language: Language) -> (ProgressBar, Screen) {
    let screen = Screen::default();
    let target = ProgressDrawTarget::term_like_with_hz(Box::new(screen.clone()), 10);
    let template = language.pick(
        "{bar:40} {percent:>3}%  {pos} / {len} 行  还需 {eta}",
        "{bar:40} {percent:>3}%  {pos} of {len} rows  {eta} left",
    );
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    (ProgressBar::with_draw_target(None, target).with_style(style), screen)
}

/// What a terminal is told to show, until it is sent there.
#[derive(Clone, Default)]
struct Screen(Arc<Mutex<String>>);

impl Screen {
    fn put(&self, text: impl fmt::Display) -> io::Result<()> {
        let mut screen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        fmt::Write::write_fmt(&mut *screen, format_args!("{text}")).map_err(io::Error::other)
    }

    fn show(&self, err: &mut dyn Write) -> io::Result<()> {
        let text = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        if text.is_empty() { Ok(()) } else { err.write_all(text.as_bytes()).and_then(|()| err.flush()) }
    }
}

impl fmt::Debug for Screen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Screen")
    }
}

/// The control sequences of ECMA-48 that every terminal knows.
impl TermLike for Screen {
    fn width(&self) -> u16 {
        WIDTH
    }

    fn move_cursor_up(&self, n: usize) -> io::Result<()> {
        if n == 0 { Ok(()) } else { self.put(format_args!("\x1b[{n}A")) }
    }

    fn move_cursor_down(&self, n: usize) -> io::Result<()> {
        if n == 0 { Ok(()) } else { self.put(format_args!("\x1b[{n}B")) }
    }

    fn move_cursor_right(&self, n: usize) -> io::Result<()> {
        if n == 0 { Ok(()) } else { self.put(format_args!("\x1b[{n}C")) }
    }

    fn move_cursor_left(&self, n: usize) -> io::Result<()> {
        if n == 0 { Ok(()) } else { self.put(format_args!("\x1b[{n}D")) }
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.put(format_args!("{text}\n"))
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        self.put(text)
    }

    fn clear_line(&self) -> io::Result<()> {
        self.put("\r\x1b[2K")
    }

    fn flush(&self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(terminal: bool, last: bool) -> String {
        let mut err = Vec::new();
        let teller = Teller::new(&mut err, Language::Zh, terminal);
        teller.tell(Progress { rows: 50, of: 100 });
        if last {
            teller.finish();
        }
        drop(teller);
        String::from_utf8(err).unwrap()
    }

    #[test]
    fn a_terminal_sees_a_bar_that_is_gone_in_the_end() {
        let shown = told(true, false);
        assert!(shown.contains("50%") && shown.contains("50 / 100 行") && !shown.contains('\n'), "{shown:?}");
        let ended = told(true, true);
        assert!(ended.ends_with("\r\x1b[2K"), "{ended:?}");
    }

    #[test]
    fn elsewhere_there_are_no_control_sequences() {
        assert_eq!(told(false, true), "", "a short import says nothing before its report");
    }
}
