//! The proposals on disk: one row a number in the office's store.

use safeharbor_service::store::{Batch, Scan, Store};

use super::{Proposal, ProposalFailed};
use crate::office::{Desk, tables::PROPOSALS};

/// The table of proposals.
#[derive(Debug, Clone, Copy)]
pub(super) struct Book<'a>(&'a dyn Store);

impl<'a> Book<'a> {
    pub(super) fn of(desk: &'a Desk) -> Self {
        Self(&*desk.store)
    }

    pub(super) fn all(self) -> Result<Vec<Proposal>, ProposalFailed> {
        let rows = self.0.scan(&Scan::all(PROPOSALS))?;
        rows.iter().map(|(_, row)| Ok(serde_json::from_slice(row)?)).collect()
    }

    pub(super) fn find(self, number: u32) -> Result<Option<Proposal>, ProposalFailed> {
        let row = self.0.get(PROPOSALS, &number.to_be_bytes())?;
        row.map(|row| Ok(serde_json::from_slice(&row)?)).transpose()
    }

    /// Proposals are never removed, so the last number is the highest one given.
    pub(super) fn next_number(self) -> Result<u32, ProposalFailed> {
        let last = self.all()?.last().map_or(0, |proposal| proposal.number);
        Ok(last.saturating_add(1))
    }

    /// Durable on return.
    pub(super) fn keep(self, proposal: &Proposal) -> Result<(), ProposalFailed> {
        let mut batch = Batch::new();
        batch.put(PROPOSALS, proposal.number.to_be_bytes(), serde_json::to_vec(proposal)?);
        self.0.commit(batch)?;
        Ok(self.0.flush()?)
    }
}
