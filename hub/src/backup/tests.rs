//! Backups of a hub that logs: what is in them, and what a restored hub may and may not do.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use safeharbor_core::directory::{Announcement, Deciders, InstitutionType, Standing};
use safeharbor_core::institution::InstitutionCode;
use safeharbor_service::backup::{BackupKey, Item, Made, ReadFailed, RestoreFailed, make, read};
use safeharbor_service::person::Role as PersonRole;
use safeharbor_service::speech::chain_of;
use safeharbor_service::store::Batch;
use secrecy::SecretString;
use tempfile::TempDir;

use super::*;
use crate::office::Office;
use crate::opening::{OpenHub, OpenHubFailed, first_announcements, open};
use crate::registry::SigningFailed;
use crate::testing::{HubAtWork, seams};

/// A hub at work, with an administrator and an audit log.
struct Hub {
    folder: TempDir,
    office: Office,
    at_work: HubAtWork,
}

impl Hub {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at_work = HubAtWork::set_up(folder.path()).await;
        let office = at_work.office.clone();
        office
            .persons
            .add("甲", PersonRole::Administrator, &SecretString::from("correct horse battery"), None)
            .unwrap();
        office.audit.append(None, "start", "the hub", serde_json::Value::Null).unwrap();
        Self { folder, office, at_work }
    }

    /// Logs one more entry, and waits until it is published.
    async fn admit(&self, code: &str) {
        let code: InstitutionCode = code.parse().unwrap();
        let (name, kind) = ("某单位".to_owned(), InstitutionType::University);
        let (standing, decided_by) = (Standing::Active, Deciders::default());
        let admission = Announcement::Institution { code, name, kind, standing, decided_by };
        self.at_work.announce(admission).await;
    }

    fn note(&self) -> String {
        self.office.shared.published.borrow().note.clone()
    }

    fn make(&self) -> Made {
        make(self.office.desk(), &settings(&self.office.paths).unwrap(), &*self.office.clock).unwrap()
    }

    fn key(&self) -> BackupKey {
        BackupKey::load(&BackupKey::path(self.folder.path())).unwrap()
    }

    async fn stop(self) -> TempDir {
        drop(self.office);
        self.at_work.stop().await;
        self.folder
    }
}

/// Where a backup goes to.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn data(&self) -> PathBuf {
        self.0.path().join("data")
    }

    fn restore(&self, made: &Made, key: &BackupKey, note: &str) -> Result<RestoredHub, RestoreFailed> {
        restore(&made.path, key, &self.data(), note, &seams().0)
    }

    fn open(&self) -> Result<OpenHub, OpenHubFailed> {
        let (clock, random) = seams();
        open(&self.data(), &[], (&clock, &random))
    }
}

const ONE: &str = "12100000400002259P";
const TWO: &str = "12100000DEM000014F";

#[tokio::test]
async fn a_backup_holds_the_hub_and_never_what_it_signed() {
    let hub = Hub::start().await;
    hub.admit(ONE).await;
    let made = hub.make();
    let mut names = Vec::new();
    let mut take = |item: &Item, _: &mut dyn io::Read| {
        names.push(item.name.clone());
        Ok::<_, ReadFailed>(())
    };
    let file = std::fs::File::open(&made.path).unwrap();
    let manifest = read(file, &hub.key(), &CONTENT, &mut take).unwrap();
    let expected = [
        "office.rows",
        "audit.log",
        "journal/00000000000000000000.journal",
        "keys/authority.key.pem",
        "keys/authority.pem",
        "keys/backup-identity",
        "keys/log.key",
        "keys/statements.key",
        "keys/tls.key.pem",
        "keys/tls.pem",
        "registry/policy",
        "registry/vkey",
        "settings.toml",
    ];
    assert_eq!(names, expected);
    assert_eq!((manifest.counts.get(ENTRIES), manifest.counts.get(PUBLISHED)), (Some(&3), Some(&3)));
    let noted = safeharbor_service::audit::load(&hub.office.paths.audit()).unwrap().pop().unwrap();
    assert_eq!((noted.action.as_str(), noted.subject), ("backup", made.path.display().to_string()));
    assert!(hub.office.paths.signed().exists() && hub.office.paths.registry().join("checkpoint").exists());
    let _folder = hub.stop().await;
}

#[tokio::test]
async fn a_hub_restored_with_its_last_checkpoint_goes_on_where_it_was() {
    let hub = Hub::start().await;
    hub.admit(ONE).await;
    let mut batch = Batch::new();
    batch.put(SESSIONS, *b"hash of a token", *b"{}");
    hub.office.store.commit(batch).unwrap();
    let (made, key, note) = (hub.make(), hub.key(), hub.note());
    let published = Arc::clone(&hub.office.shared.published.borrow());
    let _folder = hub.stop().await;
    let place = Place::new();
    assert_eq!(place.restore(&made, &key, &note).unwrap(), RestoredHub { entries: 3, signed: 3 });
    let restored = place.open().unwrap();
    let again = Arc::clone(&restored.desk.shared.published.borrow());
    assert_eq!((again.size, again.root), (published.size, published.root), "index and tiles are made again");
    assert_eq!(restored.desk.persons.list().unwrap()[0].name, "甲");
    assert_eq!(restored.desk.store.get(SESSIONS, b"hash of a token").unwrap(), None, "sessions end");
    assert!(first_announcements(&restored).is_empty(), "it knows what it announced");
    let last = safeharbor_service::audit::load(&restored.desk.paths.audit()).unwrap().pop().unwrap();
    assert_eq!(last.action, "restore");
    assert!(matches!(
        place.restore(&made, &key, &note),
        Err(RestoreFailed::Folder(_) | RestoreFailed::NotEmpty { .. })
    ));
}

#[tokio::test]
async fn a_restored_hub_that_lacks_what_it_signed_refuses_to_open() {
    let hub = Hub::start().await;
    let (made, key, old) = (hub.make(), hub.key(), hub.note());
    hub.admit(ONE).await;
    hub.admit(TWO).await;
    let note = hub.note();
    let later = hub.make_later();
    let _folder = hub.stop().await;
    let place = Place::new();
    assert_eq!(place.restore(&made, &key, &note).unwrap(), RestoredHub { entries: 2, signed: 4 });
    assert!(matches!(place.open(), Err(OpenHubFailed::Behind { signed: 4, held: 2 })));
    // With a checkpoint that the backup itself knows to be old it is not even restored.
    let place = Place::new();
    let refused = place.restore(&later, &key, &old).unwrap_err();
    assert!(chain_of(&refused).contains(" entries, and 4 were published"), "{}", chain_of(&refused));
    assert!(!place.data().exists());
}

impl Hub {
    /// In another folder: the clock stands still.
    fn make_later(&self) -> Made {
        let settings =
            BackupSettings { folder: self.folder.path().join("later"), ..BackupSettings::default() };
        make(self.office.desk(), &settings, &*self.office.clock).unwrap()
    }
}

#[tokio::test]
async fn a_checkpoint_of_another_registry_or_a_contradiction_is_refused() {
    let (hub, other) = (Hub::start().await, Hub::start().await);
    hub.admit(ONE).await;
    other.admit(TWO).await;
    let (made, key, note) = (hub.make(), hub.key(), hub.note());
    for bad in [other.note(), note.replacen("\n3\n", "\n4\n", 1), String::new(), "x".repeat(1000)] {
        let place = Place::new();
        let refused = place.restore(&made, &key, &bad).unwrap_err();
        assert!(matches!(refused, RestoreFailed::Finish(_)) && !place.data().exists(), "{bad}");
    }
    // The record of what was signed is what the journal is compared with.
    let place = Place::new();
    place.restore(&made, &key, &note).unwrap();
    let paths = Paths::new(&place.data());
    let record = std::fs::read_to_string(paths.signed()).unwrap();
    let another = safeharbor_core::digest::Digest::of(b"another root");
    std::fs::write(paths.signed(), format!("3\n{another}\n")).unwrap();
    assert!(matches!(place.open(), Err(OpenHubFailed::Publish(_))));
    // Without it the hub does not sign, although nothing else of the registry is there.
    std::fs::remove_file(paths.signed()).unwrap();
    assert!(matches!(place.open(), Err(OpenHubFailed::Signing(SigningFailed::Missing))));
    std::fs::write(paths.signed(), record).unwrap();
    place.open().unwrap();
    let _folder = hub.stop().await;
    let _other = other.stop().await;
}

#[tokio::test]
async fn a_backup_made_while_the_hub_logs_ends_between_two_entries() {
    let hub = Hub::start().await;
    let codes = ["12100000400002259P", "12100000DEM000014F"];
    for code in codes {
        hub.admit(code).await;
    }
    // A group that is being written: its bytes are behind what is durable.
    let segment = hub.office.paths.journal().join("00000000000000000000.journal");
    let whole = std::fs::metadata(&segment).unwrap().len();
    io::Write::write_all(
        &mut std::fs::OpenOptions::new().append(true).open(&segment).unwrap(),
        b"half a fra",
    )
    .unwrap();
    let (made, key, note) = (hub.make(), hub.key(), hub.note());
    std::fs::OpenOptions::new().write(true).open(&segment).unwrap().set_len(whole).unwrap();
    let _folder = hub.stop().await;
    let place = Place::new();
    place.restore(&made, &key, &note).unwrap();
    let copied = place.data().join("journal/00000000000000000000.journal");
    assert_eq!(std::fs::metadata(copied).unwrap().len(), whole);
    place.open().unwrap();
}
