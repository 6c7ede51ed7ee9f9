//! What became of a proposal, for people; the same at the command line and on the page.

use safeharbor_service::person::PersonId;
use safeharbor_service::speech::{Language, district_moment};

use super::{Proposal, ProposalFailed, State};

/// The longest reason, in characters.
pub const REASON_CHARACTERS_MAX: usize = 500;

/// A reason as it is kept: one line, without white space around it.
///
/// # Errors
/// It is too long.
pub fn reason_of(typed: &str) -> Result<String, ProposalFailed> {
    let words: Vec<&str> = typed.split(|c: char| c.is_whitespace() || c.is_control()).collect();
    let reason = words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    if reason.chars().count() > REASON_CHARACTERS_MAX { Err(ProposalFailed::Reason) } else { Ok(reason) }
}

impl Proposal {
    /// What became of it by `now_ms`; `name_of` knows the names of persons.
    pub fn outcome(
        &self,
        language: Language,
        now_ms: u64,
        name_of: impl Fn(PersonId) -> Option<String>,
    ) -> String {
        match &self.state {
            State::Open if self.is_open(now_ms) => {
                let until = district_moment(self.expires_ms);
                language.pick(format!("待批准，{until} 前"), format!("waits until {until}"))
            }
            State::Open => language.pick("已过期", "expired").to_owned(),
            State::Decided { by, .. } => {
                let by = by.title(language, name_of);
                language
                    .pick(format!("{by} 已批准，正在执行"), format!("approved by {by}, being carried out"))
            }
            State::Done { by, at_ms } => {
                let (by, at) = (by.title(language, name_of), district_moment(*at_ms));
                language.pick(
                    format!("{by} 于 {at} 批准，已执行"),
                    format!("approved by {by} at {at}, carried out"),
                )
            }
            State::Withdrawn { by, at_ms } => {
                let (by, at) = (by.title(language, name_of), district_moment(*at_ms));
                language.pick(format!("{by} 于 {at} 撤回"), format!("withdrawn by {by} at {at}"))
            }
            State::Declined { by, at_ms, reason } => {
                let (by, at) = (by.title(language, name_of), district_moment(*at_ms));
                language.pick(
                    format!("{by} 于 {at} 否决：{reason}"),
                    format!("declined by {by} at {at}: {reason}"),
                )
            }
            State::Overtaken { .. } => {
                language.pick("因情况变化而失效", "overtaken by another change").to_owned()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_one_line_of_so_many_characters() {
        assert_eq!(reason_of("  密钥已核对\r\n\u{1b}[31m 见函 ").unwrap(), "密钥已核对 [31m 见函");
        assert_eq!(reason_of(" \n").unwrap(), "");
        assert_eq!(reason_of(&"函".repeat(500)).unwrap().chars().count(), 500);
        assert!(matches!(reason_of(&"函".repeat(501)), Err(ProposalFailed::Reason)));
    }
}
