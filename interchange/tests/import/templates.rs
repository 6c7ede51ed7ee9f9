//! Templates: one filled in imports without a mapping, as the kind it was made for, and its drop-downs hold the codes.

use std::io::{Cursor, Read as _, Write as _};

use calamine::{Data, Reader as _, Xlsx};
use safeharbor_interchange::import::{ImportOptions, import, recognise};
use safeharbor_interchange::template::write_template;
use safeharbor_rules::{Catalogue, Kind, Lang};
use serde_json::json;

use crate::fixture::{MemoryStore, explain};

fn template(kind: &Kind) -> Vec<u8> {
    let mut bytes = Vec::new();
    write_template(kind, &mut bytes).unwrap();
    bytes
}

fn rows(bytes: &[u8], sheet: usize) -> Vec<Vec<String>> {
    let mut workbook: Xlsx<_> = calamine::open_workbook_from_rs(Cursor::new(bytes)).unwrap();
    let range = workbook.worksheet_range_at(sheet).unwrap().unwrap();
    range.rows().map(|row| row.iter().map(Data::to_string).collect()).collect()
}

/// The first sheet as CSV, with a row below the notes.
fn filled(bytes: &[u8], fill: &[(&str, &str)]) -> String {
    let sheet = rows(bytes, 0);
    let cell = |header: &String| {
        fill.iter().find(|(name, _)| name == header).map_or("", |(_, text)| *text).to_owned()
    };
    let row = sheet[0].iter().map(cell).collect();
    let quoted =
        |row: &Vec<String>| row.iter().map(|cell| format!("\"{cell}\"")).collect::<Vec<_>>().join(",");
    [&sheet[0], &sheet[1], &row].map(quoted).join("\n")
}

#[test]
fn a_filled_in_template_imports_without_a_mapping() {
    let catalogue = Catalogue::embedded().unwrap();
    let kind = catalogue.kind(&"DEAL".parse().unwrap()).unwrap();
    let text = filled(
        &template(kind),
        &[
            ("交易编号", "000123"),
            ("转化方式", "独占许可"),
            ("合同金额（万元）", "17.5"),
            ("签订日期", "2025-03-01"),
            ("是否落地海淀", "是"),
        ],
    );
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.csv");
    std::fs::write(&path, text).unwrap();
    let kinds: Vec<&Kind> = catalogue.kinds().collect();
    let mapping = recognise(&path, &kinds, None).unwrap_or_else(|failed| panic!("{}", explain(&failed)));
    let mut store = MemoryStore::default();
    let report = import(&path, &mapping, kind, &ImportOptions::default(), &mut store).unwrap();
    assert!(
        report.problems.is_empty() && report.warnings.is_empty(),
        "{:?} {:?}",
        report.problems,
        report.warnings
    );
    let wanted = json!({
        "deal_id": "000123", "mode": "LEX", "price": 17_500_000, "price_band": "B1", "signed_at": "2025-03-01",
        "signed_month": "2025-03", "in_haidian": true,
    });
    assert_eq!(serde_json::Value::Object(store.records.into_values().next().unwrap()), wanted);
}

/// The workbook as a spreadsheet saves it with one row below the notes; numbers are cells of numbers.
fn filled_workbook(bytes: &[u8], fill: &[(&str, &str)]) -> Vec<u8> {
    let headers = &rows(bytes, 0)[0];
    let column = |index: usize| {
        let letter = |number: usize| char::from(b'A' + u8::try_from(number).unwrap());
        if index < 26 {
            letter(index).to_string()
        } else {
            format!("{}{}", letter(index / 26 - 1), letter(index % 26))
        }
    };
    let cell = |(index, header): (usize, &String)| {
        let (_, text) = fill.iter().find(|(name, _)| name == header)?;
        Some(match text.strip_prefix('#') {
            Some(number) => format!("<c r=\"{}3\"><v>{number}</v></c>", column(index)),
            None => format!("<c r=\"{}3\" t=\"inlineStr\"><is><t>{text}</t></is></c>", column(index)),
        })
    };
    let row: String = headers.iter().enumerate().filter_map(cell).collect();
    let mut source = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
    let mut target = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for index in 0..source.len() {
        let mut part = source.by_index(index).unwrap();
        let (name, mut content) = (part.name().unwrap().into_owned(), Vec::new());
        part.read_to_end(&mut content).unwrap();
        if name == "xl/worksheets/sheet1.xml" {
            let text = String::from_utf8(content).unwrap();
            content =
                text.replace("</sheetData>", &format!("<row r=\"3\">{row}</row></sheetData>")).into_bytes();
        }
        target.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        target.write_all(&content).unwrap();
    }
    target.finish().unwrap().into_inner()
}

#[test]
fn a_workbook_filled_in_imports_without_a_mapping() {
    let catalogue = Catalogue::embedded().unwrap();
    let kind = catalogue.kind(&"DEAL".parse().unwrap()).unwrap();
    let fill = [
        ("交易编号", "000123"),
        ("转化方式", "独占许可"),
        ("合同金额（万元）", "#17.5"),
        ("签订日期", "2025/3/1"),
    ];
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.xlsx");
    std::fs::write(&path, filled_workbook(&template(kind), &fill)).unwrap();
    let kinds: Vec<&Kind> = catalogue.kinds().collect();
    let mapping = recognise(&path, &kinds, None).unwrap_or_else(|failed| panic!("{}", explain(&failed)));
    let mut store = MemoryStore::default();
    let report = import(&path, &mapping, kind, &ImportOptions::default(), &mut store).unwrap();
    assert!(report.problems.is_empty(), "{:?}", report.problems);
    assert!(report.warnings.is_empty(), "{:?}", report.warnings);
    let record = store.records.into_values().next().unwrap();
    assert_eq!((&record["deal_id"], &record["price"]), (&json!("000123"), &json!(17_500_000)));
}

#[test]
fn the_template_of_every_kind_is_recognised_as_its_own() {
    let catalogue = Catalogue::embedded().unwrap();
    let kinds: Vec<&Kind> = catalogue.kinds().collect();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.csv");
    for kind in &kinds {
        std::fs::write(&path, filled(&template(kind), &[])).unwrap();
        let mapping = recognise(&path, &kinds, None)
            .unwrap_or_else(|failed| panic!("{}: {}", kind.id(), explain(&failed)));
        assert_eq!(mapping.kind(), kind.id().as_str());
    }
}

#[test]
fn drop_downs_refer_to_the_labels_of_the_list() {
    let catalogue = Catalogue::embedded().unwrap();
    let kind = catalogue.kind(&"DEAL".parse().unwrap()).unwrap();
    let bytes = template(kind);
    let mut archive = zip::ZipArchive::new(Cursor::new(&bytes)).unwrap();
    let mut sheet = String::new();
    archive.by_name("xl/worksheets/sheet1.xml").unwrap().read_to_string(&mut sheet).unwrap();
    let guide = rows(&bytes, 1);
    let list = kind.field("mode").unwrap().codes().unwrap();
    let first = guide
        .iter()
        .position(|row| row[0].contains(list.title(Lang::Zh)) && row[0].starts_with("代码表"))
        .unwrap()
        + 1;
    for (row, code) in guide[first..].iter().zip(list.codes()) {
        assert_eq!((&row[0], &row[2]), (&code.zh, &code.code));
    }
    // Rows of a sheet are counted from 1.
    let range = format!("说明!$A${}:$A${}", first + 1, first + list.codes().len());
    assert!(sheet.contains(&range), "{range}");
    assert!(sheet.contains("是,否"));
}
