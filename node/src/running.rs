//! `run`: the stream to the hub and the control socket, until told to end.

use std::fs;
use std::io::BufWriter;
use std::sync::Arc;

use safeharbor_service::caller;
use safeharbor_service::control::{self, Output, Stream};
use safeharbor_service::settings::LoadSettingsFailed;
use safeharbor_service::shutdown::Shutdown;
use zeroize::Zeroizing;

use crate::backup;
use crate::command::{Request, execute};
use crate::connector;
use crate::context::Context;
use crate::membership::{Membership, MembershipFailed};
use crate::opening::Node;
use crate::renewal;
use crate::rotation;
use crate::settings::Settings;
use crate::speech::{Exit, Language, Speech, chain_of};
use crate::sync::{
    self, Connector, ConnectorFailed, Dialler, Link, LoadDialFailed, Outcome, SyncFailed, Told, Until,
};
use crate::trust::{Trust, TrustFailed, load_stop};

/// A node cannot run.
#[derive(Debug, thiserror::Error)]
pub enum RunFailed {
    /// It did not join.
    #[error("the node is no member of a hub")]
    NoMember,
    /// The membership cannot be used.
    #[error("the membership cannot be used")]
    Membership(#[from] MembershipFailed),
    /// The trust policy cannot be used.
    #[error("the trust policy cannot be used")]
    Trust(#[from] TrustFailed),
    /// The hub cannot be connected to by these settings.
    #[error("the hub cannot be connected to")]
    Connector(#[from] ConnectorFailed),
    /// The settings cannot be used.
    #[error(transparent)]
    Settings(#[from] LoadSettingsFailed),
    /// The proxy cannot be used by these settings.
    #[error("the proxy cannot be used")]
    Dial(#[from] LoadDialFailed),
    /// The hub's address cannot be read.
    #[error("the hub's address cannot be read")]
    Address(#[source] std::io::Error),
    /// The control socket cannot be opened.
    #[error("commands cannot be taken")]
    Control(#[from] control::ServeFailed),
    /// The node itself is broken.
    #[error("the node cannot go on")]
    Sync(#[from] SyncFailed),
    /// Signals or threads cannot be had.
    #[error("the process cannot be set up")]
    Process(#[source] std::io::Error),
}

/// How the hub is reached and what of it is believed, as pinned when the node joined.
///
/// # Errors
/// The node did not join, or what was pinned cannot be used.
pub fn load_link(context: &Context) -> Result<Link, RunFailed> {
    let member = Membership::load(&context.layout)?.ok_or(RunFailed::NoMember)?;
    let address = fs::read_to_string(context.layout.hub_address()).map_err(RunFailed::Address)?;
    let hub = Settings::load(&context.layout, &[])?.hub;
    let tls = member.tls(&context.layout, hub.key_exchange)?;
    let connector = Connector::new(address.trim().to_owned(), &member.hub_name, tls)?;
    let connector = connector.through(Dialler::load(&context.layout, &hub)?);
    Ok(Link { connector, trust: Trust::of_membership(&member)? })
}

/// Runs a node on its own runtime until a signal, or with [`Until::InStep`] until it is in step with the hub.
///
/// # Errors
/// The node did not join or is broken.
pub fn run(node: &Node, until: Until) -> Result<Outcome, RunFailed> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(RunFailed::Process)?;
    let outcome = runtime.block_on(async {
        let shutdown = Shutdown::on_signals().map_err(RunFailed::Process)?;
        serve(Arc::clone(&node.context), &shutdown, until).await
    });
    // Commands under way on the blocking pool come to their end: they may be in the middle of a commit.
    drop(runtime);
    outcome
}

/// Keeps the stream and takes commands.
///
/// # Errors
/// As [`run`].
pub async fn serve(context: Arc<Context>, shutdown: &Shutdown, until: Until) -> Result<Outcome, RunFailed> {
    let link = load_link(&context)?;
    let socket = context.layout.control_socket();
    tracing::info!(institution = %context.institution, hub = link.connector.address(), "the node runs");
    let commanded = Arc::clone(&context);
    let scheduled = Arc::clone(&context);
    let backed_up = Arc::clone(&context);
    let renewed = (Arc::clone(&context), link.connector.clone());
    let rotated = Arc::clone(&context);
    let handler = move |request, output| answer(Arc::clone(&commanded), request, output);
    tokio::select! {
        outcome = keep_in_step(context, link, shutdown, until) => outcome,
        // Ends with the node alone; the stream's end decides.
        () = keep_connectors(scheduled, shutdown) => Ok(Outcome::ShutDown),
        () = keep_backups(backed_up, shutdown) => Ok(Outcome::ShutDown),
        () = keep_certificate(renewed, shutdown) => Ok(Outcome::ShutDown),
        () = keep_key(rotated, shutdown) => Ok(Outcome::ShutDown),
        served = control::serve(&socket, handler) => match served {
            Ok(()) => Ok(Outcome::ShutDown),
            Err(failed) => Err(failed.into()),
        },
    }
}

/// Runs connectors, and outlives the word to end so that the stream has the last one.
async fn keep_connectors(context: Arc<Context>, shutdown: &Shutdown) {
    connector::keep(context, shutdown).await;
    std::future::pending().await
}

/// As [`keep_connectors`].
async fn keep_certificate((context, connector): (Arc<Context>, Connector), shutdown: &Shutdown) {
    renewal::keep(context, connector, shutdown).await;
    std::future::pending().await
}

/// As [`keep_connectors`].
async fn keep_key(context: Arc<Context>, shutdown: &Shutdown) {
    rotation::keep(context, shutdown).await;
    std::future::pending().await
}

/// As [`keep_connectors`]. A backup under way when the node ends breaks off.
async fn keep_backups(context: Arc<Context>, shutdown: &Shutdown) {
    backup::keep(context, shutdown).await;
    std::future::pending().await
}

/// Syncs, and after a stop again once an administrator decided: a process that ended would be started again by its supervisor, for ever.
async fn keep_in_step(
    context: Arc<Context>,
    link: Link,
    shutdown: &Shutdown,
    until: Until,
) -> Result<Outcome, RunFailed> {
    loop {
        let outcome = sync::run(Arc::clone(&context), link.clone(), shutdown, until).await?;
        if until == Until::InStep || !matches!(outcome, Outcome::Stopped(_)) {
            return Ok(outcome);
        }
        tokio::select! {
            resumed = wait_for_resume(&context) => resumed?,
            () = shutdown.wait() => return Ok(Outcome::ShutDown),
        }
    }
}

/// Whatever fills the outbox wakes this, too, and is found there once the stream is open.
async fn wait_for_resume(context: &Context) -> Result<(), SyncFailed> {
    while load_stop(&*context.store)?.is_some() {
        context.outbox.wait_for_more().await;
    }
    Ok(())
}

/// Carries out one command for the command line.
async fn answer(context: Arc<Context>, request: Vec<u8>, output: Output) -> u8 {
    let request = Zeroizing::new(request);
    let carried_out = caller::spawn_blocking(move || {
        let Ok(Request { command, language, format, terminal }) = serde_json::from_slice(&request) else {
            return Exit::Usage;
        };
        let mut out = BufWriter::new(output.writer(Stream::Stdout));
        let mut err = output.writer(Stream::Stderr);
        let mut speech = Speech { out: &mut out, err: &mut err, language, format, terminal };
        let exit = execute(&context, command, &mut speech);
        flushed(&mut out, exit)
    });
    carried_out.await.unwrap_or(Exit::Unavailable).code()
}

/// A command whose data did not arrive is not done.
pub(crate) fn flushed(out: &mut dyn std::io::Write, exit: Exit) -> Exit {
    match out.flush() {
        Ok(()) => exit,
        Err(_) => Exit::Unavailable,
    }
}

/// How a run ended, for the person.
#[must_use]
pub fn outcome_text(outcome: &Outcome, language: Language) -> (Exit, String) {
    match (outcome, language) {
        (Outcome::InStep, Language::Zh) => {
            (Exit::Done, "已与枢纽同步：每份声明都有核验过的回执。".to_owned())
        }
        (Outcome::InStep, Language::En) => {
            (Exit::Done, "in step with the hub: every statement has a verified receipt.".to_owned())
        }
        (Outcome::ShutDown, Language::Zh) => (Exit::Done, "已停止运行。".to_owned()),
        (Outcome::ShutDown, Language::En) => (Exit::Done, "ended as told.".to_owned()),
        (Outcome::Refused(refused), Language::Zh) => {
            (Exit::Refused, format!("枢纽拒收（{}）：{}", refused.code, refused.text))
        }
        (Outcome::Refused(refused), Language::En) => {
            (Exit::Refused, format!("the hub refuses ({}): {}", refused.code, refused.text))
        }
        (Outcome::Held(told), language) => (Exit::Refused, held_text(told, language)),
        (Outcome::Stopped(alarm), Language::Zh) => {
            (Exit::Refused, format!("已停止，须由管理员查明后决定（resume）：{alarm}"))
        }
        (Outcome::Stopped(alarm), Language::En) => {
            (Exit::Refused, format!("stopped until an administrator decides (resume): {alarm}"))
        }
    }
}

fn held_text(told: &Told, language: Language) -> String {
    let words = [told.held_cause(), told.held_remedy()];
    let texts: Vec<&str> = words.iter().flatten().map(|words| words.pick(language)).collect();
    texts.join(language.pick("。", ". "))
}

impl RunFailed {
    /// Why, for the person, and with which exit code.
    #[must_use]
    pub fn text(&self, language: Language) -> (Exit, String) {
        match (self, language) {
            (Self::NoMember, Language::Zh) => {
                (Exit::Refused, "节点尚未入网：用枢纽给的邀请码运行 join。".to_owned())
            }
            (Self::NoMember, Language::En) => (
                Exit::Refused,
                "the node is not a member yet: run `join` with the invitation that the hub made.".to_owned(),
            ),
            (failed, Language::Zh) => (Exit::Unavailable, format!("节点无法运行：{}", chain_of(failed))),
            (failed, Language::En) => (Exit::Unavailable, chain_of(failed)),
        }
    }
}

#[cfg(test)]
mod tests;
