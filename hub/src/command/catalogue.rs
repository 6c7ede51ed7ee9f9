//! `catalogue`: which versions there are, what another one would change, and the way to publish it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use safeharbor_core::digest::Digest;
use safeharbor_core::directory::Announcement;
use safeharbor_core::statement::Statement;
use safeharbor_rules::{Catalogue, Difference, FileSet, Lang, OwnLists, Severity, compare};
use safeharbor_service::person::{Credentials, Role};
use safeharbor_service::speech::Language;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::proposal::put;
use super::{CommandFailed, Reply};
use crate::catalogues::{
    CataloguesFailed, PublishCatalogueFailed, ReadFolderFailed, read_folder, write_folder,
};
use crate::office::Office;
use crate::proposal::{Decision, Wanted};

/// Where a version comes from.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Source {
    /// A folder of files.
    Folder(PathBuf),
    /// The version compiled into the hub that carries the command out.
    Embedded,
}

/// What can be done with catalogue versions.
#[derive(Debug, Serialize, Deserialize)]
pub enum CatalogueCommand {
    /// Lists the versions.
    List,
    /// Shows what is in one; the newest without a name.
    Show {
        /// Its digest, or how that begins.
        cat: Option<String>,
    },
    /// Checks a version that is to be published.
    Check {
        /// Where it is.
        source: Source,
    },
    /// Says what it would change against the one published last.
    Diff {
        /// Where it is.
        source: Source,
    },
    /// Proposes to publish it; a second person decides.
    Propose {
        /// Where it is.
        source: Source,
        /// Who proposes.
        by: Credentials,
        /// Why; may be empty.
        reason: String,
    },
    /// Writes the files of a version to a folder.
    Export {
        /// Its digest, or how that begins.
        cat: String,
        /// The folder, which is not there yet.
        folder: PathBuf,
    },
}

/// Something about a catalogue version is refused.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueRefused {
    /// A folder cannot be read or written.
    #[error(transparent)]
    Folder(#[from] ReadFolderFailed),
    /// A version cannot be used or kept.
    #[error(transparent)]
    Version(#[from] CataloguesFailed),
    /// A version is not published.
    #[error(transparent)]
    Publish(#[from] PublishCatalogueFailed),
    /// No version, or more than one, is meant.
    #[error(
        "no catalogue version, or more than one, begins with {0:?}: `catalogue list` shows them; name at least six characters"
    )]
    Unknown(String),
}

pub(super) async fn carry_out(
    office: &Office,
    command: CatalogueCommand,
    reply: &mut Reply,
) -> Result<(), CommandFailed> {
    match command {
        CatalogueCommand::List => list(office, reply),
        CatalogueCommand::Show { cat } => {
            let catalogue = find(office, cat.as_deref())?;
            show(&catalogue, reply);
        }
        CatalogueCommand::Check { source } => {
            let catalogue = load(office, &source)?;
            show(&catalogue, reply);
            reply.note(reply.pick(
                "可以使用：编译在程序中的上限未被抬高。与已公布版本的差别用 catalogue diff 查看。",
                "it can be used: no compiled-in ceiling is raised. See `catalogue diff` for what it changes.",
            ));
        }
        CatalogueCommand::Diff { source } => {
            let catalogue = load(office, &source)?;
            diff(office, &catalogue, reply);
        }
        CatalogueCommand::Propose { source, by, reason } => {
            let catalogue = load(office, &source)?;
            let what = Decision::Catalogue { cat: catalogue.digest() };
            let by = office.authorize(&by, &[Role::Administrator], what.action()).await?;
            let newest = office.catalogues.newest(&office.shared.directory());
            for line in lines(&compare(&newest, &catalogue), reply.language()) {
                reply.note(line);
            }
            office.catalogues.keep(catalogue.file_set().clone()).map_err(CatalogueRefused::from)?;
            return put(office, Wanted { what, reason }, by, reply).await;
        }
        CatalogueCommand::Export { cat, folder } => {
            let catalogue = find(office, Some(&cat))?;
            write_folder(catalogue.file_set(), &folder).map_err(CatalogueRefused::from)?;
            let (cat, path) = (catalogue.digest(), folder.display());
            reply.note(reply.pick(format!("{cat} 已写到 {path}"), format!("{cat} is written to {path}")));
        }
    }
    Ok(())
}

/// Reads a version; from a folder, without keeping it.
fn load(office: &Office, source: &Source) -> Result<Arc<Catalogue>, CatalogueRefused> {
    match source {
        Source::Embedded => Ok(Arc::clone(office.catalogues.embedded())),
        Source::Folder(folder) => Ok(Arc::new(load_folder(folder)?)),
    }
}

fn load_folder(folder: &Path) -> Result<Catalogue, CatalogueRefused> {
    let files: FileSet = read_folder(folder)?;
    Ok(Catalogue::of(files, &OwnLists::new()).map_err(CataloguesFailed::from)?)
}

fn find(office: &Office, typed: Option<&str>) -> Result<Arc<Catalogue>, CatalogueRefused> {
    let Some(typed) = typed else { return Ok(office.catalogues.newest(&office.shared.directory())) };
    office.catalogues.find(typed).ok_or_else(|| CatalogueRefused::Unknown(typed.to_owned()))
}

/// One version, for people.
#[derive(Debug, Serialize)]
struct Row {
    cat: String,
    /// The log index of the statement by which it was published last.
    entry: Option<u64>,
    /// The numbers of the persons who decided.
    decided_by: Vec<u32>,
    newest: bool,
    embedded: bool,
    usable: bool,
}

fn list(office: &Office, reply: &mut Reply) {
    let rows = rows(office);
    if reply.is_json() {
        reply.json(&serde_json::to_value(&rows).unwrap_or_default());
        return;
    }
    for row in rows {
        let Row { cat, entry, decided_by, newest, embedded, usable } = row;
        let by = decided_by.iter().map(u32::to_string).collect::<Vec<_>>().join(", ");
        let mut words = vec![match (entry, by.as_str()) {
            (None, _) => reply.pick("未公布".to_owned(), "not published".to_owned()),
            (Some(entry), "") => reply.pick(
                format!("条目 {entry}，随程序公布"),
                format!("entry {entry}, published with the program"),
            ),
            (Some(entry), by) => reply.pick(
                format!("条目 {entry}，由人员 {by} 决定"),
                format!("entry {entry}, decided by persons {by}"),
            ),
        }];
        let marks = [
            (newest, reply.pick("最新", "newest")),
            (embedded, reply.pick("本程序自带", "compiled in")),
            (!usable, reply.pick("本程序不能使用", "this program cannot use it")),
        ];
        words.extend(marks.into_iter().filter(|(is, _)| *is).map(|(_, word)| word.to_owned()));
        reply.data(format_args!("{cat}  {}", words.join(reply.pick("；", "; "))));
    }
}

fn rows(office: &Office) -> Vec<Row> {
    let directory = office.shared.directory();
    let embedded = office.catalogues.embedded().digest();
    let mut cats: Vec<Digest> = Vec::new();
    for cat in directory.catalogues().iter().chain(&office.catalogues.digests()) {
        if !cats.contains(cat) {
            cats.push(*cat);
        }
    }
    let row = |cat: Digest| {
        let statement = office.shared.ledger().catalogue_statement(&cat);
        Row {
            cat: cat.to_string(),
            entry: statement.as_ref().map(|statement| statement.index),
            decided_by: statement.map(|statement| deciders(&statement.jwt)).unwrap_or_default(),
            newest: directory.catalogues().last() == Some(&cat),
            embedded: cat == embedded,
            usable: office.catalogues.get(&cat).is_some(),
        }
    };
    cats.into_iter().map(row).collect()
}

fn deciders(jwt: &str) -> Vec<u32> {
    let announcement = Statement::parse(jwt).ok().and_then(|statement| Announcement::read(&statement).ok());
    match announcement {
        Some(Announcement::Catalogue { decided_by, .. }) => decided_by.numbers().to_vec(),
        _ => Vec::new(),
    }
}

fn show(catalogue: &Catalogue, reply: &mut Reply) {
    let lang = lang_of(reply.language());
    if reply.is_json() {
        let kinds: serde_json::Map<String, Value> = catalogue
            .kinds()
            .map(|kind| {
                (kind.id().to_string(), json!({"title": kind.title(lang), "fields": kind.fields().len()}))
            })
            .collect();
        let files = catalogue.files().len();
        reply.json(&json!({"cat": catalogue.digest().to_string(), "files": files, "kinds": kinds}));
        return;
    }
    reply.data(catalogue.digest());
    for kind in catalogue.kinds() {
        let (id, title, fields) = (kind.id(), kind.title(lang), kind.fields().len());
        reply.data(
            reply
                .pick(format!("  {title} {id}：{fields} 个字段"), format!("  {title} {id}: {fields} fields")),
        );
    }
}

fn diff(office: &Office, other: &Catalogue, reply: &mut Reply) {
    let newest = office.catalogues.newest(&office.shared.directory());
    let difference = compare(&newest, other);
    if reply.is_json() {
        reply.json(&json!({
            "from": newest.digest().to_string(), "to": other.digest().to_string(), "changes": changes_json(&difference),
        }));
        return;
    }
    for line in lines(&difference, reply.language()) {
        reply.data(line);
    }
}

/// The changes under the headings of how grave they are.
pub(crate) fn lines(difference: &Difference, language: Language) -> Vec<String> {
    let lang = lang_of(language);
    if difference.changes().is_empty() {
        return vec![language.pick("没有差别。", "nothing changes.").to_owned()];
    }
    let mut lines = Vec::new();
    for severity in Severity::ALL {
        let mut changes =
            difference.changes().iter().filter(|change| change.severity() == severity).peekable();
        if changes.peek().is_some() {
            lines.push(format!("{}{}", severity.title(lang), language.pick("：", ":")));
        }
        lines.extend(changes.map(|change| format!("  {}", change.text(lang))));
    }
    lines
}

fn changes_json(difference: &Difference) -> Vec<Value> {
    let change = |change: &safeharbor_rules::Change| {
        json!({
            "severity": change.severity(), "kind": change.kind().map(ToString::to_string), "field": change.field(),
            "zh": change.text(Lang::Zh), "en": change.text(Lang::En),
        })
    };
    difference.changes().iter().map(change).collect()
}

const fn lang_of(language: Language) -> Lang {
    match language {
        Language::Zh => Lang::Zh,
        Language::En => Lang::En,
    }
}
