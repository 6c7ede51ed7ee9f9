//! `mapping`: drafts of mappings, checks of mappings, and those that ship. Needs no store; nothing is kept.

use std::path::{Path, PathBuf};
use std::time::Instant;

use safeharbor_interchange::import as importing;
use safeharbor_interchange::import::{Encoding, ImportOptions, Mapping};
use safeharbor_rules::{Catalogue, Kind, KindId, Lang};
use safeharbor_service::durable_file::{Access, Existing, write};
use serde_json::json;

use super::CommandFailed;
use super::import::digest_of;
use super::import::report::{Told, print, to_json};
use super::split::Counting;
use crate::speech::{CatalogueLanguage as _, Exit, Format, Language, Speech};

/// Problems that a check lists; all are counted.
const PROBLEMS_MAX: usize = 100;

/// Of which file to propose a mapping, and where to write it.
#[derive(Debug)]
pub struct DraftOrder {
    /// The file.
    pub file: PathBuf,
    /// The kind; without it the one that the columns resemble most.
    pub kind: Option<String>,
    /// Overrules the detected encoding.
    pub encoding: Option<String>,
    /// Whether a file of that name may be replaced.
    pub replace: bool,
    /// Where to write; without it to standard output.
    pub output: Option<PathBuf>,
}

/// Proposes a mapping.
///
/// # Errors
/// No such kind, a file that gives no mapping, a draft that cannot be written.
pub fn draft_mapping(
    catalogue: &Catalogue,
    order: &DraftOrder,
    speech: &mut Speech<'_>,
) -> Result<Exit, CommandFailed> {
    let kinds: Vec<&Kind> = match &order.kind {
        Some(typed) => vec![find_kind(catalogue, typed)?],
        None => catalogue.kinds().collect(),
    };
    let encoding = match order.encoding.as_deref() {
        None | Some("auto") => None,
        Some(name) => Some(name.parse::<Encoding>()?),
    };
    if let Some(output) = order.output.as_ref().filter(|output| !order.replace && output.exists()) {
        return Err(CommandFailed::Exists(output.clone()));
    }
    let draft = importing::draft(&order.file, &kinds, encoding)?;
    let Some(output) = &order.output else {
        speech.data(draft.trim_end())?;
        return Ok(Exit::Done);
    };
    let existing = if order.replace { Existing::Replace } else { Existing::Refuse };
    write(output, draft.as_bytes(), Access::Ordinary, existing)?;
    let (file, output) = (order.file.display(), output.display());
    speech.note(speech.language.pick(
        format!("草稿已写入 {output}。核对后试读：mapping check {output} {file}"),
        format!("the draft is in {output}. Check it, then try it: mapping check {output} {file}"),
    ))?;
    Ok(Exit::Done)
}

/// Checks a mapping against its kind, and tries it on a file as a dry run would on an empty node.
///
/// # Errors
/// A mapping or file that is refused as a whole.
pub fn check_mapping(
    catalogue: &Catalogue,
    mapping: &Path,
    file: Option<&Path>,
    speech: &mut Speech<'_>,
) -> Result<Exit, CommandFailed> {
    let mapping = Mapping::load(mapping)?;
    let kind = find_kind(catalogue, mapping.kind())?;
    importing::check(&mapping, kind)?;
    let Some(file) = file else {
        let (id, lang) = (kind.id(), speech.language.lang());
        let title = kind.title(lang);
        let text = match lang {
            Lang::Zh => {
                format!("映射文件无误，记录类别 {id} {title}；再用一个文件试读：mapping check 映射 文件")
            }
            Lang::En => format!(
                "the mapping is right for kind {id} {title}; try it on a file: mapping check MAPPING FILE"
            ),
        };
        match speech.format {
            Format::Json => speech.json(&json!({"kind": id.as_str(), "right": true}))?,
            Format::Table => speech.data(text)?,
        }
        return Ok(Exit::Done);
    };
    let (sha256, start) = (digest_of(file)?, Instant::now());
    let options = ImportOptions { problems_max: PROBLEMS_MAX, ..ImportOptions::default() };
    let report = importing::import(file, &mapping, kind, &options, &mut Counting)?;
    let is_whole = report.refused == 0;
    let told = Told { report, kind: kind.id().clone(), sha256, dry_run: true, absent: None, rejects: None };
    match speech.format {
        Format::Json => speech.json(&to_json(&told, speech.language))?,
        Format::Table => print(&told, start.elapsed(), speech)?,
    }
    Ok(if is_whole { Exit::Done } else { Exit::Refused })
}

/// Lists the mappings that ship, each with the first line of its text.
///
/// # Errors
/// Nobody reads.
pub fn list_mappings(catalogue: &Catalogue, speech: &mut Speech<'_>) -> Result<Exit, CommandFailed> {
    let about = |name: &str| {
        let line = catalogue.mapping(name).and_then(|text| text.lines().next());
        line.unwrap_or_default().trim_start_matches(['#', ' ']).to_owned()
    };
    let rows: Vec<(&str, String)> = catalogue.mappings().map(|name| (name, about(name))).collect();
    if speech.format == Format::Json {
        let rows = rows.iter().map(|(name, about)| json!({"name": name, "about": about}));
        speech.json(&rows.collect())?;
        return Ok(Exit::Done);
    }
    for (name, about) in rows {
        speech.data(format_args!("{name}  {about}"))?;
    }
    if speech.language == Language::Zh {
        speech.note("用 mapping show 名称 > 文件.toml 取出一份")?;
    } else {
        speech.note("take one with: mapping show NAME > FILE.toml")?;
    }
    Ok(Exit::Done)
}

/// Shows one of them.
///
/// # Errors
/// No such mapping, or nobody reads.
pub fn show_mapping(
    catalogue: &Catalogue,
    name: &str,
    speech: &mut Speech<'_>,
) -> Result<Exit, CommandFailed> {
    let text = catalogue.mapping(name).ok_or_else(|| CommandFailed::NoMapping(name.to_owned()))?;
    speech.data(text.trim_end())?;
    Ok(Exit::Done)
}

fn find_kind<'c>(catalogue: &'c Catalogue, typed: &str) -> Result<&'c Kind, CommandFailed> {
    let id = typed.trim().to_ascii_uppercase().parse::<KindId>().ok();
    id.and_then(|id| catalogue.kind(&id)).ok_or_else(|| CommandFailed::NoKind(typed.to_owned()))
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;
    use std::fs;

    use super::*;

    /// What is said on standard output and standard error, and how it ended.
    fn said(
        say: impl FnOnce(&Catalogue, &mut Speech<'_>) -> Result<Exit, CommandFailed>,
    ) -> (Result<Exit, CommandFailed>, String, String) {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let (language, format) = (Language::En, Format::Table);
        let mut speech = Speech { out: &mut out, err: &mut err, language, format, terminal: false };
        let done = say(&Catalogue::embedded().unwrap(), &mut speech);
        (done, String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
    }

    #[test]
    fn a_draft_is_written_checked_and_tried() {
        let folder = tempfile::tempdir().unwrap();
        let (file, mapping) = (folder.path().join("list.csv"), folder.path().join("list.toml"));
        fs::write(&file, "成果编号,成果名称,成果密级\nA-1,甲,公开\nA-2,乙,秘密\n").unwrap();
        let order = DraftOrder {
            file: file.clone(),
            kind: None,
            encoding: None,
            replace: false,
            output: Some(mapping.clone()),
        };
        assert_eq!(said(|catalogue, speech| draft_mapping(catalogue, &order, speech)).0.unwrap(), Exit::Done);
        let again = said(|catalogue, speech| draft_mapping(catalogue, &order, speech)).0.unwrap_err();
        assert!(matches!(again, CommandFailed::Exists(_)));
        let (done, out, _) = said(|catalogue, speech| check_mapping(catalogue, &mapping, None, speech));
        assert!(done.unwrap() == Exit::Done && out.contains("kind ACH"), "{out}");
        let (done, out, err) =
            said(|catalogue, speech| check_mapping(catalogue, &mapping, Some(&file), speech));
        assert_eq!(done.unwrap(), Exit::Refused);
        assert!(out.contains("1 new") && out.contains("1 refused") && !err.contains('乙'), "{out}{err}");
    }

    #[test]
    fn a_wrong_mapping_is_told_by_its_line_without_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let mapping = folder.path().join("list.toml");
        fs::write(
            &mapping,
            "kind = \"ACH\"\n[field.achievement_no]\nfrom = \"编号\"\n[field.funding]\nfrom = \"经费\"\n",
        )
        .unwrap();
        let failed =
            said(|catalogue, speech| check_mapping(catalogue, &mapping, None, speech)).0.unwrap_err();
        let cause = failed.source().unwrap().to_string();
        assert!(cause.contains("line 4") && cause.contains("funding"), "{cause}");
    }

    #[test]
    fn every_mapping_that_ships_is_listed_shown_and_right() {
        let (_, list, _) = said(list_mappings);
        let catalogue = Catalogue::embedded().unwrap();
        for name in catalogue.mappings() {
            assert!(list.contains(name));
            let text = said(|catalogue, speech| show_mapping(catalogue, name, speech)).1;
            let mapping = Mapping::parse(&text).unwrap();
            let kind = find_kind(&catalogue, mapping.kind()).unwrap();
            importing::check(&mapping, kind).unwrap_or_else(|failed| panic!("{name}: {failed:?}"));
        }
    }
}
