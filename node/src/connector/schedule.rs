//! Running connectors when it is time, for as long as the node runs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use safeharbor_service::shutdown::Shutdown;

use super::declaration::Source;
use super::declared::{Connector, ConnectorName};
use super::folder::Look;
use super::run::{RunConnectorFailed, Shell, run, run_folder};
use crate::context::Context;
use crate::job::{Job, JobFailed};
use crate::speech::chain_of;

/// How often clock and folders are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// What watched folders held at the last look.
type Looks = Arc<Mutex<BTreeMap<ConnectorName, Look>>>;

/// Runs connectors until the node ends.
pub async fn keep(context: Arc<Context>, shutdown: &Shutdown) {
    let looks = Looks::default();
    let under_way = UnderWay::default();
    loop {
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            () = shutdown.wait() => return,
        }
        for connector in due(&context) {
            // A share that hangs holds one thread, not another one at every look.
            let Some(place) = Place::take(&under_way, &connector.name) else { continue };
            let (context, shutdown, looks) = (Arc::clone(&context), shutdown.clone(), Arc::clone(&looks));
            // Not waited for: a slow source must not hold up the others.
            tokio::task::spawn_blocking(move || {
                let _place = place;
                if let Err(failed) = run_one(&context, &connector, &shutdown, &looks) {
                    let name = &connector.name;
                    tracing::warn!(connector = %name, why = %chain_of(&failed), "a connector was not run");
                }
            });
        }
    }
}

type UnderWay = Arc<Mutex<BTreeSet<ConnectorName>>>;

/// The place of a run among those under way; given back however the run ends.
struct Place {
    under_way: UnderWay,
    name: ConnectorName,
}

impl Place {
    /// None if the connector is being run.
    fn take(under_way: &UnderWay, name: &ConnectorName) -> Option<Self> {
        let is_free = lock(under_way).insert(name.clone());
        is_free.then(|| Self { under_way: Arc::clone(under_way), name: name.clone() })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        lock(&self.under_way).remove(&self.name);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Connectors whose time has come.
fn due(context: &Context) -> Vec<Connector> {
    let all = context.connectors.all().unwrap_or_else(|failed| {
        tracing::warn!(why = %chain_of(&failed), "the connectors cannot be read");
        Vec::new()
    });
    let now = context.clock.now_ms();
    all.into_iter().filter(|connector| is_due(context, connector, now)).collect()
}

/// A watched folder is looked at always, any other source when its time is over since the last run began.
fn is_due(context: &Context, connector: &Connector, now: u64) -> bool {
    let last = context.jobs.latest(Some(&connector.name), 1).unwrap_or_default();
    match (&connector.source, connector.every) {
        (Source::Folder(_), _) => true,
        (_, None) => false,
        (_, Some(every)) => last.first().is_none_or(|job| job.started.saturating_add(every.as_ms()) <= now),
    }
}

fn run_one(
    context: &Context,
    connector: &Connector,
    shutdown: &Shutdown,
    looks: &Looks,
) -> Result<Vec<Job>, RunConnectorFailed> {
    let done = match &connector.source {
        Source::Folder(folder) => {
            let before = lock(looks).remove(&connector.name);
            let (look, jobs) = run_folder(context, connector, folder, &before.unwrap_or_default())?;
            lock(looks).insert(connector.name.clone(), look);
            Ok(jobs)
        }
        Source::OaiPmh(_) | Source::Postgresql(_) => {
            let mut pause = |wait| pause_unless(shutdown, wait);
            run(context, connector, &mut Shell { pause: &mut pause }).map(|job| vec![job])
        }
    };
    match done {
        Err(RunConnectorFailed::Job(JobFailed::Busy(_))) => Ok(Vec::new()),
        done => done,
    }
}

/// Waits on a thread of the blocking pool; false if the node is ending.
fn pause_unless(shutdown: &Shutdown, wait: Duration) -> bool {
    tokio::runtime::Handle::current().block_on(async {
        tokio::select! {
            () = tokio::time::sleep(wait) => true,
            () = shutdown.wait() => false,
        }
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::command::{Command, ConnectorCommand, NewConnector};
    use crate::job::{Ending, State};
    use crate::speech::Exit;
    use crate::testing::{APPROVER, Bench, by};

    const MAPPING: &str = "kind = \"ACH\"\n[constant]\nsecrecy = \"public\"\n[field.achievement_no]\nfrom = \"编号\"\n[field.name]\nfrom = \"名称\"\n";

    fn add(bench: &Bench, name: &str, declaration: String) {
        let order = NewConnector { name: name.to_owned(), declaration, mapping: MAPPING.to_owned() };
        let added = bench.ask(Command::Connector(ConnectorCommand::Add(order, by(APPROVER))));
        assert_eq!(added.exit, Exit::Done, "{}", added.err);
    }

    fn due_names(bench: &Bench) -> Vec<String> {
        due(&bench.context).iter().map(|connector| connector.name.to_string()).collect()
    }

    #[test]
    fn a_run_that_breaks_gives_its_place_back() {
        let (under_way, name) = (UnderWay::default(), "dspace".parse::<ConnectorName>().unwrap());
        let place = Place::take(&under_way, &name).unwrap();
        assert!(Place::take(&under_way, &name).is_none(), "one run at a time");
        let broken = std::thread::spawn(move || {
            let _place = place;
            panic!("the run breaks");
        });
        assert!(broken.join().is_err());
        assert!(Place::take(&under_way, &name).is_some());
    }

    #[test]
    fn a_source_is_due_when_its_time_is_over_and_a_folder_always() {
        let bench = Bench::new();
        let web = |every| format!("mapping = \"m\"\n{every}\n[oai-pmh]\nurl = \"https://e.org/oai\"\n");
        add(&bench, "hourly", web("every = \"1h\""));
        add(&bench, "by-hand", web(""));
        add(&bench, "folder", "mapping = \"m\"\n[folder]\npath = \"/nowhere\"\n".to_owned());
        assert_eq!(due_names(&bench), ["folder", "hourly"]);
        let job = bench.context.jobs.begin(&"hourly".parse().unwrap()).unwrap();
        job.finish(Ending { state: State::Failed, counts: None, why: None, file: None }).unwrap();
        assert_eq!(due_names(&bench), ["folder"]);
        bench.clock.advance_ms(3_600_000);
        assert_eq!(due_names(&bench), ["folder", "hourly"]);
    }

    #[test]
    fn a_file_is_imported_at_the_second_look_of_a_running_node() {
        let bench = Bench::new();
        let folder = tempfile::tempdir().unwrap();
        add(&bench, "inbox", format!("mapping = \"m\"\n[folder]\npath = \"{}\"\n", folder.path().display()));
        fs::write(folder.path().join("a.csv"), "编号,名称\nA-1,甲\n").unwrap();
        let connector = due(&bench.context).remove(0);
        let (shutdown, looks) = (Shutdown::new(), Looks::default());
        let look = || run_one(&bench.context, &connector, &shutdown, &looks).unwrap().len();
        assert_eq!((look(), look(), look()), (0, 1, 0));
        assert_eq!(bench.context.records.count().unwrap(), 1);
    }
}
