//! A running node takes commands, with a hub that cannot be reached.

use std::path::Path;
use std::time::Duration;

use safeharbor_service::clock::ManualClock;
use safeharbor_service::folder::{DataFolder, Role};
use safeharbor_service::key_file::{self, KeyUse};
use safeharbor_service::random::SystemRandom;

use super::*;
use crate::command::Command;
use crate::layout::Layout;
use crate::membership;
use crate::opening::{Owner, Seams, open};
use crate::settings::Settings;
use crate::speech::Format;
use crate::trust::{Alarm, Stopped, store_stop};

/// A folder that was set up, with a statement key.
struct Place {
    _folder: tempfile::TempDir,
    layout: Layout,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::at(&folder.path().join("node"));
        drop(DataFolder::open_or_create(layout.root(), Role::Node).unwrap());
        fs::create_dir(layout.keys()).unwrap();
        key_file::create(&layout.statement_key(), KeyUse::Statement, &SystemRandom).unwrap();
        let owner =
            Owner { institution: "12100000400002259P".parse().unwrap(), name: "测试大学".to_owned() };
        fs::write(layout.institution(), serde_json::to_vec(&owner).unwrap()).unwrap();
        Self { _folder: folder, layout }
    }

    fn member() -> Self {
        let place = Self::new();
        membership::tests::join(&place.layout);
        place
    }
}

fn forward(socket: &Path, command: Command) -> Option<(u8, String, String)> {
    let request = Request { command, language: Language::Zh, format: Format::Table, terminal: false };
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let request = serde_json::to_vec(&request).unwrap();
    let code = control::forward(socket, &request, &mut out, &mut err).unwrap()?;
    Some((code, String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap()))
}

async fn ask(socket: &Path, command: impl Fn() -> Command + Send + 'static) -> (u8, String, String) {
    let socket = socket.to_owned();
    let answered = tokio::task::spawn_blocking(move || {
        let mut answer = None;
        while answer.is_none() {
            answer = forward(&socket, command());
        }
        answer.unwrap()
    });
    tokio::time::timeout(Duration::from_secs(60), answered).await.unwrap().unwrap()
}

#[test]
fn a_node_that_did_not_join_does_not_run() {
    let place = Place::new();
    let seams = Seams { clock: Arc::new(ManualClock::at_ms(0)), random: Arc::new(SystemRandom) };
    let settings = Settings::load(&place.layout, &[]).unwrap();
    let node = open(&place.layout, &settings, &seams).unwrap();
    let failed = load_link(&node.context).unwrap_err();
    let (exit, text) = failed.text(Language::Zh);
    assert_eq!(exit, Exit::Refused);
    assert!(text.starts_with("节点尚未入网"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_node_carries_out_commands_on_its_own_store() {
    let place = Place::member();
    let seams = Seams { clock: Arc::new(ManualClock::at_ms(0)), random: Arc::new(SystemRandom) };
    let settings = Settings::load(&place.layout, &[("store.reserve_bytes", "0".to_owned())]).unwrap();
    let node = open(&place.layout, &settings, &seams).unwrap();
    assert!(open(&place.layout, &settings, &seams).unwrap_err().is_in_use());
    let (shutdown, context) = (Shutdown::new(), Arc::clone(&node.context));
    let running = tokio::spawn({
        let shutdown = shutdown.clone();
        async move { serve(context, &shutdown, Until::Shutdown).await }
    });
    let socket = place.layout.control_socket();
    let (code, out, _) = ask(&socket, || Command::Status).await;
    assert_eq!((code, out.lines().next()), (0, Some("测试大学 12100000400002259P")));
    assert!(out.contains("已同步"), "{out}");
    let (code, _, err) = ask(&socket, || Command::Show { record: "A-1".to_owned() }).await;
    assert_eq!((code, err.as_str()), (1, "没有与“A-1”对应的记录；用 list 查看已有记录\n"));
    shutdown.trigger();
    assert_eq!(running.await.unwrap().unwrap(), Outcome::ShutDown);
    assert_eq!(forward(&socket, Command::Status), None, "nobody listens any more");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_node_takes_commands_and_goes_on_when_resumed() {
    let place = Place::member();
    let seams = Seams { clock: Arc::new(ManualClock::at_ms(0)), random: Arc::new(SystemRandom) };
    let settings = Settings::load(&place.layout, &[("store.reserve_bytes", "0".to_owned())]).unwrap();
    let node = open(&place.layout, &settings, &seams).unwrap();
    let secret = secrecy::SecretString::from(crate::testing::PASSWORD);
    node.context.persons.add("管理", safeharbor_service::person::Role::Administrator, &secret, None).unwrap();
    let stopped = Stopped { alarm: Alarm::HubBehind { ours: 2, theirs: 1 }, since_ms: 5 };
    store_stop(&*node.context.store, &stopped).unwrap();
    let (shutdown, context) = (Shutdown::new(), Arc::clone(&node.context));
    let running = tokio::spawn({
        let shutdown = shutdown.clone();
        async move { serve(context, &shutdown, Until::Shutdown).await }
    });
    let socket = place.layout.control_socket();
    let (_, out, _) = ask(&socket, || Command::Status).await;
    assert!(out.contains("已停止，须由管理员决定"), "{out}");
    let (code, out, _) = ask(&socket, || Command::Resume { by: crate::testing::by("管理") }).await;
    assert_eq!((code, out.starts_with("已恢复")), (0, true), "{out}");
    let (_, out, _) = ask(&socket, || Command::Status).await;
    assert!(!out.contains("已停止"), "{out}");
    assert!(!running.is_finished());
    shutdown.trigger();
    assert_eq!(running.await.unwrap().unwrap(), Outcome::ShutDown);
}
