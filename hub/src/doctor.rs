//! `doctor`: what is wrong with this hub or will be tomorrow; each finding with its cause and what to do.
//!
//! In scope: `files` looks at the data folder, `desk` at an open hub, `reach` whether nodes can reach it. Nothing here changes
//! anything beyond what opening the hub does.

mod desk;
mod files;
mod reach;
#[cfg(test)]
mod tests;

pub use desk::examine_desk;
pub use files::examine_files;
pub use reach::examine_reach;
