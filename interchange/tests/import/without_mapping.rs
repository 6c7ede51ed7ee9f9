//! Files without a mapping: which kind they hold follows from their headers.

use std::path::Path;

use safeharbor_interchange::import::{ImportOptions, import, recognise};
use safeharbor_rules::{Catalogue, Kind, Record};
use serde_json::json;

use crate::fixture::{MemoryStore, explain};

fn read(text: &str, wanted: Option<&str>) -> Result<(String, Vec<Record>), String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.csv");
    std::fs::write(&path, text).unwrap();
    read_file(&path, wanted)
}

fn read_file(path: &Path, wanted: Option<&str>) -> Result<(String, Vec<Record>), String> {
    let catalogue = Catalogue::embedded().unwrap();
    let kinds: Vec<&Kind> =
        catalogue.kinds().filter(|kind| wanted.is_none_or(|id| kind.id().as_str() == id)).collect();
    let mapping = recognise(path, &kinds, None).map_err(|failed| explain(&failed))?;
    let kind = catalogue.kind(&mapping.kind().parse().unwrap()).unwrap();
    let mut store = MemoryStore::default();
    let options = ImportOptions::default();
    let report = import(path, &mapping, kind, &options, &mut store).map_err(|failed| explain(&failed))?;
    assert_eq!(report.refused, 0, "{:?}", report.problems);
    Ok((mapping.kind().to_owned(), store.records.into_values().collect()))
}

#[test]
fn titles_with_units_and_a_row_of_notes_are_understood() {
    let text = "交易编号,转化方式,合同金额（万元）,签订日期\n【填写说明】必填,从列表中选,,\nZH-1,独占许可,17.5,2025/3/1\n";
    let (kind, records) = read(text, None).unwrap();
    assert_eq!(kind, "DEAL");
    assert_eq!(records.len(), 1);
    assert_eq!((&records[0]["price"], &records[0]["signed_month"]), (&json!(17_500_000), &json!("2025-03")));
}

#[test]
fn english_titles_and_names_of_fields_are_understood() {
    let (_, titled) = read("Deal number;Mode of transfer;Price (万元)\nZH-1;LEX;17.5\n", None).unwrap();
    let (_, stored) =
        read("deal_id,mode,price,achievements\nZH-1,LEX,17500000,\"[\"\"a;b\"\"]\"\n", None).unwrap();
    assert_eq!(titled[0]["price"], stored[0]["price"]);
    assert_eq!(stored[0]["achievements"], json!(["a;b"]));
}

#[test]
fn a_header_that_fits_no_kind_names_the_nearest() {
    let error = read("交易编号,金额\nZH-1,3\n", None).unwrap_err();
    assert!(error.contains("--kind") && error.contains("DEAL"), "{error}");
    assert!(!error.contains("ZH-1"), "{error}");
    let error = read("交易编号,金额\nZH-1,3\n", Some("DEAL")).unwrap_err();
    assert!(error.contains("转化方式"), "{error}");
}
