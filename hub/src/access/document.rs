//! The table as a page for people.

use std::fmt::Write as _;

use safeharbor_service::person::Role;

use super::{Answers, METHODS, ROUTES, Takes};

const HEAD: &str = "# Who may call what

Made from the table in `hub/src/access.rs`, which is what is enforced; a test compares the two and goes through every
cell with real connections (`cargo test -p safeharbor-hub access_matrix`). `SAFEHARBOR_REWRITE=1` writes this page anew.
What is not in the table is refused: an unknown method with `UNIMPLEMENTED`, an unknown route with 404.

## gRPC (address for nodes)

TLS refuses a certificate of another authority and one that has expired before any request is read. An expired certificate is
renewed on a connection without one. Methods for institutions answer the institution of the certificate about itself alone;
no request can name another one. A suspended institution reads and renews; its statements are refused (`standing-refused`).

Whether a certificate speaks for its institution is asked at every request, and every 2 s of a connection that is open: not once the
institution is revoked, not once its key has *ended* (the statement key that proved it was ended or replaced by a re-enrolment; a
rotation ends none), and not if the hub's register does not know the key. Past the end of its certificate an open connection goes on
while the institution's last one holds. Where a revoked institution or an ended key reaches `Enrollment`, it gets no more than nobody does.

| method | no certificate | wrong authority | expired | key ended | revoked | suspended | other institution | active node |
|---|---|---|---|---|---|---|---|---|
";

const ROUTES_HEAD: &str = "
## HTTP (admin address)

`HEAD` is as `GET`; another method is answered with 405. A session is a cookie, given by `POST /login`; `POST` with a session
takes its token against forged requests, too. Deputies count as the person they act for, on the days of the appointment.

| route | nobody | observer | reviewer | administrator |
|---|---|---|---|---|
";

/// The page `docs/access.md`.
#[must_use]
pub fn document() -> String {
    let mut page = HEAD.to_owned();
    // Writing to a string does not fail.
    for (path, answers) in METHODS {
        let (nobody, revoked) = match answers {
            Answers::Everybody => ("yes", "as nobody"),
            Answers::Institutions => ("`identity-refused`", "`standing-refused`"),
        };
        let ended = if answers == Answers::Everybody { "as nobody" } else { nobody };
        writeln!(
            page,
            "| `{path}` | {nobody} | TLS refuses | TLS refuses | {ended} | {revoked} | yes | its own only | yes |"
        )
        .ok();
    }
    page.push_str(ROUTES_HEAD);
    for route in ROUTES {
        let cell = |role: Role| match route.takes {
            Takes::Nothing => "yes",
            Takes::Role(roles) if roles.contains(&role) => "yes",
            Takes::Role(_) => "403",
        };
        let nobody = if route.takes == Takes::Nothing { "yes" } else { "401" };
        let (observer, reviewer) = (cell(Role::Observer), cell(Role::Reviewer));
        let administrator = cell(Role::Administrator);
        let (method, path) = (route.method, route.path);
        writeln!(page, "| `{method} {path}` | {nobody} | {observer} | {reviewer} | {administrator} |").ok();
    }
    page
}
