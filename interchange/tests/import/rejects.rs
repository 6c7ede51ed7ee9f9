//! Rejected rows come back as a file that imports again, and nothing of a withheld row stands in it.

use std::io::Cursor;
use std::sync::Mutex;

use proptest::prelude::*;
use safeharbor_interchange::import::{
    ImportOptions, Objection, REASON_COLUMN, Report, Sink, Taken, Wording, import_from,
};

use crate::fixture::{ACHIEVEMENTS, Always, HEADER, MemoryStore, kind_of, mapping};
use crate::real_data::{data, mappings};

/// Imports `bytes` and answers with what was rejected, as a file.
fn import(bytes: &[u8], setting: &str, store: &mut MemoryStore) -> (Report, Vec<u8>) {
    import_into(bytes, setting, store)
}

fn import_into(bytes: &[u8], setting: &str, sink: &mut dyn Sink) -> (Report, Vec<u8>) {
    let rejected = Mutex::new(Vec::new());
    let write = |bytes: &[u8]| {
        rejected.lock().unwrap().extend_from_slice(bytes);
        Ok(())
    };
    let options = ImportOptions { rejects: Some(&write), ..ImportOptions::default() };
    let mapping = mapping(setting);
    let report =
        import_from("成果.csv", Cursor::new(bytes), &mapping, kind_of(&mapping), &options, sink).unwrap();
    (report, rejected.into_inner().unwrap())
}

fn objection() -> Objection {
    let (text, advice) = (Wording::new("冲突", "conflict"), Wording::new("核对", "compare"));
    Objection { field: None, code: "conflict", text, advice }
}

fn rejects_of(rows: &str) -> String {
    let text = format!("{HEADER}{rows}");
    String::from_utf8(import(text.as_bytes(), ACHIEVEMENTS, &mut MemoryStore::default()).1).unwrap()
}

#[test]
fn a_file_without_rejected_rows_leaves_no_other() {
    assert_eq!(rejects_of("A-1,甲,公开,18,,,\n"), "");
}

#[test]
fn rejected_rows_import_again_once_they_are_corrected() {
    let text = format!(
        "{HEADER}A-1,甲,公开,18,,,\nA-2,\"乙, \"\"二\"\"\",公开,十八万,,,\nA-3,丙,公开,,,不是日期,样品\nA-1,甲,公开,18,,,\n"
    );
    let mut store = MemoryStore::default();
    let (report, file) = import(text.as_bytes(), ACHIEVEMENTS, &mut store);
    assert_eq!((report.new, report.refused), (1, 3));
    let file = String::from_utf8(file).unwrap();
    let lines: Vec<&str> = file.lines().collect();
    assert_eq!(lines[0], format!("\u{feff}{REASON_COLUMN},{}", HEADER.trim_end()));
    assert!(lines[1].starts_with("第 3 行：列“经费（万元）”：不是数字。"), "{file}");
    assert!(lines[1].ends_with(",A-2,\"乙, \"\"二\"\"\",公开,十八万,,,"), "{file}");
    assert_eq!(lines.len(), 4);

    let (again, second) = import(file.as_bytes(), ACHIEVEMENTS, &mut store);
    assert_eq!((again.rows, again.unchanged, again.refused), (3, 1, 2), "the duplicate is one no more");
    assert!(again.warnings.is_empty(), "{:?}", again.warnings);
    let second = String::from_utf8(second).unwrap();
    assert_eq!(second.matches(REASON_COLUMN).count(), 1, "{second}");
    assert!(second.lines().nth(1).unwrap().ends_with(",A-2,\"乙, \"\"二\"\"\",公开,十八万,,,"), "{second}");

    let corrected =
        second.replace("十八万", "18").replace("不是日期", "2024-03-01").replace(",样品", ",样机");
    let (third, none) = import(corrected.as_bytes(), ACHIEVEMENTS, &mut store);
    assert_eq!((third.new, third.refused, none.len()), (2, 0, 0), "{:?}", third.problems);
    assert_eq!(store.records["A-2"]["name"], "乙, \"二\"");
}

#[test]
fn of_a_withheld_row_only_number_and_reason_are_written() {
    let secret = "A-1,机要甲,机密,18,,,\nA-2,有证号 11010519491231002X,公开,,,,\n";
    let file = rejects_of(secret);
    assert_eq!(file.lines().count(), 3, "{file}");
    for told in ["第 2 行：", "第 3 行："] {
        assert!(
            file.lines().any(|line| line.starts_with(told) && line.ends_with("请在原文件中改正）")),
            "{file}"
        );
    }
    for value in ["机要甲", "机密,", "11010519491231002X", "A-1", "A-2"] {
        assert!(!file.contains(value), "{value}: {file}");
    }
    let mut store = MemoryStore::default();
    let (again, _) = import(file.as_bytes(), ACHIEVEMENTS, &mut store);
    assert_eq!((again.rows, again.refused), (0, 0), "there is nothing to import in them");
}

#[test]
fn a_row_refused_for_another_reason_is_not_copied_if_any_cell_must_not_be() {
    let unread = rejects_of("A-1,甲,公开,x,,,\n").replace("阶段", "阶段,备注");
    assert!(unread.contains("A-1"));
    let header = HEADER.replace("阶段", "阶段,备注");
    let text =
        format!("{header}A-1,甲,公开,x,,,,证号11010519491231002X\nA-2,短行 机密,,\nA-3,丙,公开,x,,,,无\n");
    let (_, file) = import(text.as_bytes(), ACHIEVEMENTS, &mut MemoryStore::default());
    let file = String::from_utf8(file).unwrap();
    assert!(file.contains("A-3,丙") && file.contains("第 2 行") && file.contains("第 3 行"), "{file}");
    assert!(!file.contains("11010519491231002X") && !file.contains("短行"), "{file}");
}

#[test]
fn what_stands_above_the_records_stands_there_again() {
    let setting = format!("header_row = 3\nskip_rows = 1\n{ACHIEVEMENTS}");
    let text = format!("科技成果台账\n\n{HEADER}填写说明,,,,,,\nA-1,甲,公开,x,,,\n");
    let mut store = MemoryStore::default();
    let (_, file) = import(text.as_bytes(), &setting, &mut store);
    let file = String::from_utf8(file).unwrap();
    let starts = [",科技成果台账", "", REASON_COLUMN, ",填写说明", "第 5 行"];
    for (line, start) in file.trim_start_matches('\u{feff}').lines().zip(starts) {
        assert!(line.starts_with(start), "{line:?} {start:?}");
    }
    let (again, _) = import(file.replace(",x,", ",18,").as_bytes(), &setting, &mut store);
    assert_eq!((again.new, again.refused), (1, 0), "{:?}", again.problems);
}

#[test]
fn the_file_is_in_the_encoding_and_with_the_delimiter_that_the_mapping_names() {
    let setting = format!("encoding = \"gbk\"\ndelimiter = \";\"\n{ACHIEVEMENTS}");
    let text = format!("{HEADER}A-1,甲,公开,x,,,\n").replace(',', ";");
    let gbk = encoding_rs::GBK.encode(&text).0.into_owned();
    let mut store = MemoryStore::default();
    let (_, file) = import(&gbk, &setting, &mut store);
    assert!(String::from_utf8(file.clone()).is_err());
    let corrected = encoding_rs::GB18030.decode(&file).0.replace(";x;", ";18;");
    let (again, _) = import(&encoding_rs::GB18030.encode(&corrected).0, &setting, &mut store);
    assert_eq!((again.new, again.refused), (1, 0), "{:?}", again.problems);
}

#[test]
fn what_the_store_refuses_is_written_with_the_rest_in_the_order_of_the_file() {
    let rows: String =
        (0..5_000).map(|n| format!("A-{n},甲,公开,{},,,\n", if n % 2 == 0 { "x" } else { "18" })).collect();
    let mut sink = Always(Taken::Conflict(vec![objection()]));
    let (report, file) = import_into(format!("{HEADER}{rows}").as_bytes(), ACHIEVEMENTS, &mut sink);
    assert_eq!((report.refused, report.conflicts), (2_500, 2_500));
    let file = String::from_utf8(file).unwrap();
    let numbers = file
        .lines()
        .skip(1)
        .map(|line| line.trim_start_matches("第 ").split(' ').next().unwrap().parse::<u64>().unwrap());
    assert!(numbers.eq(2..5_002));
}

#[test]
fn a_public_file_of_which_every_row_is_refused_comes_back_as_the_same_records() {
    // Of a title that a list has twice in one year, the second is named alone: it would come back as the first.
    for (path, name, repeated) in [
        ("cn-nsfc-2017/natural-2017-09-26.csv", "nsfc-2017.toml", 0),
        (
            "cn-beijing-bupt-bjtu-gbk/北京交通大学电气工程学院2012-2008年科研项目一览.csv",
            "bjtu-projects.toml",
            4,
        ),
        ("cn-beijing-bupt-bjtu-gbk/北京邮电大学2013-2009年获奖科技成果.csv", "bupt-awards.toml", 0),
        ("nasa-patents/nasa_patents_comma_lf.csv", "nasa-patents.toml", 0),
    ] {
        let Some(file) = data(path) else { continue };
        let setting = std::fs::read_to_string(mappings().join(name)).unwrap();
        let bytes = std::fs::read(&file).unwrap();
        let mut wanted = MemoryStore::default();
        import(&bytes, &setting, &mut wanted);
        let mut refused = Always(Taken::Refused(vec![objection()]));
        let (report, rejects) = import_into(&bytes, &setting, &mut refused);
        assert_eq!(report.refused, report.rows, "{path}");
        let mut found = MemoryStore::default();
        let (_, second) = import(&rejects, &setting, &mut found);
        assert_eq!(found.records.len() + repeated, wanted.records.len(), "{path}");
        assert!(found.records.iter().all(|(key, record)| wanted.records.get(key) == Some(record)), "{path}");
        let mut refused = Always(Taken::Refused(vec![objection()]));
        let (_, third) = import_into(&rejects, &setting, &mut refused);
        assert!(second.len() < third.len(), "{path}: only rows that break a rule are rejected now");
    }
}

#[test]
fn rows_of_json_lines_come_back_as_json_lines() {
    let text = "{\"编号\":\"A-1\",\"名称\":\"甲\",\"密级\":\"公开\",\"经费（万元）\":\"x\",\"完成人\":[\"张、三\",\"李四\"],\"登记日期\":null,\"阶段\":\"\"}\n\
                {\"编号\":\"A-2\",\"名称\":\"乙\",\"密级\":\"机密\"}\n";
    let mut store = MemoryStore::default();
    let (report, file) = import(text.as_bytes(), ACHIEVEMENTS, &mut store);
    assert_eq!((report.refused, report.new), (2, 0), "{:?}", report.problems);
    let file = String::from_utf8(file).unwrap();
    assert!(!file.contains("机密") && !file.contains("A-2"), "{file}");
    let (again, second) = import(file.as_bytes(), ACHIEVEMENTS, &mut store);
    assert_eq!((again.rows, again.refused), (1, 1), "{:?}", again.problems);
    let corrected = String::from_utf8(second).unwrap().replace("\"x\"", "18");
    assert_eq!(corrected.matches(REASON_COLUMN).count(), 1, "{corrected}");
    let (third, _) = import(corrected.as_bytes(), ACHIEVEMENTS, &mut store);
    assert_eq!((third.new, third.refused), (1, 0), "{:?}", third.problems);
    assert_eq!(store.records["A-1"]["inventors"], serde_json::json!(["张、三", "李四"]));
}

proptest! {
    #[test]
    fn cells_come_back_as_they_were(cells in proptest::collection::vec("[a甲,;\"' \t\r\n=]{0,6}", 3)) {
        let quoted: Vec<String> = cells.iter().map(|cell| format!("\"{}\"", cell.replace('"', "\"\""))).collect();
        let file = rejects_of(&format!("A-1,{},公开,x,{},,{}\n", quoted[0], quoted[1], quoted[2]));
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(file.trim_start_matches('\u{feff}').as_bytes());
        let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
        prop_assert_eq!(rows.len(), 1);
        let found: Vec<&str> = rows[0].iter().skip(1).collect();
        prop_assert_eq!(found, vec!["A-1", &cells[0], "公开", "x", &cells[1], "", &cells[2]]);
    }
}
