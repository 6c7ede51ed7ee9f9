//! What is said of rows that the store refuses, and of changes made on both sides.

use std::collections::BTreeSet;

use safeharbor_interchange::import::{ImportedRow, Objection, Remark, Taken, Wording};
use safeharbor_interchange::layout::Layout;
use safeharbor_rules::{Kind, Lang, Record};

use super::resolution::{Refusal, Resolution};
use super::{Source, Stored};
use crate::speech::moment;

/// How much of a value is shown, in characters.
const VALUE_CHARS_SHOWN: usize = 60;

/// What the report counts a row as.
pub(super) fn taken(kind: &Kind, row: &ImportedRow, resolution: &Resolution) -> Taken {
    match resolution {
        Resolution::Unchanged => Taken::Unchanged,
        Resolution::New | Resolution::Revived(_) => Taken::New,
        Resolution::Revised { .. } => Taken::Revised,
        Resolution::Retired(_) => Taken::Deleted,
        Resolution::Conflict(ours) => Taken::Conflict(conflict(kind, row, ours)),
        Resolution::Refused(refusal) => Taken::Refused(refused(kind, refusal)),
    }
}

fn refused(kind: &Kind, refusal: &Refusal) -> Vec<Objection> {
    let of_key = |code, text: [&str; 2], advice: [&str; 2]| {
        let field = kind.key_fields().next().map(|field| field.name().to_owned());
        let [text, advice] = [text, advice].map(|[zh, en]| Wording::new(zh, en));
        vec![Objection { field, code, text, advice }]
    };
    match refusal {
        Refusal::Exists => of_key(
            "exists-already",
            [
                "该行要求新增（ADD），但这条记录已存在且内容不同",
                "the row is to be added (ADD), but the record is here with other content",
            ],
            [
                "要修改该记录，请把操作改为 UPDATE；否则请改正编号",
                "to change the record, write UPDATE; otherwise correct the number",
            ],
        ),
        Refusal::NotHere => of_key(
            "not-here",
            [
                "该行要求修改或删除（UPDATE/DELETE），但没有这条记录",
                "the row is to be changed or deleted (UPDATE, DELETE), but there is no such record",
            ],
            ["请核对编号；新记录请把操作改为 ADD", "check the number; for a record to be made, write ADD"],
        ),
        Refusal::NoPerson => of_key(
            "delete-needs-person",
            [
                "该行要求删除（DELETE），但本次导入未由审批人员或管理员署名",
                "the row is to be deleted (DELETE), but no approver or administrator is named for this import",
            ],
            [
                "请加上 --person 姓名 再导入一次；届时会询问一次密码",
                "import again with --person NAME; the password is asked for once",
            ],
        ),
        Refusal::Barred => of_key(
            "held",
            [
                "该记录因涉密或含禁止收录的内容已留置，不能由文件删除",
                "the record is held for secrecy or for what may not be stored; a file cannot delete it",
            ],
            ["请用 erase 彻底删除该记录", "erase the record with `erase`"],
        ),
        Refusal::Links(missing) => missing.iter().map(|(field, name)| link(kind, field, name)).collect(),
    }
}

fn link(kind: &Kind, field: &str, name: &str) -> Objection {
    let target = target_of(kind, field);
    let name = shorten(name);
    Objection {
        field: Some(field.to_owned()),
        code: "no-such-record",
        text: Wording::new(
            format!("本节点没有编号为“{name}”的 {target} 记录（或其已删除）"),
            format!("there is no {target} record {name:?} here, or it was deleted"),
        ),
        advice: Wording::new(
            format!("请先导入 {target} 的文件，或改正该编号；历史数据不全时可加 --links warn"),
            format!(
                "import the {target} file first, or correct the number; where older records are missing, add --links warn"
            ),
        ),
    }
}

fn target_of(kind: &Kind, field: &str) -> String {
    let link = kind.field(field).and_then(|field| field.link());
    link.map(|link| link.kind().to_string()).unwrap_or_default()
}

/// Links that lead nowhere, where they are let through.
pub(super) fn dangling(kind: &Kind, field: String, rows: u64, first_row: u64) -> Remark {
    let target = target_of(kind, &field);
    let text = Wording::new(
        format!(
            "字段“{field}”有 {rows} 行所指的 {target} 记录不在本节点，首见于第 {first_row} 行；已按 --links warn 收录"
        ),
        format!(
            "field {field:?}: {rows} rows name {target} records that are not here, first in row {first_row}; taken because of --links warn"
        ),
    );
    Remark { field, code: "no-such-record", first_row, text }
}

/// Records of which others will name nothing that is here.
pub(super) fn still_named(kind: &Kind, count: u64, first_row: u64) -> Remark {
    let field = kind.key_fields().next().map_or_else(String::new, |field| field.name().to_owned());
    let text = Wording::new(
        format!(
            "文件要求删除的记录仍被 {count} 条记录引用（首个删除行为第 {first_row} 行）；请改正或停用那些记录"
        ),
        format!(
            "{count} records name records that the file deletes, as of row {first_row}; correct or retire those as well"
        ),
    );
    Remark { field, code: "still-named", first_row, text }
}

/// One objection for each field in which the record here and the row differ.
fn conflict(kind: &Kind, row: &ImportedRow, ours: &Stored) -> Vec<Objection> {
    let layout = Layout::of(kind);
    let who = match &ours.revision.source {
        Source::Edit { person } => person.name.clone(),
        Source::Import { file, .. } | Source::Retirement { file, .. } => file.clone(),
        Source::Restatement { person } => person.name.clone(),
    };
    let when = moment(ours.revision.at);
    let advice = Wording::new(
        "请与修改人核对：以文件为准则加 --take-file --person 姓名 再导入；以本节点为准则改正源文件",
        "ask whoever changed it: if the file is right, import again with --take-file --person NAME; if the record here is, correct the file",
    );
    let objection = |field: String| {
        let [here, there] = [&ours.revision.record, &row.record].map(|record| shown(&layout, record, &field));
        let text = Wording::new(
            format!(
                "与本节点的修改冲突，未覆盖：本节点为“{}”（{who} 于 {when} 修改），文件为“{}”",
                here[0], there[0]
            ),
            format!(
                "contradicts a change made here and was not taken: here {:?} (changed by {who} on {when}), in the file {:?}",
                here[1], there[1]
            ),
        );
        Objection { field: Some(field), code: "conflict", text, advice: advice.clone() }
    };
    differing(&ours.revision.record, &row.record).into_iter().map(objection).collect()
}

/// The names of fields in which two records differ.
pub(crate) fn differing(one: &Record, other: &Record) -> Vec<String> {
    let names: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
    names.into_iter().filter(|name| one.get(*name) != other.get(*name)).cloned().collect()
}

/// A value as the own layout writes it, in Chinese and English.
fn shown(layout: &Layout<'_>, record: &Record, field: &str) -> [String; 2] {
    let column = layout.columns().iter().find(|column| column.field().name() == field);
    match (record.get(field), column) {
        (Some(value), Some(column)) => {
            let unit =
                column.header(Lang::Zh).strip_prefix(column.field().title(Lang::Zh)).unwrap_or_default();
            let text = shorten(&column.text(value));
            [format!("{text}{unit}"), text]
        }
        (Some(value), None) => [shorten(&value.to_string()), shorten(&value.to_string())],
        (None, _) => ["（空）".to_owned(), String::new()],
    }
}

fn shorten(value: &str) -> String {
    match value.char_indices().nth(VALUE_CHARS_SHOWN) {
        Some((end, _)) => format!("{}…", value.get(..end).unwrap_or_default()),
        None => value.to_owned(),
    }
}
