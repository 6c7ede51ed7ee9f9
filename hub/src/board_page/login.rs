//! Signing in and out.

use std::sync::Arc;

use askama::Template;
use axum::Extension;
use axum::extract::{Form, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use safeharbor_service::caller;
use safeharbor_service::person::{AuthorizeFailed, Credentials, Door, Password, authorize_at};
use safeharbor_service::speech::{Language, chain_of};
use serde_json::Value;
use zeroize::Zeroizing;

use super::door::{cookie, language_of};
use super::queue::{Source, too_many};
use super::visitor::Visitor;
use super::{AdminState, Parameters, answer};
use crate::access::ANY_ROLE;
use crate::office::Desk;
use crate::session::{self, LASTS_MS, Session, SessionFailed};

/// The fields of a form.
pub(super) type Fields = Form<Vec<(String, String)>>;

#[derive(Debug, Template)]
#[template(path = "people/login.html")]
struct LoginPage {
    language: Language,
    place: &'static str,
    refusal: String,
}

#[derive(Debug, Template)]
#[template(path = "people/refused.html")]
struct RefusedPage {
    language: Language,
    place: &'static str,
    visitor: Visitor,
    reason: String,
}

/// Nobody gets a session.
#[derive(Debug, thiserror::Error)]
enum LoginFailed {
    #[error(transparent)]
    Authorize(#[from] AuthorizeFailed),
    #[error(transparent)]
    Session(#[from] SessionFailed),
}

pub(super) async fn show(parameters: Parameters, headers: HeaderMap) -> Response {
    page(StatusCode::OK, language_of(&parameters, &headers), String::new())
}

pub(super) async fn take(
    State(state): State<AdminState>,
    Source(from): Source,
    parameters: Parameters,
    headers: HeaderMap,
    Form(fields): Fields,
) -> Response {
    let language = language_of(&parameters, &headers);
    let Some(turn) = state.1.enter(from).await else {
        return page(StatusCode::SERVICE_UNAVAILABLE, language, too_many(language));
    };
    let (name, password) = (field(&fields, "name"), Password::new(field(&fields, "password")));
    let desk = Arc::clone(&state.0);
    let log_in = move || {
        let _turn = turn;
        log_in(&desk, Door::Page(from), &Credentials { name, password })
    };
    let begun = caller::spawn_blocking(log_in).await;
    match begun.unwrap_or(Err(AuthorizeFailed::Stopping.into())) {
        Ok(token) => enter(&state.0, &token, language),
        Err(LoginFailed::Authorize(refused)) => {
            page(StatusCode::UNAUTHORIZED, language, language.pick(refused.text_zh(), chain_of(&refused)))
        }
        Err(LoginFailed::Session(failed)) => {
            tracing::error!(error = chain_of(&failed), "no session can be given");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

fn log_in(desk: &Desk, door: Door, credentials: &Credentials) -> Result<Zeroizing<String>, LoginFailed> {
    let since_ms = desk.clock.now_ms();
    let person = authorize_at(door, (&desk.persons, &desk.audit), credentials, ANY_ROLE, "log in")?;
    desk.audit
        .append(Some(&person), "log in", "admin address", Value::Null)
        .map_err(AuthorizeFailed::from)?;
    Ok(session::begin(desk, person.id, since_ms)?)
}

/// Goes to the overview with a session.
pub(super) fn enter(desk: &Desk, token: &str, language: Language) -> Response {
    let place = language.pick("/?lang=zh-CN", "/?lang=en");
    let cookie = cookie(desk, token, LASTS_MS / 1000);
    (StatusCode::SEE_OTHER, [(header::LOCATION, place.to_owned()), (header::SET_COOKIE, cookie)])
        .into_response()
}

pub(super) async fn leave(
    State(state): State<AdminState>,
    Extension(session): Extension<Session>,
    Extension(visitor): Extension<Visitor>,
    Form(fields): Fields,
) -> Response {
    let language = visitor.language;
    if !is_own(&fields, &session) {
        return refuse_forged(visitor);
    }
    let desk = Arc::clone(&state.0);
    let ended = caller::spawn_blocking(move || {
        desk.audit.append(Some(&session.person), "log out", "admin address", Value::Null).ok();
        session::end(&desk, &session)
    });
    match ended.await {
        Ok(Ok(())) => {
            let place = language.pick("/login?lang=zh-CN", "/login?lang=en");
            let gone = cookie(&state.0, "", 0);
            (StatusCode::SEE_OTHER, [(header::LOCATION, place.to_owned()), (header::SET_COOKIE, gone)])
                .into_response()
        }
        Ok(Err(_)) | Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// The page on which somebody signs in.
pub(super) fn page(status: StatusCode, language: Language, refusal: String) -> Response {
    answer(status, &LoginPage { language, place: "/login", refusal })
}

/// The page that says why somebody may not.
pub(super) fn refuse(visitor: Visitor, reason: String) -> Response {
    answer(StatusCode::FORBIDDEN, &RefusedPage { language: visitor.language, place: "/", visitor, reason })
}

/// Whether a form came from a page of this session.
pub(super) fn is_own(fields: &[(String, String)], session: &Session) -> bool {
    field(fields, "csrf") == session.csrf
}

/// The page that says that a form did not.
pub(super) fn refuse_forged(visitor: Visitor) -> Response {
    let reason = visitor
        .language
        .pick("表单已失效，请返回后重试", "the form is not valid any more; go back and try again");
    refuse(visitor, reason.to_owned())
}

/// A field of a form; empty if it is not there.
pub(super) fn field(fields: &[(String, String)], name: &str) -> String {
    fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone()).unwrap_or_default()
}
