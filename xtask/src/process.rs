//! Running other programs: short ones to their end, servers until they are asked to stop.

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::Duration;

use crate::failure::Failure;
use crate::interrupt::{Interrupt, Seen};

/// How long a server may take to close its files after being asked to.
const GRACE: Duration = Duration::from_secs(20);

/// Runs a program to its end and returns what it wrote to standard output.
///
/// # Errors
/// It cannot be started or ends with an error.
pub(crate) fn read(command: &mut Command) -> Result<String, Failure> {
    let output = finish(command, None)?;
    judge(command, &output)
}

/// Like [`read`], with `input` as its standard input (a password, never shown).
///
/// # Errors
/// It cannot be started or ends with an error.
pub(crate) fn read_with(command: &mut Command, input: &str) -> Result<String, Failure> {
    let output = finish(command, Some(input))?;
    judge(command, &output)
}

/// Runs a program to its end and returns its exit status and what it wrote, whatever the status.
///
/// # Errors
/// It cannot be started.
pub(crate) fn finish(command: &mut Command, input: Option<&str>) -> Result<Output, Failure> {
    let program = name(command);
    let stdin = if input.is_some() { Stdio::piped() } else { Stdio::null() };
    let spawned = command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = spawned.map_err(|source| Failure::Start { program: program.clone(), source })?;
    if let (Some(mut pipe), Some(input)) = (child.stdin.take(), input) {
        // A program that ends without reading says why itself, so a broken pipe adds nothing.
        drop(pipe.write_all(input.as_bytes()));
    }
    child.wait_with_output().map_err(|source| Failure::Start { program, source })
}

/// Runs a program on this terminal and returns its exit status.
///
/// # Errors
/// It cannot be started.
pub(crate) fn show(command: &mut Command) -> Result<ExitStatus, Failure> {
    command.status().map_err(|source| Failure::Start { program: name(command), source })
}

fn judge(command: &Command, output: &Output) -> Result<String, Failure> {
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = [output.stderr.as_slice(), output.stdout.as_slice()].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    Err(Failure::Ended { call: call(command), status: output.status, said })
}

fn name(command: &Command) -> String {
    Path::new(command.get_program()).file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn call(command: &Command) -> String {
    let words = command.get_args().map(|word| word.to_string_lossy());
    [name(command).into()].into_iter().chain(words).collect::<Vec<_>>().join(" ")
}

/// A program that runs until it is asked to stop.
#[derive(Debug)]
pub(crate) struct Server {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Server {
    /// Starts a program in a process group of its own, so that Ctrl-C reaches it only through [`Self::stop`].
    ///
    /// # Errors
    /// It cannot be started or its log cannot be written.
    pub(crate) fn start(name: &str, command: &mut Command, log: &Path) -> Result<Self, Failure> {
        let open = || File::options().create(true).append(true).open(log);
        let (out, err) =
            (open().map_err(Failure::file("write", log))?, open().map_err(Failure::file("write", log))?);
        let started = command.stdin(Stdio::null()).stdout(out).stderr(err).process_group(0).spawn();
        let child = started.map_err(|source| Failure::Start { program: name.to_owned(), source })?;
        Ok(Self { name: name.to_owned(), child, log: log.to_owned() })
    }

    /// Fails when the program has ended.
    ///
    /// # Errors
    /// The program has ended, whatever its status.
    pub(crate) fn check_running(&mut self) -> Result<(), Failure> {
        match self.ended()? {
            Some(status) => Err(self.ended_by_itself(status)),
            None => Ok(()),
        }
    }

    /// Waits until the program ends by itself, with success.
    ///
    /// # Errors
    /// It ends with an error or not in time, or the person interrupts.
    pub(crate) fn wait_for_success(
        &mut self,
        interrupt: &Interrupt,
        limit: Duration,
        mut meanwhile: impl FnMut() -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let what = format!("{} is done", self.name);
        let status = interrupt.until(&what, limit, || {
            meanwhile()?;
            Ok(self.ended()?.map_or_else(|| Seen::Waiting(self.last_line()), Seen::Done))
        })?;
        if status.success() { Ok(()) } else { Err(self.ended_by_itself(status)) }
    }

    /// Asks the program to stop (SIGTERM) and waits; kills it when it does not, or when asked a second time.
    ///
    /// # Errors
    /// It had to be killed or ended with an error.
    pub(crate) fn stop(&mut self, interrupt: &Interrupt) -> Result<(), Failure> {
        if let Some(status) = self.ended()? {
            return Err(self.ended_by_itself(status));
        }
        show(Command::new("kill").arg("-TERM").arg(self.child.id().to_string()))?;
        let what = format!("{} has stopped", self.name);
        let stopped = interrupt.until(&what, GRACE, || {
            Ok(self.ended()?.map_or_else(|| Seen::Waiting(self.last_line()), Seen::Done))
        });
        match stopped {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(self.ended_by_itself(status)),
            Err(failure) => {
                self.kill();
                Err(failure)
            }
        }
    }

    fn ended(&mut self) -> Result<Option<ExitStatus>, Failure> {
        self.child.try_wait().map_err(|source| Failure::System { what: "look at a child process", source })
    }

    fn ended_by_itself(&self, status: ExitStatus) -> Failure {
        let (name, log) = (self.name.clone(), self.log.clone());
        let written = fs::read_to_string(&log).unwrap_or_default();
        let lines: Vec<&str> = written.lines().collect();
        let tail = lines.iter().skip(lines.len().saturating_sub(12)).copied().collect::<Vec<_>>().join("\n");
        Failure::ServerEnded { name, status, log, tail }
    }

    fn last_line(&self) -> String {
        let written = fs::read_to_string(&self.log).unwrap_or_default();
        written.lines().last().unwrap_or("nothing in its log").to_owned()
    }

    fn kill(&mut self) {
        // Both fail only when the program is gone already, which is what they are for.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if !matches!(self.child.try_wait(), Ok(Some(_))) {
            self.kill();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.arg("-c").arg(script);
        command
    }

    #[test]
    fn a_program_is_read_with_its_input() {
        assert_eq!(read_with(&mut shell("read a; echo \"<$a>\""), "geheim\n").unwrap(), "<geheim>\n");
    }

    #[test]
    fn a_failure_shows_the_call_and_what_was_said() {
        let failure = read(&mut shell("echo out; echo err >&2; exit 3")).unwrap_err().to_string();
        assert!(failure.starts_with("sh -c echo out"), "{failure}");
        assert!(failure.ends_with("exit status: 3\n  err\n  out"), "{failure}");
    }

    #[test]
    fn a_server_stops_when_asked() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let script = "trap 'exit 0' TERM; echo up; while :; do sleep 0.02; done";
        let mut server = Server::start("server", &mut shell(script), &log).unwrap();
        let interrupt = Interrupt::listen().unwrap();
        let up = interrupt.until("it is up", GRACE, || {
            let line = server.last_line();
            Ok(if line == "up" { Seen::Done(()) } else { Seen::Waiting(line) })
        });
        up.unwrap();
        server.check_running().unwrap();
        server.stop(&interrupt).unwrap();
    }

    #[test]
    fn a_server_that_fails_shows_its_last_lines() {
        let folder = tempfile::tempdir().unwrap();
        let mut server =
            Server::start("server", &mut shell("echo no port; exit 4"), &folder.path().join("log")).unwrap();
        let failure = server.wait_for_success(&Interrupt::listen().unwrap(), GRACE, || Ok(())).unwrap_err();
        assert!(failure.to_string().ends_with("\n  no port"), "{failure}");
    }
}
