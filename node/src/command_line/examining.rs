//! `doctor` on the command line: the network and the files by this process, the store by whoever has it open.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use safeharbor_certs::invitation::Invitation;
use safeharbor_service::doctor::{Finding, Report, Words};
use safeharbor_service::durable_file::write_durably;
use safeharbor_service::folder::is_set_up;
use zeroize::Zeroizing;

use super::{Desk, complain};
use crate::command::Command;
use crate::doctor::{Line, Pinned, Requested, Target, examine_files, request_text};
use crate::opening::load_owner;
use crate::speech::{Exit, Format, chain_of};
use crate::sync::Dialler;

/// How long each step along the network may take.
const PATIENCE: Duration = Duration::from_secs(8);
/// No invitation is longer.
const TOKEN_BYTES_MAX: u64 = 4096;

/// How to look.
#[derive(Debug, Args)]
pub struct DoctorWords {
    /// 枢纽地址（加入之前） The hub's address, before joining
    #[arg(long, value_name = "HOST:PORT", conflicts_with = "token")]
    address: Option<String>,
    /// 存有邀请码的文件（加入之前）；不会消耗邀请码 A file with the invitation, before joining; it is not used up
    #[arg(long, value_name = "FILE")]
    token: Option<PathBuf>,
    /// 核验全部声明 Verify every statement, not the latest alone
    #[arg(long)]
    deep: bool,
    /// 给学校信息化部门的说明 Print the text for campus IT instead
    #[arg(long)]
    request: bool,
    /// 把说明写到文件 Write that text to a file
    #[arg(short, long, value_name = "FILE", requires = "request")]
    output: Option<PathBuf>,
}

impl Desk {
    pub(super) fn doctor(&self, words: &DoctorWords) -> Exit {
        let mut report = Report::at(self.seams.clock.now_ms());
        let pinned = Pinned::load(&self.layout);
        let target = match self.target(words, &pinned) {
            Ok(target) => target,
            Err(exit) => return exit,
        };
        self.examine_line(target.as_ref(), &mut report);
        examine_files(&self.layout, &pinned, &self.settings.hub, report.at_ms, &mut report);
        if is_set_up(self.layout.root()) && !words.request {
            self.examine_store(words.deep, &mut report);
        }
        match target {
            Some(target) if words.request => self.request(&target, &report, words.output.as_deref()),
            None if words.request => complain(
                self.language.pick(
                    "不知道枢纽的地址：用 --address 或 --token 指明",
                    "the hub's address is not known: give --address or --token",
                ),
                Exit::Usage,
            ),
            Some(_) | None => self.show_report(&report),
        }
    }

    /// What was asked for, else what was pinned.
    fn target(
        &self,
        words: &DoctorWords,
        pinned: &Result<Option<Pinned>, String>,
    ) -> Result<Option<Target>, Exit> {
        if let Some(address) = &words.address {
            return match is_address(address) {
                true => Ok(Some(Target::at(address))),
                false => Err(complain(&format!("--address HOST:PORT: {address:?}"), Exit::Usage)),
            };
        }
        let Some(file) = &words.token else {
            return Ok(pinned.as_ref().ok().and_then(Option::as_ref).map(|pinned| pinned.target.clone()));
        };
        let file = self.path(file);
        let read = read_token(&file)
            .map_err(|failed| complain(&format!("{}: {failed}", file.display()), Exit::Refused))?;
        let invitation =
            Invitation::parse(&read).map_err(|failed| complain(&failed.to_string(), Exit::Refused))?;
        Ok(Some(Target::of_invitation(&invitation)))
    }

    fn examine_line(&self, target: Option<&Target>, report: &mut Report) {
        let Some(target) = target else {
            let why = Words::new(
                "不知道枢纽的地址（--address 或 --token）",
                "the hub's address is not known (--address or --token)",
            );
            report.add(Finding::not_checked("dns", why));
            return;
        };
        let dialler = match Dialler::load(&self.layout, &self.settings.hub) {
            Ok(dialler) => dialler,
            Err(failed) => {
                let why = chain_of(&failed);
                let remedy = Words::new("修正 settings.toml 中的 [hub]。", "Correct [hub] in settings.toml.");
                report.add(Finding::failed("proxy", Words::new(why.clone(), why), remedy));
                return;
            }
        };
        let line = Line {
            target: target.clone(),
            dialler,
            offered: self.settings.hub.key_exchange,
            patience: PATIENCE,
            clock: std::sync::Arc::clone(&self.seams.clock),
        };
        match tokio::runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => {
                runtime.block_on(line.examine(report));
                // A look-up that hangs is not waited for.
                runtime.shutdown_background();
            }
            Err(failed) => {
                let why = failed.to_string();
                report.add(Finding::not_checked("dns", Words::new(why.clone(), why)));
            }
        }
    }

    fn examine_store(&self, deep: bool, report: &mut Report) {
        let mut answer = Vec::new();
        let exit = self.deliver_to(Command::Doctor { deep }, &mut answer);
        match serde_json::from_slice::<Vec<Finding>>(&answer) {
            Ok(findings) if exit == Exit::Done => {
                findings.into_iter().for_each(|finding| report.add(finding))
            }
            Ok(_) | Err(_) => {
                let why =
                    Words::new("存储没有打开，原因见上", "the store did not open, for the reason said above");
                let remedy = Words::new("先解决该原因。", "Put that right first.");
                report.add(Finding::failed("store", why, remedy));
            }
        }
    }

    fn show_report(&self, report: &Report) -> Exit {
        let text = match self.format {
            Format::Json => format!("{:#}\n", report.to_json()),
            Format::Table => report.to_text(self.language),
        };
        match io::stdout().write_all(text.as_bytes()) {
            Ok(()) => report.exit(),
            Err(_) => Exit::Unavailable,
        }
    }

    fn request(&self, target: &Target, report: &Report, output: Option<&Path>) -> Exit {
        let owner =
            load_owner(&self.layout).ok().map(|owner| format!("{}（{}）", owner.name, owner.institution));
        let proxy = self.settings.hub.proxy.as_ref().map(|proxy| proxy.address());
        let text = request_text(&Requested { target, proxy, institution: owner.as_deref(), report });
        let Some(output) = output.map(|output| self.path(output)) else {
            return match io::stdout().write_all(text.as_bytes()) {
                Ok(()) => Exit::Done,
                Err(_) => Exit::Unavailable,
            };
        };
        match write_durably(&output, text.as_bytes()) {
            Ok(()) => {
                let path = output.display();
                complain(
                    &self.language.pick(format!("已写到 {path}"), format!("written to {path}")),
                    Exit::Done,
                )
            }
            Err(failed) => complain(&chain_of(&failed), Exit::Refused),
        }
    }
}

fn is_address(text: &str) -> bool {
    let in_parts = text.rsplit_once(':');
    in_parts.is_some_and(|(host, port)| {
        let is_host = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '[' | ']' | ':');
        !host.is_empty() && host.chars().all(is_host) && port.parse::<u16>().is_ok_and(|port| port > 0)
    })
}

fn read_token(file: &Path) -> io::Result<Zeroizing<String>> {
    use io::Read as _;
    let mut text = Zeroizing::new(String::with_capacity(usize::try_from(TOKEN_BYTES_MAX).unwrap_or(0)));
    fs::File::open(file)?.take(TOKEN_BYTES_MAX).read_to_string(&mut text)?;
    Ok(text)
}
