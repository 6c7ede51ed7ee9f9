//! A node that was restored from a backup, against the hub that heard it since.

use safeharbor_service::backup::{BackupKey, Settings, make};
use safeharbor_service::random::SystemRandom;
use safeharbor_service::store::{SledSettings, SledStore};

use super::*;
use crate::backup::{RestoredMark, restore};
use crate::opening::Seams;
use crate::trust::LastCheckpoint;

/// The same hub, and in the place of the node one that was restored from its backup.
async fn restored_from(bench: Bench, backup: &std::path::Path) -> Bench {
    let key = BackupKey::load(&BackupKey::path(bench.folder.path())).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let layout = Layout::at(&folder.path().join("data"));
    let seams = Seams { clock: Arc::new(SystemClock), random: Arc::new(SystemRandom) };
    restore(backup, &key, &layout, &seams).unwrap();
    let settings = SledSettings { reserve_bytes: 0, ..SledSettings::default() };
    let store = Arc::new(SledStore::open(&layout.store(), settings).unwrap());
    let context = context_in(layout.root(), store);
    Bench { folder, context, ..bench }
}

#[tokio::test]
async fn a_node_restored_from_yesterdays_backup_is_in_step_again_by_itself() {
    let bench = bench(&[]).await;
    bench.put(1..=5);
    assert_eq!(bench.run(Until::InStep).await, Outcome::InStep);
    // These wait when the backup is made, and leave afterwards.
    bench.put(6..=7);
    let made = make(&*bench.context, &Settings::default(), &SystemClock).unwrap();
    bench.put(8..=9);
    assert_eq!(bench.run(Until::InStep).await, Outcome::InStep);
    bench.check_in_step(9);
    let before = bench.logged();

    let bench = restored_from(bench, &made.path).await;
    let store = &*bench.context.store;
    assert!(RestoredMark::load(store).unwrap().is_some(), "it says that it was restored");
    assert!(LastCheckpoint::load(store).unwrap().is_none(), "a witness begins anew");
    assert_eq!(state(&bench.context).unwrap().stated, 5, "it knows what it knew then");
    assert_eq!(bench.run(Until::InStep).await, Outcome::InStep);
    bench.check_in_step(9);
    assert_eq!(bench.alarms(), []);
    assert_eq!(bench.logged(), before, "nothing was stated a second time");
    bench.put(10..=10);
    assert_eq!(bench.run(Until::InStep).await, Outcome::InStep);
    bench.check_in_step(10);
}

#[tokio::test]
async fn what_a_hub_lost_after_the_backup_is_sent_again_and_is_an_alarm() {
    let bench = bench(&[]).await;
    bench.put(1..=3);
    assert_eq!(bench.run(Until::InStep).await, Outcome::InStep);
    let made = make(&*bench.context, &Settings::default(), &SystemClock).unwrap();
    {
        let mut hub = bench.hub.0.lock().unwrap();
        hub.log.truncate(2);
        hub.leaves.0.truncate(4);
    }
    let bench = restored_from(bench, &made.path).await;
    assert_eq!(bench.run(Until::InStep).await, Outcome::InStep);
    bench.check_in_step(3);
    let lost = bench.alarms().into_iter().any(|alarm| matches!(alarm, Alarm::HubLostStatements { .. }));
    assert!(lost, "{:?}", bench.alarms());
}
