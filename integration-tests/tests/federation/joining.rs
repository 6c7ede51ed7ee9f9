//! One command joins: whatever happens to it in the middle, running it again gives the same answer and burns no token.

use std::fs;
use std::path::Path;

use crate::harness::{CODES, Federation, Node};

const NAME: &str = "第四大学";

fn invited(federation: &Federation, code: &str) -> String {
    federation.administrator().invite(code, NAME).unwrap()
}

fn node(federation: &Federation, name: &str) -> Node {
    Node { data: federation.folder.path().join(name) }
}

/// Where the hub under test listens; its tokens name the port it was set up with.
fn join(federation: &Federation, node: &Node, input: &str) -> (Option<i32>, String, String) {
    let address = format!("localhost:{}", federation.addresses.grpc.port());
    node.try_run(&["join", "--address", &address], input)
}

pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    fs::set_permissions(to, fs::metadata(from).unwrap().permissions()).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target)
        } else {
            assert!(fs::copy(entry.path(), target).is_ok())
        }
    }
}

#[test]
fn a_node_joins_with_one_command_and_is_in_step() {
    let federation = Federation::start();
    let (token, node) = (invited(&federation, CODES[0]), node(&federation, "fourth"));
    let (code, said, complaint) = join(&federation, &node, &token);
    assert_eq!(code, Some(0), "{complaint}");
    assert!(said.starts_with(&format!("joined: {NAME} ({})", CODES[0])), "{said}");
    assert!(!node.data.join("keys/invitation").exists(), "it is of no use any more");
    for secret in ["statement.key", "witness.key", "presentation.key", "tls.key"] {
        let mode = fs::metadata(node.data.join("keys").join(secret)).unwrap().permissions();
        assert_eq!(std::os::unix::fs::PermissionsExt::mode(&mode) & 0o777, 0o600, "{secret}");
    }
    node.sync();
    let (code, again, complaint) = join(&federation, &node, "");
    assert_eq!(code, Some(0), "{complaint}");
    assert_eq!(again.lines().skip(1).collect::<Vec<_>>(), said.lines().skip(1).collect::<Vec<_>>());
    assert!(again.starts_with("a member already"), "{again}");
}

#[test]
fn a_join_that_was_killed_at_any_step_goes_on_with_the_same_keys_and_token() {
    let federation = Federation::start();
    let (token, whole) = (invited(&federation, CODES[0]), node(&federation, "whole"));
    let (_, said, complaint) = join(&federation, &whole, &token);
    assert!(said.starts_with("joined"), "{complaint}");
    // What a kill leaves behind each step from the hub's answer back to the first; a folder that has no key yet cannot have asked.
    let undone: [&[&str]; 4] = [
        &[],
        &["trust/membership.json"],
        &["trust/membership.json", "trust/hub-address", "institution.json"],
        &["trust/membership.json", "trust/hub-address", "institution.json", "keys/tls.csr"],
    ];
    for (step, removed) in undone.into_iter().enumerate() {
        let broken = node(&federation, &format!("broken-{step}"));
        copy(&whole.data, &broken.data);
        removed.iter().for_each(|file| fs::remove_file(broken.data.join(file)).unwrap());
        copy_token(&broken, &token);
        let (code, again, complaint) = join(&federation, &broken, "");
        assert_eq!(code, Some(0), "step {step}: {complaint}");
        assert_eq!(again.lines().last(), said.lines().last());
        assert_eq!(again.lines().nth(2), said.lines().nth(2), "step {step}: the same words");
        assert!(broken.data.join("trust/membership.json").exists());
        assert!(!broken.data.join("keys/invitation").exists(), "step {step}");
        broken.sync();
    }
}

fn copy_token(node: &Node, token: &str) {
    safeharbor_service::secret_file::create(&node.data.join("keys/invitation"), token.as_bytes()).unwrap();
}

#[test]
fn a_token_that_does_not_serve_says_why() {
    let (federation, other) = (Federation::start(), Federation::start());
    let token = invited(&federation, CODES[0]);
    let refused = |federation: &Federation, name: &str, token: &str, words: &str| {
        let node = node(federation, name);
        let (code, said, complaint) = join(federation, &node, token);
        assert_ne!(code, Some(0), "{said}");
        assert!(complaint.contains(words), "{words}: {complaint}");
        assert!(!complaint.contains(token) && !node.data.join("trust/membership.json").exists());
        assert!(!node.data.join("keys/invitation").exists(), "{name}: another one is asked for next time");
    };
    refused(&federation, "damaged", &token.replace(&token[20..21], "_"), "damaged");
    refused(&federation, "none", "hello", "begins with SHG1-");
    refused(&other, "elsewhere", &token, "is not the hub of this invitation");
    let (code, _, complaint) = join(&federation, &node(&federation, "first"), &token);
    assert_eq!(code, Some(0), "{complaint}");
    refused(&federation, "second", &token, "call the hub's operator at once");
    let unreachable = node(&federation, "unreachable");
    let (code, _, complaint) = unreachable.try_run(&["join", "--address", "127.0.0.1:1"], &token);
    assert!(code == Some(3) && complaint.contains("doctor"), "{code:?} {complaint}");
    assert!(unreachable.data.join("keys/invitation").exists(), "the next attempt goes on with it");
    // A member of one hub does not become one of another in the same folder.
    let (code, _, complaint) = join(&other, &node(&federation, "first"), &invited(&other, CODES[1]));
    assert!(code == Some(1) && complaint.contains("--data"), "{code:?} {complaint}");
}
