//! `kinds` and `kind`: which record kinds there are, and what each field of one takes. Needs no store.

use std::io;

use safeharbor_rules::{ByState, Catalogue, Ceiling, Class, CodeList, Field, Kind, Lang, ValueType};
use serde_json::{Value, json};

use super::failure::ceiling_zh;
use crate::speech::{CatalogueLanguage as _, Format, Language, Speech, padded};

/// Lists every kind.
///
/// # Errors
/// Nobody reads.
pub fn list_kinds(catalogue: &Catalogue, speech: &mut Speech<'_>) -> io::Result<()> {
    if speech.format == Format::Json {
        let rows = catalogue.kinds().map(|kind| {
            json!({"id": kind.id().as_str(), "zh": kind.title(Lang::Zh), "en": kind.title(Lang::En), "fields": kind.fields().len()})
        });
        return speech.json(&rows.collect());
    }
    let line = |id: &str, zh: &str, en: &str, fields: &str| {
        format!("{}  {}  {}  {fields}", padded(id, 8), padded(zh, 20), padded(en, 28))
    };
    let [id, zh, en, fields] =
        speech.pick(["类别", "中文名称", "英文名称", "字段数"], ["Kind", "Chinese", "English", "Fields"]);
    speech.data(line(id, zh, en, fields))?;
    for kind in catalogue.kinds() {
        let count = kind.fields().len().to_string();
        speech.data(line(kind.id().as_str(), kind.title(Lang::Zh), kind.title(Lang::En), &count))?;
    }
    Ok(())
}

/// Shows what the fields of one kind take and how far their values may go.
///
/// # Errors
/// Nobody reads.
pub fn show_kind(kind: &Kind, speech: &mut Speech<'_>) -> io::Result<()> {
    if speech.format == Format::Json {
        return speech.json(&kind_json(kind));
    }
    speech.data(heading(kind, speech.language))?;
    speech.data("")?;
    let heads = speech.pick(
        ["字段（* 必填）", "取值", "披露等级", "上限"],
        ["Field (* required)", "Takes", "Class", "Ceiling"],
    );
    speech.data(line(heads))?;
    for field in kind.fields() {
        let row = [name_text(field, speech.language), takes_text(field, speech.language)];
        let [name, takes] = row.each_ref().map(String::as_str);
        let class = by_state(field.class(), speech.language, class_text);
        let ceiling = by_state(field.ceiling(), speech.language, ceiling_text);
        speech.data(line([name, takes, &class, &ceiling]))?;
    }
    let coded: Vec<(&Field, &CodeList)> =
        kind.fields().iter().filter_map(|field| field.codes().map(|list| (field, list))).collect();
    if !coded.is_empty() {
        speech.data("")?;
        speech.data(speech.pick("代码表", "Code lists"))?;
    }
    for (field, list) in coded {
        speech.data(codes_text(field, list, speech.language))?;
    }
    Ok(())
}

fn line([name, takes, class, ceiling]: [&str; 4]) -> String {
    format!("{}  {}  {}  {ceiling}", padded(name, 46), padded(takes, 34), padded(class, 40))
}

fn heading(kind: &Kind, language: Language) -> String {
    let (id, zh, en) = (kind.id(), kind.title(Lang::Zh), kind.title(Lang::En));
    let keys: Vec<&str> = kind.key_fields().map(Field::name).collect();
    let (keys, fields, digests) = (keys.join(", "), kind.fields().len(), kind.digests());
    language.pick(
        format!("{zh} {id}（{en}）：{fields} 个字段，主键 {keys}，每份声明 {digests} 个摘要"),
        format!("{en} {id} ({zh}): {fields} fields, key {keys}, {digests} digests in every statement"),
    )
}

fn name_text(field: &Field, language: Language) -> String {
    let mark = if field.is_required() { "* " } else { "  " };
    format!("{mark}{} {}", field.title(language.lang()), field.name())
}

fn takes_text(field: &Field, language: Language) -> String {
    let mut text = match field.codes() {
        Some(list) => coded_text(field.value_type(), list, language),
        None => type_text(field.value_type(), language),
    };
    let longest = field.schema().get("maxLength").and_then(Value::as_u64);
    let longest = longest.filter(|_| field.value_type() == &ValueType::Text);
    let notes = [
        parts_text(field.schema()),
        field.unit().map(str::to_owned),
        longest.map(|most| format!("≤{most}")),
        field.link().map(|link| format!("→ {}", link.kind())),
        example_text(field, language),
    ];
    for note in notes.into_iter().flatten() {
        text.push(' ');
        text.push_str(&note);
    }
    text
}

fn coded_text(value_type: &ValueType, list: &CodeList, language: Language) -> String {
    let name = list.name();
    if matches!(value_type, ValueType::List(_)) {
        language.pick(format!("代码列表 {name}"), format!("list of codes {name}"))
    } else {
        language.pick(format!("代码 {name}"), format!("code {name}"))
    }
}

/// The parts of a group, or of the groups of a list.
fn parts_text(schema: &Value) -> Option<String> {
    let parts = schema.get("items").unwrap_or(schema).get("properties")?.as_object()?;
    let names: Vec<&str> = parts.keys().map(String::as_str).collect();
    Some(format!("({})", names.join(", ")))
}

/// An example of the form; that of a digest says no more than its name.
fn example_text(field: &Field, language: Language) -> Option<String> {
    const SHOWN_MAX: usize = 20;
    let example = field.example().filter(|example| field.codes().is_none() && example.len() <= SHOWN_MAX)?;
    Some(language.pick(format!("如 {example}"), format!("like {example}")))
}

fn type_text(value_type: &ValueType, language: Language) -> String {
    let (zh, en) = match value_type {
        ValueType::List(item) => {
            let item = type_text(item, language);
            return language.pick(format!("{item}列表"), format!("list of {item}"));
        }
        ValueType::Text => ("文本", "text"),
        ValueType::Date => ("日期", "date"),
        ValueType::Month => ("年月", "month"),
        ValueType::Institution => ("统一社会信用代码", "institution code"),
        ValueType::Integer => ("整数", "whole number"),
        ValueType::Number => ("数字", "number"),
        ValueType::Flag => ("是/否", "yes or no"),
        ValueType::Group => ("分项", "group"),
    };
    language.pick(zh, en).to_owned()
}

fn by_state<T: Copy>(
    table: &ByState<T>,
    language: Language,
    text: fn(T, Language) -> &'static str,
) -> String {
    match table {
        ByState::Constant(value) => text(*value, language).to_owned(),
        ByState::Table { state, when_true, when_false } => {
            let (yes, no) = (text(*when_true, language), text(*when_false, language));
            let state = if state == "published" { language.pick("公开后", "once public") } else { state };
            language.pick(format!("{state} {yes}，否则 {no}"), format!("{state} {yes}, otherwise {no}"))
        }
    }
}

const fn class_text(class: Class, language: Language) -> &'static str {
    let (zh, en) = match class {
        Class::C0 => ("C0 公开", "C0 public"),
        Class::C1 => ("C1 可逐条披露", "C1 may go to the hub"),
        Class::C2 => ("C2 仅汇总", "C2 only aggregates"),
        Class::C3 => ("C3 留在节点", "C3 stays here"),
        Class::CX => ("CX 不得存储", "CX must not be stored"),
    };
    match language {
        Language::Zh => zh,
        Language::En => en,
    }
}

const fn ceiling_text(ceiling: Ceiling, language: Language) -> &'static str {
    match (language, ceiling) {
        (Language::Zh, ceiling) => ceiling_zh(ceiling),
        (Language::En, Ceiling::Never) => "nobody",
        (Language::En, Ceiling::Reviewer) => "one reviewer in a filing",
        (Language::En, Ceiling::Hub) => "the hub",
    }
}

fn codes_text(field: &Field, list: &CodeList, language: Language) -> String {
    let codes: Vec<String> =
        list.codes().iter().map(|code| format!("{} {}", code.code, code.label(language.lang()))).collect();
    let shown = match (codes.is_empty(), list.is_editable()) {
        (false, _) => codes.join(language.pick("、", ", ")),
        (true, _) => language
            .pick(
                "尚为空，由本单位设置，见 docs/kinds.md",
                "empty; the institution sets it, see docs/kinds.md",
            )
            .to_owned(),
    };
    format!("  {} {}: {shown}", field.title(language.lang()), list.name())
}

fn kind_json(kind: &Kind) -> Value {
    let fields: Vec<Value> = kind.fields().iter().map(field_json).collect();
    json!({
        "id": kind.id().as_str(), "zh": kind.title(Lang::Zh), "en": kind.title(Lang::En),
        "digests": kind.digests(), "fields": fields,
    })
}

fn field_json(field: &Field) -> Value {
    let codes = field.codes().map(|list| {
        let codes: Vec<Value> = list
            .codes()
            .iter()
            .map(|code| json!({"code": code.code, "zh": code.zh, "en": code.en}))
            .collect();
        json!({"list": list.name(), "editable": list.is_editable(), "codes": codes})
    });
    json!({
        "name": field.name(), "zh": field.title(Lang::Zh), "en": field.title(Lang::En), "schema": field.schema(),
        "unit": field.unit(), "required": field.is_required(), "key": field.is_key(),
        "class": state_json(field.class(), Class::as_str), "ceiling": state_json(field.ceiling(), Ceiling::as_str),
        "link": field.link().map(|link| link.kind().as_str()), "forms": field.forms(), "codes": codes,
        "free_text": field.is_free_text(), "derived_from": field.derived_from(),
    })
}

fn state_json<T: Copy>(table: &ByState<T>, word: fn(T) -> &'static str) -> Value {
    match table {
        ByState::Constant(value) => word(*value).into(),
        ByState::Table { state, when_true, when_false } => {
            json!({"by": state, "true": word(*when_true), "false": word(*when_false)})
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(
        language: Language,
        format: Format,
        say: impl FnOnce(&mut Speech<'_>) -> io::Result<()>,
    ) -> String {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        say(&mut Speech { out: &mut out, err: &mut err, language, format, terminal: false }).unwrap();
        assert!(err.is_empty());
        String::from_utf8(out).unwrap()
    }

    fn kind(language: Language, format: Format, id: &str) -> String {
        let catalogue = Catalogue::embedded().unwrap();
        let kind = catalogue.kind(&id.parse().unwrap()).unwrap();
        said(language, format, |speech| show_kind(kind, speech))
    }

    fn squeezed(text: &str) -> String {
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn every_kind_is_listed() {
        let catalogue = Catalogue::embedded().unwrap();
        let text = said(Language::Zh, Format::Table, |speech| list_kinds(&catalogue, speech));
        assert_eq!(text.lines().count(), 1 + catalogue.kinds().count());
        let shown = squeezed(&text);
        assert!(shown.contains("PRC 定价记录 Pricing 28"), "{shown}");
        let json = said(Language::En, Format::Json, |speech| list_kinds(&catalogue, speech));
        let rows: Vec<Value> = serde_json::from_str(&json).unwrap();
        assert!(
            rows.contains(&json!({"id": "OBJ", "zh": "异议", "en": "Objection", "fields": 11})),
            "{rows:?}"
        );
    }

    #[test]
    fn a_field_is_shown_with_what_it_takes_and_how_far_it_goes() {
        let check = |language: Language, id: &str, wanted: &str| {
            let shown = squeezed(&kind(language, Format::Table, id));
            assert!(shown.contains(wanted), "{wanted}\n{shown}");
        };
        check(Language::Zh, "DEAL", "合同金额 price 整数 分 C3 留在节点 核验时仅限一名复核员");
        check(Language::Zh, "DEAL", "* 交易编号 deal_id 文本 ≤100 C2 仅汇总 可公开给枢纽");
        check(
            Language::En,
            "DEAL",
            "Achievements achievements list of text → ACH C2 only aggregates the hub",
        );
        check(
            Language::En,
            "ACH",
            "* Name name text ≤500 once public C1 may go to the hub, otherwise C3 stays here",
        );
        check(Language::Zh, "ACH", "成果类型 ach_type: T1 基础理论、T2 软科学、T3 应用技术");
        check(Language::Zh, "PRC", "出价记录 bids 分项列表 (bidder, price, related) C3");
        check(Language::En, "ACH", "Registration number reg_no text like 9112024Y0123 C1");
        check(Language::En, "ACH", "Technology stage stage code ach_stage C1");
        check(Language::Zh, "TEAM", "五方角色 party_role: 尚为空，由本单位设置");
    }

    #[test]
    fn programs_get_schema_class_and_codes() {
        let shown: Value = serde_json::from_str(&kind(Language::Zh, Format::Json, "ACH")).unwrap();
        let fields = shown["fields"].as_array().unwrap();
        let field = |name: &str| fields.iter().find(|field| field["name"] == name).unwrap();
        assert_eq!(field("name")["class"], json!({"by": "published", "true": "C1", "false": "C3"}));
        assert_eq!(field("inventors")["ceiling"], "reviewer");
        assert_eq!(field("stage")["codes"]["codes"][0]["code"], "S1");
    }
}
