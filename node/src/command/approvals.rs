//! `approvals`: who approved, rejected or withdrew what, and when.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use safeharbor_core::record::RecordHandle;
use safeharbor_service::person::Person;
use serde_json::{Value, json};

use super::CommandFailed;
use super::person::named;
use super::record::{find, shown_key};
use crate::approval::{load_sets, visit_approvals};
use crate::context::Context;
use crate::decision::{Verdict, visit_decisions};
use crate::speech::{Exit, Format, Language, Speech, moment};

/// Records named in one line.
const KEYS_SHOWN: usize = 3;

/// Which are wanted.
pub(super) struct Wanted<'w> {
    pub(super) record: Option<&'w str>,
    pub(super) person: Option<&'w str>,
    pub(super) since: Option<&'w str>,
}

/// What one person decided in one go.
struct Act {
    id: String,
    what: What,
    person: Person,
    at: u64,
    fields: BTreeSet<String>,
    reason: String,
    records: u64,
    some: Vec<(RecordHandle, u32)>,
    /// How many records it was to reach, for an approval in bulk.
    meant: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Approved,
    Rejected,
    Withdrawn,
}

pub(super) fn approvals(
    context: &Context,
    wanted: &Wanted<'_>,
    speech: &mut Speech<'_>,
) -> Result<Exit, CommandFailed> {
    let rec = wanted.record.map(|typed| find(context, typed)).transpose()?;
    let person = wanted.person.map(|typed| named(context, typed)).transpose()?;
    let since = wanted.since.map(parse_since).transpose()?.unwrap_or(0);
    let mut acts = collect(context, rec)?;
    acts.retain(|act| act.at >= since && person.as_ref().is_none_or(|person| person.id == act.person.id));
    acts.sort_by(|one, other| (one.at, &one.id).cmp(&(other.at, &other.id)));
    match speech.format {
        Format::Json => speech.json(&acts.iter().map(Act::json).collect::<Vec<Value>>().into())?,
        Format::Table => {
            for act in &acts {
                let line = act.line(context, speech.language)?;
                speech.data(line)?;
            }
        }
    }
    Ok(Exit::Done)
}

/// The first moment of a day, in milliseconds since 1970 UTC.
pub(super) fn parse_since(typed: &str) -> Result<u64, CommandFailed> {
    let wrong = || CommandFailed::Since(typed.chars().take(40).collect());
    let date: Date = typed.trim().parse().or(Err(wrong()))?;
    let start: jiff::Timestamp = format!("{date}T00:00:00Z").parse().or(Err(wrong()))?;
    u64::try_from(start.as_millisecond()).or(Err(wrong()))
}

fn collect(context: &Context, rec: Option<RecordHandle>) -> Result<Vec<Act>, CommandFailed> {
    let is_wanted = |of: RecordHandle| rec.is_none_or(|rec| rec == of);
    let mut acts: BTreeMap<String, Act> = BTreeMap::new();
    visit_approvals(context, rec, &mut |approval| {
        let act = acts
            .entry(approval.id.clone())
            .or_insert_with(|| Act::new(approval.id, What::Approved, approval.person, approval.at));
        act.fields.extend(approval.fields);
        act.count(approval.rec, approval.rev);
    })?;
    visit_decisions(&*context.store, &mut |decision| {
        if !is_wanted(decision.rec) {
            return;
        }
        let what = match decision.verdict {
            Verdict::Rejected => What::Rejected,
            Verdict::Withdrawn => What::Withdrawn,
        };
        let act = acts
            .entry(decision.id.clone())
            .or_insert_with(|| Act::new(decision.id, what, decision.person, decision.at));
        act.reason = decision.reason;
        act.count(decision.rec, decision.rev);
    })?;
    for set in load_sets(context)? {
        if let Some(act) = acts.get_mut(&set.id).filter(|_| rec.is_none()) {
            act.meant = Some(set.records);
        }
    }
    Ok(acts.into_values().collect())
}

impl Act {
    fn new(id: String, what: What, person: Person, at: u64) -> Self {
        let (fields, reason, some) = (BTreeSet::new(), String::new(), Vec::new());
        Self { id, what, person, at, fields, reason, records: 0, some, meant: None }
    }

    fn count(&mut self, rec: RecordHandle, rev: u32) {
        self.records = self.records.saturating_add(1);
        if self.some.len() < KEYS_SHOWN {
            self.some.push((rec, rev));
        }
    }

    fn line(&self, context: &Context, language: Language) -> Result<String, CommandFailed> {
        let what = match self.what {
            What::Approved => language.pick("批准", "approved"),
            What::Rejected => language.pick("驳回", "rejected"),
            What::Withdrawn => language.pick("撤回", "withdrew"),
        };
        let mut names = Vec::new();
        for (rec, rev) in &self.some {
            let stored = context.records.last(*rec)?.map(|stored| stored.revision);
            let name =
                stored.map_or_else(|| rec.to_string(), |of| format!("{} {}", of.kind, shown_key(&of.key)));
            names.push(language.pick(format!("{name} 第 {rev} 版"), format!("{name} revision {rev}")));
        }
        let more = if self.records > names.len() as u64 { "…" } else { "" };
        let (names, fields) = (names.join("; "), self.fields.iter().cloned().collect::<Vec<_>>().join(", "));
        let about = if fields.is_empty() { &self.reason } else { &fields };
        let cut = match self.meant {
            Some(meant) if meant > self.records => language.pick(
                format!("  中断：原定 {meant} 条，再次批准即可补齐"),
                format!("  interrupted: {meant} were meant, approve again to reach the rest"),
            ),
            Some(_) | None => String::new(),
        };
        let (at, person) = (moment(self.at), &self.person);
        Ok(match language {
            Language::Zh => format!(
                "{at}  {}（{}）{what} {} 条：{about}  [{names}{more}]  编号 {}{cut}",
                person.name,
                person.role.title_zh(),
                self.records,
                self.id
            ),
            Language::En => format!(
                "{at}  {} ({}) {what} {} records: {about}  [{names}{more}]  {}{cut}",
                person.name, person.role, self.records, self.id
            ),
        })
    }

    fn json(&self) -> Value {
        let what = match self.what {
            What::Approved => "approved",
            What::Rejected => "rejected",
            What::Withdrawn => "withdrawn",
        };
        let some = self.some.iter().map(|(rec, rev)| json!({ "rec": rec.to_string(), "rev": rev }));
        json!({
            "id": self.id, "what": what, "person": self.person, "at": self.at, "fields": self.fields,
            "reason": self.reason, "records": self.records, "meant": self.meant, "some": some.collect::<Vec<_>>(),
        })
    }
}
