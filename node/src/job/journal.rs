//! The jobs of a node: begun one at a time a connector, kept, and in the end forgotten.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use safeharbor_service::clock::Clock;
use safeharbor_service::store::{Batch, Scan, Store};

use super::{Counts, Job, JobFailed, JobId, LogFile, State};
use crate::connector::ConnectorName;
use crate::layout::Layout;
use crate::tables::JOBS;

/// Jobs of one connector that are kept with their files.
const KEPT: usize = 100;

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
        let last = self.latest(None, 1)?.first().map_or(0, |job| job.id.0);
        let job = Job {
            id: JobId(last.saturating_add(1)),
            connector: connector.clone(),
            started: self.clock.now_ms(),
            ended: None,
            state: State::Running,
            counts: None,
            why: None,
            file: None,
        };
        self.forget_old(connector)?;
        let folder = self.folder(job.id);
        let failed = |source| JobFailed::Folder { path: folder.clone(), source };
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(failed)?;
        let log = LogFile::create(&folder.join("log.txt"), Arc::clone(&self.clock)).map_err(failed)?;
        self.keep(&job)?;
        running.insert(connector.clone());
        drop(running);
        Ok(Running { jobs: self, job, log })
    }

    /// Says of every job that was being done when the node ended that it was interrupted.
    ///
    /// # Errors
    /// The store.
    pub fn interrupt_all(&self) -> Result<(), JobFailed> {
        for job in self.latest(None, usize::MAX)? {
            if job.state == State::Running {
                self.keep(&Job { state: State::Interrupted, ended: Some(self.clock.now_ms()), ..job })?;
            }
        }
        Ok(())
    }

    fn keep(&self, job: &Job) -> Result<(), JobFailed> {
        let mut batch = Batch::new();
        batch.put(JOBS, job.id.0.to_be_bytes(), serde_json::to_vec(job)?);
        Ok(self.store.commit(batch)?)
    }

    fn forget_old(&self, connector: &ConnectorName) -> Result<(), JobFailed> {
        for old in self.latest(Some(connector), usize::MAX)?.into_iter().skip(KEPT.saturating_sub(1)) {
            let folder = self.folder(old.id);
            if folder.exists() {
                fs::remove_dir_all(&folder).map_err(|source| JobFailed::Folder { path: folder, source })?;
            }
            let mut batch = Batch::new();
            batch.delete(JOBS, old.id.0.to_be_bytes());
            self.store.commit(batch)?;
        }
        Ok(())
    }
}

/// A job that is being done. One that is dropped without an end stays as it is, and is interrupted at the next start.
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
        let jobs = jobs(folder.path());
        let name = "a".parse().unwrap();
        drop(jobs.begin(&name).unwrap());
        jobs.begin(&name).unwrap().finish(done()).unwrap();
        jobs.interrupt_all().unwrap();
        let states: Vec<_> = jobs.latest(None, 10).unwrap().iter().map(|job| job.state).collect();
        assert_eq!(states, [State::Done, State::Interrupted]);
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
