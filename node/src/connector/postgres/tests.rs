//! A real server: made from the programs of this machine, in a folder of its own, reached by a socket there.

mod server;

use serde_json::{Value, json};

use super::{ReadDatabaseFailed, read};
use crate::connector::declaration::PostgresqlSource;
use crate::connector::spool::Spool;
use server::Server;

const TABLE: &str = r#"
CREATE TABLE achievement (
    no text PRIMARY KEY, "名称" text, funding numeric(30, 10), ratio double precision, inventors text[], numbers numeric[],
    public boolean, started date, changed timestamptz NOT NULL, extra jsonb
);
INSERT INTO achievement VALUES
    ('A-1', '甲 "x"', 12345678901234567890.0000000001, 0.1, ARRAY['张三', '李,四'], ARRAY[1.10, 12345678901234567890],
     true, '2024-03-01', '2024-03-01 12:00:00+08', '{"b": 1, "a": [1, 2]}'),
    ('A-2', NULL, NULL, NULL, '{}', NULL, false, NULL, '2024-03-02 00:00:00.5+00', NULL);
"#;

fn rows(
    source: &PostgresqlSource,
    since: Option<&str>,
) -> Result<(Vec<Value>, Option<String>), ReadDatabaseFailed> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("spool.jsonl");
    let mut spool = Spool::create(&path).unwrap();
    let next = read(source, since, &mut spool)?;
    spool.finish().unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    Ok((text.lines().map(|line| serde_json::from_str(line).unwrap()).collect(), next))
}

#[test]
fn a_table_is_read_exactly_and_nothing_can_be_written() {
    let Some(server) = Server::start() else { return };
    server.run(TABLE);
    values_are_the_servers_own_texts(&server);
    only_what_is_new_is_read(&server);
    what_was_committed_late_or_says_no_time_is_read(&server);
    an_error_about_a_value_does_not_quote_it(&server);
    more_than_one_select_is_refused(&server);
    many_rows_come_in_pieces(&server);
    a_password_file_open_to_others_is_refused(&server);
}

fn values_are_the_servers_own_texts(server: &Server) {
    let (rows, next) = rows(&server.source("SELECT * FROM achievement ORDER BY no; "), None).unwrap();
    let first = json!({
        "no": "A-1", "名称": "甲 \"x\"", "funding": "12345678901234567890.0000000001", "ratio": "0.1",
        "inventors": ["张三", "李,四"], "numbers": ["1.10", "12345678901234567890"], "public": "true",
        "started": "2024-03-01", "changed": "2024-03-01 04:00:00+00", "extra": "{\"a\": [1, 2], \"b\": 1}"
    });
    let second = json!({
        "no": "A-2", "名称": "", "funding": "", "ratio": "", "inventors": "", "numbers": "", "public": "false",
        "started": "", "changed": "2024-03-02 00:00:00.5+00", "extra": ""
    });
    assert_eq!((rows, next), (vec![first, second], None));
}

fn only_what_is_new_is_read(server: &Server) {
    let mut source = server.source("SELECT no, changed FROM achievement");
    source.newer = Some("changed".to_owned());
    let numbers = |since| {
        let (rows, next) = rows(&source, since).unwrap();
        (rows.iter().map(|row| row["no"].as_str().unwrap().to_owned()).collect::<Vec<_>>(), next)
    };
    let latest = Some("2024-03-02 00:00:00.5+00".to_owned());
    assert_eq!(numbers(None), (vec!["A-1".to_owned(), "A-2".to_owned()], latest.clone()));
    assert_eq!(numbers(latest.as_deref()), (vec!["A-1".to_owned(), "A-2".to_owned()], latest));
    source.newer = Some("missing".to_owned());
    assert!(matches!(rows(&source, None), Err(ReadDatabaseFailed::NoNewer(name)) if name == "missing"));
}

/// A transaction may be committed after a later one was read; `infinity` is no time, a row without one always comes.
fn what_was_committed_late_or_says_no_time_is_read(server: &Server) {
    let values = "('B-0', '2024-02-28 23:00:00+00'::timestamptz), ('B-1', '2024-03-01 00:00:00+00'), \
                  ('B-2', '2024-03-02 00:00:00+00'), ('B-8', 'infinity'), ('B-9', NULL)";
    let mut source = server.source(&format!("SELECT * FROM (VALUES {values}) AS t(no, changed) ORDER BY no"));
    source.newer = Some("changed".to_owned());
    let (_, next) = rows(&source, None).unwrap();
    assert_eq!(next.as_deref(), Some("2024-03-02 00:00:00+00"));
    let (again, _) = rows(&source, next.as_deref()).unwrap();
    let numbers: Vec<_> = again.iter().map(|row| row["no"].as_str().unwrap()).collect();
    assert_eq!(numbers, ["B-1", "B-2", "B-8", "B-9"]);
}

fn an_error_about_a_value_does_not_quote_it(server: &Server) {
    let refused = rows(&server.source("SELECT ('not'||'anumber')::int AS n"), None).unwrap_err();
    let text = crate::speech::chain_of(&refused);
    assert!(text.contains("22P02") && !text.contains("notanumber"), "{text}");
}

fn more_than_one_select_is_refused(server: &Server) {
    let count = || rows(&server.source("SELECT no FROM achievement"), None).unwrap().0.len();
    let before = count();
    for (select, code) in [
        ("SELECT 1; DELETE FROM achievement", "42601"),
        ("DELETE FROM achievement", "42601"),
        ("DELETE FROM achievement RETURNING no", "42601"),
        ("WITH gone AS (DELETE FROM achievement RETURNING no) SELECT * FROM gone", "0A000"),
        ("SELECT 1) AS x; DELETE FROM achievement; --", "42601"),
        ("SELECT 1 AS a) AS x, (SELECT 2 AS b", "42601"),
        ("SELECT nextval('numbers')", "25006"),
        ("SELECT * FROM nowhere", "42P01"),
        ("SET default_transaction_read_only = off", "42601"),
    ] {
        let refused = rows(&server.source(select), None).unwrap_err();
        assert!(refused.to_string().contains(code), "{select}: {refused}");
    }
    assert_eq!(count(), before);
    let twice = rows(&server.source("SELECT no, no FROM achievement"), None).unwrap_err();
    assert!(matches!(twice, ReadDatabaseFailed::ColumnTwice(name) if name == "no"));
    let commented = rows(&server.source("SELECT no FROM achievement -- all of them"), None);
    assert_eq!(commented.unwrap().0.len(), before);
}

fn many_rows_come_in_pieces(server: &Server) {
    let (rows, _) = rows(&server.source("SELECT n FROM generate_series(1, 2500) AS n"), None).unwrap();
    assert_eq!(rows.len(), 2_500);
    assert_eq!((&rows[0]["n"], &rows[2_499]["n"]), (&json!("1"), &json!("2500")));
}

fn a_password_file_open_to_others_is_refused(server: &Server) {
    let file = tempfile::NamedTempFile::new().unwrap();
    let permissions = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    std::fs::set_permissions(file.path(), permissions).unwrap();
    let mut source = server.source("SELECT 1 AS one");
    source.password_file = Some(file.path().to_owned());
    let refused = rows(&source, None).unwrap_err();
    assert!(crate::speech::chain_of(&refused).contains("password"), "{refused}");
}
