//! The column that says what is to be done with a row (操作: 新增, 修改, 删除).

use safeharbor_rules::{Problem, ProblemCode, Record};

use super::{CellFinding, Column, Outcome, Plan};
use crate::import::arrange::Cells;
use crate::import::fault::CellFault;
use crate::import::sink::Action;
use crate::import::text::fold;

/// Folded texts of each action; an empty cell asks for whatever fits.
const TEXTS: [(&[&str], Action); 4] = [
    (&["", "upsert", "新增或修改"], Action::Upsert),
    (&["add", "new", "insert", "create", "新增", "增加", "添加", "新建"], Action::Add),
    (&["update", "change", "modify", "修改", "更新", "变更"], Action::Update),
    (&["delete", "remove", "删除", "注销", "撤销"], Action::Delete),
];

fn parse(text: &str) -> Option<Action> {
    let text = fold(text);
    TEXTS.iter().find(|(texts, _)| texts.contains(&text.as_str())).map(|(_, action)| *action)
}

impl Plan<'_> {
    /// Takes note of the row's action; a text that is none is a finding.
    pub(super) fn read_action(&self, cells: Cells<'_>, outcome: &mut Outcome) -> Vec<CellFinding> {
        let Some(column) = self.action else { return Vec::new() };
        let text = cells.cell(column).unwrap_or_default();
        match parse(text) {
            Some(action) => {
                outcome.action = action;
                Vec::new()
            }
            None => vec![CellFinding {
                column: Some(self.header.name(column).to_owned()),
                value: Some(text.to_owned()),
                finding: CellFault::Action.finding(),
            }],
        }
    }

    /// A row that deletes says which record, and nothing of it.
    pub(super) fn keep_key_alone(
        &self,
        record: &mut Record,
        faults: &mut Vec<(&Column, CellFault)>,
        outcome: &mut Outcome,
    ) {
        let is_key = |field: &String| self.key.contains(field);
        let is_gate = |field: &String| self.kind.field(field).is_some_and(|field| field.gate().is_some());
        record.retain(|field, _| is_key(field) || is_gate(field));
        faults.retain(|(column, _)| is_key(&column.field));
        outcome.raw.retain(|field, _| is_key(field));
        outcome.kept.clear();
    }

    /// What the kind's check finds; of a row that deletes, what concerns its key or keeps it out.
    pub(super) fn problems(&self, record: &Record, action: Action) -> Vec<Problem> {
        let mut problems = self.kind.check(record);
        if action == Action::Delete {
            let is_said = |field: &String| record.contains_key(field);
            let is_of_key = |field: &String| self.key.contains(field);
            problems.retain(|problem| {
                // A row that only deletes need not say that it is public; one that says it is not stays out.
                let is_silent =
                    problem.code == ProblemCode::Secrecy && !problem.field.as_ref().is_some_and(is_said);
                let keeps_out = problem.code.withholds_record() && !is_silent;
                keeps_out || problem.field.as_ref().is_some_and(is_of_key)
            });
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_are_read_in_both_languages() {
        for (text, wanted) in [
            ("", Some(Action::Upsert)),
            (" 新 增", Some(Action::Add)),
            ("ＡＤＤ", Some(Action::Add)),
            ("Update", Some(Action::Update)),
            ("删除", Some(Action::Delete)),
            ("看情况", None),
        ] {
            assert_eq!(parse(text), wanted, "{text:?}");
        }
    }
}
