//! The district hub: takes signed statements in, keeps the registry, counts.
//!
//! In scope: the stream with nodes, the journal, the registry's files, the index, the board, the command line.
//! Out of scope: formats and proofs (`safeharbor-core`), kinds and ceilings (`safeharbor-rules`), transport
//! identity (`safeharbor-certs`), storage backends, folders and clocks (`safeharbor-service`).

pub mod access;
pub mod authority;
pub mod backup;
pub mod board_page;
pub mod catalogues;
pub mod certificates;
pub mod command;
pub mod command_line;
pub mod committer;
pub mod doctor;
pub mod enrolment;
pub mod exchange;
pub mod folder;
pub mod forks;
pub mod fsck;
pub mod index;
pub mod intake;
pub mod invitation;
pub mod journal;
pub mod key_register;
pub mod ledger;
pub mod office;
pub mod opening;
pub mod proposal;
pub mod publisher;
pub mod re_enrolment;
pub mod registry;
pub mod replay;
pub mod roster;
pub mod running;
pub mod server;
pub mod session;
pub mod setup;
pub mod shared;
pub mod standing;
pub mod tasks;
pub mod tls_certificate;
pub mod tls_key;

#[cfg(test)]
mod testing;
