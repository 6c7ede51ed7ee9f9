//! `join` on the command line: the token from a person, a pipe or a file, never from the command line itself.

use std::io::{self, IsTerminal as _, Read as _, Write as _};
use std::path::PathBuf;

use clap::Args;
use safeharbor_service::prompt::read_hidden;
use zeroize::Zeroizing;

use super::{Desk, complain};
use crate::join::{JoinFailed, Joined, Order, join, wants_token};
use crate::running::flushed;
use crate::speech::{Exit, Language};

/// No invitation is longer.
const TOKEN_BYTES_MAX: u64 = 4096;

/// How to join.
#[derive(Debug, Args)]
pub struct JoinWords {
    /// 存有邀请码的文件；不给则在终端输入或从标准输入读取 A file with the invitation; without it, it is typed, or read from standard input
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// 另用的枢纽地址，例如经地址转换时 Another address to reach the hub at, as behind NAT
    #[arg(long, value_name = "HOST:PORT")]
    address: Option<String>,
    /// 重新登记：声明密钥丢失或失效后，用枢纽为此发出的邀请换用新密钥；记录保留，原有密钥和成员文件移到 former/ Join again with fresh keys, because the statement key was lost or ended: with an invitation that the hub made for this; records stay, former keys and papers go to former/
    #[arg(long)]
    re_enrol: bool,
}

impl Desk {
    pub(super) fn join(&self, words: &JoinWords) -> Exit {
        let token = match self.token(words) {
            Ok(token) => token,
            Err(failed) => {
                let text = self.language.pick("未读到邀请码", "no invitation was read");
                return complain(&format!("{text}: {failed}"), Exit::Refused);
            }
        };
        let order = Order {
            layout: &self.layout,
            hub: &self.settings.hub,
            seams: &self.seams,
            token: token.as_ref().map(|token| token.as_str()),
            address: words.address.as_deref(),
            re_enrols: words.re_enrol,
        };
        let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(failed) => return complain(&failed.to_string(), Exit::Unavailable),
        };
        match runtime.block_on(join(&order)) {
            Ok(joined) => {
                let exit = show(&joined_text(&joined, self.language));
                if exit == Exit::Done { show(&self.first_sync(&runtime)) } else { exit }
            }
            Err(failed) => self.not_joined(&failed),
        }
    }

    /// A token is asked for where there is none yet; from a pipe it is taken whenever there is one.
    fn token(&self, words: &JoinWords) -> io::Result<Option<Zeroizing<String>>> {
        if let Some(file) = &words.token_file {
            return read_token(std::fs::File::open(self.path(file))?).map(Some);
        }
        if io::stdin().is_terminal() {
            if !wants_token(&self.layout, words.re_enrol) {
                return Ok(None);
            }
            let prompt = self.language.pick("邀请码（SHG1-…）：", "Invitation (SHG1-…): ");
            return read_hidden(prompt).map(Some);
        }
        let piped = read_token(io::stdin().lock())?;
        Ok((!piped.trim().is_empty()).then_some(piped))
    }

    fn not_joined(&self, failed: &JoinFailed) -> Exit {
        let (exit, text) = failed.text(self.language);
        complain(&text, exit)
    }
}

fn show(text: &str) -> Exit {
    let mut out = io::stdout();
    match out.write_all(text.as_bytes()) {
        Ok(()) => flushed(&mut out, Exit::Done),
        Err(_) => Exit::Unavailable,
    }
}

fn joined_text(joined: &Joined, language: Language) -> String {
    let Joined { membership, words, was_member } = joined;
    let (name, code, hub) = (&membership.name, membership.institution, &membership.hub_name);
    let (zh, en) = (words.chinese(), words.english());
    match language {
        Language::Zh => {
            let head = if *was_member { "已是成员" } else { "已入网" };
            format!(
                "{head}：{name}（{code}），枢纽 {hub}。\n请致电枢纽运行方，念出声明密钥的六个词，由其核对确认；确认之前不能备案：\n  {zh}\n  {en}\n用 run 开始同步。\n"
            )
        }
        Language::En => {
            let head = if *was_member { "a member already" } else { "joined" };
            format!(
                "{head}: {name} ({code}), hub {hub}.\nCall the hub's operator and read out the six words of the statement key; until they are confirmed nothing can be filed:\n  {en}\n  {zh}\nStart syncing with `run`.\n"
            )
        }
    }
}

fn read_token(source: impl io::Read) -> io::Result<Zeroizing<String>> {
    let mut text = Zeroizing::new(String::with_capacity(usize::try_from(TOKEN_BYTES_MAX).unwrap_or(0)));
    source.take(TOKEN_BYTES_MAX).read_to_string(&mut text)?;
    Ok(text)
}
