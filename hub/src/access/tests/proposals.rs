//! Deciding on the page: the same rule and the same audit log as at the command line.

use safeharbor_core::directory::{Announcement, Deciders, InstitutionType, Standing};
use safeharbor_service::person::{Person, PersonId, Role};
use secrecy::SecretString;

use super::http::{Answer, PASSWORD, add, ask, get, log_in};
use crate::enrolment::testing::{CODE, Hub, code};
use crate::proposal::{Decision, Wanted, propose};
use crate::running::announce;

/// A hub with one suspended institution and the administrators `first`, `second`, `third` in different hands, who signed in.
async fn start() -> (Hub, [String; 3]) {
    let hub = Hub::start().await;
    for name in ["first", "second", "third"] {
        add(&hub, name, Role::Administrator);
    }
    let (name, kind) = ("<北京>大学".to_owned(), InstitutionType::University);
    let (standing, decided_by) = (Standing::Active, Deciders::default());
    let admission = Announcement::Institution { code: code(), name, kind, standing, decided_by };
    announce(&hub.office.orders, admission).await.unwrap();
    Decision::suspend(&hub.office, code(), &person(&hub, "third")).await.unwrap();
    let cookies = [log_in(&hub, "first").await, log_in(&hub, "second").await, log_in(&hub, "third").await];
    (hub, cookies)
}

fn person(hub: &Hub, name: &str) -> Person {
    hub.office.persons.named(name).unwrap()
}

async fn propose_by(hub: &Hub, name: &str) {
    let wanted =
        Wanted { what: Decision::Reinstate { code: code() }, reason: "the <key> was confirmed".to_owned() };
    propose(&hub.office, wanted, person(hub, name)).await.unwrap();
}

fn standing(hub: &Hub) -> Standing {
    hub.office.shared.directory().institution(&code()).unwrap().standing
}

/// Sends a form of the page with its token.
async fn send(hub: &Hub, path: &str, cookie: &str, fields: &str) -> Answer {
    let page = get(hub, "/proposals?lang=en", cookie).await.body;
    let csrf = page.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    ask(hub, "POST", &format!("{path}?lang=en"), cookie, &format!("csrf={csrf}&{fields}")).await
}

fn approval(number: u32) -> String {
    format!("number={number}&password={}", PASSWORD.replace(' ', "+"))
}

fn noted(hub: &Hub) -> Vec<(String, String)> {
    let entries = safeharbor_service::audit::load(&hub.office.paths.audit()).unwrap().into_iter();
    let decisions = entries.filter(|entry| entry.action.contains("reinstate"));
    decisions.filter_map(|entry| Some((entry.person?.name, entry.action))).collect()
}

#[tokio::test]
async fn access_matrix_a_proposal_is_shown_in_plain_words_and_approved_by_a_second_person_with_their_password()
 {
    let (hub, [first, second, _]) = start().await;
    propose_by(&hub, "first").await;
    let page = get(&hub, "/proposals?lang=en", &second).await.body;
    for text in [
        &format!("reinstate {CODE}"),
        "&#60;北京&#62;大学",
        "the &#60;key&#62; was confirmed",
        "Its statements are taken again",
        "action=\"/proposals/approve",
        "<strong class=\"yes\">third</strong>",
        "whoever proposed it cannot decide it",
        "<strong class=\"count-open\">1</strong>",
    ] {
        assert!(page.contains(text), "{text}: {page}");
    }
    let own = get(&hub, "/proposals?lang=zh-CN", &first).await.body;
    assert!(
        !own.contains("/proposals/approve") && own.contains("撤回") && own.contains("提出人不能自己批准")
    );
    let refused = send(&hub, "/proposals/approve", &first, &approval(1)).await;
    assert!(refused.status == 403 && refused.body.contains("it takes a second person"), "{}", refused.body);
    let wrong = send(&hub, "/proposals/approve", &second, "number=1&password=wrong").await;
    assert!(
        wrong.status == 403 && wrong.body.contains("the name or the password is wrong"),
        "{}",
        wrong.body
    );
    let forged = ask(&hub, "POST", "/proposals/approve", &second, &approval(1)).await;
    assert_eq!(forged.status, 403);
    assert_eq!(standing(&hub), Standing::Suspended);
    let done = send(&hub, "/proposals/approve", &second, &approval(1)).await;
    assert!(done.status == 303 && done.head.contains("/proposals?lang=en&done=1"), "{}", done.head);
    assert_eq!(standing(&hub), Standing::Active);
    let page = get(&hub, "/proposals?lang=en&done=1", &second).await.body;
    assert!(page.contains("role=\"status\"") && page.contains("approved by second at"), "{page}");
    assert!(page.contains("Nothing waits"), "{page}");
    let expected =
        [("first", "propose: reinstate institution"), ("second", "approve: reinstate institution")];
    assert_eq!(noted(&hub), expected.map(|(name, action)| (name.to_owned(), action.to_owned())));
}

#[tokio::test]
async fn access_matrix_whoever_is_in_the_same_hand_is_told_so_and_not_let_approve() {
    let (hub, [_, second, third]) = start().await;
    hub.clock.advance_ms(1);
    hub.office.persons.replace_password(PersonId(3), &SecretString::from(PASSWORD), PersonId(1)).unwrap();
    propose_by(&hub, "first").await;
    assert_eq!(get(&hub, "/proposals", &third).await.status, 401, "another's hand ends the session");
    let third = log_in(&hub, "third").await;
    let page = get(&hub, "/proposals?lang=en", &third).await.body;
    assert!(page.contains("they may decide together from") && !page.contains("/proposals/approve"), "{page}");
    let refused = send(&hub, "/proposals/approve", &third, &approval(1)).await;
    assert!(
        refused.status == 403 && refused.body.contains("third may not decide proposal 1"),
        "{}",
        refused.body
    );
    assert_eq!(standing(&hub), Standing::Suspended);
    assert_eq!(send(&hub, "/proposals/approve", &second, &approval(1)).await.status, 303);
    assert_eq!(standing(&hub), Standing::Active);
}

#[tokio::test]
async fn access_matrix_a_proposal_is_declined_with_a_reason_or_withdrawn_by_whoever_made_it() {
    let (hub, [first, second, _]) = start().await;
    propose_by(&hub, "first").await;
    let silent = send(&hub, "/proposals/close", &second, "number=1&reason=+").await;
    assert!(silent.status == 403 && silent.body.contains("say why it is declined"), "{}", silent.body);
    assert_eq!(send(&hub, "/proposals/close", &second, "number=1&reason=no+letter").await.status, 303);
    propose_by(&hub, "first").await;
    assert_eq!(send(&hub, "/proposals/close", &first, "number=2").await.status, 303);
    let page = get(&hub, "/proposals?lang=en", &first).await.body;
    assert!(page.contains("declined by second at") && page.contains(": no letter"), "{page}");
    assert!(page.contains("withdrawn by first at"), "{page}");
    assert_eq!(standing(&hub), Standing::Suspended);
    let actions: Vec<_> = noted(&hub).into_iter().map(|(_, action)| action).collect();
    assert_eq!(actions[1], "decline: reinstate institution");
    assert_eq!(actions[3], "withdraw proposal: reinstate institution");
}
