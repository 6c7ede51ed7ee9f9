//! What lies where in a node's data folder.

use std::path::{Path, PathBuf};

/// The paths in one data folder.
#[derive(Debug, Clone)]
pub struct Layout(PathBuf);

impl Layout {
    /// The layout of the folder at `root`.
    #[must_use]
    pub fn at(root: &Path) -> Self {
        Self(root.to_owned())
    }

    /// The folder itself.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.0
    }

    /// Records, outbox, chain, receipts.
    #[must_use]
    pub fn store(&self) -> PathBuf {
        self.0.join("store")
    }

    /// Settings people edit.
    #[must_use]
    pub fn settings(&self) -> PathBuf {
        self.0.join("settings.toml")
    }

    /// Whose node this is: code and name.
    #[must_use]
    pub fn institution(&self) -> PathBuf {
        self.0.join("institution.json")
    }

    /// The folder of private keys.
    #[must_use]
    pub fn keys(&self) -> PathBuf {
        self.0.join("keys")
    }

    /// The private key that signs statements.
    #[must_use]
    pub fn statement_key(&self) -> PathBuf {
        self.keys().join("statement.key")
    }

    /// The private key that is to sign statements once the hub has confirmed it; it is there while a rotation is under way.
    #[must_use]
    pub fn next_statement_key(&self) -> PathBuf {
        self.keys().join("statement-next.key")
    }

    /// The private key of the TLS certificate (PEM).
    #[must_use]
    pub fn tls_key(&self) -> PathBuf {
        self.keys().join("tls.key")
    }

    /// The request for the TLS certificate (PEM).
    #[must_use]
    pub fn tls_request(&self) -> PathBuf {
        self.keys().join("tls.csr")
    }

    /// The private key that presents certificates.
    #[must_use]
    pub fn presentation_key(&self) -> PathBuf {
        self.keys().join("presentation.key")
    }

    /// The invitation that is being taken up; gone once it is.
    #[must_use]
    pub fn invitation(&self) -> PathBuf {
        self.keys().join("invitation")
    }

    /// The private key that cosigns checkpoints; in no backup.
    #[must_use]
    pub fn witness_key(&self) -> PathBuf {
        self.keys().join("witness.key")
    }

    /// The folder in which a node that joins again makes its keys; it is there while that is under way.
    #[must_use]
    pub fn re_enrolment(&self) -> PathBuf {
        self.0.join("re-enrolment")
    }

    /// The folder of what made the node a member before it joined again; in no backup.
    #[must_use]
    pub fn former(&self) -> PathBuf {
        self.0.join("former")
    }

    /// The folder of what the hub answered.
    #[must_use]
    pub fn trust(&self) -> PathBuf {
        self.0.join("trust")
    }

    /// The membership: certificate, the hub's authorities, the trust policy, public statements about the own keys.
    #[must_use]
    pub fn membership(&self) -> PathBuf {
        self.trust().join("membership.json")
    }

    /// The hub's address, `host:port`.
    #[must_use]
    pub fn hub_address(&self) -> PathBuf {
        self.trust().join("hub-address")
    }

    /// Files kept by their digest.
    #[must_use]
    pub fn evidence(&self) -> PathBuf {
        self.0.join("evidence")
    }

    /// The folder of jobs, each with a folder of its own.
    #[must_use]
    pub fn jobs(&self) -> PathBuf {
        self.0.join("jobs")
    }

    /// The institution's own code lists.
    #[must_use]
    pub fn own_lists(&self) -> PathBuf {
        self.0.join("codes")
    }

    /// Catalogue versions, and which one is in use.
    #[must_use]
    pub fn catalogues(&self) -> PathBuf {
        self.0.join("catalogue")
    }

    /// Who did what.
    #[must_use]
    pub fn audit_log(&self) -> PathBuf {
        self.0.join("audit.log")
    }

    /// The socket on which a running node takes commands.
    #[must_use]
    pub fn control_socket(&self) -> PathBuf {
        self.0.join("control.sock")
    }
}
