//! The program as people start it: words in, exit codes and texts out.

#[cfg(test)]
mod program;
