//! Whose hands are on which account: a random history against a model of one line, and a person who tries alone.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::clock::to_district_date;
use crate::person::HAND_S;

const ACCOUNTS: usize = 6;

/// What is done; accounts are told by their place among those there are.
#[derive(Debug, Clone, Copy)]
enum Act {
    Add { by: usize },
    SetPassword { by: usize, of: usize },
    Appoint { by: usize, deputy: usize },
    Dismiss,
    Deactivate { of: usize },
    Wait { hours: u16 },
}

fn act() -> impl Strategy<Value = Act> {
    let some = 0..ACCOUNTS;
    prop_oneof![
        some.clone().prop_map(|by| Act::Add { by }),
        (some.clone(), some.clone()).prop_map(|(by, of)| Act::SetPassword { by, of }),
        (some.clone(), some.clone()).prop_map(|(by, deputy)| Act::Appoint { by, deputy }),
        Just(Act::Dismiss),
        some.prop_map(|of| Act::Deactivate { of }),
        (1_u16..100).prop_map(|hours| Act::Wait { hours }),
    ]
}

/// The persons, and what the model knows of them: who had a hand in whom, when.
struct World {
    persons: Persons,
    clock: Arc<ManualClock>,
    ids: Vec<PersonId>,
    log: Vec<(PersonId, PersonId, u64)>,
}

impl World {
    /// Three administrators in different hands.
    fn start() -> Self {
        let (persons, clock, _) = persons(folder::Role::Hub);
        clock.set_ms(MAY_9_MS);
        let ids = ["甲", "乙", "丙"].map(|name| add(&persons, name, Role::Administrator).unwrap()).to_vec();
        Self { persons, clock, ids, log: Vec::new() }
    }

    fn at(&self, place: usize) -> PersonId {
        self.ids[place % self.ids.len()]
    }

    fn note(&mut self, by: PersonId, of: PersonId) {
        self.log.push((by, of, self.clock.now_s()));
    }

    /// Does it, in the name of `by` where somebody does it.
    fn play(&mut self, act: Act) {
        match act {
            Act::Add { by } if self.ids.len() < ACCOUNTS => {
                let (by, name) = (self.at(by), format!("人{}", self.ids.len()));
                let secret = SecretString::from(GOOD);
                let made = self.persons.add(&name, Role::Administrator, &secret, Some(by)).unwrap();
                self.ids.push(made);
                self.note(by, made);
            }
            Act::Add { .. } => {}
            Act::SetPassword { by, of } => {
                let (by, of) = (self.at(by), self.at(of));
                self.persons.replace_password(of, &SecretString::from(GOOD), by).unwrap();
                if by != of {
                    self.note(by, of);
                }
            }
            Act::Appoint { by, deputy } => {
                let (by, deputy) = (self.at(by), self.at(deputy));
                let today = to_district_date(self.clock.now_ms());
                if self.persons.appoint((by, deputy), (today, today), by).is_ok() {
                    self.note(by, deputy);
                }
            }
            Act::Dismiss => {
                let last = self.persons.appointments().unwrap().last().map(|there| there.number);
                self.persons.dismiss(last.unwrap_or_default()).unwrap();
            }
            // The last administrator stays; whoever is gone leaves hands behind.
            Act::Deactivate { of } => drop(self.persons.deactivate(self.at(of))),
            Act::Wait { hours } => self.clock.advance_ms(u64::from(hours) * 3_600_000),
        }
    }

    /// The model: everybody from whom a chain of hands of the last 7 days leads to the account, itself included.
    fn origins(&self, of: PersonId) -> BTreeSet<PersonId> {
        let since_s = self.clock.now_s().saturating_sub(HAND_S);
        let mut found = BTreeSet::from([of]);
        for _ in 0..ACCOUNTS {
            let more: Vec<_> =
                self.log.iter().filter(|(_, of, at_s)| found.contains(of) && *at_s >= since_s).collect();
            found.extend(more.into_iter().map(|(by, ..)| *by));
        }
        found
    }

    fn pairs(&self) -> Vec<(PersonId, PersonId)> {
        let all = &self.ids;
        all.iter()
            .flat_map(|one| all.iter().filter(move |other| *other != one).map(|other| (*one, *other)))
            .collect()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn two_accounts_are_independent_where_no_chain_of_hands_leads_from_anybody_to_both(
        acts in prop::collection::vec(act(), 0..24),
    ) {
        let mut world = World::start();
        for act in acts {
            world.play(act);
            for (one, other) in world.pairs() {
                let model = world.origins(one).is_disjoint(&world.origins(other));
                let said = world.persons.common_hand(one, other).unwrap();
                prop_assert_eq!(said.is_none(), model, "{:?} {:?} {:?}", one, other, said);
                if let Some(common) = said {
                    prop_assert!(common.until_s > world.clock.now_s());
                    prop_assert!(world.origins(one).contains(&common.of) && world.origins(other).contains(&common.of));
                }
            }
        }
    }

    #[test]
    fn nobody_alone_comes_to_two_independent_accounts_within_a_week(
        before in prop::collection::vec(act(), 0..12),
        acts in prop::collection::vec(act(), 0..24),
    ) {
        let mut world = World::start();
        for act in before {
            world.play(act);
        }
        let begun_s = world.clock.now_s();
        let alone = world.ids[0];
        let mut theirs = BTreeSet::from([alone]);
        for act in acts {
            // Whatever the act names, it is done by an account that is theirs.
            let own: Vec<usize> = (0..world.ids.len()).filter(|place| theirs.contains(&world.ids[*place])).collect();
            let mine = |by: usize| own[by % own.len()];
            let act = match act {
                Act::Add { by } => Act::Add { by: mine(by) },
                Act::SetPassword { by, of } => Act::SetPassword { by: mine(by), of },
                Act::Appoint { by, deputy } => Act::Appoint { by: mine(by), deputy },
                act @ (Act::Dismiss | Act::Deactivate { .. } | Act::Wait { .. }) => act,
            };
            let there = world.ids.len();
            world.play(act);
            match act {
                Act::Add { .. } => theirs.extend(world.ids.iter().skip(there)),
                Act::SetPassword { of, .. } => drop(theirs.insert(world.at(of))),
                Act::Appoint { .. } | Act::Dismiss | Act::Deactivate { .. } | Act::Wait { .. } => {}
            }
            if world.clock.now_s() > begun_s + HAND_S {
                return Ok(());
            }
            for (one, other) in world.pairs() {
                if theirs.contains(&one) && theirs.contains(&other) {
                    let common = world.persons.common_hand(one, other).unwrap();
                    prop_assert!(common.is_some(), "{:?} and {:?} of {:?}", one, other, theirs);
                }
            }
        }
    }
}

/// Three administrators: 甲 (1), 乙 (2), 丙 (3).
fn common(world: &World, one: u32, other: u32) -> Option<u32> {
    let common = world.persons.common_hand(PersonId(one), PersonId(other)).unwrap();
    common.map(|common| common.of.0)
}

#[test]
fn whoever_made_both_is_named_and_until_when() {
    let mut world = World::start();
    world.play(Act::Add { by: 0 });
    world.clock.advance_ms(1000);
    world.play(Act::Add { by: 0 });
    assert_eq!((common(&world, 4, 5), common(&world, 1, 4), common(&world, 2, 4)), (Some(1), Some(1), None));
    let until_s = world.persons.common_hand(PersonId(4), PersonId(5)).unwrap().unwrap().until_s;
    assert_eq!(until_s, MAY_9_MS / 1000 + HAND_S + 1, "as soon as one of the two hands has aged away");
    world.clock.set_ms((until_s - 1) * 1000);
    assert_eq!(common(&world, 4, 5), Some(1));
    world.clock.set_ms(until_s * 1000);
    assert_eq!((common(&world, 4, 5), common(&world, 1, 5)), (None, Some(1)));
}

#[test]
fn choosing_ones_own_password_afterwards_wipes_no_hand_away() {
    let mut world = World::start();
    world.play(Act::SetPassword { by: 0, of: 1 });
    world.play(Act::SetPassword { by: 1, of: 1 });
    assert_eq!(common(&world, 1, 2), Some(1));
    world.play(Act::SetPassword { by: 2, of: 1 });
    assert_eq!((common(&world, 1, 2), common(&world, 3, 2)), (Some(1), Some(3)), "nor does another's hand");
    world.play(Act::Appoint { by: 2, deputy: 0 });
    world.play(Act::Dismiss);
    assert_eq!(common(&world, 3, 1), Some(3), "nor does ending the appointment");
}
