//! `disclosure`: a statement is its issuer's own, and so is everything revealed with it.

mod report;

use std::path::PathBuf;

use clap::Args;
use safeharbor_core::audit::RegistryAudit;
use safeharbor_core::digest::Digest;
use safeharbor_core::entry::Entry;
use safeharbor_core::institution::Issuer;
use safeharbor_core::key::PublicKey;

pub use report::{DisclosureReport, KeySource, LogPlace};

use crate::admission::ReEnrolments;
use crate::input;
use crate::keys::KeyFile;
use crate::log::{self, Depth, LogFiles, LogFolder, VerifiedLog};
use crate::objection::{Fault, Objection};
use crate::token::{TOKEN_BYTES_MAX, Token};
use crate::trust::LogTrust;

/// Arguments of `disclosure`.
#[derive(Args, Debug)]
pub struct Arguments {
    /// The statement: a compact SD-JWT, with the disclosures revealed to you.
    #[arg(value_name = "FILE")]
    statement: PathBuf,
    /// The issuer's key, which you vouch for: a JWK set or a single JWK.
    #[arg(long, value_name = "FILE", required_unless_present = "log", conflicts_with_all = ["log", "policy", "vkey"])]
    keys: Option<PathBuf>,
    /// The registry as static files: the issuer's key is the one valid where the statement stands in it.
    #[arg(long, value_name = "DIR")]
    log: Option<PathBuf>,
    /// With --log: the trust policy that the registry's checkpoint must meet.
    #[arg(long, value_name = "FILE", requires = "log")]
    policy: Option<PathBuf>,
    /// With --log: the key of the registry; by default the one in its folder, which nobody else vouches for.
    #[arg(long, value_name = "FILE", requires = "log")]
    vkey: Option<PathBuf>,
}

/// Reads the files and verifies the statement.
///
/// # Errors
/// Whatever keeps the statement from being verified.
pub fn run(arguments: &Arguments) -> Result<DisclosureReport, Objection> {
    let bytes = input::read_file(&arguments.statement, TOKEN_BYTES_MAX)?;
    let token = Token::parse(&bytes).map_err(|fault| fault.in_file(arguments.statement.display()))?;
    match (&arguments.keys, &arguments.log) {
        (Some(keys), _) => Ok(verify_by_keys(&token, &KeyFile::load(keys)?)?),
        (None, Some(folder)) => {
            let trust = LogTrust::load(arguments.policy.as_deref(), arguments.vkey.as_deref(), folder)?;
            verify_by_log(&token, &LogFolder::new(folder), &trust)
        }
        // The command line asks for one of the two.
        (None, None) => Err(Fault::Missing.into()),
    }
}

/// Verifies a statement under a key that the caller vouches for.
///
/// # Errors
/// A key that is not in the file, a false signature, or disclosures that do not belong.
pub fn verify_by_keys(token: &Token<'_>, keys: &KeyFile) -> Result<DisclosureReport, Fault> {
    let id = token.key_id()?;
    let key = keys.find(id).ok_or_else(|| Fault::KeyMissing(id.to_owned()))?;
    Ok(DisclosureReport::of(token, token.verify(key)?, KeySource::Keys))
}

/// Verifies a statement under the key that a registry says was its issuer's where the statement stands.
///
/// # Errors
/// A registry that is not verified or lacks the statement, a key not valid there, or a token that is refused.
pub fn verify_by_log(
    token: &Token<'_>,
    files: &dyn LogFiles,
    trust: &LogTrust,
) -> Result<DisclosureReport, Objection> {
    let statement = &token.statement;
    let (issuer, seq) = (&statement.envelope.iss, statement.envelope.seq);
    let (mut found, mut re_enrolments) = (None::<(u64, Digest)>, ReEnrolments::of(issuer));
    let log = log::verify(files, trust, Depth::Entries, |index, entry: &Entry| {
        if entry.seq == seq && entry.iss == *issuer {
            found = Some((index, entry.digest));
        }
        re_enrolments.see(index, entry);
    })?;
    let index = match found {
        Some((index, digest)) if digest == statement.digest => index,
        Some((index, _)) => {
            let other: Objection = Fault::OtherLogged { issuer: issuer.clone(), seq }.into();
            return Err(other.at_index(index));
        }
        None => return Err(judge_unlogged(token, &log).into()),
    };
    let id = token.key_id()?;
    let directory = log.audit().map(RegistryAudit::directory);
    let key = directory.and_then(|directory| directory.key_at(issuer, id, index));
    let not_valid = || Fault::KeyNotValid { issuer: issuer.clone(), key: id.to_owned(), index };
    let claims = token.verify(key.ok_or_else(not_valid)?)?;
    let place = LogPlace::of(&log, trust, issuer, index);
    let report = DisclosureReport::of(token, claims, KeySource::Log);
    Ok(report.logged(place, re_enrolments.before(index, id)))
}

/// A statement that is not logged is refuted by a false signature only: the log may have grown since it was copied.
fn judge_unlogged(token: &Token<'_>, log: &VerifiedLog) -> Fault {
    let (issuer, seq) = (token.statement.envelope.iss.clone(), token.statement.envelope.seq);
    let judged = token.key_id().and_then(|id| match find_key(log, &issuer, id) {
        Some(key) => token.verify(key).map(drop),
        None => Ok(()),
    });
    judged.err().unwrap_or_else(|| Fault::NotLogged { issuer, seq, size: log.size() })
}

/// Any key that the issuer ever had.
fn find_key<'a>(log: &'a VerifiedLog, issuer: &Issuer, thumbprint: &str) -> Option<&'a PublicKey> {
    let directory = log.audit()?.directory();
    let terms = match issuer {
        Issuer::Institution(code) => directory.institution(code)?.keys.as_slice(),
        Issuer::Hub(_) if issuer == directory.hub() => directory.hub_keys(),
        Issuer::Hub(_) => return None,
    };
    terms.iter().map(|term| &term.key).find(|key| key.thumbprint().to_string() == thumbprint)
}
