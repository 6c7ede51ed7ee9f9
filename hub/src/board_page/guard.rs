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
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
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

/// Lets reading through and sets the headers.
pub(super) async fn guard(State(names): State<Names>, request: Request, next: Next) -> Response {
    let mut response = if !matches!(*request.method(), Method::GET | Method::HEAD) {
        (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "GET, HEAD")], "read only\n").into_response()
    } else if !names.own(request.headers()) {
        (StatusCode::MISDIRECTED_REQUEST, "this is not the host you asked for\n").into_response()
    } else {
        next.run(request).await
    };
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
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
