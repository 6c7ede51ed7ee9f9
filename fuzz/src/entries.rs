//! What each fuzz target does with its bytes; the replay of the corpora (interchange/tests/corpus) does the same.
//!
//! A new target: a function here with a line in `TARGETS`, a file in `targets/`, a `[[bin]]` in Cargo.toml, seeds.

use std::error::Error;
use std::io::{Cursor, Write as _};
use std::sync::LazyLock;

use safeharbor_interchange::import::{ImportOptions, ImportedRow, Mapping, Sink, Taken, detect, import_from};
use safeharbor_interchange::metadata::{Answer, Item, Limits, MetadataFormat};
use safeharbor_rules::{Catalogue, Kind, Lang};
use zip::write::SimpleFileOptions;

#[path = "../../interchange/tests/import/workbook_file.rs"]
#[expect(dead_code, reason = "the tests make more of workbooks than the targets do")]
mod workbook_file;

/// A target and the name of its folder in `corpus/`.
type Target = (&'static str, fn(&[u8]));

/// All targets.
#[allow(dead_code, reason = "only the replay asks for all of them")]
pub(crate) const TARGETS: [Target; 8] = [
    ("csv", csv),
    ("json_lines", json_lines),
    ("xlsx", xlsx),
    ("xls", xls),
    ("ods", ods),
    ("metadata", metadata),
    ("encoding", encoding),
    ("mapping", mapping),
];

/// Reads something of everything: dates, money, lists, codes, tables within records.
const MAPPING: &str = "kind = \"ACH\"\nshort_rows = \"pad\"\n[field.achievement_no]\nfrom = \"编号\"\n[field.name]\nfrom = \"名称\"\n\
    [field.secrecy]\nfrom = \"密级\"\n[field.funding]\nfrom = \"经费\"\nunit = \"万元\"\n[field.inventors]\nfrom = \"完成人\"\nsplit = [\"；\"]\n\
    [field.internal_registered_at]\nfrom = \"日期\"\n[field.co_owner_consents]\nfrom = \"同意\"\n";

/// Keeps nothing.
struct Nowhere;

impl Sink for Nowhere {
    fn take(&mut self, rows: Vec<ImportedRow>) -> Result<Vec<Taken>, Box<dyn Error + Send + Sync>> {
        Ok(rows.iter().map(|_| Taken::New).collect())
    }
}

fn kind(mapping: &Mapping) -> Option<&'static Kind> {
    static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| Catalogue::embedded().unwrap());
    CATALOGUE.kind(&mapping.kind().parse().ok()?)
}

/// Imports `bytes`; every row is counted once, and everything that is said can be said.
fn import(bytes: &[u8], mapping: &Mapping) {
    let Some(kind) = kind(mapping) else { return };
    let options = ImportOptions { problems_max: 20, ..ImportOptions::default() };
    let Ok(report) = import_from("x", Cursor::new(bytes), mapping, kind, &options, &mut Nowhere) else {
        return;
    };
    assert_eq!(report.rows, report.new + report.refused, "every row is counted once");
    for problem in &report.problems {
        assert!(!problem.line_of_text(Lang::Zh).is_empty());
    }
}

fn import_by_fixed_mapping(bytes: &[u8]) {
    static FIXED: LazyLock<Mapping> = LazyLock::new(|| Mapping::parse(MAPPING).unwrap());
    import(bytes, &FIXED);
}

/// Delimited text.
pub(crate) fn csv(bytes: &[u8]) {
    import_by_fixed_mapping(bytes);
}

/// JSON Lines.
pub(crate) fn json_lines(bytes: &[u8]) {
    import_by_fixed_mapping(bytes);
}

/// A container, or the XML of a sheet, behind that of the texts and a NUL if there is one.
pub(crate) fn xlsx(bytes: &[u8]) {
    if bytes.starts_with(b"PK") {
        return import_by_fixed_mapping(bytes);
    }
    let cut = bytes.iter().position(|&byte| byte == 0);
    let (strings, sheet) = cut.map_or((&b"<sst/>"[..], bytes), |at| (&bytes[..at], &bytes[at + 1..]));
    let book = workbook_file::Xlsx::of("").bytes();
    import_by_fixed_mapping(&with_parts(
        &book,
        &[("xl/sharedStrings.xml", strings), ("xl/worksheets/sheet1.xml", sheet)],
    ));
}

/// A compound file, or the stream in it.
pub(crate) fn xls(bytes: &[u8]) {
    if bytes.starts_with(&[0xD0, 0xCF, 0x11, 0xE0]) {
        return import_by_fixed_mapping(bytes);
    }
    if bytes.len() < 60_000 {
        import_by_fixed_mapping(&workbook_file::compound_file(bytes));
    }
}

/// A container, or the XML of its content.
pub(crate) fn ods(bytes: &[u8]) {
    if bytes.starts_with(b"PK") {
        return import_by_fixed_mapping(bytes);
    }
    import_by_fixed_mapping(&with_parts(&workbook_file::ods(""), &[("content.xml", bytes)]));
}

/// An answer of OAI-PMH or a file of CERIF-XML and Dublin Core: as a connector reads it, and as a file.
pub(crate) fn metadata(bytes: &[u8]) {
    static DUBLIN_CORE: LazyLock<Mapping> =
        LazyLock::new(|| Mapping::parse(include_str!("../../catalogue/mappings/oai-dc.toml")).unwrap());
    static PATENTS: LazyLock<Mapping> = LazyLock::new(|| {
        Mapping::parse(include_str!("../../catalogue/mappings/cerif-patents.toml")).unwrap()
    });
    let mut answer = Answer::new(bytes, Limits { bytes: 1 << 20, items: 1_000 });
    while let Ok(Some(item)) = answer.next() {
        if let Item::Record(row) | Item::Header(row) = item {
            assert!(row.to_json(MetadataFormat::Cerif).contains_key("action"));
            assert!(!row.deleted || row.columns == Default::default(), "what is deleted says nothing");
        }
    }
    import(bytes, &DUBLIN_CORE);
    import(bytes, &PATENTS);
}

/// The encoding of a text: what is detected decodes.
pub(crate) fn encoding(bytes: &[u8]) {
    if let Ok(found) = detect(&mut Cursor::new(bytes), None) {
        let again = detect(&mut Cursor::new(bytes), Some(found.encoding));
        assert_eq!(again.ok(), Some(found), "what was detected can be forced");
    }
}

/// A mapping, and by it a small table.
pub(crate) fn mapping(bytes: &[u8]) {
    if let Ok(mapping) = Mapping::decode(bytes) {
        let table = "编号,名称,密级,经费,完成人,日期,2023,2024\nA-1,名,公开,1.5,张三；李四,2024-03-01,1,2\n,,,,,,,\nA-2,名,秘密,x,,2024,,3\n";
        import(table.as_bytes(), &mapping);
    }
}

/// The container with these parts in the place of its own.
fn with_parts(book: &[u8], parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut from = zip::ZipArchive::new(Cursor::new(book)).unwrap();
    let mut to = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for at in 0..from.len() {
        let file = from.by_index_raw(at).unwrap();
        if !parts.iter().any(|(name, _)| file.name().is_ok_and(|own| own == *name)) {
            to.raw_copy_file(file).unwrap();
        }
    }
    for (name, bytes) in parts {
        to.start_file(*name, SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored))
            .unwrap();
        to.write_all(bytes).unwrap();
    }
    to.finish().unwrap().into_inner()
}
