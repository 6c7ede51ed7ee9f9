//! The program itself: exit codes, text and JSON.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

use crate::registry::*;

struct Folder(TempDir);

impl Folder {
    /// A registry of nine entries with everything a reader of it would hold.
    fn with_registry() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (registry, made) = Registry::with_disclosures(3);
        registry.files().write_to(&folder.path().join("registry"));
        let write = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
        write("registry/vkey", format!("{}\n", vkey()).as_bytes());
        write("registry/policy", policy_text().as_bytes());
        write("witnessed-policy", witnessed_policy_text().as_bytes());
        write(
            "receipt.tlog-proof",
            registry.receipt(7, &[(11, 1_764_000_300), (12, 1_764_000_100)]).as_bytes(),
        );
        write("own.entry", &registry.entries[7]);
        write("other.entry", &registry.entries[6]);
        write("own.statement", made[1].revealing(2).as_bytes());
        write("other.statement", made[0].revealing(2).as_bytes());
        write("unlogged.statement", registry.draft(PEKING, PEKING_KEY).revealing(1).as_bytes());
        write("keys.json", jwks(&[PEKING_KEY]).to_string().as_bytes());
        write("other-keys.json", jwks(&[TSINGHUA_KEY]).to_string().as_bytes());
        let other = safeharbor_core::note::VerifierKey::ed25519(ORIGIN, public_key(99)).unwrap();
        write("other-vkey", other.to_string().as_bytes());
        Self(folder)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn run(&self, line: &str) -> Output {
        let program = env!("CARGO_BIN_EXE_safeharbor-verify");
        Command::new(program).args(line.split_whitespace()).current_dir(self.path()).output().unwrap()
    }

    /// Runs a command, checks its exit code, and returns its JSON.
    fn check(&self, line: &str, exit_code: i32) -> Value {
        let output = self.run(&format!("{line} --format json"));
        assert_eq!(output.status.code(), Some(exit_code), "{line}: {output:?}");
        assert!(output.stderr.is_empty(), "{line}: {output:?}");
        let json: Value = serde_json::from_slice(&output.stdout).unwrap();
        let verdict = match exit_code {
            0 => "verified",
            1 => "refuted",
            _ => "could-not-tell",
        };
        assert_eq!(json["verdict"], verdict, "{line}");
        assert_eq!(json.get("reason").is_none(), exit_code == 0, "{line}");
        json
    }

    fn text(&self, line: &str) -> String {
        String::from_utf8(self.run(line).stdout).unwrap()
    }
}

#[test]
fn receipts() {
    let folder = Folder::with_registry();
    let receipt = "receipt receipt.tlog-proof --entry own.entry --policy registry/policy";
    let report = folder.check(receipt, 0);
    assert_eq!(
        (&report["command"], &report["index"], &report["seq"]),
        (&"receipt".into(), &7.into(), &2.into())
    );
    assert_eq!(report["issuer"], format!("urn:uscc:{PEKING}"));
    let tied = folder.check(&format!("{receipt} --statement own.statement"), 0);
    assert_eq!((&tied["statement"]["kind"], &tied["statement"]["revealed"]), (&"ACH".into(), &2.into()));
    folder.check(&format!("{receipt} --statement other.statement"), 1);
    folder.check(&receipt.replace("own", "other"), 1);
    folder.check(&receipt.replace("receipt.tlog-proof", "own.entry"), 1);
    folder.check(&receipt.replace("own.entry", "missing.entry"), 3);
    folder.check(&receipt.replace("registry/policy", "missing"), 3);
    folder.check(&receipt.replace("registry/policy", "own.entry"), 3);
    let witnessed = folder.check(&receipt.replace("registry/policy", "witnessed-policy"), 0);
    assert_eq!(witnessed["witnessed_at"], 1_764_000_300);
}

#[test]
fn disclosures() {
    let folder = Folder::with_registry();
    let report = folder.check("disclosure own.statement --keys keys.json", 0);
    assert_eq!(report["claims"]["type"], "02");
    folder.check("disclosure own.statement --keys other-keys.json", 3);
    folder.check("disclosure own.entry --keys keys.json", 1);
    let unpinned = folder.check("disclosure own.statement --log registry", 0);
    assert_eq!(unpinned["log"]["log_key_source"], "log-itself");
    let pinned = folder.check("disclosure own.statement --log registry --policy registry/policy", 0);
    assert_eq!((&pinned["log"]["log_key_source"], &pinned["log"]["index"]), (&"policy".into(), &7.into()));
    folder.check("disclosure own.statement --log registry --vkey other-vkey", 1);
    folder.check("disclosure unlogged.statement --log registry", 3);
    folder.check("disclosure own.statement --log missing", 3);
}

#[test]
fn logs() {
    let folder = Folder::with_registry();
    let report = folder.check("log registry --vkey registry/vkey", 0);
    assert_eq!((&report["size"], &report["tiles"]), (&9.into(), &1.into()));
    assert_eq!(report["hub"]["key_source"], "log-itself");
    assert_eq!(report["institutions"][0]["statements"], 1);
    assert_eq!(report["institutions"][1]["name"], "北京大学");
    assert_eq!(report["institutions"][1]["keys"][0]["from"], 3);
    let pinned = folder.check("log registry --vkey registry/vkey --policy registry/policy", 0);
    assert_eq!(pinned["hub"]["key_source"], "policy");
    folder.check("log registry --vkey other-vkey", 1);
    folder.check("log registry --vkey missing", 3);
    folder.check("log missing --vkey registry/vkey", 3);
}

#[test]
fn chains_copies_monitors_and_evidence() {
    let folder = Folder::with_registry();
    let report = folder.check(&format!("chain {PEKING} registry --policy registry/policy"), 0);
    assert_eq!((&report["statements"], &report["name"]), (&2.into(), &"北京大学".into()));
    let text = folder.text(&format!("chain {PEKING} registry --policy registry/policy --lang zh-CN"));
    assert!(text.contains("第 1 至 2 号，无缺号"), "{text}");
    folder.check("chain 12100000400006217A registry --policy registry/policy", 3);
    let report = folder.check("mirror registry copy --vkey registry/vkey", 0);
    assert_eq!((&report["size"], &report["fetched"]), (&9.into(), &2.into()));
    folder.check("log copy --vkey registry/vkey --state state", 0);
    let once = "monitor registry --vkey registry/vkey --state watch --once --format json";
    let output = folder.run(once);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(String::from_utf8(output.stdout).unwrap().contains("\"event\":\"grown\""));
    assert_eq!(folder.run(&once.replace("registry --vkey", "nowhere --vkey")).status.code(), Some(3));
    folder.check("evidence registry/checkpoint registry/checkpoint --vkey registry/vkey", 1);
    folder.check("evidence registry/vkey --vkey registry/vkey", 1);
}

#[test]
fn the_first_thing_wrong_with_a_log_is_named_with_its_place() {
    let folder = Folder::with_registry();
    let path = folder.path().join("registry/tile/0/000.p/9");
    let tile = std::fs::read(&path).unwrap();
    std::fs::write(&path, [&tile[..100], &[tile[100] ^ 1], &tile[101..]].concat()).unwrap();
    let refusal = folder.check("log registry --vkey registry/vkey", 1);
    assert_eq!(refusal["file"], "tile/0/000.p/9");
    assert_eq!(refusal["reason"], "hash 3 of the tile is not the one that the entries yield");
    std::fs::remove_file(path).unwrap();
    let missing = folder.check("log registry --vkey registry/vkey", 3);
    assert_eq!(
        (&missing["reason"], &missing["file"]),
        (&"the file is missing".into(), &"tile/0/000.p/9".into())
    );
}

#[test]
fn wrong_usage_exits_with_2() {
    let folder = Folder::with_registry();
    for line in [
        "",
        "receipt",
        "receipt receipt.tlog-proof --policy registry/policy",
        "disclosure own.statement",
        "disclosure own.statement --keys keys.json --log registry",
        "disclosure own.statement --keys keys.json --policy registry/policy",
        "log registry",
        "log registry --vkey registry/vkey --format xml",
        "log registry --vkey registry/vkey --lang fr",
    ] {
        let output = folder.run(line);
        assert_eq!(output.status.code(), Some(2), "{line}");
        assert!(output.stdout.is_empty() && !output.stderr.is_empty(), "{line}");
    }
}

#[test]
fn help_names_the_exit_codes() {
    let folder = Folder::with_registry();
    for line in
        ["--help", "receipt --help", "disclosure --help", "log --help", "chain --help", "monitor --help"]
    {
        let text = folder.text(line);
        assert!(text.contains("Exit codes") && text.contains("3 could not tell"), "{text}");
    }
}

#[test]
fn text_is_for_people_in_both_languages() {
    let folder = Folder::with_registry();
    let receipt = "receipt receipt.tlog-proof --entry own.entry --policy registry/policy";
    let text = folder.text(receipt);
    assert!(text.starts_with("VERIFIED\n") && text.contains("signed by the log only"), "{text}");
    let text = folder.text(&format!("{receipt} --lang zh-CN"));
    assert!(text.starts_with("验证通过\n") && text.contains("仅有登记簿自身签名"), "{text}");
    let text = folder.text("disclosure own.statement --keys keys.json");
    assert!(text.contains("高温超导限流器") && text.contains("14 further digests"), "{text}");
    let text = folder.text("disclosure own.statement --log registry");
    assert!(text.contains("nobody else vouches for it"), "{text}");
    let text = folder.text("log registry --vkey registry/vkey --lang zh-CN");
    assert!(text.contains("清华大学") && text.contains("条目数"), "{text}");
    let text = folder.text("log registry --vkey other-vkey");
    assert!(text.starts_with("REFUTED: the checkpoint is not one of this log\n"), "{text}");
    let text = folder.text("log registry --vkey missing --lang zh-CN");
    assert!(text.starts_with("无法判断：文件不存在\n"), "{text}");
}

#[test]
fn oversized_files_are_not_read() {
    let folder = Folder::with_registry();
    let file = std::fs::File::create(folder.path().join("huge")).unwrap();
    file.set_len(1 << 40).unwrap();
    folder.check("receipt huge --entry own.entry --policy registry/policy", 3);
    folder.check("receipt receipt.tlog-proof --entry huge --policy registry/policy", 3);
    folder.check("receipt receipt.tlog-proof --entry own.entry --policy huge", 3);
    folder.check("disclosure huge --keys keys.json", 3);
    folder.check("disclosure own.statement --keys huge", 3);
    folder.check("log registry --vkey huge", 3);
}
