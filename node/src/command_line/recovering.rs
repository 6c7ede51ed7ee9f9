//! The words of `recovery`.

use clap::{Args, Subcommand};

use super::Desk;
use super::deciding::Answer;
use crate::command::{Command, RecoveryChoice, RecoveryCommand};
use crate::speech::Exit;

/// What can be asked about records of the adopted chain.
#[derive(Debug, Subcommand)]
pub enum RecoveryWords {
    /// 列出待关联的记录 List what is not linked
    List,
    /// 撤回无法关联的记录 Take back what cannot be linked
    Withdraw(WithdrawWords),
}

/// Which of them, why, and who decides.
#[derive(Debug, Args)]
pub struct WithdrawWords {
    /// 记录柄或其开头 Handles, or how they begin
    #[arg(required_unless_present_any = ["all", "kind"], value_name = "HANDLE")]
    records: Vec<String>,
    /// 全部待关联的记录 All that are not linked
    #[arg(long, conflicts_with_all = ["records", "kind"])]
    all: bool,
    /// 只撤回这一类别 Only those of this kind
    #[arg(long, conflicts_with = "records", value_name = "KIND")]
    kind: Option<String>,
    /// 理由，只保存在本节点 Why; kept here only
    #[arg(long)]
    reason: String,
    /// 撤回人（审批或管理员） Who withdraws (approver or administrator)
    #[arg(long, value_name = "NAME")]
    person: String,
}

impl Desk {
    pub(super) fn recovery(&self, words: Option<RecoveryWords>) -> Exit {
        match words {
            None | Some(RecoveryWords::List) => self.deliver(Command::Recovery(RecoveryCommand::List)),
            Some(RecoveryWords::Withdraw(words)) => self.withdraw_unlinked(words),
        }
    }

    /// What would be taken back is said before the password is asked for, and only that is.
    fn withdraw_unlinked(&self, words: WithdrawWords) -> Exit {
        let WithdrawWords { records, all, kind, reason, person } = words;
        let choice = match kind {
            _ if all => RecoveryChoice::All,
            Some(kind) => RecoveryChoice::Kind(kind),
            None => RecoveryChoice::Records(records),
        };
        let preview = Command::Recovery(RecoveryCommand::Preview(choice));
        self.after_seeing(preview, false, |answer| {
            let Answer { seen } = serde_json::from_value(answer)?;
            Ok((person, move |by| Command::Recovery(RecoveryCommand::Withdraw { seen, reason, by })))
        })
    }
}
