//! Implementations by other people that check ours: Python packages, each in a folder of its own under `target/`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::steps::Verdict;
use crate::console;
use crate::environment;
use crate::failure::Failure;
use crate::process;
use crate::workspace;

/// Packages of one virtual environment.
#[derive(Debug, Clone, Copy)]
struct Packages {
    folder: &'static str,
    requirement: &'static str,
    /// Interpreters to try, the first that runs is taken.
    interpreters: &'static [&'static str],
}

/// SD-JWT by the OpenWallet Foundation.
const SD_JWT: Packages =
    Packages { folder: "interop/sd-jwt", requirement: "sd-jwt==0.10.4", interpreters: &["python3"] };

/// An independent reader of C2SP logs; wants Python 3.12.
const TLOG: Packages = Packages {
    folder: "interop/tlog",
    requirement: "aics-tlog==0.2.1",
    interpreters: &["python3.14", "python3.13", "python3.12"],
};

/// How many receipts the independent reader is asked about.
const ASKED: usize = 12;

impl Packages {
    /// Installs the packages, once, and returns the interpreter that has them.
    ///
    /// # Errors
    /// Python, pip or the network is missing.
    fn install(self) -> Result<PathBuf, Failure> {
        let folder = workspace::root().join("target").join(self.folder);
        let (python, mark) = (folder.join("bin/python"), folder.join("installed.txt"));
        if fs::read_to_string(&mark).is_ok_and(|installed| installed == self.requirement) && python.is_file()
        {
            return Ok(python);
        }
        let interpreter = self.interpreter()?;
        process::read(Command::new(interpreter).args(["-m", "venv", "--clear"]).arg(&folder))?;
        let mut pip = Command::new(&python);
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--retries", "1"]);
        process::read(pip.args(["--timeout", "20", self.requirement]))?;
        fs::write(&mark, self.requirement).map_err(Failure::file("write", &mark))?;
        Ok(python)
    }

    fn interpreter(self) -> Result<&'static str, Failure> {
        let runs = |name: &&&str| {
            process::finish(Command::new(name).arg("--version"), None)
                .is_ok_and(|output| output.status.success())
        };
        let found = self.interpreters.iter().find(runs).copied();
        found.ok_or_else(|| {
            Failure::Usage(format!("{} wants {}", self.requirement, self.interpreters.join(" or ")))
        })
    }
}

/// The interpreter that has the packages; where they cannot be had, that the step is skipped. In continuous
/// integration the latter is a failure, unless no interpreter is new enough.
fn interpreter_with(packages: Packages) -> Result<Result<PathBuf, Verdict>, Failure> {
    if let Err(missing) = packages.interpreter() {
        return Ok(Err(Verdict::Skipped(missing.to_string())));
    }
    match packages.install() {
        Ok(python) => Ok(Ok(python)),
        Err(failure) if environment::under_ci() => Err(failure),
        Err(failure) => Ok(Err(Verdict::Skipped(failure.to_string()))),
    }
}

/// Has the SD-JWT package verify every statement that a demonstration left, under the keys that the log names.
///
/// # Errors
/// It refuses one, or cannot be had in continuous integration.
pub(super) fn read_statements(demonstration: &Path) -> Result<Verdict, Failure> {
    let python = match interpreter_with(SD_JWT)? {
        Ok(python) => python,
        Err(skipped) => return Ok(skipped),
    };
    let script = workspace::root().join("xtask/interop/read_statements.py");
    let said = process::read(Command::new(python).arg(script).arg(demonstration))?;
    console::progress(said.trim());
    Ok(Verdict::Passed)
}

/// Has the independent reader check the log that a demonstration left, and entries of it against their receipts.
///
/// # Errors
/// It refuses something, or cannot be run in continuous integration.
pub(super) fn read_log(demonstration: &Path) -> Result<Verdict, Failure> {
    let python = match interpreter_with(TLOG)? {
        Ok(python) => python,
        Err(skipped) => return Ok(skipped),
    };
    let registry = demonstration.join("registry");
    let vkey = read(&registry.join("vkey"))?;
    let ask = |words: &[&str]| {
        let mut call = Command::new(&python);
        call.args(["-m", "aics_tlog"]).args(words).args(["--log-key", vkey.trim(), "--tiles"]);
        process::read(call.arg(&registry)).map(drop)
    };
    ask(&["verify-checkpoint"])?;
    let receipts = demonstration.join("receipts");
    for receipt in chosen(&receipts)? {
        let index =
            index_of(&read(&receipt)?).ok_or(Failure::lacks(receipt.to_string_lossy(), "its index"))?;
        let entry = receipt.with_extension("entry");
        ask(&["verify-inclusion", "--leaf", &entry.to_string_lossy(), "--index", &index])?;
    }
    Ok(Verdict::Passed)
}

fn chosen(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let read = fs::read_dir(folder).map_err(Failure::file("list", folder))?;
    let mut receipts: Vec<PathBuf> = read.filter_map(|entry| Some(entry.ok()?.path())).collect();
    receipts.retain(|path| path.extension().is_some_and(|extension| extension == "tlog-proof"));
    receipts.sort();
    let step = receipts.len().div_ceil(ASKED).max(1);
    Ok(receipts.into_iter().step_by(step).collect())
}

fn read(path: &Path) -> Result<String, Failure> {
    fs::read_to_string(path).map_err(Failure::file("read", path))
}

/// The `index` line of a receipt.
fn index_of(receipt: &str) -> Option<String> {
    let line = receipt.lines().find_map(|line| line.strip_prefix("index "))?;
    line.parse::<u64>().ok().map(|index| index.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_index_of_a_receipt_is_read() {
        assert_eq!(index_of("c2sp.org/tlog-proof@v1\nindex 17\nAAAA\n").as_deref(), Some("17"));
        assert_eq!(index_of("c2sp.org/tlog-proof@v1\nindex x\n"), None);
    }

    #[test]
    fn receipts_are_spread_over_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        for number in 0..30 {
            fs::write(folder.path().join(format!("{number}.tlog-proof")), "").unwrap();
            fs::write(folder.path().join(format!("{number}.entry")), "").unwrap();
        }
        assert_eq!(chosen(folder.path()).unwrap().len(), 10);
    }
}
