//! `cargo xtask demo --drill …`: what a federation must go through unattended, played on this machine and judged.

use std::fs;
use std::time::{Duration, Instant};

use clap::ValueEnum;
use serde_json::Value;

use super::Federation;
use super::node::Node;
use crate::console;
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::process::Server;
use crate::workspace;

/// What is played.
#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Drill {
    /// Certificates of two minutes renew by themselves for ten minutes while records are imported.
    Certificates,
}

/// How long certificates last in the drill about them.
pub(super) const CERTIFICATE_LIFETIME_S: u64 = 120;

/// How long it lasts: five of their lifetimes.
const DURATION: Duration = Duration::from_secs(600);

/// At two thirds of the lifetime with jitter, so many renewals at least fall into the time.
const RENEWALS_MIN: u32 = 5;

/// Records of one import.
const BATCH: u64 = 50;

impl Federation {
    /// Imports at every node in turn until the time is over, and counts the renewals that nobody asked for.
    ///
    /// # Errors
    /// A node ended, lost its connection, renewed too seldom, or did not get everything logged.
    pub(super) fn drill_certificates(
        &mut self,
        interrupt: &Interrupt,
        limit: Duration,
    ) -> Result<(), Failure> {
        let mut servers = self.nodes.iter().map(|node| node.start(false)).collect::<Result<Vec<_>, _>>()?;
        self.wait_in_step(&mut servers, interrupt, limit)?;
        let (start, mut ends, mut batches) =
            (Instant::now(), vec![Renewals::default(); self.nodes.len()], 0_u64);
        while start.elapsed() < DURATION {
            if interrupt.within(Duration::from_secs(1)) {
                return Err(Failure::Interrupted);
            }
            batches = batches.saturating_add(1);
            for (node, ends) in self.nodes.iter().zip(&mut ends) {
                import(node, batches)?;
                ends.see(node.certificate_until_s()?);
            }
            super::check_running(&mut self.hub, &mut servers)?;
            if batches.is_multiple_of(30) {
                let seen: Vec<_> = ends.iter().map(|ends| ends.count.to_string()).collect();
                let seconds = start.elapsed().as_secs();
                console::progress(&format!(
                    "{seconds} s: {batches} imports a node, renewals {}",
                    seen.join(" ")
                ));
            }
        }
        self.wait_in_step(&mut servers, interrupt, limit)?;
        for server in &mut servers {
            server.stop(interrupt)?;
        }
        self.nodes.iter().zip(ends).try_for_each(|(node, ends)| judge(node, ends, batches))
    }

    fn wait_in_step(
        &mut self,
        servers: &mut [Server],
        interrupt: &Interrupt,
        limit: Duration,
    ) -> Result<(), Failure> {
        interrupt.until("all nodes are in step", limit, || {
            super::check_running(&mut self.hub, servers)?;
            super::in_step(&self.nodes)
        })
    }
}

/// How often the end of a node's certificate moved.
#[derive(Debug, Clone, Copy, Default)]
struct Renewals {
    last_s: u64,
    count: u32,
}

impl Renewals {
    fn see(&mut self, until_s: u64) {
        self.count = self.count.saturating_add(u32::from(self.last_s != 0 && until_s > self.last_s));
        self.last_s = self.last_s.max(until_s);
    }
}

fn import(node: &Node, batch: u64) -> Result<(), Failure> {
    let head = "Case Number,Title,Status,Center,Application SN,Patent Expiration Date\n".to_owned();
    let row = |number| format!("DRILL-{batch}-{number:03},Generated record,Issued,Test Center,,\n");
    let csv: String = std::iter::once(head).chain((0..BATCH).map(row)).collect();
    let file = node.data.join("drill.csv");
    fs::write(&file, csv).map_err(Failure::file("write", &file))?;
    node.import_file(&file, &workspace::root().join("catalogue/mappings/nasa-patents.toml"))
}

fn judge(node: &Node, ends: Renewals, batches: u64) -> Result<(), Failure> {
    let log = node.data.join("node.log");
    let told = fs::read_to_string(&log).map_err(Failure::file("read", &log))?;
    let name = &node.institution.name;
    let dropped = told.matches("no connection to the hub").count();
    let progress = node.progress()?;
    let Renewals { count, .. } = ends;
    console::answer(&format!(
        "{name}: {count} renewals, {dropped} lost connections, {batches} imports of {BATCH} records, {} statements, {} receipts",
        progress.stated, progress.receipts
    ));
    let imported = batches.saturating_mul(BATCH);
    let holds = count >= RENEWALS_MIN && dropped == 0 && progress.in_step() && progress.stated >= imported;
    let wanted =
        format!("{RENEWALS_MIN} renewals without a lost connection or statement; see {}", log.display());
    if holds { Ok(()) } else { Err(Failure::lacks(format!("the drill of {name}"), wanted)) }
}

/// When the node's certificate ends, as its status says, in seconds since 1970 UTC.
///
/// # Errors
/// The status does not say.
pub(super) fn certificate_until_s(status: &Value) -> Result<u64, Failure> {
    let until = status.get("certificate").and_then(|certificate| certificate.get("until_s"));
    until.and_then(Value::as_u64).ok_or_else(|| Failure::lacks("a node's status", "certificate.until_s"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_look_and_the_same_end_are_no_renewals() {
        let mut seen = Renewals::default();
        [100, 100, 180, 180, 260].into_iter().for_each(|until_s| seen.see(until_s));
        assert_eq!(seen.count, 2);
    }
}
