//! `left`: what has left the node so far: statements, and values by kind and field, on whose word, with a receipt or not.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use safeharbor_core::record::{KindId, RecordHandle};
use safeharbor_core::statement::{Statement, StatementType};
use serde_json::{Value, json};

use super::CommandFailed;
use super::approvals::parse_since;
use super::record::find_kind;
use super::show::authority_text;
use crate::chain::{Chain, Stated};
use crate::context::Context;
use crate::outbox::{Authority, Entry};
use crate::speech::{CatalogueLanguage as _, Exit, Format, Language, Speech, moment, padded};
use crate::trust::{ReceiptState, load_receipt};

/// Statements read at a time.
const PAGE: usize = 256;

/// What left of the records of one kind.
#[derive(Default)]
struct Gone {
    disclosures: u64,
    withdrawals: u64,
    /// Disclosures whose values are not kept here: erased, or taken over from the hub.
    unknown: u64,
    /// Witnessed, logged, acknowledged without a receipt, on the way.
    receipts: [u64; 4],
    first_s: Option<u64>,
    last_s: Option<u64>,
    /// Field → in how many records its value was revealed and stands, and in how many it was taken back.
    fields: BTreeMap<String, [u64; 2]>,
    /// On whose word → how many values.
    words: BTreeMap<String, (Authority, u64)>,
    /// What of each record stands.
    standing: BTreeMap<RecordHandle, BTreeSet<String>>,
}

pub(super) fn left(
    context: &Context,
    kind: Option<&str>,
    since: Option<&str>,
    speech: &mut Speech<'_>,
) -> Result<Exit, CommandFailed> {
    let kind = kind.map(|kind| find_kind(context, kind)).transpose()?;
    let since_s = since.map(parse_since).transpose()?.map_or(0, |ms| ms / 1_000);
    let gone = collect(context, kind.as_ref(), since_s)?;
    match speech.format {
        Format::Json => speech.json(&to_json(&gone))?,
        Format::Table => print(context, &gone, speech)?,
    }
    Ok(Exit::Done)
}

fn collect(
    context: &Context,
    kind: Option<&KindId>,
    since_s: u64,
) -> Result<BTreeMap<KindId, Gone>, CommandFailed> {
    let chain = Chain::new(Arc::clone(&context.store));
    let acknowledged = chain.memory().acknowledged()?.map_or(0, |head| head.seq);
    let mut gone: BTreeMap<KindId, Gone> = BTreeMap::new();
    let mut from = 1_u64;
    loop {
        let page = chain.statements(from, PAGE)?;
        let Some(last) = page.last() else { break };
        from = last.seq.saturating_add(1);
        for stated in page {
            let made_s = Statement::parse(&stated.jwt).map_or(0, |statement| statement.envelope.iat);
            if kind.is_some_and(|kind| *kind != stated.kind) || made_s < since_s {
                continue;
            }
            let receipt = load_receipt(&*context.store, stated.seq)?.map(|receipt| receipt.state);
            let place = receipt_place(receipt, stated.seq <= acknowledged);
            gone.entry(stated.kind.clone()).or_default().add(context, &stated, made_s, place)?;
        }
    }
    gone.values_mut().for_each(Gone::sum_up);
    Ok(gone)
}

const fn receipt_place(receipt: Option<ReceiptState>, acknowledged: bool) -> usize {
    match (receipt, acknowledged) {
        (Some(ReceiptState::Witnessed), _) => 0,
        (Some(ReceiptState::Logged), _) => 1,
        (None, true) => 2,
        (None, false) => 3,
    }
}

impl Gone {
    fn add(
        &mut self,
        context: &Context,
        stated: &Stated,
        made_s: u64,
        receipt: usize,
    ) -> Result<(), CommandFailed> {
        self.first_s = Some(self.first_s.map_or(made_s, |first| first.min(made_s)));
        self.last_s = self.last_s.max(Some(made_s));
        if let Some(count) = self.receipts.get_mut(receipt) {
            *count = count.saturating_add(1);
        }
        let Some(rec) = stated.rec else { return Ok(()) };
        if stated.statement == StatementType::Withdrawal {
            self.withdrawals = self.withdrawals.saturating_add(1);
            self.take_back(rec);
            return Ok(());
        }
        self.disclosures = self.disclosures.saturating_add(1);
        if stated.claims.is_empty() {
            self.unknown = self.unknown.saturating_add(1);
            let known = context.records.tombstone(rec)?.map(|tombstone| tombstone.revealed);
            self.standing.entry(rec).or_default().extend(known.unwrap_or_default());
            return Ok(());
        }
        let revealed: BTreeSet<String> =
            stated.claims.iter().filter(|claim| claim.revealed).map(|claim| claim.name.clone()).collect();
        self.add_words(context, rec, stated.rev.unwrap_or(0), &revealed)?;
        self.standing.entry(rec).or_default().extend(revealed);
        Ok(())
    }

    fn add_words(
        &mut self,
        context: &Context,
        rec: RecordHandle,
        rev: u32,
        revealed: &BTreeSet<String>,
    ) -> Result<(), CommandFailed> {
        let Some(Entry::Disclosure { grants, .. }) = context.outbox.stated(rec, rev)? else { return Ok(()) };
        let before = self.standing.get(&rec);
        for name in revealed.iter().filter(|name| before.is_none_or(|before| !before.contains(*name))) {
            if let Some(grant) = grants.iter().find(|grant| grant.fields.contains(name)) {
                let key = serde_json::to_string(&grant.authority)?;
                let (_, count) = self.words.entry(key).or_insert_with(|| (grant.authority.clone(), 0));
                *count = count.saturating_add(1);
            }
        }
        Ok(())
    }

    fn take_back(&mut self, rec: RecordHandle) {
        for name in self.standing.remove(&rec).unwrap_or_default() {
            let [_, taken_back] = self.fields.entry(name).or_default();
            *taken_back = taken_back.saturating_add(1);
        }
    }

    fn sum_up(&mut self) {
        for name in self.standing.values().flatten() {
            let [stands, _] = self.fields.entry(name.clone()).or_default();
            *stands = stands.saturating_add(1);
        }
    }
}

fn print(
    context: &Context,
    gone: &BTreeMap<KindId, Gone>,
    speech: &mut Speech<'_>,
) -> Result<(), CommandFailed> {
    if gone.is_empty() {
        speech.data(speech.pick("没有任何内容离开过本节点。", "nothing has left this node."))?;
    }
    for (id, gone) in gone {
        let catalogue = context.catalogue();
        let kind = catalogue.kind(id);
        let title = kind.map_or("", |kind| kind.title(speech.language.lang()));
        speech.data(format_args!("{title} {id}"))?;
        for line in numbers(gone, speech.language) {
            speech.data(format_args!("  {line}"))?;
        }
        for (name, [stands, taken_back]) in &gone.fields {
            let title = kind.and_then(|kind| kind.field(name));
            let title = title.map_or("", |field| field.title(speech.language.lang()));
            let label = padded(&format!("{title} {name}"), 40);
            speech.data(match speech.language {
                Language::Zh => format!("  {label} {stands} 条记录的值已公开；{taken_back} 条已撤回"),
                Language::En => format!("  {label} revealed of {stands} records; taken back of {taken_back}"),
            })?;
        }
        for (authority, count) in gone.words.values() {
            let word = authority_text(authority, speech.language);
            speech.data(match speech.language {
                Language::Zh => format!("  {count} 个值  {word}"),
                Language::En => format!("  {count} values {word}"),
            })?;
        }
    }
    Ok(())
}

fn numbers(gone: &Gone, language: Language) -> Vec<String> {
    let Gone {
        disclosures, withdrawals, unknown, receipts: [witnessed, logged, acknowledged, on_way], ..
    } = gone;
    let time = |second: Option<u64>| moment(second.unwrap_or(0).saturating_mul(1_000));
    let (first, last) = (time(gone.first_s), time(gone.last_s));
    let mut lines = match language {
        Language::Zh => vec![
            format!("声明 {disclosures} 份披露、{withdrawals} 份撤回，{first} 至 {last}"),
            format!(
                "回执：已见证 {witnessed}，已登记 {logged}，枢纽已确认待回执 {acknowledged}，已编号未确认 {on_way}"
            ),
        ],
        Language::En => vec![
            format!("{disclosures} disclosures and {withdrawals} withdrawals, {first} to {last}"),
            format!(
                "receipts: {witnessed} witnessed, {logged} logged, {acknowledged} acknowledged and awaited, {on_way} not acknowledged"
            ),
        ],
    };
    if *unknown > 0 {
        lines.push(language.pick(
            format!("其中 {unknown} 份的值不在本节点（已删除，或取自枢纽）"),
            format!("the values of {unknown} are not kept here (erased, or taken over from the hub)"),
        ));
    }
    lines
}

fn to_json(gone: &BTreeMap<KindId, Gone>) -> Value {
    let of = |gone: &Gone| {
        let fields: serde_json::Map<String, Value> = gone
            .fields
            .iter()
            .map(|(name, [stands, back])| (name.clone(), json!({ "revealed": stands, "taken_back": back })))
            .collect();
        let by = gone.words.values().map(|(authority, count)| json!({ "by": authority, "values": count }));
        let [witnessed, logged, acknowledged, on_way] = gone.receipts;
        json!({
            "disclosures": gone.disclosures, "withdrawals": gone.withdrawals, "values_not_kept": gone.unknown,
            "first_s": gone.first_s, "last_s": gone.last_s, "fields": fields, "by": by.collect::<Vec<_>>(),
            "receipts": { "witnessed": witnessed, "logged": logged, "acknowledged": acknowledged, "on_the_way": on_way },
        })
    };
    gone.iter().map(|(kind, gone)| (kind.to_string(), of(gone))).collect::<serde_json::Map<_, _>>().into()
}
