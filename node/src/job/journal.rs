//! The jobs of a node: begun one at a time a connector, kept, and in the end forgotten.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use safeharbor_service::clock::Clock;
use safeharbor_service::store::{Batch, Scan, Store};

use super::{Counts, Job, JobFailed, JobId, LogFile, State};
use crate::connector::ConnectorName;
use crate::layout::Layout;
use crate::tables::JOBS;

/// Jobs of one connector that are kept with their files.
const KEPT: usize = 100;
/// The folder, in that of a job, of what it imports.
const INPUT: &str = "input";

/// Begins, keeps and shows jobs.
#[derive(Debug)]
pub struct Jobs {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    layout: Layout,
    running: Mutex<BTreeSet<ConnectorName>>,
}

impl Jobs {
    /// The jobs in `store`, with their files below `layout`.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>, layout: Layout) -> Self {
        Self { store, clock, layout, running: Mutex::new(BTreeSet::new()) }
    }

    /// The latest jobs, the last first; of one connector or of all.
    ///
    /// # Errors
    /// The store.
    pub fn latest(&self, connector: Option<&ConnectorName>, limit: usize) -> Result<Vec<Job>, JobFailed> {
        let mut found = Vec::new();
        for (_, row) in self.store.scan(&Scan::all(JOBS).backwards())? {
            let job: Job = serde_json::from_slice(&row)?;
            if found.len() < limit && connector.is_none_or(|connector| job.connector == *connector) {
                found.push(job);
            }
        }
        Ok(found)
    }

    /// One job.
    ///
    /// # Errors
    /// The store.
    pub fn find(&self, id: JobId) -> Result<Option<Job>, JobFailed> {
        let row = self.store.get(JOBS, &id.0.to_be_bytes())?;
        Ok(row.as_deref().map(serde_json::from_slice).transpose()?)
    }

    /// The folder of a job's files.
    #[must_use]
    pub fn folder(&self, id: JobId) -> PathBuf {
        self.layout.jobs().join(format!("{:08}", id.0))
    }

    /// Begins a job, and forgets the oldest of the connector.
    ///
    /// # Errors
    /// The connector is running, or the job cannot be kept.
    pub fn begin(&self, connector: &ConnectorName) -> Result<Running<'_>, JobFailed> {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if running.contains(connector) {
            return Err(JobFailed::Busy(connector.clone()));
        }
        let job = Job {
            id: self.free_number()?,
            connector: connector.clone(),
            started: self.clock.now_ms(),
            ended: None,
            state: State::Running,
            counts: None,
            why: None,
            file: None,
        };
        self.forget_old(connector)?;
        self.keep(&job)?;
        // A folder without its row would hold values that nothing leads to.
        self.store.flush()?;
        let log = match self.make_folder(job.id) {
            Ok(log) => log,
            Err(failed) => {
                self.forget(job.id)?;
                return Err(failed);
            }
        };
        running.insert(connector.clone());
        drop(running);
        Ok(Running { jobs: self, job, log })
    }

    /// A number that neither a job nor a folder has: a store that was restored knows less than the disk.
    fn free_number(&self) -> Result<JobId, JobFailed> {
        let mut id = JobId(self.latest(None, 1)?.first().map_or(1, |job| job.id.0.saturating_add(1)));
        while self.folder(id).exists() {
            id = JobId(id.0.saturating_add(1));
        }
        Ok(id)
    }

    fn make_folder(&self, id: JobId) -> Result<LogFile, JobFailed> {
        let folder = self.folder(id);
        let failed = |source| JobFailed::Folder { path: folder.clone(), source };
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(folder.join(INPUT));
        made.map_err(failed)?;
        LogFile::create(&folder.join("log.txt"), Arc::clone(&self.clock)).map_err(failed)
    }

    /// Says of every job that was being done when the node ended that it was interrupted, and removes what it was importing.
    ///
    /// # Errors
    /// The store.
    pub fn interrupt_all(&self) -> Result<(), JobFailed> {
        for job in self.latest(None, usize::MAX)? {
            if job.state == State::Running {
                self.interrupt(job)?;
            }
        }
        for entry in fs::read_dir(self.layout.jobs()).into_iter().flatten().filter_map(Result::ok) {
            remove_input(&entry.path());
        }
        Ok(())
    }

    fn interrupt(&self, job: Job) -> Result<(), JobFailed> {
        self.keep(&Job { state: State::Interrupted, ended: Some(self.clock.now_ms()), ..job })
    }

    fn keep(&self, job: &Job) -> Result<(), JobFailed> {
        let mut batch = Batch::new();
        batch.put(JOBS, job.id.0.to_be_bytes(), serde_json::to_vec(job)?);
        Ok(self.store.commit(batch)?)
    }

    fn forget_old(&self, connector: &ConnectorName) -> Result<(), JobFailed> {
        for old in self.latest(Some(connector), usize::MAX)?.into_iter().skip(KEPT.saturating_sub(1)) {
            self.forget(old.id)?;
        }
        Ok(())
    }

    fn forget(&self, id: JobId) -> Result<(), JobFailed> {
        let folder = self.folder(id);
        if folder.exists() {
            fs::remove_dir_all(&folder).map_err(|source| JobFailed::Folder { path: folder, source })?;
        }
        let mut batch = Batch::new();
        batch.delete(JOBS, id.0.to_be_bytes());
        Ok(self.store.commit(batch)?)
    }
}

/// What was imported may hold what must not leave, and what is erased later; nobody needs the copy any more.
fn remove_input(folder: &Path) {
    match fs::remove_dir_all(folder.join(INPUT)) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => {
            tracing::warn!(job = %folder.display(), %error, "what a job imported cannot be removed")
        }
    }
}

/// A job that is being done. One that is dropped without an end was interrupted; what it imported goes either way.
#[derive(Debug)]
pub struct Running<'j> {
    jobs: &'j Jobs,
    job: Job,
    log: LogFile,
}

impl Running<'_> {
    /// Its number.
    #[must_use]
    pub const fn id(&self) -> JobId {
        self.job.id
    }

    /// The folder of its files.
    #[must_use]
    pub fn folder(&self) -> PathBuf {
        self.jobs.folder(self.job.id)
    }

    /// The folder of what it imports, which is gone once the job ends.
    #[must_use]
    pub fn input(&self) -> PathBuf {
        self.folder().join(INPUT)
    }

    /// Where its lines go.
    pub const fn log(&mut self) -> &mut LogFile {
        &mut self.log
    }

    /// Ends the job.
    ///
    /// # Errors
    /// It cannot be kept.
    pub fn finish(mut self, ending: Ending) -> Result<Job, JobFailed> {
        let Ending { state, counts, why, file } = ending;
        let ended = Some(self.jobs.clock.now_ms());
        self.job = Job { state, counts, why, file, ended, ..self.job.clone() };
        self.jobs.keep(&self.job)?;
        Ok(self.job.clone())
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        remove_input(&self.folder());
        if self.job.state == State::Running
            && let Err(error) = self.jobs.interrupt(self.job.clone())
        {
            tracing::warn!(job = %self.job.id, %error, "that a job was interrupted cannot be kept");
        }
        self.jobs.running.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.job.connector);
    }
}

/// How a job ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    /// How it stands.
    pub state: State,
    /// What became of the rows.
    pub counts: Option<Counts>,
    /// Why it failed.
    pub why: Option<String>,
    /// The file that running it again imports.
    pub file: Option<PathBuf>,
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use safeharbor_service::clock::ManualClock;
    use safeharbor_service::store::MemoryStore;

    use super::*;

    fn jobs(folder: &Path) -> Jobs {
        Jobs::new(Arc::new(MemoryStore::new()), Arc::new(ManualClock::at_ms(5)), Layout::at(folder))
    }

    fn done() -> Ending {
        Ending { state: State::Done, counts: Some(Counts::default()), why: None, file: None }
    }

    #[test]
    fn one_run_of_a_connector_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let jobs = jobs(folder.path());
        let (a, b) = ("a".parse().unwrap(), "b".parse().unwrap());
        let first = jobs.begin(&a).unwrap();
        assert!(matches!(jobs.begin(&a), Err(JobFailed::Busy(_))));
        jobs.begin(&b).unwrap().finish(done()).unwrap();
        first.finish(done()).unwrap();
        assert_eq!(jobs.begin(&a).unwrap().id(), JobId(3));
    }

    #[test]
    fn what_was_running_at_the_end_was_interrupted() {
        let folder = tempfile::tempdir().unwrap();
        let before = jobs(folder.path());
        let (a, b) = ("a".parse().unwrap(), "b".parse().unwrap());
        let killed = before.begin(&a).unwrap();
        fs::write(killed.input().join("records.jsonl"), "x").unwrap();
        std::mem::forget(killed);
        before.begin(&b).unwrap().finish(done()).unwrap();

        let after =
            Jobs::new(Arc::clone(&before.store), Arc::clone(&before.clock), Layout::at(folder.path()));
        after.interrupt_all().unwrap();
        let states: Vec<_> = after.latest(None, 10).unwrap().iter().map(|job| job.state).collect();
        assert_eq!(states, [State::Done, State::Interrupted]);
        assert!(!after.folder(JobId(1)).join(INPUT).exists(), "what was being imported is gone");
    }

    #[test]
    fn a_job_without_an_end_is_interrupted_and_what_it_imported_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let jobs = jobs(folder.path());
        let running = jobs.begin(&"a".parse().unwrap()).unwrap();
        fs::write(running.input().join("records.jsonl"), "x").unwrap();
        let input = running.input();
        drop(running);
        assert_eq!(jobs.find(JobId(1)).unwrap().unwrap().state, State::Interrupted);
        assert!(!input.exists() && jobs.folder(JobId(1)).join("log.txt").exists());
    }

    #[test]
    fn a_folder_that_no_job_has_stops_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let jobs = jobs(folder.path());
        let stale = jobs.folder(JobId(1));
        fs::create_dir_all(&stale).unwrap();
        fs::write(stale.join("log.txt"), "of a job the store forgot").unwrap();
        let begun = jobs.begin(&"a".parse().unwrap()).unwrap();
        assert_eq!(begun.id(), JobId(2));
    }

    #[test]
    fn a_job_that_has_no_place_is_not_begun() {
        let folder = tempfile::tempdir().unwrap();
        let jobs = jobs(folder.path());
        fs::write(folder.path().join("jobs"), "no folder").unwrap();
        assert!(matches!(jobs.begin(&"a".parse().unwrap()), Err(JobFailed::Folder { .. })));
        assert!(jobs.latest(None, 1).unwrap().is_empty());
    }

    #[test]
    fn old_jobs_are_forgotten_with_their_files() {
        let folder = tempfile::tempdir().unwrap();
        let jobs = jobs(folder.path());
        let name = "a".parse().unwrap();
        for _ in 0..KEPT + 3 {
            jobs.begin(&name).unwrap().finish(done()).unwrap();
        }
        assert_eq!(jobs.latest(None, usize::MAX).unwrap().len(), KEPT);
        assert!(!jobs.folder(JobId(3)).exists() && jobs.folder(JobId(4)).join("log.txt").exists());
        assert!(jobs.find(JobId(3)).unwrap().is_none());
    }
}
