//! `receipt`: an entry is in the registry, and as many witnesses say so as the policy asks for.

use std::path::{Path, PathBuf};

use clap::Args;
use safeharbor_core::b64;
use safeharbor_core::entry::Entry;
use safeharbor_core::policy::Policy;
use safeharbor_core::statement::{Statement, open};
use safeharbor_core::tile::ENTRY_BYTES_MAX;
use safeharbor_core::tlog_proof::{PROOF_BYTES_MAX, TlogProof, VerifiedReceipt, verify_receipt};
use serde::Serialize;

use crate::admission::Admission;
use crate::disclosure;
use crate::input;
use crate::log::LogFolder;
use crate::objection::{Fault, Objection};
use crate::report::{Describe, Page};
use crate::token::{self, TOKEN_BYTES_MAX, Token};
use crate::trust::{self, LogTrust};
use crate::utc::print_utc;

/// Arguments of `receipt`.
#[derive(Args, Debug)]
pub struct Arguments {
    /// The receipt (回执), a .tlog-proof file.
    #[arg(value_name = "FILE")]
    receipt: PathBuf,
    /// The registry entry that the receipt is for: its exact bytes.
    #[arg(long, value_name = "FILE")]
    entry: PathBuf,
    /// The trust policy: which log, which witnesses, how many of them.
    #[arg(long, value_name = "FILE")]
    policy: PathBuf,
    /// The statement that the entry should be of: a JWT, or a compact SD-JWT.
    #[arg(long, value_name = "FILE")]
    statement: Option<PathBuf>,
    /// With --statement: the registry as static files, whose public statements say how the statement's key was admitted.
    #[arg(long, value_name = "DIR", requires = "statement")]
    log: Option<PathBuf>,
}

/// What a verified receipt proves.
#[derive(Debug, Serialize)]
pub struct ReceiptReport {
    origin: String,
    index: u64,
    size: u64,
    root: String,
    issuer: String,
    seq: u64,
    prev: String,
    digest: String,
    quorum: Option<String>,
    witnesses: Vec<WitnessReport>,
    witnessed_at: Option<u64>,
    witnessed_at_utc: Option<String>,
    statement: Option<StatementReport>,
    /// None where no log was read, so that it is not known.
    admission: Option<Admission>,
}

/// A witness that cosigned.
#[derive(Debug, Serialize)]
pub struct WitnessReport {
    name: String,
    key_name: String,
    url: Option<String>,
    time: u64,
    time_utc: String,
}

/// The statement that the entry is of.
#[derive(Debug, Serialize)]
pub struct StatementReport {
    #[serde(rename = "type")]
    statement_type: &'static str,
    kind: String,
    record: Option<String>,
    revision: Option<u32>,
    revealed: usize,
}

/// Reads the files and verifies the receipt.
///
/// # Errors
/// Whatever keeps the receipt from being verified.
pub fn run(arguments: &Arguments) -> Result<ReceiptReport, Objection> {
    let policy = trust::load_policy(&arguments.policy)?;
    let proof = input::read_file(&arguments.receipt, PROOF_BYTES_MAX)?;
    let entry = input::read_file(&arguments.entry, ENTRY_BYTES_MAX)?;
    let read_statement = |path: &PathBuf| input::read_file(path, TOKEN_BYTES_MAX);
    let statement = arguments.statement.as_ref().map(read_statement).transpose()?;
    let entry = verify_entry(&entry).map_err(|fault| fault.in_file(arguments.entry.display()))?;
    let mut report =
        verify(&proof, &entry, &policy).map_err(|fault| fault.in_file(arguments.receipt.display()))?;
    if let (Some(bytes), Some(path)) = (&statement, &arguments.statement) {
        let tied = tie_statement(bytes, &entry).map_err(|fault| fault.in_file(path.display()))?;
        report.statement = Some(tied);
        if let Some(log) = &arguments.log {
            report.admission = Some(verify_admission(bytes, report.index, (log, &arguments.policy))?);
        }
    }
    Ok(report)
}

/// Verifies the statement under the key that the log says was its issuer's at `index`; answers how that key was admitted.
fn verify_admission(bytes: &[u8], index: u64, (log, policy): (&Path, &Path)) -> Result<Admission, Objection> {
    let text = input::parse_line(bytes)?;
    let compact = if text.contains('~') { text.to_owned() } else { format!("{text}~") };
    let token = Token::parse(compact.as_bytes())?;
    let trust = LogTrust::load(Some(policy), None, log)?;
    let report = disclosure::verify_by_log(&token, &LogFolder::new(log), &trust)?;
    match report.into_admission() {
        Some((found, admission)) if found == index => Ok(admission),
        Some(_) | None => Err(Fault::NotTied("index").into()),
    }
}

/// Reads an entry; the lines of a public one must be those of the statement in it.
///
/// # Errors
/// Bytes that are no such entry.
pub fn verify_entry(bytes: &[u8]) -> Result<Entry, Fault> {
    let entry = Entry::decode(bytes).map_err(Fault::Entry)?;
    match &entry.public {
        Some(jwt) if Entry::of(&Statement::parse(jwt).map_err(Fault::Statement)?) != entry => {
            Err(Fault::Content)
        }
        Some(_) | None => Ok(entry),
    }
}

/// Verifies that a receipt proves an entry under a policy.
///
/// # Errors
/// A malformed receipt, or one that proves nothing of this entry.
pub fn verify(proof: &[u8], entry: &Entry, policy: &Policy) -> Result<ReceiptReport, Fault> {
    let proof: TlogProof = input::parse_text(proof)?.parse().map_err(Fault::Proof)?;
    // Every entry has exactly one form, so these are the bytes that were read.
    let verified = verify_receipt(&entry.encode(), &proof, policy).map_err(Fault::Receipt)?;
    Ok(ReceiptReport::of(&verified, entry, policy))
}

/// Ties a statement, alone or with revealed disclosures, to its entry.
///
/// # Errors
/// A malformed statement, another statement than the entry's, or disclosures that are not its own.
pub fn tie_statement(bytes: &[u8], entry: &Entry) -> Result<StatementReport, Fault> {
    let text = input::parse_line(bytes)?;
    let (jwt, disclosures) = if text.contains('~') {
        let token = token::split(text)?;
        (token.jwt, token.disclosures)
    } else {
        (text, Vec::new())
    };
    let statement = Statement::parse(jwt).map_err(Fault::Statement)?;
    let its = Entry::of(&statement);
    let ties = [
        ("iss", its.iss == entry.iss),
        ("seq", its.seq == entry.seq),
        ("prev", its.prev == entry.prev),
        ("digest", its.digest == entry.digest),
        ("content", its.public == entry.public),
    ];
    if let Some((what, _)) = ties.into_iter().find(|(_, same)| !same) {
        return Err(Fault::NotTied(what));
    }
    let opened = open(&statement.digests, disclosures.into_iter()).map_err(Fault::Disclosures)?;
    Ok(StatementReport::of(&statement, opened.len()))
}

impl ReceiptReport {
    fn of(verified: &VerifiedReceipt, entry: &Entry, policy: &Policy) -> Self {
        let VerifiedReceipt { checkpoint, index, witnesses, witnessed_at } = verified;
        Self {
            origin: checkpoint.origin.clone(),
            index: *index,
            size: checkpoint.size,
            root: b64::encode_std(checkpoint.root.as_bytes()),
            issuer: entry.iss.to_string(),
            seq: entry.seq,
            prev: entry.prev.to_string(),
            digest: entry.digest.to_string(),
            quorum: policy.quorum().map(str::to_owned),
            witnesses: witnesses.iter().map(|(name, time)| WitnessReport::of(name, *time, policy)).collect(),
            witnessed_at: *witnessed_at,
            witnessed_at_utc: witnessed_at.map(print_utc),
            statement: None,
            admission: None,
        }
    }
}

impl WitnessReport {
    fn of(name: &str, time: u64, policy: &Policy) -> Self {
        let witness = policy.witnesses().iter().find(|witness| witness.name == name);
        Self {
            name: name.to_owned(),
            key_name: witness.map_or_else(String::new, |witness| witness.key.name().to_owned()),
            url: witness.and_then(|witness| witness.url.clone()),
            time,
            time_utc: print_utc(time),
        }
    }
}

impl StatementReport {
    fn of(statement: &Statement<'_>, revealed: usize) -> Self {
        let envelope = &statement.envelope;
        Self {
            statement_type: envelope.vct.statement.as_str(),
            kind: envelope.vct.kind.to_string(),
            record: envelope.rec.map(|record| record.to_string()),
            revision: envelope.rev,
            revealed,
        }
    }
}

impl Describe for ReceiptReport {
    const COMMAND: &'static str = "receipt";

    fn describe(&self, page: &mut Page) {
        page.field("registry", "登记簿", &self.origin);
        page.field("entry", "条目", format!("{} / {}", self.index, self.size));
        page.field("root", "树根", &self.root);
        page.field("issuer", "签发者", &self.issuer);
        page.field("number", "序号", self.seq);
        page.field("previous", "前序摘要", &self.prev);
        page.field("digest", "摘要", &self.digest);
        self.describe_witnesses(page);
        if let Some(statement) = &self.statement {
            statement.describe(page);
        }
        match &self.admission {
            Some(admission) => admission.describe(page),
            None => Admission::describe_unknown(page),
        }
    }
}

impl ReceiptReport {
    fn describe_witnesses(&self, page: &mut Page) {
        match &self.witnessed_at_utc {
            Some(time) => page.field("witnessed", "见证时间", time),
            None => page.field(
                "witnessed",
                "见证时间",
                page.language().pick("no: signed by the log only", "无：仅有登记簿自身签名"),
            ),
        }
        if let Some(quorum) = &self.quorum {
            page.field("quorum", "见证要求", quorum);
        }
        for witness in &self.witnesses {
            let url = witness.url.as_deref().unwrap_or_default();
            page.item(&witness.name, format!("{} {} {url}", witness.time_utc, witness.key_name).trim_end());
        }
    }
}

impl StatementReport {
    fn describe(&self, page: &mut Page) {
        page.field("statement", "声明", format!("{} {}", self.statement_type, self.kind));
        if let (Some(record), Some(revision)) = (&self.record, self.revision) {
            page.field(
                "record",
                "记录",
                format!("{record}, {} {revision}", page.language().pick("revision", "修订")),
            );
        }
        page.field("revealed", "已披露字段", self.revealed);
        page.note(
            "the statement is the one of this entry. Its signature is checked by the command `disclosure`.",
            "声明与该条目是同一份。其签名由命令 disclosure 验证。",
        );
    }
}
