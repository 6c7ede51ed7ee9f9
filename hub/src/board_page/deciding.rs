//! The forms of the page of proposals: approving with one's password, declining with a reason, withdrawing one's own.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Extension;
use axum::extract::{ConnectInfo, Form, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use safeharbor_service::caller;
use safeharbor_service::person::{AuthorizeFailed, Credentials, Door, Password, Person, authorize_at};
use safeharbor_service::speech::Language;

use super::door::language_of;
use super::login::{Fields, field, refuse};
use super::proposals::{Said, page};
use super::queue::source_of;
use super::visitor::Visitor;
use super::{AdminState, Parameters};
use crate::access::ADMINISTRATOR;
use crate::command::CommandFailed;
use crate::proposal::{Proposal, ProposalFailed, decide, decline, list, withdraw};
use crate::session::Session;

/// One form, and whose it is.
struct Sent {
    state: AdminState,
    session: Session,
    visitor: Visitor,
    language: Language,
    fields: Vec<(String, String)>,
}

pub(super) async fn approve(
    State(state): State<AdminState>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    (Extension(session), Extension(visitor)): (Extension<Session>, Extension<Visitor>),
    parameters: Parameters,
    headers: HeaderMap,
    Form(fields): Fields,
) -> Response {
    let language = language_of(&parameters, &headers);
    let from = source_of(state.0.settings.admin_https, peer, &headers);
    let sent = Sent { state, session, visitor, language, fields };
    let Some(number) = sent.number() else { return sent.forged() };
    let Some(turn) = sent.state.1.enter(from).await else {
        let text = language
            .pick("正在核验其他密码，请稍后再试", "other passwords are being checked; try again in a moment");
        return sent.refused(StatusCode::SERVICE_UNAVAILABLE, text.to_owned());
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
    parameters: Parameters,
    headers: HeaderMap,
    Form(fields): Fields,
) -> Response {
    let language = language_of(&parameters, &headers);
    let sent = Sent { state, session, visitor, language, fields };
    let Some(number) = sent.number() else { return sent.forged() };
    let (by, reason) = (sent.visitor.person.clone(), field(&sent.fields, "reason"));
    let closed = sent.close(number, by, &reason).await;
    sent.answer(number, closed)
}

impl Sent {
    /// Which proposal the form is about; none if it did not come from this hub's page.
    fn number(&self) -> Option<u32> {
        let own = field(&self.fields, "csrf") == self.session.csrf;
        field(&self.fields, "number").parse().ok().filter(|_| own)
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
                let tag = self.language.pick("zh-CN", "en");
                let place = format!("/proposals?lang={tag}&done={number}");
                (StatusCode::SEE_OTHER, [(header::LOCATION, place)]).into_response()
            }
            Err(failed) => self.failed(&failed),
        }
    }

    fn failed(self, failed: &CommandFailed) -> Response {
        let text = failed.text(self.language);
        self.refused(StatusCode::FORBIDDEN, text)
    }

    fn refused(self, status: StatusCode, refusal: String) -> Response {
        let said = Said { done: String::new(), refusal };
        page(&self.state.0, status, (self.visitor, self.language), said)
    }

    fn forged(self) -> Response {
        let reason = self
            .language
            .pick("表单已失效，请返回后重试", "the form is not valid any more; go back and try again");
        refuse(self.visitor, self.language, reason.to_owned())
    }
}
