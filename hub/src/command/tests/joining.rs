//! Inviting, confirming and ending keys, replacing lost ones.

use safeharbor_certs::invitation::Invitation;
use safeharbor_certs::words::KeyWords;
use safeharbor_core::code::Code;
use safeharbor_core::directory::KeySigns;
use safeharbor_core::key::Signer as _;

use super::super::{
    AddCommand, AuthorityCommand, Command, InstitutionCommand, InvitationCommand, InviteCommand, KeyCommand,
    ProposalCommand, Step,
};
use super::{by, done, hub, json, refused};
use crate::enrolment::testing::{CODE, Hub, Node, code};

fn invite(who: &str, re_enrol: bool) -> Command {
    Command::Invite(InviteCommand { who: who.to_owned(), code: None, days: 7, re_enrol, by: by("甲") })
}

async fn add(hub: &Hub, with_code: bool) {
    let command = AddCommand {
        id: Some("T1".to_owned()),
        names: vec!["试验大学".to_owned()],
        aliases: Vec::new(),
        kind: None,
        in_district: None,
        counts_for_g1: None,
        code: with_code.then(code),
        by: by("甲"),
    };
    done(hub, Command::Institution(InstitutionCommand::Add(command))).await;
}

/// The one token on standard output.
async fn token(hub: &Hub, command: Command) -> Invitation {
    let out = done(hub, command).await;
    assert_eq!(out.lines().count(), 1, "{out}");
    Invitation::parse(&out).unwrap()
}

fn confirm(words: String) -> Command {
    Command::Key(KeyCommand::Confirm { code: code(), words, by: by("甲") })
}

async fn listed(hub: &Hub) -> serde_json::Value {
    json(hub, Command::Institution(InstitutionCommand::List)).await[0].clone()
}

#[tokio::test]
async fn an_institution_of_the_roster_is_invited_joins_and_is_confirmed() {
    let hub = hub().await;
    assert!(refused(&hub, invite(CODE, false)).await.contains("not on the roster"));
    add(&hub, false).await;
    assert!(refused(&hub, invite("T1", false)).await.contains("--code"));
    let command =
        InviteCommand { who: "T1".to_owned(), code: Some(code()), days: 7, re_enrol: false, by: by("甲") };
    let invitation = token(&hub, Command::Invite(command)).await;
    assert_eq!(invitation.address, hub.office.public_address());
    assert_eq!((&listed(&hub).await["invited"], &listed(&hub).await["code"]), (&true.into(), &CODE.into()));

    let node = Node::new(10);
    hub.join(&node, &invitation).await.unwrap();
    let row = listed(&hub).await;
    assert_eq!(
        (&row["standing"], &row["confirmed"], &row["name"]),
        (&"active".into(), &false.into(), &"试验大学".into())
    );
    let words = KeyWords::of(&node.statements.public_key());
    let wrong = KeyWords::of(&Node::new(20).statements.public_key()).english();
    let said = refused(&hub, confirm(wrong)).await;
    assert!(!said.contains(&words.english()), "the right words are not given away: {said}");
    done(&hub, confirm(words.chinese())).await;
    assert_eq!(listed(&hub).await["confirmed"], true);
    assert!(done(&hub, Command::Key(KeyCommand::List)).await.contains(&words.english()));
    assert!(refused(&hub, invite(CODE, false)).await.contains("--re-enrol"));
}

#[tokio::test]
async fn a_withdrawn_invitation_lets_nobody_in_and_a_used_one_is_not_withdrawn() {
    let hub = hub().await;
    add(&hub, true).await;
    let invitation = token(&hub, invite("T1", false)).await;
    let id = invitation.id().to_string();
    let withdraw =
        |id: &str| Command::Invitation(InvitationCommand::Withdraw { id: id.to_owned(), by: by("乙") });
    let beginning = |characters| id.chars().take(characters).collect::<String>();
    assert!(refused(&hub, withdraw(&beginning(5))).await.contains("no such"), "too short to be sure");
    done(&hub, withdraw(&beginning(10))).await;
    assert_eq!(hub.join(&Node::new(10), &invitation).await.unwrap_err(), Code::InvitationWithdrawn);
    let invitation = token(&hub, invite(CODE, false)).await;
    hub.join(&Node::new(10), &invitation).await.unwrap();
    assert!(refused(&hub, withdraw(&invitation.id().to_string())).await.contains("taken up"));
    assert!(done(&hub, Command::Invitation(InvitationCommand::List)).await.contains("withdrawn by 乙"));
}

#[tokio::test]
async fn an_alarm_is_shown_until_a_person_has_looked() {
    let hub = hub().await;
    add(&hub, true).await;
    let invitation = token(&hub, invite("T1", false)).await;
    hub.join(&Node::new(10), &invitation).await.unwrap();
    hub.join(&Node::new(20), &invitation).await.unwrap_err();
    assert_eq!(listed(&hub).await["alarm"], true);
    assert!(done(&hub, Command::Institution(InstitutionCommand::List)).await.contains("! alarm"));
    let id = invitation.id().to_string();
    done(&hub, Command::Invitation(InvitationCommand::Seen { id, by: by("甲") })).await;
    assert_eq!(listed(&hub).await["alarm"], false);
    hub.join(&Node::new(30), &invitation).await.unwrap_err();
    assert_eq!(listed(&hub).await["alarm"], true, "another one is another alarm");
}

#[tokio::test]
async fn lost_keys_are_replaced_once_two_persons_want_it() {
    let hub = hub().await;
    add(&hub, true).await;
    let first = token(&hub, invite(CODE, false)).await;
    hub.join(&Node::new(10), &first).await.unwrap();
    done(&hub, Command::Key(KeyCommand::End { code: code(), by: by("甲") })).await;
    let number: u32 = done(&hub, invite(CODE, true)).await.trim().parse().unwrap();
    assert!(refused(&hub, invite(CODE, true)).await.contains("proposed already"), "no token yet");
    done(&hub, Command::Proposal(ProposalCommand::Approve { number, by: by("乙") })).await;
    // A token that was lost is made again, and lets in alone: one decision, one invitation.
    let lost = token(&hub, invite(CODE, true)).await;
    let hub = hub.restart().await;
    let again = token(&hub, invite(CODE, true)).await;
    let open = crate::invitation::open_of(&hub.office, code()).unwrap();
    assert_eq!(open.iter().map(|(id, _)| id.as_slice()).collect::<Vec<_>>(), [again.id().as_bytes()]);
    assert_eq!(hub.join(&Node::new(20), &lost).await.unwrap_err(), Code::InvitationWithdrawn);
    hub.join(&Node::new(20), &again).await.unwrap();
    let directory = hub.office.shared.directory();
    assert!(directory.institution(&code()).unwrap().current_key(KeySigns::Statements).unwrap().re_enrolled);
    // What two persons permitted is used up.
    done(&hub, invite(CODE, true)).await.trim().parse::<u32>().unwrap();
}

#[tokio::test]
async fn a_decision_on_lost_keys_counts_once_whatever_becomes_of_its_invitation() {
    let hub = hub().await;
    add(&hub, true).await;
    let first = token(&hub, invite(CODE, false)).await;
    hub.join(&Node::new(10), &first).await.unwrap();
    let deciders = safeharbor_core::directory::Deciders::new([1, 2]);
    let before = crate::re_enrolment::situation(&hub.office, code()).unwrap();
    crate::re_enrolment::permit(&hub.office, code(), &deciders).unwrap();
    let id = token(&hub, invite(CODE, true)).await.id().to_string();
    done(&hub, Command::Invitation(InvitationCommand::Withdraw { id, by: by("乙") })).await;
    assert_eq!(crate::re_enrolment::permitted(&hub.office, code()).unwrap(), None);
    // A decision that is carried out again after a kill is about another situation.
    assert_ne!(crate::re_enrolment::situation(&hub.office, code()).unwrap(), before);
}

#[tokio::test]
async fn who_does_not_show_who_they_are_changes_nothing() {
    let hub = hub().await;
    add(&hub, true).await;
    let mut wrong = by("甲");
    wrong.password = safeharbor_service::person::Password::new("something else entirely".to_owned());
    let command = InviteCommand { who: "T1".to_owned(), code: None, days: 7, re_enrol: false, by: wrong };
    refused(&hub, Command::Invite(command)).await;
    assert_eq!(listed(&hub).await["invited"], false);
}

#[tokio::test]
async fn the_authority_is_replaced_step_by_step() {
    let hub = hub().await;
    let take = |step| Command::Authority(AuthorityCommand::Take { step, by: by("甲") });
    assert!(refused(&hub, take(Step::Retire)).await.contains("another stage"));
    done(&hub, take(Step::Begin)).await;
    done(&hub, take(Step::Switch { force: false })).await;
    done(&hub, take(Step::Retire)).await;
    let shown = json(&hub, Command::Authority(AuthorityCommand::Show)).await;
    assert_eq!((&shown["stage"], &shown["other"]), (&"steady".into(), &serde_json::Value::Null));
}
