//! How the two founding administrators come to be: each by a one-time code from the shell, so that neither is in the
//! other's hand.

use zeroize::Zeroizing;

use super::super::first::{FIRST_CODE_S, FirstCode, FirstPerson, Pending, TakeFirstFailed};
use super::{ACCOUNT, FIRST_CODE, Person, Persons, PersonsFailed, Planned, Role, key, password};
use crate::random;
use crate::store::Batch;

impl Persons {
    /// Plans a one-time code in the place of an earlier one; none once there were two administrators.
    ///
    /// # Errors
    /// The store or the source of randomness.
    pub fn plan_first_code(&self) -> Result<Option<Planned<'_, FirstCode>>, PersonsFailed> {
        let alone = self.alone();
        if !self.is_founding()? {
            return Ok(None);
        }
        let secret: [u8; 16] = random::draw(&*self.random).map_err(password::PasswordFailed::Random)?;
        let code = FirstCode::of(&Zeroizing::new(secret));
        let expires_s = self.clock.now_s().saturating_add(FIRST_CODE_S);
        let mut batch = Batch::new();
        self.put(&mut batch, (FIRST_CODE, 0), &Pending { hash: code.hash(), expires_s })?;
        Ok(Some(self.plan(alone, batch, code)))
    }

    /// Plans to make the first or the second administrator by a one-time code, which goes with the same write. Blocks for
    /// the hashing. Nobody guesses 128 bits, so nobody waits.
    ///
    /// # Errors
    /// Any of [`TakeFirstFailed`].
    pub fn plan_first(&self, first: &FirstPerson) -> Result<Planned<'_, Person>, TakeFirstFailed> {
        self.verify_code(first)?;
        let hash = password::hash(first.secret(), &*self.random).map_err(PersonsFailed::Password)?;
        let alone = self.alone();
        self.verify_code(first)?;
        if !self.is_founding()? {
            return Err(TakeFirstFailed::Administrators);
        }
        let account = self.draft(&first.name, Role::Administrator, hash, None)?;
        let mut batch = Batch::new();
        self.put(&mut batch, (ACCOUNT, account.person.id.0), &account)?;
        batch.delete(self.table, key(FIRST_CODE, 0));
        Ok(self.plan(alone, batch, account.person))
    }

    fn verify_code(&self, first: &FirstPerson) -> Result<(), TakeFirstFailed> {
        let pending: Option<Pending> = self.row(FIRST_CODE, 0)?;
        let now_s = self.clock.now_s();
        let fits = |pending: &Pending| pending.hash == first.code.hash() && now_s < pending.expires_s;
        pending.filter(fits).map(drop).ok_or(TakeFirstFailed::Code)
    }

    /// Whether a one-time code can be used at the moment.
    ///
    /// # Errors
    /// The store.
    pub fn awaits_first(&self) -> Result<bool, PersonsFailed> {
        let pending: Option<Pending> = self.row(FIRST_CODE, 0)?;
        Ok(pending.is_some_and(|pending| self.clock.now_s() < pending.expires_s) && self.is_founding()?)
    }

    /// Whether a one-time code may make an administrator: until there was a second one, deactivated ones included. So
    /// whoever can deactivate the second gets no further account without a trace of their hand.
    fn is_founding(&self) -> Result<bool, PersonsFailed> {
        let accounts = self.accounts()?;
        let mut administrators = accounts.iter().filter(|account| account.person.role == Role::Administrator);
        Ok(administrators.nth(1).is_none())
    }
}
