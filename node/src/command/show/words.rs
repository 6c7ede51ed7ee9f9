//! What `show` says about a field's fate, authority and value.

use safeharbor_rules::{Fate, Field, WithheldBecause};
use safeharbor_service::person::Person;
use serde_json::Value;

use crate::command::failure::ceiling_zh;
use crate::command::policy::mode_text;
use crate::command::view::{Standing, View, Way};
use crate::disclosure::Planned;
use crate::hold::{Held, Why};
use crate::outbox::Authority;
use crate::policy::{InForce, mode_of};
use crate::records::Source;
use crate::speech::{CatalogueLanguage as _, Language, moment};

pub(in crate::command) fn way_text(way: Way, language: Language) -> &'static str {
    match way {
        Way::Stays => language.pick("留在本地", "stays here"),
        Way::Waits => language.pick("待发：尚未离开本节点", "waiting: has not left"),
        Way::Left => language.pick("已离开本节点", "has left"),
    }
}

/// How a record stands, for people.
pub(in crate::command) fn standing_text(standing: Standing, language: Language) -> &'static str {
    match standing {
        Standing::Undecided => language.pick("待审批，留在本地", "awaits a decision, stays here"),
        Standing::Waits => language.pick("待发，尚未离开", "waiting, has not left"),
        Standing::Left => language.pick("已离开", "has left"),
        Standing::Held(Why::Rejected) => language.pick("已驳回，留在本地", "rejected, stays here"),
        Standing::AwaitsAgain => language.pick(
            "此前内容已驳回，变更后待再次决定，留在本地",
            "rejected before, changed since: awaits a decision again, stays here",
        ),
        Standing::Held(Why::Withdrawn) => language.pick("已撤回，留在本地", "withdrawn, stays here"),
        Standing::Held(Why::Secret) => {
            language.pick("留置：现已涉密，请删除", "held: now classified, erase it")
        }
        Standing::Held(Why::Forbidden) => language
            .pick("留置：后来的同一行含禁止保存的内容", "held: a later row holds what must not be stored"),
    }
}

/// How a record stands, for programs.
pub(in crate::command) const fn standing_word(standing: Standing) -> &'static str {
    match standing {
        Standing::Undecided => "undecided",
        Standing::Waits => "waits",
        Standing::Left => "left",
        Standing::Held(why) => why_word(why),
        Standing::AwaitsAgain => "awaits-again",
    }
}

pub(in crate::command) const fn why_word(why: Why) -> &'static str {
    match why {
        Why::Rejected => "rejected",
        Why::Withdrawn => "withdrawn",
        Why::Forbidden => "forbidden",
        Why::Secret => "secret",
    }
}

/// Who keeps a record here, since when and why.
pub(super) fn hold_text(held: &Held, reason: &str, language: Language) -> String {
    let (hold, standing) = (&held.hold, standing_text(Standing::of_held(held), language));
    let at = moment(hold.at);
    match (&hold.person, language) {
        (Some(person), Language::Zh) => {
            let role = person.role.title_zh();
            format!("{standing}；{}（{role}）于 {at} 决定：{reason}", person.name)
        }
        (Some(person), Language::En) => {
            format!("{standing}; decided by {} ({}) on {at}: {reason}", person.name, person.role)
        }
        (None, Language::Zh) if hold.why == Why::Withdrawn => {
            format!("{standing}；{at} 从枢纽取回的声明链表明备份之后已撤回：请删除（erase）或重新批准")
        }
        (None, Language::En) if hold.why == Why::Withdrawn => format!(
            "{standing}; the chain fetched from the hub on {at} says that it was taken back after the backup: erase it or approve it again"
        ),
        (None, Language::Zh) => format!("{standing}；{at} 导入的同一行被拒，其内容未保存"),
        (None, Language::En) => {
            format!("{standing}; the row imported on {at} was refused and not kept")
        }
    }
}

pub(in crate::command) fn source_text(source: &Source, language: Language) -> String {
    match (source, language) {
        (Source::Import { file, row, .. }, Language::Zh) => format!("来自 {file} 第 {row} 行"),
        (Source::Import { file, row, .. }, Language::En) => format!("from {file} row {row}"),
        (Source::Edit { person }, Language::Zh) => format!("由 {} 修改", person.name),
        (Source::Edit { person }, Language::En) => format!("edited by {}", person.name),
        (Source::Retirement { file, row, person }, Language::Zh) => {
            format!("已停用：{file} 第 {row} 行要求删除，由 {} 导入", person.name)
        }
        (Source::Retirement { file, row, person }, Language::En) => {
            format!("retired: row {row} of {file}, imported by {}, deletes it", person.name)
        }
        (Source::Restatement { person }, Language::Zh) => {
            format!("内容未变，由 {} 决定公开更多", person.name)
        }
        (Source::Restatement { person }, Language::En) => {
            format!("same content, {} decided to reveal more", person.name)
        }
    }
}

pub(super) fn policy_text(view: &View<'_>, policy: Option<&InForce>, language: Language) -> String {
    let mode = mode_of(policy, view.kind.id());
    let rule = mode_text(mode, language);
    match (policy, language) {
        (None, Language::Zh) => format!("尚未接受任何政策：{rule}"),
        (None, Language::En) => format!("none accepted: {rule}"),
        (Some(InForce { accepted, .. }), Language::Zh) => format!(
            "第 {} 版，{} 于 {} 接受；本类别：{rule}",
            accepted.version,
            accepted.person.name,
            moment(accepted.at)
        ),
        (Some(InForce { accepted, .. }), Language::En) => format!(
            "version {}, accepted by {} on {}; this kind: {rule}",
            accepted.version,
            accepted.person.name,
            moment(accepted.at)
        ),
    }
}

pub(super) fn why_text(planned: &Planned, view: &View<'_>, language: Language) -> String {
    if let Some(authority) = &planned.authority {
        let at = match authority {
            Authority::Approval { id, .. } => view.approved_at.get(id),
            Authority::Policy { .. } => None,
        };
        let at = at.map_or_else(String::new, |at| {
            language.pick(format!("，{}", moment(*at)), format!(", {}", moment(*at)))
        });
        return format!("{}{at}", authority_text(authority, language));
    }
    let ceiling = planned.field.ceiling;
    match planned.field.fate {
        Fate::Revealed { .. } | Fate::Stays => String::new(),
        Fate::DigestOnly { why: WithheldBecause::CommitOnly } => {
            language.pick("未获准公开", "not allowed to be revealed").to_owned()
        }
        Fate::DigestOnly { why: WithheldBecause::NeedsApproval } => language
            .pick("须由具名人员批准（approve）", "takes a named person's approval (approve)")
            .to_owned(),
        Fate::DigestOnly { why: WithheldBecause::Ceiling } => match language {
            Language::Zh => format!("披露上限：{}", ceiling_zh(ceiling)),
            Language::En => format!("ceiling: {ceiling}"),
        },
        Fate::DigestOnly { why: WithheldBecause::Unfit } => language
            .pick("值不符合类别定义，不公开", "the value does not fit the kind, so it is not revealed")
            .to_owned(),
    }
}

pub(in crate::command) fn authority_text(authority: &Authority, language: Language) -> String {
    let name = |person: &Person| format!("{}（{}）", person.name, person.role.title_zh());
    match (authority, language) {
        (Authority::Policy { version, person }, Language::Zh) => {
            format!("依据：披露政策第 {version} 版，{}接受", name(person))
        }
        (Authority::Policy { version, person }, Language::En) => {
            format!("by policy version {version}, accepted by {} ({})", person.name, person.role)
        }
        (Authority::Approval { id, person }, Language::Zh) => {
            format!("依据：{}批准，编号 {id}", name(person))
        }
        (Authority::Approval { id, person }, Language::En) => {
            format!("by approval {id} of {} ({})", person.name, person.role)
        }
    }
}

/// A value as people write it: code labels, 万元, lists with semicolons.
pub(in crate::command) fn value_text(field: Option<&Field>, value: &Value, language: Language) -> String {
    match value {
        Value::String(text) => {
            let label = field.and_then(Field::codes).map(|codes| codes.label(text, language.lang()));
            match label {
                Some(label) if label != text => format!("{label}（{text}）"),
                Some(_) | None => text.clone(),
            }
        }
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(|item| value_text(field, item, language)).collect();
            items.join("；")
        }
        Value::Number(number) => match (field.and_then(Field::unit), number.as_u64()) {
            (Some("分"), Some(fen)) => format!("{} 万元", in_ten_thousands(fen)),
            (Some("bp"), Some(points)) => format!("{}.{:02}%", points / 100, points % 100),
            _ => number.to_string(),
        },
        Value::Bool(flag) => match (flag, language) {
            (true, Language::Zh) => "是".to_owned(),
            (false, Language::Zh) => "否".to_owned(),
            (true, Language::En) => "yes".to_owned(),
            (false, Language::En) => "no".to_owned(),
        },
        Value::Null | Value::Object(_) => value.to_string(),
    }
}

/// 分 as 万元, with as many decimals as it takes.
fn in_ten_thousands(fen: u64) -> String {
    let text = format!("{}.{:06}", fen / 1_000_000, fen % 1_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_shown_in_ten_thousands() {
        for (fen, text) in
            [(0, "0"), (63_500_000, "63.5"), (1, "0.000001"), (1_000_000, "1"), (120_000_000, "120")]
        {
            assert_eq!(in_ten_thousands(fen), text);
        }
    }
}
