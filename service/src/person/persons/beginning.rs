//! How the two founding administrators come to be: each by a one-time code from the shell, so that neither is in the
//! other's hand.

use zeroize::Zeroizing;

use super::super::first::{FIRST_CODE_S, FirstCode, FirstPerson, Pending, TakeFirstFailed};
use super::{ACCOUNT, FIRST_CODE, Person, Persons, PersonsFailed, Role, key, password};
use crate::random;
use crate::store::Batch;

impl Persons {
    /// Makes a one-time code in the place of an earlier one; none once there were two administrators. Durable on return.
    ///
    /// # Errors
    /// The store or the source of randomness.
    pub fn make_first_code(&self) -> Result<Option<FirstCode>, PersonsFailed> {
        let _alone = self.alone();
        if !self.is_founding()? {
            return Ok(None);
        }
        let secret: [u8; 16] = random::draw(&*self.random).map_err(password::PasswordFailed::Random)?;
        let code = FirstCode::of(&Zeroizing::new(secret));
        let expires_s = self.clock.now_s().saturating_add(FIRST_CODE_S);
        self.keep(FIRST_CODE, 0, &Pending { hash: code.hash(), expires_s }, true)?;
        Ok(Some(code))
    }

    /// Makes the first or the second administrator by a one-time code, which is gone with the same write. Blocks for the
    /// hashing.
    ///
    /// # Errors
    /// Any of [`TakeFirstFailed`]; unless it says that the code is not valid, it stays good.
    pub fn take_first_code(&self, first: &FirstPerson) -> Result<Person, TakeFirstFailed> {
        let mut recent = self.alone();
        let now_s = self.clock.now_s();
        let wait_s = recent.wait_s(now_s);
        if wait_s > 0 {
            return Err(TakeFirstFailed::Busy { wait_s });
        }
        let pending: Option<Pending> = self.row(FIRST_CODE, 0)?;
        let fits = |pending: &Pending| pending.hash == first.code.hash() && now_s < pending.expires_s;
        if !pending.as_ref().is_some_and(fits) {
            recent.push(now_s);
            return Err(TakeFirstFailed::Code);
        }
        if !self.is_founding()? {
            return Err(TakeFirstFailed::Administrators);
        }
        let (id, account) = self.draft(&first.name, Role::Administrator, first.secret(), None)?;
        let mut batch = Batch::new();
        let row = serde_json::to_vec(&account).map_err(PersonsFailed::Row)?;
        batch.put(self.table, key(ACCOUNT, id.0), row);
        batch.delete(self.table, key(FIRST_CODE, 0));
        self.store.commit(batch).map_err(PersonsFailed::Store)?;
        self.store.flush().map_err(PersonsFailed::Store)?;
        Ok(account.person)
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
