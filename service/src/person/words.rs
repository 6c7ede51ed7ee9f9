//! The words of the command line about persons, the same at both servers, and the passwords they ask for.

use std::io;

use clap::Subcommand;

use super::{Credentials, FirstCode, FirstPerson, PersonCommand};
use crate::prompt::{choose_password, credentials, read_password};
use crate::speech::Language;

/// What can be done with persons. Passwords are asked for at a terminal, or read from standard input, a line each.
#[derive(Debug, Subcommand)]
pub enum PersonWords {
    /// 添加人员；尚无管理员时，先添加管理员 Add a person; while there is no administrator, that must be one
    Add {
        /// 姓名 Their name
        #[arg(long)]
        name: String,
        /// 角色：节点 clerk 经办 · approver 审批；枢纽 observer 观察员 · reviewer 复核员；administrator 管理员 Their role
        #[arg(long)]
        role: String,
        /// 添加人（管理员），其密码先于新密码读取 The administrator who adds them; their password is read first
        #[arg(long, alias = "by", value_name = "NAME")]
        person: Option<String>,
    },
    /// 列出人员 List persons
    List,
    /// 停用：不能再登录或决定，编号和姓名保留 Let a person log in and decide no more; number and name stay taken
    Deactivate {
        /// 姓名或编号 Their name or number
        #[arg(long)]
        name: String,
        /// 管理员 The administrator
        #[arg(long, value_name = "NAME")]
        person: String,
    },
    /// 更换密码：先读决定人的密码，再读新密码 Replace a password; that of whoever decides is read first
    Password {
        /// 谁的密码，默认是本人 Whose [default: one's own]
        #[arg(long)]
        name: Option<String>,
        /// 本人或管理员 The person themself, or an administrator
        #[arg(long, value_name = "NAME")]
        person: String,
    },
    /// 代理：按日期代他人行使职权 Deputies: acting for somebody from day to day
    #[command(subcommand)]
    Deputy(DeputyWords),
    /// 为第一、第二位管理员各生成一次性代码 Make a one-time code, once for the first and once for the second administrator
    FirstCode,
    /// 凭一次性代码成为管理员：先读代码，再读新密码 Become the first or second administrator; the code is read, then the new password
    First {
        /// 姓名 One's name
        #[arg(long)]
        name: String,
    },
}

/// What can be done with deputies.
#[derive(Debug, Subcommand)]
pub enum DeputyWords {
    /// 指定代理人 Appoint one
    Add {
        /// 被代理人 For whom
        #[arg(long = "for", value_name = "NAME")]
        principal: String,
        /// 代理人 Who acts
        #[arg(long, value_name = "NAME")]
        deputy: String,
        /// 首日（北京时间） The first day, UTC+8
        #[arg(long, value_name = "YYYY-MM-DD")]
        from: String,
        /// 末日（含） The last day, included
        #[arg(long, value_name = "YYYY-MM-DD")]
        until: String,
        /// 被代理人本人或管理员 The principal, or an administrator
        #[arg(long, value_name = "NAME")]
        person: String,
    },
    /// 列出代理 List appointments
    List,
    /// 终止代理 End an appointment
    End {
        /// 代理编号 Its number
        number: u32,
        /// 当事人或管理员 One of the two, or an administrator
        #[arg(long, value_name = "NAME")]
        person: String,
    },
}

impl PersonWords {
    /// The command, with the passwords it takes.
    ///
    /// # Errors
    /// A password cannot be read.
    pub fn ask(self, language: Language) -> io::Result<PersonCommand> {
        Ok(match self {
            Self::Add { name, role, person } => {
                let by = person.map(|by| credentials(by, language)).transpose()?;
                let password = choose_password(&name, language)?;
                PersonCommand::Add { name, role, password, by }
            }
            Self::List => PersonCommand::List,
            Self::Deactivate { name, person } => {
                PersonCommand::Deactivate { name, by: credentials(person, language)? }
            }
            Self::Password { name, person } => {
                let by: Credentials = credentials(person, language)?;
                let name = name.unwrap_or_else(|| by.name.clone());
                let password = choose_password(&name, language)?;
                PersonCommand::Password { name, password, by }
            }
            Self::Deputy(DeputyWords::Add { principal, deputy, from, until, person }) => {
                let by = credentials(person, language)?;
                PersonCommand::Appoint { principal, deputy, from, until, by }
            }
            Self::Deputy(DeputyWords::List) => PersonCommand::Deputies,
            Self::Deputy(DeputyWords::End { number, person }) => {
                PersonCommand::Dismiss { number, by: credentials(person, language)? }
            }
            Self::FirstCode => PersonCommand::FirstCode,
            Self::First { name } => {
                let typed = read_password(language.pick("一次性代码：", "One-time code: "))?;
                let code = FirstCode::typed(secrecy::ExposeSecret::expose_secret(typed.secret()));
                let password = choose_password(&name, language)?;
                PersonCommand::First(FirstPerson { code, name, password })
            }
        })
    }
}
