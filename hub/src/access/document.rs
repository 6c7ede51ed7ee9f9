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

| method | no certificate | wrong authority | expired | suspended | other institution | active node |
|---|---|---|---|---|---|---|
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
        let (nobody, other) = match answers {
            Answers::Everybody => ("yes", "its own only"),
            Answers::Institutions => ("`identity-refused`", "its own only"),
        };
        writeln!(page, "| `{path}` | {nobody} | TLS refuses | TLS refuses | yes | {other} | yes |").ok();
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
