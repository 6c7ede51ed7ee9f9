//! One institution's node of a demonstration: made, enrolled, filled, run, asked for what it holds.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::drill::certificate_until_s;
use super::folder::Folder;
use crate::console;
use crate::failure::Failure;
use crate::process::{self, Server};
use crate::samples::Institution;
use crate::workspace::{self, Programs};

/// The person who accepts the policy in a demonstration.
pub(super) const PERSON: &str = "演示管理员";

/// The exit status of an import that took some rows and refused others.
const IN_PART: i32 = 1;

/// How many lines about refused rows are shown.
const SHOWN: usize = 40;

/// A node's command line and data folder.
#[derive(Debug)]
pub(super) struct Node {
    program: PathBuf,
    pub(super) institution: Institution,
    pub(super) data: PathBuf,
}

/// How far a node is, in its own words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Progress {
    /// Records the node holds.
    pub(super) records: u64,
    /// Statements it has made.
    pub(super) stated: u64,
    /// Receipts it has verified and stored.
    pub(super) receipts: u64,
    /// Outbox entries that are not stated yet.
    pub(super) waiting: u64,
}

impl Progress {
    /// Whether everything is stated and every statement has its receipt.
    pub(super) const fn in_step(&self) -> bool {
        self.waiting == 0 && self.stated == self.receipts
    }
}

impl Node {
    /// The node that an institution is going to have.
    ///
    /// # Errors
    /// The program is missing.
    pub(super) fn of(
        programs: &Programs,
        folder: &Folder,
        institution: Institution,
    ) -> Result<Self, Failure> {
        let data = folder.node(institution.code);
        Ok(Self { program: programs.path("safeharbor-node")?.to_owned(), institution, data })
    }

    /// Joins by an invitation, adds the person and has that person accept the demonstration's policy.
    ///
    /// # Errors
    /// The program refuses.
    pub(super) fn join(&self, token: &str, password: &str) -> Result<(), Failure> {
        process::read_with(&mut self.call(&["join"]), token)?;
        let input = format!("{password}\n");
        let mut add = self.call(&["person", "add"]);
        process::read_with(add.args(["--name", PERSON, "--role", "administrator"]), &input)?;
        let policy = workspace::root().join("catalogue/policies/demo.toml");
        let mut accept = self.call(&["policy", "accept"]);
        process::read_with(accept.arg(policy).args(["--person", PERSON]), &input).map(drop)
    }

    /// Imports the institution's files. With `tolerant`, rows that are refused are shown and the others taken.
    ///
    /// # Errors
    /// A file is refused, or rows of it and that is not tolerated.
    pub(super) fn import(&self, tolerant: bool) -> Result<(), Failure> {
        for (number, import) in self.institution.imports.iter().enumerate() {
            let mut call = self.call(&["import"]);
            call.arg(&import.file).arg("--mapping").arg(&import.mapping);
            call.arg("--rejects").arg(self.data.join(format!("rejected-{number}.csv")));
            match process::read(&mut call) {
                Err(Failure::Ended { said, status, .. }) if tolerant && status.code() == Some(IN_PART) => {
                    said.lines().take(SHOWN).for_each(console::progress);
                }
                other => drop(other?),
            }
        }
        Ok(())
    }

    /// Imports one more file.
    ///
    /// # Errors
    /// The program refuses.
    pub(super) fn import_file(&self, file: &Path, mapping: &Path) -> Result<(), Failure> {
        let mut call = self.call(&["import"]);
        process::read(call.arg(file).arg("--mapping").arg(mapping)).map(drop)
    }

    /// When the node's certificate ends, in seconds since 1970 UTC.
    ///
    /// # Errors
    /// The program refuses, or does not say.
    pub(super) fn certificate_until_s(&self) -> Result<u64, Failure> {
        let answer = process::read(self.call(&["status"]).args(["--format", "json"]))?;
        certificate_until_s(&serde_json::from_str(&answer).map_err(Failure::json("a node's status"))?)
    }

    /// Starts the node; with `once` it ends by itself when it is in step with the hub.
    ///
    /// # Errors
    /// It cannot be started.
    pub(super) fn start(&self, once: bool) -> Result<Server, Failure> {
        let mut call = self.call(&["run"]);
        if once {
            call.arg("--once");
        }
        Server::start(
            &format!("the node of {}", self.institution.name),
            &mut call,
            &self.data.join("node.log"),
        )
    }

    /// Whether the running node takes commands; asking earlier could take its folder from it.
    pub(super) fn takes_commands(&self) -> bool {
        self.data.join("control.sock").exists()
    }

    /// Asks the node how far it is.
    ///
    /// # Errors
    /// The program refuses or its answer lacks a number.
    pub(super) fn progress(&self) -> Result<Progress, Failure> {
        let answer = process::read(self.call(&["status"]).args(["--format", "json"]))?;
        let value: Value = serde_json::from_str(&answer).map_err(Failure::json("a node's status"))?;
        progress(&value)
    }

    /// Writes what the node holds to `records.jsonl` in its folder and returns how many records that is.
    ///
    /// # Errors
    /// The program refuses.
    pub(super) fn export_records(&self) -> Result<u64, Failure> {
        let file = self.data.join("records.jsonl");
        process::read(self.call(&["export", "records", "--replace"]).arg("-o").arg(&file))?;
        let text = fs::read(&file).map_err(Failure::file("read", &file))?;
        let lines = text.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()).count();
        Ok(u64::try_from(lines).unwrap_or(u64::MAX))
    }

    /// Writes the node's receipts, entries and statements into a folder.
    ///
    /// # Errors
    /// The program refuses.
    pub(super) fn export_receipts(&self, folder: &Path) -> Result<(), Failure> {
        process::read(self.call(&["export", "receipts"]).arg("-o").arg(folder)).map(drop)
    }

    fn call(&self, words: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(words).arg("--data").arg(&self.data);
        command
    }
}

fn progress(status: &Value) -> Result<Progress, Failure> {
    let number = |name: &str| {
        status.get(name).and_then(Value::as_u64).ok_or_else(|| Failure::lacks("a node's status", name))
    };
    Ok(Progress {
        records: number("records")?,
        stated: number("stated")?,
        receipts: number("receipts")?,
        waiting: number("waiting")?,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_node_is_in_step_when_nothing_waits_and_every_statement_has_its_receipt() {
        let status = |stated, receipts, waiting| {
            let status = json!({"records": 9, "stated": stated, "receipts": receipts, "waiting": waiting});
            progress(&status).unwrap().in_step()
        };
        assert!(status(9, 9, 0));
        assert!(!status(9, 8, 0));
        assert!(!status(8, 8, 1));
    }

    #[test]
    fn a_status_without_its_numbers_is_refused() {
        let refused = progress(&json!({"records": 1})).unwrap_err().to_string();
        assert_eq!(refused, "a node's status lacks stated");
    }
}
