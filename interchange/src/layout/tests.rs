//! Every record of every kind is written and read again without loss, whatever its texts hold.

use proptest::prelude::*;
use safeharbor_rules::Catalogue;
use serde_json::json;

use super::*;
use crate::import::text::fold;

fn catalogue() -> Catalogue {
    Catalogue::embedded().unwrap()
}

fn check(field: &str, value: &Value, text: &str) {
    let catalogue = catalogue();
    let deal = Layout::of(catalogue.kind(&"DEAL".parse().unwrap()).unwrap());
    let column = deal.columns().iter().find(|column| column.field().name() == field).unwrap();
    assert_eq!(column.text(value), text);
    assert_eq!(column.read(text).as_ref(), Some(value), "{text}");
}

#[test]
fn values_are_written_as_people_write_them() {
    check("price", &json!(17_500_000), "17.5");
    check("price", &json!(1), "0.000001");
    check("pay_rate", &json!(3_550), "35.5");
    check("in_haidian", &json!(true), "是");
    check("mode", &json!("LEX"), "独占许可");
    check("signed_at", &json!("2024-03-01"), "2024-03-01");
    check("achievements", &json!(["KY-1", "KY-2"]), "KY-1；KY-2");
    check("waivers", &json!([{"person": "林晚秋"}]), r#"[{"person":"林晚秋"}]"#);
}

#[test]
fn what_would_not_come_back_is_marked() {
    check("buyer_name", &json!("=HYPERLINK(1)"), "'=HYPERLINK(1)");
    check("buyer_name", &json!("＠x"), "'＠x");
    check("buyer_name", &json!("'a"), "''a");
    check("buyer_name", &json!("\"a\""), "\"a\"");
    check("buyer_name", &json!(" a\t"), r#"'" a\t""#);
    check("buyer_name", &json!("a_x0041_"), r#"'"a_\u00780041_""#);
    check("achievements", &json!(["a；b"]), r#"["a；b"]"#);
    check("achievements", &json!(["-1", "2"]), "'-1；2");
}

#[test]
fn no_two_columns_of_a_kind_have_one_header() {
    for kind in catalogue().kinds() {
        for lang in [Lang::Zh, Lang::En] {
            let layout = Layout::of(kind);
            let mut headers: Vec<String> =
                layout.columns().iter().map(|column| fold(column.header(lang))).collect();
            headers.sort();
            let count = headers.len();
            headers.dedup();
            assert_eq!(headers.len(), count, "{} in {lang:?}", kind.id());
        }
    }
}

proptest! {
    #[test]
    fn every_text_comes_back(text in "[ -@\u{9}-\u{d}\u{7f}-\u{a0}\u{feff}\u{fffe}\u{2028}\u{3000}'\"\\[{=_x0-9A-F；、中]{1,12}") {
        let catalogue = catalogue();
        let kind = catalogue.kind(&"DEAL".parse().unwrap()).unwrap();
        for (field, value) in [("buyer_name", json!(text)), ("achievements", json!([text, "b"])), ("waivers", json!([{"person": text}]))] {
            let column = Column::of(kind, kind.field(field).unwrap());
            let cell = column.text(&value);
            prop_assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r']), "{}", cell);
            prop_assert_eq!(column.read(&crate::import::text::clean(&cell, crate::import::mapping::LineBreaks::Keep, &[])), Some(value));
        }
    }
}
