//! A registry on a web server is verified as one in a folder, whatever the server does.

use safeharbor_verifier::log::{Depth, LogSource, VerifiedLog, verify};
use safeharbor_verifier::objection::{Fault, Objection};
use safeharbor_verifier::report::Verdict;
use safeharbor_verifier::trust::LogTrust;

use crate::registry::*;
use crate::server::{Answer, Server};

fn check(server: &Server) -> Result<VerifiedLog, Objection> {
    let source = LogSource::open(&server.url, None).unwrap();
    verify(&source, &LogTrust::by_vkey(vkey()), Depth::EntriesAndTiles, |_, _| ())
}

#[test]
fn a_registry_is_verified_over_the_network() {
    let (registry, _) = Registry::with_disclosures(700);
    let log = check(&Server::honest(registry.files())).unwrap();
    assert_eq!((log.size(), log.bundles(), log.tiles()), (706, 3, 4));
}

#[test]
fn a_server_that_stumbles_is_asked_again() {
    let (registry, _) = Registry::with_disclosures(3);
    let moods = [Answer::Status(503), Answer::Half, Answer::Status(429)];
    let server =
        Server::start(registry.files(), move |_, nth| moods.get(nth).cloned().unwrap_or(Answer::File));
    assert_eq!(check(&server).unwrap().size(), 9);
    assert_eq!(server.asked(), 3 * 4);
}

#[test]
fn a_server_that_answers_with_something_else_proves_nothing() {
    let (registry, _) = Registry::with_disclosures(3);
    let refused =
        |mood: Answer| {
            let server = Server::start(registry.files(), move |path, _| {
                if path == "checkpoint" { Answer::File } else { mood.clone() }
            });
            let objection = check(&server).unwrap_err();
            assert_eq!(objection.verdict(), Verdict::CouldNotTell, "{objection:?}");
            assert!(objection.file.unwrap().ends_with("tile/entries/000.p/9"));
            *objection.fault
        };
    assert!(matches!(refused(Answer::Status(403)), Fault::Status(403)));
    assert!(matches!(refused(Answer::Status(302)), Fault::Status(302)));
    assert!(matches!(refused(Answer::Half), Fault::Unreachable(_)));
    assert!(matches!(refused(Answer::Endless), Fault::TooLarge(_)));
    assert!(matches!(refused(Answer::Status(500)), Fault::Status(500)));
}

#[test]
fn nobody_behind_the_address_is_not_a_verdict() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let source = LogSource::open(&url, None).unwrap();
    let trust = LogTrust::by_vkey(vkey());
    let objection = verify(&source, &trust, Depth::Entries, |_, _| ()).unwrap_err();
    assert!(matches!(*objection.fault, Fault::Unreachable(_)), "{objection:?}");
}

/// Verifies over HTTPS, believing the authority in this file.
fn check_tls(server: &Server, authority: Option<&str>) -> Result<VerifiedLog, Objection> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("authority.pem");
    std::fs::write(&path, authority.unwrap_or_default()).unwrap();
    let source = LogSource::open(&server.url, authority.map(|_| path.as_path())).unwrap();
    verify(&source, &LogTrust::by_vkey(vkey()), Depth::EntriesAndTiles, |_, _| ())
}

#[test]
fn only_a_server_whose_certificate_is_believed_is_asked() {
    let (registry, _) = Registry::with_disclosures(3);
    let (server, authority) = Server::start_tls(registry.files(), |_, _| Answer::File);
    let (_other, other_authority) = Server::start_tls(registry.files(), |_, _| Answer::File);
    assert_eq!(check_tls(&server, Some(&authority)).unwrap().size(), 9);
    for not_believed in [Some(&*other_authority), None] {
        let objection = check_tls(&server, not_believed).unwrap_err();
        assert!(matches!(*objection.fault, Fault::Unreachable(_)), "{objection:?}");
    }
}

#[test]
fn a_server_leads_nowhere_without_tls() {
    let (registry, _) = Registry::with_disclosures(3);
    let (plain, (tls, _)) =
        (Server::honest(registry.files()), Server::start_tls(registry.files(), |_, _| Answer::File));
    for to in [&plain.url, &tls.url].map(String::clone) {
        let server = Server::start(registry.files(), move |_, _| Answer::Elsewhere(to.clone()));
        let objection = check(&server).unwrap_err();
        assert!(matches!(*objection.fault, Fault::Status(302)), "{objection:?}");
    }
    let to = plain.url.clone();
    let (server, authority) = Server::start_tls(registry.files(), move |_, _| Answer::Elsewhere(to.clone()));
    let objection = check_tls(&server, Some(&authority)).unwrap_err();
    assert!(matches!(*objection.fault, Fault::Unreachable(_)), "{objection:?}");
    assert_eq!((plain.asked(), tls.asked()), (0, 0));
}
