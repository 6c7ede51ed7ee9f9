//! Steps of a check: run in order, timed, named again at the end.

use std::time::{Duration, Instant};

use crate::console;
use crate::failure::Failure;

/// How a step ended without failing.
#[derive(Debug)]
pub(super) enum Verdict {
    /// Everything was checked.
    Passed,
    /// Nothing was checked, because of this.
    Skipped(String),
}

#[derive(Debug)]
enum Outcome {
    Passed,
    Skipped(String),
    Failed,
    NotReached,
}

/// The steps so far.
#[derive(Debug)]
pub(super) struct Steps {
    keep_going: bool,
    done: Vec<(&'static str, Duration, Outcome)>,
}

impl Steps {
    /// No steps yet; `keep_going` runs the later ones after a failure.
    pub(super) const fn new(keep_going: bool) -> Self {
        Self { keep_going, done: Vec::new() }
    }

    /// Runs one step, unless an earlier one failed.
    pub(super) fn run(&mut self, name: &'static str, step: impl FnOnce() -> Result<Verdict, Failure>) {
        if !self.keep_going && self.failed().next().is_some() {
            self.done.push((name, Duration::ZERO, Outcome::NotReached));
            return;
        }
        console::progress(&format!("── {name}"));
        let start = Instant::now();
        let outcome = match step() {
            Ok(Verdict::Passed) => Outcome::Passed,
            Ok(Verdict::Skipped(why)) => Outcome::Skipped(why),
            Err(failure) => {
                console::failure(&failure);
                Outcome::Failed
            }
        };
        self.done.push((name, start.elapsed(), outcome));
    }

    /// Prints each step with its duration and outcome.
    ///
    /// # Errors
    /// A step failed.
    pub(super) fn finish(self) -> Result<(), Failure> {
        for line in self.lines() {
            console::answer(&line);
        }
        let failed: Vec<String> = self.failed().map(str::to_owned).collect();
        if failed.is_empty() { Ok(()) } else { Err(Failure::StepsFailed(failed)) }
    }

    fn lines(&self) -> Vec<String> {
        let line = |(name, took, outcome): &(&str, Duration, Outcome)| {
            let outcome = match outcome {
                Outcome::Passed => "passed".to_owned(),
                Outcome::Skipped(why) => format!("skipped: {why}"),
                Outcome::Failed => "FAILED".to_owned(),
                Outcome::NotReached => "not reached".to_owned(),
            };
            format!("{:>7.1} s  {name}: {outcome}", took.as_secs_f64())
        };
        self.done.iter().map(line).collect()
    }

    fn failed(&self) -> impl Iterator<Item = &'static str> {
        self.done
            .iter()
            .filter(|(_, _, outcome)| matches!(outcome, Outcome::Failed))
            .map(|(name, _, _)| *name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failing() -> Result<Verdict, Failure> {
        Err(Failure::Usage("no".into()))
    }

    fn outcomes(steps: &Steps) -> Vec<String> {
        steps.lines().iter().map(|line| line.split_once(" s  ").unwrap().1.to_owned()).collect()
    }

    #[test]
    fn a_failed_step_ends_the_check_and_is_named() {
        let mut steps = Steps::new(false);
        steps.run("one", || Ok(Verdict::Passed));
        steps.run("two", failing);
        steps.run("three", || Ok(Verdict::Passed));
        assert_eq!(outcomes(&steps), ["one: passed", "two: FAILED", "three: not reached"]);
        assert_eq!(steps.finish().unwrap_err().to_string(), "failed: two");
    }

    #[test]
    fn keep_going_runs_the_later_steps() {
        let mut steps = Steps::new(true);
        steps.run("one", failing);
        steps.run("two", || Ok(Verdict::Skipped("no network".into())));
        assert_eq!(outcomes(&steps), ["one: FAILED", "two: skipped: no network"]);
    }

    #[test]
    fn a_skipped_step_is_no_failure() {
        let mut steps = Steps::new(false);
        steps.run("one", || Ok(Verdict::Skipped("no network".into())));
        assert!(steps.finish().is_ok());
    }
}
