//! `cargo xtask demo`: a district's hub and several universities' nodes on this machine, as separate processes.

mod codes;
mod drill;
mod folder;
mod guide;
mod http;
mod hub;
mod node;
mod plan;
mod report;
mod verify;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Args;
use safeharbor_core::b64;
use serde_json::Value;

use crate::console;
use crate::failure::Failure;
use crate::interrupt::{Interrupt, Seen};
use crate::process::Server;
use crate::samples::Institution;
use crate::workspace::{self, Programs};

use drill::Drill;
use folder::Folder;
use hub::{Hub, Running};
use node::Node;
use plan::Split;
use report::Report;

/// Arguments of `cargo xtask demo`.
#[derive(Args, Debug)]
pub(crate) struct Options {
    /// Runs until all nodes are in step with the hub, leaves the results in the folder, and ends.
    #[arg(long)]
    once: bool,
    /// The folder to work in: empty, or left by an earlier demonstration [default: target/demo].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Shares this file out among nodes in place of the sample records.
    #[arg(long, value_name = "FILE", requires_all = ["mapping", "split_by"])]
    import: Option<PathBuf>,
    /// How to read that file; see docs/mapping.md.
    #[arg(long, value_name = "FILE", requires = "import")]
    mapping: Option<PathBuf>,
    /// The column whose values name the institutions: one node each, the 12 most frequent.
    #[arg(long, value_name = "COLUMN", requires = "import")]
    split_by: Option<String>,
    /// Lists which of them take part, one a line, optionally followed by a tab and the institution's code.
    #[arg(long, value_name = "FILE", requires = "import")]
    only: Option<PathBuf>,
    /// Gives up when the nodes are not in step after this many seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 900)]
    limit_s: u64,
    /// Plays a drill in place of the demonstration, judges it, and ends.
    #[arg(long, value_name = "DRILL", conflicts_with = "once")]
    drill: Option<Drill>,
}

/// A federation that has been made and filled, not yet running.
struct Federation {
    folder: Folder,
    programs: Programs,
    office: Hub,
    hub: Running,
    nodes: Vec<Node>,
    password: String,
}

/// Runs the demonstration.
///
/// # Errors
/// A program fails, the parts do not agree at the end, or (with `--once`) the person interrupts.
pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    let default = || workspace::root().join("target/demo");
    let folder = Folder::prepare(&options.out.clone().unwrap_or_else(default))?;
    console::progress("Building …");
    let programs = Programs::build(&workspace::SERVERS)?;
    let interrupt = Interrupt::listen()?;
    let start = Instant::now();
    let mut federation = Federation::make(options, folder, programs, &interrupt)?;
    let limit = Duration::from_secs(options.limit_s);
    if let Some(Drill::Certificates) = options.drill {
        return federation.drill_certificates(&interrupt, limit);
    }
    if options.once {
        return federation.complete(&interrupt, start, limit);
    }
    match federation.show(&interrupt, limit) {
        Err(Failure::Interrupted) => Ok(()),
        other => other,
    }
}

/// Runs the demonstration with the sample records to completion, leaving its results in a folder.
///
/// # Errors
/// As [`run`].
pub(crate) fn complete_in(folder: &Path) -> Result<(), Failure> {
    run(&Options {
        once: true,
        out: Some(folder.to_owned()),
        import: None,
        mapping: None,
        split_by: None,
        only: None,
        limit_s: 300,
        drill: None,
    })
}

impl Federation {
    /// Makes the hub and the nodes, starts the hub, and has every node enrolled and filled.
    fn make(
        options: &Options,
        folder: Folder,
        programs: Programs,
        interrupt: &Interrupt,
    ) -> Result<Self, Failure> {
        let institutions = institutions(options, &programs, &folder)?;
        guide::roster(&institutions);
        let password = password()?;
        let office = Hub::init(&programs, &folder, &password)?;
        if options.drill == Some(Drill::Certificates) {
            office.set("certificate_lifetime_s", drill::CERTIFICATE_LIFETIME_S)?;
        }
        let of = |institution| Node::of(&programs, &folder, institution);
        let nodes = institutions.into_iter().map(of).collect::<Result<Vec<_>, _>>()?;
        let hub = office.start(interrupt)?;
        for node in &nodes {
            console::progress(&format!("{}: join, accept the policy, import", node.institution.name));
            node.join(&office.invite(&node.institution, &password)?, &password)?;
            node.import(options.import.is_some())?;
        }
        Ok(Self { folder, programs, office, hub, nodes, password })
    }

    /// Runs until every node is in step, stops everything, and leaves and judges the results.
    fn complete(mut self, interrupt: &Interrupt, start: Instant, limit: Duration) -> Result<(), Failure> {
        let mut servers = self.nodes.iter().map(|node| node.start(true)).collect::<Result<Vec<_>, _>>()?;
        for server in &mut servers {
            server.wait_for_success(interrupt, limit, || self.hub.server.check_running())?;
        }
        let mut report = Report { seconds: start.elapsed().as_secs_f64(), ..Report::default() };
        let board = self.hub.board(&self.password)?;
        self.hub.server.stop(interrupt)?;
        self.collect(&mut report, &board)?;
        self.folder.tidy()?;
        write_report(&report, &self.folder.report())?;
        console::answer(&report.summary());
        console::answer(&format!(
            "left in {}",
            self.folder.report().parent().unwrap_or(Path::new(".")).display()
        ));
        report.check()
    }

    fn collect(&self, report: &mut Report, board: &Value) -> Result<(), Failure> {
        self.folder.publish_registry()?;
        for node in &self.nodes {
            let progress = node.progress()?;
            report.sent = report.sent.saturating_add(progress.stated);
            report.receipts_stored = report.receipts_stored.saturating_add(progress.receipts);
            report.roster.push((node.institution.clone(), node.export_records()?));
            node.export_receipts(&self.folder.receipts())?;
        }
        report.accepted = hub::accepted(board)?;
        report.aggregates =
            board.get("aggregates").cloned().ok_or(Failure::lacks("the hub's board", "aggregates"))?;
        report.verified = verify::everything(&self.programs, &self.folder)?;
        Ok(())
    }

    /// Runs until the person stops it.
    fn show(mut self, interrupt: &Interrupt, limit: Duration) -> Result<(), Failure> {
        let mut servers = self.nodes.iter().map(|node| node.start(false)).collect::<Result<Vec<_>, _>>()?;
        let shown = self.look_after(&mut servers, interrupt, limit);
        console::progress("Stopping …");
        for server in &mut servers {
            report_stop(server.stop(interrupt));
        }
        report_stop(self.hub.server.stop(interrupt));
        shown
    }

    /// Leaves an invitation for one more university, for the person to join with.
    fn invite_another(&self) -> Result<(), Failure> {
        let name = "第四示范大学".to_owned();
        let code = codes::make_up(&name)?;
        let institution = Institution { code, name, made_up: true, imports: Vec::new() };
        let token = self.office.invite(&institution, &self.password)?;
        let file = self.folder.invitation();
        fs::write(&file, token).map_err(Failure::file("write", &file))
    }

    fn look_after(
        &mut self,
        servers: &mut [Server],
        interrupt: &Interrupt,
        limit: Duration,
    ) -> Result<(), Failure> {
        guide::waiting(self.hub.admin);
        interrupt.until("all nodes are in step", limit, || {
            check_running(&mut self.hub, servers)?;
            in_step(&self.nodes)
        })?;
        self.invite_another()?;
        guide::look(&self.programs, &self.folder, &self.hub, &self.nodes, &self.password)?;
        while !interrupt.within(Duration::from_secs(1)) {
            check_running(&mut self.hub, servers)?;
        }
        Ok(())
    }
}

fn institutions(
    options: &Options,
    programs: &Programs,
    folder: &Folder,
) -> Result<Vec<Institution>, Failure> {
    let (Some(file), Some(mapping), Some(column)) = (&options.import, &options.mapping, &options.split_by)
    else {
        return plan::samples();
    };
    plan::from_file(programs, folder, &Split { file, mapping, column, only: options.only.as_deref() })
}

fn check_running(hub: &mut Running, nodes: &mut [Server]) -> Result<(), Failure> {
    hub.server.check_running()?;
    nodes.iter_mut().try_for_each(Server::check_running)
}

fn in_step(nodes: &[Node]) -> Result<Seen<()>, Failure> {
    for node in nodes {
        if !node.takes_commands() {
            return Ok(Seen::Waiting(format!("{}: starting", node.institution.name)));
        }
        let progress = node.progress()?;
        if !progress.in_step() {
            return Ok(Seen::Waiting(format!("{}: {progress:?}", node.institution.name)));
        }
    }
    Ok(Seen::Done(()))
}

fn report_stop(stopped: Result<(), Failure>) {
    if let Err(failure) = stopped {
        console::failure(&failure);
    }
}

fn write_report(report: &Report, path: &Path) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(&report.to_json()).map_err(Failure::json("the report"))?;
    fs::write(path, text + "\n").map_err(Failure::file("write", path))
}

/// A password for this demonstration only.
fn password() -> Result<String, Failure> {
    let mut bytes = [0; 15];
    let refused = |_| Failure::System { what: "draw random bytes", source: std::io::ErrorKind::Other.into() };
    getrandom::fill(&mut bytes).map_err(refused)?;
    Ok(b64::encode_url(&bytes))
}
