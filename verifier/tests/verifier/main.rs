//! What the verifier accepts, and that it accepts nothing else: on a real registry made with core's own functions.

// The attribute tells clippy that the helpers in these modules may unwrap as tests do.
#[cfg(test)]
mod chain;
#[cfg(test)]
mod command_line;
#[cfg(test)]
mod disclosure;
#[cfg(test)]
mod evidence;
#[cfg(test)]
mod log;
#[cfg(test)]
mod mirror;
#[cfg(test)]
mod monitor;
#[cfg(test)]
mod random_bytes;
#[cfg(test)]
mod receipt;
#[cfg(test)]
mod registry;
#[cfg(test)]
mod resuming;
#[cfg(test)]
mod server;
#[cfg(test)]
mod site;
