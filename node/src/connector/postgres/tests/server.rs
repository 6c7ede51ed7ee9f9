//! A PostgreSQL server of a test: initdb and postgres of this machine, a socket in a temporary folder, no port.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use postgres::{Config, NoTls};

use crate::connector::declaration::PostgresqlSource;

/// The user a server runs as where the test runs as root, which PostgreSQL refuses to.
const SERVER_USER: &str = "postgres";

pub(super) struct Server {
    folder: tempfile::TempDir,
    postgres: Child,
    user: String,
}

impl Server {
    /// None, with a visible note, where there is no PostgreSQL.
    #[expect(clippy::disallowed_methods, reason = "whether tests may be skipped is the environment's to say")]
    pub(super) fn start() -> Option<Self> {
        let Some(programs) = programs() else {
            let required = std::env::var("SAFEHARBOR_REQUIRE_POSTGRES").is_ok_and(|value| value == "1");
            assert!(
                !required,
                "there is no PostgreSQL below /usr/lib/postgresql: install the package postgresql"
            );
            eprintln!("skipped: no PostgreSQL");
            return None;
        };
        let folder = tempfile::Builder::new().prefix("pg").tempdir_in("/tmp").unwrap();
        let owner = foreign_user();
        if let Some((user, group)) = owner {
            std::os::unix::fs::chown(folder.path(), Some(user), Some(group)).unwrap();
        }
        let data = folder.path().join("data");
        let mut initdb = as_owner(&programs.join("initdb"), owner);
        initdb.arg("-D").arg(&data).args([
            "-A",
            "trust",
            "-U",
            SERVER_USER,
            "-E",
            "UTF8",
            "--locale=C",
            "--no-sync",
        ]);
        let made = initdb.output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let mut postgres = as_owner(&programs.join("postgres"), owner);
        postgres.arg("-D").arg(&data).arg("-k").arg(folder.path()).args([
            "-c",
            "listen_addresses=",
            "-c",
            "fsync=off",
        ]);
        let mut postgres = postgres.stderr(Stdio::piped()).spawn().unwrap();
        wait_until_ready(&mut postgres);
        Some(Self { folder, postgres, user: SERVER_USER.to_owned() })
    }

    /// Runs statements as the database's owner.
    pub(super) fn run(&self, sql: &str) {
        let mut config = Config::new();
        config.host_path(self.folder.path()).user(&self.user).dbname("postgres");
        let mut client = config.connect(NoTls).unwrap();
        client.batch_execute("CREATE SEQUENCE IF NOT EXISTS numbers").unwrap();
        client.batch_execute(sql).unwrap();
    }

    pub(super) fn source(&self, select: &str) -> PostgresqlSource {
        PostgresqlSource {
            host: self.folder.path().to_str().unwrap().to_owned(),
            port: 5432,
            database: "postgres".to_owned(),
            user: self.user.clone(),
            password_file: None,
            ca_file: None,
            select: select.to_owned(),
            newer: None,
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.postgres.kill().unwrap();
        self.postgres.wait().unwrap();
    }
}

fn programs() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").ok()?;
    let bins = versions.map(|entry| entry.unwrap().path().join("bin"));
    bins.filter(|bin| bin.join("initdb").exists() && bin.join("postgres").exists()).max()
}

/// User and group of the package's own user, where this process is root.
fn foreign_user() -> Option<(u32, u32)> {
    use std::os::unix::fs::MetadataExt as _;
    if fs::metadata("/proc/self").unwrap().uid() != 0 {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").unwrap();
    let line = users.lines().find(|line| line.starts_with("postgres:")).unwrap().to_owned();
    let number = |place| line.split(':').nth(place).unwrap().parse().unwrap();
    Some((number(2), number(3)))
}

fn as_owner(program: &Path, owner: Option<(u32, u32)>) -> Command {
    let mut command = Command::new(program);
    command.current_dir("/");
    if let Some((user, group)) = owner {
        command.uid(user).gid(group);
    }
    command
}

/// Reads the server's log until it takes connections, and goes on reading so that the server never waits for a reader.
fn wait_until_ready(postgres: &mut Child) {
    let mut lines = BufReader::new(postgres.stderr.take().unwrap()).lines();
    let ready = lines.by_ref().map_while(Result::ok).any(|line| line.contains("ready to accept connections"));
    assert!(ready, "the server ended");
    std::thread::spawn(move || lines.for_each(drop));
}
