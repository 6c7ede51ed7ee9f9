//! Requests to the hub's admin address on this machine.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::failure::Failure;

const LIMIT: Duration = Duration::from_secs(10);

/// Fetches a path and returns the body of a 200 answer.
///
/// # Errors
/// No connection, no answer in time, or another status.
pub(super) fn fetch(address: SocketAddr, path: &str) -> Result<String, Failure> {
    fetch_as(address, path, "")
}

/// The same in a session.
///
/// # Errors
/// As [`fetch`].
pub(super) fn fetch_as(address: SocketAddr, path: &str, session: &str) -> Result<String, Failure> {
    let answer = ask(address, &format!("GET {path} HTTP/1.0\r\nAccept: */*\r\nCookie: {session}\r\n"), "")?;
    body(&answer)
        .map(str::to_owned)
        .ok_or_else(|| Failure::lacks(format!("the answer to GET {path}"), status(&answer)))
}

/// Signs in and answers the session's cookie.
///
/// # Errors
/// No connection, no answer in time, or no session.
pub(super) fn log_in(address: SocketAddr, name: &str, password: &str) -> Result<String, Failure> {
    let head = "POST /login HTTP/1.0\r\nContent-Type: application/x-www-form-urlencoded\r\n";
    let answer = ask(address, head, &format!("name={name}&password={password}"))?;
    let cookie = answer.lines().find_map(|line| line.strip_prefix("set-cookie: "));
    let cookie = cookie.and_then(|cookie| cookie.split(';').next()).map(str::to_owned);
    cookie.ok_or_else(|| Failure::lacks("the answer to POST /login", status(&answer)))
}

fn ask(address: SocketAddr, head: &str, body: &str) -> Result<String, Failure> {
    let failed = |source| Failure::System { what: "talk to the hub's admin address", source };
    let mut stream = TcpStream::connect_timeout(&address, LIMIT).map_err(failed)?;
    stream.set_read_timeout(Some(LIMIT)).map_err(failed)?;
    // HTTP/1.0: the server closes the connection at the end of the body and does not send it in chunks.
    let request = format!("{head}Host: {address}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    stream.write_all(request.as_bytes()).map_err(failed)?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).map_err(failed)?;
    Ok(answer)
}

fn body(answer: &str) -> Option<&str> {
    let (head, body) = answer.split_once("\r\n\r\n")?;
    (head.split(' ').nth(1) == Some("200")).then_some(body)
}

fn status(answer: &str) -> String {
    format!("the status 200: {}", answer.lines().next().unwrap_or("nothing"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_200_answer_has_a_body() {
        assert_eq!(body("HTTP/1.0 200 OK\r\nA: b\r\n\r\n{}"), Some("{}"));
        assert_eq!(body("HTTP/1.0 500 No\r\n\r\n{}"), None);
        assert_eq!(body(""), None);
    }
}
