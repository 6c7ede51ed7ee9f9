//! What a copy holds.

use safeharbor_core::b64;
use serde::Serialize;

use super::copying::Counts;
use crate::log::VerifiedLog;
use crate::report::{Describe, Page};
use crate::trust::{HubKeySource, LogTrust};
use crate::utc::print_utc;

/// A copy that is up with its source.
#[derive(Debug, Serialize)]
pub struct MirrorReport {
    origin: String,
    size: u64,
    root: String,
    witnessed_at: Option<u64>,
    fetched: u64,
    kept: u64,
    healed: u64,
    hub_key_source: HubKeySource,
    log_key_source: crate::trust::LogKeySource,
}

impl MirrorReport {
    pub(super) fn of(log: &VerifiedLog, trust: &LogTrust, counts: Counts) -> Self {
        let believed = log.believed();
        Self {
            origin: log.origin().to_owned(),
            size: log.size(),
            root: b64::encode_std(believed.checkpoint.root.as_bytes()),
            witnessed_at: believed.witnessed_at,
            fetched: counts.fetched,
            kept: counts.kept,
            healed: counts.healed,
            hub_key_source: log.hub_key_source(),
            log_key_source: trust.source(),
        }
    }
}

impl Describe for MirrorReport {
    const COMMAND: &'static str = "mirror";

    fn describe(&self, page: &mut Page) {
        page.field("registry", "登记簿", &self.origin);
        page.field("entries", "条目数", self.size);
        page.field("root", "树根", &self.root);
        if let Some(time) = self.witnessed_at {
            page.field("witnessed", "见证时间", print_utc(time));
        }
        page.field("fetched", "新取文件", self.fetched);
        page.field("there before", "原有文件", self.kept);
        page.field("replaced", "已替换的损坏文件", self.healed);
        self.hub_key_source.describe(page);
        self.log_key_source.describe(page);
    }
}
