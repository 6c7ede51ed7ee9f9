//! What the admin address answers at all: reading, under names that are its own, with headers that keep answers inside.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

/// Set on every answer.
const HEADERS: [(HeaderName, &str); 6] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'self'; \
         frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "same-origin"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::CACHE_CONTROL, "no-store"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// The names under which the admin address may be reached, besides IP addresses and `localhost`.
#[derive(Debug, Clone)]
pub(super) struct Names(Arc<[String]>);

impl Names {
    pub(super) fn new<'a>(names: impl IntoIterator<Item = &'a String>) -> Self {
        Self(names.into_iter().cloned().collect())
    }

    /// A page of another site whose name was made to point here (DNS rebinding) would be read by that site, so
    /// only own names are answered. Clients that name no host are no browsers.
    fn own(&self, headers: &HeaderMap) -> bool {
        let Some(host) = headers.get(header::HOST) else { return true };
        let name = without_port(host.to_str().unwrap_or_default());
        let address = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(name);
        address.parse::<IpAddr>().is_ok()
            || name.eq_ignore_ascii_case("localhost")
            || self.0.iter().any(|own| own.eq_ignore_ascii_case(name))
    }
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

/// Lets through what comes for this host and from its own pages, and sets the headers.
pub(super) async fn guard(State(names): State<Names>, request: Request, next: Next) -> Response {
    let headers = request.headers();
    let mut response = if !matches!(*request.method(), Method::GET | Method::HEAD | Method::POST) {
        (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "GET, HEAD, POST")], "not done here\n")
            .into_response()
    } else if !names.own(headers) {
        (StatusCode::MISDIRECTED_REQUEST, "this is not the host you asked for\n").into_response()
    } else if *request.method() == Method::POST && is_foreign(headers) {
        (StatusCode::FORBIDDEN, "a form of another site is not taken\n").into_response()
    } else {
        next.run(request).await
    };
    for (name, value) in HEADERS {
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

/// Whether a browser says that the form is another site's. Programs say nothing.
fn is_foreign(headers: &HeaderMap) -> bool {
    let said = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    if let Some(site) = said("sec-fetch-site") {
        return !matches!(site, "same-origin" | "none");
    }
    let own = said("host").unwrap_or_default();
    said("origin").is_some_and(|origin| origin.split_once("://").is_none_or(|(_, host)| host != own))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(host: &str, own: bool) {
        let names = Names::new(&["hub.example".to_owned()]);
        let headers = HeaderMap::from_iter([(header::HOST, host.parse().unwrap())]);
        assert_eq!(names.own(&headers), own, "{host}");
    }

    #[test]
    fn forms_of_other_sites_are_foreign_and_programs_are_not() {
        let check = |said: &[(&'static str, &str)], foreign: bool| {
            let header = |(name, value): &(&'static str, &str)| {
                (HeaderName::from_static(name), value.parse().unwrap())
            };
            assert_eq!(is_foreign(&said.iter().map(header).collect()), foreign, "{said:?}");
        };
        check(&[("host", "hub:1")], false);
        check(&[("host", "hub:1"), ("origin", "http://hub:1")], false);
        check(&[("host", "hub:1"), ("origin", "http://hub:2")], true);
        check(&[("host", "hub:1"), ("origin", "null")], true);
        check(&[("host", "hub:1"), ("sec-fetch-site", "same-origin")], false);
        check(&[("host", "hub:1"), ("sec-fetch-site", "same-site")], true);
        check(&[("host", "hub:1"), ("sec-fetch-site", "cross-site"), ("origin", "http://hub:1")], true);
    }

    #[test]
    fn only_own_names_are_answered() {
        for host in
            ["127.0.0.1:8080", "10.1.2.3", "[::1]:80", "[::1]", "localhost:1", "LOCALHOST", "Hub.Example:443"]
        {
            check(host, true);
        }
        for host in
            ["evil.example", "evil.example:8080", "127.0.0.1.evil.example", "hub.example.evil", "", ":80"]
        {
            check(host, false);
        }
        assert!(Names::new(&[]).own(&HeaderMap::new()));
    }
}
