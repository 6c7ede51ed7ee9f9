//! The page of persons: accounts, roles, deputies, last logins.

use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use safeharbor_service::clock::to_rfc3339;
use safeharbor_service::person::{PersonId, PersonsFailed};
use safeharbor_service::speech::{Language, chain_of};

use super::visitor::Visitor;
use super::{AdminState, answer};
use crate::office::Desk;

#[derive(Debug, Template)]
#[template(path = "people/persons.html")]
struct PersonsPage {
    language: Language,
    place: &'static str,
    visitor: Visitor,
    rows: Vec<Row>,
    deputies: Vec<DeputyRow>,
}

#[derive(Debug)]
struct Row {
    number: PersonId,
    name: String,
    role: &'static str,
    last_login: String,
}

#[derive(Debug)]
struct DeputyRow {
    number: u32,
    who: String,
    from: String,
    until: String,
}

pub(super) async fn show(
    State(state): State<AdminState>,
    Extension(visitor): Extension<Visitor>,
) -> Response {
    match draw(&state.0, visitor) {
        Ok(page) => answer(StatusCode::OK, &page),
        Err(failed) => {
            tracing::error!(error = chain_of(&failed), "persons cannot be shown");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

fn draw(desk: &Desk, visitor: Visitor) -> Result<PersonsPage, PersonsFailed> {
    let language = visitor.language;
    let mut rows = Vec::new();
    for person in desk.persons.list()? {
        let last_login = desk.persons.last_login(person.id)?;
        let never = || language.pick("从未", "never").to_owned();
        rows.push(Row {
            number: person.id,
            role: language.pick(person.role.title_zh(), person.role.as_str()),
            name: person.name,
            last_login: last_login.map_or_else(never, to_rfc3339),
        });
    }
    let mut deputies = Vec::new();
    for there in desk.persons.appointments()? {
        let name = |id: PersonId| Ok::<_, PersonsFailed>(desk.persons.name_of(id)?.unwrap_or_default());
        let (deputy, principal) = (name(there.deputy)?, name(there.principal)?);
        deputies.push(DeputyRow {
            number: there.number,
            who: language.pick(format!("{deputy} 代 {principal}"), format!("{deputy} for {principal}")),
            from: there.from.to_string(),
            until: there.until.to_string(),
        });
    }
    Ok(PersonsPage { language, place: "/persons", visitor, rows, deputies })
}
