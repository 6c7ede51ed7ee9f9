//! The hub of a demonstration: made, told who takes part, run, asked for its numbers.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use super::folder::Folder;
use super::http;
use crate::failure::Failure;
use crate::interrupt::{Interrupt, Seen};
use crate::process::{self, Server};
use crate::samples::Institution;
use crate::workspace::Programs;

/// How long the hub may take to open its addresses.
const START: Duration = Duration::from_secs(60);

/// The administrator of the hub.
pub(super) const PERSON: &str = "admin";

/// The second administrator, who decides together with the first what takes two.
pub(super) const COLLEAGUE: &str = "admin2";

/// The hub's command line and data folder.
#[derive(Debug)]
pub(super) struct Hub {
    program: PathBuf,
    data: PathBuf,
}

/// A hub that runs.
#[derive(Debug)]
pub(super) struct Running {
    /// The process.
    pub(super) server: Server,
    /// Where people and monitoring look.
    pub(super) admin: SocketAddr,
}

impl Hub {
    /// Makes the hub's data folder with a certificate authority of its own, and its two administrators, each by a one-time
    /// code: neither made the other's account.
    ///
    /// # Errors
    /// The program refuses.
    pub(super) fn init(programs: &Programs, folder: &Folder, password: &str) -> Result<Self, Failure> {
        let hub = Self { program: programs.path("safeharbor-hub")?.to_owned(), data: folder.hub() };
        let mut init = hub.call(&["init"]);
        let link = process::read(init.args(["--name", "hub.demo.example", "--dns", "localhost"]))?;
        hub.begin(PERSON, &link, password)?;
        let link = process::read(&mut hub.call(&["person", "first-code"]))?;
        hub.begin(COLLEAGUE, &link, password)?;
        Ok(hub)
    }

    /// Lets somebody become administrator by the code in a one-time link.
    fn begin(&self, name: &str, link: &str, password: &str) -> Result<(), Failure> {
        let code = link.trim().rsplit('#').next().unwrap_or_default();
        let mut first = self.call(&["person", "first", "--name", name]);
        process::read_with(&mut first, &format!("{code}\n{password}\n")).map(drop)
    }

    /// Adds a number to the hub's settings; before it is started.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(super) fn set(&self, name: &str, value: u64) -> Result<(), Failure> {
        let file = self.data.join("settings.toml");
        let mut text = fs::read_to_string(&file).unwrap_or_default();
        text.push_str(&format!("{name} = {value}\n"));
        fs::write(&file, text).map_err(Failure::file("write", &file))
    }

    /// Puts an institution on the roster and invites it: the token.
    ///
    /// # Errors
    /// The program refuses.
    pub(super) fn invite(&self, institution: &Institution, password: &str) -> Result<String, Failure> {
        let (code, input) = (institution.code.as_str(), format!("{password}\n"));
        let mut add = self.call(&["institution", "add", "--person", PERSON, "--code", code]);
        process::read_with(add.args(["--name", &institution.name]), &input)?;
        process::read_with(&mut self.call(&["invite", code, "--person", PERSON]), &input)
    }

    /// Starts the hub on free ports of the loopback interface and waits until it answers.
    ///
    /// # Errors
    /// It ends, or does not answer in time.
    pub(super) fn start(&self, interrupt: &Interrupt) -> Result<Running, Failure> {
        let mut call = self.call(&["run"]);
        call.args(["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--public-address", "localhost"]);
        let mut server = Server::start("the hub", &mut call, &self.data.join("hub.log"))?;
        let file = self.data.join("addresses.json");
        let admin = interrupt.until("the hub answers", START, || {
            server.check_running()?;
            let Some(admin) = fs::read_to_string(&file).ok().as_deref().and_then(admin_address) else {
                return Ok(Seen::Waiting(format!("no addresses in {}", file.display())));
            };
            Ok(match http::fetch(admin, "/healthz") {
                Ok(_) => Seen::Done(admin),
                Err(failure) => Seen::Waiting(failure.to_string()),
            })
        })?;
        Ok(Running { server, admin })
    }

    fn call(&self, words: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(words).arg("--data").arg(&self.data);
        command
    }
}

impl Running {
    /// The numbers of the hub's board.
    ///
    /// # Errors
    /// The hub does not answer with JSON.
    pub(super) fn board(&self, password: &str) -> Result<Value, Failure> {
        let session = http::log_in(self.admin, PERSON, password)?;
        let body = http::fetch_as(self.admin, "/board.json", &session)?;
        serde_json::from_str(&body).map_err(Failure::json("the hub's board"))
    }
}

/// How many statements a board says were accepted, over all institutions.
///
/// # Errors
/// The board does not say.
pub(super) fn accepted(board: &Value) -> Result<u64, Failure> {
    let lacks = || Failure::lacks("the hub's board", "the accepted statements of each institution");
    let institutions = board.get("institutions").and_then(Value::as_array).ok_or_else(lacks)?;
    institutions.iter().try_fold(0_u64, |sum, institution| {
        let accepted = institution.get("accepted").and_then(Value::as_u64).ok_or_else(lacks)?;
        Ok(sum.saturating_add(accepted))
    })
}

fn admin_address(text: &str) -> Option<SocketAddr> {
    let value: Value = serde_json::from_str(text).ok()?;
    value.get("admin")?.as_str()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn accepted_statements_are_added_up_over_institutions() {
        let board = json!({"institutions": [{"accepted": 3, "refused": 1}, {"accepted": 4, "refused": 0}]});
        assert_eq!(accepted(&board).unwrap(), 7);
        assert!(accepted(&json!({})).is_err());
    }

    #[test]
    fn the_address_is_read_once_the_file_is_whole() {
        let whole = r#"{"grpc": "127.0.0.1:4001", "admin": "127.0.0.1:4002", "pid": 7}"#;
        assert_eq!(admin_address(whole).unwrap().port(), 4002);
        assert_eq!(admin_address(r#"{"grpc": "127.0.0.1:4001", "admin": "127.0"#), None);
        assert_eq!(admin_address(r#"{"grpc": "127.0.0.1:4001"}"#), None);
    }
}
