//! The node's witness on the stream.

use safeharbor_core::merkle::hash_leaf;
use safeharbor_core::note::SignedNote;
use safeharbor_core::witness::AddCheckpoint;
use safeharbor_service::key_file::{self, KeyUse};

use super::*;
use crate::trust::testing::Log;
use crate::witness::last_witnessed;

fn log(entries: &[&[u8]]) -> Log {
    Log(entries.iter().map(|entry| hash_leaf(entry)).collect())
}

fn request(log: &Log, old: u64) -> v1::WitnessRequest {
    let received = log.receipts(old, &[]);
    let note = SignedNote::parse(received.checkpoint.as_bytes()).unwrap();
    let body = AddCheckpoint { old, proof: received.consistency, note }.to_string();
    v1::WitnessRequest { nonce: old, body, now_ms: SystemClock.now_ms() }
}

async fn witness_bench() -> Bench {
    let bench = bench(&[]).await;
    let path = bench.context.layout.witness_key();
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    key_file::create(&path, KeyUse::Witness, &SystemRandom).unwrap();
    bench
}

#[tokio::test]
async fn an_anchor_cosigns_on_the_stream_while_it_works() {
    let bench = witness_bench().await;
    let (two, three) = (log(&[b"a", b"b"]), log(&[b"a", b"b", b"c"]));
    bench.hub.0.lock().unwrap().witness = vec![request(&two, 0), request(&three, 2), request(&three, 2)];
    bench.put(1..=3);
    assert_eq!(bench.run(Until::InStep).await, Outcome::InStep);
    bench.check_in_step(3);
    let answers = bench.hub.0.lock().unwrap().witnessed.clone();
    let statuses: Vec<_> = answers.iter().map(|answer| (answer.nonce, answer.status)).collect();
    assert_eq!(statuses.len(), 3, "{answers:?}");
    assert!(statuses.contains(&(0, 200)) && statuses.contains(&(2, 200)) && statuses.contains(&(2, 409)));
    let last = last_witnessed(&*bench.context.store, crate::trust::testing::ORIGIN).unwrap();
    assert_eq!(last.unwrap().checkpoint().size, 3);
}

#[tokio::test]
async fn a_contradiction_stops_the_node_until_a_person_decides() {
    let bench = witness_bench().await;
    let (two, forked) = (log(&[b"a", b"b"]), log(&[b"a", b"x"]));
    bench.hub.0.lock().unwrap().witness = vec![request(&two, 0), request(&forked, 2)];
    bench.put(1..=1);
    let Outcome::Stopped(alarm) = bench.run(Until::InStep).await else { panic!("not stopped") };
    assert!(matches!(alarm, Alarm::CheckpointInconsistent { size: 2, .. }), "{alarm}");
    assert_eq!(load_stop(&*bench.context.store).unwrap().map(|stop| stop.alarm), Some(alarm.clone()));
    assert_eq!(bench.run(Until::InStep).await, Outcome::Stopped(alarm), "it stays so");
    let answers = bench.hub.0.lock().unwrap().witnessed.clone();
    assert!(answers.iter().all(|answer| answer.nonce == 0), "the fork is not answered: {answers:?}");
}
