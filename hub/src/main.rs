//! `safeharbor-hub`: wires settings, clock, randomness and the command together.

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser as _;
use safeharbor_hub::cli::{Cli, Command, InstitutionAction};
use safeharbor_hub::commands::{self, CommandFailed, Office};
use safeharbor_hub::exchange::Services;
use safeharbor_hub::folder::Paths;
use safeharbor_hub::opening::{OpenHubFailed, open};
use safeharbor_hub::server::serve;
use safeharbor_hub::setup::{Naming, set_up};
use safeharbor_service::clock::{Clock, SystemClock};
use safeharbor_service::control;
use safeharbor_service::random::SystemRandom;
use safeharbor_service::shutdown::Shutdown;
use safeharbor_service::telemetry;

/// Many small strings a statement, freed on other threads: the system allocator takes a tenth of the time there.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The command was refused.
const REFUSED: u8 = 1;
/// The hub or its folder is unavailable.
const UNAVAILABLE: u8 = 3;

type Failure = (u8, Box<dyn std::error::Error>);

fn main() -> ExitCode {
    let cli = Cli::parse();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(refused) => return fail(&(UNAVAILABLE, refused.into())),
    };
    let done = match cli.command {
        Command::Init { data, name, origin, tls_names } => {
            let naming = Naming { name, origin, tls_names };
            set_up(&data.data, &naming, clock.as_ref(), &SystemRandom)
                .map(|()| format!("hub set up in {} (已初始化)\n", data.data.display()))
                .map_err(|refused| (REFUSED, refused.into()))
        }
        Command::Run { data, listen, admin } => runtime.block_on(run(&data.data, listen, admin, clock)),
        Command::Institution { data, action } => runtime.block_on(institution(&data.data, action, &clock)),
        Command::Rebuild { data } => commands::rebuild(&data.data, &clock).map_err(code_of),
    };
    // A thread that hangs in a broken device must not keep the process from ending.
    runtime.shutdown_timeout(std::time::Duration::from_secs(10));
    match done.and_then(|text| print(&text)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => fail(&failure),
    }
}

fn print(text: &str) -> Result<(), Failure> {
    std::io::stdout().write_all(text.as_bytes()).map_err(|refused| (UNAVAILABLE, refused.into()))
}

fn fail((code, error): &Failure) -> ExitCode {
    let text = format!("safeharbor-hub: {}", explain(error.as_ref()));
    // Nothing can be done where standard error is closed.
    writeln!(std::io::stderr(), "{text}").ok();
    ExitCode::from(*code)
}

fn code_of(failed: CommandFailed) -> Failure {
    let code =
        if matches!(failed, CommandFailed::Open(_) | CommandFailed::Run(_)) { UNAVAILABLE } else { REFUSED };
    (code, failed.into())
}

async fn run(
    folder: &Path,
    listen: Option<String>,
    admin: Option<String>,
    clock: Arc<dyn Clock>,
) -> Result<String, Failure> {
    let given = [("listen", listen), ("admin", admin)];
    let overrides: Vec<_> = given.into_iter().filter_map(|(key, value)| Some((key, value?))).collect();
    let unavailable = |refused: OpenHubFailed| (UNAVAILABLE, refused.into());
    let shutdown = Shutdown::on_signals().map_err(|refused| (UNAVAILABLE, refused.into()))?;
    let (opening, opening_clock) = (folder.to_owned(), Arc::clone(&clock));
    let opened = tokio::task::spawn_blocking(move || open(&opening, &overrides, &opening_clock)).await;
    let hub = opened.map_err(|join| (UNAVAILABLE, join.into()))?.map_err(unavailable)?;
    telemetry::init(&hub.settings.log).map_err(|refused| (UNAVAILABLE, refused.into()))?;
    let (paths, settings) = (hub.paths.clone(), hub.settings.clone());
    let audit = Arc::clone(&hub.audit);
    let commands_clock = Arc::clone(&clock);
    let commands = move |services: Services| async move {
        let Services { shared, orders, .. } = services;
        let socket = paths.control();
        let office = Office { shared, orders, paths, settings, audit, clock: commands_clock };
        let answer = move |request: Vec<u8>, output: control::Output| answer(office.clone(), request, output);
        if let Err(refused) = control::serve(&socket, answer).await {
            tracing::error!(error = %refused, "commands cannot be taken while the hub runs");
        }
    };
    serve(hub, (clock, Arc::new(SystemRandom)), shutdown, commands)
        .await
        .map_err(|failed| (UNAVAILABLE, failed.into()))?;
    Ok(String::new())
}

/// Carries a forwarded command out.
async fn answer(office: Office, request: Vec<u8>, output: control::Output) -> u8 {
    let done = match serde_json::from_slice::<InstitutionAction>(&request) {
        Ok(action) => commands::institution(&office, action).await.map_err(|failed| explain(&failed)),
        Err(refused) => Err(refused.to_string()),
    };
    match done {
        Ok(text) => {
            output.stdout(text).await.ok();
            0
        }
        Err(text) => {
            output.stderr(format!("safeharbor-hub: {text}\n")).await.ok();
            REFUSED
        }
    }
}

/// An error and its causes in one line.
fn explain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(source) = cause {
        text.push_str(": ");
        text.push_str(&source.to_string());
        cause = source.source();
    }
    text
}

async fn institution(
    folder: &Path,
    action: InstitutionAction,
    clock: &Arc<dyn Clock>,
) -> Result<String, Failure> {
    let action = absolute(action);
    let request = serde_json::to_vec(&action).map_err(|refused| (UNAVAILABLE, refused.into()))?;
    let socket = Paths::new(folder).control();
    let forwarded = tokio::task::spawn_blocking(move || {
        control::forward(&socket, &request, &mut std::io::stdout(), &mut std::io::stderr())
    });
    match forwarded.await.map_err(|join| (UNAVAILABLE, join.into()))? {
        Ok(None) => commands::offline(folder, clock, action).await.map_err(code_of),
        Ok(Some(0)) => Ok(String::new()),
        Ok(Some(code)) => Err((code, "the running hub refused the command".into())),
        Err(refused) => Err((UNAVAILABLE, refused.into())),
    }
}

/// The running hub has another working folder.
fn absolute(action: InstitutionAction) -> InstitutionAction {
    let whole = |path: std::path::PathBuf| std::path::absolute(&path).unwrap_or(path);
    match action {
        InstitutionAction::Add { request, bundle, name, kind } => {
            InstitutionAction::Add { request: whole(request), bundle: whole(bundle), name, kind }
        }
        InstitutionAction::List { .. }
        | InstitutionAction::Suspend { .. }
        | InstitutionAction::Reinstate { .. }
        | InstitutionAction::Revoke { .. } => action,
    }
}
