//! The persons of one server: adding them, and letting them show who they are.

use std::sync::{Arc, Mutex, PoisonError};

use secrecy::SecretString;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::password::{self, PasswordFailed};
use super::{Authentication, Person, PersonId, Role};
use crate::clock::Clock;
use crate::folder;
use crate::random::Random;
use crate::store::{Batch, Scan, Store, StoreFailed, Table};

/// Failures in a row that cost no waiting: anybody mistypes.
const FREE_FAILURES: u32 = 3;
/// The longest a person waits between two attempts.
const WAIT_MAX_S: u64 = 900;
const NAME_CHARACTERS_MAX: usize = 64;

/// The keys of the table: `a` the account, `f` its failures, each with the person's number behind it.
const ACCOUNT: u8 = b'a';
const FAILURES: u8 = b'f';

/// The persons cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum PersonsFailed {
    /// The store failed.
    #[error("the persons cannot be read or written")]
    Store(#[from] StoreFailed),
    /// A row cannot be understood.
    #[error("what is stored about a person cannot be understood")]
    Row(#[from] serde_json::Error),
    /// Nobody has that number.
    #[error("there is no person {0}")]
    Nobody(PersonId),
    /// The password cannot be taken or checked.
    #[error(transparent)]
    Password(#[from] PasswordFailed),
}

/// A person could not be added.
#[derive(Debug, thiserror::Error)]
pub enum AddPersonFailed {
    /// The role belongs to the other server.
    #[error("there is no {role} at a {server}")]
    Role {
        /// The role that was asked for.
        role: Role,
        /// This server.
        server: folder::Role,
    },
    /// The name cannot be one.
    #[error(
        "a name has 1 to {NAME_CHARACTERS_MAX} characters, none of them a control character, and not only digits"
    )]
    Name,
    /// Somebody has the name already.
    #[error("there is a person of that name already; add something that tells the two apart")]
    NameTaken,
    /// The persons cannot be had.
    #[error(transparent)]
    Persons(#[from] PersonsFailed),
}

/// Somebody did not show who they are.
#[derive(Debug, thiserror::Error)]
pub enum AuthenticateFailed {
    /// The same answer for a wrong name and a wrong password.
    #[error("the name or the password is wrong")]
    Wrong,
    /// Too many failures; the password was not looked at.
    #[error("after {failures} failed attempts in a row the next is possible in {wait_s} s")]
    Wait {
        /// Failures in a row.
        failures: u32,
        /// Seconds until the next attempt counts.
        wait_s: u64,
    },
    /// The persons cannot be had.
    #[error(transparent)]
    Persons(#[from] PersonsFailed),
}

#[derive(Serialize, Deserialize)]
struct Account {
    person: Person,
    hash: String,
    active: bool,
}

#[derive(Default, Serialize, Deserialize)]
struct Failures {
    in_a_row: u32,
    last_s: u64,
}

/// The persons of one server, in one table of its store.
#[derive(Debug)]
pub struct Persons {
    store: Arc<dyn Store>,
    table: Table,
    server: folder::Role,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    /// One attempt at a time: guesses cannot be made side by side, and hashing takes 19 MiB once only.
    one_at_a_time: Mutex<()>,
}

impl Persons {
    /// The persons in `table`, which holds nothing else.
    #[must_use]
    pub fn new(
        store: Arc<dyn Store>,
        table: Table,
        server: folder::Role,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Self {
        Self { store, table, server, clock, random, one_at_a_time: Mutex::new(()) }
    }

    /// Adds somebody who will show who they are by `password`. Durable on return; blocks for the hashing.
    ///
    /// # Errors
    /// A role of the other server, a name that is taken or none, a password too short or too long, the store.
    pub fn add(&self, name: &str, role: Role, password: &SecretString) -> Result<PersonId, AddPersonFailed> {
        if !role.exists_at(self.server) {
            return Err(AddPersonFailed::Role { role, server: self.server });
        }
        let name = verify_name(name)?;
        let _alone = self.one_at_a_time.lock().unwrap_or_else(PoisonError::into_inner);
        let accounts = self.accounts()?;
        if accounts.iter().any(|account| account.person.name == name) {
            return Err(AddPersonFailed::NameTaken);
        }
        let last = accounts.last().map_or(0, |account| account.person.id.0);
        let id = PersonId(last.saturating_add(1));
        let authenticated = Authentication::LocalPassword;
        let person = Person { id, name: name.to_owned(), role, authenticated };
        let hash = password::hash(password, &*self.random).map_err(PersonsFailed::Password)?;
        self.keep(ACCOUNT, id, &Account { person, hash, active: true }, true)?;
        Ok(id)
    }

    /// Checks a name (or number) and a password. Blocks for the hashing.
    ///
    /// # Errors
    /// Wrong name or password; too many failures just before; the store.
    pub fn authenticate(
        &self,
        name_or_id: &str,
        password: &SecretString,
    ) -> Result<Person, AuthenticateFailed> {
        let _alone = self.one_at_a_time.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(account) = self.find(name_or_id)? else {
            password::spend_time(password).map_err(PersonsFailed::Password)?;
            return Err(AuthenticateFailed::Wrong);
        };
        let id = account.person.id;
        let failures = self.failures_of(id)?;
        let now_s = self.clock.now_s();
        let wait_s = failures.wait_s(now_s);
        if wait_s > 0 {
            return Err(AuthenticateFailed::Wait { failures: failures.in_a_row, wait_s });
        }
        if password::matches(password, &account.hash).map_err(PersonsFailed::Password)? {
            if failures.in_a_row > 0 {
                self.keep(FAILURES, id, &Failures::default(), false)?;
            }
            return Ok(account.person);
        }
        let in_a_row = failures.in_a_row.saturating_add(1);
        self.keep(FAILURES, id, &Failures { in_a_row, last_s: now_s }, false)?;
        Err(AuthenticateFailed::Wrong)
    }

    /// Everybody who may show who they are, by number.
    ///
    /// # Errors
    /// The store.
    pub fn list(&self) -> Result<Vec<Person>, PersonsFailed> {
        let accounts = self.accounts()?.into_iter();
        Ok(accounts.filter(|account| account.active).map(|account| account.person).collect())
    }

    /// Replaces somebody's password and forgets failed attempts. Durable on return.
    ///
    /// # Errors
    /// Nobody has that number, a password too short or too long, the store.
    pub fn replace_password(&self, id: PersonId, password: &SecretString) -> Result<(), PersonsFailed> {
        let _alone = self.one_at_a_time.lock().unwrap_or_else(PoisonError::into_inner);
        let account = self.account(id)?.ok_or(PersonsFailed::Nobody(id))?;
        let hash = password::hash(password, &*self.random)?;
        self.keep(FAILURES, id, &Failures::default(), false)?;
        self.keep(ACCOUNT, id, &Account { hash, ..account }, true)
    }

    /// Lets somebody show who they are no more; their number and name stay taken. Durable on return.
    ///
    /// # Errors
    /// Nobody has that number, the store.
    pub fn deactivate(&self, id: PersonId) -> Result<(), PersonsFailed> {
        let _alone = self.one_at_a_time.lock().unwrap_or_else(PoisonError::into_inner);
        let account = self.account(id)?.ok_or(PersonsFailed::Nobody(id))?;
        self.keep(ACCOUNT, id, &Account { active: false, ..account }, true)
    }

    fn find(&self, name_or_id: &str) -> Result<Option<Account>, PersonsFailed> {
        let wanted = name_or_id.trim();
        let found = match wanted.parse() {
            Ok(number) => self.account(PersonId(number))?,
            Err(_) => self.accounts()?.into_iter().find(|account| account.person.name == wanted),
        };
        Ok(found.filter(|account| account.active))
    }

    fn accounts(&self) -> Result<Vec<Account>, PersonsFailed> {
        let rows = self.store.scan(&Scan::prefix(self.table, &[ACCOUNT]))?;
        rows.iter().map(|(_, row)| Ok(serde_json::from_slice(row)?)).collect()
    }

    fn account(&self, id: PersonId) -> Result<Option<Account>, PersonsFailed> {
        self.row(ACCOUNT, id)
    }

    fn failures_of(&self, id: PersonId) -> Result<Failures, PersonsFailed> {
        Ok(self.row(FAILURES, id)?.unwrap_or_default())
    }

    fn row<T: DeserializeOwned>(&self, part: u8, id: PersonId) -> Result<Option<T>, PersonsFailed> {
        let row = self.store.get(self.table, &key(part, id))?;
        row.map(|row| Ok(serde_json::from_slice(&row)?)).transpose()
    }

    fn keep<T: Serialize>(
        &self,
        part: u8,
        id: PersonId,
        row: &T,
        durably: bool,
    ) -> Result<(), PersonsFailed> {
        let mut batch = Batch::new();
        batch.put(self.table, key(part, id), serde_json::to_vec(row)?);
        self.store.commit(batch)?;
        if durably {
            self.store.flush()?;
        }
        Ok(())
    }
}

fn key(part: u8, id: PersonId) -> Vec<u8> {
    [&[part], id.0.to_be_bytes().as_slice()].concat()
}

/// A name of digits only could not be told from a number.
fn verify_name(name: &str) -> Result<&str, AddPersonFailed> {
    let name = name.trim();
    let length = name.chars().count();
    let fits = (1..=NAME_CHARACTERS_MAX).contains(&length) && !name.chars().any(char::is_control);
    if fits && !name.chars().all(|c| c.is_ascii_digit()) { Ok(name) } else { Err(AddPersonFailed::Name) }
}

impl Failures {
    /// After the free ones, each failure doubles the wait. A clock set back does not prolong it past its maximum.
    fn wait_s(&self, now_s: u64) -> u64 {
        let Some(beyond) = self.in_a_row.checked_sub(FREE_FAILURES) else { return 0 };
        let whole = 1_u64.checked_shl(beyond).unwrap_or(WAIT_MAX_S).min(WAIT_MAX_S);
        whole.saturating_sub(now_s.saturating_sub(self.last_s))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;
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
        persons.authenticate(name, &SecretString::from(password))
    }

    fn add(persons: &Persons, name: &str, role: Role) -> Result<PersonId, AddPersonFailed> {
        persons.add(name, role, &SecretString::from(GOOD))
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
                    assert!(matches!(
                        try_password(&persons, "李娜", GOOD),
                        Err(AuthenticateFailed::Wait { .. })
                    ));
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
        persons.replace_password(id, &SecretString::from("another good one")).unwrap();
        assert!(try_password(&persons, "李娜", GOOD).is_err());
        assert!(try_password(&persons, "李娜", "another good one").is_ok());
        assert!(persons.replace_password(id, &SecretString::from("short")).is_err());
    }
}
