//! The gate of secrecy: every spelling, every column, every kind; and names that are never repeated.

use std::io::Cursor;

use safeharbor_interchange::import::{ImportOptions, Report, import_from, shown_file_name, split};
use safeharbor_rules::Lang;

use crate::fixture::{ACHIEVEMENTS, MemoryStore, explain, import_bytes, import_rows, kind_of, mapping};

const LIST: &str = "kind = \"ACH\"\nignore = [\"保密等级\"]\n[field.achievement_no]\nfrom = \"编号\"\n\
                    [field.name]\nfrom = \"名\"\n";
const CONSTANT: &str = "[constant]\nsecrecy = \"public\"\n";
const NUMBER: &str = "11010519491231002X";

fn import(text: &str, setting: &str) -> Result<(Report, MemoryStore), String> {
    let mut store = MemoryStore::default();
    let report = import_bytes(text.as_bytes(), setting, &mut store).map_err(|error| explain(&error))?;
    Ok((report, store))
}

fn everything_said(report: &Report) -> String {
    let problems = report.problems.iter().map(|problem| problem.line_of_text(Lang::En));
    let warnings = report.warnings.iter().map(|warning| warning.text(Lang::En).to_owned());
    problems.chain(warnings).chain([format!("{report:?}")]).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_constant_overrules_no_column_about_secrecy() {
    for column in [
        "保密等级",
        "涉密等级",
        "是否涉密",
        "定密",
        "密等",
        "保密期限",
        "密-级",
        "Classification",
        "CONFIDENTIAL?",
    ] {
        let error =
            import(&format!("编号,名,{column}\n1,x,机密\n"), &format!("{LIST}{CONSTANT}")).unwrap_err();
        assert!(error.contains("line 8 of the mapping file, secrecy: the file has a column"), "{error}");
        assert!(error.contains(column) && !error.contains("机密"), "{error}");
    }
    import("编号,名\n1,x\n", &format!("{LIST}{CONSTANT}")).unwrap();
}

#[test]
fn every_column_about_secrecy_keeps_its_row_out_whatever_the_mapping_reads() {
    let check = |header: &str, first: &str, second: &str, taken: bool| {
        let setting = format!("{LIST}[field.secrecy]\nfrom = [\"公开情况\", \"成果密级\"]\n");
        let (report, store) =
            import(&format!("编号,名,{header}\nZQ7,ZQ7,{first},{second}\n"), &setting).unwrap();
        assert_eq!(store.records.len(), usize::from(taken), "{header}: {first}, {second}");
        let codes: Vec<&str> = report.problems.iter().map(|problem| problem.code.as_str()).collect();
        assert_eq!(codes, if taken { vec![] } else { vec!["secrecy"] });
        assert!(taken || !everything_said(&report).contains("ZQ7"));
    };
    check("公开情况,成果密级", "公开", "公开", true);
    check("公开情况,成果密级", "公开", "", true);
    check("公开情况,成果密级", "公开", "机密", false);
    check("成果密级,成果密级", "公开", "机密", false);
    check("成果密级,成 果 密 级", "公开", "公开", true);
    check("成果密级,保密等级", "公开", "机密", false);
    check("成果密级,保密等级", "公开", "非涉密", true);
    check("成果密级,保密期限", "公开", "10年", false);
    check("成果密级,保密期限", "公开", "无", true);
    check("成果密级,是否涉密", "公开", "否", true);
    check("成果密级,是否涉密", "公开", "是", false);
    check("成果密级,Classification", "公开", "Ｕ", true);
    check("成果密级,Classification", "公开", "TS", false);
    check("成果密级,保密等级", "公开", "不公开(内部)", false);
}

#[test]
fn every_kind_has_the_gate() {
    for (kind, key) in [("IPR", "right_no"), ("DEAL", "deal_id"), ("ENT", "code"), ("PRF", "code")] {
        for ignore in ["", "ignore = [\"密级\"]\n"] {
            let setting = format!("kind = \"{kind}\"\n{ignore}[field.{key}]\nfrom = \"编号\"\n");
            let codes = |secrecy: &str| {
                let (report, store) = import(&format!("编号,密级\nZQ7,{secrecy}\n"), &setting).unwrap();
                assert!(store.records.is_empty());
                let shown =
                    report.problems.iter().any(|problem| problem.value.is_some() || problem.column.is_some());
                (report.problems.iter().any(|problem| problem.code == "secrecy"), shown)
            };
            assert_eq!(codes("机密"), (true, false), "{kind}");
            assert!(!codes("公开").0 && !codes("").0, "{kind}");
        }
    }
    let rights = "kind = \"IPR\"\n[field.right_no]\nfrom = \"编号\"\n[field.name]\nfrom = \"名\"\n\
                  [constant]\nright_kind = \"P\"\nlegal_status = \"GR\"\n";
    let (report, store) = import("编号,名,密级\n1,x,机密\n2,y,公开\n3,z,\n", rights).unwrap();
    assert_eq!(store.rows, [3, 4], "{:?}", report.problems);
    assert_eq!(report.warnings.iter().map(|warning| warning.code).collect::<Vec<_>>(), ["secrecy-column"]);
}

#[test]
fn only_texts_that_mean_public_may_be_called_so() {
    let codes = |from: &str, text: &str| {
        let setting =
            format!("{LIST}[field.secrecy]\nfrom = [\"{from}\"]\ncodes = {{ \"{text}\" = \"public\" }}\n");
        import(&format!("编号,名,{from}\n1,x,{text}\n"), &setting).map(|(report, _)| report.new)
    };
    for (from, text) in [
        ("密级", "非公开机密"),
        ("密级", "不公开(内部)"),
        ("密级", "非公开"),
        ("密级", "不公开"),
        ("密级", "涉密"),
        ("密级", "秘密"),
        ("密级", "否"),
        ("密级", "-"),
        ("是否公开", "是"),
        ("是否公开", "否"),
        ("是否公开", "无"),
        ("是否涉密", "是"),
        ("是否非密", "否"),
        ("Unclassified", "no"),
    ] {
        let error = codes(from, text).unwrap_err();
        let wanted = format!("line 9 of the mapping file, secrecy: {text:?} cannot be called public");
        assert!(error.contains(&wanted), "{error}");
    }
    for (from, text) in [
        ("密级", "非密"),
        ("密级", "无"),
        ("Classification", "U"),
        ("是否涉密", "否"),
        ("公开情况", "非涉密"),
        ("密级", "公开"),
    ] {
        assert_eq!(codes(from, text), Ok(1), "{from} = {text}");
    }
}

#[test]
fn the_text_of_a_gate_may_not_be_changed_first() {
    for (setting, name) in
        [("strip = [\"非\"]", "strip"), ("null = [\"机密\"]", "null"), ("join = \"\"", "join")]
    {
        let text = format!("{LIST}[field.secrecy]\nfrom = \"密级\"\n{setting}\n");
        let error = import("编号,名,密级\n1,x,非公开\n", &text).unwrap_err();
        let wanted = format!("line 7 of the mapping file, secrecy: `{name}` may not be set here");
        assert!(error.contains(&wanted), "{error}");
    }
    // What means "empty" in every column empties no gate that is not read, and opens none that is.
    let text = format!("null = [\"机密\"]\n{LIST}[field.secrecy]\nfrom = \"密级\"\n");
    let (report, store) = import("编号,名,密级,定密\n1,x,机密,\n2,x,公开,机密\n", &text).unwrap();
    assert!(store.records.is_empty() && report.refused == 2);
}

#[test]
fn a_file_name_with_an_identity_card_number_is_withheld() {
    let name = format!("张三{NUMBER}.csv");
    let (setting, mut store) = (mapping(ACHIEVEMENTS), MemoryStore::default());
    let mut run = |text: &str| {
        import_from(
            &name,
            Cursor::new(text),
            &setting,
            kind_of(&setting),
            &ImportOptions::default(),
            &mut store,
        )
    };
    let report = run("编号,名称,密级,经费（万元）,完成人,登记日期,阶段\nA,名,公开,x,,,\n").unwrap();
    assert_eq!(report.file, "(file name withheld)");
    assert!(!everything_said(&report).contains("1101051949"));
    assert_eq!(run("").unwrap_err().file, "(file name withheld)");
    let folder = tempfile::tempdir().unwrap();
    let error = split(&folder.path().join(&name), &setting, "编号").unwrap_err();
    assert_eq!(error.file, "(file name withheld)");
    assert_eq!(shown_file_name("数据/成果.csv".as_ref()), "成果.csv");
}

#[test]
fn a_row_that_is_no_header_is_not_quoted() {
    let setting = |row: u64| format!("header_row = {row}\n{ACHIEVEMENTS}");
    let long = "长".repeat(41);
    for row in [
        "ZQ7-1,ZQ7名,公开,18,张三,2024/3/1,初期阶段".to_owned(),
        "编号,ZQ7,13800138000".to_owned(),
        format!("编号,ZQ7,{NUMBER}"),
        format!("编号,ZQ7{long}"),
    ] {
        let error = import(&format!("编号,名称\n{row}\n"), &setting(2)).unwrap_err();
        assert!(error.contains("row 2 does not look like a header row"), "{error}");
        for said in ["ZQ7", "1380013", "1101051949", "张三"] {
            assert!(!error.contains(said), "{error}");
        }
    }
    let error = import("编号,名字,密级（2024）\n", &setting(1)).unwrap_err();
    assert!(error.contains("编号 | 名字 | 密级（2024）"), "{error}");
}

#[test]
fn a_column_name_with_an_identity_card_number_is_withheld() {
    let (report, _) =
        import(&format!("编号,名,密级,{NUMBER}\n"), &format!("{LIST}[field.secrecy]\nfrom = \"密级\"\n"))
            .unwrap();
    assert!(!everything_said(&report).contains("1101051949"), "{report:?}");
    assert_eq!(report.warnings[0].column.as_deref(), Some("(column name withheld)"));
}

/// Rows about record A between `many` others: one that is public, and one that `spoils` it.
fn with_public_row(spoils: &str, public_first: bool, many: usize) -> String {
    let public = "A,ZQ7名,公开,,,,初期阶段\n".to_owned();
    let others: String = (0..many).map(|n| format!("B-{n},名,公开,,,,\n")).collect();
    if public_first { public + &others + spoils } else { spoils.to_owned() + &others + &public }
}

#[test]
fn no_row_for_a_record_is_taken_if_another_of_the_file_may_not_be_stored() {
    let personal = format!("A,名,公开,,{NUMBER},,\n");
    for spoils in ["A,名,机密,,,,\n", personal.as_str()] {
        for (public_first, many) in [(true, 0), (false, 0), (true, 5_000), (false, 5_000)] {
            let (report, store) = import_rows(&with_public_row(spoils, public_first, many));
            assert!(!store.records.contains_key("A"), "{spoils} {public_first} {many}");
            assert_eq!((store.records.len(), report.refused), (many, 2));
            let barred = report.problems.iter().filter(|problem| problem.code == "barred-by-row");
            assert_eq!(barred.count(), 1, "{spoils} {public_first} {many}");
            assert!(!everything_said(&report).contains("ZQ7"));
        }
    }
}

#[test]
fn a_row_that_deletes_or_breaks_a_rule_is_barred_like_any_other() {
    let mapping = format!("action = \"操作\"\n{ACHIEVEMENTS}");
    let text = "编号,名称,密级,经费（万元）,完成人,登记日期,阶段,操作\n\
                A,,公开,,,,,删除\nB,名,公开,ZQ7,,,,\nA,名,机密,,,,,\nB,名,机密,,,,,\n";
    let mut store = MemoryStore::default();
    let report = import_bytes(text.as_bytes(), &mapping, &mut store).unwrap();
    assert_eq!((store.taken.len(), report.refused, report.deleted), (0, 4, 0));
    assert!(!everything_said(&report).contains("ZQ7"));
}

#[test]
fn an_empty_cell_below_a_closed_one_is_closed_in_every_kind_and_layout() {
    let text = "编号,密级\nA-1,机密\nA-2,\nA-3,公开\nA-4,\n";
    let mapping = "kind = \"IPR\"\n[field.right_no]\nfrom = \"编号\"\n[field.name]\nfrom = \"编号\"\n[constant]\nright_kind = \"P\"\n";
    let mut store = MemoryStore::default();
    let report = import_bytes(text.as_bytes(), mapping, &mut store).unwrap();
    assert_eq!((report.new, report.refused), (2, 2), "{:?}", report.problems);
    assert_eq!(store.records.keys().collect::<Vec<_>>(), ["A-3", "A-4"]);
}
