//! A hub and a node in this process, at the most talkative: nothing of what they log, note and answer holds a secret.

use std::fs::read_dir;
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use safeharbor_certs::invitation::Invitation;
use safeharbor_core::institution::InstitutionCode;
use safeharbor_hub::command::{self as hub_command, Command as HubCommand};
use safeharbor_hub::office::Office;
use safeharbor_hub::server::{Addresses, serve};
use safeharbor_hub::setup::{Naming, set_up};
use safeharbor_integration_tests::member::Member;
use safeharbor_node::command::{self as node_command, BackupCommand, Command as NodeCommand};
use safeharbor_node::layout::Layout;
use safeharbor_node::opening::{Owner, Seams, open as open_node};
use safeharbor_node::settings::Settings;
use safeharbor_service::clock::{Clock, SystemClock};
use safeharbor_service::folder::{DataFolder, Role};
use safeharbor_service::key_file::{self, KeyUse};
use safeharbor_service::person::{Credentials, Password, PersonCommand, Role as PersonRole};
use safeharbor_service::random::{Random, SystemRandom};
use safeharbor_service::shutdown::Shutdown;
use safeharbor_service::speech::{Format, Language, Speech};
use secrecy::SecretString;

use super::check_holds_none;

const ADMINISTRATOR: &str = "赵敏";
const PASSWORD: &str = "correct horse battery staple";
const NEW_PASSWORD: &str = "another pass phrase altogether";
const WRONG_PASSWORD: &str = "a password that is not theirs";

/// What was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// As the programs log, with everything let through that a filter can let through.
fn capture() -> Log {
    let log = Log::default();
    let written = log.clone();
    let filter = safeharbor_service::telemetry::parse_filter("trace").unwrap();
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(move || written.clone()).init();
    log
}

fn by(password: &str) -> Credentials {
    Credentials { name: ADMINISTRATOR.to_owned(), password: Password::new(password.to_owned()) }
}

/// What is asked at both, with passwords right and wrong.
fn person_commands() -> Vec<PersonCommand> {
    let add = |name: &str, role: &str, by| PersonCommand::Add {
        name: name.to_owned(),
        role: role.to_owned(),
        password: Password::new(NEW_PASSWORD.to_owned()),
        by: Some(by),
    };
    vec![
        add("王伟", "administrator", by(PASSWORD)),
        add("李娜", "administrator", by(WRONG_PASSWORD)),
        add("王伟", "no such role", by(PASSWORD)),
        PersonCommand::List,
    ]
}

fn seams() -> (Arc<dyn Clock>, Arc<dyn Random>) {
    (Arc::new(SystemClock), Arc::new(SystemRandom))
}

/// What a hub answered, and the invitation that was taken up while it served.
async fn run_hub(folder: &Path, saved: &Path) -> (String, String) {
    let (clock, random) = seams();
    let naming = Naming { name: "hub.example".to_owned(), origin: None, tls_names: Vec::new() };
    set_up(folder, &naming, clock.as_ref(), random.as_ref()).unwrap();
    let anywhere = [("listen", "127.0.0.1:0".to_owned()), ("admin", "127.0.0.1:0".to_owned())];
    let hub = safeharbor_hub::opening::open(folder, &anywhere, (&clock, &random)).unwrap();
    let (shutdown, said) = (Shutdown::new(), Arc::new(Mutex::new((String::new(), String::new()))));
    let (saved, ended, answers) = (saved.to_owned(), shutdown.clone(), Arc::clone(&said));
    let commands = |office| async move {
        let text = command_hub(&office, &saved).await;
        let token = join_by_invitation(&office).await;
        *answers.lock().unwrap_or_else(PoisonError::into_inner) = (text, token);
        ended.trigger();
    };
    serve(hub, shutdown, commands).await.unwrap();
    let said = said.lock().unwrap_or_else(PoisonError::into_inner);
    said.clone()
}

async fn command_hub(office: &Office, saved: &Path) -> String {
    let password = SecretString::from(PASSWORD);
    office.persons.add(ADMINISTRATOR, PersonRole::Administrator, &password, None).unwrap();
    let mut commands: Vec<HubCommand> = person_commands().into_iter().map(HubCommand::Person).collect();
    let save = |password| hub_command::BackupCommand::SaveKey { file: saved.to_owned(), by: by(password) };
    commands.extend([save(WRONG_PASSWORD), save(PASSWORD), save(PASSWORD)].map(HubCommand::Backup));
    commands.push(HubCommand::Backup(hub_command::BackupCommand::Now));
    let mut said = String::new();
    for command in commands {
        let reply = ask(office, command).await;
        said += &(reply.out + &reply.err);
    }
    said
}

async fn ask(office: &Office, command: HubCommand) -> hub_command::Reply {
    let request = hub_command::Request { command, language: Language::Zh, format: Format::Json };
    hub_command::execute(office, request).await
}

/// A member joins over TLS with the token that an administrator was given.
async fn join_by_invitation(office: &Office) -> String {
    let code: InstitutionCode = "12100000400002259P".parse().unwrap();
    let add = hub_command::AddCommand {
        id: None,
        names: vec!["北京大学".to_owned()],
        aliases: Vec::new(),
        kind: None,
        in_district: None,
        counts_for_g1: None,
        code: Some(code),
        by: by(PASSWORD),
    };
    let who = code.as_str().to_owned();
    let invite = hub_command::InviteCommand { who, code: None, days: 1, re_enrol: false, by: by(PASSWORD) };
    ask(office, HubCommand::Institution(hub_command::InstitutionCommand::Add(add))).await;
    let token = ask(office, HubCommand::Invite(invite)).await.out.trim().to_owned();
    let folder = office.paths.folder().to_owned();
    let addresses = std::fs::read_to_string(office.paths.addresses()).unwrap();
    let addresses: Addresses = serde_json::from_str(&addresses).unwrap();
    let taken = token.clone();
    let take_up = move || Member::take_up(&taken, (1, code), &folder, &addresses.grpc.to_string());
    tokio::task::spawn_blocking(take_up).await.unwrap().unwrap();
    token
}

fn set_up_node(layout: &Layout) {
    let _held = DataFolder::create(layout.root(), Role::Node).unwrap();
    std::fs::create_dir(layout.keys()).unwrap();
    key_file::create(&layout.statement_key(), KeyUse::Statement, &SystemRandom).unwrap();
    key_file::create(&layout.witness_key(), KeyUse::Witness, &SystemRandom).unwrap();
    let owner = Owner { institution: "12100000400002259P".parse().unwrap(), name: "测试大学".to_owned() };
    std::fs::write(layout.institution(), serde_json::to_vec(&owner).unwrap()).unwrap();
}

fn run_node(layout: &Layout, saved: &Path) -> String {
    set_up_node(layout);
    let (clock, random) = seams();
    let settings = Settings::load(layout, &[]).unwrap();
    let node = open_node(layout, &settings, &Seams { clock, random }).unwrap();
    let password = SecretString::from(PASSWORD);
    node.context.persons.add(ADMINISTRATOR, PersonRole::Administrator, &password, None).unwrap();
    let mut commands: Vec<NodeCommand> = person_commands().into_iter().map(NodeCommand::Person).collect();
    let save = |password| BackupCommand::SaveKey { file: saved.to_owned(), by: by(password) };
    commands.extend([save(WRONG_PASSWORD), save(PASSWORD), save(PASSWORD)].map(NodeCommand::Backup));
    commands.push(NodeCommand::Backup(BackupCommand::Now));
    commands.push(NodeCommand::Resume { by: by(PASSWORD) });
    commands.push(NodeCommand::Erase { record: "ACH:none".to_owned(), by: by(PASSWORD) });
    commands.push(NodeCommand::Status);
    let (mut out, mut err) = (Vec::new(), Vec::new());
    for command in commands {
        let (language, format) = (Language::En, Format::Json);
        let mut speech = Speech { out: &mut out, err: &mut err, language, format, terminal: false };
        node_command::execute(&node.context, command, &mut speech);
    }
    String::from_utf8_lossy(&[out, err].concat()).into_owned()
}

/// The secret lines of every key file: the last one, or all between the markers of a PEM file.
fn secrets_in(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut secrets = Vec::new();
    for entry in read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        if text.contains("BEGIN CERTIFICATE") {
            continue;
        }
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let lines = text.lines().filter(|line| !line.starts_with("-----") && !line.starts_with('#'));
        secrets.extend(lines.map(|line| (name.clone(), line.as_bytes().to_vec())));
    }
    secrets
}

#[tokio::test]
async fn log_audit_and_answers_hold_no_secret() {
    let log = capture();
    let place = tempfile::tempdir().unwrap();
    let (hub, node) = (place.path().join("hub"), Layout::at(&place.path().join("node")));
    let (said_by_hub, token) = run_hub(&hub, &place.path().join("saved-by-hub")).await;
    let layout = node.clone();
    let saved = place.path().join("saved-by-node");
    let said_by_node = tokio::task::spawn_blocking(move || run_node(&layout, &saved)).await.unwrap();

    let mut secrets = secrets_in(&hub.join("keys"));
    secrets.extend(secrets_in(&node.keys()));
    for password in [PASSWORD, NEW_PASSWORD, WRONG_PASSWORD] {
        secrets.push(("a password".to_owned(), password.as_bytes().to_vec()));
    }
    let keys: Vec<&str> = secrets.iter().map(|(name, _)| name.as_str()).collect();
    for key in [
        "log.key",
        "statements.key",
        "tls.key.pem",
        "authority.key.pem",
        "statement.key",
        "witness.key",
        "backup-identity",
    ] {
        assert!(keys.contains(&key), "{key} is not looked for");
    }
    let logged = String::from_utf8_lossy(&log.0.lock().unwrap_or_else(PoisonError::into_inner)).into_owned();
    assert!(logged.contains("the hub listens") && logged.contains("TRACE"), "the log was captured: {logged}");
    assert!(said_by_hub.contains("王伟") && said_by_node.contains("王伟"), "{said_by_hub}\n{said_by_node}");
    // Whoever invites is answered with the token; nobody else sees it.
    let invitation = Invitation::parse(&token).unwrap();
    secrets.push(("the invitation".to_owned(), token.as_bytes()[..40].to_vec()));
    secrets.push(("the invitation's secret".to_owned(), invitation.secret.to_vec()));
    check_holds_none(&logged, &secrets, "the log");
    check_holds_none(&said_by_hub, &secrets, "an answer of the hub");
    check_holds_none(&said_by_node, &secrets, "an answer of the node");
    for audit in [hub.join("audit.log"), node.audit_log()] {
        let noted = std::fs::read_to_string(&audit).unwrap();
        assert!(noted.contains("authentication failed") && noted.contains("save the backup key"), "{noted}");
        check_holds_none(&noted, &secrets, "the audit log");
    }
    // Stores and what stands beside them: only keys and backups hold keys.
    for file in [hub.join("backups.json"), node.root().join("backups.json")] {
        check_holds_none(&std::fs::read_to_string(file).unwrap(), &secrets, "what is known of backups");
    }
}
