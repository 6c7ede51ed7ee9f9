//! Connectors from their declaration to the records they bring, with the mappings that ship.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::Look;
use super::replaying::{Answering, Server, Told, recorded};
use crate::command::{Command, ConnectorCommand, JobCommand, NewConnector};
use crate::speech::Exit;
use crate::testing::{APPROVER, Bench, CLERK, Said, by};

const FOLDER_MAPPING: &str = "kind = \"ACH\"\n[constant]\nsecrecy = \"public\"\n[field.achievement_no]\nfrom = \"编号\"\n[field.name]\nfrom = \"名称\"\n";

fn envelope(content: &str, at: &str) -> Told {
    Told::xml(format!(
        r#"<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"><responseDate>{at}</responseDate>{content}</OAI-PMH>"#
    ))
}

fn identify() -> Told {
    envelope(
        "<Identify><repositoryName>r</repositoryName><deletedRecord>transient</deletedRecord><granularity>YYYY-MM-DDThh:mm:ssZ</granularity></Identify>",
        "2024-01-01T00:00:00Z",
    )
}

fn add(bench: &Bench, declaration: String, mapping: &str, person: &str) -> Said {
    let order = NewConnector { name: "dspace".to_owned(), declaration, mapping: mapping.to_owned() };
    bench.ask(Command::Connector(ConnectorCommand::Add(order, by(person))))
}

fn add_repository(bench: &Bench, server: &Server) {
    let mapping =
        fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../catalogue/mappings/oai-dc.toml"))
            .unwrap();
    let declaration = format!("mapping = \"oai-dc.toml\"\n[oai-pmh]\nurl = \"{}\"\n", server.url());
    assert_eq!(add(bench, declaration, &mapping, APPROVER).exit, Exit::Done);
}

fn run(bench: &Bench) -> Said {
    bench.ask(Command::Connector(ConnectorCommand::Run("dspace".to_owned())))
}

fn jobs(bench: &Bench) -> Value {
    bench.ask(Command::Job(JobCommand::List { connector: Some("dspace".to_owned()), limit: 10 })).json()
}

fn since(bench: &Bench) -> Option<String> {
    bench.context.connectors.find(&"dspace".parse().unwrap()).unwrap().unwrap().since
}

#[test]
fn a_repository_is_harvested_into_records_and_what_it_deletes_is_deleted() {
    let Some(page) = recorded("mit_harvest-from-set_00_ListRecords.xml") else { return };
    let deletion = r#"<ListRecords><record><header status="deleted"><identifier>oai:dspace.mit.edu:1721.1/140717</identifier><datestamp>2024-07-01T00:00:00Z</datestamp></header></record></ListRecords>"#;
    let bench = Bench::new();
    let server = Server::start(Answering::InOrder(vec![
        identify(),
        page,
        identify(),
        envelope(deletion, "2024-07-02T00:00:00Z"),
        identify(),
        envelope(r#"<error code="noRecordsMatch">none</error>"#, "2024-07-03T00:00:00Z"),
        identify(),
        envelope(&deletion.replace("140717", "1"), "2024-07-04T00:00:00Z"),
    ]));
    add_repository(&bench, &server);

    let first = run(&bench);
    assert_eq!(
        (first.exit, &first.json()[0]["counts"]["new"]),
        (Exit::Done, &58.into()),
        "{} {}",
        first.out,
        first.err
    );
    assert_eq!(since(&bench).as_deref(), Some("2024-06-03T19:51:07Z"));
    let files = jobs(&bench)[0]["files"].clone();
    assert_eq!(
        files,
        serde_json::json!(["log.txt", "mapping.toml", "report.json"]),
        "the fetched records are gone"
    );

    let second = run(&bench);
    assert_eq!(
        (second.exit, &second.json()[0]["counts"]["deleted"]),
        (Exit::Done, &1.into()),
        "{} {}",
        second.out,
        second.err
    );
    assert_eq!(server.asked()[3]["from"], "2024-06-03T19:51:07Z");

    let third = run(&bench);
    assert_eq!((third.exit, &third.json()[0]["counts"]["rows"]), (Exit::Done, &0.into()));
    assert_eq!(since(&bench).as_deref(), Some("2024-07-03T00:00:00Z"));

    let fourth = run(&bench);
    let counts = &fourth.json()[0]["counts"];
    assert_eq!(
        (fourth.exit, &counts["unchanged"]),
        (Exit::Done, &1.into()),
        "what never came here is deleted already"
    );
}

#[test]
fn a_harvest_that_breaks_off_imports_nothing_and_begins_again() {
    let bench = Bench::new();
    let record = |id: &str| {
        format!(
            r#"<record><header><identifier>{id}</identifier><datestamp>2020-01-01</datestamp></header><metadata><oai_dc:dc xmlns:oai_dc="http://www.openarchives.org/OAI/2.0/oai_dc/" xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>t</dc:title></oai_dc:dc></metadata></record>"#
        )
    };
    let at = "2024-01-02T00:00:00Z";
    let first = format!("<ListRecords>{}<resumptionToken>x</resumptionToken></ListRecords>", record("a"));
    let server = Server::start(Answering::InOrder(vec![
        identify(),
        envelope(&first, at),
        Told::status(404, &[]),
        identify(),
        envelope(&first, at),
        envelope(&format!("<ListRecords>{}</ListRecords>", record("b")), at),
    ]));
    add_repository(&bench, &server);
    let broken = run(&bench);
    assert_eq!(broken.exit, Exit::Refused);
    assert_eq!((bench.context.records.count().unwrap(), since(&bench)), (0, None));
    assert!(jobs(&bench)[0]["why"].as_str().unwrap().contains("404"), "{}", jobs(&bench));
    let again = bench.ask(Command::Job(JobCommand::Again("1".to_owned())));
    assert_eq!((again.exit, &again.json()[0]["counts"]["new"]), (Exit::Done, &2.into()), "{}", again.err);
    let shown = bench.ask(Command::Job(JobCommand::Show("2".to_owned()))).json();
    assert_eq!((&shown["state"], &shown["connector"]), (&"done".into(), &"dspace".into()));
}

#[test]
fn only_an_approver_or_administrator_answers_for_a_connector() {
    let bench = Bench::new();
    let declaration = "[folder]\npath = \"/nowhere\"\n";
    assert_eq!(add(&bench, declaration.to_owned(), "", CLERK).exit, Exit::Refused);
    assert_eq!(add(&bench, declaration.to_owned(), "", APPROVER).exit, Exit::Done);
    let log = fs::read_to_string(bench.context.layout.audit_log()).unwrap();
    assert!(log.contains("\"add connector\"") && log.contains("declaration_sha256"), "{log}");
    let person =
        bench.context.persons.list().unwrap().into_iter().find(|person| person.name == APPROVER).unwrap();
    bench.context.persons.deactivate(person.id).unwrap();
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.csv"), "x").unwrap();
    let connector = bench.context.connectors.find(&"dspace".parse().unwrap()).unwrap().unwrap();
    let refused =
        super::run::run_file(&bench.context, &connector, &watched(folder.path()), "a.csv").unwrap_err();
    assert!(matches!(refused, super::RunConnectorFailed::NobodyAnswers(_)), "{refused}");
}

fn watched(path: &Path) -> super::FolderSource {
    super::FolderSource { path: path.to_owned() }
}

/// Looks into the folder twice, as two looks of a running node.
fn look_twice(bench: &Bench, folder: &Path) -> Vec<crate::job::Job> {
    let connector = bench.context.connectors.find(&"dspace".parse().unwrap()).unwrap().unwrap();
    let first = Look::into(folder).unwrap();
    super::run::run_folder(&bench.context, &connector, &watched(folder), &first).unwrap().1
}

fn names(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn files_of_a_watched_folder_are_imported_once_and_put_away() {
    let bench = Bench::new();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let declaration = format!("mapping = \"m.toml\"\n[folder]\npath = \"{}\"\n", path.display());
    assert_eq!(add(&bench, declaration, FOLDER_MAPPING, APPROVER).exit, Exit::Done);
    fs::write(path.join("成果.csv"), "编号,名称\nA-1,甲\nA-2,乙\n").unwrap();
    fs::write(path.join("broken.csv"), "编号\nA-3\n").unwrap();
    fs::write(path.join("half.csv.part"), "编号,名称\nA-9,半\n").unwrap();
    let done = look_twice(&bench, path);
    let states: Vec<_> = done.iter().map(|job| (job.state, job.counts.map(|counts| counts.new))).collect();
    use crate::job::State::{Done, Failed};
    assert_eq!(states, [(Failed, None), (Done, Some(2))]);
    assert_eq!(names(&path.join("imported")), ["00000002-成果.csv"]);
    assert_eq!(names(&path.join("failed")), ["00000001-broken.csv"]);
    assert_eq!(names(path), ["failed", "half.csv.part", "imported"]);

    fs::write(path.join("again.csv"), "编号,名称\nA-1,甲\nA-2,乙\n").unwrap();
    let same = look_twice(&bench, path);
    assert_eq!((same.len(), same[0].counts.unwrap().rows), (1, 0), "the same file is put away unread");
    assert_eq!(bench.context.records.count().unwrap(), 2);

    fs::write(path.join("failed/00000001-broken.csv"), "编号,名称\nA-3,丙\n").unwrap();
    let repaired = bench.ask(Command::Job(JobCommand::Again("1".to_owned())));
    assert_eq!(
        (repaired.exit, &repaired.json()[0]["counts"]["new"]),
        (Exit::Done, &1.into()),
        "{}",
        repaired.err
    );
}
