//! Logging to standard error.

use std::io::{self, IsTerminal as _};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Logging could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum InitTelemetryFailed {
    /// The filter makes no sense.
    #[error("the log filter {filter:?} cannot be understood; an example: info,safeharbor_hub=debug")]
    Filter {
        /// What was given.
        filter: String,
        /// Where it stops making sense.
        #[source]
        source: tracing_subscriber::filter::ParseError,
    },
    /// The filter asks for sled's messages, which hold the stored values.
    #[error("the log filter must not name sled: at some levels it logs what is stored")]
    NamesSled,
    /// Logging was set up before.
    #[error("logging is set up already")]
    Again(#[source] tracing_subscriber::util::TryInitError),
}

/// Logs what `filter` (`info`, `info,safeharbor_node=debug`) lets through, one line an event, with colour on a terminal only.
///
/// # Errors
/// The filter cannot be understood or names sled; logging is set up already.
pub fn init(filter: &str) -> Result<(), InitTelemetryFailed> {
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(parse_filter(filter)?)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .compact()
        .finish();
    subscriber.try_init().map_err(InitTelemetryFailed::Again)
}

/// The filter that [`init`] uses: what was asked for, and never what sled says of stored values.
///
/// # Errors
/// It cannot be understood or names sled.
pub fn parse_filter(filter: &str) -> Result<EnvFilter, InitTelemetryFailed> {
    let failed = |source| InitTelemetryFailed::Filter { filter: filter.to_owned(), source };
    if filter.contains("sled") {
        return Err(InitTelemetryFailed::NamesSled);
    }
    let builder = EnvFilter::builder().with_default_directive(LevelFilter::INFO.into());
    let parsed = builder.parse(filter).map_err(failed)?;
    Ok(parsed.add_directive("sled=warn".parse().map_err(failed)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sled_never_logs_what_is_stored() {
        assert!(parse_filter("trace").unwrap().to_string().contains("sled=warn"));
        assert!(matches!(parse_filter("info,sled::tree=trace"), Err(InitTelemetryFailed::NamesSled)));
    }

    #[test]
    fn a_filter_that_makes_no_sense_is_refused() {
        assert!(matches!(parse_filter("info,=,"), Err(InitTelemetryFailed::Filter { .. })));
    }
}
