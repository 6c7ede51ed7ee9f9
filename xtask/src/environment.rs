//! The only place that reads the environment.

/// Says whether this runs in continuous integration, where nothing may be skipped quietly.
#[expect(
    clippy::disallowed_methods,
    reason = "xtask has no settings of its own; `CI` is the runners' convention"
)]
pub(crate) fn under_ci() -> bool {
    std::env::var("CI").is_ok_and(|value| !value.is_empty() && value != "false" && value != "0")
}
