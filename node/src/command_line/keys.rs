//! `key` on the command line.

use clap::Subcommand;

use super::Desk;
use crate::command::{Command, KeyCommand};
use crate::speech::Exit;

/// What can be asked about keys.
#[derive(Debug, Subcommand)]
pub enum KeyWords {
    /// 列出密钥、在登记簿中的起止位置和声明密钥的六个词 List keys, their places in the registry, and the six words of the statement key
    List,
    /// 更换声明密钥：原密钥为新密钥签名；已编号的声明先报送完毕 Replace the statement key: the one in force signs for the next, once all that is numbered has arrived
    Rotate {
        /// 作出决定的管理员；密码另行询问 The administrator who decided; their password is asked for
        #[arg(long, value_name = "NAME")]
        person: String,
    },
}

impl Desk {
    pub(super) fn keys(&self, words: KeyWords) -> Exit {
        match words {
            KeyWords::List => self.deliver(Command::Key(KeyCommand::List)),
            KeyWords::Rotate { person } => {
                self.with_password(person, |by| Command::Key(KeyCommand::Rotate { by }))
            }
        }
    }
}
