//! A node whose institution is suspended: it sends nothing, says why, and goes on once it may.

use safeharbor_core::digest::Digest;
use safeharbor_core::directory;
use safeharbor_proto::{Situation, situation_to_wire};

use super::*;

impl Bench {
    fn situate(&self, standing: directory::Standing) {
        let situation = Situation {
            standing,
            confirmed: true,
            catalogue: Digest::of(b"catalogue"),
            authorities: Digest::of(b"authorities"),
            statements: Vec::new(),
            now_ms: 1,
        };
        self.hub.0.lock().unwrap().situation = Some(situation_to_wire(situation));
    }
}

#[tokio::test]
async fn a_run_until_in_step_ends_by_saying_that_the_institution_is_suspended() {
    let bench = bench(&[]).await;
    bench.situate(directory::Standing::Active);
    bench.put(1..=3);
    assert_eq!(bench.run(Until::InStep).await, Outcome::InStep);
    bench.situate(directory::Standing::Suspended);
    let nothing_waits = bench.run(Until::InStep).await;
    assert!(matches!(nothing_waits, Outcome::Held(_)), "{nothing_waits:?}");
    bench.put(4..=5);
    let outcome = bench.run(Until::InStep).await;
    let Outcome::Held(told) = &outcome else { panic!("{outcome:?}") };
    assert_eq!(told.standing, directory::Standing::Suspended);
    let (exit, text) = crate::running::outcome_text(&outcome, crate::speech::Language::Zh);
    assert!(exit == crate::speech::Exit::Refused && text.contains("已暂停"), "{text}");
    assert!(matches!(bench.standing(), Standing::Held { statements: 2, .. }));
    assert_eq!(bench.logged().len(), 3, "nothing is sent");
    assert_eq!(state(&bench.context).unwrap().stated, 3, "nor numbered");
    bench.situate(directory::Standing::Active);
    assert_eq!(bench.run(Until::InStep).await, Outcome::InStep);
    bench.check_in_step(5);
}

#[tokio::test]
async fn a_hub_with_other_authorities_than_the_node_has_the_certificate_renewed() {
    let bench = bench(&[]).await;
    bench.situate(directory::Standing::Active);
    let member = crate::membership::Membership {
        institution: bench.context.institution,
        name: String::new(),
        certificate_pem: String::new(),
        tls_key: "tls.key".to_owned(),
        authorities_pem: "authorities".to_owned(),
        hub_name: String::new(),
        policy: String::new(),
        admitted: String::new(),
        invitation: None,
        statements: Vec::new(),
    };
    member.store(&bench.context.layout).unwrap();
    assert_eq!(bench.run(Until::InStep).await, Outcome::InStep);
    let asked = || tokio::time::timeout(Duration::from_millis(1), bench.context.renewal_asked_for());
    assert!(asked().await.is_err(), "it has these authorities");
    let other = crate::membership::Membership { authorities_pem: "others".to_owned(), ..member };
    other.store(&bench.context.layout).unwrap();
    assert_eq!(bench.run(Until::InStep).await, Outcome::InStep);
    assert!(asked().await.is_ok());
}
