//! Workbooks and JSON Lines as tables: the same records as CSV, Excel's damage named, what is hidden reported.

use safeharbor_interchange::import::{Format, Report};
use safeharbor_rules::Lang;
use serde_json::json;

use crate::fixture::{ACHIEVEMENTS, HEADER, MemoryStore, explain, import_bytes};
use crate::workbook_file::{Biff, Xlsx, ods, ods_row, row, wide, xls};

const NAMES: [&str; 7] = ["成果编号", "名称", "密级", "经费（万元）", "完成人", "登记日期", "阶段"];

fn import(bytes: &[u8]) -> (Report, MemoryStore) {
    let mut store = MemoryStore::default();
    let report = import_bytes(bytes, ACHIEVEMENTS, &mut store);
    (report.unwrap_or_else(|error| panic!("{}", explain(&error))), store)
}

fn xlsx(rows: &[String]) -> Xlsx {
    let mut book = Xlsx::of(&[vec![row(1, &NAMES)], rows.to_vec()].concat().concat());
    book.cell_formats = "<xf numFmtId='14'/><xf numFmtId='164'/><xf numFmtId='9'/>".to_owned();
    book.number_formats =
        "<numFmt numFmtId='164' formatCode='yyyy&quot;年&quot;m&quot;月&quot;'/>".to_owned();
    book
}

/// Code, row, column and value of every problem.
fn problems(report: &Report) -> Vec<(&str, u64, &str, &str)> {
    let problem = |p: &'_ safeharbor_interchange::import::RowProblem| {
        for lang in [Lang::Zh, Lang::En] {
            assert!(!p.text(lang).is_empty() && !p.advice(lang).is_empty());
        }
    };
    report.problems.iter().for_each(problem);
    let parts = report.problems.iter();
    parts
        .map(|p| {
            (p.code.as_str(), p.row, p.column.as_deref().unwrap_or(""), p.value.as_deref().unwrap_or(""))
        })
        .collect()
}

fn warnings(report: &Report) -> Vec<(&str, Option<&str>, Option<u64>)> {
    report.warnings.iter().map(|warning| (warning.code, warning.column.as_deref(), warning.row)).collect()
}

#[test]
fn every_format_gives_the_same_records() {
    let cells = ["A-1", "石墨烯散热膜", "公开", "17.5", "张三；李四", "2018-01-15", "初期阶段"];
    let csv = format!("{HEADER}{}\n", cells.join(","));
    let (_, wanted) = import(csv.as_bytes());
    assert_eq!(wanted.records.len(), 1);
    let number = "<c><v>17.5</v></c>";
    let day = "<c s='1'><v>43115</v></c>";
    let typed = ["A-1", "石墨烯散热膜", "公开", number, "张三；李四", day, "初期阶段"];
    let mut sheet = Biff::default();
    for (at, name) in (0..).zip(NAMES) {
        sheet.text(0, at, name);
    }
    for (at, cell) in (0..).zip(cells) {
        match at {
            3 => sheet.number(1, at, 0, 17.5),
            5 => sheet.number(1, at, 1, 43_115.0),
            _ => sheet.text(1, at, cell),
        }
    }
    let keys = NAMES.iter().zip(cells).map(|(&name, cell)| (name.to_owned(), json!(cell)));
    let mut line: serde_json::Map<String, serde_json::Value> = keys.collect();
    line.insert("经费（万元）".to_owned(), json!(17.5));
    line.insert("完成人".to_owned(), json!(["张三", "李四"]));
    let line = serde_json::Value::Object(line).to_string();
    let utf16: Vec<u8> = csv.encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (bytes, format) in [
        (xlsx(&[row(2, &typed)]).bytes(), Format::Xlsx),
        (ods(&[ods_row(&NAMES), ods_row(&cells)].concat()), Format::Ods),
        (xls(&sheet, false), Format::Xls),
        (line.into_bytes(), Format::JsonLines),
        ([&[0xFF, 0xFE], utf16.as_slice()].concat(), Format::Csv),
        (utf16, Format::Csv),
    ] {
        let (report, store) = import(&bytes);
        assert_eq!(report.recognised.format, format);
        assert_eq!(problems(&report), []);
        assert!(store.records == wanted.records, "{format}: {:?}", store.records);
    }
}

#[test]
fn excels_damage_is_named_with_row_column_and_value() {
    let with = |at: usize, cell: &'static str| {
        let mut cells = ["A-1", "名", "公开", "", "", "", ""];
        cells[at] = cell;
        xlsx(&[row(2, &cells)])
    };
    for (at, cell, code, value) in [
        (0, "<c><v>411101000112345678</v></c>", "digits-lost", "4.11101000112346E+17"),
        (0, "<c><v>1.2345678901234568E15</v></c>", "digits-lost", "1.23456789012346E+15"),
        (3, "<c><v>1234567890123456</v></c>", "digits-lost", "1.23456789012346E+15"),
        (5, "<c><v>43115</v></c>", "not-a-date", "43115"),
        (5, "<c s='1'><v>60</v></c>", "not-a-date", "1900-02-29"),
        (5, "<c s='1'><v>99999999</v></c>", "not-a-date", "99999999"),
        (5, "<c s='2'><v>43101</v></c>", "date-incomplete", "2018-01"),
        (1, "<c t='e'><f>A9</f><v>#REF!</v></c>", "formula-error", "#REF!"),
        (1, "<c t='e'><v>#N/A</v></c>", "formula-error", "#N/A"),
        (1, "<c><f>A9&amp;B9</f></c>", "formula-without-value", ""),
        (3, "<c><f>A9</f><v></v></c>", "formula-without-value", ""),
    ] {
        let (report, store) = import(&with(at, cell).bytes());
        assert_eq!(problems(&report), [(code, 2, NAMES[at], value)], "{cell}");
        assert_eq!(report.problems[0].line, None);
        assert!(store.records.is_empty());
    }
    let (report, _) = import(&with(0, "<c><v>411101000112345678</v></c>").bytes());
    let problem = &report.problems[0];
    assert!(problem.text(Lang::En).starts_with("digits lost in Excel"), "{problem}");
    assert!(problem.advice(Lang::Zh).contains("文本"), "{}", problem.advice(Lang::Zh));
}

#[test]
fn what_excel_kept_is_read_as_it_was_typed() {
    let cells = [
        "<c><v>4111010001.0</v></c>",
        "<c t='b'><v>1</v></c>",
        "公开",
        "<c><v>0.30000000000000004</v></c>",
        "<c t='str'><f>B1</f><v>张三</v></c>",
        "<c s='1'><f>TODAY()</f><v>43115.25</v></c>",
    ];
    let (report, store) = import(&xlsx(&[row(2, &cells)]).bytes());
    assert_eq!(problems(&report), []);
    let wanted = json!({
        "achievement_no": "4111010001", "name": "TRUE", "secrecy": "public", "funding": 300_000,
        "inventors": ["张三"], "internal_registered_at": "2018-01-15",
    });
    assert_eq!(json!(store.records["4111010001"]), wanted);
    assert_eq!(
        warnings(&report),
        [("formula", Some("完成人"), Some(2)), ("formula", Some("登记日期"), Some(2))]
    );
}

#[test]
fn formulas_filled_down_below_a_table_are_no_rows() {
    let empty = "<c t='str'><f>IF(A9=\"\",\"\",A9)</f><v></v></c>";
    let (report, _) = import(
        &xlsx(&[row(2, &["A-1", "名", "公开"]), row(3, &[empty, empty]), row(4, &["<c><v/></c>"])]).bytes(),
    );
    assert_eq!((report.rows, report.new, problems(&report)), (1, 1, vec![]));
}

#[test]
fn days_are_counted_from_the_workbooks_own_base() {
    let mut book = xlsx(&[row(2, &["A-1", "名", "公开", "", "", "<c s='1'><v>41653</v></c>"])]);
    book.is_1904 = true;
    assert_eq!(import(&book.bytes()).1.records["A-1"]["internal_registered_at"], "2018-01-15");
    let mut sheet = Biff::default();
    for (at, name) in (0..).zip(NAMES) {
        sheet.text(0, at, name);
    }
    for (at, cell) in [(0, "A-1"), (1, "名"), (2, "公开")] {
        sheet.text(1, at, cell);
    }
    sheet.number(1, 5, 1, 41_653.0);
    assert_eq!(import(&xls(&sheet, true)).1.records["A-1"]["internal_registered_at"], "2018-01-15");
    assert_eq!(import(&xls(&sheet, false)).1.records["A-1"]["internal_registered_at"], "2014-01-14");
}

#[test]
fn what_is_hidden_is_read_and_reported() {
    let hidden = row(3, &["A-2", "名", "公开"]).replace("<row ", "<row hidden='1' ");
    let rows = [row(1, &NAMES), row(2, &["A-1", "名", "公开"]), hidden].concat();
    let inside = format!(
        "<cols><col min='2' max='2' hidden='1'/><col min='8' max='16384' hidden='1'/></cols><sheetData>{rows}</sheetData>"
    );
    let book = Xlsx::default()
        .with("空", "visible", "<sheetData/>")
        .with("旧", "veryHidden", "<sheetData/>")
        .with("成果", "visible", &inside)
        .with("统计", "visible", "<sheetData/>");
    let (report, store) = import(&book.bytes());
    assert_eq!(store.records.len(), 2);
    assert_eq!(report.recognised.sheet.as_deref(), Some("成果"));
    let wanted = [
        ("other-sheets", None, None),
        ("hidden-sheets", None, None),
        ("hidden-column", Some("名称"), None),
        ("hidden-rows", None, Some(3)),
    ];
    assert_eq!(warnings(&report), wanted);
    assert!(report.warnings[0].text(Lang::En).contains("\"空\", \"统计\""));
    assert!(report.warnings[1].text(Lang::Zh).contains("旧"));
    let mut sheet = Biff::default();
    sheet.put(0x0208, &[1, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0x20, 0, 0, 0]);
    sheet.put(0x007D, &[1, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0]);
    for (at, name) in (0..).zip(NAMES) {
        sheet.text(0, at, name);
    }
    for (at, cell) in [(0, "A-1"), (1, "名"), (2, "公开")] {
        sheet.text(1, at, cell);
    }
    let (report, _) = import(&xls(&sheet, false));
    assert_eq!(warnings(&report), [("hidden-column", Some("名称"), None), ("hidden-rows", None, Some(2))]);
}

#[test]
fn the_mapping_names_the_sheet() {
    let sheet =
        |id: &str| format!("<sheetData>{}{}</sheetData>", row(1, &NAMES), row(2, &[id, "名", "公开"]));
    let bytes =
        Xlsx::default().with("甲", "visible", &sheet("A-1")).with("乙", "hidden", &sheet("A-2")).bytes();
    for (setting, id) in [("sheet = \"乙\"", "A-2"), ("sheet = 2", "A-2"), ("sheet = 1", "A-1"), ("", "A-1")]
    {
        let mut store = MemoryStore::default();
        import_bytes(&bytes, &format!("{setting}\n{ACHIEVEMENTS}"), &mut store).unwrap();
        assert_eq!(store.records.keys().collect::<Vec<_>>(), [id], "{setting}");
    }
    let error = import_bytes(&bytes, &format!("sheet = \"丙\"\n{ACHIEVEMENTS}"), &mut MemoryStore::default());
    let text = explain(&error.unwrap_err());
    assert!(text.contains("has no sheet \"丙\"; it has \"甲\", \"乙\""), "{text}");
}

#[test]
fn formulas_and_errors_of_old_workbooks_are_read_by_their_saved_results() {
    let mut sheet = Biff::default();
    for (at, name) in (0..).zip(NAMES) {
        sheet.text(0, at, name);
    }
    sheet.text(1, 0, "A-1");
    let text_result = [&[0, 0, 0, 0, 0, 0, 0xFF, 0xFF][..], &[0; 8]].concat();
    sheet.cell(0x0006, 1, 1, 0, &text_result);
    sheet.put(0x0207, &wide("算出的名"));
    sheet.text(1, 2, "公开");
    sheet.cell(0x00BD, 1, 3, 0, &[&((1_750_u32 << 2) | 3).to_le_bytes()[..], &[3, 0]].concat());
    let (report, store) = import(&xls(&sheet, false));
    assert_eq!(problems(&report), []);
    assert_eq!(warnings(&report), [("formula", Some("名称"), Some(2))]);
    assert_eq!(
        json!(store.records["A-1"]),
        json!({"achievement_no": "A-1", "name": "算出的名", "secrecy": "public", "funding": 17_500_000})
    );
    sheet.cell(0x0205, 1, 5, 0, &[0x17, 1]);
    assert_eq!(problems(&import(&xls(&sheet, false)).0), [("formula-error", 2, "登记日期", "#REF!")]);
}

#[test]
fn lists_and_tables_within_records_come_through_json_lines_without_loss() {
    let consents = json!([{"owner": "甲大学", "consented": true, "date": "2024-03-01"}]);
    let line = json!({"编号": "A-1", "名称": "名", "密级": "公开", "完成人": ["张三；李四", "王五"], "consents": consents});
    let mapping = "kind = \"ACH\"\n[field.achievement_no]\nfrom = \"编号\"\n[field.name]\nfrom = \"名称\"\n\
                   [field.secrecy]\nfrom = \"密级\"\n[field.inventors]\nfrom = \"完成人\"\nsplit = [\"；\"]\n\
                   [field.co_owner_consents]\nfrom = \"consents\"\n";
    let mut store = MemoryStore::default();
    let report = import_bytes(line.to_string().as_bytes(), mapping, &mut store).unwrap();
    assert_eq!(problems(&report), []);
    assert_eq!(store.records["A-1"]["inventors"], json!(["张三；李四", "王五"]));
    assert_eq!(store.records["A-1"]["co_owner_consents"], consents);
    let broken = line.to_string().replace(&consents.to_string(), "\"[1\"");
    let report = import_bytes(broken.as_bytes(), mapping, &mut MemoryStore::default()).unwrap();
    assert_eq!(problems(&report), [("not-json", 1, "consents", "[1")]);
}
