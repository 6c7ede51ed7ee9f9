//! Who takes part in a demonstration, and with which files.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use safeharbor_core::institution::InstitutionCode;
use serde_json::Value;

use super::codes;
use super::folder::Folder;
use crate::failure::Failure;
use crate::process;
use crate::samples::{self, Import, Institution};
use crate::workspace::Programs;

/// The most nodes one demonstration starts.
const MOST: usize = 12;

/// A real file to be shared out among nodes.
#[derive(Debug)]
pub(super) struct Split<'o> {
    /// The file.
    pub(super) file: &'o Path,
    /// How to read it.
    pub(super) mapping: &'o Path,
    /// The column whose values name the institutions.
    pub(super) column: &'o str,
    /// A file that lists which of them take part.
    pub(super) only: Option<&'o Path>,
}

/// One piece of a split file.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Piece {
    value: String,
    file: PathBuf,
    rows: u64,
}

/// The three sample universities.
///
/// # Errors
/// Their description cannot be read.
pub(super) fn samples() -> Result<Vec<Institution>, Failure> {
    samples::load()
}

/// One institution for each chosen value of the column.
///
/// # Errors
/// The file cannot be split, or a value asked for does not occur.
pub(super) fn from_file(
    programs: &Programs,
    folder: &Folder,
    split: &Split<'_>,
) -> Result<Vec<Institution>, Failure> {
    let out = folder.split();
    let mut call = Command::new(programs.path("safeharbor-node")?);
    call.arg("split").arg(split.file).arg("--mapping").arg(split.mapping);
    process::read(call.args(["--by", split.column]).arg("-o").arg(&out))?;
    let index = out.join("index.json");
    let text = fs::read_to_string(&index).map_err(Failure::file("read", &index))?;
    let pieces = pieces(&serde_json::from_str(&text).map_err(Failure::json("the split's index"))?, &out)?;
    let wanted = match split.only {
        Some(only) => Some(fs::read_to_string(only).map_err(Failure::file("read", only))?),
        None => None,
    };
    choose(pieces, wanted.as_deref())?
        .into_iter()
        .map(|(piece, code)| institution(piece, code, split))
        .collect()
}

fn pieces(index: &Value, folder: &Path) -> Result<Vec<Piece>, Failure> {
    let lacks = |field: &str| Failure::lacks("the split's index", field);
    let rows = index.as_array().ok_or_else(|| lacks("a list"))?;
    let piece = |row: &Value| -> Result<Piece, Failure> {
        let text = |field: &str| row.get(field).and_then(Value::as_str).ok_or_else(|| lacks(field));
        let rows = row.get("rows").and_then(Value::as_u64).ok_or_else(|| lacks("rows"))?;
        Ok(Piece { value: text("value")?.to_owned(), file: folder.join(text("file")?), rows })
    };
    rows.iter().map(piece).collect()
}

/// The pieces that were asked for, in that order and with the codes given; otherwise the largest.
fn choose(
    mut pieces: Vec<Piece>,
    wanted: Option<&str>,
) -> Result<Vec<(Piece, Option<InstitutionCode>)>, Failure> {
    let Some(wanted) = wanted else {
        pieces.sort_by(|a, b| b.rows.cmp(&a.rows).then_with(|| a.value.cmp(&b.value)));
        pieces.retain(|piece| !piece.value.trim().is_empty());
        pieces.truncate(MOST);
        return Ok(pieces.into_iter().map(|piece| (piece, None)).collect());
    };
    let lines: Vec<&str> = wanted
        .trim_start_matches('\u{feff}')
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    if lines.len() > MOST {
        let many =
            format!("--only lists {} institutions; a demonstration starts at most {MOST} nodes", lines.len());
        return Err(Failure::Usage(many));
    }
    lines.into_iter().map(|line| take(&pieces, line)).collect()
}

/// One line of the list: a value, or a value, a tab and the institution's code.
fn take(pieces: &[Piece], line: &str) -> Result<(Piece, Option<InstitutionCode>), Failure> {
    let (value, code) =
        line.split_once('\t').map_or((line, None), |(value, code)| (value.trim(), Some(code.trim())));
    let found = pieces.iter().find(|piece| piece.value.trim() == value);
    let piece =
        found.ok_or_else(|| Failure::Usage(format!("--only asks for {value:?}, which is in no row")))?;
    let code = code.map(str::parse).transpose();
    let code =
        code.map_err(|wrong| Failure::Usage(format!("--only gives {value:?} a code that is none: {wrong}")))?;
    Ok((piece.clone(), code))
}

fn institution(
    piece: Piece,
    code: Option<InstitutionCode>,
    split: &Split<'_>,
) -> Result<Institution, Failure> {
    let known = code.or_else(|| piece.value.parse().ok());
    let code = known.map_or_else(|| codes::make_up(&piece.value), Ok)?;
    let imports = vec![Import { file: piece.file, mapping: split.mapping.to_owned() }];
    Ok(Institution { code, name: piece.value, made_up: known.is_none(), imports })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn some() -> Vec<Piece> {
        let index = json!([
            {"value": "乙", "file": "1.csv", "rows": 5},
            {"value": "甲", "file": "2.csv", "rows": 9},
            {"value": "", "file": "3.csv", "rows": 99},
        ]);
        pieces(&index, Path::new("out")).unwrap()
    }

    fn names(chosen: &[(Piece, Option<InstitutionCode>)]) -> Vec<&str> {
        chosen.iter().map(|(piece, _)| piece.value.as_str()).collect()
    }

    #[test]
    fn the_most_frequent_values_take_part_by_default() {
        assert_eq!(names(&choose(some(), None).unwrap()), ["甲", "乙"]);
        let many =
            (0_u64..40).map(|n| Piece { value: n.to_string(), file: PathBuf::new(), rows: n }).collect();
        assert_eq!(choose(many, None).unwrap().len(), MOST);
    }

    #[test]
    fn a_list_says_who_takes_part_and_may_give_codes() {
        let chosen = choose(some(), Some("\u{feff}乙\n\n甲\t12100000400002259P\n")).unwrap();
        assert_eq!(names(&chosen), ["乙", "甲"]);
        assert_eq!(chosen[1].1.unwrap().as_str(), "12100000400002259P");
    }

    #[test]
    fn a_wrong_list_is_explained() {
        let check = |list: &str, word: &str| {
            let refused = choose(some(), Some(list)).unwrap_err().to_string();
            assert!(refused.contains(word), "{refused}");
        };
        check("丙", "in no row");
        check("甲\t123", "an institution code has 18 characters");
        check(&"甲\n".repeat(13), "at most 12 nodes");
    }

    #[test]
    fn an_institution_without_a_code_gets_a_made_up_one() {
        let split = Split { file: Path::new("f"), mapping: Path::new("m"), column: "c", only: None };
        let piece = |value: &str| Piece { value: value.into(), file: PathBuf::from("1.csv"), rows: 1 };
        assert!(institution(piece("甲"), None, &split).unwrap().made_up);
        let known = institution(piece("12100000400002259P"), None, &split).unwrap();
        assert!(!known.made_up);
        assert_eq!(known.code.as_str(), "12100000400002259P");
    }
}
