//! Harvests of recorded answers, replayed by a server on this machine.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::{Asking, HarvestFailed, Harvested, Note, harvest};
use crate::connector::declaration::OaiSource;
use crate::connector::replaying::{Answering, Server, Told, recorded};
use crate::connector::spool::Spool;
use crate::connector::web::{Http, WebSettings};

const SECONDS: &str = "YYYY-MM-DDThh:mm:ssZ";

fn envelope(content: &str) -> String {
    format!(
        r#"<?xml version="1.0"?><OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"><responseDate>2024-06-03T19:51:11Z</responseDate>{content}</OAI-PMH>"#
    )
}

fn identify(granularity: &str, deleted: &str) -> Told {
    Told::xml(envelope(&format!(
        "<Identify><repositoryName>r</repositoryName><deletedRecord>{deleted}</deletedRecord><granularity>{granularity}</granularity></Identify>"
    )))
}

fn deleted_header(identifier: &str) -> String {
    format!(
        r#"<record><header status="deleted"><identifier>{identifier}</identifier><datestamp>2020-01-01</datestamp></header></record>"#
    )
}

fn list(content: &str) -> Told {
    Told::xml(envelope(&format!("<ListRecords>{content}</ListRecords>")))
}

fn error(code: &str) -> Told {
    Told::xml(envelope(&format!(r#"<error code="{code}">text</error>"#)))
}

/// What a harvest gave: the answer, the rows, and how long it waited.
struct Seen {
    answer: Result<Harvested, HarvestFailed>,
    rows: Vec<Value>,
    pauses: Vec<Duration>,
    asked: Vec<BTreeMap<String, String>>,
}

fn run_with(change: impl FnOnce(&mut OaiSource), since: Option<&str>, answering: Answering) -> Seen {
    let server = Server::start(answering);
    let mut source = OaiSource {
        url: server.url(),
        metadata_prefix: "oai_dc".to_owned(),
        set: None,
        record_by_record: false,
        ca_file: None,
        proxy: None,
        allow_http: false,
    };
    change(&mut source);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("spool.jsonl");
    let mut spool = Spool::create(&path).unwrap();
    let mut web = Http::open(&WebSettings { url: &source.url, ca_file: None, proxy: None }).unwrap();
    let mut pauses = Vec::new();
    let mut pause = |wait| {
        pauses.push(wait);
        true
    };
    let mut asking = Asking { web: &mut web, pause: &mut pause, seed: 7 };
    let answer = harvest(&source, since, &mut asking, &mut spool);
    spool.finish().unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    let rows = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    Seen { answer, rows, pauses, asked: server.asked() }
}

fn run(since: Option<&str>, answers: Vec<Told>) -> Seen {
    run_with(|_| {}, since, Answering::InOrder(answers))
}

fn identifiers(rows: &[Value]) -> Vec<&str> {
    rows.iter().map(|row| row["record_identifier"].as_str().unwrap()).collect()
}

#[test]
fn a_recorded_list_is_harvested_with_every_record() {
    let Some(page) = recorded("mit_harvest-from-set_00_ListRecords.xml") else { return };
    let seen = run(None, vec![identify(SECONDS, "transient"), page]);
    assert_eq!(
        seen.answer.unwrap(),
        Harvested { since: "2024-06-03T19:51:07Z".to_owned(), notes: Vec::new() }
    );
    assert_eq!(seen.rows.len(), 58);
    assert_eq!(
        (&seen.rows[0]["title"], &seen.rows[0]["date_issued"]),
        (&json!("Doubles"), &json!("1984-10"))
    );
    assert_eq!(seen.asked[1]["metadataPrefix"], "oai_dc");
}

#[test]
fn headers_and_single_records_are_replayed() {
    let Some(list) = recorded("mit_record-not-found_00_ListIdentifiers.xml") else { return };
    let records =
        (1..=28).map(|page| recorded(&format!("mit_record-not-found_{page:02}_GetRecord.xml")).unwrap());
    let answering = Answering::ByIdentifier {
        others: vec![identify(SECONDS, "transient"), list],
        records: records.collect(),
    };
    let seen = run_with(|source| source.record_by_record = true, None, answering);
    let missing = Note::NotGiven(
        "oai:dspace.mit.edu:1721.1/137785".to_owned(),
        safeharbor_interchange::metadata::OaiErrorCode::IdDoesNotExist,
    );
    assert_eq!(seen.answer.unwrap().notes, [missing]);
    assert_eq!(seen.rows.len(), 27);
}

#[test]
fn deleted_records_become_rows_that_delete() {
    let Some(page) = recorded("mit_list-records-include-deleted_00_ListRecords.xml") else { return };
    let seen = run(Some("2017-12-14T00:00:00Z"), vec![identify(SECONDS, "transient"), page]);
    seen.answer.unwrap();
    assert_eq!(seen.rows.len(), 1);
    assert_eq!(seen.rows[0]["action"], "DELETE");
    assert_eq!(seen.rows[0]["title"], "", "a file of deletions alone has the columns its mapping reads");
    assert_eq!(identifiers(&seen.rows), ["oai:dspace.mit.edu:1721.1/112746"]);
    assert_eq!(seen.asked[1]["from"], "2017-12-14T00:00:00Z");
}

#[test]
fn no_records_match_is_an_empty_harvest() {
    let Some(page) = recorded("mit_get-identifiers-no-matches_00_ListIdentifiers.xml") else { return };
    let answering = Answering::InOrder(vec![identify(SECONDS, "no"), page]);
    let seen = run_with(|source| source.record_by_record = true, None, answering);
    let harvested = seen.answer.unwrap();
    assert_eq!(
        (harvested.since.as_str(), harvested.notes),
        ("2024-06-03T19:51:11Z", vec![Note::DeletionsNotTold])
    );
    assert!(seen.rows.is_empty());
}

#[test]
fn tokens_are_followed_as_they_stand_to_the_empty_one() {
    let page = |identifier, token: &str| {
        list(&format!("{}<resumptionToken>{token}</resumptionToken>", deleted_header(identifier)))
    };
    let seen = run(
        None,
        vec![identify(SECONDS, "no"), page("a", "////100"), page("b", "a b&amp;c=中"), page("c", "")],
    );
    seen.answer.unwrap();
    assert_eq!(identifiers(&seen.rows), ["a", "b", "c"]);
    let tokens: Vec<_> = seen.asked.iter().filter_map(|asked| asked.get("resumptionToken")).collect();
    assert_eq!(tokens, ["////100", "a b&c=中"]);
    assert!(seen.asked[2].keys().eq(["resumptionToken", "verb"]), "{:?}", seen.asked[2]);
}

#[test]
fn a_token_that_repeats_is_an_error() {
    let page =
        |identifier| list(&format!("{}<resumptionToken>x</resumptionToken>", deleted_header(identifier)));
    let seen = run(None, vec![identify(SECONDS, "no"), page("a"), page("b"), page("c")]);
    assert!(matches!(seen.answer, Err(HarvestFailed::TokenRepeats)), "{:?}", seen.answer);
}

#[test]
fn a_forgotten_token_begins_the_list_again_once() {
    let first = || list(&format!("{}<resumptionToken>x</resumptionToken>", deleted_header("a")));
    let forgotten = || error("badResumptionToken");
    let seen =
        run(None, vec![identify(SECONDS, "no"), first(), forgotten(), first(), list(&deleted_header("b"))]);
    assert!(seen.answer.unwrap().notes.contains(&Note::BegunAgain));
    assert_eq!(identifiers(&seen.rows), ["a", "b"], "what the first attempt brought is forgotten");
    let seen = run(None, vec![identify(SECONDS, "no"), first(), forgotten(), first(), forgotten()]);
    assert!(matches!(seen.answer, Err(HarvestFailed::Oai(_))));
}

#[test]
fn an_error_of_the_protocol_is_named() {
    let seen = run(None, vec![identify(SECONDS, "no"), error("noSetHierarchy")]);
    assert_eq!(seen.answer.unwrap_err().to_string(), "the repository refuses: noSetHierarchy: text");
}

#[test]
fn an_empty_answer_with_status_500_is_asked_again() {
    let seen = run(
        None,
        vec![
            Told::status(500, &[]),
            identify(SECONDS, "no"),
            Told::status(503, &["Retry-After: 30"]),
            Told::status(429, &[]),
            list(&deleted_header("a")),
        ],
    );
    seen.answer.unwrap();
    assert_eq!((seen.rows.len(), seen.pauses.len()), (1, 3));
    assert!(seen.pauses[0] >= Duration::from_secs(1) && seen.pauses[0] < Duration::from_secs(3));
    assert_eq!(seen.pauses[1], Duration::from_secs(30));
}

#[test]
fn a_lost_connection_is_asked_again_and_a_server_that_stays_broken_is_given_up() {
    let seen = run(None, vec![Told::Nothing, identify(SECONDS, "no"), list(&deleted_header("a"))]);
    seen.answer.unwrap();
    assert_eq!(seen.pauses.len(), 1);
    let seen = run(None, (0..9).map(|_| Told::status(500, &[])).collect());
    assert!(
        matches!(seen.answer, Err(HarvestFailed::Status { status: 500, attempts: 6 })),
        "{:?}",
        seen.answer
    );
    assert_eq!(seen.pauses.len(), 5);
    let seen = run(None, vec![Told::status(404, &[])]);
    assert!(matches!(seen.answer, Err(HarvestFailed::Status { status: 404, attempts: 1 })));
}

#[test]
fn a_harvest_goes_on_from_the_time_of_the_last_at_the_repositorys_granularity() {
    let seen =
        run(Some("2024-06-03T19:51:07Z"), vec![identify("YYYY-MM-DD", "no"), list(&deleted_header("a"))]);
    seen.answer.unwrap();
    assert_eq!(seen.asked[1]["from"], "2024-06-03");
}

#[test]
fn a_record_that_comes_twice_is_taken_once() {
    let seen = run(
        None,
        vec![identify(SECONDS, "persistent"), list(&[deleted_header("a"), deleted_header("a")].concat())],
    );
    assert_eq!(seen.answer.unwrap().notes, [Note::CameTwice("a".to_owned())]);
    assert_eq!(seen.rows.len(), 1);
}

#[test]
fn packed_answers_are_unpacked_and_redirects_from_plain_http_not_followed() {
    let seen = run(None, vec![identify(SECONDS, "no").packed(), list(&deleted_header("a")).packed()]);
    seen.answer.unwrap();
    assert_eq!(seen.rows.len(), 1);
    let seen = run(None, vec![Told::status(302, &["Location: http://127.0.0.1:1/"])]);
    assert!(seen.answer.is_err());
    assert_eq!(seen.asked.len(), 1);
}

#[test]
fn a_web_page_is_named_as_one() {
    let seen = run(None, vec![Told::xml("<html><body>x</body></html>".to_owned())]);
    let failed = crate::speech::chain_of(&seen.answer.unwrap_err());
    assert!(failed.contains("begins with <html>"), "{failed}");
}
