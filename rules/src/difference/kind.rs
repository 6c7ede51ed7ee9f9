//! What changes about a kind.

use super::words::{both, pick, state_word};
use super::{About, Changes, Severity, field};
use crate::class::{Ceiling, Class};
use crate::field::Field;
use crate::kind::Kind;
use crate::lang::Lang;

fn about(kind: &Kind) -> About<'_> {
    let id = kind.id();
    About {
        kind: Some(id),
        field: None,
        file: file_of(kind),
        subject: both(|lang| format!("{} {id}", kind.title(lang))),
    }
}

pub(super) fn file_of(kind: &Kind) -> String {
    format!("kinds/{}.json", kind.id())
}

/// Whether a policy can send the field by itself, in some state.
pub(super) fn may_leave(field: &Field) -> bool {
    [Some(true), Some(false)].into_iter().any(|state| {
        field.class.in_state(state) <= Class::C1 && field.ceiling.in_state(state) == Ceiling::Hub
    })
}

pub(super) fn added(kind: &Kind, changes: &mut Changes) {
    let leaving: Vec<&Field> = kind.fields().iter().filter(|field| may_leave(field)).collect();
    let severity = if leaving.is_empty() { Severity::AsksMore } else { Severity::RevealsMore };
    let count = kind.fields().len();
    let names = |lang: Lang| {
        let titles: Vec<&str> = leaving.iter().map(|field| field.title(lang)).collect();
        if titles.is_empty() {
            pick(lang, "无", "none").to_owned()
        } else {
            titles.join(pick(lang, "、", ", "))
        }
    };
    let zh = format!(
        "新增的记录类别，{count} 个字段；披露政策写明这一类别之前不外传。可按政策发往枢纽的字段：{}",
        names(Lang::Zh)
    );
    let en = format!(
        "a new kind of {count} fields; nothing of it leaves until the disclosure policy names it. Fields that may go to the hub by policy: {}",
        names(Lang::En)
    );
    changes.push(severity, &about(kind), &zh, &en);
}

pub(super) fn removed(kind: &Kind, changes: &mut Changes) {
    changes.push(
        Severity::ComputesDifferently,
        &about(kind),
        "不再有这一记录类别；已保存的记录留在本单位，不再外传，也不能再导入",
        "the kind is gone; records that are stored stay here, nothing of them leaves any more, and none can be imported",
    );
}

pub(super) fn compare(old: &Kind, new: &Kind, changes: &mut Changes) {
    let about = about(new);
    for lang in [Lang::Zh, Lang::En] {
        if old.title(lang) != new.title(lang) {
            let (from, to) = (old.title(lang), new.title(lang));
            let (zh, en) =
                (format!("名称由“{from}”改为“{to}”"), format!("the title changes from {from:?} to {to:?}"));
            changes.push(Severity::WordsOnly, &about, &zh, &en);
        }
    }
    if old.digests() != new.digests() {
        let (from, to) = (old.digests(), new.digests());
        let zh = format!("每份声明的摘要数由 {from} 改为 {to}");
        let en = format!("the number of digests in each statement changes from {from} to {to}");
        changes.push(Severity::ComputesDifferently, &about, &zh, &en);
    }
    compare_states(old, new, &about, changes);
    compare_order(old, new, &about, changes);
    for field in new.fields() {
        match old.field(field.name()) {
            Some(before) => field::compare(new, before, field, changes),
            None => field::added(new, field, changes),
        }
    }
    for field in old.fields().iter().filter(|field| new.field(field.name()).is_none()) {
        field::removed(new, field, changes);
    }
}

/// Which records count as published decides what leaves of all of them.
fn compare_states(old: &Kind, new: &Kind, about: &About<'_>, changes: &mut Changes) {
    for (state, rule) in new.states() {
        if old.states().get(state).is_some_and(|before| before != rule) {
            let zh = format!("“{}”的判定条件改变：更多记录可能因此视为已公开", state_word(state, Lang::Zh));
            let en = format!(
                "when a record counts as {} is decided differently: more records may count as such",
                state_word(state, Lang::En)
            );
            changes.push(Severity::RevealsMore, about, &zh, &en);
        }
    }
}

fn compare_order(old: &Kind, new: &Kind, about: &About<'_>, changes: &mut Changes) {
    let names = |of: &Kind, other: &Kind| -> Vec<String> {
        let shared = of.fields().iter().filter(|field| other.field(field.name()).is_some());
        shared.map(|field| field.name().to_owned()).collect()
    };
    if names(old, new) != names(new, old) {
        changes.push(Severity::WordsOnly, about, "字段的次序改变", "the order of its fields changes");
    }
}
