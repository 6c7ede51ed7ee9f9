//! The certificate renews itself in time, and at once when the authorities change.

use safeharbor_certs::authority::{fingerprint, validity_s};
use safeharbor_service::clock::{Clock, ManualClock};
use safeharbor_service::random::{Random, SystemRandom};

use super::*;
use crate::authority::{begin, switch};
use crate::opening::{OpenHub, open};
use crate::setup::{Naming, set_up};

const DAY_MS: u64 = 24 * 3600 * 1000;

struct Kept {
    hub: OpenHub,
    clock: Arc<ManualClock>,
    configs: watch::Receiver<Arc<ServerConfig>>,
    shutdown: Shutdown,
    _folder: tempfile::TempDir,
}

fn kept() -> Kept {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::at_ms(1_778_311_773_000));
    let naming = Naming { name: "hub.example".to_owned(), origin: None, tls_names: Vec::new() };
    set_up(folder.path(), &naming, clock.as_ref(), &SystemRandom).unwrap();
    let (seam, random): (Arc<dyn Clock>, Arc<dyn Random>) =
        (Arc::<ManualClock>::clone(&clock), Arc::new(SystemRandom));
    let hub = open(folder.path(), &[], (&seam, &random)).unwrap();
    let sender = watch::Sender::new(renew(&hub.desk).unwrap());
    let (configs, shutdown) = (sender.subscribe(), Shutdown::new());
    tokio::spawn(keep(hub.desk.clone(), sender, shutdown.clone()));
    Kept { hub, clock, configs, shutdown, _folder: folder }
}

/// Until when the certificate on disk is valid, in days from the start.
fn days_valid(kept: &Kept) -> u64 {
    let pem = std::fs::read_to_string(kept.hub.desk.paths.tls()).unwrap();
    (validity_s(&pem).unwrap().end - 1_778_311_773) / (DAY_MS / 1000)
}

/// Time passes by itself here, as soon as nobody has anything else to do.
#[tokio::test(start_paused = true)]
async fn it_is_renewed_when_two_thirds_of_its_life_are_over_and_not_before() {
    let mut kept = kept();
    assert_eq!(days_valid(&kept), 30);
    kept.clock.advance_ms(20 * DAY_MS - 1);
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert!(!kept.configs.has_changed().unwrap(), "ten looks later");
    kept.clock.advance_ms(1);
    kept.configs.changed().await.unwrap();
    assert_eq!(days_valid(&kept), 50);
    kept.shutdown.trigger();
}

#[tokio::test]
async fn it_follows_the_authority() {
    let mut kept = kept();
    let authority = |kept: &Kept| {
        let chain = std::fs::read_to_string(kept.hub.desk.paths.tls()).unwrap();
        let (_, behind) = chain.split_once("-----END CERTIFICATE-----").unwrap();
        fingerprint(behind).unwrap()
    };
    let first = authority(&kept);
    begin(&kept.hub.desk).unwrap();
    kept.configs.changed().await.unwrap();
    assert_eq!(authority(&kept), first, "the next one is trusted and does not issue");
    kept.configs.borrow_and_update();
    switch(&kept.hub.desk, false).unwrap();
    kept.configs.changed().await.unwrap();
    assert_ne!(authority(&kept), first);
    kept.shutdown.trigger();
}
