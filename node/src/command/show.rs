//! `show`: what of one record leaves, what stays, and on whose word, before anything leaves and after.

mod words;

use safeharbor_rules::Fate;
use serde_json::{Value, json};

use super::record::{find, shown_key};
use super::view::{Made, View, Way, statements_of, view};
use super::{CommandFailed, record};
use crate::context::Context;
use crate::disclosure::Planned;
use crate::erasure::Tombstone;
use crate::hold::{Held, Why};
use crate::policy::{InForce, mode_of};
use crate::records::Revision;
use crate::speech::{CatalogueLanguage as _, Exit, Format, Language, Speech, moment, padded};
use crate::trust::ReceiptState;
pub(super) use words::{authority_text, source_text, standing_text, standing_word, value_text, way_text};
use words::{hold_text, policy_text, why_text};

pub(super) fn show(context: &Context, typed: &str, speech: &mut Speech<'_>) -> Result<Exit, CommandFailed> {
    let rec = find(context, typed)?;
    if let Some(tombstone) = context.records.tombstone(rec)? {
        let statements = statements_of(context, rec)?;
        show_tombstone(&tombstone, &statements, speech)?;
        return Ok(Exit::Done);
    }
    let catalogue = context.catalogue();
    let view = view(context, &catalogue, rec)?;
    let policy = context.policy()?;
    match speech.format {
        Format::Json => speech.json(&to_json(&view, policy.as_ref(), speech.language))?,
        Format::Table => print(&view, policy.as_ref(), speech)?,
    }
    Ok(Exit::Done)
}

fn print(view: &View<'_>, policy: Option<&InForce>, speech: &mut Speech<'_>) -> Result<(), CommandFailed> {
    let language = speech.language;
    let stored = &view.stored;
    let title = view.kind.title(language.lang());
    speech.data(format_args!("{title} {}  {}", view.kind.id(), shown_key(&stored.revision.key)))?;
    let labels =
        speech.pick(["记录柄", "版本", "披露政策", "去向"], ["Handle", "Revision", "Policy", "On its way"]);
    let source = source_text(&stored.revision.source, language);
    let revision = match language {
        Language::Zh => format!("第 {} 版，存于 {}，{source}", stored.rev, moment(stored.revision.at)),
        Language::En => format!("{}, stored {}, {source}", stored.rev, moment(stored.revision.at)),
    };
    let texts = [
        stored.rec.to_string(),
        revision,
        policy_text(view, policy, language),
        way_text(view.way, language).to_owned(),
    ];
    for (label, text) in labels.into_iter().zip(texts) {
        speech.data(format_args!("{}  {text}", padded(label, 10)))?;
    }
    if let Some((held, reason)) = &view.hold {
        let label = padded(language.pick("留置", "Held"), 10);
        speech.data(format_args!("{label}  {}", hold_text(held, reason, language)))?;
    }
    for (rev, revealed) in &view.earlier {
        speech.data(earlier_text(*rev, revealed, language))?;
    }
    for section in [Section::Revealed, Section::Digest, Section::Stays] {
        print_section(view, section, speech)?;
    }
    print_source_texts(view, speech)?;
    print_statements(&view.statements, speech)
}

fn earlier_text(rev: u32, revealed: &[String], language: Language) -> String {
    match language {
        Language::Zh => {
            format!("此前的第 {rev} 版经批准仍在待发：将公开 {}，其余只传加盐摘要", revealed.join("、"))
        }
        Language::En => format!(
            "The earlier revision {rev} was approved and waits: {} will be revealed, of the others salted digests",
            revealed.join(", ")
        ),
    }
}

/// The three things that can become of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Section {
    Revealed,
    Digest,
    Stays,
}

impl Section {
    const fn of(planned: &Planned) -> Self {
        match planned.field.fate {
            Fate::Revealed { .. } => Self::Revealed,
            Fate::DigestOnly { .. } => Self::Digest,
            Fate::Stays => Self::Stays,
        }
    }

    fn title(self, language: Language) -> &'static str {
        match self {
            Self::Revealed => language.pick("公开给枢纽", "Revealed to the hub"),
            Self::Digest => language.pick(
                "仅留摘要（只有加盐摘要离开，值不离开）",
                "Digest only (a salted digest leaves, the value does not)",
            ),
            Self::Stays => language.pick("留在本地", "Stays here"),
        }
    }

    /// What was taken back was revealed once, and is revealed no more.
    fn title_of(self, view: &View<'_>, language: Language) -> &'static str {
        let is_withdrawn = view.hold.as_ref().is_some_and(|(held, _)| held.hold.why == Why::Withdrawn);
        match self {
            Self::Revealed if is_withdrawn => {
                language.pick("曾公开给枢纽，已撤回", "Revealed to the hub before, taken back since")
            }
            Self::Revealed | Self::Digest | Self::Stays => self.title(language),
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Revealed => "revealed",
            Self::Digest => "digest",
            Self::Stays => "stays",
        }
    }
}

fn print_section(view: &View<'_>, section: Section, speech: &mut Speech<'_>) -> Result<(), CommandFailed> {
    let fields: Vec<_> = view.fields.iter().filter(|(planned, _)| Section::of(planned) == section).collect();
    let language = speech.language;
    let count = fields.len();
    speech.data("")?;
    speech.data(match language {
        Language::Zh => format!("{}：{count} 项", section.title_of(view, language)),
        Language::En => format!("{}: {count}", section.title_of(view, language)),
    })?;
    for (planned, value) in fields {
        let field = view.kind.field(&planned.field.name);
        let title = field.map_or("", |field| field.title(language.lang()));
        let name = format!("{title} {}", planned.field.name);
        let class = planned.field.class;
        let value = value_text(field, value, language);
        speech.data(format_args!("  {} {class}  {value}", padded(&name, 40)))?;
        let why = why_text(planned, view, language);
        if !why.is_empty() {
            speech.data(format_args!("  {}     {why}", " ".repeat(40)))?;
        }
    }
    Ok(())
}

/// What the file said where a value says less, or nothing: never part of a statement.
fn print_source_texts(view: &View<'_>, speech: &mut Speech<'_>) -> Result<(), CommandFailed> {
    let Revision { raw, record, .. } = &view.stored.revision;
    if raw.is_empty() {
        return Ok(());
    }
    let (language, count) = (speech.language, raw.len());
    speech.data("")?;
    speech.data(language.pick(
        format!("来源文件中的原文（只留在本地）：{count} 项"),
        format!("Source texts (kept here alone): {count}"),
    ))?;
    for (name, text) in raw {
        let title = view.kind.field(name).map_or("", |field| field.title(language.lang()));
        let unknown = language.pick("未知，原文 ", "unknown, source text ");
        let head = if record.contains_key(name) { "" } else { unknown };
        speech.data(format_args!("  {}     {head}{text:?}", padded(&format!("{title} {name}"), 40)))?;
    }
    Ok(())
}

fn print_statements(statements: &[Made], speech: &mut Speech<'_>) -> Result<(), CommandFailed> {
    speech.data("")?;
    if statements.is_empty() {
        let nothing = speech.pick(
            "声明：无。此记录从未离开本节点。",
            "Statements: none. Nothing of this record has ever left.",
        );
        return Ok(speech.data(nothing)?);
    }
    speech.data(speech.pick("声明：", "Statements:"))?;
    for made in statements {
        speech.data(format_args!("  {}", statement_text(made, speech.language)))?;
    }
    Ok(())
}

fn statement_text(made: &Made, language: Language) -> String {
    let (seq, rev) = (made.stated.seq, made.stated.rev.unwrap_or(0));
    let state = receipt_text(made, language);
    // Every disclosure has claims until they are erased; one taken over from the hub never had them here.
    let revealed = match made.stated.claims.iter().filter(|claim| claim.revealed).count() {
        _ if made.stated.claims.is_empty() => {
            language.pick("值不在本节点", "values not kept here").to_owned()
        }
        count => language.pick(format!("公开 {count} 项"), format!("{count} fields revealed")),
    };
    match (made.is_withdrawal(), language) {
        (true, Language::Zh) => format!("第 {seq} 号  撤回  {state}"),
        (true, Language::En) => format!("{seq}  withdrawal  {state}"),
        (false, Language::Zh) => format!("第 {seq} 号  披露第 {rev} 版，{revealed}  {state}"),
        (false, Language::En) => format!("{seq}  disclosure of revision {rev}, {revealed}  {state}"),
    }
}

fn receipt_text(made: &Made, language: Language) -> &'static str {
    match (made.receipt, made.acknowledged) {
        (Some(ReceiptState::Witnessed), _) => language.pick("已有见证回执", "receipt: witnessed"),
        (Some(ReceiptState::Logged), _) => language.pick("已有登记回执", "receipt: logged"),
        (None, true) => language.pick("枢纽已确认，等待回执", "acknowledged, receipt awaited"),
        (None, false) => language.pick("已编号，尚未获枢纽确认", "numbered, not acknowledged"),
    }
}

fn show_tombstone(
    tombstone: &Tombstone,
    statements: &[Made],
    speech: &mut Speech<'_>,
) -> Result<(), CommandFailed> {
    if speech.format == Format::Json {
        let made: Vec<Value> = statements.iter().map(statement_json).collect();
        return Ok(speech.json(&json!({ "erased": tombstone, "statements": made }))?);
    }
    let Tombstone { kind, rec, at, person, .. } = tombstone;
    let (at, name) = (moment(*at), &person.name);
    speech.data(match speech.language {
        Language::Zh => format!("{kind} {rec} 已于 {at} 由 {name} 删除；本节点不再保存其内容。"),
        Language::En => {
            format!("{kind} {rec} was erased on {at} by {name}; nothing of its content is kept here.")
        }
    })?;
    if !tombstone.revealed.is_empty() {
        let names = tombstone.revealed.join(speech.pick("、", ", "));
        let head = speech.pick("删除前曾公开给枢纽的字段：", "Revealed to the hub before: ");
        speech.data(format_args!("{head}{names}"))?;
    }
    print_statements(statements, speech)
}

fn to_json(view: &View<'_>, policy: Option<&InForce>, language: Language) -> Value {
    let field = |(planned, value): &(Planned, Value)| {
        let title = view.kind.field(&planned.field.name).map(|field| field.title(language.lang()));
        json!({
            "name": planned.field.name, "title": title, "class": planned.field.class.as_str(),
            "ceiling": planned.field.ceiling.as_str(), "value": value,
            "fate": Section::of(planned).word(), "by": planned.authority,
        })
    };
    let accepted = policy.map(|policy| &policy.accepted);
    json!({
        "kind": view.kind.id().as_str(),
        "key": record::shown_key(&view.stored.revision.key),
        "rec": view.stored.rec.to_string(),
        "rev": view.stored.rev,
        "stored_at": view.stored.revision.at,
        "source": view.stored.revision.source,
        "source_texts": view.stored.revision.raw,
        "policy": accepted.map(|a| json!({"version": a.version, "person": a.person, "at": a.at})),
        "mode": mode_of(policy, view.kind.id()).as_str(),
        "way": way_word(view.way),
        "held": view.hold.as_ref().map(|(Held { hold, awaits_again }, reason)| json!({
            "why": words::why_word(hold.why), "person": hold.person, "at": hold.at, "decision": hold.decision,
            "reason": reason, "awaits_again": awaits_again,
        })),
        "earlier": view.earlier.iter().map(|(rev, fields)| json!({"rev": rev, "revealed": fields})).collect::<Vec<_>>(),
        "fields": view.fields.iter().map(field).collect::<Vec<_>>(),
        "statements": view.statements.iter().map(statement_json).collect::<Vec<_>>(),
    })
}

pub(super) const fn way_word(way: Way) -> &'static str {
    match way {
        Way::Stays => "stays",
        Way::Waits => "waits",
        Way::Left => "left",
    }
}

fn statement_json(made: &Made) -> Value {
    let revealed: Vec<_> =
        made.stated.claims.iter().filter(|claim| claim.revealed).map(|claim| claim.name.as_str()).collect();
    json!({
        "seq": made.stated.seq, "digest": made.stated.digest.to_string(), "statement": made.stated.statement.as_str(),
        "rev": made.stated.rev, "revealed": revealed, "acknowledged": made.acknowledged, "receipt": made.receipt,
    })
}
