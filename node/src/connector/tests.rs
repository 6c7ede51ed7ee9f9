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
    assert_eq!(server.asked()[3]["from"], "2024-06-01T19:51:07Z");

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

fn record(id: &str) -> String {
    format!(
        r#"<record><header><identifier>{id}</identifier><datestamp>2020-01-01</datestamp></header><metadata><oai_dc:dc xmlns:oai_dc="http://www.openarchives.org/OAI/2.0/oai_dc/" xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>t</dc:title></oai_dc:dc></metadata></record>"#
    )
}

#[test]
fn a_harvest_that_breaks_off_imports_nothing_and_begins_again() {
    let bench = Bench::new();
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
fn nothing_is_missing_from_a_harvest_of_what_changed() {
    let bench = Bench::new();
    let page =
        |id: &str| envelope(&format!("<ListRecords>{}</ListRecords>", record(id)), "2024-01-02T00:00:00Z");
    let server = Server::start(Answering::InOrder(vec![identify(), page("a"), identify(), page("b")]));
    add_repository(&bench, &server);
    for job in [1, 2] {
        let ran = run(&bench);
        assert_eq!((ran.exit, &ran.json()[0]["counts"]["new"]), (Exit::Done, &1.into()), "{}", ran.err);
        let report = bench.context.jobs.folder(crate::job::JobId(job)).join("report.json");
        let report: Value = serde_json::from_str(&fs::read_to_string(report).unwrap()).unwrap();
        let missing = &report["absent"]["count"];
        assert!(missing.is_null() || *missing == 0, "{report}");
    }
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

fn add_folder(bench: &Bench, path: &Path) {
    let declaration = format!("mapping = \"m.toml\"\n[folder]\npath = \"{}\"\n", path.display());
    assert_eq!(add(bench, declaration, FOLDER_MAPPING, APPROVER).exit, Exit::Done);
}

/// Puts a file into the folder, looks, and says how its job ended and how many records were revised.
fn drop_in(bench: &Bench, folder: &Path, name: &str, text: &str) -> (crate::job::State, Option<u64>) {
    fs::write(folder.join(name), text).unwrap();
    let jobs = look_twice(bench, folder);
    assert_eq!(jobs.len(), 1, "{jobs:?}");
    (jobs[0].state, jobs[0].counts.map(|counts| counts.revised))
}

#[test]
fn files_of_a_watched_folder_are_imported_and_put_away() {
    let bench = Bench::new();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    add_folder(&bench, path);
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

    fs::write(path.join("failed/00000001-broken.csv"), "编号,名称\nA-3,丙\n").unwrap();
    let repaired = bench.ask(Command::Job(JobCommand::Again("1".to_owned())));
    assert_eq!(
        (repaired.exit, &repaired.json()[0]["counts"]["new"]),
        (Exit::Done, &1.into()),
        "{}",
        repaired.err
    );
}

#[test]
fn a_file_that_takes_a_change_back_is_imported_though_its_bytes_came_before() {
    let bench = Bench::new();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    add_folder(&bench, path);
    use crate::job::State::Done;
    let (monday, tuesday) = ("编号,名称\nA-1,甲\n", "编号,名称\nA-1,乙\n");
    let revised: Vec<_> =
        [monday, tuesday, monday].iter().map(|text| drop_in(&bench, path, "a.csv", text)).collect();
    assert_eq!(revised, [(Done, Some(0)), (Done, Some(1)), (Done, Some(1))]);
}

#[test]
fn a_failed_file_that_comes_again_fails_again() {
    let bench = Bench::new();
    let folder = tempfile::tempdir().unwrap();
    add_folder(&bench, folder.path());
    for _ in 0..2 {
        let ended = drop_in(&bench, folder.path(), "a.csv", "no such header\n1\n");
        assert_eq!(ended, (crate::job::State::Failed, None));
    }
    assert_eq!(names(&folder.path().join("failed")), ["00000001-a.csv", "00000002-a.csv"]);
}

#[test]
fn a_file_may_be_called_as_files_of_a_job_are() {
    let bench = Bench::new();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    add_folder(&bench, path);
    for name in ["log.txt", "mapping.toml", "report.json"] {
        fs::write(path.join(name), "编号,名称\nA-1,甲\n").unwrap();
    }
    let states: Vec<_> = look_twice(&bench, path).iter().map(|job| job.state).collect();
    assert_eq!(states, [crate::job::State::Done; 3]);
    assert_eq!(jobs(&bench)[0]["files"], serde_json::json!(["log.txt", "mapping.toml", "report.json"]));

    fs::write(path.join("a-rejected.csv"), "编号,名称\nA-2,乙\nA-3,\n").unwrap();
    assert_eq!(look_twice(&bench, path)[0].state, crate::job::State::Partly);
    assert_eq!(names(&path.join("failed")), ["00000004-2-a-rejected.csv", "00000004-a-rejected.csv"]);
}

#[test]
fn a_file_that_cannot_be_taken_is_put_away_and_one_that_cannot_be_moved_is_tried_once() {
    let bench = Bench::new();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    add_folder(&bench, path);
    let long = fs::File::create(path.join("long.csv")).unwrap();
    long.set_len(safeharbor_interchange::import::FILE_BYTES_MAX + 1).unwrap();
    assert_eq!(look_twice(&bench, path)[0].state, crate::job::State::Failed);
    assert_eq!(
        (names(path), names(&path.join("failed"))),
        (vec!["failed".into()], vec!["00000001-long.csv".into()])
    );

    fs::write(path.join("imported"), "no folder").unwrap();
    let connector = bench.context.connectors.find(&"dspace".parse().unwrap()).unwrap().unwrap();
    let look = |before: &Look| {
        let (look, jobs) =
            super::run::run_folder(&bench.context, &connector, &watched(path), before).unwrap();
        (look, jobs.len())
    };
    fs::remove_file(path.join("imported")).unwrap();
    std::os::unix::fs::symlink("/nowhere", path.join("imported")).unwrap();
    fs::write(path.join("a.csv"), "编号,名称\nA-1,甲\n").unwrap();
    let (first, none) = look(&Look::default());
    let (second, one) = look(&first);
    let (third, stuck) = look(&second);
    let (_, still) = look(&third);
    assert_eq!([none, one, stuck, still], [0, 1, 0, 0]);
    fs::write(path.join("a.csv"), "编号,名称\nA-1,甲甲\n").unwrap();
    let (fifth, changing) = look(&third);
    assert_eq!((changing, look(&fifth).1), (0, 1), "it changed");
}

#[test]
fn an_identity_number_in_a_files_name_is_written_nowhere() {
    let bench = Bench::new();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    add_folder(&bench, path);
    assert_eq!(
        drop_in(&bench, path, "张三 11010519491231002X.csv", "编号\nA-1\n").0,
        crate::job::State::Failed
    );
    assert_eq!(names(&path.join("failed")), ["00000001-file.csv"]);
    let shown = bench.ask(Command::Job(JobCommand::Show("1".to_owned())));
    let log = fs::read_to_string(bench.context.jobs.folder(crate::job::JobId(1)).join("log.txt")).unwrap();
    let job = bench.context.jobs.find(crate::job::JobId(1)).unwrap().unwrap();
    let written = format!("{} {log} {:?} {:?}", shown.out, job.file, job.why);
    assert!(log.contains("file.csv") && !written.contains("11010519491231002X"), "{written}");
}

#[test]
fn nothing_is_missing_from_one_file_that_another_brought() {
    let bench = Bench::new();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    add_folder(&bench, path);
    let absent = |job: u64| {
        let report = bench.context.jobs.folder(crate::job::JobId(job)).join("report.json");
        serde_json::from_str::<Value>(&fs::read_to_string(report).unwrap()).unwrap()["absent"]["count"]
            .clone()
    };
    drop_in(&bench, path, "a.csv", "编号,名称\nA-1,甲\n");
    drop_in(&bench, path, "b.csv", "编号,名称\nB-1,乙\n");
    drop_in(&bench, path, "a.csv", "编号,名称\nA-2,丙\n");
    assert_eq!([absent(1), absent(2), absent(3)], [0, 0, 1]);
}

#[test]
fn a_failed_file_does_not_come_back_over_a_later_one_of_its_name() {
    let bench = Bench::new();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    add_folder(&bench, path);
    drop_in(&bench, path, "a.csv", "编号\nA-1\n");
    drop_in(&bench, path, "a.csv", "编号,名称\nA-1,乙\n");
    fs::write(path.join("failed/00000001-a.csv"), "编号,名称\nA-1,甲\n").unwrap();
    let again = bench.ask(Command::Job(JobCommand::Again("1".to_owned())));
    assert_eq!(again.exit, Exit::Refused);
    assert!(again.err.contains("job 2") || again.err.contains("任务 2"), "{}", again.err);
}
