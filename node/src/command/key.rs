//! `key`: the keys of this institution with their places in the registry, and rotating the statement key.

use std::future::Future;

use safeharbor_certs::words::KeyWords;
use safeharbor_core::directory::{KeySigns, KeyTerm};
use safeharbor_service::person::Role;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::credentials::authenticate;
use super::{CommandFailed, Credentials};
use crate::context::Context;
use crate::membership::{Membership, MembershipFailed};
use crate::rotation::{RotateFailed, Rotated, is_under_way, rotate};
use crate::speech::{Exit, Format, Speech, chain_of};

/// What can be asked about keys.
#[derive(Debug, Serialize, Deserialize)]
pub enum KeyCommand {
    /// Lists them.
    List,
    /// Replaces the statement key.
    Rotate {
        /// Which administrator decided.
        by: Credentials,
    },
}

/// Something about keys was refused or failed.
#[derive(Debug, thiserror::Error)]
pub enum KeyFailed {
    /// The membership cannot be read.
    #[error("the keys cannot be listed")]
    Membership(#[from] MembershipFailed),
    /// The node is no member.
    #[error("the node is no member of a hub, so none of its keys is in a registry")]
    NoMember,
    /// There is no runtime for asking the hub.
    #[error("the process cannot be set up")]
    Process(#[source] std::io::Error),
}

pub(super) fn carry_out(
    context: &Context,
    command: KeyCommand,
    speech: &mut Speech<'_>,
) -> Result<Exit, CommandFailed> {
    match command {
        KeyCommand::List => list(context, speech),
        KeyCommand::Rotate { by } => replace(context, &by, speech),
    }
}

fn replace(context: &Context, by: &Credentials, speech: &mut Speech<'_>) -> Result<Exit, CommandFailed> {
    let person = authenticate(context, by, &[Role::Administrator], "rotate key")?;
    let before = context.signer.public_key().thumbprint();
    context.audit.append(
        Some(&person),
        "rotate key",
        context.institution.as_str(),
        json!({ "before": before }),
    )?;
    match block_on(rotate(context))? {
        Ok(rotated) => say_rotated(&rotated, speech),
        Err(failed) => {
            let is_under_way = is_under_way(&context.layout);
            speech.note(format_args!(
                "{}{}",
                speech.pick(format!("{}。", chain_of(&failed)), format!("{}. ", chain_of(&failed))),
                failed.remedy(is_under_way, speech.language)
            ))?;
            let is_refused =
                matches!(failed, RotateFailed::NoMember | RotateFailed::Answer(_)) && !is_under_way;
            Ok(if is_refused { Exit::Refused } else { Exit::Unavailable })
        }
    }
}

/// On the runtime of the running node, or on one of its own.
fn block_on<T>(asking: impl Future<Output = T>) -> Result<T, CommandFailed> {
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        return Ok(runtime.block_on(asking));
    }
    let built = tokio::runtime::Builder::new_current_thread().enable_all().build();
    Ok(built.map_err(KeyFailed::Process)?.block_on(asking))
}

fn say_rotated(rotated: &Rotated, speech: &mut Speech<'_>) -> Result<Exit, CommandFailed> {
    let Rotated { key, before, index } = rotated;
    let words = KeyWords::of(key);
    if speech.format == Format::Json {
        speech.json(&json!({
            "key": key.thumbprint(), "before": before.thumbprint(), "index": index, "words": words_of(key),
        }))?;
    } else {
        speech.data(speech.pick(
            format!("声明密钥已更换，自登记簿第 {index} 条起生效；此前的声明仍由原密钥证明，原密钥已销毁。"),
            format!("the statement key is replaced from entry {index} on; statements before it stand under the key before, which is destroyed."),
        ))?;
    }
    speech.note(speech.pick(
        format!(
            "新密钥须重新核对：请致电枢纽运行方，念出六个词；核对之前照常报送声明，但不能备案：\n  {}\n  {}\n请随后作一次备份（backup now）：更早的备份中没有新密钥。",
            words.chinese(),
            words.english()
        ),
        format!(
            "The next key is to be confirmed anew: call the hub's operator and read out the six words; statements go on, but nothing can be filed before:\n  {}\n  {}\nThen make a backup (`backup now`): earlier ones do not hold this key.",
            words.english(),
            words.chinese()
        ),
    ))?;
    Ok(Exit::Done)
}

fn words_of(key: &safeharbor_core::key::PublicKey) -> Value {
    let words = KeyWords::of(key);
    json!({ "zh": words.chinese(), "en": words.english() })
}

fn list(context: &Context, speech: &mut Speech<'_>) -> Result<Exit, CommandFailed> {
    let member = Membership::load(&context.layout).map_err(KeyFailed::from)?.ok_or(KeyFailed::NoMember)?;
    let (terms, is_under_way) = (member.keys().map_err(KeyFailed::from)?, is_under_way(&context.layout));
    if speech.format == Format::Json {
        let rows: Vec<Value> = terms.iter().map(to_json).collect();
        speech.json(&json!({ "keys": rows, "rotation_under_way": is_under_way }))?;
        return Ok(Exit::Done);
    }
    for term in &terms {
        speech.data(describe(term, speech))?;
    }
    if is_under_way {
        speech.note(speech.pick(
            "声明密钥正在更换，等待枢纽答复；在此之前不为声明编号。",
            "the statement key is being replaced; until the hub answers nothing is numbered.",
        ))?;
    }
    Ok(Exit::Done)
}

fn to_json(term: &KeyTerm) -> Value {
    json!({
        "key": term.key.thumbprint(), "use": term.signs.as_str(), "from": term.from, "until": term.until,
        "re_enrolled": term.re_enrolled, "confirmed": term.confirmed,
        "words": (term.signs == KeySigns::Statements).then(|| words_of(&term.key)),
    })
}

fn describe(term: &KeyTerm, speech: &Speech<'_>) -> String {
    let from = term.from;
    let span = term.until.map_or_else(
        || speech.pick(format!("自 {from} 起"), format!("from {from}")),
        |until| speech.pick(format!("{from} 至 {until}"), format!("{from} to {until}, ended")),
    );
    let mut text = format!("{:<13} {}  {span}", term.signs.as_str(), term.key.thumbprint());
    if term.re_enrolled {
        text += speech.pick("  重新登记", "  re-enrolled");
    }
    if term.signs == KeySigns::Statements && term.until.is_none() {
        let words = KeyWords::of(&term.key);
        text += &speech.pick(
            format!("  六个词：{}（{}）", words.chinese(), words.english()),
            format!("  six words: {} ({})", words.english(), words.chinese()),
        );
    }
    text
}
