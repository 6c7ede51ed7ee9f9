//! What changes about code lists.

use std::collections::BTreeSet;

use super::words::both;
use super::{About, Changes, Severity};
use crate::catalogue::Catalogue;
use crate::codes::{Code, CodeList};
use crate::lang::Lang;

fn about(list: &CodeList) -> About<'_> {
    let subject = both(|lang| match lang {
        Lang::Zh => format!("代码表“{}”（{}）", list.title(lang), list.name()),
        Lang::En => format!("Code list {:?} ({})", list.title(lang), list.name()),
    });
    About { kind: None, field: None, file: format!("codes/{}.json", list.name()), subject }
}

pub(super) fn compare(old: &Catalogue, new: &Catalogue, changes: &mut Changes) {
    let names: BTreeSet<&String> = old.code_lists().keys().chain(new.code_lists().keys()).collect();
    for name in names {
        match (old.codes(name), new.codes(name)) {
            (Some(old), Some(new)) => compare_list(old, new, changes),
            (None, Some(new)) => {
                changes.push(Severity::ComputesDifferently, &about(new), "新增的代码表", "a new code list");
            }
            (Some(old), None) => {
                changes.push(
                    Severity::ComputesDifferently,
                    &about(old),
                    "不再有这一代码表",
                    "the code list is gone",
                );
            }
            (None, None) => {}
        }
    }
}

fn compare_list(old: &CodeList, new: &CodeList, changes: &mut Changes) {
    // An institution's own list in place of an editable one is no difference between versions.
    let are_own = old.is_editable() && new.is_editable();
    let about = about(new);
    if !are_own {
        compare_codes(old, new, &about, changes);
    }
    let titles = |list: &CodeList| [list.title(Lang::Zh).to_owned(), list.title(Lang::En).to_owned()];
    if titles(old) != titles(new) && !are_own {
        changes.push(Severity::WordsOnly, &about, "名称改变", "the title changes");
    }
    if old.is_editable() != new.is_editable() {
        let (zh, en) = if new.is_editable() {
            ("改为由各单位自行设置", "each institution sets it itself from here on")
        } else {
            (
                "不再由各单位自行设置：请将本单位的同名文件从 codes 文件夹移走",
                "institutions no longer set it themselves: take your own file of it out of the folder codes",
            )
        };
        changes.push(Severity::ComputesDifferently, &about, zh, en);
    }
}

fn compare_codes(old: &CodeList, new: &CodeList, about: &About<'_>, changes: &mut Changes) {
    let find = |list: &'_ CodeList, code: &Code| list.codes().iter().any(|known| known.code == code.code);
    let missing = |of: &CodeList, from: &CodeList, lang: Lang| -> Vec<String> {
        let missing = of.codes().iter().filter(|code| !find(from, code));
        missing.map(|code| format!("{} {}", code.code, code.label(lang))).collect()
    };
    let gone = both(|lang| missing(old, new, lang).join(super::words::pick(lang, "、", ", ")));
    if !gone.zh.is_empty() {
        let zh = format!("不再有代码 {}；用到它们的记录须改", gone.zh);
        let en = format!("the codes {} are gone; records that hold them have to be changed", gone.en);
        changes.push(Severity::AsksMore, about, &zh, &en);
    }
    let added = both(|lang| missing(new, old, lang).join(super::words::pick(lang, "、", ", ")));
    if !added.zh.is_empty() {
        let (zh, en) = (format!("新增代码 {}", added.zh), format!("new codes {}", added.en));
        changes.push(Severity::ComputesDifferently, about, &zh, &en);
    }
    for code in new.codes() {
        let before = old.codes().iter().find(|known| known.code == code.code);
        if let Some(before) = before.filter(|before| *before != code) {
            let zh = format!("代码 {} 的名称由“{}”改为“{}”", code.code, before.zh, code.zh);
            let en = format!("the label of code {} changes from {:?} to {:?}", code.code, before.en, code.en);
            changes.push(Severity::WordsOnly, about, &zh, &en);
        }
    }
}
