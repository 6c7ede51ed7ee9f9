//! Changes made without being noted, for tests and for whoever notes them otherwise.

use jiff::civil::Date;
use secrecy::SecretString;

use super::super::first::{FirstCode, FirstPerson, TakeFirstFailed};
use super::{AddPersonFailed, Deputyship, Person, PersonId, Persons, PersonsFailed, Role};

impl Persons {
    /// [`Persons::plan_add`], made.
    ///
    /// # Errors
    /// As that, and the store.
    pub fn add(
        &self,
        name: &str,
        role: Role,
        password: &SecretString,
        by: Option<PersonId>,
    ) -> Result<PersonId, AddPersonFailed> {
        Ok(self.plan_add(name, role, password, by)?.make()?)
    }

    /// [`Persons::plan_password`], made.
    ///
    /// # Errors
    /// As that, and the store.
    pub fn replace_password(
        &self,
        id: PersonId,
        password: &SecretString,
        by: PersonId,
    ) -> Result<(), PersonsFailed> {
        self.plan_password(id, password, by)?.make()
    }

    /// [`Persons::plan_deactivation`], made.
    ///
    /// # Errors
    /// As that, and the store.
    pub fn deactivate(&self, id: PersonId) -> Result<(), PersonsFailed> {
        self.plan_deactivation(id)?.make()
    }

    /// [`Persons::plan_appointment`], made.
    ///
    /// # Errors
    /// As that, and the store.
    pub fn appoint(
        &self,
        who: (PersonId, PersonId),
        days: (Date, Date),
        by: PersonId,
    ) -> Result<Deputyship, PersonsFailed> {
        self.plan_appointment(who, days, by)?.make()
    }

    /// [`Persons::plan_dismissal`], made.
    ///
    /// # Errors
    /// As that, and the store.
    pub fn dismiss(&self, number: u32) -> Result<Option<Deputyship>, PersonsFailed> {
        self.plan_dismissal(number)?.map(super::Planned::make).transpose()
    }

    /// [`Persons::plan_first_code`], made.
    ///
    /// # Errors
    /// As that, and the store.
    pub fn make_first_code(&self) -> Result<Option<FirstCode>, PersonsFailed> {
        self.plan_first_code()?.map(super::Planned::make).transpose()
    }

    /// [`Persons::plan_first`], made.
    ///
    /// # Errors
    /// As that, and the store.
    pub fn take_first_code(&self, first: &FirstPerson) -> Result<Person, TakeFirstFailed> {
        Ok(self.plan_first(first)?.make()?)
    }
}
