//! `doctor`: why the node does not reach the hub, or will not tomorrow; each finding with its cause and what to do.
//!
//! In scope: `line` looks along the way to the hub, `handshake` and `verdict` at TLS, `files` at the data folder, `books` at the
//! store, `request` writes to campus IT. Nothing here changes anything, and only connections that [`safeharbor_certs::tls`]
//! verifies carry a request; what looks at certificates of strangers is [`safeharbor_certs::diagnosis`].

mod books;
mod files;
mod handshake;
mod line;
mod request;
#[cfg(test)]
mod tests;
mod verdict;

use safeharbor_certs::invitation::{Invitation, PIN_BYTES};

pub use books::examine_books;
pub use files::{Pinned, examine_files};
pub use line::Line;
pub use request::{Requested, request_text};

/// What is known of the hub that should answer.
#[derive(Debug, Clone)]
pub struct Target {
    /// `host:port`.
    pub address: String,
    /// The name its certificate must carry.
    pub name: String,
    /// How its authority is known.
    pub authority: Authority,
}

/// How a hub's authority is known.
#[derive(Debug, Clone)]
pub enum Authority {
    /// Its certificates (PEM) were pinned.
    Pinned(String),
    /// The first bytes of its certificate's SHA-256 stand in an invitation.
    Fingerprint([u8; PIN_BYTES]),
    /// Nobody said; who answers can be told and not judged.
    Unknown,
}

impl Target {
    /// The hub that an invitation names; its secret is not kept.
    #[must_use]
    pub fn of_invitation(invitation: &Invitation) -> Self {
        let authority = Authority::Fingerprint(invitation.authority);
        Self { authority, ..Self::at(&invitation.address) }
    }

    /// A hub of which the address alone is known.
    #[must_use]
    pub fn at(address: &str) -> Self {
        let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
        let name = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        Self { address: address.to_owned(), name, authority: Authority::Unknown }
    }
}
