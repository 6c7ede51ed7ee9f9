//! The shipped layouts fit the catalogue; their numbers are exact, and what is not filled in is listed.

use std::io::Cursor;

use calamine::{Data, Reader as _, Xlsx};
use safeharbor_rules::Catalogue;
use serde_json::json;

use super::*;

/// Names of sheets and their rows.
type Sheets = Vec<(String, Vec<Vec<String>>)>;

fn shipped(catalogue: &Catalogue, name: &str) -> String {
    String::from_utf8(catalogue.files()[&format!("layouts/{name}.toml")].clone()).unwrap()
}

/// Every sheet as rows of texts.
fn rows(bytes: &[u8]) -> Sheets {
    let mut workbook: Xlsx<_> = calamine::open_workbook_from_rs(Cursor::new(bytes)).unwrap();
    let text = |range: calamine::Range<Data>| {
        range.rows().map(|row| row.iter().map(Data::to_string).collect()).collect()
    };
    workbook.worksheets().into_iter().map(|(name, range)| (name, text(range))).collect()
}

/// The cells behind a label.
fn behind<'r>(rows: &'r Sheets, sheet: &str, label: &str) -> &'r [String] {
    let (_, rows) = rows.iter().find(|(name, _)| name == sheet).unwrap();
    let row = rows.iter().find(|row| row[0] == label).unwrap_or_else(|| panic!("{label} in {rows:?}"));
    &row[1..]
}

fn deal(number: &str, mode: &str, price: Option<u64>, signed: Option<&str>) -> Record {
    let mut record = json!({"deal_id": number, "mode": mode});
    if let Some(price) = price {
        record["price"] = price.into();
    }
    if let Some(signed) = signed {
        record["signed_at"] = signed.into();
    }
    record.as_object().unwrap().clone()
}

fn filled(catalogue: &Catalogue, name: &str, fill: impl Fn(&mut Filling<'_, '_>)) -> (Sheets, Vec<Unfilled>) {
    let text = shipped(catalogue, name);
    let form = StatutoryForm::parse(&text, catalogue).unwrap();
    let mut filling = Filling::new(&form, "测试大学", form.wants_year().then_some(2025));
    fill(&mut filling);
    let mut bytes = Vec::new();
    let unfilled = filling.finish(&mut bytes).unwrap();
    (rows(&bytes), unfilled)
}

fn has(unfilled: &[Unfilled], label: &str, why: &WhyNot) -> bool {
    unfilled.iter().any(|one| one.label == label && one.why == *why)
}

#[test]
fn the_annual_report_counts_one_year_exactly() {
    let catalogue = Catalogue::embedded().unwrap();
    let kind = catalogue.kind(&"DEAL".parse().unwrap()).unwrap();
    let (rows, unfilled) = filled(&catalogue, "Y", |filling| {
        for record in [
            deal("1", "LEX", Some(100_000_000), Some("2025-01-01")),
            deal("2", "LEX", Some(99_999_999), Some("2025-12-31")),
            deal("3", "TRF", Some(10_000_000_000), Some("2025-06-30")),
            deal("4", "TRF", Some(77), Some("2024-12-31")),
            deal("5", "TRF", None, Some("2025-06-30")),
            deal("6", "TRF", Some(77), None),
        ] {
            filling.take(kind, &record);
        }
    });
    assert_eq!(behind(&rows, "总表", "合同项数")[0], "4");
    assert_eq!(behind(&rows, "总表", "合同金额（万元）")[0], "10199.999999");
    assert_eq!(behind(&rows, "总表", "100 万元及以上合同项数")[0], "2");
    assert_eq!(behind(&rows, "总表", "1 亿元及以上合同项数")[0], "1");
    assert_eq!(behind(&rows, "分方式", "独占许可")[..3], ["2", "199.999999", "1"]);
    assert_eq!(behind(&rows, "分方式", "合计")[..3], ["4", "10199.999999", "2"]);
    assert_eq!(behind(&rows, "项目清单", "3")[1..2], ["转让"]);
    let lacking = |field: &str| WhyNot::Lacking { field: field.to_owned(), records: 1 };
    assert!(has(&unfilled, "合同项数", &lacking("签订日期")));
    assert!(has(&unfilled, "合同金额（万元）", &lacking("合同金额")));
    assert!(has(&unfilled, "奖励人次", &WhyNot::NoRecord { kind: "DST 收益分配".to_owned() }));
    assert!(has(&unfilled, "技术转移机构数", &WhyNot::NotKept("本节点没有该字段".to_owned())));
    assert_eq!(behind(&rows, "总表", "奖励人次").concat(), "");
    assert!(
        rows.iter().filter(|(name, _)| name != "未能填写").all(|(_, rows)| rows[1][0].contains("非官方表样"))
    );
    let (_, listed) = rows.iter().find(|(name, _)| name == "未能填写").unwrap();
    assert_eq!(listed.len(), unfilled.len() + 1);
}

#[test]
fn the_registration_form_has_a_sheet_a_record() {
    let catalogue = Catalogue::embedded().unwrap();
    let kind = catalogue.kind(&"ACH".parse().unwrap()).unwrap();
    let record = |number: &str| {
        let record = json!({"achievement_no": number, "name": "=电解质", "secrecy": "public", "stage": "S2",
            "funding": 850_000_001, "keywords": ["固态电池", "硫化物"]});
        record.as_object().unwrap().clone()
    };
    let (rows, unfilled) = filled(&catalogue, "R", |filling| {
        filling.add(kind, &record("KY/1"));
        filling.add(kind, &record("ky1"));
    });
    let names: Vec<&str> = rows.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["KY1", "2 ky1", "未能填写"]);
    assert_eq!(behind(&rows, "KY1", "成果名称")[0], "=电解质");
    assert_eq!(behind(&rows, "KY1", "成果所处阶段")[0], "中期阶段");
    assert_eq!(behind(&rows, "KY1", "项目经费（万元）")[0], "850.000001");
    assert_eq!(behind(&rows, "KY1", "关键词（不超过 3 个）")[0], "固态电池；硫化物");
    assert!(has(&unfilled, "批准登记号", &WhyNot::Empty { field: "批准登记号".to_owned() }));
}

#[test]
fn a_layout_that_does_not_fit_is_refused_with_its_place() {
    let catalogue = Catalogue::embedded().unwrap();
    let check = |section: &str, wanted: &str| {
        let text = format!(
            "title = \"T\"\ntitle_en = \"T\"\nnotice = \"N\"\n[[sheet]]\nname = \"S\"\n[[sheet.section]]\ntitle = \"甲\"\n{section}\n"
        );
        let refused = StatutoryForm::parse(&text, &catalogue).unwrap_err().to_string();
        assert!(refused.contains(wanted), "{refused:?} does not say {wanted:?}");
    };
    check("lines = []", "line 8");
    check("line = [{ label = \"乙\", count = \"DEALS\" }]", "乙: there is no kind \"DEALS\"");
    check("line = [{ label = \"乙\", sum = \"DEAL.prise\" }]", "乙: DEAL has no field \"prise\"");
    check("line = [{ label = \"乙\", sum = \"DEAL.mode\" }]", "\"mode\" is not a whole number");
    check("line = [{ label = \"乙\", count = \"DEAL\", year = \"mode\" }]", "\"mode\" is not a date");
    check(
        "line = [{ label = \"乙\", count = \"DEAL\", only = { mode = [\"X\"] } }]",
        "a field of such values",
    );
    check(
        "line = [{ label = \"乙\", count = \"DEAL\", at_least = { field = \"price\", amount = \"1e3\" } }]",
        "such an amount",
    );
    check("line = [{ label = \"乙\" }]", "乙: give one of field");
    check("line = [{ label = \"乙\", field = \"name\" }]", "乙: give one of field");
    check(
        "by = \"DEAL.price\"\ncolumn = [{ label = \"乙\", count = \"DEAL\" }]",
        "\"price\" is not of one code",
    );
    check("list = \"DEAL\"", "甲: give line, or by");
}

#[test]
fn a_list_that_is_too_long_ends_and_says_so() {
    let catalogue = Catalogue::embedded().unwrap();
    let kind = catalogue.kind(&"DEAL".parse().unwrap()).unwrap();
    let (rows, unfilled) = filled(&catalogue, "Y", |filling| {
        for number in 0..=LIST_ROWS_MAX {
            filling.take(kind, &deal(&number.to_string(), "LEX", Some(1), Some("2025-01-01")));
        }
    });
    assert!(has(&unfilled, "当年签订的转化合同", &WhyNot::TooLong));
    assert_eq!(behind(&rows, "总表", "合同项数")[0], (LIST_ROWS_MAX + 1).to_string());
}
