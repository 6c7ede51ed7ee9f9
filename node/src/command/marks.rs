//! What a person should look at in the values that would be revealed: shown here, kept nowhere.

use std::collections::{BTreeMap, BTreeSet};

use safeharbor_rules::{Find, Kind, Record, scan_field};
use serde_json::{Value, json};

use super::record::shown_key;
use crate::records::Stored;
use crate::speech::{CatalogueLanguage as _, Language};

/// Characters shown on either side of a find.
const AROUND: usize = 10;
/// Finds shown in full.
const SHOWN_MAX: usize = 30;

/// The finds in the values that an approval would reveal.
#[derive(Debug, Default)]
pub(super) struct Marks {
    shown: Vec<Shown>,
    /// Word of the mark → how many.
    counts: BTreeMap<&'static str, u64>,
    records: u64,
}

/// One find with the text around it.
#[derive(Debug)]
struct Shown {
    key: String,
    field: String,
    find: Find,
    excerpt: String,
}

impl Marks {
    /// Looks at `fields` of one record.
    pub(super) fn add(&mut self, kind: &Kind, stored: &Stored, fields: &BTreeSet<String>) {
        let before = self.total();
        for field in fields {
            self.add_field(kind, &stored.revision.record, field, &stored.revision.key);
        }
        if self.total() > before {
            self.records = self.records.saturating_add(1);
        }
    }

    fn add_field(&mut self, kind: &Kind, record: &Record, field: &str, key: &str) {
        for (text, finds) in scan_field(kind, record, field) {
            for find in finds {
                let count = self.counts.entry(find.mark.as_str()).or_insert(0);
                *count = count.saturating_add(1);
                if self.shown.len() < SHOWN_MAX {
                    let (key, field) = (shown_key(key), field.to_owned());
                    self.shown.push(Shown { key, field, excerpt: excerpt(&text, &find), find });
                }
            }
        }
    }

    fn total(&self) -> u64 {
        self.counts.values().fold(0, |sum, count| sum.saturating_add(*count))
    }

    pub(super) fn lines(&self, kind: &Kind, language: Language) -> Vec<String> {
        let total = self.total();
        if total == 0 {
            return vec![
                language
                    .pick(
                        "  扫描：将公开的文字中未发现电话、邮箱、证件号、银行卡号或本记录人员姓名；这不代替您通读。",
                        "  scan: no phone, e-mail, identity or bank card number and no name of the record's persons in what would be revealed; read it all the same.",
                    )
                    .to_owned(),
            ];
        }
        let mut lines = vec![match language {
            Language::Zh => format!("  请留意：{} 条记录的将公开文字中有 {total} 处：", self.records),
            Language::En => {
                format!("  look at: {total} places in what would be revealed of {} records:", self.records)
            }
        }];
        lines.extend(self.shown.iter().map(|shown| shown.line(kind, language)));
        if let Some(more) = total.checked_sub(SHOWN_MAX as u64).filter(|more| *more > 0) {
            lines.push(language.pick(format!("    另有 {more} 处"), format!("    and {more} more")));
        }
        lines
    }

    pub(super) fn json(&self) -> Value {
        let place = |shown: &Shown| {
            json!({
                "key": shown.key, "field": shown.field, "mark": shown.find.mark.as_str(),
                "from": shown.find.characters.start, "to": shown.find.characters.end, "text": shown.excerpt,
            })
        };
        json!({
            "counts": self.counts, "records": self.records,
            "places": self.shown.iter().map(place).collect::<Vec<_>>(),
        })
    }
}

impl Shown {
    fn line(&self, kind: &Kind, language: Language) -> String {
        let Self { key, field, find, excerpt } = self;
        let title = kind.field(field).map_or(field.as_str(), |field| field.title(language.lang()));
        let mark = find.mark.title(language.lang());
        let at = find.characters.start.saturating_add(1);
        match language {
            Language::Zh => format!("    {key}  {title}（第 {at} 个字起）{mark}：{excerpt}"),
            Language::En => format!("    {key}  {title}, character {at}: {mark}: {excerpt}"),
        }
    }
}

/// The find between brackets, with some of the text around it.
fn excerpt(text: &str, find: &Find) -> String {
    let range = &find.characters;
    let from = range.start.saturating_sub(AROUND);
    let part = |from: usize, to: usize| -> String {
        let shown = text.chars().skip(from).take(to.saturating_sub(from));
        shown.map(|c| if c.is_control() { ' ' } else { c }).collect()
    };
    let (before, found, after) = (
        part(from, range.start),
        part(range.start, range.end),
        part(range.end, range.end.saturating_add(AROUND)),
    );
    let cut = if from > 0 { "…" } else { "" };
    format!("{cut}{before}【{found}】{after}")
}
