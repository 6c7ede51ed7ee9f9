//! The recorded answers and sample files beside the checkout.

use std::fs;
use std::path::PathBuf;

use safeharbor_interchange::metadata::{
    Answer, DeletedRecords, Facts, Granularity, Item, Limits, MetadataFormat, MetadataRow, OaiErrorCode,
};
use serde_json::{Value, json};

const LIMITS: Limits = Limits { bytes: 64 << 20, items: 1_000 };

/// The file's bytes, or none with a visible note.
#[expect(
    clippy::disallowed_methods,
    reason = "the data folder is outside the checkout; its place comes from the environment"
)]
fn data(path: &str) -> Option<Vec<u8>> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data");
    let folder = std::env::var("SAFEHARBOR_DATA").unwrap_or_else(|_| beside.to_owned());
    let file = PathBuf::from(folder).join(path);
    if !file.exists() {
        eprintln!("skipped: no data at {}", file.display());
        return None;
    }
    Some(fs::read(file).unwrap())
}

fn read(bytes: &[u8]) -> (Vec<Item>, Facts) {
    let mut answer = Answer::new(bytes, LIMITS);
    let mut items = Vec::new();
    while let Some(item) = answer.next().unwrap() {
        items.push(item);
    }
    (items, answer.facts().clone())
}

fn rows(bytes: &[u8]) -> Vec<MetadataRow> {
    let row = |item| match item {
        Item::Record(row) | Item::Header(row) => Some(row),
        Item::Set(_) => None,
    };
    read(bytes).0.into_iter().filter_map(row).collect()
}

/// The columns of a row that hold anything.
fn shown(row: &MetadataRow, format: MetadataFormat) -> Value {
    let held = row.to_json(format).into_iter().filter(|(_, value)| value != &json!(""));
    Value::Object(held.collect())
}

#[test]
fn dublin_core_becomes_columns() {
    let Some(bytes) = data("oai-pmh-real/mit_write-records_01_GetRecord.xml") else { return };
    let wanted = json!({
        "record_identifier": "oai:dspace.mit.edu:1721.1/140856.2", "record_datestamp": "2022-03-01T18:31:58Z", "record_date": "2022-03-01",
        "title": "Sensortechnologien durch neuartige Materialien und Moleküle",
        "creator": ["Swager, Timothy M."],
        "date": ["2022-03-01T18:31:57Z", "2022-03-01T16:39:07Z", "2018-02", "2017-11"], "date_issued": "2018-02",
        "type": ["Article", "http://purl.org/eprint/type/JournalArticle"],
        "identifier": [
            "0044-8249", "https://hdl.handle.net/1721.1/140856.2",
            "Swager, Timothy M. 2018. \"Sensortechnologien durch neuartige Materialien und Moleküle.\" Angewandte Chemie, 130 (16)."
        ],
        "language": ["en"], "relation": ["http://dx.doi.org/10.1002/ange.201711611", "Angewandte Chemie"],
        "rights": ["Creative Commons Attribution-Noncommercial-Share Alike", "http://creativecommons.org/licenses/by-nc-sa/4.0/"],
        "format": ["application/octet-stream"], "publisher": ["Wiley"], "source": ["Wiley"],
        "doi": "10.1002/ange.201711611", "handle": "1721.1/140856.2"
    });
    let rows = rows(&bytes);
    assert_eq!(rows.len(), 1);
    assert_eq!(shown(&rows[0], MetadataFormat::DublinCore), wanted);
}

#[test]
fn every_recorded_answer_is_read() {
    let Some(_) = data("oai-pmh-real/SOURCE.md") else { return };
    let (mut records, mut headers, mut deleted, mut sets, mut errors) = (0, 0, 0, 0, Vec::new());
    for (name, pages) in [
        ("mit_cli-all-options-except-set-spec", ["ListIdentifiers", "GetRecord"].as_slice()),
        ("mit_get-identifiers-no-matches", &["ListIdentifiers"]),
        ("mit_get-records-include-deleted", &["ListIdentifiers", "GetRecord"]),
        ("mit_get-sets", &["ListSets"]),
        ("mit_harvest-from-set", &["ListRecords"]),
        ("mit_list-records-include-deleted", &["ListRecords"]),
        ("mit_record-not-found", &["ListIdentifiers", "GetRecord"]),
        ("mit_write-records", &["ListIdentifiers", "GetRecord"]),
    ] {
        for page in 0.. {
            let verb = pages[page.min(pages.len() - 1)];
            let path = format!("oai-pmh-real/{name}_{page:02}_{verb}.xml");
            let folder = path.rsplit_once('/').unwrap().1;
            let Some(bytes) = data(&path) else {
                assert!(page > 0, "{folder}");
                break;
            };
            let (items, facts) = read(&bytes);
            assert!(facts.response_date.is_some(), "{folder}");
            errors.extend(facts.errors.into_iter().map(|error| error.code));
            for item in items {
                match item {
                    Item::Record(row) if row.deleted => deleted += 1,
                    Item::Record(row) => {
                        assert!(!row.columns.values("title").is_empty(), "{folder}");
                        records += 1;
                    }
                    Item::Header(_) => headers += 1,
                    Item::Set(_) => sets += 1,
                }
            }
        }
    }
    assert_eq!((records, headers, deleted, sets), (132, 86, 2, 1_000));
    assert_eq!(errors, [OaiErrorCode::NoRecordsMatch, OaiErrorCode::IdDoesNotExist]);
}

#[test]
fn tokens_are_taken_as_they_stand_and_an_empty_one_ends_the_list() {
    let Some(first) = data("oai-pmh-real/mit_get-sets_00_ListSets.xml") else { return };
    let Some(last) = data("oai-pmh-real/mit_get-sets_09_ListSets.xml") else { return };
    assert_eq!(read(&first).1.token.as_deref(), Some("////100"));
    assert_eq!(read(&last).1.token, None);
}

#[test]
fn repeated_names_and_descriptions_are_dropped() {
    let Some(bytes) = data("oai-pmh-real/mit_harvest-from-set_00_ListRecords.xml") else { return };
    let rows = rows(&bytes);
    assert_eq!(rows.len(), 58);
    for row in &rows {
        let creators = row.columns.values("creator");
        assert!(row.columns.values("contributor").iter().all(|name| !creators.contains(name)));
        for name in ["creator", "description", "date"] {
            let values = row.columns.values(name);
            assert!(values.iter().enumerate().all(|(place, value)| !values[..place].contains(value)));
        }
    }
}

#[test]
fn cerif_patents_become_columns() {
    let Some(bytes) = data("openaire-cerif-xml/openaire_cerif_xml_example_patents.xml") else { return };
    let rows = rows(&bytes);
    let cpc = |code: &str| format!("https://data.epo.org/linked-data/def/cpc/{code}");
    let ipc = |code: &str| format!("http://data.epo.org/linked-data/def/ipc/{code}");
    let wanted = json!({
        "record_identifier": "oai:cris.example.org:Patents/712178", "record_datestamp": "2018-01-07T14:00:00Z", "record_date": "2018-01-07",
        "entity": "Patent", "id": "Patents/712178", "type": "http://purl.org/coar/resource_type/c_15cd",
        "title": "MEDICAL DEVICE, IN PARTICULAR FOR THE SEPARATION OF A FLUID",
        "title_en": "MEDICAL DEVICE, IN PARTICULAR FOR THE SEPARATION OF A FLUID",
        "registration_date": "2013-11-14", "publication_date": "2017-08-08", "country_code": "BR",
        "issuer": "European Patent Office", "patent_number": "BR20161110203",
        "url": "https://worldwide.espacenet.com/patent/search?q=pn%3DBR112016010203A2",
        "inventors": ["Massimo Zanin", "Marco Pizzi", "Laura Mazzucco", "Marco Bertoni"], "holders": ["Eltek S.P.A"],
        "subject": [
            cpc("A61B5-150755"), cpc("A61M1-0009"), cpc("A61M1-0272"), cpc("A61M1-3693"), cpc("B01D21-262"),
            cpc("A61M1-0218"), cpc("A61M1-0236"), cpc("A61M2202-0427"), ipc("A61M1-00"), ipc("A61M1-34"), ipc("A61M1-36")
        ],
        "predecessor": "Patents/712179", "patent_stage": "application"
    });
    assert_eq!(rows.len(), 2);
    assert_eq!(shown(&rows[0], MetadataFormat::Cerif), wanted);
    let second = shown(&rows[1], MetadataFormat::Cerif);
    assert_eq!(
        (&second["patent_number"], &second["approval_date"]),
        (&json!("WO2014IB66015"), &json!("2014-11-13"))
    );
    assert_eq!(second.get("publication_date"), None);
}

#[test]
fn cerif_publications_become_columns_and_one_is_deleted() {
    let Some(bytes) = data("openaire-cerif-xml/openaire_cerif_xml_example_publications.xml") else { return };
    let rows = rows(&bytes);
    assert_eq!(rows.len(), 8);
    let paper = shown(&rows[0], MetadataFormat::Cerif);
    assert_eq!(paper["authors"].as_array().map(Vec::len), Some(8));
    assert_eq!(paper["authors"][1], "Mathias Lösch");
    assert_eq!(paper["published_in"], "The International Journal of Digital Curation");
    assert_eq!(paper["access_end"], "2017-05-31");
    assert_eq!(
        shown(&rows[6], MetadataFormat::Cerif)["isbn"],
        json!(["978-3-642-35232-4", "978-3-642-35233-1"])
    );
    let wanted = json!({
        "record_identifier": "oai:cris.example.org:Publications/899999", "record_datestamp": "2018-05-15T14:00:00Z", "record_date": "2018-05-15",
        "action": "DELETE"
    });
    assert_eq!(shown(&rows[7], MetadataFormat::Cerif), wanted);
}

#[test]
fn the_english_name_goes_before_the_greek_one() {
    let Some(bytes) = data("openaire-cerif-xml/openaire_cerif_xml_example_orgunits.xml") else { return };
    let university = shown(&rows(&bytes)[0], MetadataFormat::Cerif);
    assert_eq!(university["name"], "NATIONAL AND KAPODISTRIAN UNIVERSITY OF ATHENS");
    assert_eq!(university["name_el"], "ΕΘΝΙΚΟ ΚΑΙ ΚΑΠΟΔΙΣΤΡΙΑΚΟ ΠΑΝΕΠΙΣΤΗΜΙΟ ΑΘΗΝΩΝ");
}

#[test]
fn a_repository_says_how_exact_its_dates_are() {
    let Some(bytes) = data("openaire-cerif-xml/openaire_oaipmh_example_Identify.xml") else { return };
    let (items, facts) = read(&bytes);
    assert!(items.is_empty());
    let identify = facts.identify.unwrap();
    assert_eq!(identify.name, "cris.example.org");
    assert_eq!((identify.granularity, identify.deleted_records), (Granularity::Second, DeletedRecords::No));
}
