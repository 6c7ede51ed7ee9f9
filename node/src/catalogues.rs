//! Catalogue versions at the node: which is in use, which the hub offers, and how a named person accepts one.

mod acceptance;
mod fetching;
mod in_use;
mod offer;
mod restating;
mod shelf;
mod stored;

pub use acceptance::{AcceptFailed, Comparison, SeenCatalogue};
pub(crate) use fetching::fetch;
pub use in_use::InUse;
pub use offer::{Offer, OfferRefused};
pub use restating::RestateFailed;
pub(crate) use restating::{Occasion, restate_refused};
pub use shelf::{Acceptance, Shelf, ShelfFailed};
pub use stored::Misfits;

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
