//! The sample universities written for this project: three institutions that do not exist, with their files.

use std::fs;
use std::path::{Path, PathBuf};

use safeharbor_core::institution::InstitutionCode;
use serde_json::Value;

use crate::failure::Failure;
use crate::workspace;

/// A file to import and the mapping that reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Import {
    /// The records.
    pub(crate) file: PathBuf,
    /// How to read them.
    pub(crate) mapping: PathBuf,
}

/// An institution of a demonstration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Institution {
    /// Its code.
    pub(crate) code: InstitutionCode,
    /// Its name.
    pub(crate) name: String,
    /// Whether the code was made for this demonstration.
    pub(crate) made_up: bool,
    /// What its node imports, in order.
    pub(crate) imports: Vec<Import>,
}

/// The folder of the samples.
pub(crate) fn folder() -> PathBuf {
    workspace::root().join("xtask/samples")
}

/// Loads the sample institutions from `institutions.json`.
///
/// # Errors
/// The file is missing or not of its form.
pub(crate) fn load() -> Result<Vec<Institution>, Failure> {
    let path = folder().join("institutions.json");
    let text = fs::read_to_string(&path).map_err(Failure::file("read", &path))?;
    let value: Value = serde_json::from_str(&text).map_err(Failure::json(path.to_string_lossy()))?;
    let institutions = value.as_array().map_or(&[] as &[Value], Vec::as_slice);
    institutions.iter().map(|institution| parse(institution, &folder())).collect()
}

fn parse(value: &Value, folder: &Path) -> Result<Institution, Failure> {
    let code = text(value, "code")?;
    let code = code
        .parse()
        .or(Err(Failure::lacks("institutions.json", format!("a valid code in place of {code}"))))?;
    let imports = value.get("imports").and_then(Value::as_array).map_or(&[] as &[Value], Vec::as_slice);
    let import = |import: &Value| -> Result<Import, Failure> {
        Ok(Import {
            file: folder.join(text(import, "file")?),
            mapping: folder.join(text(import, "mapping")?),
        })
    };
    let imports = imports.iter().map(import).collect::<Result<_, _>>()?;
    Ok(Institution { code, name: text(value, "name")?.to_owned(), made_up: true, imports })
}

fn text<'v>(value: &'v Value, field: &str) -> Result<&'v str, Failure> {
    value.get(field).and_then(Value::as_str).ok_or_else(|| Failure::lacks("institutions.json", field))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_sample_universities_have_valid_codes_and_files() {
        let institutions = load().unwrap();
        assert_eq!(institutions.len(), 3);
        for institution in institutions {
            assert!(institution.imports.len() >= 5, "{} has a file of each kind", institution.name);
            for import in institution.imports {
                assert!(import.file.is_file(), "{}", import.file.display());
                assert!(import.mapping.is_file(), "{}", import.mapping.display());
            }
        }
    }

    #[test]
    fn the_samples_hold_more_than_three_hundred_rows_in_three_encodings() {
        let files: Vec<PathBuf> =
            load().unwrap().into_iter().flat_map(|i| i.imports).map(|i| i.file).collect();
        let bytes: Vec<Vec<u8>> = files.iter().map(|file| fs::read(file).unwrap()).collect();
        let rows: usize = bytes.iter().map(|b| b.iter().filter(|&&byte| byte == b'\n').count() - 1).sum();
        assert!(rows >= 300, "{rows} rows");
        let (with_mark, without): (Vec<_>, Vec<_>) =
            bytes.iter().partition(|b| b.starts_with(b"\xef\xbb\xbf"));
        let (utf8, gbk): (Vec<_>, Vec<_>) = without.into_iter().partition(|b| std::str::from_utf8(b).is_ok());
        assert!(!with_mark.is_empty() && !utf8.is_empty() && !gbk.is_empty());
    }
}
