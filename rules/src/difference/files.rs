//! What changes in files that are neither kinds nor code lists, and what no other comparison explains.

use std::collections::BTreeSet;

use super::words::both;
use super::{About, Changes, Severity};
use crate::catalogue::Catalogue;
use crate::lang::{Lang, in_sentence};

/// What the files of a folder are called, and how grave a change of one is.
const FOLDERS: &[(&str, &str, &str, Severity)] = &[
    ("kinds/", "记录类别文件", "The kind's file", Severity::WordsOnly),
    ("codes/", "代码表文件", "The code list's file", Severity::WordsOnly),
    ("mappings/", "映射", "The mapping", Severity::ComputesDifferently),
    ("layouts/", "报表样式", "The layout", Severity::ComputesDifferently),
    ("policies/", "披露政策样例", "The sample policy", Severity::ComputesDifferently),
    ("rules/", "核验规则", "The rule", Severity::AsksMore),
    ("facts/", "事实", "The fact", Severity::AsksMore),
    ("indicators/", "指标", "The indicator", Severity::AsksMore),
    ("calendar/", "工作日历", "The calendar", Severity::ComputesDifferently),
    ("evaluator-version", "评估程序版本", "The evaluator's version", Severity::ComputesDifferently),
];

pub(super) fn compare(old: &Catalogue, new: &Catalogue, changes: &mut Changes) {
    let paths: BTreeSet<&String> = old.files().keys().chain(new.files().keys()).collect();
    for path in paths {
        let (before, after) = (old.files().get(path), new.files().get(path));
        if before == after || changes.explained.contains(path) {
            continue;
        }
        let (zh, en) = match (before.is_some(), after.is_some()) {
            (false, _) => ("新增的文件", "a new file"),
            (true, false) => ("不再有这一文件", "the file is gone"),
            (true, true) => ("内容改变", "its content changes"),
        };
        let found = FOLDERS.iter().find(|(folder, ..)| path.starts_with(folder));
        let (title_zh, title_en, severity) = found
            .map_or(("文件", "The file", Severity::ComputesDifferently), |(_, zh, en, severity)| {
                (*zh, *en, *severity)
            });
        let subject = both(|lang| match lang {
            Lang::Zh => format!("{title_zh} {}", in_sentence(path)),
            Lang::En => format!("{title_en} {}", in_sentence(path)),
        });
        let about = About { kind: None, field: None, file: path.clone(), subject };
        changes.push(severity, &about, zh, en);
    }
}
