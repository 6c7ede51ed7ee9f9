//! The gate of secrecy (密级), for every kind: what a file says about secrecy is read as it stands, row by row.
//!
//! Each column about secrecy counts, whether the mapping reads it, ignores it or does not know it. In every row it must be
//! empty or hold one of the few texts below; a text that only looks similar (不公开, 非公开机密) is none of them.

use std::collections::BTreeSet;

use safeharbor_rules::{Field, Kind, Lang};

use super::arrange::Cells;
use super::header::Header;
use super::mapping::{FieldMapping, Mapping, MappingFailed, MappingFault, Unfit, refused};
use super::text::fold;

/// What a header that speaks of secrecy contains.
const ABOUT_SECRECY: [&str; 11] = [
    "密级",
    "密級",
    "涉密",
    "保密",
    "定密",
    "密等",
    "国家秘密",
    "机密",
    "classif",
    "secrecy",
    "confidential",
];
/// Texts that mean "not secret" under any header.
const PUBLIC: [&str; 6] = ["公开", "非密", "非涉密", "不涉密", "public", "unclassified"];
/// Texts that mean it only where the header asks for a level or a term: "no level", "no term".
const NO_LEVEL: [&str; 2] = ["无", "u"];
/// What a header that asks for a level or a term contains.
const LEVEL: [&str; 10] =
    ["密级", "密級", "密等", "等级", "期限", "年限", "涉密", "classif", "secrecy", "confidential"];
/// Words that may turn the question round, so that "no" or "none" could mean "secret".
const TURNED: [&str; 14] =
    ["非", "不", "无", "未", "解", "脱", "免", "届满", "审", "声明", "declassif", "un", "non", "not"];
/// Texts that mean it only as the answer to one of [`YES_NO`].
const NO: [&str; 5] = ["否", "no", "n", "false", "0"];
/// Headers, whole, that ask whether a row is secret.
const YES_NO: [&str; 15] = [
    "涉密",
    "是否涉密",
    "涉密与否",
    "是否为涉密",
    "是否属于涉密",
    "是否涉密项目",
    "是否涉密成果",
    "是否涉密合同",
    "是否为涉密项目",
    "是否为涉密成果",
    "是否保密",
    "classified",
    "isclassified",
    "confidential",
    "isconfidential",
];

/// The columns of one file that can keep a row out.
#[derive(Debug)]
pub(crate) struct Gates {
    columns: Vec<GateColumn>,
    /// The columns of each field without whose answer a row is refused.
    demanded: Vec<Vec<usize>>,
}

#[derive(Debug)]
struct GateColumn {
    index: usize,
    /// The folded texts that let a row through.
    open: BTreeSet<String>,
}

impl Gates {
    /// Finds the gate columns of `header`.
    ///
    /// # Errors
    /// A mapping that would overrule what the file says: by a constant, by `codes`, or by changing the text first.
    pub(crate) fn new(mapping: &Mapping, kind: &Kind, header: &Header) -> Result<Self, MappingFailed> {
        let fields: Vec<&Field> = kind.fields().iter().filter(|field| field.gate().is_some()).collect();
        refuse_arranged(mapping, &fields)?;
        for field in &fields {
            refuse_constant(mapping, field, header)?;
            for entry in mapping.fields.iter().filter(|entry| entry.field.value == field.name()) {
                refuse_changed_text(entry)?;
                refuse_translation(entry, field)?;
            }
        }
        let gate = |(index, name)| {
            let asking = fields.iter().copied().filter(|field| is_column_of(field, mapping, name));
            let asking: Vec<&Field> = asking.collect();
            let is_gate = is_about_secrecy(name) || !asking.is_empty();
            is_gate.then(|| GateColumn { index, open: open_texts(name, &asking) })
        };
        let entries =
            mapping.fields.iter().filter(|entry| fields.iter().any(|f| f.name() == entry.field.value));
        let demanded = entries.map(|entry| header.columns(entry).unwrap_or_default()).collect();
        Ok(Self { columns: header.names().enumerate().filter_map(gate).collect(), demanded })
    }

    /// Whether the file has no column about secrecy.
    pub(crate) fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// Whether the row says of itself, in any gate column, that it is not public or may not be.
    pub(crate) fn are_closed(&self, cells: Cells<'_>) -> bool {
        self.columns.iter().any(|column| {
            let text = fold(cells.cell(column.index).unwrap_or_default());
            !text.is_empty() && !column.open.contains(&text)
        })
    }

    /// Whether any gate column holds a text.
    pub(crate) fn say_anything(&self, cells: Cells<'_>) -> bool {
        self.columns.iter().any(|column| is_filled(cells, column.index))
    }

    /// Whether a row is refused because it does not say that it is public.
    pub(crate) fn lack_an_answer(&self, cells: Cells<'_>) -> bool {
        self.demanded.iter().any(|columns| !columns.iter().any(|&column| is_filled(cells, column)))
    }
}

fn is_filled(cells: Cells<'_>, column: usize) -> bool {
    !fold(cells.cell(column).unwrap_or_default()).is_empty()
}

/// Whether a header of this name speaks of secrecy, whatever stands between its characters.
pub(crate) fn is_about_secrecy(name: &str) -> bool {
    let name = letters(name);
    ABOUT_SECRECY.iter().any(|word| name.contains(word))
}

/// The letters and digits alone: 密 级, 密-级 and 密（级） ask the same.
fn letters(name: &str) -> String {
    fold(name).chars().filter(|c| c.is_alphanumeric()).collect()
}

/// Whether the column is titled like the field, or one that the mapping names for it; also one that it does not reach.
fn is_column_of(field: &Field, mapping: &Mapping, name: &str) -> bool {
    let name = fold(name);
    let mut entries = mapping.fields.iter().filter(|entry| entry.field.value == field.name());
    titles(field).contains(&name) || entries.any(|entry| entry.from.iter().any(|source| fold(source) == name))
}

fn titles(field: &Field) -> [String; 2] {
    [Lang::Zh, Lang::En].map(|lang| fold(field.title(lang)))
}

fn open_texts(name: &str, fields: &[&Field]) -> BTreeSet<String> {
    let own = fields.iter().flat_map(|field| gate_labels(field));
    own.chain(texts_under(name).map(str::to_owned)).collect()
}

/// What a column of this name may say of a row that is not secret.
fn texts_under(name: &str) -> impl Iterator<Item = &'static str> {
    let name = letters(name);
    let holds = |words: &[&str]| words.iter().any(|word| name.contains(word));
    let level = is_about_secrecy(&name) && holds(&LEVEL) && !holds(&TURNED);
    let yes_no = YES_NO.contains(&name.as_str());
    let level: &[&str] = if level { &NO_LEVEL } else { &[] };
    let no: &[&str] = if yes_no { &NO } else { &[] };
    PUBLIC.iter().chain(level).chain(no).copied()
}

/// The code that opens the field's gate, and its names.
fn gate_labels(field: &Field) -> Vec<String> {
    let Some(gate) = field.gate() else { return Vec::new() };
    let label = |lang| field.codes().map(|list| fold(list.label(gate, lang)));
    [Some(fold(gate)), label(Lang::Zh), label(Lang::En)].into_iter().flatten().collect()
}

/// A constant says that every row is public; a file with a gate column says it row by row.
fn refuse_constant(mapping: &Mapping, field: &Field, header: &Header) -> Result<(), MappingFailed> {
    let Some((place, _)) = mapping.constants.iter().find(|(place, _)| place.value == field.name()) else {
        return Ok(());
    };
    let titles = titles(field);
    match header.names().find(|name| is_about_secrecy(name) || titles.contains(&fold(name))) {
        Some(name) => Err(refused(place.line, &place.value, MappingFault::GateOverruled(name.to_owned()))),
        None => Ok(()),
    }
}

/// Filling down 公开, or cutting a heading short, would say public where the file does not.
fn refuse_arranged(mapping: &Mapping, fields: &[&Field]) -> Result<(), MappingFailed> {
    let arranging = &mapping.arranging;
    let filled = arranging.fill_down.iter().map(|name| ("fill_down", name));
    let is_gate =
        |name: &str| is_about_secrecy(name) || fields.iter().any(|field| is_column_of(field, mapping, name));
    match filled.chain(arranging.made()).find(|(_, name)| is_gate(&name.value)) {
        Some((setting, name)) => Err(refused(name.line, &name.value, MappingFault::GateText(setting))),
        None => Ok(()),
    }
}

/// Taking 非 out of 非公开, or joining 非 and 公开 otherwise than the file does, opens the gate as a translation would.
fn refuse_changed_text(entry: &FieldMapping) -> Result<(), MappingFailed> {
    let settings = [
        ("strip", !entry.strip.is_empty()),
        ("null", entry.has_own_null),
        ("join", entry.join.is_some()),
        ("unknown", entry.unknown == Unfit::Keep),
        ("normalise", !entry.normalise.is_empty()),
    ];
    match settings.into_iter().find(|(_, is_set)| *is_set) {
        Some((setting, _)) => {
            Err(refused(entry.field.line, &entry.field.value, MappingFault::GateText(setting)))
        }
        None => Ok(()),
    }
}

/// `codes` may call public only what is so under each of the headers the field is read from.
fn refuse_translation(entry: &FieldMapping, field: &Field) -> Result<(), MappingFailed> {
    let labels = gate_labels(field);
    let may_open = |text: &str| {
        let text = fold(text);
        labels.contains(&text) || entry.from.iter().all(|name| texts_under(name).any(|open| open == text))
    };
    let opens = |code: &str| field.gate() == Some(code) || labels.contains(&fold(code));
    match entry.codes.iter().find(|(text, code)| opens(&code.value) && !may_open(text)) {
        Some((text, code)) => Err(refused(code.line, field.name(), MappingFault::GateOpened(text.clone()))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_about_secrecy_are_known_in_every_spelling() {
        for name in [
            "密级",
            "成果 密级（2024）",
            "保密等级",
            "涉密等级",
            "是否涉密",
            "定密",
            "密等",
            "保密期限",
            "密\u{200b}级",
            "密-级",
            "Ｃｌａｓｓｉｆｉｃａｔｉｏｎ",
            "CLASSIFIED?",
            "Secrecy Level",
            "confidentiality",
        ] {
            assert!(is_about_secrecy(name), "{name}");
        }
        for name in ["名称", "加密方式", "技术秘密", "公开日期", "Class", "密度", ""] {
            assert!(!is_about_secrecy(name), "{name}");
        }
    }

    #[test]
    fn a_text_opens_only_under_the_headers_where_it_means_public() {
        let check = |name: &str, text: &str, wanted: bool| {
            assert_eq!(texts_under(name).any(|open| open == fold(text)), wanted, "{name} = {text}");
        };
        for text in ["公开", " 非 密", "非涉密", "不涉密", "Public", "ＵＮＣＬＡＳＳＩＦＩＥＤ"]
        {
            for name in ["密级", "是否涉密", "Classification", "保密审查"] {
                check(name, text, true);
            }
        }
        for text in
            ["机密", "不公开", "不公开(内部)", "非公开机密", "公开后解密", "内部", "/", "-", "x", "是", "1"]
        {
            for name in ["密级", "是否涉密", "Classification", "是否公开"] {
                check(name, text, false);
            }
        }
        for name in ["密级", "保密等级", "保密期限", "是否涉密", "Classification"] {
            check(name, "无", true);
            check(name, "U", true);
        }
        for name in ["是否非密", "非涉密证明", "保密审查", "解密期限", "是否公开", "Declassified"]
        {
            check(name, "无", false);
            check(name, "U", false);
        }
        for text in ["否", "No", "N", "false", "0"] {
            check("是否涉密", text, true);
            check("Classified?", text, true);
            for name in ["密级", "是否非密", "是否已过保密期限", "是否公开", "Declassified", "Unclassified"]
            {
                check(name, text, false);
            }
        }
    }
}
