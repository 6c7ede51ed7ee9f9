//! The persons of one server: letting them show who they are, and reading what is stored about them.

mod accounts;
mod appointments;
mod at_once;
mod beginning;
mod planned;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use secrecy::SecretString;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::account::Account;
use super::deputy::{AppointFailed, Deputyship};
use super::password::{self, PasswordFailed};
use super::refusals::{About, Line, Refusals};
use super::throttle::{Door, Failures, Sources};
use super::{Authentication, Person, PersonId, Role};
use crate::clock::Clock;
use crate::folder;
use crate::random::Random;
use crate::store::{Batch, Scan, Store, StoreFailed, Table};
pub use planned::Planned;

const NAME_CHARACTERS_MAX: usize = 64;

/// The keys of the table, each but the last with a number behind it: `a` the account, `f` its failures at the shell, `p`
/// those at a page, `l` its last login, `d` an appointment as deputy; `o` the one-time code of a founding administrator.
const ACCOUNT: u8 = b'a';
const FAILURES: u8 = b'f';
const PAGE_FAILURES: u8 = b'p';
const LAST_LOGIN: u8 = b'l';
const DEPUTY: u8 = b'd';
const FIRST_CODE: u8 = b'o';

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
    /// Nobody has that name or number.
    #[error("there is no person {0:?}")]
    NoSuchName(String),
    /// Nobody could add persons or decide any more.
    #[error("this is the last administrator; add another one first")]
    LastAdministrator,
    /// The password cannot be taken or checked.
    #[error(transparent)]
    Password(#[from] PasswordFailed),
    /// The appointment is refused.
    #[error(transparent)]
    Appoint(#[from] AppointFailed),
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
    /// While there is no administrator, nobody else is added.
    #[error("there is no administrator, so the next person must be one: --role administrator")]
    FirstPerson,
    /// There is an administrator, whose word it takes.
    #[error("an administrator must add further persons: --person NAME")]
    NeedsAdministrator,
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
    /// Too many failures from the same address, under any names; the password was not looked at.
    #[error("too many attempts from your network failed within a minute; the next is possible in {wait_s} s")]
    Busy {
        /// Seconds until the next attempt counts.
        wait_s: u64,
    },
    /// The persons cannot be had.
    #[error(transparent)]
    Persons(#[from] PersonsFailed),
}

/// The persons of one server, in one table of its store.
#[derive(Debug)]
pub struct Persons {
    store: Arc<dyn Store>,
    table: Table,
    server: folder::Role,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    /// Held while something is changed, from finding it in order to making it.
    changing: Mutex<()>,
    /// One attempt at a time at each door: guesses cannot be made side by side, hashing takes 19 MiB at each once only, and
    /// whoever waits at the one keeps nobody waiting at the other.
    shell: Mutex<()>,
    page: Mutex<Sources>,
    refusals: Mutex<Refusals>,
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
        let (changing, shell, page, refusals) = Default::default();
        Self { store, table, server, clock, random, changing, shell, page, refusals }
    }

    /// Checks a name (or number) and a password. Blocks for the hashing.
    ///
    /// # Errors
    /// Wrong name or password; too many failures at this door just before; the store.
    pub fn authenticate(
        &self,
        door: Door,
        name_or_id: &str,
        password: &SecretString,
    ) -> Result<Person, AuthenticateFailed> {
        match door {
            Door::Shell => {
                let _alone = unpoisoned(&self.shell);
                self.check(FAILURES, name_or_id, password)
            }
            Door::Page(from) => {
                let mut sources = unpoisoned(&self.page);
                let now_s = self.clock.now_s();
                let wait_s = from.map_or(0, |from| sources.wait_s(from, now_s));
                if wait_s > 0 {
                    return Err(AuthenticateFailed::Busy { wait_s });
                }
                let checked = self.check(PAGE_FAILURES, name_or_id, password);
                if let (Err(AuthenticateFailed::Wrong), Some(from)) = (&checked, from) {
                    sources.push(from, now_s);
                }
                checked
            }
        }
    }

    /// Checks a name and a password against the failures of one door.
    fn check(
        &self,
        failures_of: u8,
        name_or_id: &str,
        password: &SecretString,
    ) -> Result<Person, AuthenticateFailed> {
        let now_s = self.clock.now_s();
        let Some(account) = self.find(name_or_id)? else {
            password::spend_time(password).map_err(PersonsFailed::Password)?;
            return Err(AuthenticateFailed::Wrong);
        };
        let id = account.person.id;
        let failures: Failures = self.row(failures_of, id.0)?.unwrap_or_default();
        let wait_s = failures.wait_s(now_s);
        if wait_s > 0 {
            return Err(AuthenticateFailed::Wait { failures: failures.in_a_row, wait_s });
        }
        if password::matches(password, &account.hash).map_err(PersonsFailed::Password)? {
            if failures.in_a_row > 0 {
                self.keep(failures_of, id.0, &Failures::default())?;
            }
            return Ok(account.person);
        }
        let in_a_row = failures.in_a_row.saturating_add(1);
        self.keep(failures_of, id.0, &Failures { in_a_row, last_s: now_s })?;
        Err(AuthenticateFailed::Wrong)
    }

    /// Counts a refused attempt; what is to be noted of it and of earlier ones.
    pub(super) fn count_refusal(
        &self,
        (about, door): (About, Door),
        (action, why): (&str, String),
    ) -> Vec<Line> {
        unpoisoned(&self.refusals).count((about, door), (action, why), self.clock.now_ms())
    }

    /// What was counted of refused attempts and is not noted yet.
    pub(super) fn unsaid_refusals(&self) -> Vec<Line> {
        unpoisoned(&self.refusals).unsaid()
    }

    /// Everybody who may show who they are, by number.
    ///
    /// # Errors
    /// The store.
    pub fn list(&self) -> Result<Vec<Person>, PersonsFailed> {
        let accounts = self.accounts()?.into_iter();
        Ok(accounts.filter(|account| account.active).map(|account| account.person).collect())
    }

    /// The person of that name or number who may show who they are.
    ///
    /// # Errors
    /// There is none; the store.
    pub fn named(&self, name_or_id: &str) -> Result<Person, PersonsFailed> {
        let found = self.find(name_or_id)?.map(|account| account.person);
        found.ok_or_else(|| PersonsFailed::NoSuchName(name_or_id.trim().chars().take(64).collect()))
    }

    /// The name of the person of that number, also of one who left.
    ///
    /// # Errors
    /// The store.
    pub fn name_of(&self, id: PersonId) -> Result<Option<String>, PersonsFailed> {
        Ok(self.account(id)?.map(|account| account.person.name))
    }

    /// Whether somebody can add persons.
    ///
    /// # Errors
    /// The store.
    pub fn has_administrator(&self) -> Result<bool, PersonsFailed> {
        Ok(self.list()?.iter().any(|person| person.role == Role::Administrator))
    }

    fn alone(&self) -> MutexGuard<'_, ()> {
        unpoisoned(&self.changing)
    }

    fn plan<'a, T>(&'a self, alone: MutexGuard<'a, ()>, batch: Batch, what: T) -> Planned<'a, T> {
        Planned::new((self, alone), batch, what)
    }

    fn put<T: Serialize>(
        &self,
        batch: &mut Batch,
        (part, number): (u8, u32),
        row: &T,
    ) -> Result<(), PersonsFailed> {
        batch.put(self.table, key(part, number), serde_json::to_vec(row)?);
        Ok(())
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
        self.rows(ACCOUNT)
    }

    fn account(&self, id: PersonId) -> Result<Option<Account>, PersonsFailed> {
        self.row(ACCOUNT, id.0)
    }

    fn rows<T: DeserializeOwned>(&self, part: u8) -> Result<Vec<T>, PersonsFailed> {
        let rows = self.store.scan(&Scan::prefix(self.table, &[part]))?;
        rows.iter().map(|(_, row)| Ok(serde_json::from_slice(row)?)).collect()
    }

    fn row<T: DeserializeOwned>(&self, part: u8, number: u32) -> Result<Option<T>, PersonsFailed> {
        let row = self.store.get(self.table, &key(part, number))?;
        row.map(|row| Ok(serde_json::from_slice(&row)?)).transpose()
    }

    /// Keeps a row that a crash may lose.
    fn keep<T: Serialize>(&self, part: u8, number: u32, row: &T) -> Result<(), PersonsFailed> {
        let mut batch = Batch::new();
        self.put(&mut batch, (part, number), row)?;
        Ok(self.store.commit(batch)?)
    }
}

fn unpoisoned<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn key(part: u8, number: u32) -> Vec<u8> {
    [&[part], number.to_be_bytes().as_slice()].concat()
}

#[cfg(test)]
mod tests;
