//! A node in a temporary folder, with a clock that stands still, for tests.

use std::path::PathBuf;
use std::sync::Arc;

use safeharbor_core::key::MemorySigner;
use safeharbor_core::record::RecordHandle;
use safeharbor_rules::Catalogue;
use safeharbor_service::audit::AuditLog;
use safeharbor_service::clock::ManualClock;
use safeharbor_service::evidence::Evidence;
use safeharbor_service::person::Role;
use safeharbor_service::random::SeededRandom;
use safeharbor_service::store::{Batch, MemoryStore, Scan, SledSettings, SledStore, Store};
use secrecy::SecretString;
use zeroize::Zeroizing;

use crate::command::{Command, Credentials, ImportOrder, Password, execute};
use crate::context::{Context, Parts};
use crate::layout::Layout;
use crate::speech::{Exit, Format, Language, Speech};
use crate::tables;

/// Noon of 1 March 2026 UTC.
pub(crate) const NOON_MS: u64 = 1_772_366_400_000;
pub(crate) const DAY_MS: u64 = 86_400_000;
pub(crate) const PASSWORD: &str = "correct horse battery";
pub(crate) const APPROVER: &str = "李娜";
pub(crate) const CLERK: &str = "王伟";
/// Stands in every value that must not leave or must be erasable.
pub(crate) const MARKER: &str = "MARKER";

/// Columns of the test's files; `public_since` decides the classes.
const MAPPING: &str = r#"
kind = "ACH"
key = ["achievement_no"]
[constant]
secrecy = "public"
[field.achievement_no]
from = "编号"
[field.name]
from = "名称"
[field.inventors]
from = "完成人"
split = "；"
[field.stage]
from = "阶段"
[field.public_since]
from = "公开日期"
[field.abstract]
from = "摘要"
"#;
/// The header of the test's files.
pub(crate) const HEADER: &str = "编号,名称,完成人,阶段,公开日期,摘要";

/// What a command said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) exit: Exit,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Said {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap()
    }
}

pub(crate) struct Bench {
    pub(crate) context: Context,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) folder: tempfile::TempDir,
}

/// Runs a test on every kind of store.
pub(crate) fn on_every_store(test: impl Fn(&Bench)) {
    test(&Bench::new());
    test(&Bench::on_sled());
}

impl Bench {
    /// On a store in memory.
    pub(crate) fn new() -> Self {
        Self::on(Arc::new(MemoryStore::new()), tempfile::tempdir().unwrap())
    }

    /// On a store on disk.
    pub(crate) fn on_sled() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let settings = SledSettings { reserve_bytes: 0, ..SledSettings::default() };
        let store = SledStore::open(&folder.path().join("store"), settings).unwrap();
        Self::on(Arc::new(store), folder)
    }

    fn on(store: Arc<dyn Store>, folder: tempfile::TempDir) -> Self {
        let layout = Layout::at(folder.path());
        let clock = Arc::new(ManualClock::at_ms(NOON_MS));
        let seam: Arc<dyn safeharbor_service::clock::Clock> = Arc::<ManualClock>::clone(&clock);
        let context = Context::new(Parts {
            institution: "12100000400002259P".parse().unwrap(),
            name: "测试大学".to_owned(),
            store,
            catalogue: Arc::new(Catalogue::embedded().unwrap()),
            random: Arc::new(SeededRandom::from_seed(7)),
            signer: Arc::new(MemorySigner::from_seed(&Zeroizing::new([1; 32]))),
            audit: AuditLog::open(&layout.audit_log(), Arc::clone(&seam)).unwrap(),
            evidence: Evidence::open(&layout.evidence(), 1 << 20).unwrap(),
            clock: seam,
            layout,
        })
        .unwrap();
        for (name, role) in [(APPROVER, Role::Approver), (CLERK, Role::Clerk)] {
            context.persons.add(name, role, &SecretString::from(PASSWORD), None).unwrap();
        }
        Self { context, clock, folder }
    }

    pub(crate) fn say(&self, command: Command, language: Language, format: Format) -> Said {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let exit = execute(
            &self.context,
            command,
            &mut Speech { out: &mut out, err: &mut err, language, format, terminal: false },
        );
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Said { exit, out: text(out), err: text(err) }
    }

    pub(crate) fn ask(&self, command: Command) -> Said {
        self.say(command, Language::En, Format::Json)
    }

    /// Imports rows under the header of the test's mapping.
    pub(crate) fn import(&self, rows: &[&str]) -> Said {
        self.import_with("", rows)
    }

    /// Imports rows, all of which get further constants.
    pub(crate) fn import_with(&self, constants: &str, rows: &[&str]) -> Said {
        let file = self.path("成果.csv");
        std::fs::write(&file, format!("{HEADER}\n{}\n", rows.join("\n"))).unwrap();
        let mapping = self.write_mapping(constants);
        self.ask(Command::Import(ImportOrder::of_file(file, Some(mapping))))
    }

    /// Writes the test's mapping, with further constants.
    pub(crate) fn write_mapping(&self, constants: &str) -> PathBuf {
        let mapping = self.path("mapping.toml");
        let text = MAPPING.replace("[constant]\n", &format!("[constant]\n{constants}\n"));
        std::fs::write(&mapping, text).unwrap();
        mapping
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Accepts a policy of one mode for the test's kind.
    pub(crate) fn accept(&self, version: u32, mode: &str) -> Said {
        let text = format!("version = {version}\n[kinds]\nACH = \"{mode}\"\n");
        self.ask(Command::AcceptPolicy { text, by: by(APPROVER) })
    }

    pub(crate) fn approve(&self, record: &str, fields: &[&str], by: Credentials) -> Said {
        let seen = self.see(record, fields, &by.name, Language::En);
        match serde_json::from_str(&seen.out) {
            Ok(seen) => {
                let fields = fields.iter().map(|field| (*field).to_owned()).collect();
                self.ask(Command::Approve { seen, fields, by })
            }
            Err(_) => seen,
        }
    }

    /// Shows somebody what would leave if they approved.
    pub(crate) fn see(&self, record: &str, fields: &[&str], person: &str, language: Language) -> Said {
        let fields = fields.iter().map(|field| (*field).to_owned()).collect();
        let (record, person) = (record.to_owned(), person.to_owned());
        self.say(Command::PreviewApprove { record, fields, person }, language, Format::Table)
    }

    pub(crate) fn rec(&self, key: &str) -> RecordHandle {
        self.context.records.current(&"ACH".parse().unwrap(), key).unwrap().unwrap().rec
    }

    /// Gives everything that waits its place in the chain, without a hub.
    pub(crate) fn state_all(&self) -> usize {
        let author =
            crate::chain::Author::new(&self.context, safeharbor_core::digest::Digest::of(b"admission"));
        author.state(&self.context.outbox, 1_000).unwrap().taken
    }

    /// Every row of every table.
    pub(crate) fn rows(&self) -> Vec<(u8, Vec<u8>, Vec<u8>)> {
        let scan = |table: safeharbor_service::store::Table| {
            let rows = self.context.store.scan(&Scan::all(table)).unwrap();
            rows.into_iter().map(move |(key, value)| (table.0, key, value))
        };
        tables::ALL.into_iter().flat_map(scan).collect()
    }

    /// Whether the marker stands in any table, in a key or a value, as it is or inside a disclosure.
    pub(crate) fn holds_marker(&self) -> bool {
        self.rows().iter().any(|(_, key, value)| has_marker(key) || has_marker(value))
    }

    pub(crate) fn commit(&self, batch: Batch) {
        self.context.store.commit(batch).unwrap();
    }
}

fn has_marker(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let opened = |word: &str| {
        safeharbor_core::b64::decode_url(word)
            .is_ok_and(|bytes| String::from_utf8_lossy(&bytes).contains(MARKER))
    };
    text.contains(MARKER)
        || text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_')).any(opened)
}

/// Credentials with the right password.
pub(crate) fn by(name: &str) -> Credentials {
    Credentials { name: name.to_owned(), password: Password::new(PASSWORD.to_owned()) }
}

/// A row that was published long ago.
pub(crate) fn published(number: &str, name: &str) -> String {
    format!("{number},{name},张三；李四,初期阶段,2020-01-01,摘要 {MARKER}")
}
