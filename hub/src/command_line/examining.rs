//! `doctor` on the command line: the files by this process, the rest by whoever has the hub open.

use std::io;

use safeharbor_service::control;
use safeharbor_service::doctor::{Finding, Report, Words};
use safeharbor_service::folder::is_set_up;
use safeharbor_service::speech::{Exit, Format, chain_of};

use super::{Desk, answer};
use crate::command::{Command, Request, offline};
use crate::doctor::examine_files;
use crate::folder::Paths;

impl Desk<'_> {
    pub(super) fn doctor(&self) -> Exit {
        let paths = Paths::new(&self.data);
        let mut report = Report::at(self.surroundings.clock.now_ms());
        examine_files(&paths, report.at_ms, &mut report);
        if is_set_up(&self.data) {
            match self.open_findings(&paths) {
                Ok(findings) => findings.into_iter().for_each(|finding| report.add(finding)),
                Err(why) => report.add(Finding::failed(
                    "store",
                    Words::new(format!("枢纽无法打开：{why}"), format!("the hub cannot be opened: {why}")),
                    Words::new(
                        "先解决该原因；必要时从备份恢复。",
                        "Put that right first; restore from a backup if need be.",
                    ),
                )),
            }
        }
        let text = match self.format {
            Format::Json => format!("{:#}\n", report.to_json()),
            Format::Table => report.to_text(self.language),
        };
        match answer(&text) {
            Exit::Done => report.exit(),
            failed @ (Exit::Refused | Exit::Usage | Exit::Unavailable) => failed,
        }
    }

    fn open_findings(&self, paths: &Paths) -> Result<Vec<Finding>, String> {
        let request = |running| Request {
            command: Command::Doctor { running },
            language: self.language,
            format: Format::Json,
        };
        let bytes = serde_json::to_vec(&request(true)).map_err(|failed| failed.to_string())?;
        let mut answered = Vec::new();
        let forwarded = control::forward(&paths.control(), &bytes, &mut answered, &mut io::stderr());
        let said = match forwarded.map_err(|failed| chain_of(&failed))? {
            Some(_) => answered,
            None => {
                let opened = self.runtime.block_on(offline(&self.data, self.seams(), request(false)));
                opened.map_err(|failed| chain_of(&failed))?.out.into_bytes()
            }
        };
        serde_json::from_slice(&said).map_err(|failed| failed.to_string())
    }
}
