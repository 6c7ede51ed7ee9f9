//! Tables as people really have them, arranged by the mapping: what is read, what is kept beside it, what is left out.

use std::io::Cursor;
use std::sync::Mutex;

use safeharbor_interchange::import::{Action, ImportOptions, Report, import_from};
use safeharbor_rules::Lang;
use serde_json::json;

use crate::fixture::{MemoryStore, explain, import_bytes, kind_of, mapping};

const RIGHTS: &str =
    "[field.right_no]\nfrom = \"编号\"\n[field.name]\nfrom = \"名称\"\n[field.right_kind]\nfrom = \"类型\"\n";

fn imported(settings: &str, text: &str) -> (Report, MemoryStore) {
    let mut store = MemoryStore::default();
    let mapping = format!("kind = \"IPR\"\n{settings}\n{RIGHTS}");
    let report = import_bytes(text.as_bytes(), &mapping, &mut store);
    (report.unwrap_or_else(|failed| panic!("{}", explain(&failed))), store)
}

fn codes(report: &Report) -> Vec<(u64, &str)> {
    report.problems.iter().map(|problem| (problem.row, problem.code.as_str())).collect()
}

#[test]
fn a_heading_that_names_a_level_keeps_out_the_rows_below_it() {
    let text = "编号,名称,类型\n公开项目,,\nP-1,甲,P\n机密项目（1项）,,\nP-2,乙,P\n非涉密项目,,\nP-3,丙,P\n";
    let (report, store) = imported("sub_headings = \"skip\"", text);
    assert_eq!(store.records.keys().collect::<Vec<_>>(), ["P-1", "P-3"]);
    assert_eq!((codes(&report), report.left_out.sub_headings), (vec![(5, "secrecy")], 3));
    assert!(report.problems[0].value.is_none() && report.problems[0].column.is_none());
}

#[test]
fn what_the_mapping_leaves_out_is_counted_and_not_refused() {
    let settings = "only = { \"类型\" = [\"P\"] }\nskip_where = { \"编号\" = \"小计\" }\nstop_at = \"注\"";
    let (report, store) =
        imported(settings, "编号,名称,类型\nP-1,甲,P\n小计,1,\nT-1,乙,T\n注：,,\nP-9,丁,P\n");
    assert_eq!((report.rows, report.new, report.refused, store.records.len()), (1, 1, 0, 1));
    assert_eq!((report.left_out.not_chosen, report.left_out.behind_end), (2, 2));
}

#[test]
fn a_rejected_row_keeps_its_heading_and_the_cells_filled_from_above() {
    let settings = "fill_down = [\"类型\"]\nsub_headings = { column = \"学院\", until = \"（\" }";
    let text = "编号,名称,类型\n计算机学院（2项）,,\nP-1,甲,P\nP-2,乙,\n";
    let bytes = Mutex::new(Vec::new());
    let write = |part: &[u8]| {
        bytes.lock().unwrap().extend_from_slice(part);
        Ok(())
    };
    let options = ImportOptions { rejects: Some(&write), ..ImportOptions::default() };
    let rights = RIGHTS.replace("from = \"名称\"", "from = [\"名称\", \"学院\"]\njoin = \"/\"");
    let mapping = mapping(&format!(
        "kind = \"IPR\"\n{settings}\n{rights}[field.app_no]\nfrom = \"名称\"\nnull = [\"甲\"]\nnormalise = \"digits\"\n"
    ));
    let mut store = MemoryStore::default();
    let report =
        import_from("成果.csv", Cursor::new(text), &mapping, kind_of(&mapping), &options, &mut store)
            .unwrap();
    assert_eq!(codes(&report), [(4, "nothing-left")]);
    let rejected = String::from_utf8(bytes.into_inner().unwrap()).unwrap();
    let lines: Vec<&str> = rejected.trim_start_matches('\u{feff}').lines().collect();
    assert_eq!((lines[1], lines[2].ends_with("P-2,乙,P")), (",计算机学院（2项）", true), "{rejected}");
    let corrected = rejected.replace("P-2,乙,", "P-2,12/474,");
    let options = ImportOptions::default();
    let report =
        import_from("x.csv", Cursor::new(corrected), &mapping, kind_of(&mapping), &options, &mut store)
            .unwrap();
    assert_eq!((report.new, report.refused), (1, 0), "{:?}", report.problems);
    assert_eq!(store.records["P-2"]["name"], "12/474/计算机学院");
    assert_eq!(store.records["P-2"]["right_kind"], "P");
}

#[test]
fn what_a_value_cannot_say_is_kept_beside_the_record() {
    let settings = "[field.legal_status]\nfrom = \"状态\"\nunknown = \"keep\"\n[field.app_no]\nfrom = \"申请号\"\nnormalise = \"alphanumeric\"\n\
                    [field.grant_date]\nfrom = \"授权日\"\nimprecise = \"keep\"\n";
    let text = "编号,名称,类型,状态,申请号,授权日\nP-1,甲,P,等待中,CN 2018 1 0123456.7,2019.05\nP-2,乙,P,GR,CN2018101234568,2019-05-01\n";
    let (report, store) = imported(settings, text);
    assert_eq!((report.new, report.problems_total), (2, 0), "{:?}", report.problems);
    let first = &store.taken[0];
    assert_eq!(first.record["app_no"], "CN2018101234567");
    assert!(!first.record.contains_key("legal_status") && !first.record.contains_key("grant_date"));
    assert_eq!(
        json!(first.raw),
        json!({"legal_status": "等待中", "app_no": "CN 2018 1 0123456.7", "grant_date": "2019.05"})
    );
    assert!(store.taken[1].raw.is_empty());
    let warned: Vec<_> = report.warnings.iter().map(|w| (w.code, w.column.as_deref(), w.row)).collect();
    assert_eq!(
        warned,
        [("imprecise-dates", Some("授权日"), Some(2)), ("unknown-codes", Some("状态"), Some(2))]
    );
    assert!(!format!("{first:?}").contains("等待中"));
}

#[test]
fn a_text_that_would_be_kept_is_searched_for_identity_card_numbers() {
    let settings = "[field.legal_status]\nfrom = \"状态\"\nunknown = \"keep\"\n[field.app_no]\nfrom = \"申请号\"\nnormalise = \"digest\"\n";
    let text =
        "编号,名称,类型,状态,申请号\nP-1,甲,P,见11010519491231002X,1\nP-2,甲,P,GR,11010519491231002X\n";
    let (report, store) = imported(settings, text);
    assert_eq!(codes(&report), [(2, "personal-id"), (3, "personal-id")]);
    assert!(store.records.is_empty());
}

#[test]
fn a_column_says_what_is_to_be_done_with_a_row() {
    let text = "编号,名称,类型,操作,密级\nP-1,甲,P,新增,\nP-2,,,删除,\nP-3,乙,P,看情况,\nP-4,,,DELETE,秘密\nP-5,丙,P,,公开\n";
    let (report, store) = imported("action = \"操作\"", text);
    let taken: Vec<_> = store.taken.iter().map(|row| (row.key.as_str(), row.action)).collect();
    assert_eq!(taken, [("P-1", Action::Add), ("P-2", Action::Delete), ("P-5", Action::Upsert)]);
    assert_eq!(json!(store.taken[1].record), json!({"right_no": "P-2"}));
    assert_eq!(codes(&report), [(4, "unknown-action"), (5, "secrecy")]);
    assert!(report.problems[0].text(Lang::Zh).contains("新增"));
}

#[test]
fn a_row_that_deletes_an_achievement_need_not_say_that_it_is_public() {
    let mapping = "kind = \"ACH\"\naction = \"操作\"\n[field.achievement_no]\nfrom = \"编号\"\n[field.name]\nfrom = \"名称\"\n[field.secrecy]\nfrom = \"密级\"\n";
    let text = "编号,名称,密级,操作\nA-1,,,删除\nA-2,乙,,修改\nA-3,,内部,删除\n";
    let mut store = MemoryStore::default();
    let report = import_bytes(text.as_bytes(), mapping, &mut store).unwrap();
    assert_eq!(store.taken.iter().map(|row| row.key.as_str()).collect::<Vec<_>>(), ["A-1"]);
    assert_eq!(codes(&report), [(3, "secrecy"), (4, "secrecy")]);
}

#[test]
fn a_bad_cell_of_a_wide_table_is_named_by_row_and_real_column() {
    let mapping = "kind = \"ACH\"\n[constant]\nsecrecy = \"public\"\n[unpivot]\ncolumns = [\"2012\", \"2011\"]\ncell = \"金额\"\nheader = \"年\"\n\
                   [field.achievement_no]\nfrom = [\"编号\", \"年\"]\njoin = \"-\"\n[field.name]\nfrom = \"编号\"\n[field.funding]\nfrom = \"金额\"\nunit = \"万元\"\n";
    let text = "编号,2012,2011\nA,1,2\nB,x,3\n";
    let mut store = MemoryStore::default();
    let report = import_bytes(text.as_bytes(), mapping, &mut store).unwrap();
    assert_eq!(store.records.keys().collect::<Vec<_>>(), ["A-2011", "A-2012", "B-2011"]);
    assert_eq!(store.records["A-2011"]["funding"], 2_000_000);
    let problem = &report.problems[0];
    assert_eq!(
        (problem.row, problem.column.as_deref(), problem.value.as_deref()),
        (3, Some("2012"), Some("x"))
    );
    let lacking = mapping.replace("[\"2012\", \"2011\"]", "\"%Y年\"");
    let failed = import_bytes(text.as_bytes(), &lacking, &mut store).unwrap_err();
    assert!(explain(&failed).contains("unpivot"), "{}", explain(&failed));
}

#[test]
fn a_file_without_header_is_read_by_the_length_of_its_rows() {
    let settings = "columns = [[\"编号\", \"名称\", \"类型\"], [\"编号\", \"校区\", \"名称\", \"类型\"]]\nignore = [\"校区\"]";
    let (report, store) = imported(settings, "P-1,甲,P\nP-2,东区,乙,P\nP-3,丙\n");
    assert_eq!((report.new, codes(&report)), (2, vec![(3, "row-of-other-length")]), "{:?}", report.problems);
    assert_eq!(store.records["P-2"]["name"], "乙");
    assert!(report.warnings.is_empty(), "{:?}", report.warnings);
}

#[test]
fn rejected_rows_of_a_file_without_header_import_again() {
    let settings = "columns = [[\"编号\", \"名称\", \"类型\"], [\"编号\", \"校区\", \"名称\", \"类型\"]]\nignore = [\"校区\"]";
    let mapping = mapping(&format!("kind = \"IPR\"\n{settings}\n{RIGHTS}"));
    let bytes = Mutex::new(Vec::new());
    let write = |part: &[u8]| {
        bytes.lock().unwrap().extend_from_slice(part);
        Ok(())
    };
    let options = ImportOptions { rejects: Some(&write), ..ImportOptions::default() };
    let (mut store, kind) = (MemoryStore::default(), kind_of(&mapping));
    let text = Cursor::new("P-1,甲,不是\nP-2,东区,乙,不是\nP-3,丙\n");
    let report = import_from("a.csv", text, &mapping, kind, &options, &mut store).unwrap();
    assert_eq!((report.new, report.refused), (0, 3));
    let rejected = String::from_utf8(bytes.into_inner().unwrap()).unwrap().replace("不是\r", "P\r");
    let text = Cursor::new(rejected.clone());
    let again = import_from("b.csv", text, &mapping, kind, &ImportOptions::default(), &mut store).unwrap();
    assert_eq!((again.new, codes(&again)), (2, vec![(4, "row-too-short")]), "{rejected}");
    assert_eq!(store.records["P-2"]["name"], "乙");
    assert!(again.warnings.is_empty(), "{:?}", again.warnings);
}

#[test]
fn arranging_cannot_make_a_row_public() {
    let fail = |settings: &str| {
        let mapping = format!("kind = \"IPR\"\n{settings}\n{RIGHTS}");
        let failed =
            import_bytes("编号,名称,类型,保密期限\n".as_bytes(), &mapping, &mut MemoryStore::default());
        explain(&failed.unwrap_err())
    };
    for settings in [
        "fill_down = [\"保密期限\"]",
        "sub_headings = { column = \"密 级\", until = \"，\" }",
        "repeats = { of = [\"编号\"], column = \"是否涉密\" }",
    ] {
        assert!(fail(settings).contains("as it stands"), "{settings}: {}", fail(settings));
    }
}
