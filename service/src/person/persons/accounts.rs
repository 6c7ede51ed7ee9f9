//! Accounts: made, given another password, closed; who may do what, and who had a hand in whose account.

use secrecy::SecretString;

use super::super::account::Account;
use super::super::hands::{CommonHand, Hand, Hands};
use super::{
    ACCOUNT, AddPersonFailed, Authentication, FAILURES, LAST_LOGIN, NAME_CHARACTERS_MAX, PAGE_FAILURES,
    Person, PersonId, Persons, PersonsFailed, Planned, Role, password,
};
use crate::clock::{to_district_date, to_seconds};
use crate::person::throttle::Failures;
use crate::store::Batch;

impl Persons {
    /// Plans to add somebody who will show who they are by `password`. Blocks for the hashing. Whether the word of `by`
    /// suffices is for [`Persons::may_add`] to say.
    ///
    /// # Errors
    /// A role of the other server, a name that is taken or none, a password too short or too long, the store.
    pub fn plan_add(
        &self,
        name: &str,
        role: Role,
        password: &SecretString,
        by: Option<PersonId>,
    ) -> Result<Planned<'_, PersonId>, AddPersonFailed> {
        let hash = password::hash(password, &*self.random).map_err(PersonsFailed::Password)?;
        let alone = self.alone();
        let account = self.draft(name, role, hash, by)?;
        let (id, mut batch) = (account.person.id, Batch::new());
        self.put(&mut batch, (ACCOUNT, id.0), &account)?;
        Ok(self.plan(alone, batch, id))
    }

    /// Whether a person of that role may be added on that word: while there is no administrator, whoever has the
    /// server's shell adds the first one and nobody else; afterwards it takes an administrator's word.
    ///
    /// # Errors
    /// Why not.
    pub fn may_add(&self, role: Role, by: Option<&Person>) -> Result<(), AddPersonFailed> {
        match (self.has_administrator()?, by) {
            (true, Some(by)) if by.role == Role::Administrator => Ok(()),
            (true, _) => Err(AddPersonFailed::NeedsAdministrator),
            (false, _) if role == Role::Administrator => Ok(()),
            (false, _) => Err(AddPersonFailed::FirstPerson),
        }
    }

    /// An account as it would be stored.
    pub(super) fn draft(
        &self,
        name: &str,
        role: Role,
        hash: String,
        by: Option<PersonId>,
    ) -> Result<Account, AddPersonFailed> {
        if !role.exists_at(self.server) {
            return Err(AddPersonFailed::Role { role, server: self.server });
        }
        let name = verify_name(name)?;
        let accounts = self.accounts()?;
        if accounts.iter().any(|account| account.person.name == name) {
            return Err(AddPersonFailed::NameTaken);
        }
        let last = accounts.last().map_or(0, |account| account.person.id.0);
        let id = PersonId(last.saturating_add(1));
        let authenticated = Authentication::LocalPassword;
        let person = Person { id, name: name.to_owned(), role, authenticated, deputy_for: None };
        let now_ms = self.clock.now_ms();
        let hands = by.map(|by| Hand { by, at_s: to_seconds(now_ms) }).into_iter().collect();
        Ok(Account { person, hash, active: true, hands, password_since_ms: now_ms })
    }

    /// Plans to replace somebody's password and to forget failed attempts; if somebody else does, that is a hand. Blocks for
    /// the hashing.
    ///
    /// # Errors
    /// Nobody has that number, a password too short or too long, the store.
    pub fn plan_password(
        &self,
        id: PersonId,
        password: &SecretString,
        by: PersonId,
    ) -> Result<Planned<'_, ()>, PersonsFailed> {
        let hash = password::hash(password, &*self.random)?;
        let alone = self.alone();
        let account = self.account(id)?.ok_or(PersonsFailed::Nobody(id))?;
        let now_ms = self.clock.now_ms();
        let mut account = Account { hash, password_since_ms: now_ms, ..account };
        account.touch(by, to_seconds(now_ms));
        let mut batch = Batch::new();
        for failures_of in [FAILURES, PAGE_FAILURES] {
            self.put(&mut batch, (failures_of, id.0), &Failures::default())?;
        }
        self.put(&mut batch, (ACCOUNT, id.0), &account)?;
        Ok(self.plan(alone, batch, ()))
    }

    /// Plans to let somebody show who they are no more; their number and name stay taken.
    ///
    /// # Errors
    /// Nobody has that number, they are the last administrator, the store.
    pub fn plan_deactivation(&self, id: PersonId) -> Result<Planned<'_, ()>, PersonsFailed> {
        let alone = self.alone();
        let account = self.account(id)?.ok_or(PersonsFailed::Nobody(id))?;
        let mut others = self.list()?.into_iter().filter(|person| person.id != id);
        if account.person.role == Role::Administrator
            && !others.any(|other| other.role == Role::Administrator)
        {
            return Err(PersonsFailed::LastAdministrator);
        }
        let mut batch = Batch::new();
        self.put(&mut batch, (ACCOUNT, id.0), &Account { active: false, ..account })?;
        Ok(self.plan(alone, batch, ()))
    }

    /// The person as they may act: in their own role if it is one of `roles`, else as the deputy, today, of somebody whose
    /// role is; none if neither.
    ///
    /// # Errors
    /// The store.
    pub fn in_role(&self, person: &Person, roles: &[Role]) -> Result<Option<Person>, PersonsFailed> {
        let own = Person { deputy_for: None, ..person.clone() };
        if roles.contains(&own.role) {
            return Ok(Some(own));
        }
        let today = to_district_date(self.clock.now_ms());
        for appointment in self.appointments()? {
            if appointment.deputy != own.id || !appointment.covers(today) {
                continue;
            }
            let principal = self.account(appointment.principal)?.filter(|account| account.active);
            let Some(Account { person: principal, .. }) = principal else { continue };
            if roles.contains(&principal.role) {
                return Ok(Some(Person { role: principal.role, deputy_for: Some(principal.id), ..own }));
            }
        }
        Ok(None)
    }

    /// The person of that number, if they may still show who they are, and since when (Unix milliseconds) their password is what it is.
    ///
    /// # Errors
    /// The store.
    pub fn active(&self, id: PersonId) -> Result<Option<(Person, u64)>, PersonsFailed> {
        let account = self.account(id)?.filter(|account| account.active);
        Ok(account.map(|account| (account.person, account.password_since_ms)))
    }

    /// The hand that the accounts of `one` and `other` are in at the moment; none if the two are in different hands.
    ///
    /// # Errors
    /// The store.
    pub fn common_hand(&self, one: PersonId, other: PersonId) -> Result<Option<CommonHand>, PersonsFailed> {
        let accounts = self.accounts()?.into_iter();
        let hands = Hands(accounts.map(|account| (account.person.id, account.hands)).collect());
        Ok(hands.common(one, other, self.clock.now_s()))
    }

    /// Notes that somebody began a session; lost in a crash, which harms nobody.
    ///
    /// # Errors
    /// The store.
    pub fn note_login(&self, id: PersonId) -> Result<(), PersonsFailed> {
        self.keep(LAST_LOGIN, id.0, &self.clock.now_ms())
    }

    /// When somebody last began a session, in Unix milliseconds.
    ///
    /// # Errors
    /// The store.
    pub fn last_login(&self, id: PersonId) -> Result<Option<u64>, PersonsFailed> {
        self.row(LAST_LOGIN, id.0)
    }
}

/// A name of digits only could not be told from a number.
fn verify_name(name: &str) -> Result<&str, AddPersonFailed> {
    let name = name.trim();
    let length = name.chars().count();
    let fits = (1..=NAME_CHARACTERS_MAX).contains(&length) && !name.chars().any(char::is_control);
    if fits && !name.chars().all(|c| c.is_ascii_digit()) { Ok(name) } else { Err(AddPersonFailed::Name) }
}
