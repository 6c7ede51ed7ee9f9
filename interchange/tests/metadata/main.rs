//! Metadata of repositories and research information systems: real answers, hostile ones, and any bytes.

#[cfg(test)]
mod hostile;
#[cfg(test)]
mod real_data;
