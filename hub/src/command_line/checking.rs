//! `fsck`: the words, the bar, the findings.

use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use safeharbor_service::speech::{Exit, Format, chain_of};

use super::{Desk, answer, complain};
use crate::fsck::{FsckReport, check};

/// How long a long check is silent where there is no terminal.
const BETWEEN_LINES: Duration = Duration::from_secs(5);

impl Desk<'_> {
    pub(super) fn fsck(&self) -> Exit {
        let bar = std::io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("[{wide_bar}] {human_pos} / {human_len}, {eta}");
            ProgressBar::new(0).with_style(style.unwrap_or_else(|_malformed| ProgressStyle::default_bar()))
        });
        let mut last = Instant::now();
        let mut tell = |done: u64, all: u64| match &bar {
            Some(bar) => {
                bar.set_length(all);
                bar.set_position(done);
            }
            None if last.elapsed() >= BETWEEN_LINES => {
                last = Instant::now();
                // The check goes on whether anybody listens or not.
                drop(writeln!(std::io::stderr(), "{done} / {all}"));
            }
            None => {}
        };
        let checked = check(&self.data, &mut tell);
        if let Some(bar) = &bar {
            bar.finish_and_clear();
        }
        match checked {
            Ok(report) => self.tell_checked(&report),
            Err(failed) => complain(&chain_of(&failed), Exit::Unavailable),
        }
    }

    fn tell_checked(&self, report: &FsckReport) -> Exit {
        let text = match self.format {
            Format::Json => {
                serde_json::to_string_pretty(report).map_or_else(|_failed| String::new(), |text| text + "\n")
            }
            Format::Table => self.checked_text(report),
        };
        match answer(&text) {
            Exit::Done if report.is_damaged() => Exit::Refused,
            exit @ (Exit::Done | Exit::Refused | Exit::Usage | Exit::Unavailable) => exit,
        }
    }

    fn checked_text(&self, report: &FsckReport) -> String {
        let mut text: String =
            report.findings.iter().map(|finding| finding.text(self.language) + "\n").collect();
        let FsckReport { entries, files, signed, .. } = report;
        text.push_str(&if report.is_damaged() {
            self.language.pick(
                format!("日志账本 {entries} 条，已签 {signed} 条，核对文件 {files} 个：有损坏，见上。\n"),
                format!("{entries} entries in the journal, {signed} signed, {files} files compared: something is damaged, see above.\n"),
            )
        } else {
            self.language.pick(
                format!("日志账本 {entries} 条，已签 {signed} 条，核对文件 {files} 个：全部一致。\n"),
                format!("{entries} entries in the journal, {signed} signed, {files} files compared: all in order.\n"),
            )
        });
        text
    }
}
