//! Decisions that take two persons: one proposes, another decides, and only then is anything done.
//!
//! A proposal remembers what it was about (the *situation*). Before it is carried out it is marked so, durably, with who
//! decided; a hub that is killed in between carries it out when it is opened again, or finds it carried out: either
//! way once.

mod book;
mod decision;
mod rule;
mod telling;
#[cfg(test)]
mod tests;

use safeharbor_core::directory::Deciders;
use safeharbor_service::clock::to_rfc3339;
use safeharbor_service::person::{AuthorizeFailed, Person, PersonsFailed};
use safeharbor_service::store::StoreFailed;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::command::CommandFailed;
use crate::office::{Desk, Office};
use book::Book;
pub use decision::{Decision, NotApplicable};
pub use rule::{RuleFailed, Seat, may_decide, seats, who_may_decide};
pub use telling::{REASON_CHARACTERS_MAX, reason_of};

/// How long a proposal can be decided.
pub const EXPIRES_MS: u64 = 7 * 24 * 3600 * 1000;

/// What one person proposed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposal {
    /// Its number, from 1; never given twice.
    pub number: u32,
    /// What is to be done.
    pub what: Decision,
    /// What it is about, as it stood when it was proposed.
    pub situation: String,
    /// Why; empty if nobody said.
    #[serde(default)]
    pub reason: String,
    /// Who proposed it.
    pub by: Person,
    /// When, in Unix milliseconds.
    pub at_ms: u64,
    /// From when on it cannot be decided any more, in Unix milliseconds.
    pub expires_ms: u64,
    /// What became of it.
    pub state: State,
}

/// What became of a proposal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum State {
    /// It waits for a second person.
    Open,
    /// A second person decided it; it is being carried out.
    Decided {
        /// Who.
        by: Person,
        /// When, in Unix milliseconds.
        at_ms: u64,
    },
    /// It was carried out.
    Done {
        /// Who decided.
        by: Person,
        /// When they did, in Unix milliseconds.
        at_ms: u64,
    },
    /// It was withdrawn.
    Withdrawn {
        /// By whom.
        by: Person,
        /// When, in Unix milliseconds.
        at_ms: u64,
    },
    /// Somebody else decided against it.
    Declined {
        /// Who.
        by: Person,
        /// When, in Unix milliseconds.
        at_ms: u64,
        /// Why.
        reason: String,
    },
    /// What it was about changed, so it can never be carried out.
    Overtaken {
        /// When that was noticed, in Unix milliseconds.
        at_ms: u64,
    },
}

/// A proposal is not made, decided or withdrawn.
#[derive(Debug, thiserror::Error)]
pub enum ProposalFailed {
    /// What it is about cannot be done at all.
    #[error(transparent)]
    NotApplicable(#[from] NotApplicable),
    /// The same waits to be decided already.
    #[error("the same was proposed already and waits to be decided: number {0}")]
    Twice(u32),
    /// No proposal has that number.
    #[error("there is no proposal {0}; `proposal list` shows what there is")]
    Unknown(u32),
    /// It was decided, withdrawn or overtaken.
    #[error("proposal {number} was {state} at {}", to_rfc3339(*at_ms))]
    Closed {
        /// Its number.
        number: u32,
        /// The word for what became of it.
        state: &'static str,
        /// The Chinese word.
        state_zh: &'static str,
        /// When.
        at_ms: u64,
    },
    /// It was not decided in time.
    #[error("proposal {number} expired at {}; propose it anew", to_rfc3339(*at_ms))]
    Expired {
        /// Its number.
        number: u32,
        /// When.
        at_ms: u64,
    },
    /// What it was about is no longer what it was.
    #[error("proposal {number} no longer applies; when it was proposed: {then}; at the moment: {now}")]
    Changed {
        /// Its number.
        number: u32,
        /// What it was about.
        then: String,
        /// What that is at the moment.
        now: String,
    },
    /// A reason is too long.
    #[error("a reason has at most {REASON_CHARACTERS_MAX} characters")]
    Reason,
    /// Nobody said why it is declined.
    #[error("say why it is declined, so that whoever proposed it learns it")]
    NoReason,
    /// Somebody else proposed it.
    #[error(
        "only whoever proposed it withdraws proposal {number}; others decline it and say why: proposal decline {number}"
    )]
    NotOwn {
        /// Its number.
        number: u32,
    },
    /// This person may not decide it.
    #[error("{name} may not decide proposal {number}")]
    Rule {
        /// Its number.
        number: u32,
        /// The person.
        name: String,
        /// Why not.
        #[source]
        rule: RuleFailed,
    },
    /// Somebody is not who they say or may not do this.
    #[error(transparent)]
    Authorize(#[from] AuthorizeFailed),
    /// Persons cannot be read.
    #[error("the persons cannot be read")]
    Persons(#[from] PersonsFailed),
    /// Proposals cannot be read or written.
    #[error("the proposals cannot be read or written")]
    Store(#[from] StoreFailed),
    /// A proposal cannot be understood.
    #[error("what is stored about a proposal cannot be understood")]
    Row(#[from] serde_json::Error),
}

/// What somebody wants done, and why.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// What.
    pub what: Decision,
    /// Why; may be empty.
    pub reason: String,
}

impl From<Decision> for Wanted {
    fn from(what: Decision) -> Self {
        Self { what, reason: String::new() }
    }
}

/// Puts a decision to a second person; nothing is done yet. Durable on return.
///
/// # Errors
/// It is not applicable, the same was proposed already, or the store or the audit log cannot be written.
pub async fn propose(
    office: &Office,
    wanted: impl Into<Wanted>,
    by: Person,
) -> Result<Proposal, CommandFailed> {
    let Wanted { what, reason } = wanted.into();
    let reason = reason_of(&reason)?;
    let _deciding = office.deciding().await;
    let situation = what.situation(office).map_err(ProposalFailed::from)?;
    let (book, at_ms) = (Book::of(office), office.clock.now_ms());
    let same =
        |other: &Proposal| other.is_open(at_ms) && (&other.what, &other.situation) == (&what, &situation);
    if let Some(other) = book.all()?.iter().find(|other| same(other)) {
        return Err(ProposalFailed::Twice(other.number).into());
    }
    let number = book.next_number()?;
    let expires_ms = at_ms.saturating_add(EXPIRES_MS);
    let proposal = Proposal { number, what, situation, reason, by, at_ms, expires_ms, state: State::Open };
    let detail = json!({ "proposal": number, "situation": proposal.situation, "reason": proposal.reason });
    office.audit.append(Some(&proposal.by), &proposal.action("propose"), &proposal.what.subject(), detail)?;
    book.keep(&proposal)?;
    Ok(proposal)
}

/// Decides a proposal as the second person, and carries it out. Deciding again what is being carried out finishes that.
///
/// # Errors
/// Any of [`ProposalFailed`], or what carrying it out says; the proposal is then decided and carried out when the hub is
/// opened again, unless it was overtaken.
pub async fn decide(office: &Office, number: u32, by: Person) -> Result<Proposal, CommandFailed> {
    let _deciding = office.deciding().await;
    let book = Book::of(office);
    let proposal = book.find(number)?.ok_or(ProposalFailed::Unknown(number))?;
    let at_ms = office.clock.now_ms();
    let proposal = match &proposal.state {
        State::Open => {
            proposal.verify_waits(at_ms)?;
            let rule = |rule| ProposalFailed::Rule { number, name: by.name.clone(), rule };
            may_decide(&office.persons, &proposal.by, &by)?.map_err(rule)?;
            if let Err(changed) = verify_unchanged(office, &proposal) {
                book.keep(&Proposal { state: State::Overtaken { at_ms }, ..proposal })?;
                return Err(changed.into());
            }
            let detail = json!({ "proposal": number, "proposed_by": proposal.by.id });
            office.audit.append(Some(&by), &proposal.action("approve"), &proposal.what.subject(), detail)?;
            let decided = Proposal { state: State::Decided { by, at_ms }, ..proposal };
            book.keep(&decided)?;
            decided
        }
        State::Decided { .. } => proposal,
        State::Done { .. } | State::Withdrawn { .. } | State::Declined { .. } | State::Overtaken { .. } => {
            return Err(proposal.closed().into());
        }
    };
    finish(office, &book, proposal).await
}

/// Takes one's own proposal back. Durable on return.
///
/// # Errors
/// It does not wait any more, somebody else proposed it, or the store or the audit log cannot be written.
pub async fn withdraw(office: &Office, number: u32, by: Person) -> Result<Proposal, CommandFailed> {
    let _deciding = office.deciding().await;
    let book = Book::of(office);
    let proposal = book.find(number)?.ok_or(ProposalFailed::Unknown(number))?;
    let at_ms = office.clock.now_ms();
    proposal.verify_waits(at_ms)?;
    if by.id != proposal.by.id {
        return Err(ProposalFailed::NotOwn { number }.into());
    }
    let detail = json!({ "proposal": number });
    office.audit.append(
        Some(&by),
        &proposal.action("withdraw proposal"),
        &proposal.what.subject(),
        detail,
    )?;
    let withdrawn = Proposal { state: State::Withdrawn { by, at_ms }, ..proposal };
    book.keep(&withdrawn)?;
    Ok(withdrawn)
}

/// Decides against somebody else's proposal, for a reason. Durable on return. One person suffices, whoever they are: nothing
/// is done by it, and it can be proposed again.
///
/// # Errors
/// It does not wait any more, there is no reason, or the store or the audit log cannot be written.
pub async fn decline(
    office: &Office,
    number: u32,
    (by, reason): (Person, &str),
) -> Result<Proposal, CommandFailed> {
    let reason = reason_of(reason)?;
    if reason.is_empty() {
        return Err(ProposalFailed::NoReason.into());
    }
    let _deciding = office.deciding().await;
    let book = Book::of(office);
    let proposal = book.find(number)?.ok_or(ProposalFailed::Unknown(number))?;
    let at_ms = office.clock.now_ms();
    proposal.verify_waits(at_ms)?;
    let (action, subject) = (proposal.action("decline"), proposal.what.subject());
    office.audit.append(Some(&by), &action, &subject, json!({ "proposal": number, "reason": reason }))?;
    let declined = Proposal { state: State::Declined { by, at_ms, reason }, ..proposal };
    book.keep(&declined)?;
    Ok(declined)
}

/// Every proposal, by number.
///
/// # Errors
/// The store.
pub fn list(desk: &Desk) -> Result<Vec<Proposal>, ProposalFailed> {
    Book::of(desk).all()
}

/// Carries out what was decided before the hub was ended in the middle of it.
///
/// # Errors
/// The proposals cannot be read or written, or one cannot be carried out.
pub async fn resume(office: &Office) -> Result<(), CommandFailed> {
    let _deciding = office.deciding().await;
    let book = Book::of(office);
    for proposal in book.all()? {
        if matches!(proposal.state, State::Decided { .. }) {
            finish(office, &book, proposal).await?;
        }
    }
    Ok(())
}

/// Carries a decided proposal out, unless it was: then its situation is another one.
async fn finish(office: &Office, book: &Book<'_>, proposal: Proposal) -> Result<Proposal, CommandFailed> {
    let State::Decided { by, at_ms } = proposal.state.clone() else { return Ok(proposal) };
    if verify_unchanged(office, &proposal).is_ok() {
        let deciders = Deciders::new([proposal.by.id.0, by.id.0]);
        proposal.what.carry_out(office, deciders).await?;
    }
    let done = Proposal { state: State::Done { by, at_ms }, ..proposal };
    book.keep(&done)?;
    Ok(done)
}

fn verify_unchanged(office: &Office, proposal: &Proposal) -> Result<(), ProposalFailed> {
    let now = match proposal.what.situation(office) {
        Ok(now) if now == proposal.situation => return Ok(()),
        Ok(now) | Err(NotApplicable(now)) => now,
    };
    let (number, then) = (proposal.number, proposal.situation.clone());
    Err(ProposalFailed::Changed { number, then, now })
}

impl Proposal {
    /// Whether it can be decided at `now_ms`.
    #[must_use]
    pub fn is_open(&self, now_ms: u64) -> bool {
        self.state == State::Open && now_ms < self.expires_ms
    }

    /// The word in the audit log.
    fn action(&self, done: &str) -> String {
        format!("{done}: {}", self.what.action())
    }

    fn verify_waits(&self, now_ms: u64) -> Result<(), ProposalFailed> {
        if self.state != State::Open {
            return Err(self.closed());
        }
        if now_ms >= self.expires_ms {
            return Err(ProposalFailed::Expired { number: self.number, at_ms: self.expires_ms });
        }
        Ok(())
    }

    fn closed(&self) -> ProposalFailed {
        let (state, state_zh, at_ms) = match &self.state {
            State::Open => ("proposed", "提出", self.at_ms),
            State::Decided { at_ms, .. } | State::Done { at_ms, .. } => ("decided", "批准", *at_ms),
            State::Withdrawn { at_ms, .. } => ("withdrawn", "撤回", *at_ms),
            State::Declined { at_ms, .. } => ("declined", "否决", *at_ms),
            State::Overtaken { at_ms } => ("overtaken by another change", "因情况变化而失效", *at_ms),
        };
        ProposalFailed::Closed { number: self.number, state, state_zh, at_ms }
    }
}

impl ProposalFailed {
    /// In Chinese.
    #[must_use]
    pub fn text_zh(&self) -> String {
        match self {
            Self::NotApplicable(NotApplicable(reason)) => format!("按目前情况不能执行：{reason}"),
            Self::Twice(number) => format!("同样的提议已在等待批准：编号 {number}"),
            Self::Unknown(number) => format!("没有编号为 {number} 的提议；用 proposal list 查看"),
            Self::Closed { number, state_zh, at_ms, .. } => {
                format!("提议 {number} 已于 {} {state_zh}", to_rfc3339(*at_ms))
            }
            Self::Expired { number, at_ms } => {
                format!("提议 {number} 已于 {} 过期，请重新提出", to_rfc3339(*at_ms))
            }
            Self::Changed { number, then, now } => {
                format!("提议 {number} 已不适用：提出时为“{then}”；现在：{now}")
            }
            Self::Reason => format!("理由最多 {REASON_CHARACTERS_MAX} 个字"),
            Self::NoReason => "请写明否决的理由，以便提出人知道".to_owned(),
            Self::NotOwn { number } => {
                format!("提议 {number} 只能由提出人撤回；他人可否决并说明理由：proposal decline {number}")
            }
            Self::Rule { number, name, rule } => {
                format!("{name} 不能批准提议 {number}：{}", rule.text_zh())
            }
            Self::Authorize(failed) => failed.text_zh(),
            Self::Persons(failed) => failed.text_zh(),
            Self::Store(_) | Self::Row(_) => safeharbor_service::speech::chain_of(self),
        }
    }
}
