//! Accounts, throttling and who made whose account, over a store in memory.

mod hands;

use super::*;
use crate::clock::ManualClock;
use crate::person::{FIRST_CODE_S, FirstCode, FirstPerson, Password, TakeFirstFailed};
use crate::random::SeededRandom;
use crate::store::MemoryStore;

const GOOD: &str = "correct horse battery";

fn persons(server: folder::Role) -> (Persons, Arc<ManualClock>, MemoryStore) {
    let store = MemoryStore::new();
    let clock = Arc::new(ManualClock::at_ms(1_000_000));
    let seams: Arc<dyn Clock> = Arc::<ManualClock>::clone(&clock);
    let random = Arc::new(SeededRandom::from_seed(1));
    (Persons::new(Arc::new(store.clone()), Table(1), server, seams, random), clock, store)
}

fn try_password(persons: &Persons, name: &str, password: &str) -> Result<Person, AuthenticateFailed> {
    persons.authenticate(Door::Shell, name, &SecretString::from(password))
}

fn add(persons: &Persons, name: &str, role: Role) -> Result<PersonId, AddPersonFailed> {
    persons.add(name, role, &SecretString::from(GOOD), None)
}

#[test]
fn a_person_is_known_by_name_or_number_and_password() {
    let (persons, _, store) = persons(folder::Role::Node);
    let id = add(&persons, "李娜", Role::Approver).unwrap();
    store.lose_power();
    for name in ["李娜", " 李娜 ", "1"] {
        let person = try_password(&persons, name, GOOD).unwrap();
        assert_eq!((person.id, person.role), (id, Role::Approver));
    }
    for (name, password) in [("李娜", "correct horse batterz"), ("李楠", GOOD), ("2", GOOD)] {
        let refused = try_password(&persons, name, password).unwrap_err();
        assert!(matches!(refused, AuthenticateFailed::Wrong), "{name}: {refused}");
    }
}

#[test]
fn roles_of_the_other_server_are_refused() {
    let (persons, ..) = persons(folder::Role::Hub);
    let refused = add(&persons, "Wang", Role::Clerk).unwrap_err();
    assert_eq!(refused.to_string(), "there is no clerk at a hub");
    assert!(add(&persons, "Wang", Role::Reviewer).is_ok());
}

#[test]
fn names_are_unique_and_no_numbers() {
    let (persons, ..) = persons(folder::Role::Node);
    add(&persons, "王伟", Role::Clerk).unwrap();
    assert!(matches!(add(&persons, "王伟", Role::Clerk), Err(AddPersonFailed::NameTaken)));
    for bad in ["", "  ", "17", "a\nb", &"x".repeat(65)] {
        assert!(matches!(add(&persons, bad, Role::Clerk), Err(AddPersonFailed::Name)), "{bad:?}");
    }
    assert_eq!(add(&persons, "王伟 (理学院)", Role::Clerk).unwrap(), PersonId(2));
}

#[test]
fn failures_in_a_row_make_everybody_wait_longer_and_longer() {
    let (persons, clock, _) = persons(folder::Role::Node);
    add(&persons, "李娜", Role::Approver).unwrap();
    let mut waits = Vec::new();
    for _ in 0..26 {
        match try_password(&persons, "李娜", "wrong password!") {
            Err(AuthenticateFailed::Wait { wait_s, .. }) => {
                // Not even the right password counts before the time.
                assert!(matches!(try_password(&persons, "李娜", GOOD), Err(AuthenticateFailed::Wait { .. })));
                waits.push(wait_s);
                clock.advance_ms(wait_s * 1000);
            }
            Err(AuthenticateFailed::Wrong) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]);
    try_password(&persons, "李娜", GOOD).unwrap();
    for _ in 0..3 {
        let refused = try_password(&persons, "李娜", "wrong password!");
        assert!(matches!(refused, Err(AuthenticateFailed::Wrong)), "success forgets failures");
    }
}

#[test]
fn a_deactivated_person_is_nobody_and_keeps_the_name() {
    let (persons, ..) = persons(folder::Role::Node);
    let id = add(&persons, "李娜", Role::Clerk).unwrap();
    persons.deactivate(id).unwrap();
    assert!(matches!(try_password(&persons, "李娜", GOOD), Err(AuthenticateFailed::Wrong)));
    assert!(persons.list().unwrap().is_empty());
    assert!(matches!(add(&persons, "李娜", Role::Clerk), Err(AddPersonFailed::NameTaken)));
    assert!(matches!(persons.deactivate(PersonId(9)), Err(PersonsFailed::Nobody(PersonId(9)))));
}

#[test]
fn a_replaced_password_is_the_only_one() {
    let (persons, ..) = persons(folder::Role::Node);
    let id = add(&persons, "李娜", Role::Clerk).unwrap();
    persons.replace_password(id, &SecretString::from("another good one"), id).unwrap();
    assert!(try_password(&persons, "李娜", GOOD).is_err());
    assert!(try_password(&persons, "李娜", "another good one").is_ok());
    assert!(persons.replace_password(id, &SecretString::from("short"), id).is_err());
}

fn person(persons: &Persons, name: &str) -> Person {
    persons.named(name).unwrap()
}

#[test]
fn failures_at_a_page_make_nobody_wait_at_the_shell_nor_under_another_name_or_from_elsewhere() {
    let (persons, clock, _) = persons(folder::Role::Node);
    add(&persons, "李娜", Role::Approver).unwrap();
    add(&persons, "王伟", Role::Approver).unwrap();
    let from = |text: &str| Door::Page(Some(text.parse().unwrap()));
    let at =
        |door, name: &str, password: &str| persons.authenticate(door, name, &SecretString::from(password));
    for n in 0..500 {
        let refused = at(Door::Page(None), &format!("nobody {n}"), GOOD).unwrap_err();
        assert!(matches!(refused, AuthenticateFailed::Wrong), "{n}: {refused}");
        at(Door::Page(None), "李娜", "wrong password!").unwrap_err();
    }
    for n in 0..20 {
        let refused = at(from("192.0.2.7"), &format!("nobody {n}"), GOOD).unwrap_err();
        assert!(matches!(refused, AuthenticateFailed::Wrong), "{n}: {refused}");
    }
    let refused = at(from("192.0.2.7"), "王伟", GOOD).unwrap_err();
    assert!(matches!(refused, AuthenticateFailed::Busy { wait_s: 60 }), "{refused}");
    assert!(at(from("192.0.2.8"), "王伟", GOOD).is_ok() && at(Door::Page(None), "王伟", GOOD).is_ok());
    assert!(matches!(at(Door::Page(None), "李娜", GOOD), Err(AuthenticateFailed::Wait { .. })));
    assert!(at(Door::Shell, "李娜", GOOD).is_ok(), "the shell is another door");
    clock.advance_ms(60_000);
    assert!(at(from("192.0.2.7"), "王伟", GOOD).is_ok());
}

#[test]
fn whoever_is_looked_at_on_the_page_keeps_nobody_waiting_at_the_shell() {
    let (persons, ..) = persons(folder::Role::Node);
    add(&persons, "李娜", Role::Approver).unwrap();
    let _looking_and_changing = (unpoisoned(&persons.page), persons.alone());
    assert!(try_password(&persons, "李娜", GOOD).is_ok());
}

#[test]
fn the_first_person_is_an_administrator_and_every_other_one_comes_by_an_administrators_word() {
    let (persons, ..) = persons(folder::Role::Hub);
    assert!(matches!(persons.may_add(Role::Reviewer, None), Err(AddPersonFailed::FirstPerson)));
    persons.may_add(Role::Administrator, None).unwrap();
    add(&persons, "王伟", Role::Administrator).unwrap();
    assert!(matches!(persons.may_add(Role::Administrator, None), Err(AddPersonFailed::NeedsAdministrator)));
    persons.may_add(Role::Reviewer, Some(&person(&persons, "王伟"))).unwrap();
    add(&persons, "李娜", Role::Reviewer).unwrap();
    let refused = persons.may_add(Role::Reviewer, Some(&person(&persons, "李娜")));
    assert!(matches!(refused, Err(AddPersonFailed::NeedsAdministrator)));
}

#[test]
fn the_last_administrator_stays() {
    let (persons, ..) = persons(folder::Role::Hub);
    let first = add(&persons, "王伟", Role::Administrator).unwrap();
    assert!(matches!(persons.deactivate(first), Err(PersonsFailed::LastAdministrator)));
    let second = add(&persons, "李娜", Role::Administrator).unwrap();
    persons.deactivate(first).unwrap();
    assert!(matches!(persons.deactivate(second), Err(PersonsFailed::LastAdministrator)));
}

#[test]
fn an_account_written_before_hands_were_noted_is_still_read() {
    let (persons, _, store) = persons(folder::Role::Hub);
    let hash = password::hash(&SecretString::from(GOOD), &SeededRandom::from_seed(3)).unwrap();
    let row = serde_json::json!({
        "person": {"id": 1, "name": "王伟", "role": "administrator", "authenticated": "local password"},
        "hash": hash,
        "active": true,
    });
    let mut batch = Batch::new();
    batch.put(Table(1), key(ACCOUNT, 1), row.to_string());
    store.commit(batch).unwrap();
    assert_eq!(try_password(&persons, "王伟", GOOD).unwrap().id, PersonId(1));
}

fn day(text: &str) -> jiff::civil::Date {
    text.parse().unwrap()
}

/// 2026-05-09T07:29:33Z.
const MAY_9_MS: u64 = 1_778_311_773_120;

#[test]
fn a_deputy_acts_in_the_principals_role_on_the_days_of_the_appointment_in_the_district() {
    let (persons, clock, _) = persons(folder::Role::Node);
    clock.set_ms(MAY_9_MS);
    let (li, zhao) =
        (add(&persons, "李娜", Role::Approver).unwrap(), add(&persons, "赵敏", Role::Clerk).unwrap());
    persons.appoint((li, zhao), (day("2026-05-10"), day("2026-05-11")), li).unwrap();
    let acts = |at: &str| {
        let at: jiff::Timestamp = at.parse().unwrap();
        clock.set_ms(u64::try_from(at.as_millisecond()).unwrap());
        let acting = persons.in_role(&person(&persons, "赵敏"), &[Role::Approver]).unwrap();
        acting.map(|acting| (acting.role, acting.deputy_for, acting.authority()))
    };
    let yes = Some((Role::Approver, Some(li), li));
    assert_eq!(acts("2026-05-09T15:59:59Z"), None);
    assert_eq!(acts("2026-05-09T16:00:00Z"), yes, "the day begins at midnight in the district");
    assert_eq!(acts("2026-05-11T15:59:59Z"), yes);
    assert_eq!(acts("2026-05-11T16:00:00Z"), None);
    clock.set_ms(MAY_9_MS + 86_400_000);
    let own = persons.in_role(&person(&persons, "赵敏"), &[Role::Clerk, Role::Approver]).unwrap().unwrap();
    assert_eq!((own.role, own.deputy_for), (Role::Clerk, None), "one's own role comes first");
    persons.deactivate(li).unwrap();
    assert_eq!(acts("2026-05-10T08:00:00Z"), None, "nobody acts for somebody who left");
}

#[test]
fn an_appointment_that_makes_no_sense_is_refused() {
    let (persons, clock, _) = persons(folder::Role::Node);
    clock.set_ms(MAY_9_MS);
    let (li, zhao) =
        (add(&persons, "李娜", Role::Approver).unwrap(), add(&persons, "赵敏", Role::Clerk).unwrap());
    let appoint = |who, from: &str, until: &str| persons.appoint(who, (day(from), day(until)), li);
    let days = |from, until| {
        let refused = appoint((li, zhao), from, until);
        assert!(matches!(refused, Err(PersonsFailed::Appoint(AppointFailed::Days))), "{from} {until}");
    };
    days("2026-05-12", "2026-05-11");
    days("2026-05-01", "2026-05-08");
    days("2026-05-09", "2027-05-10");
    let refused = appoint((li, li), "2026-05-09", "2026-05-09");
    assert!(matches!(refused, Err(PersonsFailed::Appoint(AppointFailed::Oneself))));
    let refused = appoint((li, PersonId(9)), "2026-05-09", "2026-05-09");
    assert!(matches!(refused, Err(PersonsFailed::Nobody(PersonId(9)))));
    let made = appoint((li, zhao), "2026-05-09", "2026-05-11").unwrap();
    let refused = appoint((li, zhao), "2026-05-11", "2026-05-12");
    assert!(matches!(refused, Err(PersonsFailed::Appoint(AppointFailed::Twice(1)))));
    assert_eq!(persons.dismiss(1).unwrap(), Some(made));
    assert_eq!(persons.dismiss(1).unwrap(), None);
    assert_eq!(appoint((li, zhao), "2026-05-11", "2026-05-12").unwrap().number, 2, "no number comes twice");
}

#[test]
fn the_first_administrator_comes_by_a_code_that_works_once_and_not_for_ever() {
    let (persons, clock, store) = persons(folder::Role::Hub);
    let take = |code: &str, name: &str, password: &str| {
        let password = Password::new(password.to_owned());
        persons.take_first_code(&FirstPerson {
            code: FirstCode::typed(code),
            name: name.to_owned(),
            password,
        })
    };
    assert!(
        matches!(take("AAAAAAAAAAAAAAAAAAAAAA", "王伟", GOOD), Err(TakeFirstFailed::Code)),
        "none was made"
    );
    let replaced = persons.make_first_code().unwrap().unwrap();
    let code = persons.make_first_code().unwrap().unwrap();
    assert_eq!((code.as_str().len(), format!("{code:?}")), (22, "FirstCode(withheld)".to_owned()));
    store.lose_power();
    assert!(matches!(take(replaced.as_str(), "王伟", GOOD), Err(TakeFirstFailed::Code)));
    assert!(
        matches!(take(code.as_str(), "王伟", "short"), Err(TakeFirstFailed::Add(_))),
        "the code stays good"
    );
    clock.advance_ms(FIRST_CODE_S * 1000 - 1);
    assert!(persons.awaits_first().unwrap());
    clock.advance_ms(1);
    assert!(!persons.awaits_first().unwrap());
    assert!(matches!(take(code.as_str(), "王伟", GOOD), Err(TakeFirstFailed::Code)), "it has expired");
    let code = persons.make_first_code().unwrap().unwrap();
    assert_eq!(take(&format!(" {}\n", code.as_str()), "王伟", GOOD).unwrap().role, Role::Administrator);
    store.lose_power();
    assert!(matches!(take(code.as_str(), "李娜", GOOD), Err(TakeFirstFailed::Code)), "it was used");
    assert_eq!(persons.list().unwrap().len(), 1);
}

#[test]
fn two_administrators_come_by_codes_and_are_in_different_hands_and_a_third_does_not() {
    let (persons, ..) = persons(folder::Role::Hub);
    let take = |name: &str| {
        let code = persons.make_first_code().unwrap()?;
        let first = FirstPerson { code, name: name.to_owned(), password: Password::new(GOOD.to_owned()) };
        Some(persons.take_first_code(&first).unwrap().id)
    };
    let (first, second) = (take("王伟").unwrap(), take("李娜").unwrap());
    assert_eq!(persons.common_hand(first, second).unwrap(), None);
    assert!(persons.make_first_code().unwrap().is_none());
    persons.deactivate(second).unwrap();
    assert!(persons.make_first_code().unwrap().is_none(), "nobody makes room for another one");
}

#[test]
fn a_code_left_over_is_no_good_once_there_were_two_administrators() {
    let (persons, ..) = persons(folder::Role::Hub);
    let first = add(&persons, "王伟", Role::Administrator).unwrap();
    let code = persons.make_first_code().unwrap().unwrap();
    persons.add("赵敏", Role::Administrator, &SecretString::from(GOOD), Some(first)).unwrap();
    let password = Password::new(GOOD.to_owned());
    let refused = persons.take_first_code(&FirstPerson { code, name: "李娜".to_owned(), password });
    assert!(matches!(refused, Err(TakeFirstFailed::Administrators)));
    assert!(!persons.awaits_first().unwrap());
}
