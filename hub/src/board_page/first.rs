//! The page that the one-time link opens: the first or second administrator chooses name and password.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Form, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use safeharbor_core::b64;
use safeharbor_core::digest::Digest;
use safeharbor_service::caller;
use safeharbor_service::person::{
    AuthorizeFailed, Door, FirstCode, FirstPerson, Password, Person, PersonCommandFailed, take_first,
};
use safeharbor_service::speech::{Language, chain_of};

use super::door::language_of;
use super::login::{Fields, enter, field};
use super::queue::{Source, too_many};
use super::{AdminState, Parameters, answer};
use crate::session;

/// Puts the code that the link carries into its field, and takes it out of the address. Without it the code is pasted.
const SCRIPT: &str = "const c=location.hash.slice(1);if(c){document.getElementById('code').value=c;\
                      history.replaceState(null,'',location.pathname+location.search)}";

#[derive(Debug, Template)]
#[template(path = "people/first.html")]
struct FirstPage {
    language: Language,
    place: &'static str,
    awaited: bool,
    refusal: String,
    script: &'static str,
}

pub(super) async fn show(
    State(state): State<AdminState>,
    parameters: Parameters,
    headers: HeaderMap,
) -> Response {
    page(&state, StatusCode::OK, language_of(&parameters, &headers), String::new())
}

pub(super) async fn take(
    State(state): State<AdminState>,
    Source(from): Source,
    parameters: Parameters,
    headers: HeaderMap,
    Form(fields): Fields,
) -> Response {
    let language = language_of(&parameters, &headers);
    let password = Password::new(field(&fields, "password"));
    if !password.is_same(&Password::new(field(&fields, "again"))) {
        let text = language.pick("两次输入的密码不一致", "the two passwords are not the same");
        return page(&state, StatusCode::BAD_REQUEST, language, text.to_owned());
    }
    let Some(turn) = state.1.enter(from).await else {
        return page(&state, StatusCode::SERVICE_UNAVAILABLE, language, too_many(language));
    };
    let (code, name) = (FirstCode::typed(&field(&fields, "code")), field(&fields, "name"));
    let desk = Arc::clone(&state.0);
    let made = caller::spawn_blocking(move || {
        let _turn = turn;
        let first = FirstPerson { code, name, password };
        let made: Result<Person, PersonCommandFailed> =
            take_first(Door::Page(from), (&desk.persons, &desk.audit), &first);
        made.map(|person| session::begin(&desk, person.id, desk.clock.now_ms()))
    });
    match made.await.unwrap_or_else(|_ended| Err(AuthorizeFailed::Stopping.into())) {
        Ok(Ok(token)) => enter(&state.0, &token, language),
        Ok(Err(failed)) => {
            tracing::error!(error = chain_of(&failed), "no session can be given");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
        Err(refused) => {
            let text = language.pick(refused.text_zh(), chain_of(&refused));
            page(&state, StatusCode::FORBIDDEN, language, text)
        }
    }
}

fn page(state: &AdminState, status: StatusCode, language: Language, refusal: String) -> Response {
    let awaited = state.0.persons.awaits_first().unwrap_or(false);
    let page = FirstPage { language, place: "/first", awaited, refusal, script: SCRIPT };
    let mut response = answer(status, &page);
    if let Ok(policy) = HeaderValue::from_str(&policy()) {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// As everywhere at this address, and this one script.
fn policy() -> String {
    let script = b64::encode_std(Digest::of(SCRIPT.as_bytes()).as_bytes());
    format!(
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'self'; \
         frame-ancestors 'none'; script-src 'sha256-{script}'"
    )
}
