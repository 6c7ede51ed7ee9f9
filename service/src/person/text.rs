//! What the refusals say to people who read Chinese; in English the errors speak for themselves.

use super::deputy::DEPUTY_DAYS_MAX;
use super::{
    AddPersonFailed, AppointFailed, AuthenticateFailed, AuthorizeFailed, PASSWORD_BYTES_MAX,
    PASSWORD_CHARACTERS_MIN, PasswordFailed, PersonsFailed, Role, TakeFirstFailed,
};
use crate::folder;
use crate::speech::chain_of;

impl AuthenticateFailed {
    /// In Chinese.
    #[must_use]
    pub fn text_zh(&self) -> String {
        match self {
            Self::Wrong => "姓名或密码不正确；未作任何改变，此次失败已记录".to_owned(),
            Self::Wait { failures, wait_s } => {
                format!("连续失败 {failures} 次，请在 {wait_s} 秒后重试")
            }
            Self::Busy { wait_s } => {
                format!("您所在网络近一分钟内登录失败过多，请在 {wait_s} 秒后重试")
            }
            Self::Persons(persons) => format!("无法核验密码：{}", chain_of(persons)),
        }
    }
}

impl AuthorizeFailed {
    /// In Chinese.
    #[must_use]
    pub fn text_zh(&self) -> String {
        match self {
            Self::Authenticate(failed) => failed.text_zh(),
            Self::Role { role, wanted } => {
                let wanted: Vec<_> = wanted.iter().map(|role| role.title_zh()).collect();
                format!("角色“{}”无权执行此操作；需要：{}", role.title_zh(), wanted.join(" / "))
            }
            Self::Audit(failed) => format!("无法写入审计日志：{}", chain_of(failed)),
            Self::Stopping => "服务正在停止".to_owned(),
        }
    }
}

impl AddPersonFailed {
    /// In Chinese.
    #[must_use]
    pub fn text_zh(&self) -> String {
        match self {
            Self::Role { role, server: folder::Role::Node } => {
                format!("节点没有“{}”这一角色", role.title_zh())
            }
            Self::Role { role, server: folder::Role::Hub } => {
                format!("枢纽没有“{}”这一角色", role.title_zh())
            }
            Self::Name => "姓名须为 1 至 64 个字符，不含控制字符，且不能全是数字".to_owned(),
            Self::NameTaken => "已有同名人员，请加上可区分的字样".to_owned(),
            Self::FirstPerson => {
                format!("尚无管理员，先添加的人员须是管理员：--role {}", Role::Administrator)
            }
            Self::NeedsAdministrator => "已有管理员，须由管理员添加：--person 姓名".to_owned(),
            Self::Persons(persons) => format!("人员未添加：{}", persons.text_zh()),
        }
    }
}

impl PersonsFailed {
    /// In Chinese.
    #[must_use]
    pub fn text_zh(&self) -> String {
        match self {
            Self::Password(PasswordFailed::TooShort) => format!("密码至少 {PASSWORD_CHARACTERS_MIN} 个字符"),
            Self::Password(PasswordFailed::TooLong) => format!("密码最多 {PASSWORD_BYTES_MAX} 字节"),
            Self::NoSuchName(typed) => format!("没有人员“{typed}”"),
            Self::Nobody(id) => format!("没有编号为 {id} 的人员"),
            Self::LastAdministrator => "这是最后一位管理员；请先添加另一位管理员".to_owned(),
            Self::Appoint(failed) => failed.text_zh(),
            Self::Store(_) | Self::Row(_) | Self::Password(_) => chain_of(self),
        }
    }
}

impl AppointFailed {
    /// In Chinese.
    #[must_use]
    pub fn text_zh(&self) -> String {
        match self {
            Self::Oneself => "本人不能作自己的代理人".to_owned(),
            Self::Days => {
                format!("代理的起止日期须从今天或以后起，止日不早于起日，最长 {DEPUTY_DAYS_MAX} 天")
            }
            Self::Twice(number) => format!("这些日期已有同样的代理：编号 {number}"),
        }
    }
}

impl TakeFirstFailed {
    /// In Chinese.
    #[must_use]
    pub fn text_zh(&self) -> String {
        match self {
            Self::Code => {
                "一次性代码无效：已使用、已过期、已被更新的代码取代，或输入有误；可在服务器上用 person first-code 重新生成"
                    .to_owned()
            }
            Self::Administrators => "已有过两位管理员；新人员由管理员添加".to_owned(),
            Self::Add(failed) => failed.text_zh(),
        }
    }
}
