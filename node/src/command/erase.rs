//! `erase`: deletes a record, and says plainly what that can and cannot take back.

use safeharbor_core::record::{KindId, RecordHandle};
use safeharbor_service::person::Role;

use super::credentials::authenticate;
use super::record::{find_stated, shown_key};
use super::view::statements_of;
use super::{CommandFailed, Credentials};
use crate::chain::Chain;
use crate::context::Context;
use crate::erasure;
use crate::records::Stored;
use crate::speech::{CatalogueLanguage as _, Exit, Format, Language, Speech};
use crate::withdrawal::stands_at_hub;

/// Says what erasing would do; nothing is changed.
pub(super) fn preview(
    context: &Context,
    typed: &str,
    speech: &mut Speech<'_>,
) -> Result<Exit, CommandFailed> {
    let rec = find_stated(context, typed)?;
    if context.records.tombstone(rec)?.is_some() {
        return Err(erasure::EraseFailed::ErasedBefore(rec).into());
    }
    let last = context.records.last(rec)?;
    let statements = statements_of(context, rec)?;
    let stands = statements.last().is_some_and(|made| !made.is_withdrawal());
    let stated = statements.last().map(|made| &made.stated.kind);
    let kind = last.as_ref().map(|last| &last.revision.kind).or(stated);
    let kind = kind.ok_or(erasure::EraseFailed::NoRecord(rec))?.clone();
    let statements = statements.len();
    let revealed = Chain::new(std::sync::Arc::clone(&context.store)).revealed_of(rec)?;
    let catalogue = context.catalogue();
    let fields = catalogue.kind(&kind);
    let title = |name: String| {
        let field = fields.and_then(|kind| kind.field(&name));
        field.map_or(name.clone(), |field| field.title(speech.language.lang()).to_owned())
    };
    let revealed: Vec<String> = revealed.into_iter().map(title).collect();
    speech.note(subject_text(&kind, rec, last.as_ref(), speech.language))?;
    for line in consequences(statements, stands, &revealed, speech.language) {
        speech.note(format_args!("  {line}"))?;
    }
    Ok(Exit::Done)
}

fn subject_text(kind: &KindId, rec: RecordHandle, last: Option<&Stored>, language: Language) -> String {
    let here = last.map(|last| (shown_key(&last.revision.key), last.rev));
    match (language, here) {
        (Language::Zh, Some((key, rev))) => format!("将删除 {kind} {key}（{rec}）的全部 {rev} 个版本。"),
        (Language::En, Some((key, rev))) => {
            format!("{kind} {key} ({rec}) with all {rev} revisions will be erased.")
        }
        (Language::Zh, None) => format!("{kind} {rec} 不在本节点；将删除取回的声明中它的值和编号。"),
        (Language::En, None) => format!(
            "{kind} {rec} is not here; what the statements taken over from the hub hold of it will be erased, with its number."
        ),
    }
}

fn consequences(statements: usize, stands: bool, revealed: &[String], language: Language) -> Vec<String> {
    let mut lines = vec![
        language
            .pick(
                "可以做到：删除本节点保存的内容、盐和未公开的值；已登记的摘要此后无人能够打开。",
                "What this does: content, salts and unrevealed values kept here are deleted; nobody can open the logged digests any more.",
            )
            .to_owned(),
    ];
    lines.push(match (statements, language) {
        (0, Language::Zh) => "此记录从未离开本节点。".to_owned(),
        (0, Language::En) => "Nothing of this record has left.".to_owned(),
        (_, Language::Zh) if !stands => {
            format!("已作出 {statements} 份声明，公开的值此前已撤回；不再追加声明。")
        }
        (_, Language::En) if !stands => {
            format!("{statements} statements were made and what was revealed was taken back; none follows.")
        }
        (_, Language::Zh) => format!("已作出 {statements} 份声明；将追加一份撤回声明，要求枢纽删除已公开的值。"),
        (_, Language::En) => {
            format!("{statements} statements were made; a withdrawal follows, on which the hub erases what was revealed.")
        }
    });
    if !revealed.is_empty() {
        lines.push(match language {
            Language::Zh => format!("无法收回：枢纽已向他人出示或已计入汇总的值：{}。", revealed.join("、")),
            Language::En => format!(
                "What cannot be recalled: what the hub has shown to others or counted meanwhile: {}.",
                revealed.join(", ")
            ),
        });
    }
    lines.push(
        language
            .pick(
                "若只想收回已公开的值而保留记录，请改用 withdraw。",
                "To take back what was revealed and keep the record, use `withdraw` instead.",
            )
            .to_owned(),
    );
    lines.push(
        language
            .pick(
                "登记簿中的声明编号与摘要、审批和审计记录保留；原始导入文件、拒收行文件、连接器任务留下的报告与拒收行（数据目录 jobs/ 下的 report.json 和 *-rejected.*，监视目录下的 imported/ 和 failed/）以及备份须另行删除，数据库文件中的旧字节在被覆写前仍可能残留（请加密磁盘）；再次导入同一行会成为一条新记录。",
                "Numbers and digests in the registry, approvals and the audit log stay; delete the imported file, files of rejected rows, what jobs of connectors left (report.json and *-rejected.* below jobs/ of the data folder, imported/ and failed/ of watched folders) and backups yourself; old bytes may remain in the database file until they are overwritten (encrypt the disk); importing the row again makes another record.",
            )
            .to_owned(),
    );
    lines
}

pub(super) fn erase(
    context: &Context,
    typed: &str,
    by: &Credentials,
    speech: &mut Speech<'_>,
) -> Result<Exit, CommandFailed> {
    let person = authenticate(context, by, &[Role::Approver, Role::Administrator], "erase")?;
    let rec = find_stated(context, typed)?;
    let stands = stands_at_hub(context, rec)?;
    let tombstone = erasure::erase(context, rec, &person)?;
    if speech.format == Format::Json {
        speech.json(&serde_json::to_value(&tombstone)?)?;
        return Ok(Exit::Done);
    }
    speech.data(match (stands, speech.language) {
        (false, Language::Zh) => format!("已删除 {rec}。"),
        (false, Language::En) => format!("erased {rec}."),
        (true, Language::Zh) => format!("已删除 {rec}；撤回声明已进入待发。"),
        (true, Language::En) => format!("erased {rec}; its withdrawal waits to be sent."),
    })?;
    Ok(Exit::Done)
}
