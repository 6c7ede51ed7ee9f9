//! What a doctor command finds: each check with its state, its cause and what to do, for people in two languages and for programs.
//!
//! In scope: the shape of a report, checks of folders and disks that both servers share. Out of scope: what only one server
//! can look at (`node::doctor`, `hub::doctor`).

mod backup;
mod disk;
mod modes;
mod report;

pub use backup::check_backup;
pub use disk::check_disk;
pub use modes::check_modes;
pub use report::{Finding, Report, State, Words};
