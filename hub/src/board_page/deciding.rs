//! The forms of the page of proposals: approving with one's password, declining with a reason, withdrawing one's own.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Form, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use safeharbor_service::caller;
use safeharbor_service::person::{AuthorizeFailed, Credentials, Door, Password, Person, authorize_at};

use super::AdminState;
use super::login::{Fields, field, is_own, refuse_forged};
use super::proposals::{Said, page};
use super::queue::{Source, too_many};
use super::visitor::Visitor;
use crate::access::ADMINISTRATOR;
use crate::command::CommandFailed;
use crate::proposal::{Proposal, ProposalFailed, decide, decline, list, withdraw};
use crate::session::Session;

/// One form, and whose it is.
struct Sent {
    state: AdminState,
    session: Session,
    visitor: Visitor,
    fields: Vec<(String, String)>,
}

pub(super) async fn approve(
    State(state): State<AdminState>,
    Source(from): Source,
    (Extension(session), Extension(visitor)): (Extension<Session>, Extension<Visitor>),
    Form(fields): Fields,
) -> Response {
    let sent = Sent { state, session, visitor, fields };
    let Some(number) = sent.number() else { return refuse_forged(sent.visitor) };
    let Some(turn) = sent.state.1.enter(from).await else {
        let text = too_many(sent.visitor.language);
        return sent.refused(StatusCode::SERVICE_UNAVAILABLE, text);
    };
    let (office, name) = (Arc::clone(&sent.state.0), sent.session.person.id.to_string());
    let credentials = Credentials { name, password: Password::new(field(&sent.fields, "password")) };
    let authorized = caller::spawn_blocking(move || {
        let _turn = turn;
        let both = (&*office.persons, &*office.audit);
        authorize_at(Door::Page(from), both, &credentials, ADMINISTRATOR, "approve proposal")
    });
    let by = match authorized.await.unwrap_or(Err(AuthorizeFailed::Stopping)) {
        Ok(by) => by,
        Err(failed) => return sent.failed(&failed.into()),
    };
    // Carried out to its end, also where nobody waits for the answer any more.
    let office = Arc::clone(&sent.state.0);
    let decided = tokio::spawn(async move { decide(&office, number, by).await }).await;
    sent.answer(number, decided.unwrap_or_else(|_ended| Err(AuthorizeFailed::Stopping.into())))
}

pub(super) async fn close(
    State(state): State<AdminState>,
    (Extension(session), Extension(visitor)): (Extension<Session>, Extension<Visitor>),
    Form(fields): Fields,
) -> Response {
    let sent = Sent { state, session, visitor, fields };
    let Some(number) = sent.number() else { return refuse_forged(sent.visitor) };
    let (by, reason) = (sent.visitor.person.clone(), field(&sent.fields, "reason"));
    let closed = sent.close(number, by, &reason).await;
    sent.answer(number, closed)
}

impl Sent {
    /// Which proposal the form is about; none if it did not come from this hub's page.
    fn number(&self) -> Option<u32> {
        field(&self.fields, "number").parse().ok().filter(|_| is_own(&self.fields, &self.session))
    }

    /// Withdraws the visitor's own proposal, declines another's.
    async fn close(&self, number: u32, by: Person, reason: &str) -> Result<Proposal, CommandFailed> {
        let office = &*self.state.0;
        let found = list(office)?.into_iter().find(|there| there.number == number);
        let found = found.ok_or(ProposalFailed::Unknown(number))?;
        match found.by.id == by.id {
            true => withdraw(office, number, by).await,
            false => decline(office, number, (by, reason)).await,
        }
    }

    fn answer(self, number: u32, done: Result<Proposal, CommandFailed>) -> Response {
        match done {
            Ok(_) => {
                let place = format!("/proposals?lang={}&done={number}", self.visitor.tag());
                (StatusCode::SEE_OTHER, [(header::LOCATION, place)]).into_response()
            }
            Err(failed) => self.failed(&failed),
        }
    }

    fn failed(self, failed: &CommandFailed) -> Response {
        let text = failed.text(self.visitor.language);
        self.refused(StatusCode::FORBIDDEN, text)
    }

    fn refused(self, status: StatusCode, refusal: String) -> Response {
        let said = Said { done: String::new(), refusal };
        page(&self.state.0, status, self.visitor, said)
    }
}
