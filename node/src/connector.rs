//! Connectors (连接器): sources that a node fetches records from by itself, each by a declaration a named person gave.
//!
//! In scope: declarations, fetching from a repository (OAI-PMH), a watched folder or a PostgreSQL database into one file,
//! importing that file as any other, and doing so on time. Out of scope: reading files and records (`interchange`), what a
//! run left behind (`job`).

mod by_hand;
mod declaration;
mod declared;
mod folder;
mod oai;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(test)]
mod replaying;
mod run;
mod schedule;
mod spool;
#[cfg(test)]
mod tests;
mod web;

#[cfg(test)]
use folder::Look;

pub use by_hand::{run_again, run_by_hand};
pub use declaration::{
    Declaration, Every, FolderSource, OaiSource, ParseDeclarationFailed, PostgresqlSource, Source,
};
pub use declared::{Connector, ConnectorName, Connectors, ConnectorsFailed, ParseNameFailed};
pub use folder::WatchFailed;
pub use oai::HarvestFailed;
pub use run::{RunConnectorFailed, Shell};
pub use schedule::keep;
pub use spool::SpoolFailed;
pub use web::{OpenWebFailed, WebFailed};
