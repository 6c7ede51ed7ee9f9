//! What the independent verifier says about the log and the receipts that a demonstration leaves.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::folder::{Folder, entries};
use crate::failure::Failure;
use crate::process;
use crate::workspace::Programs;

/// Above this many receipts a sample is verified one by one; the log itself is always verified whole.
const ALL: usize = 2_000;

/// The size of that sample.
const SAMPLE: usize = 50;

/// What was verified.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Verified {
    /// Universities' statements in the log, as the verifier counts them.
    pub(super) logged: u64,
    /// Receipts that the demonstration left.
    pub(super) receipts: usize,
    /// Those that were verified one by one.
    pub(super) asked: usize,
    /// What the verifier refused, in its words.
    pub(super) refused: Vec<String>,
}

/// Verifies the whole log and the receipts.
///
/// # Errors
/// The verifier cannot be run, or a folder not read.
pub(super) fn everything(programs: &Programs, folder: &Folder) -> Result<Verified, Failure> {
    let verifier = programs.path("safeharbor-verify")?;
    let registry = folder.registry();
    let receipts: Vec<PathBuf> =
        entries(&folder.receipts())?.into_iter().filter(|path| has_extension(path, "tlog-proof")).collect();
    let chosen = choose(&receipts);
    let mut verified = Verified { receipts: receipts.len(), asked: chosen.len(), ..Verified::default() };
    let mut log = Command::new(verifier);
    log.arg("log").arg(&registry).arg("--vkey").arg(registry.join("vkey")).args(["--format", "json"]);
    if let Some(report) = verified.ask(&mut log)? {
        let report = serde_json::from_str(&report).map_err(Failure::json("the verifier's report"))?;
        verified.logged = statements(&report)?;
    }
    for receipt in chosen {
        let mut call = Command::new(verifier);
        call.arg("receipt").arg(receipt).arg("--entry").arg(receipt.with_extension("entry"));
        call.arg("--policy").arg(registry.join("policy"));
        verified.ask(call.arg("--statement").arg(receipt.with_extension("statement")))?;
    }
    Ok(verified)
}

impl Verified {
    fn ask(&mut self, call: &mut Command) -> Result<Option<String>, Failure> {
        match process::read(call) {
            Ok(answer) => Ok(Some(answer)),
            Err(Failure::Ended { call, status, said }) => {
                self.refused.push(format!("{call} ended with {status}: {}", said.trim()));
                Ok(None)
            }
            Err(other) => Err(other),
        }
    }
}

/// How many statements of institutions the verified log holds.
fn statements(report: &Value) -> Result<u64, Failure> {
    let lacks = || Failure::lacks("the verifier's report", "the statements of each institution");
    let institutions = report.get("institutions").and_then(Value::as_array).ok_or_else(lacks)?;
    institutions.iter().try_fold(0_u64, |sum, institution| {
        let statements = institution.get("statements").and_then(Value::as_u64).ok_or_else(lacks)?;
        Ok(sum.saturating_add(statements))
    })
}

/// All receipts, or evenly spread ones where there are very many.
fn choose(receipts: &[PathBuf]) -> Vec<&PathBuf> {
    let step = if receipts.len() > ALL { receipts.len().div_ceil(SAMPLE) } else { 1 };
    receipts.iter().step_by(step).collect()
}

fn has_extension(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|found| found == extension)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn statements_are_added_up_over_institutions() {
        let report = json!({"size": 9, "institutions": [{"statements": 3}, {"statements": 4}]});
        assert_eq!(statements(&report).unwrap(), 7);
        assert!(statements(&json!({"institutions": [{}]})).is_err());
    }

    #[test]
    fn very_many_receipts_are_sampled() {
        let paths = |count: usize| (0..count).map(|n| PathBuf::from(n.to_string())).collect::<Vec<_>>();
        assert_eq!(choose(&paths(7)).len(), 7);
        assert_eq!(choose(&paths(2_000)).len(), 2_000);
        assert_eq!(choose(&paths(2_001)).len(), 49);
    }
}
