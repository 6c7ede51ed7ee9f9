//! What becomes of good files: new, unchanged, revised; the same in every encoding and layout.

use safeharbor_interchange::import::{
    Encoding, Format, ImportOptions, Objection, Progress, Taken, Wording, import_from,
};
use safeharbor_rules::Lang;
use serde_json::json;

use crate::fixture::{
    ACHIEVEMENTS, Always, HEADER, MemoryStore, import_bytes, import_rows, kind_of, mapping,
};

const ROWS: &str = "A-1,石墨烯散热膜,公开,18,张三；李四,2024/3/1,初期阶段\nA-2,\"一种\n量子 芯片\",Public,-,,2024年12月31日,样机\n";

fn counts(report: &safeharbor_interchange::import::Report) -> (u64, u64, u64, u64, u64) {
    (report.rows, report.new, report.unchanged, report.revised, report.refused)
}

#[test]
fn cells_become_fields() {
    let (report, store) = import_rows(ROWS);
    assert_eq!(counts(&report), (2, 2, 0, 0, 0), "{:?}", report.problems);
    let first = json!({
        "achievement_no": "A-1", "name": "石墨烯散热膜", "secrecy": "public", "funding": 18_000_000,
        "inventors": ["张三", "李四"], "internal_registered_at": "2024-03-01", "stage": "S1"
    });
    let second = json!({
        "achievement_no": "A-2", "name": "一种 量子 芯片", "secrecy": "public",
        "internal_registered_at": "2024-12-31", "stage": "S2"
    });
    assert_eq!(json!(store.records["A-1"]), first);
    assert_eq!(json!(store.records["A-2"]), second);
    assert_eq!(store.rows, [2, 3]);
}

#[test]
fn the_same_file_twice_changes_nothing_and_a_changed_row_is_a_revision() {
    let mut store = MemoryStore::default();
    let text = format!("{HEADER}{ROWS}");
    let mut import = |text: &str| counts(&import_bytes(text.as_bytes(), ACHIEVEMENTS, &mut store).unwrap());
    assert_eq!(import(&text), (2, 2, 0, 0, 0));
    assert_eq!(import(&text), (2, 0, 2, 0, 0));
    assert_eq!(import(&text.replace("18", "19")), (2, 0, 1, 1, 0));
    assert_eq!(import(&text.replace("18", "19")), (2, 0, 2, 0, 0));
}

#[test]
fn encoding_mark_line_ends_and_delimiter_make_no_difference() {
    let text = format!("{HEADER}{ROWS}");
    let (_, wanted) = import_rows(ROWS);
    let gbk = encoding_rs::GBK.encode(&text).0.into_owned();
    let crlf = text.replace("\"一种\n", "\"一种\r\n").replace("段\n", "段\r\n").replace("机\n", "机\r\n");
    for bytes in [
        gbk,
        crlf.into_bytes(),
        format!("\u{feff}{text}").into_bytes(),
        text.replace(',', ";").into_bytes(),
        text.replace(',', "\t").into_bytes(),
        text.replace(',', "|").into_bytes(),
        text.trim_end().as_bytes().to_vec(),
    ] {
        let mut store = MemoryStore::default();
        let report = import_bytes(&bytes, ACHIEVEMENTS, &mut store).unwrap();
        assert_eq!(store.records, wanted.records, "{report:?}");
        assert!(report.warnings.is_empty(), "{report:?}");
    }
}

#[test]
fn the_report_names_encoding_and_delimiter() {
    let mut store = MemoryStore::default();
    let gbk = encoding_rs::GBK.encode(&format!("{HEADER}{ROWS}").replace(',', ";")).0.into_owned();
    let report = import_bytes(&gbk, ACHIEVEMENTS, &mut store).unwrap();
    let detected = report.recognised.detected.unwrap();
    assert_eq!((detected.encoding, detected.bom), (Encoding::Gb18030, false));
    assert_eq!((report.recognised.format, report.recognised.delimiter), (Format::Csv, Some(';')));
    assert_eq!(report.file, "成果.csv");
}

#[test]
fn header_row_and_skipped_rows_are_respected() {
    let text = format!("科技成果台账\n\n{HEADER}填写说明,,,,,,\n{ROWS}");
    let setting = format!("header_row = 3\nskip_rows = 1\n{ACHIEVEMENTS}");
    let mut store = MemoryStore::default();
    let report = import_bytes(text.as_bytes(), &setting, &mut store).unwrap();
    assert_eq!(counts(&report), (2, 2, 0, 0, 0), "{:?}", report.problems);
    assert_eq!(store.rows, [5, 6]);
}

#[test]
fn a_header_without_rows_is_an_empty_import_with_a_warning() {
    let (report, store) = import_rows("");
    assert_eq!(counts(&report), (0, 0, 0, 0, 0));
    assert_eq!(report.warnings.iter().map(|warning| warning.code).collect::<Vec<_>>(), ["no-rows"]);
    assert!(store.records.is_empty());
}

#[test]
fn a_joined_field_takes_all_its_columns() {
    let text = "编号,密级,主题,副题\n1,公开,石墨烯, 第二版\n2,公开,量子,\n";
    let setting = "kind = \"ACH\"\nkey = [\"achievement_no\", \"secrecy\"]\n[field.achievement_no]\nfrom = \"编号\"\n\
                   [field.secrecy]\nfrom = \"密级\"\n[field.name]\nfrom = [\"主题\", \"副题\"]\njoin = \"：\"\n";
    let mut store = MemoryStore::default();
    import_bytes(text.as_bytes(), setting, &mut store).unwrap();
    assert_eq!(store.records["1\u{1f}public"]["name"], "石墨烯：第二版");
    assert_eq!(store.records["2\u{1f}public"]["name"], "量子");
}

#[test]
fn the_forced_encoding_wins_and_progress_reaches_the_end() {
    let seen = std::sync::Mutex::new(Vec::new());
    let progress = |step: Progress| seen.lock().unwrap().push(step);
    let options = ImportOptions {
        encoding: Some(Encoding::Utf8),
        progress: Some(&progress),
        ..ImportOptions::default()
    };
    let text = format!("{HEADER}{}", (0..5_000).map(|n| format!("A-{n},名,公开,1,,,\n")).collect::<String>());
    let setting = mapping(&format!("encoding = \"gbk\"\n{ACHIEVEMENTS}"));
    let kind = kind_of(&setting);
    let mut store = MemoryStore::default();
    let report =
        import_from("a.csv", std::io::Cursor::new(&text), &setting, kind, &options, &mut store).unwrap();
    assert_eq!(report.new, 5_000);
    assert_eq!(store.rows, (2..5_002).collect::<Vec<u64>>());
    assert_eq!(seen.lock().unwrap().last(), Some(&Progress { rows: 5_000, of: 5_000 }));
}

#[test]
fn what_the_store_objects_to_is_told_at_its_cell_and_in_the_order_of_the_file() {
    let objection = Objection {
        field: Some("funding".to_owned()),
        code: "no-such-record",
        text: Wording::new("没有", "is missing"),
        advice: Wording::new("补上", "supply it"),
    };
    let rows = format!("{HEADER}A-1,甲,公开,18,,,\nA-2,乙,公开,x,,,\nA-3,丙,公开,19,,,\n");
    let told = |taken: Taken| {
        let report = import_bytes(rows.as_bytes(), ACHIEVEMENTS, &mut Always(taken)).unwrap();
        let problems = report.problems.iter().map(|problem| problem.line_of_text(Lang::En));
        (problems.collect::<Vec<_>>(), report.refused, report.conflicts)
    };
    let (problems, refused, conflicts) = told(Taken::Refused(vec![objection.clone()]));
    assert_eq!((refused, conflicts, problems.len()), (3, 0, 3));
    assert_eq!(problems[0], "成果.csv row 2 (line 2), column \"经费（万元）\" \"18\": is missing. supply it");
    assert!(problems[1].contains("row 3") && problems[2].contains("row 4"), "{problems:?}");
    let (_, refused, conflicts) = told(Taken::Conflict(vec![objection]));
    assert_eq!((refused, conflicts), (1, 2));
}
