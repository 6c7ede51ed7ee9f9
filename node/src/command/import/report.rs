//! What an import says of what it found and did.

use std::path::PathBuf;
use std::time::Duration;

use safeharbor_core::digest::Digest;
use safeharbor_core::record::KindId;
use safeharbor_interchange::import::{LeftOut, Report, RowProblem, Warning};
use serde_json::{Value, json};

use crate::command::CommandFailed;
use crate::command::record::shown_key;
use crate::records::Absent;
use crate::speech::{CatalogueLanguage as _, Language, Speech};

/// Absent records that are named to people; programs get all.
const ABSENT_NAMED_MAX: usize = 10;

/// All there is to say.
pub(in crate::command) struct Told {
    pub(in crate::command) report: Report,
    pub(in crate::command) kind: KindId,
    pub(in crate::command) sha256: Digest,
    pub(in crate::command) dry_run: bool,
    pub(in crate::command) absent: Option<Absent>,
    /// The file of rejected rows.
    pub(in crate::command) rejects: Option<PathBuf>,
}

pub(in crate::command) fn print(
    told: &Told,
    took: Duration,
    speech: &mut Speech<'_>,
) -> Result<(), CommandFailed> {
    let (report, language) = (&told.report, speech.language);
    let lang = language.lang();
    for warning in &report.warnings {
        speech.note(format_args!("{}{}", language.pick("提示：", "note: "), warning.text(lang)))?;
    }
    for problem in &report.problems {
        speech.note(problem.line_of_text(lang))?;
    }
    let listed = u64::try_from(report.problems.len()).unwrap_or(u64::MAX);
    let more = report.problems_total.saturating_sub(listed);
    if more > 0 {
        speech.note(
            language
                .pick(format!("另有 {more} 个问题未列出"), format!("{more} more problems are not listed")),
        )?;
    }
    if report.left_out.total() > 0 {
        speech.note(left_out(report.left_out, language))?;
    }
    if let Some(absent) = told.absent.as_ref().filter(|absent| !absent.keys.is_empty()) {
        speech.note(absent_text(absent, language))?;
    }
    if let Some(path) = &told.rejects {
        let path = path.display();
        speech.note(match language {
            Language::Zh => format!("拒收的行已写入 {path}；按“拒收原因”一列改正后，用同一映射再导入该文件即可"),
            Language::En => format!("rejected rows are in {path}; correct them by the column 拒收原因 (reason) and import that file by the same mapping"),
        })?;
    }
    Ok(speech.data(summary(told, took, language))?)
}

fn left_out(left_out: LeftOut, language: Language) -> String {
    let LeftOut { sub_headings, not_chosen, behind_end } = left_out;
    let total = left_out.total();
    language.pick(
        format!(
            "按映射文件未收录 {total} 行：小标题 {sub_headings}，未选中 {not_chosen}，结尾之后 {behind_end}"
        ),
        format!(
            "{total} rows left out by the mapping: {sub_headings} headings, {not_chosen} not chosen, {behind_end} behind the end"
        ),
    )
}

fn absent_text(absent: &Absent, language: Language) -> String {
    let count = absent.keys.len();
    let named: Vec<_> = absent.keys.iter().take(ABSENT_NAMED_MAX).map(|key| shown_key(key)).collect();
    let and_more = if count > ABSENT_NAMED_MAX { "…" } else { "" };
    let text = match language {
        Language::Zh => format!(
            "提示：同一来源以前导入过的 {count} 条记录不在此文件中，均保留未动：{}{and_more}",
            named.join("、")
        ),
        Language::En => format!(
            "note: {count} records that this source brought before are not in the file; they are left as they are: {}{and_more}",
            named.join(", ")
        ),
    };
    match (absent.unread, language) {
        (0, _) => text,
        (unread, Language::Zh) => format!("{text}（另有 {unread} 行拒收的行读不出主键，可能就是其中的记录）"),
        (unread, Language::En) => {
            format!("{text} ({unread} refused rows have no readable key and may be some of them)")
        }
    }
}

fn absent_json(absent: &Absent) -> Value {
    let keys: Vec<String> = absent.keys.iter().map(|key| shown_key(key)).collect();
    json!({ "count": keys.len(), "keys": keys, "rows_without_key": absent.unread })
}

fn summary(told: &Told, took: Duration, language: Language) -> String {
    let Report { file, rows, new, revised, unchanged, refused, deleted, conflicts, .. } = &told.report;
    let (recognised, seconds) = (&told.report.recognised, took.as_secs_f64());
    let done = match (told.dry_run, language) {
        (false, Language::Zh) => "已导入",
        (true, Language::Zh) => "试导入（未保存任何内容）",
        (false, Language::En) => "imported",
        (true, Language::En) => "dry run (nothing was kept)",
    };
    let some = |count: &u64, text: String| if *count == 0 { String::new() } else { text };
    match language {
        Language::Zh => format!(
            "{done} {file}（{recognised}）：{rows} 行，新增 {new}，修订 {revised}，未变 {unchanged}{}{}，拒收 {refused}；{seconds:.1} 秒",
            some(deleted, format!("，删除 {deleted}")),
            some(conflicts, format!("，冲突 {conflicts}（未覆盖）")),
        ),
        Language::En => format!(
            "{done} {file} ({recognised}): {rows} rows, {new} new, {revised} revised, {unchanged} unchanged{}{}, {refused} refused; {seconds:.1} s",
            some(deleted, format!(", {deleted} deleted")),
            some(conflicts, format!(", {conflicts} in conflict (not overwritten)")),
        ),
    }
}

pub(in crate::command) fn to_json(told: &Told, language: Language) -> Value {
    let Told { report, kind, sha256, dry_run, absent, rejects } = told;
    let lang = language.lang();
    let problem = |problem: &RowProblem| {
        json!({
            "row": problem.row, "line": problem.line, "column": problem.column, "value": problem.value,
            "code": problem.code, "text": problem.text(lang), "advice": problem.advice(lang),
        })
    };
    let recognised = &report.recognised;
    let warning = |warning: &Warning| json!({ "code": warning.code, "column": warning.column, "row": warning.row, "text": warning.text(lang) });
    json!({
        "file": report.file, "sha256": sha256.to_string(), "kind": kind.as_str(), "dry_run": dry_run,
        "format": recognised.format.to_string(), "sheet": recognised.sheet,
        "encoding": recognised.detected.map(|detected| detected.encoding.to_string()),
        "delimiter": recognised.delimiter.map(String::from),
        "rows": report.rows, "new": report.new, "revised": report.revised, "unchanged": report.unchanged,
        "deleted": report.deleted, "conflicts": report.conflicts,
        "left_out": report.left_out.total(), "refused": report.refused, "problems_total": report.problems_total,
        "problems": report.problems.iter().map(problem).collect::<Vec<_>>(),
        "warnings": report.warnings.iter().map(warning).collect::<Vec<_>>(),
        "absent": absent.as_ref().map(absent_json),
        "rejects": rejects.as_ref().map(|path| path.display().to_string()),
    })
}
