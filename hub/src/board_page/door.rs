//! The door of the admin address: looks every request up in the table of access before any page sees it.

use std::sync::Arc;

use axum::extract::{FromRequestParts as _, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use safeharbor_service::caller;
use safeharbor_service::person::{AuthorizeFailed, permit};
use safeharbor_service::speech::{Language, chain_of};

use super::visitor::{self, Visitor};
use super::{AdminState, Parameters, login, missing, wish};
use crate::access::{Found, Takes, route};
use crate::office::Desk;
use crate::session::{self, Session};

/// The name of the cookie.
pub(super) const COOKIE: &str = "safeharbor-session";

/// Lets through what the table allows.
pub(super) async fn door(State(state): State<AdminState>, request: Request, next: Next) -> Response {
    let roles = match route(request.method(), request.uri().path()) {
        // Also where a page was routed and forgotten in the table: nothing behind the door is asked.
        Found::Nowhere => return nowhere(request).await,
        Found::OtherMethod => return (StatusCode::METHOD_NOT_ALLOWED, "not done here\n").into_response(),
        Found::Route(Takes::Nothing) => return next.run(request).await,
        Found::Route(Takes::Role(roles)) => roles,
    };
    let (mut parts, body) = request.into_parts();
    let language = match Parameters::from_request_parts(&mut parts, &()).await {
        Ok(parameters) => visitor::language(wish(&parameters, &parts.headers).lang),
        Err(refused) => return refused.into_response(),
    };
    let token = token_of(&parts.headers);
    let action = format!("{} {}", parts.method, parts.uri.path());
    let desk = Arc::clone(&state.0);
    let looked = caller::spawn_blocking(move || {
        let Some(session) = token.and_then(|token| session::find(&desk, &token).transpose()) else {
            return Ok(Seen::Nobody);
        };
        let session = session.map_err(|failed| chain_of(&failed))?;
        match permit((&desk.persons, &desk.audit), &session.person, roles, &action) {
            Ok(person) => {
                let visitor = Visitor::new(&desk, &session, person, language);
                Ok(Seen::Visitor(session, visitor))
            }
            Err(refused @ AuthorizeFailed::Role { .. }) => {
                let visitor = Visitor::new(&desk, &session, session.person.clone(), language);
                let reason = language.pick(refused.text_zh(), chain_of(&refused));
                Ok(Seen::Refused(visitor, reason))
            }
            Err(failed) => Err(chain_of(&failed)),
        }
    });
    match looked.await.unwrap_or_else(|_ended| Err("the hub is stopping".to_owned())) {
        Ok(Seen::Visitor(session, visitor)) => {
            let mut request = Request::from_parts(parts, body);
            request.extensions_mut().insert(session);
            request.extensions_mut().insert(visitor);
            next.run(request).await
        }
        Ok(Seen::Nobody) => login::page(StatusCode::UNAUTHORIZED, language, String::new()),
        Ok(Seen::Refused(visitor, reason)) => login::refuse(visitor, reason),
        Err(error) => {
            tracing::error!(error, "a request cannot be looked at");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

enum Seen {
    Nobody,
    Visitor(Session, Visitor),
    Refused(Visitor, String),
}

async fn nowhere(request: Request) -> Response {
    let (mut parts, _) = request.into_parts();
    match Parameters::from_request_parts(&mut parts, &()).await {
        Ok(parameters) => missing(&parameters, &parts.headers),
        Err(refused) => refused.into_response(),
    }
}

/// The session's token among the cookies.
fn token_of(headers: &HeaderMap) -> Option<String> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == COOKIE).map(|(_, token)| token.to_owned())
}

/// The header that gives a browser its session, or takes it.
pub(super) fn cookie(desk: &Desk, token: &str, lasts_s: u64) -> String {
    let secure = if desk.settings.admin_https { "; Secure" } else { "" };
    format!("{COOKIE}={token}; HttpOnly; SameSite=Strict; Path=/; Max-Age={lasts_s}{secure}")
}

/// In which language a request is answered.
pub(super) fn language_of(parameters: &Parameters, headers: &HeaderMap) -> Language {
    visitor::language(wish(parameters, headers).lang)
}
