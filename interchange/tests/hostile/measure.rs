//! Importing into a store that only counts, and how much memory the process ever had.

use std::error::Error;
use std::io::{Read, Seek};
use std::sync::LazyLock;

use safeharbor_interchange::import::{
    ImportFailed, ImportOptions, ImportedRow, Mapping, Report, Sink, Taken, import_from,
};
use safeharbor_rules::Catalogue;

const MAPPING: &str = "kind = \"ACH\"\n[constant]\nsecrecy = \"public\"\n[field.achievement_no]\nfrom = \"编号\"\n[field.name]\nfrom = \"名称\"\n";

/// The one file that may cost [`CEILING_WITH_TEXTS_MIB`].
pub(crate) const MANY_TEXTS: &str = "140 MB of texts";
/// What reading any other file may cost.
const CEILING_MIB: u64 = 64;
/// With 128 MiB of texts, which are in one block that grows.
const CEILING_WITH_TEXTS_MIB: u64 = 400;

/// Counts rows.
#[derive(Debug, Default)]
struct Counting(usize);

impl Sink for Counting {
    fn take(&mut self, rows: Vec<ImportedRow>) -> Result<Vec<Taken>, Box<dyn Error + Send + Sync>> {
        self.0 += rows.len();
        Ok(rows.iter().map(|_| Taken::New).collect())
    }
}

fn import<R: Read + Seek + Send>(what: &str, input: R) -> (Result<Report, ImportFailed>, usize) {
    static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| Catalogue::embedded().unwrap());
    let mut sink = Counting::default();
    let mapping = Mapping::parse(MAPPING).unwrap();
    let kind = CATALOGUE.kind(&mapping.kind().parse().unwrap()).unwrap();
    let options = ImportOptions { problems_max: 5, ..ImportOptions::default() };
    let memory = Memory::start();
    let report = import_from("x", input, &mapping, kind, &options, &mut sink);
    memory.stays_below(what, if what == MANY_TEXTS { CEILING_WITH_TEXTS_MIB } else { CEILING_MIB });
    (report, sink.0)
}

/// Every row is read.
pub(crate) fn reads<R: Read + Seek + Send>(what: &str, input: R, rows: u64) {
    let (report, taken) = import(what, input);
    let report = report.unwrap_or_else(|error| panic!("{what}: {}", explain(&error)));
    assert_eq!(
        (report.rows, u64::try_from(taken).unwrap()),
        (rows, report.new),
        "{what}: {:?}",
        report.problems
    );
}

/// Refused for this reason, and not one row is stored.
pub(crate) fn refuses<R: Read + Seek + Send>(what: &str, input: R, reason: &str) {
    let (report, taken) = import(what, input);
    let text = explain(&report.err().unwrap_or_else(|| panic!("{what} was read")));
    assert!(text.contains(reason), "{what}: {text:?} does not say {reason:?}");
    assert_eq!(taken, 0, "{what}: half imported");
}

/// Rows stored, or why none should be and how many are.
pub(crate) fn outcome<R: Read + Seek + Send>(what: &str, input: R) -> Result<usize, (String, usize)> {
    let (report, taken) = import(what, input);
    report.map(|_| taken).map_err(|error| (explain(&error), taken))
}

/// How much memory the process has, and has had at most since a moment.
struct Memory {
    at_start: Option<u64>,
}

impl Memory {
    /// Linux counts its peak from here on.
    fn start() -> Self {
        let counts = std::fs::write("/proc/self/clear_refs", "5").is_ok();
        Self { at_start: counts.then(|| kibibytes("VmRSS:")).flatten() }
    }

    fn stays_below(&self, what: &str, mebibytes: u64) {
        let Some((start, peak)) = self.at_start.zip(kibibytes("VmHWM:")) else {
            println!("{what}: this system does not tell how much memory was used");
            return;
        };
        let used = peak.saturating_sub(start) / 1024;
        println!("{what}: {used} MiB");
        assert!(used < mebibytes, "{what}: {used} MiB were used");
    }
}

fn kibibytes(name: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|line| line.strip_prefix(name)?.trim().strip_suffix(" kB")?.trim().parse().ok())
}

fn explain(error: &dyn Error) -> String {
    std::iter::successors(Some(error), |&error| error.source())
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}
