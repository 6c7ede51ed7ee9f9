//! How the backups stand, as a finding.

use super::{Finding, Words};
use crate::backup::{State, Warning};
use crate::speech::{Language, moment};

/// Judges the state of the backups; `state` is what could be told, or why not.
#[must_use]
pub fn check_backup(state: Result<State, String>, now_ms: u64) -> Finding {
    let id = "backup";
    let state = match state {
        Ok(state) => state,
        Err(why) => return Finding::not_checked(id, Words::new(why.clone(), why)),
    };
    let last = state.last_good_ms.map(moment);
    let seen = Words::new(
        format!("最近一份可用的备份：{}", last.as_deref().unwrap_or("从未")),
        format!("last good backup: {}", last.as_deref().unwrap_or("never")),
    );
    let warnings = state.warnings(now_ms);
    if warnings.is_empty() {
        return Finding::ok(id, seen);
    }
    let text = |language| warnings.iter().map(|warning: &Warning| warning.text(language)).collect::<Vec<_>>();
    Finding::warning(id, seen, Words::new(text(Language::Zh).join("；"), text(Language::En).join("; ")))
}
