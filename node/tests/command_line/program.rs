//! From words to exit codes and texts, on a folder of its own each.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use safeharbor_node::layout::Layout;
use safeharbor_node::opening::Owner;
use safeharbor_service::folder::{DataFolder, Role};
use safeharbor_service::key_file::{self, KeyUse};
use safeharbor_service::random::SystemRandom;

const PASSWORD: &str = "correct horse battery\n";
const MAPPING: &str = "kind = \"ACH\"\n[constant]\nsecrecy = \"public\"\n[field.achievement_no]\nfrom = \"编号\"\n\
    [field.name]\nfrom = \"名称\"\n[field.public_since]\nfrom = \"公开日期\"\n";
const FILE: &str = "编号,名称,公开日期,单位\nA-1,甲,2020-01-01,一大\nA-2,乙,2020-01-01,二大\nA-3,丙,,一大\n";

fn call(folder: &Path, words: &[&str], input: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_safeharbor-node"));
    command.current_dir(folder).args(words).args(["--data", "node", "--lang", "zh"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // A program that refuses at once does not read.
    drop(child.stdin.take().unwrap().write_all(input.as_bytes()));
    child.wait_with_output().unwrap()
}

#[track_caller]
fn check(folder: &Path, words: &[&str], input: &str, code: i32, said: &str) -> String {
    let output = call(folder, words, input);
    let (out, err) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert_eq!(output.status.code(), Some(code), "{words:?}\n{out}{err}");
    assert!(out.contains(said) || err.contains(said), "{words:?}\n{out}{err}");
    out
}

fn set_up(folder: &Path) {
    std::fs::write(folder.join("mapping.toml"), MAPPING).unwrap();
    std::fs::write(folder.join("成果.csv"), FILE).unwrap();
    // What a join that was cut short before it reached the hub leaves.
    let layout = Layout::at(&folder.join("node"));
    drop(DataFolder::open_or_create(layout.root(), Role::Node).unwrap());
    std::fs::create_dir(layout.keys()).unwrap();
    key_file::create(&layout.statement_key(), KeyUse::Statement, &SystemRandom).unwrap();
    let owner = Owner { institution: "12100000400002259P".parse().unwrap(), name: "测试大学".to_owned() };
    std::fs::write(layout.institution(), serde_json::to_vec(&owner).unwrap()).unwrap();
    std::fs::write(folder.join("node/settings.toml"), "[store]\nreserve_bytes = 0\n").unwrap();
}

#[test]
fn from_nothing_to_a_record_that_is_about_to_leave() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path();
    set_up(folder);
    let add = ["person", "add", "--name", "管理", "--role"];
    check(folder, &[&add[..], &["clerk"]].concat(), PASSWORD, 1, "先添加的人员须是管理员");
    check(folder, &[&add[..], &["administrator"]].concat(), "short\n", 1, "密码至少 12 个字符");
    check(folder, &[&add[..], &["administrator"]].concat(), PASSWORD, 0, "已添加人员 1：管理");
    check(folder, &["import", "成果.csv", "--mapping", "mapping.toml"], "", 0, "3 行，新增 3");
    check(folder, &["import", "成果.csv", "--mapping", "mapping.toml"], "", 0, "新增 0，修订 0，未变 3");
    check(folder, &["show", "A-1"], "", 0, "留在本地：4 项");
    std::fs::write(folder.join("policy.toml"), "version = 1\n[kinds]\nACH = \"reveal\"\n").unwrap();
    let accept = ["policy", "accept", "policy.toml", "--person", "管理"];
    check(folder, &accept, "a wrong password\n", 1, "姓名或密码不正确");
    check(folder, &accept, PASSWORD, 0, "现有 3 条记录中，3 条将发送");
    check(folder, &["show", "ACH:A-1"], "", 0, "公开给枢纽：4 项");
    check(folder, &["approve", "A-3", "--fields", "name", "--person", "管理"], PASSWORD, 1, "超出披露上限");
    check(folder, &["erase", "A-2", "--person", "管理"], PASSWORD, 0, "此记录从未离开本节点");
    let status = check(folder, &["status", "--format", "json"], "", 0, "");
    let status: serde_json::Value = serde_json::from_str(&status).unwrap();
    assert_eq!((&status["records"], &status["waiting"]), (&2.into(), &2.into()));
    check(folder, &["run", "--once"], "", 1, "节点尚未入网");
}

#[test]
fn a_later_person_needs_the_password_of_an_administrator() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path();
    set_up(folder);
    check(folder, &["person", "add", "--name", "管理", "--role", "administrator"], PASSWORD, 0, "已添加");
    let add = ["person", "add", "--name", "李娜", "--role", "approver"];
    check(folder, &add, PASSWORD, 1, "须由管理员添加");
    let both = format!("{PASSWORD}another long password\n");
    check(folder, &[&add[..], &["--by", "管理"]].concat(), &both, 0, "已添加人员 2：李娜，角色：审批");
    check(folder, &["person", "list"], "", 0, "李娜");
}

#[test]
fn exit_codes_tell_usage_refusal_and_unavailability_apart() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path();
    check(folder, &["status"], "", 3, "无法打开节点的数据目录");
    check(folder, &["nonsense"], "", 2, "unrecognized subcommand");
    check(folder, &["join"], "no token\n", 1, "SHG1-");
    set_up(folder);
    check(folder, &["list", "--kind", "NOPE"], "", 2, "没有记录类别");
    check(folder, &["show", "A-9"], "", 1, "没有与“A-9”对应的记录");
    check(folder, &["import", "none.csv", "--mapping", "mapping.toml"], "", 3, "无法读取");
    std::fs::write(folder.join("node/settings.toml"), "[store]\nmisspelt = 0\n").unwrap();
    check(folder, &["status"], "", 2, "misspelt");
}

#[test]
fn a_file_is_shared_out_by_a_column() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path();
    set_up(folder);
    let words = ["split", "成果.csv", "--mapping", "mapping.toml", "--by", "单位", "-o", "parts"];
    check(folder, &words, "", 0, "分成 2 个文件");
    let index = std::fs::read(folder.join("parts/index.json")).unwrap();
    let index: serde_json::Value = serde_json::from_slice(&index).unwrap();
    let parts: Vec<_> =
        index.as_array().unwrap().iter().map(|part| (&part["value"], &part["rows"])).collect();
    assert_eq!(parts, [(&"一大".into(), &2.into()), (&"二大".into(), &1.into())]);
    let file = format!("parts/{}", index[0]["file"].as_str().unwrap());
    check(folder, &["import", &file, "--mapping", "mapping.toml"], "", 0, "2 行，新增 2");
}
