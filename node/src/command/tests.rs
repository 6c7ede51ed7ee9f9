//! Commands on an open node, as the command line gives them.

mod bulk;
mod erasing;
mod exporting;
mod importing;
mod keeping;
mod policies;
mod retiring;
mod samples;
mod telling;
