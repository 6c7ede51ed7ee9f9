//! `Debug` of whatever holds a secret.

use std::fmt::Debug;
use std::path::{Path, PathBuf};

use safeharbor_certs::authority::Authority;
use safeharbor_certs::invitation::Invitation;
use safeharbor_certs::request::create_request;
use safeharbor_core::key::{MemorySigner, Signer};
use safeharbor_hub::journal::FrameKey;
use safeharbor_proto::v1;
use safeharbor_service::backup::BackupKey;
use safeharbor_service::person::{Credentials, Password, PersonCommand};
use zeroize::Zeroizing;

use super::check_holds_none;

const NOW_S: u64 = 1_772_366_400;
const PASSWORD: &str = "correct horse battery staple";

fn check(value: &dyn Debug, secret: &[u8], what: &str) {
    let shown = format!("{value:?}\n{value:#?}");
    check_holds_none(&shown, &[(what.to_owned(), secret.to_vec())], "its Debug");
}

/// The key itself between the lines of a PEM file.
fn body_of(pem: &str) -> Vec<u8> {
    let lines: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    lines.into_bytes()
}

#[test]
fn keys_of_every_kind_show_nothing() {
    let seed: [u8; 32] = std::array::from_fn(|at| u8::try_from(at * 7 + 11).unwrap());
    let signer = MemorySigner::from_seed(&Zeroizing::new(seed));
    check(&signer, &seed, "a signer's seed");
    let shared: std::sync::Arc<dyn Signer> = std::sync::Arc::new(signer);
    check(&shared, &seed, "a shared signer's seed");
    check(&FrameKey::from_bytes(seed), &seed, "a frame's key");

    let authority = Authority::create("test", NOW_S, 3600).unwrap();
    check(&authority, &body_of(&authority.key_pem()), "the authority's key");
    let issued = authority.issue_server(&["localhost".to_owned()], NOW_S, 3600).unwrap();
    check(&issued, &body_of(&issued.key_pem), "a server's key");
    let request = create_request("12100000400002259P".parse().unwrap()).unwrap();
    check(&request, &body_of(&request.key_pem), "a request's key");

    let folder = tempfile::tempdir().unwrap();
    let backup = BackupKey::load_or_create(folder.path()).unwrap();
    let text = std::fs::read_to_string(BackupKey::path(folder.path())).unwrap();
    check(&backup, text.lines().last().unwrap().as_bytes(), "the backup key");
}

#[test]
fn passwords_and_invitations_show_nothing() {
    let password = || Password::new(PASSWORD.to_owned());
    check(&password(), PASSWORD.as_bytes(), "a password");
    let by = Credentials { name: "李娜".to_owned(), password: password() };
    check(&by, PASSWORD.as_bytes(), "credentials");
    let command = PersonCommand::Add {
        name: "王伟".to_owned(),
        role: "clerk".to_owned(),
        password: password(),
        by: Some(by.clone()),
    };
    check(&safeharbor_node::command::Command::Resume { by }, PASSWORD.as_bytes(), "a command of the node");
    check(&safeharbor_hub::command::Command::Person(command), PASSWORD.as_bytes(), "a command of the hub");

    let secret: [u8; 16] = std::array::from_fn(|at| u8::try_from(at * 13 + 20).unwrap());
    let invitation = Invitation {
        secret: Zeroizing::new(secret),
        address: "hub.example:7443".to_owned(),
        expires_s: 1_800_000_000,
        authority: [9; 16],
    };
    check(&invitation, &secret, "an invitation");
    check(&invitation, &invitation.to_token().as_bytes()[..40], "an invitation's token");
    let joining = v1::JoinRequest { secret: secret.to_vec(), ..v1::JoinRequest::default() };
    check(&joining, &secret, "a request to join");
}

/// `Zeroizing` shows what it holds: whoever keeps one writes `Debug` by hand.
#[test]
fn nothing_that_wipes_a_secret_derives_debug() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut seen = 0;
    for part in ["core", "rules", "proto", "certs", "service", "node", "hub"] {
        for file in sources(&root.join(part).join("src")) {
            let text = std::fs::read_to_string(&file).unwrap();
            for item in items(&text) {
                seen += usize::from(item.contains("Zeroizing<"));
                let derives = |line: &str| line.starts_with("#[derive(") && line.contains("Debug");
                let shows =
                    item.contains("Zeroizing<") && item.lines().any(|line| derives(line.trim_start()));
                assert!(!shows, "{} derives Debug over a secret:\n{item}", file.display());
            }
        }
    }
    assert!(seen >= 3, "the search finds nothing any more");
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

/// Every struct and enum with the attributes in front of it, up to its closing line.
fn items(text: &str) -> Vec<String> {
    let (mut items, mut attributes) = (Vec::new(), String::new());
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let bare = line.trim_start();
        let begins =
            ["struct ", "enum ", "pub struct ", "pub enum ", "pub(crate) struct ", "pub(super) struct "];
        if begins.iter().any(|word| bare.starts_with(word)) {
            let mut item = format!("{attributes}{line}\n");
            if !line.ends_with(';') && !line.ends_with('}') {
                let indent = &line[..line.len() - bare.len()];
                for rest in lines.by_ref() {
                    item.push_str(rest);
                    item.push('\n');
                    if rest == format!("{indent}}}") || rest.ends_with(");") && indent.is_empty() {
                        break;
                    }
                }
            }
            items.push(item);
        }
        if bare.starts_with("#[") || bare.starts_with("///") {
            attributes.push_str(line);
            attributes.push('\n');
        } else {
            attributes.clear();
        }
    }
    items
}
