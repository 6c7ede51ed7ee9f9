//! The node's settings: `settings.toml` in the data folder, the environment, the command line.

mod proxy_address;

use std::path::PathBuf;

use safeharbor_certs::tls::KeyExchange;
use safeharbor_service::settings::{LoadSettingsFailed, load};
use serde::Deserialize;

use crate::layout::Layout;
use crate::speech::Language;
pub use proxy_address::{ParseProxyFailed, ProxyAddress};

/// What a node comes with.
pub const DEFAULTS: &str = include_str!("defaults.toml");

/// The settings of one node. The environment holds other variables of the same prefix, so unknown ones are let pass here;
/// a misspelt key inside a section is an error.
#[derive(Debug, Clone, Deserialize)]
pub struct Settings {
    /// How the command line speaks.
    pub interface: Interface,
    /// What is logged.
    pub log: Log,
    /// How the hub is reached.
    pub hub: Hub,
    /// How the store behaves.
    pub store: Store,
    /// Where and how often backups are made.
    pub backup: safeharbor_service::backup::Settings,
}

/// How the command line speaks.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Interface {
    /// The language; the locale's if it is not set.
    pub language: Option<Language>,
}

/// What is logged.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// As `tracing` reads it.
    pub filter: String,
}

/// How the hub is reached. The system's own proxy variables are not read.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hub {
    /// The HTTP proxy that every connection to the hub goes through.
    pub proxy: Option<ProxyAddress>,
    /// The file (mode 0600, named from the data folder) with the proxy's `user:password`.
    pub proxy_credentials: Option<PathBuf>,
    /// Which key exchanges are offered; the hub is verified in either case.
    pub key_exchange: KeyExchange,
}

/// How the store behaves.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Store {
    /// What the store is told to cache.
    pub cache_bytes: u64,
    /// Disk space held back, to be given up when the disk is full.
    pub reserve_bytes: u64,
    /// The largest piece of evidence.
    pub evidence_bytes_max: u64,
}

impl Settings {
    /// Loads the settings of the node in a data folder, which may not exist yet.
    ///
    /// # Errors
    /// A layer cannot be read, or a value does not fit.
    pub fn load(layout: &Layout, overrides: &[(&str, String)]) -> Result<Self, LoadSettingsFailed> {
        load(DEFAULTS, Some(&layout.settings()), overrides)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_without_settings_has_the_defaults() {
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings::load(&Layout::at(folder.path()), &[]).unwrap();
        assert_eq!(settings.log.filter, "info");
        assert!(settings.interface.language.is_none() && settings.hub.proxy.is_none());
        assert_eq!(settings.hub.key_exchange, KeyExchange::Hybrid);
    }

    #[test]
    fn a_misspelt_key_is_found() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("settings.toml"), "[store]\ncache_byte = 1\n").unwrap();
        assert!(Settings::load(&Layout::at(folder.path()), &[]).is_err());
    }
}
