//! Publishing a version: two persons decided, its files are kept, and the statement says so for everybody.

use safeharbor_core::digest::Digest;
use safeharbor_core::directory::{Announcement, Deciders};

use crate::committer::Announced;
use crate::office::{Desk, Office};
use crate::running::{OrderFailed, announce};

/// A version is not published.
#[derive(Debug, thiserror::Error)]
pub enum PublishCatalogueFailed {
    /// Its files are not kept here.
    #[error("the files of catalogue version {0} are not kept here: propose it from its folder")]
    Unknown(Digest),
    /// Nothing would change.
    #[error("catalogue version {0} is the one published last")]
    Newest(Digest),
    /// The statement cannot be logged.
    #[error(transparent)]
    Order(#[from] OrderFailed),
}

/// Whether a version could be published as things stand.
///
/// # Errors
/// Its files are not kept, or it is the one published last.
pub fn may_publish(desk: &Desk, cat: Digest) -> Result<(), PublishCatalogueFailed> {
    if desk.catalogues.get(&cat).is_none() {
        return Err(PublishCatalogueFailed::Unknown(cat));
    }
    if desk.shared.directory().catalogues().last() == Some(&cat) {
        return Err(PublishCatalogueFailed::Newest(cat));
    }
    Ok(())
}

/// Publishes a version that two persons decided on.
///
/// # Errors
/// As [`may_publish`]; the statement cannot be logged, which it is not where fewer decided.
pub async fn publish(
    office: &Office,
    cat: Digest,
    decided_by: Deciders,
) -> Result<Announced, PublishCatalogueFailed> {
    may_publish(office, cat)?;
    Ok(announce(&office.orders, Announcement::Catalogue { cat, decided_by }).await?)
}
