//! The administrator of a hub under test: made with a password of its own when first needed, kept beside the hub's folder.

use std::path::Path;

use safeharbor_service::random::{SystemRandom, draw};
use safeharbor_service::secret_file;

use crate::programs::{StepFailed, run, step};

/// Who administers a hub under test.
pub struct Administrator {
    hub: String,
    password: String,
}

/// The name by which every hub under test knows its first administrator.
pub const NAME: &str = "admin";
/// The second administrator, who came by a one-time code of their own, so that the two may decide together.
pub const COLLEAGUE: &str = "second";

impl std::fmt::Debug for Administrator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Administrator(of {}, password withheld)", self.hub)
    }
}

impl Administrator {
    /// The administrator of the hub in `hub`, made if there is none.
    ///
    /// # Errors
    /// The hub has another one, or a file cannot be written.
    pub fn of(hub: &Path) -> Result<Self, StepFailed> {
        let (file, hub) = (hub.with_extension("administrator"), hub.display().to_string());
        if let Ok(password) = secret_file::load(&file) {
            let password = String::from_utf8_lossy(&password).into_owned();
            return Ok(Self { hub, password });
        }
        let password = u128::from_be_bytes(draw(&SystemRandom).map_err(step("password"))?);
        let made = Self { hub, password: format!("{password:032x}") };
        let arguments = ["person", "--data", &made.hub, "add", "--name", NAME, "--role", "administrator"];
        run("safeharbor-hub", &arguments, &made.password)?;
        secret_file::create(&file, made.password.as_bytes()).map_err(step("password file"))?;
        Ok(made)
    }

    /// Has the hub carry a command out in their name; what it says on standard output.
    ///
    /// # Errors
    /// The hub refuses, in its own words.
    pub fn command(&self, arguments: &[&str]) -> Result<String, StepFailed> {
        let all = [&["--data", &self.hub], arguments, &["--person", NAME]].concat();
        let output = run("safeharbor-hub", &all, &format!("{}\n", self.password))?;
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// What shows that they are who they say.
    #[must_use]
    pub fn password(&self) -> &str {
        &self.password
    }

    /// Lets the second administrator come by a one-time code, if they are not there; their password is the first one's.
    ///
    /// # Errors
    /// The hub refuses, in its own words.
    pub fn add_colleague(&self) -> Result<(), StepFailed> {
        let listed = run("safeharbor-hub", &["person", "list", "--data", &self.hub, "--format", "json"], "")?;
        if String::from_utf8_lossy(&listed.stdout).contains(&format!("{COLLEAGUE:?}")) {
            return Ok(());
        }
        let link = run("safeharbor-hub", &["person", "first-code", "--data", &self.hub], "")?;
        let link = String::from_utf8_lossy(&link.stdout).into_owned();
        let code = link.trim().rsplit('#').next().unwrap_or_default();
        let input = format!("{code}\n{}\n", self.password);
        run("safeharbor-hub", &["person", "first", "--name", COLLEAGUE, "--data", &self.hub], &input)
            .map(drop)
    }

    /// Has the colleague propose and the administrator approve what takes two persons.
    ///
    /// # Errors
    /// The hub refuses, in its own words.
    pub fn have_decided(&self, arguments: &[&str]) -> Result<(), StepFailed> {
        self.add_colleague()?;
        let said = |name, words: &[&str]| {
            let all = [&["--data", &self.hub], words, &["--person", name]].concat();
            run("safeharbor-hub", &all, &format!("{}\n", self.password))
        };
        said(COLLEAGUE, arguments)?;
        let open = run("safeharbor-hub", &["proposal", "list", "--data", &self.hub, "--format", "json"], "")?;
        let open: serde_json::Value = serde_json::from_slice(&open.stdout).map_err(step("proposals"))?;
        let numbers = open.as_array().into_iter().flatten();
        let numbers =
            numbers.filter_map(|proposal| proposal.get("number").and_then(serde_json::Value::as_u64));
        let last = numbers.max().ok_or_else(|| StepFailed("nothing was proposed".to_owned()))?.to_string();
        said(NAME, &["proposal", "approve", &last]).map(drop)
    }

    /// Puts an institution on the roster and invites it: the token.
    ///
    /// # Errors
    /// As [`Administrator::command`].
    pub fn invite(&self, code: &str, name: &str) -> Result<String, StepFailed> {
        self.command(&["institution", "add", "--code", code, "--name", name])?;
        self.command(&["invite", code])
    }
}
