//! What is said about bad rows: where, which value, what to do; and what is never said.

use safeharbor_interchange::import::{Report, RowProblem};
use safeharbor_rules::Lang;

use crate::fixture::{ACHIEVEMENTS, DryRun, HEADER, MemoryStore, explain, import_bytes, import_rows};

fn only(rows: &str) -> RowProblem {
    let (report, _) = import_rows(rows);
    assert_eq!(report.problems.len(), 1, "{rows:?}: {:?}", report.problems);
    report.problems[0].clone()
}

fn check(rows: &str, row: u64, column: &str, value: &str, code: &str) {
    let problem = only(rows);
    let found = (problem.row, problem.column.as_deref(), problem.value.as_deref(), problem.code.as_str());
    assert_eq!(found, (row, Some(column), Some(value), code), "{problem}");
    for lang in [Lang::Zh, Lang::En] {
        assert!(!problem.text(lang).is_empty() && !problem.advice(lang).is_empty());
        assert!(problem.line_of_text(lang).contains("成果.csv"));
    }
}

#[test]
fn a_bad_cell_is_named_with_row_column_and_value() {
    check("A-1,名,公开,18万,,,\n", 2, "经费（万元）", "18万", "not-a-number");
    check("A-1,名,公开,\"1,800\",,,\n", 2, "经费（万元）", "1,800", "number-with-comma");
    check("A-1,名,公开,1.8E+05,,,\n", 2, "经费（万元）", "1.8E+05", "digits-lost");
    check("A-1,名,公开,0.0000001,,,\n", 2, "经费（万元）", "0.0000001", "too-many-decimals");
    check("A-1,名,公开,,,01/02/2024,\n", 2, "登记日期", "01/02/2024", "not-a-date");
    check("A-1,名,公开,,,2024-02-30,\n", 2, "登记日期", "2024-02-30", "not-a-date");
    check("A-1,名,公开,,,2024-02,\n", 2, "登记日期", "2024-02", "date-incomplete");
    check("A-1,名,公开,,,,量产\n", 2, "阶段", "量产", "not-in-list");
    check("\nA-1,名,公开,,,,量产\n", 3, "阶段", "量产", "not-in-list");
}

#[test]
fn the_row_is_the_spreadsheets_and_the_line_the_files() {
    let problem = only("A-1,\"a\nb\nc\",公开,1,,,\n\nA-2,名,公开,x,,,\n");
    assert_eq!((problem.row, problem.line), (4, Some(6)));
}

#[test]
fn a_required_field_that_is_empty_names_its_column() {
    let problem = only("A-1,,公开,1,,,\n");
    assert_eq!((problem.row, problem.column.as_deref(), problem.value.as_deref()), (2, Some("名称"), None));
}

#[test]
fn a_second_row_with_the_same_key_names_the_first() {
    let (report, store) = import_rows("A-1,甲,公开,1,,,\nA-2,乙,公开,1,,,\nA-1,丙,公开,1,,,\n");
    assert_eq!((report.new, report.refused), (2, 1));
    assert_eq!(store.records["A-1"]["name"], "甲");
    let problem = &report.problems[0];
    assert_eq!(
        (problem.row, problem.code.as_str(), problem.value.as_deref()),
        (4, "duplicate-key", Some("A-1"))
    );
    assert!(problem.text(Lang::En).contains("row 2"), "{problem}");
}

#[test]
fn ragged_rows_are_refused_unless_the_mapping_pads() {
    assert_eq!(only("A-1,名,公开\n").code, "row-too-short");
    assert_eq!(only("A-1,名,公开,1,,,,多\n").code, "row-too-long");
    let (report, _) = import_rows("A-1,名,公开,1,,,,,,\n,,,,\n");
    assert_eq!((report.rows, report.new, report.refused), (1, 1, 0));
    let mut store = MemoryStore::default();
    let padded = format!("short_rows = \"pad\"\n{ACHIEVEMENTS}");
    let report = import_bytes(format!("{HEADER}A-1,名,公开\n").as_bytes(), &padded, &mut store).unwrap();
    assert_eq!((report.new, report.refused), (1, 0));
}

#[test]
fn of_a_row_that_is_not_public_nothing_is_shown() {
    const MARK: &str = "ZQ7";
    for secrecy in ["秘密", "机密", "ZQ7内部", "绝密"] {
        let (report, store) =
            import_rows(&format!("ZQ7-1,ZQ7名,{secrecy},ZQ7,ZQ7,ZQ7,ZQ7\nZQ7-1,x,{secrecy},,,,\n"));
        assert_eq!((report.refused, report.new), (2, 0));
        assert!(store.records.is_empty());
        assert_no_value(&report, MARK);
        assert_eq!(report.problems.iter().map(|problem| problem.row).collect::<Vec<_>>(), [2, 3]);
    }
    // Nor through the public row that shares its number.
    let (report, _) = import_rows("ZQ7-1,名,秘密,,,,\nZQ7-1,名,公开,,,,\n");
    assert_unsaid(&report, MARK);
    assert_eq!(report.refused, 2);
}

#[test]
fn no_mapping_opens_the_gate() {
    let check = |header: &str, setting: &str, wanted: &str| {
        let text = format!(
            "kind = \"ACH\"\nignore = [\"密级\", \"成果密级\"]\n[field.achievement_no]\nfrom = \"编号\"\n[field.name]\nfrom = \"名\"\n{setting}"
        );
        let error = import_bytes(header.as_bytes(), &text, &mut MemoryStore::default()).unwrap_err();
        assert!(explain(&error).contains(wanted), "{}", explain(&error));
    };
    let constant = "[constant]\nsecrecy = \"public\"\n";
    check("编号,名,密级\n", constant, "line 8 of the mapping file, secrecy: the file has a column \"密级\"");
    check("编号,名,成果 密级（2024）\n", constant, "the file has a column");
    check("编号,名,Secrecy\n", constant, "the file has a column");
    let codes = "[field.secrecy]\nfrom = \"密级\"\ncodes = { \"秘密\" = \"public\" }\n";
    check("编号,名,密级\n", codes, "line 9 of the mapping file, secrecy: \"秘密\" cannot be called public");
}

#[test]
fn an_identity_card_number_is_shown_nowhere() {
    const NUMBER: &str = "11010519491231002X";
    for row in [
        format!("A-1,名称 {NUMBER},公开,,,,\n"),
        format!("A-1,名,公开,{NUMBER},,,\n"),
        format!("A-1,名,公开,,张三{NUMBER},bad,bad\n"),
        format!("{NUMBER},名,公开,x,,,\n"),
        format!("A-1,名,{NUMBER},x,,,\n"),
    ] {
        let (report, store) = import_rows(&row);
        assert_eq!(report.refused, 1, "{row}");
        assert!(store.records.is_empty());
        assert_no_value(&report, "1101051949");
        assert_eq!(report.problems.len(), 1);
    }
}

fn assert_no_value(report: &Report, mark: &str) {
    for problem in &report.problems {
        assert_eq!((problem.column.as_deref(), problem.value.as_deref()), (None, None), "{problem}");
    }
    assert_unsaid(report, mark);
}

fn assert_unsaid(report: &Report, mark: &str) {
    let problems = report.problems.iter();
    let said = problems.flat_map(|problem| [Lang::Zh, Lang::En].map(|lang| problem.line_of_text(lang)));
    let warned = report
        .warnings
        .iter()
        .flat_map(|warning| [Lang::Zh, Lang::En].map(|lang| warning.text(lang).to_owned()));
    for text in said.chain(warned).chain([format!("{report:?}")]) {
        assert!(!text.contains(mark), "{text}");
    }
}

#[test]
fn a_dry_run_says_what_the_import_says_and_keeps_nothing() {
    let text = format!(
        "{HEADER}A-1,名,公开,1,,,\nA-2,名,公开,x,,,\nA-3,名,公开\nA-4,名,秘密,,,,\nA-1,b,公开,1,,,\nA-5,,公开,1,,,\n"
    );
    let mut store = MemoryStore::default();
    import_bytes(format!("{HEADER}A-1,旧名,公开,1,,,\n").as_bytes(), ACHIEVEMENTS, &mut store).unwrap();
    let before = store.clone();
    let dry = import_bytes(text.as_bytes(), ACHIEVEMENTS, &mut DryRun(&before)).unwrap();
    let wet = import_bytes(text.as_bytes(), ACHIEVEMENTS, &mut store).unwrap();
    assert_eq!(dry, wet);
    assert_eq!((wet.revised, wet.refused, wet.problems_total), (1, 5, 5));
}

#[test]
fn unknown_and_duplicate_columns_and_lost_characters_are_warned_of() {
    let text = "编号,名称,密级,经费（万元）,完成人,登记日期,阶段,备注,主管,名称\nA-1,基于????的方法,公开,,,,,,x,\nA-2,\u{fffd},公开,,,,,,,\n";
    let mut store = MemoryStore::default();
    let report = import_bytes(text.as_bytes(), ACHIEVEMENTS, &mut store).unwrap();
    assert_eq!(report.new, 2);
    let warnings: Vec<_> = report.warnings.iter().map(|w| (w.code, w.column.as_deref(), w.row)).collect();
    let wanted = [
        ("duplicate-column", Some("名称"), None),
        ("unknown-column", Some("主管"), None),
        ("lost-characters", Some("名称"), Some(2)),
    ];
    assert_eq!(warnings, wanted);
    assert!(report.warnings[2].text(Lang::Zh).contains("2 行"));
}

#[test]
fn a_missing_column_names_what_is_there_and_the_nearest() {
    let mut store = MemoryStore::default();
    let error = import_bytes("编号,名字,密级\n".as_bytes(), ACHIEVEMENTS, &mut store).unwrap_err();
    let text = explain(&error);
    for part in ["成果.csv", "编号 | 名字 | 密级", "nearest"] {
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn a_mapping_that_does_not_fit_the_kind_is_refused_with_its_line() {
    let check = |entry: &str, wanted: &str| {
        let text = format!("kind = \"ACH\"\n[field.achievement_no]\nfrom = \"编号\"\n{entry}");
        let error = import_bytes("编号,x\n".as_bytes(), &text, &mut MemoryStore::default()).unwrap_err();
        let text = explain(&error);
        assert!(text.contains(wanted), "{text:?} does not say {wanted:?}");
    };
    check(
        "[field.nmae]\nfrom = \"x\"\n",
        "line 4 of the mapping file, nmae: the kind ACH has no such field; the nearest is name",
    );
    check(
        "[field.funding]\nfrom = \"x\"\n",
        "line 4 of the mapping file, funding: the field is money: say the unit",
    );
    check(
        "[field.funding]\nfrom = \"x\"\nunit = \"美元\"\n",
        "line 6 of the mapping file, funding: the unit is one of 分, 元",
    );
    check("[field.name]\nfrom = \"x\"\nunit = \"元\"\n", "`unit` does not apply: the field holds text");
    check("[field.name]\nfrom = \"x\"\nform = \"%Y\"\n", "`form` does not apply");
    check("[field.name]\nfrom = \"x\"\nsplit = \";\"\n", "`split` does not apply");
    check(
        "[field.stage]\nfrom = \"x\"\ncodes = { a = \"S9\" }\n",
        "line 6 of the mapping file, stage: \"S9\" is not in the field's code list: S1, S2, S3",
    );
    check(
        "[constant]\nsecrecy = \"secret\"\n",
        "line 5 of the mapping file, secrecy: the constant is refused",
    );
    check("[constant]\nfunding = \"18\"\n", "line 5 of the mapping file, funding: the constant is refused");
    check("[constant]\nfundin = 18\n", "the nearest is funding");
}

#[test]
fn only_so_many_problems_are_listed_but_all_are_counted() {
    let rows: String = (0..3_000).map(|n| format!("A-{n},名,公开,x,,,\n")).collect();
    let (report, _) = import_rows(&rows);
    assert_eq!((report.refused, report.problems_total, report.problems.len()), (3_000, 3_000, 1_000));
    assert_eq!(report.problems[999].row, 1_001);
}

#[test]
fn a_table_within_the_record_is_read_from_json_and_anything_else_is_named() {
    let mapping = "kind = \"ACH\"\n[field.achievement_no]\nfrom = \"编号\"\n[field.secrecy]\nfrom = \"密级\"\n[field.co_owner_consents]\nfrom = \"同意\"\n";
    let check = |cell: &str, wanted: &str| {
        let text = format!("编号,密级,同意\nA-1,公开,\"{cell}\"\n");
        let report = import_bytes(text.as_bytes(), mapping, &mut MemoryStore::default()).unwrap();
        assert!(report.problems.iter().any(|problem| problem.code == wanted), "{:?}", report.problems);
    };
    check("张三同意", "not-json");
    check("[{\"\"x\"\": 1}]", "format");
}
