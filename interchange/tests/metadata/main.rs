//! Metadata of repositories and research information systems: real answers, hostile ones, and any bytes.

mod hostile;
mod real_data;
