//! The page of proposals: what waits for a second person, in plain words, and what became of the others.

use askama::Template;
use axum::Extension;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use safeharbor_rules::compare;
use safeharbor_service::clock::to_rfc3339;
use safeharbor_service::person::PersonId;
use safeharbor_service::speech::{Language, chain_of};

use super::moment::Moment;
use super::texts::Texts;
use super::visitor::{Visitor, lang_of};
use super::{AdminState, Parameters, answer};
use crate::command::difference_lines;
use crate::office::Desk;
use crate::proposal::{self, Decision, Proposal, ProposalFailed, REASON_CHARACTERS_MAX, Seat, seats};

/// How many that do not wait any more are shown.
const CLOSED_SHOWN: usize = 50;

#[derive(Debug, Template)]
#[template(path = "people/proposals.html")]
struct ProposalsPage {
    language: Language,
    place: &'static str,
    visitor: Visitor,
    /// What came of the last form.
    said: Said,
    open: Vec<Open>,
    closed: Vec<Closed>,
    reason_max: usize,
}

/// What the page says on top.
#[derive(Debug, Default)]
pub(super) struct Said {
    /// What was done.
    pub(super) done: String,
    /// Why nothing was.
    pub(super) refusal: String,
}

/// One that waits.
#[derive(Debug)]
struct Open {
    number: u32,
    what: String,
    institution: String,
    effect: &'static str,
    /// Whether nothing can undo it.
    is_final: bool,
    changes: Vec<String>,
    by: String,
    at: Moment,
    until: Moment,
    reason: String,
    situation: String,
    seats: Vec<SeatRow>,
    /// Whether the visitor proposed it.
    own: bool,
    /// Whether the visitor may approve it.
    may: bool,
}

/// One administrator, and whether they may approve.
#[derive(Debug)]
struct SeatRow {
    name: String,
    /// Whether it is the visitor.
    own: bool,
    /// Empty if they may.
    why_not: String,
}

#[derive(Debug)]
struct Closed {
    number: u32,
    what: String,
    institution: String,
    by: String,
    at: Moment,
    reason: String,
    outcome: String,
}

pub(super) async fn show(
    State(state): State<AdminState>,
    Extension(visitor): Extension<Visitor>,
    Query(parameters): Parameters,
) -> Response {
    let done = parameters.iter().find(|(name, _)| name == "done");
    let number = done.and_then(|(_, number)| number.parse::<u32>().ok());
    let said = match number.map(|number| outcome_of(&state.0, number, visitor.language)).transpose() {
        Ok(done) => Said { done: done.flatten().unwrap_or_default(), refusal: String::new() },
        Err(failed) => return failed_page(&failed),
    };
    page(&state.0, StatusCode::OK, visitor, said)
}

/// What became of the proposal that the visitor just dealt with.
fn outcome_of(desk: &Desk, number: u32, language: Language) -> Result<Option<String>, ProposalFailed> {
    let found = proposal::list(desk)?.into_iter().find(|there| there.number == number);
    let Some(found) = found.filter(|found| !found.is_open(desk.clock.now_ms())) else { return Ok(None) };
    let outcome = found.outcome(language, desk.clock.now_ms(), |id| name_of(desk, id));
    let what = found.what.text(language);
    Ok(Some(language.pick(
        format!("提议 {number}（{what}）：{outcome}"),
        format!("Proposal {number} ({what}): {outcome}"),
    )))
}

/// The page, with what it says on top.
pub(super) fn page(desk: &Desk, status: StatusCode, visitor: Visitor, said: Said) -> Response {
    match draw(desk, visitor, said) {
        Ok(page) => answer(status, &page),
        Err(failed) => failed_page(&failed),
    }
}

fn failed_page(failed: &ProposalFailed) -> Response {
    tracing::error!(error = chain_of(failed), "proposals cannot be shown");
    StatusCode::INTERNAL_SERVER_ERROR.into_response()
}

fn draw(desk: &Desk, visitor: Visitor, said: Said) -> Result<ProposalsPage, ProposalFailed> {
    let (now_ms, language) = (desk.clock.now_ms(), visitor.language);
    let (open, closed): (Vec<_>, Vec<_>) =
        proposal::list(desk)?.into_iter().partition(|there| there.is_open(now_ms));
    let open = open.iter().map(|there| open_of(desk, there, &visitor));
    let open = open.collect::<Result<_, _>>()?;
    let closed = closed.iter().rev().take(CLOSED_SHOWN);
    let closed = closed.map(|there| closed_of(desk, there, language)).collect();
    let reason_max = REASON_CHARACTERS_MAX;
    Ok(ProposalsPage { language, place: "/proposals", visitor, said, open, closed, reason_max })
}

fn open_of(desk: &Desk, there: &Proposal, visitor: &Visitor) -> Result<Open, ProposalFailed> {
    let language = visitor.language;
    let mut seats = seats(&desk.persons, &there.by)?;
    seats.sort_by_key(|seat| seat.refused.is_some());
    let may = seats.iter().any(|seat| seat.person.id == visitor.person.id && seat.refused.is_none());
    Ok(Open {
        number: there.number,
        what: there.what.text(language),
        institution: institution_of(desk, &there.what),
        effect: there.what.effect(language),
        is_final: there.what.is_final(),
        changes: changes_of(desk, &there.what, language),
        by: there.by.title(language, |id| name_of(desk, id)),
        at: moment(desk, there.at_ms, language),
        until: moment(desk, there.expires_ms, language),
        reason: there.reason.clone(),
        situation: there.situation.clone(),
        seats: seats.iter().map(|seat| seat_row(desk, seat, visitor)).collect(),
        own: there.by.id == visitor.person.id,
        may,
    })
}

fn seat_row(desk: &Desk, seat: &Seat, visitor: &Visitor) -> SeatRow {
    let language = visitor.language;
    let why_not = seat.refused.as_ref().map(|rule| language.pick(rule.text_zh(), rule.to_string()));
    SeatRow {
        name: seat.person.title(language, |id| name_of(desk, id)),
        own: seat.person.id == visitor.person.id,
        why_not: why_not.unwrap_or_default(),
    }
}

fn closed_of(desk: &Desk, there: &Proposal, language: Language) -> Closed {
    Closed {
        number: there.number,
        what: there.what.text(language),
        institution: institution_of(desk, &there.what),
        by: there.by.title(language, |id| name_of(desk, id)),
        at: moment(desk, there.at_ms, language),
        reason: there.reason.clone(),
        outcome: there.outcome(language, desk.clock.now_ms(), |id| name_of(desk, id)),
    }
}

fn moment(desk: &Desk, at_ms: u64, language: Language) -> Moment {
    let (at, now) = (to_rfc3339(at_ms), to_rfc3339(desk.clock.now_ms()));
    Moment::read(&at, &now, Texts::of(lang_of(language)))
}

fn name_of(desk: &Desk, id: PersonId) -> Option<String> {
    desk.persons.name_of(id).ok().flatten()
}

/// The name of the institution it is about; empty if it is about none.
fn institution_of(desk: &Desk, what: &Decision) -> String {
    let code = match what {
        Decision::Reinstate { code } | Decision::ReEnrol { code } | Decision::Revoke { code } => code,
        Decision::Catalogue { .. } => return String::new(),
    };
    desk.shared.directory().institution(code).map(|known| known.name.clone()).unwrap_or_default()
}

/// What a catalogue version would change.
fn changes_of(desk: &Desk, what: &Decision, language: Language) -> Vec<String> {
    let Decision::Catalogue { cat } = what else { return Vec::new() };
    let newest = desk.catalogues.newest(&desk.shared.directory());
    let found = desk.catalogues.find(&cat.to_string());
    found.map(|found| difference_lines(&compare(&newest, &found), language)).unwrap_or_default()
}
