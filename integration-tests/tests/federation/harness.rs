//! A hub and nodes as processes in a throw-away folder.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use safeharbor_hub::server::Addresses;
use safeharbor_integration_tests::administrator::Administrator;
use safeharbor_integration_tests::programs::{
    Running, programs_folder, run, run_any, wait_for, wait_for_hub,
};
use serde_json::Value;
use tempfile::TempDir;

/// The password of every person in these tests.
pub(crate) const PASSWORD: &str = "correct horse battery staple\n";

/// Codes of invented institutions, with valid check characters.
pub(crate) const CODES: [&str; 3] = ["12100000DEM000014F", "12110000DEM000022E", "12110000DEM0000309"];

/// Builds the programs once, with the profile of this test.
fn build_programs() {
    static BUILT: OnceLock<()> = OnceLock::new();
    BUILT.get_or_init(|| {
        let folder = programs_folder().unwrap();
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "--quiet", "--locked", "--bins", "--target-dir"]).arg(folder.parent().unwrap());
        build.args(["-p", "safeharbor-hub", "-p", "safeharbor-node", "-p", "safeharbor-verifier"]);
        if folder.ends_with("release") {
            build.arg("--release");
        }
        assert!(build.current_dir(workspace()).status().unwrap().success(), "the programs do not build");
    });
}

pub(crate) fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

pub(crate) fn text(path: &Path) -> String {
    path.display().to_string()
}

/// A federation in its folder.
pub(crate) struct Federation {
    pub(crate) folder: TempDir,
    pub(crate) hub: Option<Running>,
    pub(crate) addresses: Addresses,
    /// The session in which the hub's administrator looks at the board.
    session: OnceLock<String>,
}

impl Federation {
    pub(crate) fn start() -> Self {
        Self::start_with("")
    }

    /// Starts a hub with further lines in its settings.
    pub(crate) fn start_with(settings: &str) -> Self {
        build_programs();
        let folder = tempfile::tempdir().unwrap();
        let data = text(&folder.path().join("hub"));
        run(
            "safeharbor-hub",
            &["init", "--data", &data, "--name", "hub.test.example", "--dns", "localhost"],
            "",
        )
        .unwrap();
        let file = Path::new(&data).join("settings.toml");
        let kept = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, format!("{kept}{settings}")).unwrap();
        Administrator::of(Path::new(&data)).unwrap();
        let (hub, addresses) = run_hub(folder.path(), "127.0.0.1:0");
        Self { folder, hub: Some(hub), addresses, session: OnceLock::new() }
    }

    pub(crate) fn hub_data(&self) -> PathBuf {
        self.folder.path().join("hub")
    }

    /// Starts the hub again where nodes expect it.
    pub(crate) fn restart_hub(&mut self) {
        let (hub, addresses) = run_hub(self.folder.path(), &self.addresses.grpc.to_string());
        self.hub = Some(hub);
        self.addresses = addresses;
    }

    pub(crate) fn kill_hub(&mut self) {
        self.hub.take().unwrap().kill().unwrap();
    }

    pub(crate) fn end_hub(&mut self) {
        self.hub.take().unwrap().end().unwrap();
    }

    pub(crate) fn board(&self) -> Value {
        let asked =
            |session: &str| self.ask(&format!("GET /board.json HTTP/1.1\r\nCookie: {session}\r\n"), "");
        let mut answer = asked(self.session.get_or_init(|| self.log_in()));
        // No session comes back with a restored hub.
        if !answer.starts_with("HTTP/1.1 200") {
            answer = asked(&self.log_in());
        }
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        let start = body.find('{').unwrap_or_else(|| panic!("{answer}"));
        let end = body.rfind('}').unwrap();
        serde_json::from_str(&body[start..=end]).unwrap()
    }

    /// Signs in at the hub as its administrator and answers the session's cookie, which outlives the hub's process.
    fn log_in(&self) -> String {
        let form = format!("name=admin&password={}", self.administrator().password());
        let head = "POST /login HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\n";
        let answer = self.ask(head, &form);
        let cookie = answer.lines().find_map(|line| line.strip_prefix("set-cookie: "));
        let cookie = cookie.unwrap_or_else(|| panic!("no session: {answer}"));
        cookie.split(';').next().unwrap().to_owned()
    }

    /// Asks at the hub's admin address.
    fn ask(&self, head: &str, body: &str) -> String {
        use std::io::{Read as _, Write as _};
        let mut stream = std::net::TcpStream::connect(self.addresses.admin).unwrap();
        let length = body.len();
        let rest = format!("Host: localhost\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}");
        stream.write_all(format!("{head}{rest}").as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// Who administers the hub.
    pub(crate) fn administrator(&self) -> Administrator {
        Administrator::of(&self.hub_data()).unwrap()
    }

    /// Invites an institution, has its node join, and gives the node an administrator and the demonstration's policy.
    pub(crate) fn add_node(&self, code: &str, name: &str) -> Node {
        let node = Node { data: self.folder.path().join(code) };
        let token = self.administrator().invite(code, name).unwrap();
        let address = format!("localhost:{}", self.addresses.grpc.port());
        node.run(&["join", "--address", &address], &token);
        node.run(&["person", "add", "--name", "admin", "--role", "administrator"], PASSWORD);
        let policy = text(&workspace().join("catalogue/policies/demo.toml"));
        node.run(&["policy", "accept", &policy, "--person", "admin"], PASSWORD);
        node
    }

    /// What `safeharbor-verify log` says of the registry, as JSON; the log must verify.
    pub(crate) fn verified_log(&self) -> Value {
        // Acknowledged statements are in a checkpoint within a moment.
        if self.hub.is_some() {
            let published = || {
                let registry = &self.board()["registry"];
                Ok(registry["size"] == registry["logged"])
            };
            wait_for("a checkpoint over everything that is logged", published).unwrap();
        }
        let registry = self.hub_data().join("registry");
        let (folder, vkey) = (text(&registry), text(&registry.join("vkey")));
        let output = run("safeharbor-verify", &["log", &folder, "--vkey", &vkey, "--format", "json"], "");
        serde_json::from_slice(&output.unwrap().stdout).unwrap()
    }

    /// How many statements of an institution the verified log holds.
    pub(crate) fn logged_by(&self, code: &str) -> u64 {
        let log = self.verified_log();
        let institutions = log["institutions"].as_array().unwrap();
        institutions.iter().find(|i| i["code"] == code).unwrap()["statements"].as_u64().unwrap()
    }
}

fn run_hub(folder: &Path, listen: &str) -> (Running, Addresses) {
    let data = folder.join("hub");
    let path = text(&data);
    let arguments = ["run", "--data", &path, "--listen", listen, "--admin", "127.0.0.1:0"];
    let mut hub = Running::start("safeharbor-hub", &arguments, &folder.join("hub.log")).unwrap();
    let addresses = wait_for_hub(&data, &mut hub).unwrap();
    (hub, addresses)
}

/// A node's folder, and its program.
pub(crate) struct Node {
    pub(crate) data: PathBuf,
}

impl Node {
    fn arguments<'a>(data: &'a str, words: &[&'a str]) -> Vec<&'a str> {
        let mut arguments = words.to_vec();
        arguments.extend(["--data", data, "--lang", "en"]);
        arguments
    }

    /// Runs one command; it must succeed.
    pub(crate) fn run(&self, words: &[&str], input: &str) -> String {
        let data = text(&self.data);
        let output = run("safeharbor-node", &Self::arguments(&data, words), input).unwrap();
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs one command, whatever comes of it: exit code, standard output and standard error.
    pub(crate) fn try_run(&self, words: &[&str], input: &str) -> (Option<i32>, String, String) {
        let data = text(&self.data);
        let output = run_any("safeharbor-node", &Self::arguments(&data, words), input).unwrap();
        let read = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code(), read(output.stdout), read(output.stderr))
    }

    /// Starts the node's service.
    pub(crate) fn start(&self) -> Running {
        let data = text(&self.data);
        let log = self.data.with_extension("log");
        Running::start("safeharbor-node", &Self::arguments(&data, &["run"]), &log).unwrap()
    }

    /// Runs until everything is in step with the hub.
    pub(crate) fn sync(&self) {
        self.run(&["run", "--once"], "");
    }

    /// Imports one of the demonstration's sample files.
    pub(crate) fn import_sample(&self, institution: &str, part: &str) {
        let samples = workspace().join("xtask/samples");
        let file = text(&samples.join(institution).join(format!("{part}.csv")));
        let mapping = text(&samples.join(format!("mappings/{institution}-{part}.toml")));
        // Else a refused row would be written into the sources, where the tests run.
        let rejects = text(&self.data.with_extension("rejected.csv"));
        self.run(&["import", &file, "--mapping", &mapping, "--rejects", &rejects], "");
    }

    pub(crate) fn status(&self) -> Value {
        serde_json::from_str(&self.run(&["status", "--format", "json"], "")).unwrap()
    }

    /// Every record the node holds.
    pub(crate) fn records(&self) -> Vec<Value> {
        let file = self.data.with_extension("jsonl");
        self.run(&["export", "records", "--replace", "-o", &text(&file)], "");
        let text = std::fs::read_to_string(file).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}
