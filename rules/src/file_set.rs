//! The files of a catalogue version: what may be one, the digest `cat` over them, and the one text in which they are kept.

use std::collections::BTreeMap;

use safeharbor_core::digest::Digest;

/// The catalogue that ships has about 120 files.
const FILES_MAX: usize = 1000;
/// The most bytes one file has; the largest that ships has 16 KiB.
pub const CATALOGUE_FILE_BYTES_MAX: usize = 1 << 20;
/// The most bytes all files have together; those that ship have 230 KiB.
pub const CATALOGUE_BYTES_MAX: usize = 8 << 20;
/// A text of JSON writes some bytes as two, a control character as six; there are none of the latter in a version.
const ENCODED_BYTES_MAX: usize = 3 * CATALOGUE_BYTES_MAX;
const PATH_BYTES_MAX: usize = 200;
const PATH_PARTS_MAX: usize = 6;

/// The files of a version, by path relative to the catalogue folder with `/` between the parts.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct FileSet {
    files: BTreeMap<String, Vec<u8>>,
    bytes: usize,
}

/// Files that are none of a catalogue's.
#[derive(Debug, thiserror::Error)]
pub enum FilesRefused {
    /// A path that does not stay inside the catalogue or would not survive in the lines that are hashed.
    #[error("the path {0:?} has no place in a catalogue")]
    Path(String),
    /// A path that comes twice.
    #[error("the path {0:?} comes twice")]
    Twice(String),
    /// More files than a catalogue has.
    #[error("a catalogue has at most {FILES_MAX} files")]
    TooMany,
    /// A file larger than any of a catalogue.
    #[error("{0:?} has more than {CATALOGUE_FILE_BYTES_MAX} bytes")]
    FileTooLarge(String),
    /// All files together are larger than a catalogue.
    #[error("the files of a catalogue have at most {CATALOGUE_BYTES_MAX} bytes together")]
    TooLarge,
    /// A file that is not UTF-8, or holds control characters.
    #[error("{0:?} is not UTF-8 text")]
    NotText(String),
    /// Not the text in which a version is kept.
    #[error("not the JSON of a catalogue's files")]
    Json(#[source] serde_json::Error),
}

impl FileSet {
    /// No files yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a file, within the limits of a catalogue.
    ///
    /// # Errors
    /// A path that does not stay inside or comes twice, bytes that are no text, too many of either.
    pub fn add(&mut self, path: String, bytes: Vec<u8>) -> Result<(), FilesRefused> {
        self.verify_path(&path)?;
        if self.files.contains_key(&path) {
            return Err(FilesRefused::Twice(path));
        }
        if self.files.len() >= FILES_MAX {
            return Err(FilesRefused::TooMany);
        }
        if bytes.len() > CATALOGUE_FILE_BYTES_MAX {
            return Err(FilesRefused::FileTooLarge(path));
        }
        let total = self.bytes.saturating_add(bytes.len());
        if total > CATALOGUE_BYTES_MAX {
            return Err(FilesRefused::TooLarge);
        }
        if !std::str::from_utf8(&bytes).is_ok_and(is_text) {
            return Err(FilesRefused::NotText(path));
        }
        self.bytes = total;
        self.files.insert(path, bytes);
        Ok(())
    }

    /// Whether a file or folder of that path may be in a catalogue.
    ///
    /// # Errors
    /// It leads elsewhere, is too long or too deep, or holds what would not survive in the lines that are hashed.
    pub fn verify_path(&self, path: &str) -> Result<(), FilesRefused> {
        if is_inside(path) {
            Ok(())
        } else {
            Err(FilesRefused::Path(path.chars().take(PATH_BYTES_MAX).collect()))
        }
    }

    /// The files by path.
    #[must_use]
    pub fn files(&self) -> &BTreeMap<String, Vec<u8>> {
        &self.files
    }

    /// The text of one file.
    #[must_use]
    pub fn text(&self, path: &str) -> Option<&str> {
        self.files.get(path).and_then(|bytes| std::str::from_utf8(bytes).ok())
    }

    /// The digest `cat`: SHA-256 over one line a file, `<path> <SHA-256 of the file>\n`, the hash in 64 small hexadecimal
    /// digits, the lines sorted by their bytes (WIRE.md, Registry entry).
    #[must_use]
    pub fn digest(&self) -> Digest {
        let mut lines: Vec<String> =
            self.files.iter().map(|(path, bytes)| format!("{path} {}\n", hex(bytes))).collect();
        lines.sort_unstable();
        Digest::of(lines.concat().as_bytes())
    }

    /// One JSON object, path → text; [`FileSet::decode`] reads it.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let texts: BTreeMap<&str, &str> = self
            .files
            .iter()
            .filter_map(|(path, bytes)| Some((path.as_str(), std::str::from_utf8(bytes).ok()?)))
            .collect();
        serde_json::to_vec(&texts).unwrap_or_default()
    }

    /// Reads what [`FileSet::encode`] wrote.
    ///
    /// # Errors
    /// Other bytes, or files that are none of a catalogue's.
    pub fn decode(bytes: &[u8]) -> Result<Self, FilesRefused> {
        if bytes.len() > ENCODED_BYTES_MAX {
            return Err(FilesRefused::TooLarge);
        }
        let texts: BTreeMap<String, String> = serde_json::from_slice(bytes).map_err(FilesRefused::Json)?;
        Self::try_from(
            texts.into_iter().map(|(path, text)| (path, text.into_bytes())).collect::<BTreeMap<_, _>>(),
        )
    }
}

impl TryFrom<BTreeMap<String, Vec<u8>>> for FileSet {
    type Error = FilesRefused;

    fn try_from(files: BTreeMap<String, Vec<u8>>) -> Result<Self, FilesRefused> {
        let mut set = Self::new();
        files.into_iter().try_for_each(|(path, bytes)| set.add(path, bytes))?;
        Ok(set)
    }
}

impl std::fmt::Debug for FileSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "FileSet({} files, {} bytes)", self.files.len(), self.bytes)
    }
}

/// Whoever writes the files to a folder writes nothing outside it, on any system.
fn is_inside(path: &str) -> bool {
    let is_plain = |part: &str| !part.is_empty() && part != "." && part != "..";
    let is_barred = |c: char| c.is_control() || c.is_whitespace() || c == '\\' || c == ':';
    path.len() <= PATH_BYTES_MAX
        && path.split('/').count() <= PATH_PARTS_MAX
        && path.split('/').all(is_plain)
        && !path.chars().any(is_barred)
}

fn is_text(text: &str) -> bool {
    !text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
}

fn hex(bytes: &[u8]) -> String {
    Digest::of(bytes).as_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_reads_back_from_its_text() {
        let mut set = FileSet::new();
        set.add("codes/甲.json".to_owned(), "{\"a\": \"“b”\"}\n".into()).unwrap();
        set.add("evaluator-version".to_owned(), b"1\n".to_vec()).unwrap();
        let again = FileSet::decode(&set.encode()).unwrap();
        assert_eq!((again.digest(), &again), (set.digest(), &set));
    }

    #[test]
    fn what_is_too_large_is_refused_before_it_is_kept() {
        let mut set = FileSet::new();
        let refused = set.add("x".to_owned(), vec![b'a'; CATALOGUE_FILE_BYTES_MAX + 1]);
        assert!(matches!(refused, Err(FilesRefused::FileTooLarge(_))));
        for n in 0..CATALOGUE_BYTES_MAX / CATALOGUE_FILE_BYTES_MAX {
            set.add(format!("f{n}"), vec![b'a'; CATALOGUE_FILE_BYTES_MAX]).unwrap();
        }
        assert!(matches!(set.add("one-more".to_owned(), vec![b'a']), Err(FilesRefused::TooLarge)));
        assert_eq!(set.files().len(), CATALOGUE_BYTES_MAX / CATALOGUE_FILE_BYTES_MAX);
        let mut many = FileSet::new();
        (0..FILES_MAX).for_each(|n| many.add(n.to_string(), Vec::new()).unwrap());
        assert!(matches!(many.add("x".to_owned(), Vec::new()), Err(FilesRefused::TooMany)));
    }

    #[test]
    fn paths_that_lead_elsewhere_are_refused() {
        let long = "a".repeat(PATH_BYTES_MAX + 1);
        for path in [
            "",
            "/etc/passwd",
            "../x",
            "a/../x",
            "a//b",
            "a\\b",
            "C:x",
            "a b",
            "a\nb",
            "1/2/3/4/5/6/7",
            &long,
        ] {
            assert!(
                matches!(FileSet::new().add(path.to_owned(), Vec::new()), Err(FilesRefused::Path(_))),
                "{path}"
            );
        }
        let mut set = FileSet::new();
        set.add("a".to_owned(), Vec::new()).unwrap();
        assert!(matches!(set.add("a".to_owned(), Vec::new()), Err(FilesRefused::Twice(_))));
    }

    #[test]
    fn what_a_terminal_would_obey_is_no_text() {
        for bytes in [&b"\x1b[2J"[..], &[0xff], b"a\0b"] {
            let refused = FileSet::new().add("notes.txt".to_owned(), bytes.to_vec());
            assert!(matches!(refused, Err(FilesRefused::NotText(_))), "{bytes:?}");
        }
    }
}
