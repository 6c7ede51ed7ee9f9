//! What changes about a field.

use serde_json::Value;

use super::kind::{file_of, may_leave};
use super::words::{both, ceiling, class, derivation, from_to, optional, pick, same, subject, value_type};
use super::{About, Changes, Severity};
use crate::class::{ByState, Class};
use crate::field::Field;
use crate::kind::Kind;
use crate::lang::{Lang, Titles};

fn about<'a>(kind: &'a Kind, field: &'a Field) -> About<'a> {
    let (id, name) = (kind.id(), field.name());
    let subject = both(|lang| match lang {
        Lang::Zh => format!("{} {id} 的“{}”（{name}）", kind.title(lang), field.title(lang)),
        Lang::En => format!("{:?} ({name}) of {} {id}", field.title(lang), kind.title(lang)),
    });
    About { kind: Some(id), field: Some(name), file: file_of(kind), subject }
}

pub(super) fn added(kind: &Kind, field: &Field, changes: &mut Changes) {
    let severity = if may_leave(field) { Severity::RevealsMore } else { Severity::AsksMore };
    let required = both(|lang| {
        pick(
            lang,
            if field.required { "必填" } else { "选填" },
            if field.required { "required" } else { "optional" },
        )
        .to_owned()
    });
    let (class, ceiling) = (class(&field.class), ceiling(&field.ceiling));
    let zh = format!("新增的字段（{}）：{}；上限：{}", required.zh, class.zh, ceiling.zh);
    let en = format!("a new field ({}): {}; goes {}", required.en, class.en, ceiling.en);
    changes.push(severity, &about(kind, field), &zh, &en);
}

pub(super) fn removed(kind: &Kind, field: &Field, changes: &mut Changes) {
    changes.push(
        Severity::ComputesDifferently,
        &about(kind, field),
        "不再有这一字段；已保存的值留在本单位，不再外传",
        "the field is gone; values that are stored stay here, and none of them leaves any more",
    );
}

pub(super) fn compare(kind: &Kind, old: &Field, new: &Field, changes: &mut Changes) {
    let mut found = Found { about: about(kind, new), changes };
    compare_disclosure(old, new, &mut found);
    compare_demands(old, new, &mut found);
    compare_computing(old, new, &mut found);
    for lang in [Lang::Zh, Lang::En] {
        let (from, to) = (same(old.title(lang)), same(new.title(lang)));
        found.differs(from != to, Severity::WordsOnly, ("名称", "the title"), &from_to(&from, &to));
    }
    let (from, to) = (optional(old.example()), optional(new.example()));
    found.differs(from != to, Severity::WordsOnly, ("示例", "the example"), &from_to(&from, &to));
}

/// Changes about one field.
struct Found<'f, 'c> {
    about: About<'f>,
    changes: &'c mut Changes,
}

impl Found<'_, '_> {
    fn differs(&mut self, differs: bool, severity: Severity, (zh, en): (&str, &str), text: &Titles) {
        if differs {
            let (zh, en) = (format!("{zh}{}", text.zh), format!("{en} changes {}", text.en));
            self.changes.push(severity, &self.about, &zh, &en);
        }
    }

    /// A mark that the field has or does not have.
    fn turns(&mut self, (old, new): (bool, bool), [on, off]: [(Severity, &str, &str); 2]) {
        if old != new {
            let (severity, zh, en) = if new { on } else { off };
            self.changes.push(severity, &self.about, zh, en);
        }
    }
}

/// Who may see the value.
fn compare_disclosure(old: &Field, new: &Field, found: &mut Found<'_, '_>) {
    let severity = |loosens| if loosens { Severity::RevealsMore } else { Severity::ComputesDifferently };
    let loosens = is_lower_somewhere(&new.class, &old.class);
    let text = from_to(&class(&old.class), &class(&new.class));
    found.differs(old.class != new.class, severity(loosens), ("披露等级", "the class"), &text);
    let loosens = new.ceiling.above(&old.ceiling).is_some();
    let text = from_to(&ceiling(&old.ceiling), &ceiling(&new.ceiling));
    found.differs(old.ceiling != new.ceiling, severity(loosens), ("披露上限", "the ceiling"), &text);
    let text = from_to(&subject(old.subject), &subject(new.subject));
    let loosens = old.subject.is_some();
    found.differs(old.subject != new.subject, severity(loosens), ("涉及的对象", "whom it is about"), &text);
    let text = from_to(&optional(old.gate()), &optional(new.gate()));
    let loosens = old.gate.is_some();
    found.differs(old.gate != new.gate, severity(loosens), ("放行的值", "the only value that passes"), &text);
    let on = (
        Severity::ComputesDifferently,
        "改为自由文本：值须经具名人员批准才外传",
        "it becomes free text: a value leaves by a named person's approval only",
    );
    let off = (Severity::RevealsMore, "不再是自由文本", "it is free text no more");
    found.turns((old.free_text, new.free_text), [on, off]);
}

/// What records must hold.
fn compare_demands(old: &Field, new: &Field, found: &mut Found<'_, '_>) {
    let asks = Severity::AsksMore;
    let on = (
        asks,
        "改为必填：没有它的记录不能导入",
        "it becomes required: records without it cannot be imported",
    );
    let off = (Severity::ComputesDifferently, "改为选填", "it becomes optional");
    found.turns((old.required, new.required), [on, off]);
    let text = from_to(&value_type(&old.value_type), &value_type(&new.value_type));
    found.differs(old.value_type != new.value_type, asks, ("值的类型", "the type"), &text);
    let text = from_to(&optional(old.unit()), &optional(new.unit()));
    found.differs(old.unit != new.unit, asks, ("单位", "the unit"), &text);
    let list = |field: &Field| optional(field.codes().map(crate::CodeList::name));
    let (from, to) = (list(old), list(new));
    found.differs(from != to, asks, ("代码表", "the code list"), &from_to(&from, &to));
    // Codes are told apart list by list.
    if from == to && old.value_type == new.value_type && without_codes(old) != without_codes(new) {
        let text = from_to(&same(without_codes(old)), &same(without_codes(new)));
        found.differs(true, asks, ("对值的要求", "what values fit"), &text);
    }
    let link = |field: &Field| optional(field.link().map(|link| link.kind().as_str()));
    let (from, to) = (link(old), link(new));
    found.differs(
        old.link != new.link,
        asks,
        ("所指的记录类别", "the kind it refers to"),
        &from_to(&from, &to),
    );
}

/// What follows from the value.
fn compare_computing(old: &Field, new: &Field, found: &mut Found<'_, '_>) {
    let differently = Severity::ComputesDifferently;
    let on = (
        differently,
        "改为主键的一部分：记录的同一性由它判定",
        "it becomes part of the key: it tells records apart",
    );
    let off = (differently, "不再是主键的一部分", "it is no part of the key any more");
    found.turns((old.key, new.key), [on, off]);
    let text = from_to(&derivation(old.derivation.as_ref()), &derivation(new.derivation.as_ref()));
    found.differs(old.derivation != new.derivation, differently, ("推算方法", "how it is derived"), &text);
    let forms = |field: &Field| same(field.forms.join(" "));
    let text = from_to(&forms(old), &forms(new));
    found.differs(old.forms != new.forms, differently, ("所属报表", "the forms that have it"), &text);
}

/// Whether the first is less strict than the second in some state; tables over two states are compared at their worst.
fn is_lower_somewhere(new: &ByState<Class>, old: &ByState<Class>) -> bool {
    let values = |rule: &ByState<Class>| [Some(true), Some(false)].map(|state| rule.in_state(state));
    let apart = matches!((new.state(), old.state()), (Some(one), Some(other)) if one != other);
    let (new, old) = (values(new), values(old));
    if apart { new.iter().min() < old.iter().max() } else { new.iter().zip(&old).any(|(new, old)| new < old) }
}

/// The schema as it is written, without the codes of its list.
fn without_codes(field: &Field) -> String {
    let mut schema = field.schema.clone();
    if field.codes.is_some()
        && let Some(words) = schema.as_object_mut()
    {
        words.remove("enum");
        if let Some(items) = words.get_mut("items").and_then(Value::as_object_mut) {
            items.remove("enum");
        }
    }
    schema.to_string()
}
