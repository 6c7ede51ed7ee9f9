//! CERIF for other systems: what is published and open stands in it in the order of the profile, nothing else does.

use jiff::civil::Date;
use safeharbor_interchange::cerif::{CerifWriter, LeftOut, Why};
use safeharbor_interchange::metadata::{Answer, Item, Limits};
use safeharbor_rules::{Catalogue, Class, Record};
use serde_json::{Value, json};

const TODAY: Date = Date::constant(2026, 3, 1);

fn export(kind: &str, records: &[Value]) -> (String, u64, LeftOut) {
    let catalogue = Catalogue::embedded().unwrap();
    let kind = catalogue.kind(&kind.parse().unwrap()).unwrap();
    let mut writer = CerifWriter::create(Vec::new(), kind, TODAY).unwrap();
    for record in records {
        let record: &Record = record.as_object().unwrap();
        writer.write(record).unwrap();
    }
    let (bytes, written, left_out) = writer.finish().unwrap();
    (String::from_utf8(bytes).unwrap(), written, left_out)
}

fn achievement() -> Value {
    json!({
        "achievement_no": "KY-1", "name": "硫化物 <电解质> & 其他\u{1}", "secrecy": "public", "public_since": "2025-06-30",
        "completing_units": ["12100000400002259P"], "inventors": ["林晚秋"], "abstract": "SECRET-ABSTRACT",
        "keywords": ["固态电池"], "stage": "S2", "project_no": "SECRET-PROJECT",
    })
}

fn patent() -> Value {
    json!({
        "right_no": "P-1", "name": "电解质", "right_kind": "P", "filing_date": "2020-01-02", "grant_date": "2022-03-04",
        "pub_date": "2021-05-06", "pub_no": "CN112345678A", "app_no": "202010000000.1", "owners": ["清华大学"],
        "owner_codes": ["12100000400000624D"], "annual_fee_due": "2027-01-02",
    })
}

fn count(left_out: &LeftOut, field: Option<&str>, why: Why) -> u64 {
    left_out
        .omissions()
        .find(|one| one.field.as_deref() == field && one.why == why)
        .map_or(0, |one| one.count)
}

/// Names of elements of the profile in the order of its schema.
fn check_order(xml: &str, order: &[&str]) {
    let places: Vec<usize> = order
        .iter()
        .map(|name| xml.find(&format!("<{name}")).unwrap_or_else(|| panic!("{name} in {xml}")))
        .collect();
    assert!(places.is_sorted(), "{order:?} at {places:?} in {xml}");
}

#[test]
fn a_published_achievement_is_a_product_of_its_open_fields() {
    let (xml, written, left_out) = export("ACH", &[achievement()]);
    assert_eq!(written, 1);
    check_order(
        &xml,
        &[
            "Product id=\"Products/KY-1\"",
            "Type",
            "Name xml:lang=\"zh\"",
            "Creators",
            "Keyword",
            "Dates",
            "Available startDate=\"2025-06-30\"",
        ],
    );
    assert!(xml.contains("硫化物 &lt;电解质&gt; &amp; 其他<"), "{xml}");
    assert!(!xml.contains("SECRET") && !xml.contains("林晚秋"), "{xml}");
    assert_eq!(count(&left_out, Some("abstract"), Why::Class(Class::C3)), 1);
    assert_eq!(count(&left_out, Some("project_no"), Why::Class(Class::C2)), 1);
    assert_eq!(count(&left_out, Some("stage"), Why::NoElement), 1);
}

#[test]
fn a_record_that_is_not_published_is_not_in_the_file() {
    let mut later = achievement();
    later["public_since"] = json!("2026-03-02");
    let mut never = achievement();
    never.as_object_mut().unwrap().remove("public_since");
    let secret =
        json!({"right_no": "T-1", "name": "SECRET", "right_kind": "TS", "public_since": "2020-01-01"});
    let (xml, written, left_out) = export("ACH", &[later, never]);
    assert_eq!((written, count(&left_out, None, Why::NotPublished)), (0, 2));
    assert!(!xml.contains("KY-1"), "{xml}");
    let (xml, written, _) = export("IPR", &[secret]);
    assert_eq!(written, 0);
    assert!(!xml.contains("SECRET"), "{xml}");
}

#[test]
fn a_patent_has_its_elements_in_the_order_of_the_profile() {
    let (xml, _, left_out) = export("IPR", &[patent()]);
    check_order(
        &xml,
        &[
            "Patent id=\"Patents/P-1\"",
            "Type",
            "Title",
            "RegistrationDate",
            "ApprovalDate",
            "PublicationDate",
            "CountryCode",
            "PatentNumber",
            "Holders",
        ],
    );
    assert!(
        xml.contains("<CountryCode>CN</CountryCode>") && xml.contains("OrgUnits/12100000400000624D"),
        "{xml}"
    );
    assert_eq!(count(&left_out, Some("annual_fee_due"), Why::Class(Class::C2)), 1);
}

#[test]
fn what_is_written_reads_as_metadata_again() {
    let (xml, ..) = export(
        "IPR",
        &[
            patent(),
            json!({"right_no": "S-1", "name": "软件", "right_kind": "SW", "public_since": "2020-01-01"}),
        ],
    );
    let mut answer = Answer::of_file(xml.as_bytes(), Limits { bytes: 1 << 20, items: 100 });
    let mut entities = Vec::new();
    while let Some(item) = answer.next().unwrap() {
        if let Item::Record(row) = item {
            entities.push(
                ["entity", "id", "title_zh", "name_zh", "patent_number", "holders"]
                    .map(|name| row.columns.values(name).join("|")),
            );
        }
    }
    assert_eq!(
        entities,
        [
            ["Patent", "Patents/P-1", "电解质", "", "CN112345678A", "清华大学"].map(str::to_owned),
            ["Product", "Products/S-1", "", "软件", "", ""].map(str::to_owned),
        ]
    );
}
