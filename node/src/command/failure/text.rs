//! What people read when a command failed, and what they can do.

use safeharbor_rules::{Ceiling, Lang};

use safeharbor_interchange::form::RECORDS_MAX;

use super::CommandFailed;
use super::import_zh::{fault_zh, import_zh, mapping_zh};
use crate::approval::ApproveFailed;
use crate::catalogues::AcceptFailed;
use crate::erasure::EraseFailed;
use crate::policy::PolicyFailed;
use crate::records::EditFailed;
use crate::rejection::RejectFailed;
use crate::selection::ParseConditionFailed;
use crate::speech::{Language, chain_of};
use crate::withdrawal::WithdrawFailed;
use safeharbor_interchange::import::DraftFailed;

impl CommandFailed {
    /// What happened and what to do; causes that only an engineer understands stay in English.
    #[must_use]
    pub fn text(&self, language: Language) -> String {
        match language {
            Language::Zh => self.text_zh(),
            Language::En => self.text_en(),
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "the others have no words of their own")]
    fn text_en(&self) -> String {
        let advice = match self {
            Self::NoRecord(_) => "; `list` shows what there is".to_owned(),
            Self::Ambiguous { key, kinds } => {
                let choices: Vec<_> = kinds.iter().map(|kind| format!("{kind}:{key}")).collect();
                format!("; say which: {}", choices.join(", "))
            }
            Self::Exists(_) => "; choose another name, or add --replace".to_owned(),
            Self::NotWorkbook(_) => "; end its name in .xlsx".to_owned(),
            Self::NoLayout(_) => "; there are R and Y, or name a file: --layout FILE".to_owned(),
            Self::NeedsYear => ": --year YYYY".to_owned(),
            Self::TooManySheets => "; name them: --record ACH:NUMBER, as often as needed".to_owned(),
            Self::NoCerif(_) => "; it takes ACH and IPR".to_owned(),
            Self::NoForm => ": end it in .csv, .xlsx, .jsonl or .xml, or add --format".to_owned(),
            Self::NeedsKind => ": --kind KIND".to_owned(),
            Self::Edit(failed) => edit_details(failed, Lang::En),
            _ => String::new(),
        };
        format!("{}{advice}", chain_of(self))
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "the others have no words of their own")]
    fn text_zh(&self) -> String {
        match self {
            Self::NoRecord(typed) => format!("没有与“{typed}”对应的记录；用 list 查看已有记录"),
            Self::Ambiguous { key, kinds } => {
                let choices: Vec<_> = kinds.iter().map(|kind| format!("{kind}:{key}")).collect();
                format!("多个类别的记录都有主键“{key}”，请写明：{}", choices.join("、"))
            }
            Self::NoKind(typed) => format!("没有记录类别“{typed}”；用 kinds 查看所有类别"),
            Self::Exists(path) => format!("已有文件 {}；换一个文件名，或加 --replace 覆盖", path.display()),
            Self::NoForm => {
                "文件名看不出格式：以 .csv、.xlsx、.jsonl 或 .xml 结尾，或用 --format 指明".to_owned()
            }
            Self::NoLayout(name) => format!("没有表样“{name}”；可用 R 和 Y，或用 --layout 文件 指定"),
            Self::NeedsYear => "该表按年度填报，请指明：--year 年份".to_owned(),
            Self::TooManySheets => {
                format!("一条记录一张表，最多 {RECORDS_MAX} 条；请用 --record ACH:编号 指明（可重复）")
            }
            Self::Form(_) => format!("表样有误，未写出：{}", chain_of(self)),
            Self::NoCerif(kind) => format!("CERIF 中没有与 {kind} 对应的实体；可用于 ACH 和 IPR"),
            Self::NotWorkbook(path) => format!("模板是电子表格，{} 须以 .xlsx 结尾", path.display()),
            Self::NeedsKind => "表格只能容纳一个类别的记录，请指明：--kind 类别".to_owned(),
            Self::Export(_) => format!("未导出：{}", chain_of(self)),
            Self::Person(failed) => failed.text_zh(),
            Self::ReadAudit(failed) => failed.text_zh(),
            Self::Approve(failed) => approve_zh(failed),
            Self::Reject(failed) => reject_zh(failed),
            Self::Withdraw(failed) => withdraw_zh(failed),
            Self::Since(typed) => format!("“{typed}”不是日期，请写作 2026-03-01"),
            Self::Edit(failed) => edit_zh(failed),
            Self::Change(typed) => {
                format!("“{typed}”应写成 字段=值 的样子，例如 name=石墨烯散热膜；值留空表示清除")
            }
            Self::RejectsExist(path) => format!("{} 已存在；请为拒收的行换一个文件名", path.display()),
            Self::Erase(EraseFailed::NoRecord(rec)) => format!("没有记录 {rec}"),
            Self::Erase(EraseFailed::ErasedBefore(rec)) => format!("记录 {rec} 此前已删除"),
            Self::Policy(PolicyFailed::Version { found, accepted }) => format!(
                "披露政策的 version 为 {found}，不高于已接受的 {accepted}；每次修改都要把 version 加一"
            ),
            Self::Policy(failed @ PolicyFailed::Parse(_)) => {
                format!("这不是一份披露政策，未作任何改变：{}", chain_of(failed))
            }
            Self::Catalogue(failed) => catalogue_zh(failed),
            Self::Import(failed) => import_zh(failed),
            Self::Connecting(failed) => failed.text_zh(),
            Self::Draft(failed) => draft_zh(failed),
            Self::NoMapping(typed) => format!("没有名为“{typed}”的自带映射；用 mapping list 查看"),
            Self::Mapping(failed) => format!("未导入任何内容：{}", mapping_zh(failed)),
            Self::Read { path, source } => format!("无法读取 {}：{source}", path.display()),
            Self::Write(failed) => format!("无法写入 {}：{}", failed.path.display(), chain_of(failed)),
            _ => format!("未能完成：{}", chain_of(self)),
        }
    }
}

fn draft_zh(failed: &DraftFailed) -> String {
    match failed {
        DraftFailed::File { file, reason } => format!("{file} 不能作为表格读取：{}", fault_zh(reason)),
        DraftFailed::NoHeader { file, .. } => format!(
            "{file} 的前几十行中找不到与记录字段相近的表头；请用 --kind 指明类别，或按 docs/mapping.md 手写映射文件"
        ),
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the others have no words of their own")]
fn approve_zh(failed: &ApproveFailed) -> String {
    match failed {
        ApproveFailed::NoRecord(rec) => format!("没有记录 {rec}"),
        ApproveFailed::NoField => "请至少写出一个字段：--fields 字段名[,字段名…]".to_owned(),
        ApproveFailed::NoValue(field) => format!("该记录的字段“{field}”没有值；用 show 查看字段名"),
        ApproveFailed::Ceiling { field, ceiling } => {
            format!("字段“{field}”超出披露上限（{}），任何人都不能批准将其公开给枢纽", ceiling_zh(*ceiling))
        }
        ApproveFailed::Changed { seen, now } => {
            format!("未批准：记录在查看之后已变（您看到第 {seen} 版，现为第 {now} 版）；请重新查看后再决定")
        }
        ApproveFailed::SetChanged { seen, now } => {
            format!(
                "未批准：记录在查看之后已变（您看到 {seen} 条，现为 {now} 条或内容不同）；请重新查看后再决定"
            )
        }
        ApproveFailed::NoneFits => "没有符合条件且批准后会公开更多内容的记录".to_owned(),
        ApproveFailed::UnknownField { kind, field } => {
            format!("类别 {kind} 没有字段“{field}”；用 kind {kind} 查看字段")
        }
        ApproveFailed::Condition(failed) => condition_zh(failed),
        ApproveFailed::Held { rec, .. } => {
            format!(
                "记录 {rec} 已留置：后来导入的同一行不得保存（涉密或含证件号码等），其内容一律不得外传；请用 erase 删除"
            )
        }
        ApproveFailed::Nothing => "这些字段已经公开或已在待发之列".to_owned(),
        _ => format!("未能批准：{}", chain_of(failed)),
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the others have no words of their own")]
fn reject_zh(failed: &RejectFailed) -> String {
    match failed {
        RejectFailed::NoRecord(rec) => format!("没有记录 {rec}"),
        RejectFailed::NoReason => "请写明理由：--reason 理由（只保存在本节点）".to_owned(),
        RejectFailed::Left => "该记录的现有内容已离开本节点，驳回无法收回；请用 withdraw 撤回".to_owned(),
        RejectFailed::Held => "该记录已驳回、撤回或留置，其内容不会外传".to_owned(),
        RejectFailed::NoneFits => "没有符合条件且可驳回的记录".to_owned(),
        RejectFailed::Changed { seen, now } => {
            format!(
                "未驳回：记录在查看之后已变（您看到 {seen} 条，现为 {now} 条或内容不同）；请重新查看后再决定"
            )
        }
        RejectFailed::Condition(failed) => condition_zh(failed),
        _ => format!("未能驳回：{}", chain_of(failed)),
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the others have no words of their own")]
fn withdraw_zh(failed: &WithdrawFailed) -> String {
    match failed {
        WithdrawFailed::NoRecord(rec) => format!("没有记录 {rec}"),
        WithdrawFailed::NoReason => "请写明理由：--reason 理由（只保存在本节点）".to_owned(),
        _ => format!("未能撤回：{}", chain_of(failed)),
    }
}

fn condition_zh(failed: &ParseConditionFailed) -> String {
    match failed {
        ParseConditionFailed::Name { kind, name } => format!("类别 {kind} 没有字段或状态“{name}”"),
        ParseConditionFailed::Value(name) => format!("条件“{name}”缺少值：请写作 字段=值"),
        ParseConditionFailed::Range(name) => {
            format!("字段“{name}”不是日期，没有起止；请写作 字段=值 或 字段=甲|乙")
        }
        ParseConditionFailed::Dates(name) => {
            format!("字段“{name}”的起止日期有误：请写作 2020-01-01..2020-12-31，一端可省略")
        }
        ParseConditionFailed::State(name) => format!("“{name}”是状态：请写作 {name} 或 {name}=no"),
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the others have no words of their own")]
fn edit_zh(failed: &EditFailed) -> String {
    let text = match failed {
        EditFailed::NoRecord(rec) => format!("没有可修改的记录 {rec}（不存在、已停用或已删除）"),
        EditFailed::NoField { kind, field } => format!("类别 {kind} 没有字段“{field}”；用 show 查看字段名"),
        EditFailed::Key(field) => {
            format!("字段“{field}”是主键，不能修改；请用正确的编号导入该记录，再停用这一条")
        }
        EditFailed::Derived { field, source_field } => {
            format!("字段“{field}”由“{source_field}”推出，请修改后者")
        }
        EditFailed::Value { field, .. } => format!("字段“{field}”不接受这个值"),
        EditFailed::Problems(_) => "未修改：修改后不符合类别的规则".to_owned(),
        EditFailed::Withheld(_) => "未修改，记录已留置：其内容不再自动外传".to_owned(),
        EditFailed::Links(names) => format!("未修改：本节点没有所指的记录：{}", names.join("、")),
        EditFailed::Nothing => "没有变化：记录已是这样".to_owned(),
        _ => format!("未能修改：{}", chain_of(failed)),
    };
    format!("{text}{}", edit_details(failed, Lang::Zh))
}

/// What is wrong with the values, and what to do.
#[expect(clippy::wildcard_enum_match_arm, reason = "the others say all there is")]
fn edit_details(failed: &EditFailed, lang: Lang) -> String {
    match failed {
        EditFailed::Value { objection, .. } => {
            format!(": {}. {}", objection.text.of(lang), objection.advice.of(lang))
        }
        EditFailed::Withheld(because) => edit_details(because, lang),
        EditFailed::Problems(problems) => {
            let lines = problems
                .iter()
                .map(|problem| format!("\n  {}. {}", problem.text(lang), problem.advice(lang)));
            lines.collect()
        }
        _ => String::new(),
    }
}

/// The ceiling in Chinese.
pub(in crate::command) const fn ceiling_zh(ceiling: Ceiling) -> &'static str {
    match ceiling {
        Ceiling::Never => "不得公开",
        Ceiling::Reviewer => "核验时仅限一名复核员",
        Ceiling::Hub => "可公开给枢纽",
    }
}

fn catalogue_zh(failed: &AcceptFailed) -> String {
    match failed {
        AcceptFailed::Unknown(typed) => {
            format!("本节点没有以“{typed}”开头的目录版本，或不止一个；用 catalogue list 查看")
        }
        AcceptFailed::InUse(cat) => format!("目录版本 {cat} 已在使用"),
        AcceptFailed::Changed => "其间已接受了另一目录版本；请重新查看差别".to_owned(),
        AcceptFailed::NothingOffered => "枢纽没有提供其他目录版本".to_owned(),
        AcceptFailed::Load(_) => format!("这一目录版本不能使用：{}", chain_of(failed)),
        AcceptFailed::OwnLists(_)
        | AcceptFailed::Shelf(_)
        | AcceptFailed::Store(_)
        | AcceptFailed::Records(_)
        | AcceptFailed::Policy(_)
        | AcceptFailed::Restate(_)
        | AcceptFailed::Audit(_)
        | AcceptFailed::Encode(_) => format!("未能完成：{}", chain_of(failed)),
    }
}
