//! Recorded answers of repositories and CERIF samples, through the mappings that ship with the catalogue.

use safeharbor_interchange::import::{Format, ImportOptions, import, import_from};
use safeharbor_rules::Record;
use serde_json::json;

use crate::fixture::{MemoryStore, explain, kind_of};
use crate::real_data::{data, import_file, shipped};

const OAI: &str = "http://www.openarchives.org/OAI/2.0/";

fn field<'r>(record: &'r Record, name: &str) -> &'r serde_json::Value {
    record.get(name).unwrap_or(&serde_json::Value::Null)
}

#[test]
fn cerif_patents_are_ip_rights() {
    let Some(file) = data("openaire-cerif-xml/openaire_cerif_xml_example_patents.xml") else { return };
    let (report, store) = import_file(&file, &shipped("cerif-patents.toml"));
    assert_eq!((report.rows, report.new, report.problems_total), (2, 2, 0), "{:?}", report.problems);
    assert_eq!(report.recognised.format, Format::Metadata);
    let application = json!({
        "right_no": "oai:cris.example.org:Patents/712178",
        "name": "MEDICAL DEVICE, IN PARTICULAR FOR THE SEPARATION OF A FLUID",
        "right_kind": "PA", "patent_no": "BR20161110203", "filing_date": "2013-11-14", "pub_date": "2017-08-08",
        "owners": ["Eltek S.P.A"]
    });
    assert_eq!(json!(store.records["oai:cris.example.org:Patents/712178"]), application);
    let granted = &store.records["oai:cris.example.org:Patents/712179"];
    assert_eq!(
        (field(granted, "right_kind"), field(granted, "grant_date")),
        (&json!("P"), &json!("2014-11-13"))
    );
}

#[test]
fn cerif_products_are_achievements() {
    let Some(file) = data("openaire-cerif-xml/openaire_cerif_xml_example_products.xml") else { return };
    let (report, store) = import_file(&file, &shipped("cerif-products.toml"));
    assert_eq!((report.rows, report.new, report.problems_total), (5, 5, 0), "{:?}", report.problems);
    let software = json!({
        "achievement_no": "oai:cris.example.org:Products/729482", "name": "Base script used for simulations",
        "form": "F09", "inventors": ["Sonal Singhal", "Craig Moritz"], "public_since": "2017-05-23", "secrecy": "public"
    });
    assert_eq!(json!(store.records["oai:cris.example.org:Products/729482"]), software);
}

#[test]
fn cerif_publications_are_achievements_without_the_journals() {
    let Some(file) = data("openaire-cerif-xml/openaire_cerif_xml_example_publications.xml") else { return };
    let (report, store) = import_file(&file, &shipped("cerif-publications.toml"));
    assert_eq!((report.new, report.problems_total), (4, 0), "{:?}", report.problems);
    let mut names: Vec<_> = store.records.values().map(|record| record["name"].as_str().unwrap()).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "Linking Data and Publications: Towards a Cross-Disciplinary Approach",
            "Strong selection against hybrids maintains a narrow contact zone between morphologically cryptic lineages in a rainforest lizard",
            "The Data Model of the OpenAIRE Scientific Communication e-Infrastructure",
            "The International Journal of Digital Curation: Special Issue on Open Access Repositories",
        ]
    );
    let paper = &store.records["oai:cris.example.org:Publications/812348"];
    assert_eq!(field(paper, "inventors").as_array().map(Vec::len), Some(8));
    assert_eq!(field(paper, "form"), "F01");
}

#[test]
fn a_recorded_answer_of_a_repository_is_imported_as_a_file() {
    let Some(file) = data("oai-pmh-real/mit_harvest-from-set_00_ListRecords.xml") else { return };
    let (report, store) = import_file(&file, &shipped("oai-dc.toml"));
    assert_eq!((report.rows, report.new, report.problems_total), (58, 58, 0), "{:?}", report.problems);
    assert!(report.warnings.is_empty(), "{:?}", report.warnings);
    let piece = &store.records["oai:dspace.mit.edu:1721.1/140717"];
    let wanted = json!({
        "achievement_no": "oai:dspace.mit.edu:1721.1/140717", "name": "Doubles", "inventors": ["Brody, Martin"],
        "abstract": "This is now the only master of Doubles with reverb (2 exist without any reverb). Cut 2 of 2, wet, msp",
        "public_since": "2022-02-24", "secrecy": "public"
    });
    assert_eq!(json!(piece), wanted);
}

#[test]
fn a_file_of_deletions_alone_deletes() {
    let Some(file) = data("oai-pmh-real/mit_list-records-include-deleted_00_ListRecords.xml") else { return };
    let mapping = shipped("oai-dc.toml");
    let record = json!({
        "achievement_no": "oai:dspace.mit.edu:1721.1/112746", "name": "x", "secrecy": "public"
    });
    let mut store = MemoryStore::default();
    store.records.insert("oai:dspace.mit.edu:1721.1/112746".to_owned(), record.as_object().unwrap().clone());
    let report = import(&file, &mapping, kind_of(&mapping), &ImportOptions::default(), &mut store);
    let report = report.unwrap_or_else(|error| panic!("{}", explain(&error)));
    assert_eq!((report.rows, report.deleted, report.problems_total), (1, 1, 0), "{:?}", report.problems);
    assert!(store.records.is_empty());
}

#[test]
fn xml_that_does_harm_is_refused_before_anything_is_stored() {
    let lol = format!(
        r#"<?xml version="1.0"?><!DOCTYPE x [<!ENTITY l "l"><!ENTITY m "&l;&l;&l;">]><OAI-PMH xmlns="{OAI}"><a>&m;</a></OAI-PMH>"#
    );
    let mapping = shipped("oai-dc.toml");
    let mut store = MemoryStore::default();
    let input = std::io::Cursor::new(lol);
    let refused =
        import_from("lol.xml", input, &mapping, kind_of(&mapping), &ImportOptions::default(), &mut store);
    let text = explain(&refused.unwrap_err());
    assert!(text.contains("document type definition"), "{text}");
    assert!(store.records.is_empty());
}
