//! Who may call what: one table, which is what is enforced, what the tests go through cell by cell, and what
//! `docs/access.md` shows. What is not in it is refused.

mod document;
mod grpc;
#[cfg(test)]
mod tests;

use axum::http::Method;
use safeharbor_service::person::Role;

pub use document::document;
pub use grpc::AccessLayer;

/// Whom a method of the gRPC services answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answers {
    /// Whoever connects, with a certificate that holds or with none.
    Everybody,
    /// Institutions, about themselves alone.
    Institutions,
}

/// What a route of the admin address takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    /// Nothing.
    Nothing,
    /// A session of a person with one of these roles, as themself or as a deputy.
    Role(&'static [Role]),
}

/// A route of the admin address.
#[derive(Debug, Clone, Copy)]
pub struct Route {
    /// `GET` (and then `HEAD`), or `POST`.
    pub method: &'static str,
    /// The path.
    pub path: &'static str,
    /// What it takes.
    pub takes: Takes,
}

/// Everybody with an account.
pub const ANY_ROLE: &[Role] = &[Role::Observer, Role::Reviewer, Role::Administrator];
/// Who runs the hub.
pub const ADMINISTRATOR: &[Role] = &[Role::Administrator];

/// The methods of the gRPC services, by path. Every method of a service stands here, or its requests are refused.
pub const METHODS: [(&str, Answers); 10] = [
    ("/safeharbor.v1.Enrollment/Greet", Answers::Everybody),
    ("/safeharbor.v1.Enrollment/Join", Answers::Everybody),
    ("/safeharbor.v1.Enrollment/Renew", Answers::Everybody),
    ("/safeharbor.v1.Enrollment/Rotate", Answers::Everybody),
    ("/safeharbor.v1.Exchange/Open", Answers::Institutions),
    ("/safeharbor.v1.Registry/FetchChain", Answers::Institutions),
    ("/safeharbor.v1.Registry/FetchCatalogue", Answers::Institutions),
    ("/grpc.health.v1.Health/Check", Answers::Institutions),
    ("/grpc.health.v1.Health/Watch", Answers::Institutions),
    ("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", Answers::Institutions),
];

const fn get(path: &'static str, takes: Takes) -> Route {
    Route { method: "GET", path, takes }
}

const fn post(path: &'static str, takes: Takes) -> Route {
    Route { method: "POST", path, takes }
}

/// The routes of the admin address.
pub const ROUTES: [Route; 14] = [
    get("/healthz", Takes::Nothing),
    get("/login", Takes::Nothing),
    post("/login", Takes::Nothing),
    get("/first", Takes::Nothing),
    post("/first", Takes::Nothing),
    post("/logout", Takes::Role(ANY_ROLE)),
    get("/", Takes::Role(ANY_ROLE)),
    get("/board.json", Takes::Role(ANY_ROLE)),
    get("/persons", Takes::Role(ADMINISTRATOR)),
    get("/proposals", Takes::Role(ADMINISTRATOR)),
    post("/proposals/approve", Takes::Role(ADMINISTRATOR)),
    post("/proposals/close", Takes::Role(ADMINISTRATOR)),
    get("/audit", Takes::Role(ADMINISTRATOR)),
    get("/audit.csv", Takes::Role(ADMINISTRATOR)),
];

/// Whom the method at `path` answers; none if there is no such method.
#[must_use]
pub fn method(path: &str) -> Option<Answers> {
    METHODS.iter().find(|(known, _)| *known == path).map(|(_, answers)| *answers)
}

/// What a request takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// It is in the table.
    Route(Takes),
    /// The path is, with the other method.
    OtherMethod,
    /// It is not.
    Nowhere,
}

/// Looks a request to the admin address up.
#[must_use]
pub fn route(method: &Method, path: &str) -> Found {
    let method = if *method == Method::HEAD { "GET" } else { method.as_str() };
    let mut there = ROUTES.iter().filter(|route| route.path == path).peekable();
    if there.peek().is_none() {
        return Found::Nowhere;
    }
    let found = there.find(|route| route.method == method);
    found.map_or(Found::OtherMethod, |route| Found::Route(route.takes))
}
