//! Appointing deputies, and ending that.

use jiff::civil::Date;

use super::super::deputy::{AppointFailed, DEPUTY_DAYS_MAX, Deputyship};
use super::super::hands::Hand;
use super::{ACCOUNT, DEPUTY, PersonId, Persons, PersonsFailed, Planned, key};
use crate::clock::to_district_date;
use crate::store::Batch;

impl Persons {
    /// Plans to let `deputy` do what the role of `principal` may, from one day to another, both included; that is a hand in
    /// the deputy's account.
    ///
    /// # Errors
    /// Either is nobody, both are one, the days are none, past or too many, the same is appointed already, the store.
    pub fn plan_appointment(
        &self,
        (principal, deputy): (PersonId, PersonId),
        (from, until): (Date, Date),
        by: PersonId,
    ) -> Result<Planned<'_, Deputyship>, PersonsFailed> {
        let alone = self.alone();
        let active = |id| self.account(id)?.filter(|account| account.active).ok_or(PersonsFailed::Nobody(id));
        active(principal)?;
        let mut account = active(deputy)?;
        if principal == deputy {
            return Err(AppointFailed::Oneself.into());
        }
        let today = to_district_date(self.clock.now_ms());
        let days = from.until(until).map_or(-1, |span| span.get_days());
        if until < today || !(0..DEPUTY_DAYS_MAX).contains(&days) {
            return Err(AppointFailed::Days.into());
        }
        let before = self.appointments()?;
        let same = |d: &&Deputyship| {
            (d.principal, d.deputy) == (principal, deputy) && d.from <= until && from <= d.until
        };
        if let Some(there) = before.iter().find(same) {
            return Err(AppointFailed::Twice(there.number).into());
        }
        let number = self.row::<u32>(DEPUTY, 0)?.unwrap_or(0).saturating_add(1);
        let appointed = Hand { by, at_s: self.clock.now_s() };
        account.touch(by, appointed.at_s);
        let appointment = Deputyship { number, principal, deputy, from, until, appointed };
        let mut batch = Batch::new();
        self.put(&mut batch, (ACCOUNT, deputy.0), &account)?;
        self.put(&mut batch, (DEPUTY, 0), &number)?;
        self.put(&mut batch, (DEPUTY, number), &appointment)?;
        Ok(self.plan(alone, batch, appointment))
    }

    /// Plans to end an appointment; none if there is none of that number.
    ///
    /// # Errors
    /// The store.
    pub fn plan_dismissal(&self, number: u32) -> Result<Option<Planned<'_, Deputyship>>, PersonsFailed> {
        let alone = self.alone();
        let found = self.appointments()?.into_iter().find(|appointment| appointment.number == number);
        let Some(found) = found else { return Ok(None) };
        let mut batch = Batch::new();
        batch.delete(self.table, key(DEPUTY, number));
        Ok(Some(self.plan(alone, batch, found)))
    }

    /// Every appointment, past and future ones too, by number.
    ///
    /// # Errors
    /// The store.
    pub fn appointments(&self) -> Result<Vec<Deputyship>, PersonsFailed> {
        let last = self.row::<u32>(DEPUTY, 0)?.unwrap_or(0);
        let rows = (1..=last).map(|number| self.row(DEPUTY, number));
        rows.filter_map(Result::transpose).collect()
    }

    /// Whether `deputy` may act for `principal` today.
    ///
    /// # Errors
    /// The store.
    pub fn acts_for(&self, deputy: PersonId, principal: PersonId) -> Result<bool, PersonsFailed> {
        let today = to_district_date(self.clock.now_ms());
        let acts = |d: &Deputyship| (d.principal, d.deputy) == (principal, deputy) && d.covers(today);
        Ok(self.appointments()?.iter().any(acts))
    }
}
