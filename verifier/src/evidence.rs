//! `evidence`: what an evidence file proves, against whom, and how to check that by hand.

mod report;

use std::path::{Path, PathBuf};

use clap::Args;
use safeharbor_core::checkpoint::verify_checkpoint;
use safeharbor_core::fork::{FORK_BYTES_MAX, Fork};
use safeharbor_core::note::VerifierKey;
use safeharbor_core::statement::Statement;

pub use report::{EvidenceReport, Proven};

use crate::input;
use crate::keys::KeyFile;
use crate::objection::{Fault, Objection};
use crate::token::TOKEN_BYTES_MAX;
use crate::trust;

/// Arguments of `evidence`.
#[derive(Args, Debug)]
pub struct Arguments {
    /// An evidence file (fork-….evidence), two checkpoints of one size, or two statements of one number.
    #[arg(value_name = "FILE", required = true, num_args = 1..=2)]
    files: Vec<PathBuf>,
    /// The key of the registry that is accused.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["policy", "keys"])]
    vkey: Option<PathBuf>,
    /// The trust policy that names the registry that is accused.
    #[arg(long, value_name = "FILE", conflicts_with = "keys")]
    policy: Option<PathBuf>,
    /// For two statements: the keys of the institution that is accused (JWK set or single JWK).
    #[arg(long, value_name = "FILE", required_unless_present_any = ["vkey", "policy"])]
    keys: Option<PathBuf>,
}

/// Reads the files and says what they prove.
///
/// # Errors
/// Whatever keeps them from proving anything.
pub fn run(arguments: &Arguments) -> Result<EvidenceReport, Objection> {
    let read = |path: &PathBuf| input::read_file(path, FORK_BYTES_MAX.max(TOKEN_BYTES_MAX));
    let files = arguments.files.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    let place = |fault: Fault| match arguments.files.first() {
        Some(path) => fault.in_file(path.display()),
        None => fault.into(),
    };
    let text = |bytes: &[u8]| input::parse_text(bytes).map(str::to_owned);
    match (files.as_slice(), &arguments.keys) {
        ([first, second], Some(keys)) => {
            verify_statements([first, second], &KeyFile::load(keys)?).map_err(place)
        }
        ([one], None) => {
            let fork = text(one).and_then(|text| text.parse::<Fork>().map_err(Fault::Evidence));
            verify_fork(&fork.map_err(place)?, &logs(arguments)?).map_err(place)
        }
        ([first, second], None) => {
            let (first, second) = (text(first).map_err(place)?, text(second).map_err(place)?);
            verify_fork(&Fork { first, second, hashes: Vec::new() }, &logs(arguments)?).map_err(place)
        }
        _ => Err(Fault::EvidenceFiles.into()),
    }
}

/// The keys of the logs that may be accused.
fn logs(arguments: &Arguments) -> Result<Vec<VerifierKey>, Objection> {
    let load = |path: &Path| Ok::<_, Objection>(vec![trust::load_vkey(path)?]);
    match (&arguments.vkey, &arguments.policy) {
        (Some(path), _) => load(path),
        (None, Some(path)) => {
            Ok(trust::load_policy(path)?.logs().iter().map(|log| log.key.clone()).collect())
        }
        (None, None) => Ok(Vec::new()),
    }
}

/// Verifies that one of the logs signed both checkpoints, and that no tree can have both.
///
/// # Errors
/// Notes that no log signed, or that do not contradict each other.
pub fn verify_fork(fork: &Fork, logs: &[VerifierKey]) -> Result<EvidenceReport, Fault> {
    let signed = |log: &&VerifierKey| verify_checkpoint(fork.first.as_bytes(), log).is_ok();
    let log = logs.iter().find(signed).or(logs.first()).ok_or(Fault::EvidenceFiles)?;
    if fork.hashes.is_empty()
        && let (Ok(first), Ok(second)) =
            (verify_checkpoint(fork.first.as_bytes(), log), verify_checkpoint(fork.second.as_bytes(), log))
        && first.size != second.size
    {
        return Err(Fault::SizesDiffer { first: first.size, second: second.size });
    }
    let proven = fork.verify(log).map_err(Fault::NotProven)?;
    Ok(EvidenceReport::of_registry(log, &proven, fork.hashes.len()))
}

/// Verifies that one key signed two different statements of one number.
///
/// # Errors
/// Statements of different issuers or numbers, the same one twice, or one that is not signed by any of the keys.
pub fn verify_statements(files: [&[u8]; 2], keys: &KeyFile) -> Result<EvidenceReport, Fault> {
    let [first, second] = files.map(|bytes| {
        let line = input::parse_line(bytes)?;
        let jwt = line.split_once('~').map_or(line, |(jwt, _disclosures)| jwt);
        let statement = Statement::parse(jwt).map_err(Fault::Statement)?;
        let id = statement.key_id().ok_or(Fault::KeyUnnamed)?.to_owned();
        let key = keys.find(&id).ok_or_else(|| Fault::KeyMissing(id.clone()))?;
        let refused = |source| Fault::Token(safeharbor_core::sdjwt::VerifySdJwtFailed::Token(source));
        statement.verify(key).map_err(refused)?;
        Ok::<_, Fault>((statement, id))
    });
    let ((first, first_key), (second, second_key)) = (first?, second?);
    let (one, other) = (&first.envelope, &second.envelope);
    let same_place = one.iss == other.iss && one.seq == other.seq;
    if !same_place || first.digest == second.digest {
        return Err(Fault::NoContradiction);
    }
    Ok(EvidenceReport::of_statements((&first, first_key), (&second, second_key)))
}
