//! What the person at the terminal is told: who takes part, what to look at, what to try.

use std::net::SocketAddr;
use std::path::Path;

use super::folder::Folder;
use super::hub::{PERSON as HUB_PERSON, Running};
use super::node::{Node, PERSON};
use crate::console;
use crate::failure::Failure;
use crate::samples::{self, Institution};
use crate::workspace::Programs;

/// Lists the institutions with their codes.
pub(super) fn roster(institutions: &[Institution]) {
    console::progress("Institutions:");
    for institution in institutions {
        let mark = if institution.made_up { "  (sample code, not registered)" } else { "" };
        console::progress(&format!("  {}  {}{mark}", institution.code, institution.name));
    }
}

/// Says where the numbers can be watched while they arrive.
pub(super) fn waiting(admin: SocketAddr) {
    console::progress(&format!("Syncing; watch http://{admin}/?lang=zh-CN"));
}

/// Says what to look at and what to try.
///
/// # Errors
/// A program is missing.
pub(super) fn look(
    programs: &Programs,
    folder: &Folder,
    hub: &Running,
    nodes: &[Node],
    password: &str,
) -> Result<(), Failure> {
    let (node, verify) = (programs.path("safeharbor-node")?, programs.path("safeharbor-verify")?);
    let (hub_program, fourth) = (programs.path("safeharbor-hub")?, folder.nodes().join("fourth"));
    let mistakes = samples::folder().join("with-mistakes.csv");
    let mapping = samples::folder().join("mappings/with-mistakes.toml");
    let registry = folder.hub().join("registry");
    let first = nodes.first().map_or(Path::new(""), |node| &node.data);
    let admin = hub.admin;
    let lines = [
        String::new(),
        "Everything is in step: every statement has its receipt.".to_owned(),
        String::new(),
        "Look at".to_owned(),
        format!("  http://{admin}/?lang=zh-CN      the hub's board, in Chinese; ?lang=en in English"),
        format!("  http://{admin}/board.json       the same as JSON"),
        format!("  Sign in there as {HUB_PERSON} with the password {password} (for this run only)."),
        String::new(),
        "Try, in another terminal".to_owned(),
        format!("  {} list --data {} --kind ACH", shown(node), shown(first)),
        format!(
            "  {} show RECORD --data {}      what would leave, and what stays",
            shown(node),
            shown(first)
        ),
        format!(
            "  {} import {} --mapping {} --dry-run --data {}",
            shown(node),
            shown(&mistakes),
            shown(&mapping),
            shown(first)
        ),
        format!("  {} log {} --vkey {}", shown(verify), shown(&registry), shown(&registry.join("vkey"))),
        String::new(),
        "A fourth university joins with one command (the token is in the file; the six words are for the telephone)".to_owned(),
        format!("  {} join --token-file {} --data {}", shown(node), shown(&folder.invitation()), shown(&fourth)),
        format!("  {} key confirm CODE --person {HUB_PERSON} --data {}", shown(hub_program), shown(&folder.hub())),
        format!("  {} institution list --data {}", shown(hub_program), shown(&folder.hub())),
        String::new(),
        format!("At every node {PERSON} approves with the password {password} (for this run only)."),
        "Ctrl-C ends everything.".to_owned(),
    ];
    for line in lines {
        console::answer(&line);
    }
    Ok(())
}

/// A path as short as it can be typed from here.
fn shown(path: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    let short = path.strip_prefix(&here).unwrap_or(path).display().to_string();
    if short.contains(char::is_whitespace) { format!("'{short}'") } else { short }
}
