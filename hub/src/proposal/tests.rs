//! Two persons: every refusal, what happens once and only once, and a hub that ends in between.

use std::sync::Arc;

use safeharbor_core::directory::{Announcement, Directory, InstitutionType, Standing};
use safeharbor_core::institution::InstitutionCode;
use safeharbor_service::clock::{Clock, ManualClock};
use safeharbor_service::folder::DataFolder;
use safeharbor_service::person::{Authentication, HAND_S, PersonId, Role};
use safeharbor_service::random::{Random, SystemRandom};
use safeharbor_service::speech::chain_of;
use secrecy::SecretString;
use tempfile::TempDir;

use super::*;
use crate::opening::{OpenHub, first_announcements, open};
use crate::running::{Running, announce};
use crate::setup::{Naming, set_up};

const DAY_MS: u64 = 24 * 3600 * 1000;

struct Hub {
    folder: TempDir,
    clock: Arc<ManualClock>,
    open: Option<(Office, Running, DataFolder)>,
}

fn code() -> InstitutionCode {
    "12100000400002259P".parse().unwrap()
}

fn reinstate() -> Decision {
    Decision::Reinstate { code: code() }
}

impl Hub {
    /// A hub with one suspended institution and the administrators 甲 (1), 乙 (2) and 丙 (3), made by nobody.
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::at_ms(1_778_311_773_120));
        let naming = Naming { name: "hub.example".to_owned(), origin: None, tls_names: Vec::new() };
        set_up(folder.path(), &naming, clock.as_ref(), &SystemRandom).unwrap();
        let mut hub = Self { folder, clock, open: None };
        hub.open().await;
        for name in ["甲", "乙", "丙"] {
            hub.add(name, Role::Administrator, None);
        }
        let (name, kind) = ("北京大学".to_owned(), InstitutionType::University);
        let (code, standing, decided_by) = (code(), Standing::Active, Deciders::default());
        let admission = Announcement::Institution { code, name, kind, standing, decided_by };
        announce(&hub.office().orders, admission).await.unwrap();
        hub.suspend().await;
        hub
    }

    async fn open(&mut self) {
        let clock: Arc<dyn Clock> = Arc::<ManualClock>::clone(&self.clock);
        let random: Arc<dyn Random> = Arc::new(SystemRandom);
        let hub = open(self.folder.path(), &[], (&clock, &random)).unwrap();
        let announcements = first_announcements(&hub);
        let OpenHub { folder, committer, publisher, desk, .. } = hub;
        let running = Running::start(committer, publisher);
        let office = Office::new(desk, running.orders());
        for announcement in announcements {
            announce(&office.orders, announcement).await.unwrap();
        }
        self.open = Some((office, running, folder));
    }

    async fn restart(&mut self) {
        let (office, running, folder) = self.open.take().unwrap();
        drop(office);
        running.stop().await.unwrap();
        drop(folder);
        self.open().await;
        resume(self.office()).await.unwrap();
    }

    fn office(&self) -> &Office {
        &self.open.as_ref().unwrap().0
    }

    fn add(&self, name: &str, role: Role, by: Option<PersonId>) -> PersonId {
        let secret = SecretString::from("correct horse battery staple");
        self.office().persons.add(name, role, &secret, by).unwrap()
    }

    /// The administrator of that name, as a deputy where that is what they are.
    fn administrator(&self, name: &str) -> Person {
        let persons = &self.office().persons;
        persons.in_role(&persons.named(name).unwrap(), &[Role::Administrator]).unwrap().unwrap()
    }

    async fn propose(&self, name: &str) -> Result<Proposal, CommandFailed> {
        propose(self.office(), reinstate(), self.administrator(name)).await
    }

    async fn decide(&self, number: u32, name: &str) -> Result<Proposal, CommandFailed> {
        decide(self.office(), number, self.administrator(name)).await
    }

    async fn suspend(&self) {
        Decision::suspend(self.office(), code(), &self.administrator("甲")).await.unwrap();
    }

    fn standing(&self) -> (Standing, u64) {
        let directory: Arc<Directory> = self.office().shared.directory();
        let institution = directory.institution(&code()).unwrap();
        (institution.standing, institution.standing_since)
    }

    fn logged(&self) -> u64 {
        self.office().shared.ledger().size()
    }

    fn appoint(&self, principal: &str, deputy: &str, by: PersonId) {
        let persons = &self.office().persons;
        let ids = (persons.named(principal).unwrap().id, persons.named(deputy).unwrap().id);
        let days = ("2026-05-09".parse().unwrap(), "2026-06-30".parse().unwrap());
        persons.appoint(ids, days, by).unwrap();
    }
}

fn text(refused: Result<Proposal, CommandFailed>) -> String {
    chain_of(&refused.unwrap_err())
}

#[tokio::test]
async fn what_one_proposes_another_decides_once() {
    let hub = Hub::start().await;
    let before = hub.logged();
    let made = hub.propose("甲").await.unwrap();
    assert_eq!((made.number, hub.standing().0, hub.logged()), (1, Standing::Suspended, before));
    let done = hub.decide(1, "乙").await.unwrap();
    assert!(matches!(done.state, State::Done { .. }));
    assert_eq!((hub.standing().0, hub.logged()), (Standing::Active, before + 1));
    assert!(text(hub.decide(1, "乙").await).contains("proposal 1 was decided at"));
    assert!(text(hub.decide(1, "丙").await).contains("proposal 1 was decided at"));
    assert_eq!(hub.logged(), before + 1);
}

#[tokio::test]
async fn whoever_proposed_it_cannot_decide_it() {
    let hub = Hub::start().await;
    hub.propose("甲").await.unwrap();
    assert!(text(hub.decide(1, "甲").await).contains("it takes a second person"));
    assert_eq!(hub.standing().0, Standing::Suspended);
}

#[tokio::test]
async fn what_somebody_proposed_whose_account_was_closed_is_proposed_again() {
    let hub = Hub::start().await;
    hub.propose("甲").await.unwrap();
    hub.office().persons.deactivate(PersonId(1)).unwrap();
    assert!(text(hub.decide(1, "乙").await).contains("was closed"));
    assert_eq!(hub.standing().0, Standing::Suspended);
}

#[tokio::test]
async fn whoever_made_the_others_account_waits_for_a_week() {
    let hub = Hub::start().await;
    hub.add("丁", Role::Administrator, Some(PersonId(1)));
    hub.propose("甲").await.unwrap();
    assert!(text(hub.decide(1, "丁").await).contains("within the last 7 days"));
    withdraw(hub.office(), 1, hub.administrator("甲")).await.unwrap();
    hub.propose("丁").await.unwrap();
    assert!(text(hub.decide(2, "甲").await).contains("within the last 7 days"), "in either order");
    let may = who_may_decide(&hub.office().persons, &hub.administrator("丁")).unwrap();
    assert_eq!(may.iter().map(|person| person.name.as_str()).collect::<Vec<_>>(), ["乙", "丙"]);
    hub.clock.advance_ms(HAND_S * 1000 - 2000);
    withdraw(hub.office(), 2, hub.administrator("丁")).await.unwrap();
    hub.propose("甲").await.unwrap();
    assert!(text(hub.decide(3, "丁").await).contains("within the last 7 days"));
    hub.clock.advance_ms(3000);
    hub.decide(3, "丁").await.unwrap();
    assert_eq!(hub.standing().0, Standing::Active);
}

#[tokio::test]
async fn whoever_set_the_others_password_waits_for_a_week() {
    let hub = Hub::start().await;
    let secret = SecretString::from("another long password");
    hub.office().persons.replace_password(PersonId(2), &secret, PersonId(1)).unwrap();
    hub.propose("甲").await.unwrap();
    assert!(text(hub.decide(1, "乙").await).contains("within the last 7 days"));
    hub.decide(1, "丙").await.unwrap();
}

#[tokio::test]
async fn whoever_made_both_accounts_does_not_decide_alone() {
    let hub = Hub::start().await;
    let made = ["丁", "戊"].map(|name| hub.add(name, Role::Administrator, Some(PersonId(1))));
    assert_eq!(made, [PersonId(4), PersonId(5)]);
    hub.propose("丁").await.unwrap();
    let refused = text(hub.decide(1, "戊").await);
    assert!(refused.contains("甲 made or changed the accounts of both within the last 7 days"), "{refused}");
    let may = who_may_decide(&hub.office().persons, &hub.administrator("丁")).unwrap();
    assert_eq!(may.iter().map(|person| person.name.as_str()).collect::<Vec<_>>(), ["乙", "丙"]);
    hub.decide(1, "乙").await.unwrap();
}

#[tokio::test]
async fn whoever_set_a_password_and_then_changed_it_as_that_person_does_not_decide_alone() {
    let hub = Hub::start().await;
    let secret = SecretString::from("another long password");
    for by in [1, 2] {
        hub.office().persons.replace_password(PersonId(2), &secret, PersonId(by)).unwrap();
    }
    hub.propose("甲").await.unwrap();
    assert!(text(hub.decide(1, "乙").await).contains("within the last 7 days"));
    hub.decide(1, "丙").await.unwrap();
}

#[tokio::test]
async fn a_deputy_does_not_make_two_persons_of_one() {
    let hub = Hub::start().await;
    hub.add("审", Role::Reviewer, None);
    hub.add("观", Role::Observer, None);
    hub.appoint("甲", "审", PersonId(3));
    hub.appoint("甲", "观", PersonId(3));
    hub.clock.advance_ms(8 * DAY_MS);
    hub.propose("甲").await.unwrap();
    assert!(text(hub.decide(1, "审").await).contains("so they are one"), "a deputy for the proposer");
    withdraw(hub.office(), 1, hub.administrator("甲")).await.unwrap();
    let made = hub.propose("审").await.unwrap();
    assert_eq!((made.by.id, made.by.deputy_for), (PersonId(4), Some(PersonId(1))));
    assert!(text(hub.decide(2, "甲").await).contains("so they are one"), "the principal of the proposer");
    assert!(text(hub.decide(2, "观").await).contains("so they are one"), "another deputy of the same");
    hub.decide(2, "乙").await.unwrap();
    let directory = hub.office().shared.directory();
    assert_eq!(directory.institution(&code()).unwrap().standing, Standing::Active);
}

#[tokio::test]
async fn an_administrator_and_their_deputy_do_not_decide_together_in_their_own_names_either() {
    let hub = Hub::start().await;
    hub.appoint("甲", "乙", PersonId(3));
    hub.clock.advance_ms(8 * DAY_MS);
    hub.propose("甲").await.unwrap();
    assert!(text(hub.decide(1, "乙").await).contains("so they are one"));
    withdraw(hub.office(), 1, hub.administrator("甲")).await.unwrap();
    hub.propose("乙").await.unwrap();
    assert!(text(hub.decide(2, "甲").await).contains("so they are one"), "in either order");
    hub.decide(2, "丙").await.unwrap();
}

#[tokio::test]
async fn two_deputies_of_one_person_do_not_decide_together_whoever_of_them_proposes() {
    let hub = Hub::start().await;
    hub.add("审", Role::Reviewer, None);
    hub.appoint("甲", "审", PersonId(3));
    hub.appoint("甲", "乙", PersonId(3));
    hub.clock.advance_ms(8 * DAY_MS);
    hub.propose("审").await.unwrap();
    assert!(text(hub.decide(1, "乙").await).contains("so they are one"));
    withdraw(hub.office(), 1, hub.administrator("审")).await.unwrap();
    hub.propose("乙").await.unwrap();
    assert!(text(hub.decide(2, "审").await).contains("so they are one"), "in either order");
    hub.decide(2, "丙").await.unwrap();
}

#[tokio::test]
async fn whoever_appointed_a_deputy_does_not_decide_with_it_for_a_week() {
    let hub = Hub::start().await;
    hub.add("审", Role::Reviewer, None);
    hub.appoint("乙", "审", PersonId(1));
    hub.propose("甲").await.unwrap();
    assert!(text(hub.decide(1, "审").await).contains("within the last 7 days"));
    hub.clock.advance_ms(6 * DAY_MS);
    assert!(text(hub.decide(1, "审").await).contains("within the last 7 days"));
}

#[tokio::test]
async fn a_proposal_ends_after_seven_days() {
    let hub = Hub::start().await;
    hub.propose("甲").await.unwrap();
    hub.clock.advance_ms(EXPIRES_MS - 1);
    assert!(text(hub.propose("丙").await).contains("the same was proposed already"));
    hub.clock.advance_ms(1);
    assert!(text(hub.decide(1, "乙").await).contains("proposal 1 expired at"));
    assert_eq!(hub.standing().0, Standing::Suspended);
    assert_eq!(hub.propose("丙").await.unwrap().number, 2);
}

#[tokio::test]
async fn a_proposal_about_something_that_changed_is_overtaken() {
    let hub = Hub::start().await;
    hub.propose("甲").await.unwrap();
    propose(hub.office(), Decision::Revoke { code: code() }, hub.administrator("甲")).await.unwrap();
    hub.decide(1, "乙").await.unwrap();
    hub.suspend().await;
    let refused = text(hub.decide(2, "乙").await);
    assert!(refused.contains("no longer applies") && refused.contains("entry 登记簿条目"), "{refused}");
    assert!(text(hub.decide(2, "乙").await).contains("was overtaken by another change"));
    assert_eq!(hub.standing().0, Standing::Suspended, "it is another suspension");
}

#[tokio::test]
async fn what_cannot_be_done_is_not_proposed() {
    let hub = Hub::start().await;
    let unknown = Decision::Revoke { code: "12100000400000624D".parse().unwrap() };
    let refused = text(propose(hub.office(), unknown, hub.administrator("甲")).await);
    assert!(refused.contains("never admitted"), "{refused}");
    hub.propose("甲").await.unwrap();
    hub.decide(1, "乙").await.unwrap();
    assert!(text(hub.propose("甲").await).contains("cannot be done as things stand"));
    assert!(text(hub.decide(9, "乙").await).contains("there is no proposal 9"));
}

#[tokio::test]
async fn what_was_withdrawn_stays_withdrawn() {
    let hub = Hub::start().await;
    hub.propose("甲").await.unwrap();
    let refused = text(withdraw(hub.office(), 1, hub.administrator("乙")).await);
    assert!(refused.contains("only whoever proposed it withdraws proposal 1"), "{refused}");
    withdraw(hub.office(), 1, hub.administrator("甲")).await.unwrap();
    assert!(text(hub.decide(1, "丙").await).contains("proposal 1 was withdrawn at"));
    assert!(text(withdraw(hub.office(), 1, hub.administrator("甲")).await).contains("was withdrawn at"));
    assert_eq!(hub.propose("甲").await.unwrap().number, 2);
}

#[tokio::test]
async fn what_was_declined_for_a_reason_is_not_decided_and_can_be_proposed_again() {
    let hub = Hub::start().await;
    let wanted = Wanted { what: reinstate(), reason: " 密钥\n已核对 ".to_owned() };
    let made = propose(hub.office(), wanted, hub.administrator("甲")).await.unwrap();
    assert_eq!(made.reason, "密钥 已核对");
    let silent = text(decline(hub.office(), 1, (hub.administrator("乙"), " ")).await);
    assert!(silent.contains("say why"), "{silent}");
    let declined = decline(hub.office(), 1, (hub.administrator("乙"), "函未到")).await.unwrap();
    assert!(matches!(declined.state, State::Declined { .. }));
    assert!(text(hub.decide(1, "丙").await).contains("proposal 1 was declined at"));
    assert_eq!(hub.standing().0, Standing::Suspended);
    assert_eq!(hub.propose("甲").await.unwrap().number, 2);
}

/// Leaves the proposal as a hub does that is killed after the decision was written down.
fn mark_decided(hub: &Hub, number: u32) {
    let book = Book::of(hub.office());
    let proposal = book.find(number).unwrap().unwrap();
    let (by, at_ms) = (hub.administrator("乙"), hub.clock.now_ms());
    book.keep(&Proposal { state: State::Decided { by, at_ms }, ..proposal }).unwrap();
}

#[tokio::test]
async fn a_decision_that_a_crash_cut_short_is_carried_out_at_the_next_start() {
    let mut hub = Hub::start().await;
    hub.propose("甲").await.unwrap();
    mark_decided(&hub, 1);
    let before = hub.logged();
    hub.restart().await;
    assert_eq!((hub.standing().0, hub.logged()), (Standing::Active, before + 1));
    assert!(matches!(list(hub.office()).unwrap()[0].state, State::Done { .. }));
}

#[tokio::test]
async fn a_decision_carried_out_before_a_crash_is_not_carried_out_again() {
    let mut hub = Hub::start().await;
    hub.propose("甲").await.unwrap();
    hub.decide(1, "乙").await.unwrap();
    mark_decided(&hub, 1);
    let before = (hub.standing(), hub.logged());
    hub.restart().await;
    assert_eq!((hub.standing(), hub.logged()), before);
    assert!(matches!(list(hub.office()).unwrap()[0].state, State::Done { .. }));
}

#[tokio::test]
async fn the_audit_log_names_both_and_the_registry_only_their_numbers() {
    let hub = Hub::start().await;
    hub.propose("甲").await.unwrap();
    hub.decide(1, "乙").await.unwrap();
    let entries = safeharbor_service::audit::load(&hub.office().paths.audit()).unwrap();
    let noted: Vec<_> = entries
        .iter()
        .filter_map(|entry| Some((entry.person.as_ref()?.name.as_str(), entry.action.as_str())))
        .collect();
    let expected = [
        ("甲", "suspend institution"),
        ("甲", "propose: reinstate institution"),
        ("乙", "approve: reinstate institution"),
    ];
    assert_eq!(noted, expected);
}

#[tokio::test]
async fn two_persons_publish_a_catalogue_version_that_judges_from_then_on() {
    let mut hub = Hub::start().await;
    let mut files = hub.office().catalogues.embedded().file_set().clone();
    files.add("notes.txt".to_owned(), b"another version".to_vec()).unwrap();
    let cat = files.digest();
    let what = Decision::Catalogue { cat };
    let unkept = text(propose(hub.office(), what.clone(), hub.administrator("甲")).await);
    assert!(unkept.contains("are not kept here"), "{unkept}");
    hub.office().catalogues.keep(files).unwrap();
    propose(hub.office(), what.clone(), hub.administrator("甲")).await.unwrap();
    let judges = |hub: &Hub| {
        let directory = hub.office().shared.directory();
        let versions = hub.office().catalogues.versions();
        let first = hub.office().catalogues.embedded().digest();
        assert!(versions.published(&first, &directory).is_some(), "an earlier version still judges");
        (
            versions.published(&cat, &directory).is_some(),
            hub.office().catalogues.newest(&directory).digest() == cat,
        )
    };
    assert!(text(hub.decide(1, "甲").await).contains("it takes a second person"));
    assert_eq!(judges(&hub), (false, false), "one person is not enough");
    hub.decide(1, "乙").await.unwrap();
    let statement = hub.office().shared.ledger().catalogue_statement(&cat).unwrap();
    for _ in 0..2 {
        assert_eq!(judges(&hub), (true, true));
        assert_eq!(hub.office().shared.ledger().catalogue_statement(&cat).as_ref(), Some(&statement));
        hub.restart().await;
    }
    let again = text(propose(hub.office(), what, hub.administrator("甲")).await);
    assert!(again.contains("is the one published last"), "{again}");
    let jwt = safeharbor_core::statement::Statement::parse(&statement.jwt).unwrap();
    let decided_by = Deciders::new([1, 2]);
    assert_eq!(Announcement::read(&jwt).unwrap(), Announcement::Catalogue { cat, decided_by });
}

#[tokio::test]
async fn a_publication_cut_short_is_made_once() {
    let mut hub = Hub::start().await;
    let mut files = hub.office().catalogues.embedded().file_set().clone();
    files.add("notes.txt".to_owned(), b"another version".to_vec()).unwrap();
    let cat = hub.office().catalogues.keep(files).unwrap().digest();
    propose(hub.office(), Decision::Catalogue { cat }, hub.administrator("甲")).await.unwrap();
    mark_decided(&hub, 1);
    let before = hub.logged();
    for _ in 0..2 {
        hub.restart().await;
        assert_eq!(hub.logged(), before + 1);
        mark_decided(&hub, 1);
    }
}

#[test]
fn a_proposal_reads_as_it_was_written() {
    let by = Person {
        id: PersonId(1),
        name: "甲".to_owned(),
        role: Role::Administrator,
        authenticated: Authentication::LocalPassword,
        deputy_for: None,
    };
    let state = State::Decided { by: by.clone(), at_ms: 3 };
    let (what, situation) = (reinstate(), "x".to_owned());
    let reason = "y".to_owned();
    let proposal = Proposal { number: 1, what, situation, reason, by, at_ms: 1, expires_ms: 2, state };
    let text = serde_json::to_string(&proposal).unwrap();
    assert!(text.contains(r#""what":{"decision":"reinstate","code":"12100000400002259P"}"#), "{text}");
    assert_eq!(serde_json::from_str::<Proposal>(&text).unwrap(), proposal);
}
