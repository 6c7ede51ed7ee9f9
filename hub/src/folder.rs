//! The hub's data folder: where everything is, and the settings in it.

use std::path::{Path, PathBuf};

use safeharbor_core::institution::Issuer;
use safeharbor_service::settings::{LoadSettingsFailed, load};
use serde::Deserialize;

const DEFAULTS: &str = include_str!("defaults.toml");

/// What the hub is called and where it listens.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The hub's name: the host in `https://<name>`, its issuer.
    pub name: String,
    /// The registry's origin: a URL prefix without scheme.
    pub origin: String,
    /// Names and addresses in the TLS certificate.
    pub tls_names: Vec<String>,
    /// Where nodes connect.
    pub listen: String,
    /// Where operators look; loopback unless a person decides otherwise.
    pub admin: String,
    /// How long a node's certificate is valid, in seconds.
    pub certificate_lifetime_s: u64,
    /// Where nodes reach the hub from outside, `host:port`; without a port, that it listens on; if empty, the first
    /// TLS name.
    pub public_address: String,
    /// Whether a proxy in front of it speaks HTTPS: cookies are then marked so.
    pub admin_https: bool,
    /// Whether the gRPC reflection service answers.
    pub reflection: bool,
    /// What is logged to standard error, in the words of `tracing`'s filters.
    pub log: String,
    /// Where and how often backups are made.
    pub backup: safeharbor_service::backup::Settings,
}

impl Settings {
    /// Loads the settings: defaults, the folder's file, the environment, the command line.
    ///
    /// # Errors
    /// A file that cannot be read or a value that does not fit.
    pub fn load(paths: &Paths, overrides: &[(&str, String)]) -> Result<Self, LoadSettingsFailed> {
        load(DEFAULTS, Some(&paths.settings()), overrides)
    }

    /// The name the hub's TLS certificate carries.
    #[must_use]
    pub fn hub_name(&self) -> &str {
        self.tls_names.first().unwrap_or(&self.name)
    }

    /// The hub as an issuer.
    #[must_use]
    pub fn issuer(&self) -> Issuer {
        Issuer::Hub(self.name.clone())
    }
}

/// Where things are in the folder.
#[derive(Debug, Clone)]
pub struct Paths(PathBuf);

macro_rules! paths {
    ($($(#[doc = $doc:literal])+ $name:ident = $place:literal;)+) => {
        impl Paths { $($(#[doc = $doc])+ #[must_use] pub fn $name(&self) -> PathBuf { self.0.join($place) })+ }
    };
}

paths! {
    /// Settings a person may edit.
    settings = "settings.toml";
    /// The journal's segments.
    journal = "journal";
    /// The index's store.
    index = "index";
    /// The office's store.
    office = "office";
    /// The static registry.
    registry = "registry";
    /// The log's verifier key, for readers.
    vkey = "registry/vkey";
    /// The trust file, for readers.
    policy = "registry/policy";
    /// Private keys.
    keys = "keys";
    /// The log key.
    log_key = "keys/log.key";
    /// The statement key.
    statement_key = "keys/statements.key";
    /// The authority's certificate.
    ca = "keys/authority.pem";
    /// The authority's key.
    ca_key = "keys/authority.key.pem";
    /// The TLS certificate.
    tls = "keys/tls.pem";
    /// The TLS key.
    tls_key = "keys/tls.key.pem";
    /// What was signed last; never in a backup.
    signed = "signed/checkpoint";
    /// Statements kept for a person.
    evidence = "evidence";
    /// The list of forks.
    forks = "forks.jsonl";
    /// Who did what.
    audit = "audit.log";
    /// Where the running hub listens.
    addresses = "addresses.json";
    /// Where commands for the running hub go.
    control = "control.sock";
}

impl Paths {
    /// The paths in `folder`.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        Self(folder.to_owned())
    }

    /// The folder itself.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.0
    }
}
