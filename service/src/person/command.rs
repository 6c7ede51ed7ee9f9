//! What can be done with persons, the same at both servers: who may, what it says, what is noted.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::authorization::note_lines;
use super::refusals::About;
use super::{
    AddPersonFailed, AuthorizeFailed, Credentials, Deputyship, Door, FirstPerson, ParseRoleFailed, Password,
    Person, PersonId, Persons, PersonsFailed, Role, TakeFirstFailed, authorize,
};
use crate::audit::{AuditFailed, AuditLog};
use crate::speech::{Exit, Language, chain_of, padded};

/// What can be asked for.
#[derive(Debug, Serialize, Deserialize)]
pub enum PersonCommand {
    /// Adds a person.
    Add {
        /// Their name.
        name: String,
        /// Their role.
        role: String,
        /// Their password.
        password: Password,
        /// The administrator; nobody for the first one.
        by: Option<Credentials>,
    },
    /// Lists persons.
    List,
    /// Lets a person show who they are no more.
    Deactivate {
        /// Name or number.
        name: String,
        /// An administrator.
        by: Credentials,
    },
    /// Gives a person another password.
    Password {
        /// Name or number.
        name: String,
        /// The new one.
        password: Password,
        /// The person themself, or an administrator.
        by: Credentials,
    },
    /// Appoints a deputy.
    Appoint {
        /// For whom: name or number.
        principal: String,
        /// Who acts.
        deputy: String,
        /// The first day, `YYYY-MM-DD`.
        from: String,
        /// The last day.
        until: String,
        /// The principal, or an administrator.
        by: Credentials,
    },
    /// Ends an appointment.
    Dismiss {
        /// Its number.
        number: u32,
        /// The principal, the deputy, or an administrator.
        by: Credentials,
    },
    /// Lists appointments.
    Deputies,
    /// Makes the one-time code of the first or the second administrator.
    FirstCode,
    /// Makes the first or the second administrator.
    First(FirstPerson),
}

/// What a command says.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// Data, by whole lines.
    pub data: String,
    /// A line for the person; may be empty.
    pub note: String,
}

/// A command about persons is refused or cannot be carried out.
#[derive(Debug, thiserror::Error)]
pub enum PersonCommandFailed {
    /// Somebody may not.
    #[error(transparent)]
    Authorize(#[from] AuthorizeFailed),
    /// The role is none.
    #[error(transparent)]
    Role(#[from] ParseRoleFailed),
    /// The person is not added.
    #[error("the person is not added")]
    Add(#[from] AddPersonFailed),
    /// No administrator is made by a one-time code.
    #[error(transparent)]
    First(#[from] TakeFirstFailed),
    /// There were two administrators.
    #[error("there were two administrators already; they add further persons: person add --person NAME")]
    NoFirstCode,
    /// A day is none.
    #[error("{0:?} is no day; write YYYY-MM-DD")]
    Day(String),
    /// There is no such appointment.
    #[error("there is no appointment {0}; `person deputy list` shows them")]
    NoAppointment(u32),
    /// Persons cannot be read or written.
    #[error(transparent)]
    Persons(#[from] PersonsFailed),
    /// It cannot be noted.
    #[error("the audit log cannot be written")]
    Audit(#[from] AuditFailed),
    /// The answer has no JSON form.
    #[error("the answer cannot be written as JSON")]
    Encode(#[from] serde_json::Error),
}

/// The persons of a server, and how it speaks.
#[derive(Debug, Clone, Copy)]
pub struct Counter<'a> {
    /// The persons.
    pub persons: &'a Persons,
    /// The audit log.
    pub audit: &'a AuditLog,
    /// In which language.
    pub language: Language,
    /// Whether data goes to a program.
    pub json: bool,
    /// What goes before a one-time code so that a browser opens it; empty where there is no page for it.
    pub link: &'a str,
}

type Done = Result<Said, PersonCommandFailed>;

impl Counter<'_> {
    /// Carries a command out. Blocks for the hashing of passwords.
    ///
    /// # Errors
    /// Any of [`PersonCommandFailed`].
    pub fn carry_out(self, command: PersonCommand) -> Done {
        match command {
            PersonCommand::Add { name, role, password, by } => self.add(&name, &role, &password, by.as_ref()),
            PersonCommand::List => self.list(),
            PersonCommand::Deactivate { name, by } => self.deactivate(&name, &by),
            PersonCommand::Password { name, password, by } => self.password(&name, &password, &by),
            PersonCommand::Appoint { principal, deputy, from, until, by } => {
                let days = (parse_day(&from)?, parse_day(&until)?);
                self.appoint((&principal, &deputy), days, &by)
            }
            PersonCommand::Dismiss { number, by } => self.dismiss(number, &by),
            PersonCommand::Deputies => self.deputies(),
            PersonCommand::FirstCode => self.first_code(),
            PersonCommand::First(first) => self.first(&first),
        }
    }

    fn authorize(&self, by: &Credentials, roles: &[Role], action: &str) -> Result<Person, AuthorizeFailed> {
        authorize((self.persons, self.audit), by, roles, action)
    }

    fn note(&self, zh: String, en: String) -> Done {
        Ok(Said { data: String::new(), note: self.language.pick(zh, en) })
    }

    fn add(&self, name: &str, role: &str, password: &Password, by: Option<&Credentials>) -> Done {
        let role: Role = role.parse()?;
        let by = by.map(|by| self.authorize(by, &[Role::Administrator], "add person")).transpose()?;
        self.persons.may_add(role, by.as_ref())?;
        let planned = self.persons.plan_add(name, role, password.secret(), by.as_ref().map(|by| by.id))?;
        let detail = json!({ "name": name.trim(), "role": role });
        self.audit.append(by.as_ref(), "add person", &format!("person {}", planned.what()), detail)?;
        let id = planned.make()?;
        self.note(
            format!("已添加人员 {id}：{}，角色：{}", name.trim(), role.title_zh()),
            format!("added person {id}: {}, {role}", name.trim()),
        )
    }

    fn list(&self) -> Done {
        let persons = self.persons.list()?;
        if self.json {
            return json_of(&persons);
        }
        let line = |person: &Person| {
            let role = self.language.pick(person.role.title_zh(), person.role.as_str());
            format!("{}  {}  {role}\n", padded(&person.id.to_string(), 4), padded(&person.name, 20))
        };
        Ok(Said { data: persons.iter().map(line).collect(), note: String::new() })
    }

    fn deactivate(&self, name: &str, by: &Credentials) -> Done {
        let by = self.authorize(by, &[Role::Administrator], "deactivate person")?;
        let person = self.persons.named(name)?;
        let planned = self.persons.plan_deactivation(person.id)?;
        let detail = json!({ "name": person.name });
        self.audit.append(Some(&by), "deactivate person", &format!("person {}", person.id), detail)?;
        planned.make()?;
        self.note(format!("已停用：{}", person.name), format!("{} is deactivated", person.name))
    }

    fn password(&self, name: &str, password: &Password, by: &Credentials) -> Done {
        let person = self.persons.named(name)?;
        let by = self.authorize_for(&[&person], by, "set password")?;
        let planned = self.persons.plan_password(person.id, password.secret(), by.id)?;
        self.audit.append(Some(&by), "set password", &format!("person {}", person.id), Value::Null)?;
        planned.make()?;
        self.note(
            format!("{} 的密码已更换；此前的登录均已失效", person.name),
            format!("the password of {} is replaced; earlier sessions have ended", person.name),
        )
    }

    fn appoint(&self, (principal, deputy): (&str, &str), days: (Date, Date), by: &Credentials) -> Done {
        let (principal, deputy) = (self.persons.named(principal)?, self.persons.named(deputy)?);
        let by = self.authorize_for(&[&principal], by, "appoint deputy")?;
        let planned = self.persons.plan_appointment((principal.id, deputy.id), days, by.id)?;
        let (number, from, until) = (planned.what().number, planned.what().from, planned.what().until);
        let detail = json!({
            "for": principal.id, "deputy": deputy.id, "from": from.to_string(), "until": until.to_string(),
        });
        self.audit.append(Some(&by), "appoint deputy", &format!("appointment {number}"), detail)?;
        planned.make()?;
        self.note(
            format!(
                "代理 {number}：{} 代 {} 行使职权，{from} 至 {until}（北京时间，含首尾两日）",
                deputy.name, principal.name
            ),
            format!(
                "appointment {number}: {} acts for {} from {from} to {until} (UTC+8, both days included)",
                deputy.name, principal.name
            ),
        )
    }

    fn dismiss(&self, number: u32, by: &Credentials) -> Done {
        let found = self.persons.appointments()?.into_iter().find(|there| there.number == number);
        let found = found.ok_or(PersonCommandFailed::NoAppointment(number))?;
        let parties = [self.persons.active(found.principal)?, self.persons.active(found.deputy)?];
        let parties: Vec<Person> = parties.into_iter().flatten().map(|(person, _)| person).collect();
        let by = self.authorize_for(&parties.iter().collect::<Vec<_>>(), by, "dismiss deputy")?;
        let planned = self.persons.plan_dismissal(number)?;
        let planned = planned.ok_or(PersonCommandFailed::NoAppointment(number))?;
        self.audit.append(Some(&by), "dismiss deputy", &format!("appointment {number}"), Value::Null)?;
        planned.make()?;
        self.note(format!("代理 {number} 已终止"), format!("appointment {number} has ended"))
    }

    fn deputies(&self) -> Done {
        let appointments = self.persons.appointments()?;
        if self.json {
            return json_of(&appointments);
        }
        let name = |id: PersonId| self.persons.name_of(id).ok().flatten().unwrap_or_else(|| id.to_string());
        let line = |d: &Deputyship| {
            let (deputy, principal) = (name(d.deputy), name(d.principal));
            let who =
                self.language.pick(format!("{deputy} 代 {principal}"), format!("{deputy} for {principal}"));
            format!("{}  {} – {}  {who}\n", padded(&d.number.to_string(), 4), d.from, d.until)
        };
        Ok(Said { data: appointments.iter().map(line).collect(), note: String::new() })
    }

    fn first_code(&self) -> Done {
        let planned = self.persons.plan_first_code()?.ok_or(PersonCommandFailed::NoFirstCode)?;
        self.audit.append(None, "make first code", "persons", Value::Null)?;
        let code = planned.make()?;
        let note = self.language.pick(
            "请交给这位管理员本人：72 小时内有效，只能使用一次；由其本人设定姓名和密码。前两位管理员应是两个人，各用各的代码",
            "hand this to the administrator: it is valid for 72 hours and works once; they choose name and password themself. The first two administrators are two persons, each with a code of their own",
        );
        Ok(Said { data: format!("{}{}\n", self.link, code.as_str()), note: note.to_owned() })
    }

    fn first(&self, first: &FirstPerson) -> Done {
        let person = take_first(Door::Shell, (self.persons, self.audit), first)?;
        self.note(
            format!("{} 已成为管理员（编号 {}）", person.name, person.id),
            format!("{} is an administrator (person {})", person.name, person.id),
        )
    }

    /// An administrator, or one of those it is about.
    fn authorize_for(
        &self,
        about: &[&Person],
        by: &Credentials,
        action: &str,
    ) -> Result<Person, PersonCommandFailed> {
        let own =
            self.persons.named(&by.name).ok().filter(|by| about.iter().any(|person| person.id == by.id));
        let Some(own) = own else {
            return Ok(self.authorize(by, &[Role::Administrator], action)?);
        };
        Ok(self.authorize(by, &[own.role], action)?)
    }
}

/// Makes a founding administrator and notes it, refusals included.
///
/// # Errors
/// As [`Persons::take_first_code`]; it cannot be noted.
pub fn take_first(
    door: Door,
    (persons, audit): (&Persons, &AuditLog),
    first: &FirstPerson,
) -> Result<Person, PersonCommandFailed> {
    let planned = match persons.plan_first(first) {
        Ok(planned) => planned,
        Err(failed) => {
            let why = ("become administrator", failed.to_string());
            note_lines((persons, audit), persons.count_refusal((About::Code, door), why))?;
            return Err(failed.into());
        }
    };
    let second = persons.has_administrator()?;
    let action = if second { "become second administrator" } else { "become first administrator" };
    let person = planned.what();
    let detail = json!({ "name": person.name });
    audit.append(Some(person), action, &format!("person {}", person.id), detail)?;
    Ok(planned.make()?)
}

fn parse_day(typed: &str) -> Result<Date, PersonCommandFailed> {
    let day = typed.trim();
    day.parse().map_err(|_parse| PersonCommandFailed::Day(day.chars().take(32).collect()))
}

fn json_of(value: &impl Serialize) -> Done {
    Ok(Said { data: format!("{:#}\n", serde_json::to_value(value)?), note: String::new() })
}

impl PersonCommandFailed {
    /// In Chinese.
    #[must_use]
    pub fn text_zh(&self) -> String {
        match self {
            Self::Authorize(failed) => failed.text_zh(),
            Self::Role(ParseRoleFailed(typed)) => format!(
                "没有“{typed}”这一角色；节点有 clerk、approver、administrator，枢纽有 observer、reviewer、administrator"
            ),
            Self::Add(failed) => failed.text_zh(),
            Self::First(failed) => failed.text_zh(),
            Self::NoFirstCode => "已有过两位管理员；新人员由管理员添加：person add --person 姓名".to_owned(),
            Self::Day(typed) => format!("“{typed}”不是日期，请写作 2026-03-01"),
            Self::NoAppointment(number) => format!("没有编号为 {number} 的代理；用 person deputy list 查看"),
            Self::Persons(failed) => failed.text_zh(),
            Self::Audit(failed) => format!("无法写入审计日志：{}", chain_of(failed)),
            Self::Encode(_) => chain_of(self),
        }
    }

    /// The exit code that says it.
    #[must_use]
    pub const fn exit(&self) -> Exit {
        match self {
            Self::Role(_) | Self::Day(_) => Exit::Usage,
            Self::Persons(PersonsFailed::Store(_) | PersonsFailed::Row(_))
            | Self::Audit(_)
            | Self::Encode(_) => Exit::Unavailable,
            Self::Authorize(_)
            | Self::Add(_)
            | Self::First(_)
            | Self::NoFirstCode
            | Self::NoAppointment(_)
            | Self::Persons(_) => Exit::Refused,
        }
    }
}

#[cfg(test)]
mod tests;
