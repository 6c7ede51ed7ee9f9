//! When checkpoints come, and what waits for cosignatures and what does not.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use safeharbor_core::checkpoint::verify_checkpoint;
use safeharbor_core::cosignature::cosign;
use safeharbor_core::digest::Digest;
use safeharbor_core::key::MemorySigner;
use safeharbor_core::note::VerifierKey;
use safeharbor_service::shutdown::Shutdown;
use safeharbor_service::store::MemoryStore;
use tokio::time::Instant;

use super::*;
use crate::ledger::Ledger;
use crate::registry::RegistryFiles;
use crate::tasks::Tasks;

const ORIGIN: &str = "hub.example/registry";

fn log_key() -> MemorySigner {
    MemorySigner::from_seed(&[1; 32].into())
}

fn publisher(folder: &tempfile::TempDir, cosigning: Arc<dyn Cosigning>) -> Publisher {
    reopened(folder, 0, cosigning)
}

/// The publisher of a folder whose tree on disk has `on_disk` entries.
fn reopened(folder: &tempfile::TempDir, on_disk: u64, cosigning: Arc<dyn Cosigning>) -> Publisher {
    let files = RegistryFiles::new(folder.path().to_owned());
    let ledger = Ledger::new("https://hub.example".parse().unwrap(), ORIGIN);
    let store = Arc::new(MemoryStore::new());
    let tasks = Tasks::load(Arc::<MemoryStore>::clone(&store) as _).unwrap();
    Publisher {
        shared: Arc::new(Shared::new(ledger, files.clone(), on_disk, tasks, folder.path().join("journal"))),
        tree: TreeWriter::load(files, on_disk).unwrap(),
        signing: SigningState::load(&folder.path().join("signed"), on_disk > 0).unwrap(),
        signer: Arc::new(log_key()),
        origin: ORIGIN.to_owned(),
        index: Index::new(store),
        cosigning,
    }
}

/// A witness that answers when and as the test says.
#[derive(Debug, Default)]
struct Witness {
    takes: Duration,
    is_away: AtomicBool,
    asked: Mutex<Vec<u64>>,
}

impl Cosigning for Witness {
    fn is_needed(&self) -> bool {
        true
    }

    fn collect(&self, signed: Arc<Signed>) -> std::pin::Pin<Box<dyn Future<Output = Collected> + Send>> {
        self.asked.lock().unwrap().push(signed.size);
        let (takes, is_away) = (self.takes, self.is_away.load(Ordering::SeqCst));
        Box::pin(async move {
            tokio::time::sleep(takes).await;
            let signer = MemorySigner::from_seed(&[2; 32].into());
            let line = cosign(signed.note.text(), "witness.example", 1, &signer).unwrap();
            (!is_away).then(|| vec![line])
        })
    }
}

/// A publisher at work.
struct Work {
    shared: Arc<Shared>,
    shutdown: Shutdown,
    task: tokio::task::JoinHandle<Result<(), PublishFailed>>,
    folder: tempfile::TempDir,
}

impl Work {
    fn begin(cosigning: Arc<dyn Cosigning>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let publisher = publisher(&folder, cosigning);
        Self::run(publisher, folder)
    }

    fn run(publisher: Publisher, folder: tempfile::TempDir) -> Self {
        let (shared, shutdown) = (Arc::clone(&publisher.shared), Shutdown::new());
        let task = tokio::spawn(publisher.run(shutdown.clone()));
        Self { shared, shutdown, task, folder }
    }

    /// How long until a checkpoint over at least `size` entries is published.
    async fn until(&self, size: u64) -> Duration {
        let begun = Instant::now();
        let mut published = self.shared.published.subscribe();
        published.wait_for(|published| published.size >= size && !published.note.is_empty()).await.unwrap();
        begun.elapsed()
    }

    /// How long until the tree on disk has at least `size` entries.
    async fn until_on_disk(&self, size: u64) -> Duration {
        let begun = Instant::now();
        while self.shared.on_disk() < size {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        begun.elapsed()
    }

    async fn end(self) -> tempfile::TempDir {
        self.shutdown.trigger();
        self.task.await.unwrap().unwrap();
        self.folder
    }
}

fn entry(n: u8) -> Vec<u8> {
    vec![n; 9]
}

#[tokio::test(start_paused = true)]
async fn entries_are_published_within_250_ms_and_an_idle_log_every_hour() {
    let work = Work::begin(Arc::new(Unwitnessed));
    for n in 1..=3 {
        work.shared.queue_entries([entry(n)]);
        let took = work.until(u64::from(n)).await;
        assert!(took <= Duration::from_millis(250), "{took:?}");
        let mut published = work.shared.published.subscribe();
        let begun = Instant::now();
        published.changed().await.unwrap();
        assert_eq!(begun.elapsed().as_secs(), 3600);
    }
    work.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_quorum_that_answers_keeps_a_checkpoint_within_250_ms() {
    let witness = Witness { takes: Duration::from_millis(100), ..Witness::default() };
    let work = Work::begin(Arc::new(witness));
    work.shared.queue_entries([entry(1)]);
    let took = work.until(1).await;
    assert!(took <= Duration::from_millis(250), "{took:?}");
    let note = std::fs::read(work.end().await.path().join("checkpoint")).unwrap();
    let log = VerifierKey::ed25519(ORIGIN, log_key().public_key()).unwrap();
    assert_eq!(verify_checkpoint(&note, &log).unwrap().size, 1);
    let names: Vec<_> = safeharbor_core::note::SignedNote::parse(&note).unwrap().signatures().to_vec();
    assert_eq!(names.iter().map(|line| line.name()).collect::<Vec<_>>(), [ORIGIN, "witness.example"]);
}

#[tokio::test(start_paused = true)]
async fn without_a_quorum_nothing_is_published_and_the_tree_grows_on() {
    let witness = Arc::new(Witness { takes: Duration::from_secs(2), ..Witness::default() });
    witness.is_away.store(true, Ordering::SeqCst);
    let work = Work::begin(Arc::<Witness>::clone(&witness) as _);
    for n in 1..=50 {
        work.shared.queue_entries([entry(n)]);
        let took = work.until_on_disk(u64::from(n)).await;
        assert!(took <= Duration::from_millis(250), "the tree waits for nobody: {took:?}");
    }
    assert_eq!(work.shared.published.borrow().size, 0);
    assert!(!work.folder.path().join("checkpoint").exists());
    assert!(work.shared.queued_entries().is_empty(), "what is on disk is not in memory");
    witness.is_away.store(false, Ordering::SeqCst);
    work.until(50).await;
    let asked = witness.asked.lock().unwrap().clone();
    assert!(asked.is_sorted() && asked.len() < 20, "one checkpoint at a time is shown: {asked:?}");
    work.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_hub_that_ends_publishes_what_is_cosigned_in_time() {
    for (takes, published) in [(Duration::ZERO, true), (Duration::from_secs(5), false)] {
        let work = Work::begin(Arc::new(Witness { takes, ..Witness::default() }));
        work.shared.queue_entries([entry(1)]);
        let folder = work.end().await;
        assert_eq!(folder.path().join("checkpoint").exists(), published, "{takes:?}");
        let signed = SigningState::load(&folder.path().join("signed"), true).unwrap();
        assert_eq!(signed.size(), 1, "signed in any case");
    }
}

/// A folder in which a checkpoint of so many entries is published.
fn published(entries: u8) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut publisher = publisher(&folder, Arc::new(Unwitnessed));
    publisher.shared.queue_entries((1..=entries).map(entry));
    assert_eq!(publisher.publish().unwrap(), None);
    folder
}

/// A start on this folder fails, signs nothing and leaves what is published.
fn refused(folder: &tempfile::TempDir) -> PublishFailed {
    let [signed, checkpoint] = ["signed", "checkpoint"].map(|name| folder.path().join(name));
    let before = [&signed, &checkpoint].map(|file| std::fs::read(file).unwrap());
    let mut publisher = reopened(folder, 3, Arc::new(Unwitnessed));
    publisher.shared.queue_entries([entry(4)]);
    let refused = publisher.start().unwrap_err();
    assert_eq!(before, [&signed, &checkpoint].map(|file| std::fs::read(file).unwrap()), "{refused}");
    refused
}

#[test]
fn a_start_signs_nothing_that_contradicts_what_was_signed_or_published() {
    let folder = published(3);
    std::fs::copy(published(2).path().join("signed"), folder.path().join("signed")).unwrap();
    let rolled_back = refused(&folder);
    let is_named =
        matches!(rolled_back, PublishFailed::Signing(SigningFailed::RolledBack { signed: 2, published: 3 }));
    assert!(is_named, "{rolled_back:?}");

    let (folder, other) = (published(3), Digest::of(b"other"));
    std::fs::write(folder.path().join("signed"), format!("3\n{other}\n")).unwrap();
    assert!(matches!(refused(&folder), PublishFailed::Contradiction { size: 3 }));

    let folder = published(3);
    let checkpoint = Checkpoint { origin: ORIGIN.to_owned(), size: 2, root: other };
    let note = sign_checkpoint(&checkpoint, &log_key()).unwrap().to_string();
    std::fs::write(folder.path().join("checkpoint"), note).unwrap();
    assert!(matches!(refused(&folder), PublishFailed::Contradiction { size: 2 }));
}

#[tokio::test(start_paused = true)]
async fn what_was_published_last_stays_published_until_the_next_is_cosigned() {
    let folder = published(3);
    let before = std::fs::read_to_string(folder.path().join("checkpoint")).unwrap();
    let mut publisher = reopened(&folder, 3, Arc::new(Witness::default()));
    publisher.shared.queue_entries([entry(4)]);
    let signed = publisher.start().unwrap().expect("cosignatures are needed");
    assert_eq!(signed.size, 4);
    let shown = publisher.shared.published.borrow().clone();
    assert_eq!((shown.size, &shown.note), (3, &before));
    assert_eq!(std::fs::read_to_string(folder.path().join("checkpoint")).unwrap(), before);
    let work = Work::run(publisher, folder);
    let took = work.until(4).await;
    assert!(took <= Duration::from_millis(250), "what the start signed waits for no entry: {took:?}");
    work.end().await;
}
