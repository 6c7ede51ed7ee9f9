//! Where the workspace lies, and its programs once built.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::failure::Failure;

/// The folder that holds the workspace.
pub(crate) fn root() -> &'static Path {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().unwrap_or(manifest)
}

/// A `cargo` command in the workspace.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new("cargo");
    command.current_dir(root());
    command
}

/// Arguments to build the two servers and the verifier, as the tests of whole federations do.
pub(crate) const SERVERS: [&str; 7] =
    ["--bins", "-p", "safeharbor-hub", "-p", "safeharbor-node", "-p", "safeharbor-verifier"];

/// The programs of the workspace, by name.
#[derive(Debug)]
pub(crate) struct Programs(BTreeMap<String, PathBuf>);

impl Programs {
    /// Builds programs with these arguments to `cargo build`, whose own words go to standard error.
    ///
    /// # Errors
    /// The build fails.
    pub(crate) fn build(arguments: &[&str]) -> Result<Self, Failure> {
        let mut command = cargo();
        command.args(["build", "--message-format=json-render-diagnostics"]).args(arguments);
        let failed = |source| Failure::Start { program: "cargo".into(), source };
        let output = command.stderr(Stdio::inherit()).output().map_err(failed)?;
        if !output.status.success() {
            let call = "cargo build".to_owned();
            return Err(Failure::Ended { call, status: output.status, said: String::new() });
        }
        Ok(Self(executables(&String::from_utf8_lossy(&output.stdout))))
    }

    /// The path of one program.
    ///
    /// # Errors
    /// The workspace has no such program.
    pub(crate) fn path(&self, name: &str) -> Result<&Path, Failure> {
        let found = self.0.get(name).map(PathBuf::as_path);
        found.ok_or_else(|| Failure::lacks("the workspace", format!("the program {name}")))
    }
}

fn executables(messages: &str) -> BTreeMap<String, PathBuf> {
    let messages = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let named = messages.filter_map(|message| {
        let path = message.pointer("/executable")?.as_str()?;
        let name = message.pointer("/target/name")?.as_str()?;
        Some((name.to_owned(), PathBuf::from(path)))
    });
    named.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_found_in_the_messages_of_a_build() {
        let messages = concat!(
            r#"{"reason":"compiler-artifact","target":{"name":"safeharbor_core"},"executable":null}"#,
            "\n",
            r#"{"reason":"compiler-artifact","target":{"name":"safeharbor-hub"},"executable":"/t/safeharbor-hub"}"#,
            "\nnot json\n",
            r#"{"reason":"build-finished","success":true}"#
        );
        let found = executables(messages);
        assert_eq!(found.len(), 1);
        assert_eq!(found["safeharbor-hub"], Path::new("/t/safeharbor-hub"));
    }

    #[test]
    fn the_root_holds_the_workspace() {
        assert!(root().join("xtask").is_dir());
    }
}
