//! Reading files within limits: nothing larger than its format allows is ever held in memory.

use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::path::Path;

use crate::objection::{Fault, Objection};

/// Reads a file of at most `bytes_max` bytes.
///
/// # Errors
/// A file that is missing, unreadable or larger.
pub fn read_file(path: &Path, bytes_max: usize) -> Result<Vec<u8>, Objection> {
    read_if_there(path, bytes_max)?.ok_or_else(|| Fault::Missing.in_file(path.display()))
}

/// Reads a file of at most `bytes_max` bytes; none where there is no such file.
///
/// # Errors
/// A file that is unreadable or larger.
pub fn read_if_there(path: &Path, bytes_max: usize) -> Result<Option<Vec<u8>>, Objection> {
    let unreadable = |source| Fault::Unreadable(source).in_file(path.display());
    let file = match File::open(path) {
        Ok(file) => file,
        Err(source) if source.kind() == ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(unreadable(source)),
    };
    let limit = u64::try_from(bytes_max).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Vec::new();
    file.take(limit).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() > bytes_max {
        return Err(Fault::TooLarge(bytes_max).in_file(path.display()));
    }
    Ok(Some(bytes))
}

/// Reads bytes as text without the one line end that editors put behind a single line.
///
/// # Errors
/// Bytes that are not UTF-8.
pub fn parse_line(bytes: &[u8]) -> Result<&str, Fault> {
    let text = parse_text(bytes)?;
    let line = text.strip_suffix('\n').unwrap_or(text);
    Ok(line.strip_suffix('\r').unwrap_or(line))
}

/// Reads bytes as text.
///
/// # Errors
/// Bytes that are not UTF-8.
pub fn parse_text(bytes: &[u8]) -> Result<&str, Fault> {
    std::str::from_utf8(bytes).map_err(Fault::NotText)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_read_up_to_the_limit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, b"12345").unwrap();
        assert_eq!(read_file(&path, 5).unwrap(), b"12345");
        assert!(matches!(*read_file(&path, 4).unwrap_err().fault, Fault::TooLarge(4)));
        assert!(matches!(*read_file(folder.path(), 4).unwrap_err().fault, Fault::Unreadable(_)));
        let missing = folder.path().join("missing");
        assert!(matches!(*read_file(&missing, 4).unwrap_err().fault, Fault::Missing));
        assert!(read_if_there(&missing, 4).unwrap().is_none());
    }

    #[test]
    fn one_line_end_is_taken_off() {
        assert_eq!(parse_line(b"a\r\n").unwrap(), "a");
        assert_eq!(parse_line(b"a\n\n").unwrap(), "a\n");
        assert!(parse_line(b"\xff").is_err());
    }
}
