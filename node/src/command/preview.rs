//! `show --kind`, `show --waiting`: what leaves, what left and what stays of many records: a table by field, and a list.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use safeharbor_core::record::{KindId, RecordHandle};
use safeharbor_rules::{Fate, Kind};
use serde_json::{Value, json};

use super::CommandFailed;
use super::record::{find_kind, shown_key};
use super::show::{authority_text, standing_text, standing_word};
use super::view::{Standing, standing_of};
use crate::approval::approval_time;
use crate::context::Context;
use crate::disclosure::{self, Planned};
use crate::outbox::{Authority, Content, Entry, Grant};
use crate::records::Stored;
use crate::situation::Situation;
use crate::speech::{CatalogueLanguage as _, Exit, Format, Language, Speech, moment, padded};

/// What becomes of a field in how many records.
#[derive(Default, Clone, Copy)]
struct Fates {
    revealed: u64,
    digest: u64,
    stays: u64,
}

/// The records of one kind.
#[derive(Default)]
struct Sum {
    records: u64,
    standing: BTreeMap<&'static str, (Standing, u64)>,
    fields: BTreeMap<String, Fates>,
    /// On whose word → how many records.
    words: BTreeMap<String, (Authority, Option<u64>, u64)>,
}

/// One record of the list.
struct Line {
    rec: RecordHandle,
    key: String,
    rev: u32,
    standing: Standing,
    revealed: Vec<String>,
}

/// The sums by kind, and the first records of each.
struct Report {
    sums: BTreeMap<KindId, Sum>,
    lines: Vec<(KindId, Line)>,
    limit: usize,
    withdrawals: u64,
    /// Entries that wait and of which nothing may leave any more.
    dead: u64,
}

/// What is about to leave, in the order in which it will.
pub(super) fn waiting(
    context: &Context,
    kind: Option<&str>,
    limit: usize,
    speech: &mut Speech<'_>,
) -> Result<Exit, CommandFailed> {
    let kind = kind.map(|kind| find_kind(context, kind)).transpose()?;
    let mut report = Report::new(limit);
    let mut failed = None;
    context.outbox.visit_waiting(&mut |entry, content| {
        if kind.as_ref().is_some_and(|kind| entry.kind() != kind) {
            return ControlFlow::Continue(());
        }
        match report.add_waiting(context, &entry, content.as_ref()) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                failed = Some(error);
                ControlFlow::Break(())
            }
        }
    })?;
    failed.map_or_else(|| report.tell(context, speech), Err)
}

/// The records of a kind, however far they are.
pub(super) fn kind(
    context: &Context,
    typed: &str,
    limit: usize,
    speech: &mut Speech<'_>,
) -> Result<Exit, CommandFailed> {
    let id = find_kind(context, typed)?;
    let catalogue = context.catalogue();
    let kind =
        disclosure::find_kind(&catalogue, &id).ok_or_else(|| CommandFailed::NoKind(typed.to_owned()))?;
    let mut report = Report::new(limit);
    context.records.visit(Some(&id), &mut |current| {
        if let Some(stored) = context.records.last(current.rec)? {
            report.add_record(context, kind, &stored, &Situation::of(context, current, &stored)?)?;
        }
        Ok::<_, CommandFailed>(ControlFlow::Continue(()))
    })?;
    report.tell(context, speech)
}

impl Report {
    const fn new(limit: usize) -> Self {
        Self { sums: BTreeMap::new(), lines: Vec::new(), limit, withdrawals: 0, dead: 0 }
    }

    fn add_record(
        &mut self,
        context: &Context,
        kind: &Kind,
        stored: &Stored,
        situation: &Situation,
    ) -> Result<(), CommandFailed> {
        let standing = standing_of(situation);
        let grants = if situation.hold.is_some() { &[] } else { situation.grants() };
        let record = &stored.revision.record;
        let planned = disclosure::under_grants(kind, record, grants, context.clock.today())?;
        let mut revealed = Vec::new();
        let sum = self.sums.entry(kind.id().clone()).or_default();
        sum.count(standing);
        for Planned { field, authority } in planned {
            let fates = sum.fields.entry(field.name.clone()).or_default();
            let place = match (&authority, field.fate) {
                (Some(_), _) => &mut fates.revealed,
                (None, Fate::Stays) => &mut fates.stays,
                (None, Fate::DigestOnly { .. } | Fate::Revealed { .. }) => &mut fates.digest,
            };
            *place = place.saturating_add(1);
            if authority.is_some() {
                revealed.push(field.name);
            }
        }
        sum.add_words(context, stored.rec, grants)?;
        self.add_line(stored, standing, revealed);
        Ok(())
    }

    fn add_waiting(
        &mut self,
        context: &Context,
        entry: &Entry,
        content: Option<&Content>,
    ) -> Result<(), CommandFailed> {
        let (claims, revealed) = match content {
            Some(Content::Disclosure { claims, revealed, .. }) => (claims, revealed),
            Some(Content::Withdrawal { .. }) => {
                self.withdrawals = self.withdrawals.saturating_add(1);
                return Ok(());
            }
            None => {
                self.dead = self.dead.saturating_add(1);
                return Ok(());
            }
        };
        let Some(revision) = context.records.revision(entry.rec(), entry.rev())? else { return Ok(()) };
        let sum = self.sums.entry(entry.kind().clone()).or_default();
        sum.count(Standing::Waits);
        for name in revision.record.keys() {
            let fates = sum.fields.entry(name.clone()).or_default();
            let place = if revealed.contains(name) {
                &mut fates.revealed
            } else if claims.iter().any(|(claim, _)| claim == name) {
                &mut fates.digest
            } else {
                &mut fates.stays
            };
            *place = place.saturating_add(1);
        }
        if let Entry::Disclosure { rec, grants, .. } = entry {
            sum.add_words(context, *rec, grants)?;
        }
        let stored = Stored { rec: entry.rec(), rev: entry.rev(), revision };
        self.add_line(&stored, Standing::Waits, revealed.iter().cloned().collect());
        Ok(())
    }

    fn add_line(&mut self, stored: &Stored, standing: Standing, revealed: Vec<String>) {
        if self.lines.len() < self.limit {
            let key = shown_key(&stored.revision.key);
            let line = Line { rec: stored.rec, key, rev: stored.rev, standing, revealed };
            self.lines.push((stored.revision.kind.clone(), line));
        }
    }

    fn tell(&self, context: &Context, speech: &mut Speech<'_>) -> Result<Exit, CommandFailed> {
        match speech.format {
            Format::Json => speech.json(&self.json(context)?)?,
            Format::Table => self.print(context, speech)?,
        }
        Ok(Exit::Done)
    }

    fn print(&self, context: &Context, speech: &mut Speech<'_>) -> Result<(), CommandFailed> {
        let language = speech.language;
        speech.data(policy_line(context, language)?)?;
        if self.sums.is_empty() && self.withdrawals == 0 {
            speech.data(language.pick("没有这样的记录。", "there are no such records."))?;
        }
        for (id, sum) in &self.sums {
            let catalogue = context.catalogue();
            let kind = catalogue.kind(id);
            for line in sum.lines(id, kind, language) {
                speech.data(line)?;
            }
            for (_, line) in self.lines.iter().filter(|(of, _)| of == id) {
                speech.data(line.text(language))?;
            }
        }
        let listed = self.lines.len() as u64;
        let records = self.sums.values().fold(0_u64, |sum, one| sum.saturating_add(one.records));
        if records > listed {
            speech.note(language.pick(
                format!("列出 {listed} / {records} 条；用 --limit 调整数量"),
                format!("{listed} of {records} are listed; see --limit"),
            ))?;
        }
        for (count, zh, en) in [
            (self.withdrawals, "份撤回声明待发", "withdrawals wait"),
            (
                self.dead,
                "份待发声明已不得外传，不会发出",
                "waiting statements may not leave any more and will not",
            ),
        ] {
            if count > 0 {
                speech.data(language.pick(format!("{count} {zh}"), format!("{count} {en}")))?;
            }
        }
        Ok(())
    }

    fn json(&self, context: &Context) -> Result<Value, CommandFailed> {
        let policy = context.policy()?.map(|policy| policy.accepted.version);
        let kinds: serde_json::Map<String, Value> =
            self.sums.iter().map(|(id, sum)| (id.to_string(), sum.json())).collect();
        let lines = self.lines.iter().map(|(kind, line)| {
            json!({
                "kind": kind.as_str(), "rec": line.rec.to_string(), "key": line.key, "rev": line.rev,
                "standing": standing_word(line.standing), "revealed": line.revealed,
            })
        });
        Ok(json!({
            "policy": policy, "kinds": kinds, "list": lines.collect::<Vec<_>>(),
            "withdrawals": self.withdrawals, "not_leaving_any_more": self.dead,
        }))
    }
}

impl Sum {
    fn count(&mut self, standing: Standing) {
        self.records = self.records.saturating_add(1);
        let (_, count) = self.standing.entry(standing_word(standing)).or_insert((standing, 0));
        *count = count.saturating_add(1);
    }

    fn add_words(
        &mut self,
        context: &Context,
        rec: RecordHandle,
        grants: &[Grant],
    ) -> Result<(), CommandFailed> {
        for grant in grants {
            let key = serde_json::to_string(&grant.authority)?;
            if !self.words.contains_key(&key) {
                let at = match &grant.authority {
                    Authority::Approval { id, .. } => approval_time(context, rec, id)?,
                    Authority::Policy { .. } => None,
                };
                self.words.insert(key.clone(), (grant.authority.clone(), at, 0));
            }
            if let Some((_, _, count)) = self.words.get_mut(&key) {
                *count = count.saturating_add(1);
            }
        }
        Ok(())
    }

    fn lines(&self, id: &KindId, kind: Option<&Kind>, language: Language) -> Vec<String> {
        let title = kind.map_or("", |kind| kind.title(language.lang()));
        let standing = self
            .standing
            .values()
            .map(|(standing, count)| format!("{} {count}", standing_text(*standing, language)));
        let standing = standing.collect::<Vec<_>>().join(language.pick("；", "; "));
        let mut lines = vec![language.pick(
            format!("{title} {id}：{} 条（{standing}）", self.records),
            format!("{title} {id}: {} records ({standing})", self.records),
        )];
        let [revealed, digest, stays] =
            language.pick(["公开", "仅摘要", "留下"], ["revealed", "digest", "stays"]);
        lines.push(format!("  {} {} {} {}", padded("", 44), padded(revealed, 9), padded(digest, 9), stays));
        for (name, fates) in &self.fields {
            let title = kind.and_then(|kind| kind.field(name));
            let title = title.map_or("", |field| field.title(language.lang()));
            let number = |count: u64| padded(&count.to_string(), 9);
            let label = padded(&format!("{title} {name}"), 44);
            let (revealed, digest) = (number(fates.revealed), number(fates.digest));
            lines.push(format!("  {label} {revealed} {digest} {}", fates.stays));
        }
        for (authority, at, count) in self.words.values() {
            let word = authority_text(authority, language);
            let at = at.map_or_else(String::new, |at| format!("  {}", moment(at)));
            lines.push(
                language.pick(format!("  {count} 条  {word}{at}"), format!("  {count} records {word}{at}")),
            );
        }
        lines
    }

    fn json(&self) -> Value {
        let fields: serde_json::Map<String, Value> = self
            .fields
            .iter()
            .map(|(name, fates)| {
                let Fates { revealed, digest, stays } = fates;
                (name.clone(), json!({ "revealed": revealed, "digest": digest, "stays": stays }))
            })
            .collect();
        let standing: BTreeMap<_, _> = self.standing.iter().map(|(word, (_, count))| (word, count)).collect();
        let words = self.words.values();
        let words =
            words.map(|(authority, at, count)| json!({ "by": authority, "at": at, "records": count }));
        json!({
            "records": self.records, "standing": standing, "fields": fields, "by": words.collect::<Vec<_>>(),
        })
    }
}

impl Line {
    fn text(&self, language: Language) -> String {
        let Self { rec, key, rev, standing, revealed } = self;
        let revealed = if revealed.is_empty() {
            language.pick("不公开任何值", "no value revealed").to_owned()
        } else {
            let names = revealed.join(language.pick("、", ", "));
            language.pick(format!("公开 {names}"), format!("revealed: {names}"))
        };
        let standing = standing_text(*standing, language);
        match language {
            Language::Zh => format!("    {key}  {rec}  第 {rev} 版  {standing}  {revealed}"),
            Language::En => format!("    {key}  {rec}  revision {rev}  {standing}  {revealed}"),
        }
    }
}

fn policy_line(context: &Context, language: Language) -> Result<String, CommandFailed> {
    Ok(match context.policy()? {
        None => language
            .pick(
                "披露政策：尚未接受，未经审批不外传",
                "policy: none accepted; nothing leaves without an approval",
            )
            .to_owned(),
        Some(policy) => {
            let accepted = policy.accepted;
            let (version, name, at) = (accepted.version, accepted.person.name, moment(accepted.at));
            language.pick(
                format!("披露政策：第 {version} 版，{name} 于 {at} 接受"),
                format!("policy: version {version}, accepted by {name} on {at}"),
            )
        }
    })
}
