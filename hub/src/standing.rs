//! Changing an institution's standing, by a statement that is logged.

use std::sync::Arc;

use safeharbor_core::directory::{Announcement, Deciders, Standing};
use safeharbor_core::institution::InstitutionCode;
use tokio::sync::mpsc;

use crate::committer::Order;
use crate::running::{OrderFailed, announce};
use crate::shared::Shared;

/// A standing is not changed.
#[derive(Debug, thiserror::Error)]
pub enum SetStandingFailed {
    /// The institution was never admitted.
    #[error("{0} was never admitted, so it has no standing")]
    Unknown(InstitutionCode),
    /// The statement cannot be logged.
    #[error("the standing cannot be logged")]
    Order(#[from] OrderFailed),
}

/// Changes an institution's standing.
///
/// # Errors
/// The institution is unknown or the statement cannot be logged.
pub async fn set_standing(
    shared: &Arc<Shared>,
    orders: &mpsc::Sender<Order>,
    code: InstitutionCode,
    standing: Standing,
    decided_by: Deciders,
) -> Result<(), SetStandingFailed> {
    let directory = shared.directory();
    let found = directory.institution(&code).ok_or(SetStandingFailed::Unknown(code))?;
    let (name, kind) = (found.name.clone(), found.kind);
    announce(orders, Announcement::Institution { code, name, kind, standing, decided_by }).await?;
    Ok(())
}
