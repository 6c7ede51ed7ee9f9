//! Settings in layers: what the program comes with, a file, the environment, the command line. Later layers win.

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use config::{Config, ConfigError, Environment, File, FileFormat, Map, Source as _, Value};
use serde::de::DeserializeOwned;

/// Environment variables with this prefix are settings: `SAFEHARBOR_LISTEN` sets `listen`, `SAFEHARBOR_SYNC__BATCH`
/// sets `batch` in `[sync]`. Those that name no setting of the defaults are left to whoever uses them.
pub const ENVIRONMENT_PREFIX: &str = "SAFEHARBOR";

/// The settings make no sense.
#[derive(Debug, thiserror::Error)]
#[error("the settings in {} cannot be used", sources(file.as_ref()))]
pub struct LoadSettingsFailed {
    /// The file among the layers, if there is one.
    pub file: Option<PathBuf>,
    /// Which key of which layer, and what is wrong with it.
    #[source]
    pub source: Box<ConfigError>,
}

fn sources(file: Option<&PathBuf>) -> String {
    let file = file.map_or_else(|| "no file".to_owned(), |file| file.display().to_string());
    format!("{file}, the environment ({ENVIRONMENT_PREFIX}_…) and the command line")
}

/// Loads settings: `defaults` (TOML), then `file` if it exists, then the environment, then `overrides` (dotted key,
/// value), which are what was given on the command line. Let `T` refuse unknown fields, so that a misspelt key is found.
///
/// # Errors
/// A layer cannot be read, or a value does not fit; the cause names the key and the layer.
pub fn load<T: DeserializeOwned>(
    defaults: &str,
    file: Option<&Path>,
    overrides: &[(&str, String)],
) -> Result<T, LoadSettingsFailed> {
    load_from(defaults, file, None, overrides)
}

fn load_from<T: DeserializeOwned>(
    defaults: &str,
    file: Option<&Path>,
    environment: Option<HashMap<String, String>>,
    overrides: &[(&str, String)],
) -> Result<T, LoadSettingsFailed> {
    let failed = |source| LoadSettingsFailed { file: file.map(Path::to_owned), source: Box::new(source) };
    let mut layers = Config::builder().add_source(File::from_str(defaults, FileFormat::Toml));
    if let Some(file) = file {
        layers = layers.add_source(File::from(file).format(FileFormat::Toml).required(false));
    }
    let known = File::from_str(defaults, FileFormat::Toml).collect().map_err(failed)?;
    let environment = environment.unwrap_or_else(own_environment);
    let named = environment.into_iter().filter(|(name, _)| names_one_of(&known, name)).collect();
    let environment = Environment::with_prefix(ENVIRONMENT_PREFIX).prefix_separator("_").separator("__");
    layers = layers.add_source(environment.source(Some(named)));
    for (key, value) in overrides {
        layers = layers.set_override(key, value.as_str()).map_err(failed)?;
    }
    layers.build().and_then(Config::try_deserialize).map_err(failed)
}

/// Variables that are no text cannot be settings.
fn own_environment() -> HashMap<String, String> {
    let text =
        |(name, value): (OsString, OsString)| Some((name.into_string().ok()?, value.into_string().ok()?));
    std::env::vars_os().filter_map(text).collect()
}

/// Whether a variable names a setting or section that the defaults have. Other programs, tests among them, use the
/// prefix for variables of their own.
fn names_one_of(known: &Map<String, Value>, name: &str) -> bool {
    let rest = name.strip_prefix(ENVIRONMENT_PREFIX).and_then(|rest| rest.strip_prefix('_'));
    let first = rest.and_then(|rest| rest.split("__").next()).unwrap_or_default();
    known.contains_key(&first.to_lowercase())
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    const DEFAULTS: &str = "listen = '127.0.0.1:0'\ninstitution = ''\n[sync]\nbatch = 256\nfast = false\n";

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Settings {
        listen: String,
        institution: String,
        sync: Sync,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Sync {
        batch: u32,
        fast: bool,
    }

    fn check(
        file: &str,
        environment: &[(&str, &str)],
        overrides: &[(&str, String)],
    ) -> Result<Settings, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings.toml");
        std::fs::write(&path, file).unwrap();
        let environment = environment.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        load_from(DEFAULTS, Some(&path), Some(environment.collect()), overrides)
            .map_err(|failed| format!("{failed}: {}", failed.source))
    }

    #[test]
    fn later_layers_win() {
        let file = "listen = 'file'\n[sync]\nbatch = 1\n";
        let settings = check(file, &[], &[]).unwrap();
        assert_eq!((settings.listen.as_str(), settings.sync.batch, settings.sync.fast), ("file", 1, false));
        let environment =
            [("SAFEHARBOR_SYNC__BATCH", "2"), ("SAFEHARBOR_SYNC__FAST", "true"), ("OTHER", "x")];
        let settings = check(file, &environment, &[]).unwrap();
        assert_eq!((settings.sync.batch, settings.sync.fast), (2, true));
        let settings = check(file, &environment, &[("sync.batch", "3".to_owned())]).unwrap();
        assert_eq!((settings.listen.as_str(), settings.sync.batch), ("file", 3));
    }

    #[test]
    fn variables_of_others_with_the_prefix_are_left_alone() {
        let others = [("SAFEHARBOR_VECTORS", "/somewhere"), ("SAFEHARBOR_", "x"), ("SAFEHARBOR", "x")];
        assert_eq!(check("", &others, &[]).unwrap(), check("", &[], &[]).unwrap());
    }

    #[test]
    fn digits_stay_a_text_where_a_text_is_wanted() {
        let settings = check("", &[("SAFEHARBOR_INSTITUTION", "012345678901234567")], &[]).unwrap();
        assert_eq!(settings.institution, "012345678901234567");
    }

    #[test]
    fn errors_name_file_and_key() {
        for (file, named) in [
            ("[sync]\nbatch = 'many'\n", "sync.batch"),
            ("[sync]\nbach = 1\n", "bach"),
            ("listen = \n", "listen"),
        ] {
            let failed = check(file, &[], &[]).unwrap_err();
            assert!(failed.contains(named) && failed.contains("settings.toml"), "{failed}");
        }
        let failed = check("", &[("SAFEHARBOR_SYNC__BATCH", "x")], &[]).unwrap_err();
        assert!(failed.contains("sync.batch") && failed.contains("environment"), "{failed}");
    }

    #[test]
    fn a_missing_file_is_no_layer() {
        let missing = Path::new("/nonexistent/settings.toml");
        let settings: Settings = load_from(DEFAULTS, Some(missing), Some(HashMap::new()), &[]).unwrap();
        assert_eq!(settings.sync.batch, 256);
    }
}
