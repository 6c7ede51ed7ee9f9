//! The real programs as processes: built once, started on port 0, awaited by condition.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use safeharbor_hub::server::Addresses;

/// How long a condition may take before a test or benchmark gives up.
pub const PATIENCE: Duration = Duration::from_secs(90);

/// A failed step, in words.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct StepFailed(pub String);

/// Wraps any error with the step that failed.
pub fn step<E: std::fmt::Display>(what: &str) -> impl FnOnce(E) -> StepFailed {
    move |error| StepFailed(format!("{what}: {error}"))
}

/// The folder of the programs of this build.
///
/// # Errors
/// The running program's own path is unknown.
pub fn programs_folder() -> Result<PathBuf, StepFailed> {
    let own = std::env::current_exe().map_err(step("own path"))?;
    let folder = own.parent().unwrap_or(&own);
    let folder = if folder.ends_with("deps") { folder.parent().unwrap_or(folder) } else { folder };
    Ok(folder.to_owned())
}

/// One of the programs, ready to be given arguments.
///
/// # Errors
/// The program was not built.
pub fn program(name: &str) -> Result<Command, StepFailed> {
    let path = programs_folder()?.join(name);
    if path.is_file() {
        Ok(Command::new(path))
    } else {
        Err(StepFailed(format!("{} is not built: run `cargo build --workspace --bins`", path.display())))
    }
}

/// Runs a program to its end.
///
/// # Errors
/// It cannot be started or ends with another code than 0; its words are in the error.
pub fn run(name: &str, arguments: &[&str], input: &str) -> Result<Output, StepFailed> {
    let output = run_any(name, arguments, input)?;
    if output.status.success() {
        return Ok(output);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(StepFailed(format!("{name} {} ended with {}: {said}", arguments.join(" "), output.status)))
}

/// Runs a program to its end, whatever code it ends with.
///
/// # Errors
/// It cannot be started.
pub fn run_any(name: &str, arguments: &[&str], input: &str) -> Result<Output, StepFailed> {
    use std::io::Write as _;
    let mut command = program(name)?;
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(step(name))?;
    if let Some(mut stdin) = child.stdin.take() {
        // A program that does not read its input may close it first.
        stdin.write_all(input.as_bytes()).ok();
    }
    child.wait_with_output().map_err(step(name))
}

/// A program that runs until dropped; then it is killed.
#[derive(Debug)]
pub struct Running {
    child: Child,
    name: String,
}

impl Running {
    /// Starts a program with its output in a file.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start(name: &str, arguments: &[&str], log: &Path) -> Result<Self, StepFailed> {
        let file =
            std::fs::OpenOptions::new().create(true).append(true).open(log).map_err(step("log file"))?;
        let errors = file.try_clone().map_err(step("log file"))?;
        let mut command = program(name)?;
        let command = command.args(arguments).stdin(Stdio::null()).stdout(file).stderr(errors);
        Ok(Self { child: command.spawn().map_err(step(name))?, name: name.to_owned() })
    }

    /// The process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Kills it at once (SIGKILL).
    ///
    /// # Errors
    /// It cannot be killed or awaited.
    pub fn kill(mut self) -> Result<(), StepFailed> {
        self.child.kill().map_err(step(&self.name))?;
        self.child.wait().map(drop).map_err(step("wait"))
    }

    /// Ends it orderly (SIGTERM) and waits.
    ///
    /// # Errors
    /// It does not end in time, or ends with another code than 0.
    pub fn end(mut self) -> Result<(), StepFailed> {
        let told = Command::new("kill").arg(self.id().to_string()).status().map_err(step("kill"))?;
        if !told.success() {
            return Err(StepFailed(format!("{} could not be told to end", self.name)));
        }
        let mut status = None;
        wait_for(&format!("{} to end", self.name), || {
            status = self.child.try_wait().map_err(step("wait"))?;
            Ok(status.is_some())
        })?;
        match status {
            Some(status) if status.success() => Ok(()),
            other => Err(StepFailed(format!("{} ended with {other:?}", self.name))),
        }
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Waits until a condition holds.
///
/// # Errors
/// It does not hold within [`PATIENCE`], or checking it fails.
pub fn wait_for(what: &str, mut holds: impl FnMut() -> Result<bool, StepFailed>) -> Result<(), StepFailed> {
    let begin = Instant::now();
    while !holds()? {
        if begin.elapsed() > PATIENCE {
            return Err(StepFailed(format!("waited {} s for {what}", PATIENCE.as_secs())));
        }
        std::thread::park_timeout(Duration::from_millis(20));
    }
    Ok(())
}

/// Waits until a started hub has written down where it listens.
///
/// # Errors
/// It does not in time.
pub fn wait_for_hub(folder: &Path, hub: &mut Running) -> Result<Addresses, StepFailed> {
    let mut addresses = None;
    wait_for("the hub to listen", || {
        if !hub.is_running() {
            return Err(StepFailed("the hub ended at once; see its log".to_owned()));
        }
        let text = std::fs::read_to_string(folder.join("addresses.json")).unwrap_or_default();
        let read: Option<Addresses> = serde_json::from_str(&text).ok();
        addresses = read.filter(|addresses| addresses.pid == hub.id());
        Ok(addresses.is_some())
    })?;
    addresses.ok_or_else(|| StepFailed("the hub does not say where it listens".to_owned()))
}
