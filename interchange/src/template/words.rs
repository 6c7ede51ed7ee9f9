//! What a template says of a field: how to fill it in, and who may see it.

use safeharbor_rules::{ByState, Class, Field, Lang, ValueType};

use crate::layout::Column;

/// The note below a header.
pub(super) fn note(column: &Column<'_>) -> String {
    let field = column.field();
    let need = if field.is_required() { "必填 required" } else { "选填 optional" };
    let (zh, en) = how(column);
    let example = field.example().map(|example| format!("\n例 e.g. {example}")).unwrap_or_default();
    format!("{need}\n{zh}\n{en}{example}\n谁能看到：{}", who(field, Lang::Zh))
}

/// How the column is filled in, in both languages.
pub(super) fn how(column: &Column<'_>) -> (String, String) {
    let field = column.field();
    let is_list = matches!(field.value_type(), ValueType::List(_));
    let (zh, en) = if column.is_table() {
        ("记录内的表格（JSON）；手工填报可留空", "a table within the record (JSON); leave it empty by hand")
    } else if let Some((gate, list)) = field.gate().zip(field.codes()) {
        let label = |lang| list.label(gate, lang).to_owned();
        return (
            format!("只收“{}”的记录", label(Lang::Zh)),
            format!("only records that are {} are taken", label(Lang::En)),
        );
    } else if field.codes().is_some() {
        ("从列表中选（见“说明”）", "choose from the list (see 说明)")
    } else {
        match field.value_type().item() {
            ValueType::Date => ("日期，写作 2024-03-01", "a date such as 2024-03-01"),
            ValueType::Month => ("年月，写作 2024-03", "a month such as 2024-03"),
            ValueType::Institution => ("18 位统一社会信用代码", "an 18-character institution code"),
            ValueType::Flag => ("是 或 否", "是 (yes) or 否 (no)"),
            ValueType::Integer | ValueType::Number => return number(column),
            ValueType::Text | ValueType::List(_) | ValueType::Group => ("文字", "text"),
        }
    };
    match is_list && !column.is_table() {
        true => (format!("{zh}；多项用“；”分隔"), format!("{en}; separate several with ；")),
        false => (zh.to_owned(), en.to_owned()),
    }
}

fn number(column: &Column<'_>) -> (String, String) {
    match column.unit() {
        Some(unit) => (format!("数字，单位{unit}，不写逗号"), format!("a number in {unit}, without commas")),
        None => ("数字，不写逗号".to_owned(), "a number, without commas".to_owned()),
    }
}

/// Who may see the field, by its class; the institution's policy and approvals only narrow it.
pub(super) fn who(field: &Field, lang: Lang) -> String {
    match field.class() {
        ByState::Constant(class) => of_class(*class, lang).to_owned(),
        ByState::Table { when_true, when_false, .. } => {
            let (before, after) = (of_class(*when_false, lang), of_class(*when_true, lang));
            match lang {
                Lang::Zh => format!("公开前 {before}；公开后 {after}"),
                Lang::En => format!("before publication {before}; after it {after}"),
            }
        }
    }
}

fn of_class(class: Class, lang: Lang) -> &'static str {
    match (class, lang) {
        (Class::C0, Lang::Zh) => "公众 (C0)",
        (Class::C0, Lang::En) => "anyone (C0)",
        (Class::C1, Lang::Zh) => "获准后枢纽可见 (C1)",
        (Class::C1, Lang::En) => "the hub, once allowed (C1)",
        (Class::C2, Lang::Zh) => "只以汇总数离开本单位 (C2)",
        (Class::C2, Lang::En) => "leaves only within totals (C2)",
        (Class::C3, Lang::Zh) => "仅本单位，除非逐项批准 (C3)",
        (Class::C3, Lang::En) => "your institution alone, unless a person approves the value (C3)",
        (Class::CX, Lang::Zh) => "不得填写 (CX)",
        (Class::CX, Lang::En) => "must not be filled in (CX)",
    }
}
