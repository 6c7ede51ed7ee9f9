//! The independent implementations that the interoperability tests ask: Python packages in a folder under `target/`.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::failure::Failure;
use crate::process;
use crate::workspace;

/// Names the interpreter to the tests.
pub(super) const VARIABLE: &str = "SAFEHARBOR_INTEROP_PYTHON";

/// What the tests import, at the versions they were written against.
const REQUIREMENTS: &str = "sd-jwt==0.10.4\n";

/// Makes the virtual environment, once per list of packages, and returns its interpreter.
///
/// # Errors
/// Python, pip or the network is missing.
pub(super) fn prepare() -> Result<PathBuf, Failure> {
    let folder = workspace::root().join("target/interop");
    let (python, list) = (folder.join("bin/python"), folder.join("installed.txt"));
    if fs::read_to_string(&list).is_ok_and(|installed| installed == REQUIREMENTS) && python.is_file() {
        return Ok(python);
    }
    process::read(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
    let mut pip = Command::new(&python);
    pip.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--retries",
        "1",
        "--timeout",
        "20",
    ]);
    process::read(pip.args(REQUIREMENTS.lines()))?;
    fs::write(&list, REQUIREMENTS).map_err(Failure::file("write", &list))?;
    Ok(python)
}
