//! Runs that a person asks for, in this process or the running node.

use std::time::Duration;

use super::declaration::Source;
use super::declared::Connector;
use super::folder::Look;
use super::run::{RunConnectorFailed, Shell, run, run_file_again, run_folder};
use crate::context::Context;
use crate::job::Job;

/// Between two looks at a watched folder.
const BETWEEN_LOOKS: Duration = Duration::from_secs(2);

/// Runs a connector at once. A watched folder gives a job a file.
///
/// # Errors
/// The run cannot be begun or kept. A source that fails is the job's state.
pub fn run_by_hand(
    context: &Context,
    connector: &Connector,
    shell: &mut Shell<'_>,
) -> Result<Vec<Job>, RunConnectorFailed> {
    let Source::Folder(folder) = &connector.source else { return Ok(vec![run(context, connector, shell)?]) };
    let (first, _) = run_folder(context, connector, folder, &Look::default())?;
    if !(shell.pause)(BETWEEN_LOOKS) {
        return Ok(Vec::new());
    }
    Ok(run_folder(context, connector, folder, &first)?.1)
}

/// Does a job again: imports the file of a watched folder that failed, or fetches anew.
///
/// # Errors
/// As [`run_by_hand`], and for a file that is no longer there or was followed by a later one of its name.
pub fn run_again(
    context: &Context,
    connector: &Connector,
    job: &Job,
    shell: &mut Shell<'_>,
) -> Result<Vec<Job>, RunConnectorFailed> {
    match (&connector.source, &job.file) {
        (Source::Folder(folder), Some(file)) => {
            Ok(vec![run_file_again(context, connector, folder, job, file)?])
        }
        (Source::Folder(_) | Source::OaiPmh(_) | Source::Postgresql(_), _) => {
            run_by_hand(context, connector, shell)
        }
    }
}
