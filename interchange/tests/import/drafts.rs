//! Drafts of mappings: what they propose, that they read as mappings, and what never stands in them.

use std::io::Cursor;
use std::path::Path;
use std::sync::LazyLock;

use proptest::prelude::*;
use safeharbor_interchange::import::{Mapping, Report, draft, draft_from};
use safeharbor_rules::{Catalogue, Kind, Lang};

use crate::fixture::{MemoryStore, explain, import_bytes};
use crate::real_data::data;

static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| Catalogue::embedded().unwrap());

fn kinds(id: &str) -> Vec<&'static Kind> {
    CATALOGUE.kinds().filter(|kind| id.is_empty() || kind.id().as_str() == id).collect()
}

fn drafted(text: &str, kind: &str) -> String {
    draft_from("成果.csv", Cursor::new(text), &kinds(kind), None).unwrap()
}

fn imported(text: &str, draft: &str) -> (Report, MemoryStore) {
    let mut store = MemoryStore::default();
    let report = import_bytes(text.as_bytes(), draft, &mut store);
    (report.unwrap_or_else(|failed| panic!("{}\n{draft}", explain(&failed))), store)
}

const LIST: &str = "某大学成果清单,,,,,,,,\n序号,成果编号,成果名称,成果密级,项目经费（万元）,完成人,单位登记日期,研究起始年月,阶段情况\n\
                    计算机学院（2项）,,,,,,,,\n1,A-1,甲,公开,\"1,234.5\",张三；李四,03/25/2024,2018.01-2020.12,样机\n\
                    2,A-2,乙,公开,无,王五,11/02/2024,2019.01-2020.12,量产\n合计,2,,,,,,,\n填表人：赵六,,,,,,,,\n";

#[test]
fn the_draft_of_a_good_list_imports_without_a_change() {
    let draft = drafted(LIST, "");
    let (report, store) = imported(LIST, &draft);
    assert_eq!((report.new, report.problems_total), (2, 0), "{draft}\n{:?}", report.problems);
    let record = &store.records["A-1"];
    assert_eq!(record["funding"], 1_234_500_000_i64);
    assert_eq!(record["inventors"], serde_json::json!(["张三", "李四"]));
    assert_eq!(
        (&record["internal_registered_at"], &record["research_start"]),
        (&"2024-03-25".into(), &"2018-01".into())
    );
    assert!(!store.records["A-2"].contains_key("funding"));
    assert!(report.warnings.is_empty(), "{:?}", report.warnings);
}

#[test]
fn every_guess_is_marked_and_no_meaning_is_guessed() {
    let draft = drafted(LIST, "ACH");
    for wanted in [
        "header_row = 2 # 核对",
        "sub_headings = \"skip\" # 核对",
        "skip_where = { \"序号\" = [\"合计\"] } # 核对",
        "stop_at = [\"填表人\"]",
        "unit = \"万元\" # 核对单位",
        "form = [\"%m/%d/%Y\"] # 核对",
        "period = \"start\" # 核对",
    ] {
        assert!(draft.contains(wanted), "no {wanted:?} in\n{draft}");
    }
    let coded = drafted("成果编号,成果名称,成果密级,成果所处阶段\nA-1,甲,公开,样机\nA-2,乙,公开,S2\n", "ACH");
    assert!(
        coded.contains("# codes = { \"样机\" = \"\" }") && coded.contains("unknown = \"keep\""),
        "{coded}"
    );
    let ambiguous =
        drafted("成果编号,成果名称,成果密级,单位登记日期,项目经费\nA-1,甲,公开,03/04/2024,5\n", "ACH");
    assert!(ambiguous.contains("# form = \"\" # 其中之一 one of \"%m/%d/%Y\", \"%d/%m/%Y\""), "{ambiguous}");
    assert!(ambiguous.contains("# unit = \"\""), "{ambiguous}");
}

#[test]
fn no_value_stands_in_a_draft_but_codes_of_open_rows() {
    let text = "成果编号,成果名称,成果密级,完成人,成果所处阶段,是否涉密\n\
                ID-PLAIN,NAME-PLAIN,公开,PERSON-PLAIN,CODE-PLAIN,\nID-SECRET,NAME-SECRET,秘密,PERSON-SECRET,CODE-SECRET,\n\
                ID-GATED,NAME-GATED,公开,PERSON-GATED,CODE-GATED,是\nID-SILENT,NAME-SILENT,,PERSON-SILENT,CODE-SILENT,\n\
                ID-CX,11010519491231002X,公开,PERSON-CX,CODE-CX,\n";
    let draft = drafted(text, "ACH");
    assert!(draft.contains("CODE-PLAIN"), "{draft}");
    for hidden in ["SECRET", "GATED", "SILENT", "CX", "ID-", "NAME-", "PERSON-", "110105"] {
        assert!(!draft.contains(hidden), "{hidden} in\n{draft}");
    }
    let without_gate = text.replace("成果密级", "等次").replace("是否涉密", "其他");
    assert!(!drafted(&without_gate, "ACH").contains("CODE-"), "no row says that it is public");
}

#[test]
fn a_code_over_several_lines_stays_in_its_comment() {
    let text = "成果编号,成果名称,成果密级,成果所处阶段\nA-1,甲,公开,\"样\n\"\"机\"\n";
    let draft = drafted(text, "ACH");
    assert!(draft.contains("# codes = { \"样\\u000A\\\"机\" = \"\" }"), "{draft}");
    assert!(Mapping::parse(&draft).is_ok());
}

#[test]
fn a_row_of_values_is_not_taken_for_a_header() {
    for text in ["张三,男,110105\n李四,女,110106\n", "A-1,甲\n", "\n", "x\n"] {
        let failed = draft_from("名单.csv", Cursor::new(text), &kinds(""), None).unwrap_err();
        assert!(!explain(&failed).contains('三') && !explain(&failed).contains('甲'));
    }
}

#[test]
fn a_wide_list_is_proposed_to_be_turned() {
    let text = "2013年,2012年\n甲,乙\n丙,\n";
    let draft = drafted(text, "ACH");
    assert!(
        draft.contains("columns = \"%Y年\"")
            && draft.contains("# 必填而未找到 required and not found: secrecy")
    );
    let (report, store) = imported(text, &format!("{draft}\n[constant]\nsecrecy = \"public\"\n"));
    assert_eq!((report.new, report.problems_total), (3, 0), "{:?}", report.problems);
    assert!(store.records.values().any(|record| record["name"] == "丙"));
}

#[test]
fn drafts_of_the_sample_files_find_kind_and_key() {
    let samples = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../xtask/samples"));
    let list = std::fs::read_to_string(samples.join("institutions.json")).unwrap();
    let list: serde_json::Value = serde_json::from_str(&list).unwrap();
    for import in list.as_array().unwrap().iter().flat_map(|one| one["imports"].as_array().unwrap()) {
        let file = samples.join(import["file"].as_str().unwrap());
        let shipped = Mapping::load(&samples.join(import["mapping"].as_str().unwrap())).unwrap();
        let draft = draft(&file, &kinds(shipped.kind()), None).unwrap();
        assert_eq!(Mapping::parse(&draft).unwrap().kind(), shipped.kind(), "{draft}");
    }
}

#[test]
fn drafts_of_the_public_files_are_of_use() {
    let Some(list) = data("cn-moe-university-list-2025/全国高等学校名单.xls") else { return };
    let text = draft(&list, &kinds(""), None).unwrap();
    assert!(text.contains("kind = \"ROS\"") && text.contains("header_row = 3"), "{text}");
    let mapping = Mapping::parse(&text).unwrap();
    let (report, _) = crate::real_data::import_file(&list, &mapping);
    assert_eq!((report.new, report.problems_total), (2_919, 0), "{text}\n{:?}", report.problems);
    let Some(projects) = data("cn-nsfc-2017/natural-2017-09-26.csv") else { return };
    let text = draft(&projects, &kinds("ACH"), None).unwrap();
    assert!(
        text.contains("ignore = [\"项目批准号\"") && text.contains("not found: achievement_no"),
        "{text}"
    );
    assert!(!text.contains("负责人4") && !text.contains("71701001"), "{text}");
}

proptest! {
    #[test]
    fn a_draft_reads_as_a_mapping(
        header in proptest::collection::vec("(成果编号|名称|密级|经费\\(万元\\)|登记日期|阶段|\"a\\\\b\"|x#y|=\\[z\\]|2012|2011|[a-z\"' #=\\[\\]\\\\]{0,6})", 1..6),
        rows in proptest::collection::vec("(公开|秘密|2024-01-02|1,2|\"|\\\\|[a-z0-9,;\t#=\"'\\[\\]]{0,8}|,){1,6}", 0..6),
        delimiter in "[,;\t|]",
    ) {
        let text = format!("{}\n{}\n", header.join(&delimiter), rows.join("\n"));
        for kind in ["", "ACH"] {
            if let Ok(draft) = draft_from("x\n[y].csv", Cursor::new(&text), &kinds(kind), None) {
                prop_assert!(Mapping::parse(&draft).is_ok(), "{}\n{:?}", draft, Mapping::parse(&draft));
            }
        }
    }

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        if let Err(failed) = draft_from("x", Cursor::new(&bytes), &kinds(""), None) {
            prop_assert!(!failed.to_string().is_empty());
        }
    }
}

#[test]
fn titles_of_a_kind_give_that_kind() {
    for kind in kinds("") {
        let titles: Vec<&str> = kind.fields().iter().map(|field| field.title(Lang::Zh)).collect();
        let draft = drafted(&format!("{}\n", titles.join(",")), "");
        let wanted = format!("kind = \"{}\"", kind.id());
        assert!(draft.contains(&wanted), "{wanted} not in\n{draft}");
    }
}
