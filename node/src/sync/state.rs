//! How the stream stands, for people.

use std::sync::Arc;

use safeharbor_core::code::Code;
use safeharbor_core::directory;
use safeharbor_core::statement::Statement;
use serde::Serialize;
use serde_json::Value;

use super::tasks::{KeptTask, list_tasks};
use super::told::Told;
use crate::as_text;
use crate::chain::{Chain, ChainFailed};
use crate::context::Context;
use crate::outbox::OutboxFailed;
use crate::trust::{Alarm, Alarms, LastCheckpoint, RaisedAlarm, load_stop};

/// In one word how it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "standing", rename_all = "kebab-case")]
pub enum Standing {
    /// 已同步: nothing waits, every statement has its receipt.
    InStep,
    /// 等待中: so many statements have no receipt.
    Waiting {
        /// How many, numbered or not.
        statements: u64,
        /// Since when, in milliseconds since 1970 UTC.
        since_ms: Option<u64>,
    },
    /// 被拒绝: the hub takes nothing until somebody acts; the node asks again from time to time.
    Refused {
        /// The hub's code; each has a page under `docs/errors`.
        #[serde(with = "as_text")]
        code: Code,
        /// What the hub said, in English.
        text: String,
        /// Since when, in milliseconds since 1970 UTC.
        since_ms: u64,
        /// How many statements wait.
        statements: u64,
    },
    /// 已暂停 or 已撤销: the hub takes no statements of the institution; the node goes on by itself once it does again.
    Held {
        /// Suspended or revoked.
        word: directory::Standing,
        /// Since when the hub says so, in milliseconds since 1970 UTC.
        since_ms: u64,
        /// How many statements wait.
        statements: u64,
    },
    /// 已停止: nothing is sent until a person decides.
    Stopped {
        /// Why.
        #[serde(flatten)]
        alarm: Alarm,
        /// Since when, in milliseconds since 1970 UTC.
        since_ms: u64,
    },
}

/// A statement that is logged and counts nowhere; the record's next revision corrects it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ContentRefused {
    /// Its number.
    pub seq: Option<u64>,
    /// The record, where the statement is ours.
    pub rec: Option<String>,
    /// The revision.
    pub rev: Option<u32>,
    /// The hub's code.
    pub code: String,
    /// What the hub said, in English.
    pub text: String,
}

/// How the stream stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SyncState {
    /// In one word.
    #[serde(flatten)]
    pub standing: Standing,
    /// The number of the last statement.
    pub stated: u64,
    /// The number of the last statement that the hub acknowledged.
    pub acknowledged: u64,
    /// Up to which number every statement has a receipt that meets the policy.
    pub receipted: u64,
    /// The size of the registry as last verified.
    pub registry_size: u64,
    /// When the hub last spoke, in milliseconds since 1970 UTC.
    pub contact_ms: Option<u64>,
    /// What the hub last said of the institution; none before it did.
    pub told: Option<Told>,
    /// What a person must look at, the latest first.
    pub alarms: Vec<RaisedAlarm>,
    /// Statements whose content the hub refused.
    pub content_refused: Vec<ContentRefused>,
}

/// The state cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum TellFailed {
    /// The chain cannot be read.
    #[error(transparent)]
    Chain(#[from] ChainFailed),
    /// The outbox cannot be read.
    #[error(transparent)]
    Outbox(#[from] OutboxFailed),
}

/// Tells how the stream stands, from the store alone.
///
/// # Errors
/// The store fails or is damaged.
pub fn state(context: &Context) -> Result<SyncState, TellFailed> {
    let chain = Chain::new(Arc::clone(&context.store));
    let memory = chain.memory();
    let stated = memory.head()?.map_or(0, |head| head.seq);
    let receipted = memory.receipts_from()?.saturating_sub(1);
    let last = LastCheckpoint::load(&*context.store)?;
    let told = Told::load(&*context.store).map_err(ChainFailed::from)?;
    Ok(SyncState {
        standing: standing(context, &chain, (stated, receipted), told.as_ref())?,
        stated,
        acknowledged: memory.acknowledged()?.map_or(0, |head| head.seq),
        receipted,
        registry_size: last.map_or(0, |last| last.checkpoint.size),
        contact_ms: memory.contact_ms()?,
        told,
        alarms: Alarms::new(Arc::clone(&context.store)).list()?,
        content_refused: content_refused(context, &chain)?,
    })
}

fn standing(
    context: &Context,
    chain: &Chain,
    (stated, receipted): (u64, u64),
    told: Option<&Told>,
) -> Result<Standing, TellFailed> {
    if let Some(stopped) = load_stop(&*context.store)? {
        return Ok(Standing::Stopped { alarm: stopped.alarm, since_ms: stopped.since_ms });
    }
    let statements = stated.saturating_sub(receipted).saturating_add(context.outbox.len()?);
    if let Some(told) = told.filter(|told| told.is_held()) {
        return Ok(Standing::Held { word: told.standing, since_ms: told.since_ms, statements });
    }
    if let Some(refused) = chain.memory().refused()? {
        let (code, text, since_ms) = (refused.code, refused.text, refused.since_ms);
        return Ok(Standing::Refused { code, text, since_ms, statements });
    }
    if statements == 0 {
        return Ok(Standing::InStep);
    }
    Ok(Standing::Waiting { statements, since_ms: waiting_since(context, chain, receipted)? })
}

/// Statements wait longer than the outbox, so the first of them says since when.
fn waiting_since(context: &Context, chain: &Chain, receipted: u64) -> Result<Option<u64>, TellFailed> {
    if let Some(stated) = chain.statement(receipted.saturating_add(1))? {
        let statement = Statement::parse(&stated.jwt).ok();
        return Ok(statement.map(|statement| statement.envelope.iat.saturating_mul(1000)));
    }
    Ok(context.outbox.first()?.map(|entry| entry.at()))
}

fn content_refused(context: &Context, chain: &Chain) -> Result<Vec<ContentRefused>, ChainFailed> {
    let mut refused = Vec::new();
    for task in list_tasks(&context.store)?.into_iter().filter(KeptTask::is_open_refusal) {
        let text = |name: &str| task.payload.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let seq = task.seq();
        let stated = seq.map(|seq| chain.statement(seq)).transpose()?.flatten();
        refused.push(ContentRefused {
            seq,
            rec: stated.as_ref().and_then(|stated| stated.rec).map(|rec| rec.to_string()),
            rev: stated.and_then(|stated| stated.rev),
            code: text("code"),
            text: text("text"),
        });
    }
    refused.sort_by_key(|refused| refused.seq);
    Ok(refused)
}
