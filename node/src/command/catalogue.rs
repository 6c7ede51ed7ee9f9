//! `catalogue`: which version is in use, what another one changes in plain words, and accepting it.

use std::collections::BTreeMap;

use safeharbor_core::code::Code;
use safeharbor_core::digest::Digest;
use safeharbor_core::statement::Statement;
use safeharbor_rules::{Catalogue, Kind, Lang, Severity};
use safeharbor_service::person::Role;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::credentials::authenticate;
use super::policy::change_lines;
use super::{CommandFailed, Credentials};
use crate::catalogues::{AcceptFailed, Acceptance, Comparison, Misfits, Offer, SeenCatalogue, Shelf};
use crate::chain::Chain;
use crate::context::Context;
use crate::speech::{CatalogueLanguage as _, Exit, Format, Language, Speech, moment};
use crate::sync::SyncState;

/// What can be asked about catalogue versions.
#[derive(Debug, Serialize, Deserialize)]
pub enum CatalogueCommand {
    /// Which versions there are.
    List,
    /// What is in one; the one in use without a name.
    Show {
        /// Its digest, or how that begins.
        cat: Option<String>,
    },
    /// What one would change; the offered one without a name.
    Diff {
        /// Its digest, or how that begins.
        cat: Option<String>,
    },
    /// As `Diff`; answers with what an acceptance names.
    Preview {
        /// Its digest, or how that begins.
        cat: String,
    },
    /// Takes the version that was seen into use.
    Accept {
        /// What the person saw.
        seen: SeenCatalogue,
        /// Who accepts.
        by: Credentials,
    },
    /// Who accepted which, and when.
    History,
}

pub(super) fn carry_out(
    context: &Context,
    command: CatalogueCommand,
    speech: &mut Speech<'_>,
) -> Result<Exit, CommandFailed> {
    match command {
        CatalogueCommand::List => list(context, speech)?,
        CatalogueCommand::Show { cat: None } => show(&context.catalogue(), speech)?,
        CatalogueCommand::Show { cat: Some(typed) } => {
            let cat = context.find_catalogue(Some(&typed))?;
            show(&context.load_version(cat)?, speech)?;
        }
        CatalogueCommand::Diff { cat } => {
            let comparison = context.compare_catalogue(context.find_catalogue(cat.as_deref())?)?;
            match speech.format {
                Format::Json => speech.json(&comparison_json(&comparison))?,
                Format::Table => {
                    for line in lines(context, &comparison, speech.language)? {
                        speech.data(line)?;
                    }
                }
            }
        }
        CatalogueCommand::Preview { cat } => {
            let comparison = context.compare_catalogue(context.find_catalogue(Some(&cat))?)?;
            for line in lines(context, &comparison, speech.language)? {
                speech.note(line)?;
            }
            speech.json(&serde_json::to_value(comparison.seen)?)?;
        }
        CatalogueCommand::Accept { seen, by } => accept(context, seen, &by, speech)?,
        CatalogueCommand::History => history(context, speech)?,
    }
    Ok(Exit::Done)
}

fn accept(
    context: &Context,
    seen: SeenCatalogue,
    by: &Credentials,
    speech: &mut Speech<'_>,
) -> Result<(), CommandFailed> {
    let person = authenticate(context, by, &[Role::Approver, Role::Administrator], "accept catalogue")?;
    let accepted = context.accept_catalogue(seen, &person)?;
    if speech.format == Format::Json {
        return Ok(speech.json(&serde_json::to_value(&accepted)?)?);
    }
    let cat = accepted.cat;
    speech.data(speech.pick(
        format!("目录版本 {cat} 已接受并启用；此后的声明都以它为准。"),
        format!("catalogue version {cat} is accepted and in use; statements name it from here on."),
    ))?;
    Ok(())
}

fn list(context: &Context, speech: &mut Speech<'_>) -> Result<(), CommandFailed> {
    let shelf = Shelf::of(&context.layout);
    let (in_use, offer) = (context.catalogue().digest(), Offer::load(&*context.store)?);
    let embedded = Catalogue::embedded().map_err(|refused| AcceptFailed::Load(Box::new(refused)))?.digest();
    let accepted = shelf.in_use().map_err(AcceptFailed::from)?;
    let mut cats = shelf.list().map_err(AcceptFailed::from)?;
    cats.extend(offer.iter().map(|offer| offer.cat).chain([in_use]));
    cats.sort_unstable();
    cats.dedup();
    if speech.format == Format::Json {
        let row = |cat: &Digest| {
            json!({
                "cat": cat, "in_use": *cat == in_use, "embedded": *cat == embedded,
                "offer": offer.as_ref().filter(|offer| offer.cat == *cat),
            })
        };
        let rows: Vec<Value> = cats.iter().map(row).collect();
        return Ok(speech.json(&json!({"versions": rows, "accepted": accepted}))?);
    }
    for cat in cats {
        let mut words = Vec::new();
        if cat == in_use {
            let by = accepted.as_ref().map(|accepted| acceptance_text(accepted, speech.language));
            words.push(format!("{}{}", speech.pick("在用", "in use"), by.unwrap_or_default()));
        }
        if let Some(offer) = offer.as_ref().filter(|offer| offer.cat == cat) {
            words.push(offer_text(offer, speech.language));
        }
        if cat == embedded {
            words.push(speech.pick("本程序自带", "compiled in").to_owned());
        }
        speech.data(format_args!("{cat}  {}", words.join(speech.pick("；", "; "))))?;
    }
    Ok(())
}

fn acceptance_text(accepted: &Acceptance, language: Language) -> String {
    let at = moment(accepted.at);
    match &accepted.person {
        None => language.pick(format!("（{at} 起，随程序启用）"), format!(" since {at}, with the program")),
        Some(person) => {
            let name = &person.name;
            language.pick(format!("（{name} 于 {at} 接受）"), format!(", accepted by {name} on {at}"))
        }
    }
}

/// How the hub published a version, for people.
pub(super) fn offer_text(offer: &Offer, language: Language) -> String {
    let Offer { index, decided_by, verified, refused, .. } = offer;
    let by = match decided_by {
        0 => language.pick("枢纽随程序公布的第一版".to_owned(), "the hub's first version".to_owned()),
        count => language.pick(
            format!("枢纽 {count} 人共同决定公布，条目 {index}"),
            format!("published by {count} persons at the hub, entry {index}"),
        ),
    };
    let verified = if *verified {
        language.pick("，签名已核验", ", signature verified")
    } else {
        language
            .pick("，签名未能核验（本节点没有该公钥）", ", signature not verified: its key is not known here")
    };
    let refused = refused.as_ref().map_or_else(String::new, |reason| {
        language.pick(format!("；本程序拒绝使用：{reason}"), format!("; refused by this program: {reason}"))
    });
    format!("{by}{verified}{refused}")
}

fn show(catalogue: &Catalogue, speech: &mut Speech<'_>) -> Result<(), CommandFailed> {
    let lang = speech.language.lang();
    if speech.format == Format::Json {
        let kind = |kind: &Kind| {
            (kind.id().to_string(), json!({"title": kind.title(lang), "fields": kind.fields().len()}))
        };
        let kinds: serde_json::Map<String, Value> = catalogue.kinds().map(kind).collect();
        return Ok(speech.json(&json!({"cat": catalogue.digest(), "kinds": kinds}))?);
    }
    speech.data(catalogue.digest())?;
    for kind in catalogue.kinds() {
        let (id, title, fields) = (kind.id(), kind.title(lang), kind.fields().len());
        let line = speech
            .pick(format!("  {title} {id}：{fields} 个字段"), format!("  {title} {id}: {fields} fields"));
        speech.data(line)?;
    }
    Ok(())
}

fn history(context: &Context, speech: &mut Speech<'_>) -> Result<(), CommandFailed> {
    let accepted = context.catalogue_history()?;
    if speech.format == Format::Json {
        return Ok(speech.json(&serde_json::to_value(&accepted)?)?);
    }
    if accepted.is_empty() {
        speech
            .data(speech.pick("尚未接受过其他目录版本。", "no other catalogue version was ever accepted."))?;
    }
    for accepted in accepted {
        speech.data(format_args!("{}{}", accepted.cat, acceptance_text(&accepted, speech.language)))?;
    }
    Ok(())
}

fn comparison_json(comparison: &Comparison) -> Value {
    let Comparison { seen, difference, misfits, offer, .. } = comparison;
    let change = |change: &safeharbor_rules::Change| {
        json!({
            "severity": change.severity(), "kind": change.kind().map(ToString::to_string), "field": change.field(),
            "zh": change.text(Lang::Zh), "en": change.text(Lang::En),
        })
    };
    let counts = |counts: &BTreeMap<_, u64>| -> serde_json::Map<String, Value> {
        counts
            .iter()
            .map(|(kind, count): (&safeharbor_core::record::KindId, _)| (kind.to_string(), (*count).into()))
            .collect()
    };
    let fields: serde_json::Map<String, Value> = misfits
        .fields
        .iter()
        .map(|((kind, field), count)| (format!("{kind}.{field}"), (*count).into()))
        .collect();
    json!({
        "from": seen.from, "to": seen.to, "offer": offer,
        "changes": difference.changes().iter().map(change).collect::<Vec<_>>(),
        "stored": {"kinds": counts(&misfits.kinds), "fields": fields, "unfit": counts(&misfits.unfit)},
    })
}

/// The whole difference: what the version changes, the gravest first, what stored data it does not fit, and what would leave.
fn lines(
    context: &Context,
    comparison: &Comparison,
    language: Language,
) -> Result<Vec<String>, CommandFailed> {
    let Comparison { seen, difference, misfits, changes, offer } = comparison;
    let lang = language.lang();
    let mut lines = vec![language.pick(
        format!("目录版本 {} → {}", seen.from, seen.to),
        format!("catalogue version {} → {}", seen.from, seen.to),
    )];
    lines.extend(offer.iter().map(|offer| offer_text(offer, language)));
    for severity in Severity::ALL {
        let mut found = difference.changes().iter().filter(|change| change.severity() == severity).peekable();
        if found.peek().is_some() {
            lines.push(format!("{}{}", severity.title(lang), language.pick("：", ":")));
        }
        lines.extend(found.map(|change| format!("  {}", change.text(lang))));
    }
    if !misfits.is_empty() {
        lines.push(language.pick("本单位已有数据：", "What is stored here:").to_owned());
        lines.extend(misfit_lines(&context.catalogue(), misfits, language));
    }
    if let Some(changes) = changes {
        lines.push(
            language.pick("现行披露政策在新版本下：", "The policy in force, under that version:").to_owned(),
        );
        lines.extend(change_lines(
            &*context.load_version(seen.to).map(std::sync::Arc::new)?,
            changes,
            language,
        ));
    }
    lines.push(language.pick(
        "编译在程序中的披露上限不变，任何目录版本都不能抬高。".to_owned(),
        "The ceilings compiled into the program stay; no catalogue version raises them.".to_owned(),
    ));
    Ok(lines)
}

fn misfit_lines(in_use: &Catalogue, misfits: &Misfits, language: Language) -> Vec<String> {
    let lang = language.lang();
    let title =
        |id| in_use.kind(id).map_or_else(|| id.to_string(), |kind| format!("{} {id}", kind.title(lang)));
    let mut lines = Vec::new();
    for (id, count) in &misfits.kinds {
        let title = title(id);
        lines.push(language.pick(
            format!("  {title}：{count} 条记录所属的类别不复存在；记录保留在本单位，不再外传"),
            format!("  {title}: the kind of {count} records is gone; they stay here and nothing of them leaves any more"),
        ));
    }
    for ((id, field), count) in &misfits.fields {
        let kind = title(id);
        let name = in_use.kind(id).and_then(|kind| kind.field(field));
        let name = name.map_or(field.as_str(), |field| field.title(lang));
        lines.push(language.pick(
            format!("  {kind}：{count} 条记录的“{name}”（{field}）不再有对应字段；值保留，不再外传"),
            format!("  {kind}: {count} records hold {name:?} ({field}), a field that is gone; the values stay and no longer leave"),
        ));
    }
    for (id, count) in &misfits.unfit {
        let title = title(id);
        lines.push(language.pick(
            format!("  {title}：{count} 条记录将不符合要求，须修改后才能再次导入"),
            format!(
                "  {title}: {count} records would not fit and must be changed before they are imported again"
            ),
        ));
    }
    lines
}

/// What `status` says about versions; nothing where all is well.
pub(super) fn status_lines(
    context: &Context,
    state: &SyncState,
    language: Language,
) -> Result<Vec<String>, CommandFailed> {
    let mut lines = Vec::new();
    if let Some(offer) = context.offered_catalogue()? {
        let (cat, text) = (offer.cat, offer_text(&offer, language));
        lines.push(if offer.refused.is_some() {
            language.pick(
                format!("枢纽的目录版本 {cat} 不能使用（{text}）。请联系枢纽运行方。"),
                format!("the hub's catalogue version {cat} cannot be used ({text}). Tell the hub's operator."),
            )
        } else {
            language.pick(
                format!("枢纽提供了新的目录版本 {cat}（{text}）。用 catalogue diff 查看差别，用 catalogue accept {cat} --person 姓名 接受。"),
                format!("a new catalogue version is offered: {cat} ({text}). See `catalogue diff`, then `catalogue accept {cat} --person NAME`."),
            )
        });
    }
    if is_unpublished(context, state)? {
        let cat = context.catalogue().digest();
        lines.push(language.pick(
            format!("在用的目录版本 {cat} 从未被枢纽公布，枢纽不采信据此所作的声明（catalogue-unknown）。请接受枢纽提供的版本。"),
            format!("the catalogue version in use, {cat}, was never published by the hub, which counts no statement under it (catalogue-unknown). Accept the version the hub offers."),
        ));
    }
    Ok(lines)
}

/// Whether the hub refused a statement because it never published the version in use.
fn is_unpublished(context: &Context, state: &SyncState) -> Result<bool, CommandFailed> {
    let (chain, in_use) = (Chain::new(std::sync::Arc::clone(&context.store)), context.catalogue().digest());
    let unknown =
        state.content_refused.iter().filter(|refused| refused.code == Code::CatalogueUnknown.as_str());
    for seq in unknown.filter_map(|refused| refused.seq) {
        let stated = chain.statement(seq)?;
        let cat = stated.and_then(|stated| Statement::parse(&stated.jwt).ok()?.envelope.cat);
        if cat == Some(in_use) {
            return Ok(true);
        }
    }
    Ok(false)
}
