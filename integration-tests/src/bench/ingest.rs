//! How many disclosures a second the hub accepts durably, against what verifying their signatures alone would allow.

use std::path::Path;
use std::time::{Duration, Instant};

use rayon::iter::{IntoParallelRefIterator as _, IntoParallelRefMutIterator as _, ParallelIterator as _};
use safeharbor_core::digest::Digest;
use safeharbor_core::key::{PublicKey, Signer as _};
use safeharbor_core::statement::Statement;
use safeharbor_proto::v1::exchange_client::ExchangeClient;
use safeharbor_proto::v1::hub_message::Message as ToNode;
use safeharbor_proto::v1::node_message::Message as FromNode;
use safeharbor_proto::{MESSAGE_BYTES_MAX, Submission, submit_to_wire, v1};
use serde::Serialize;
use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;

use crate::member::{Member, connect};
use crate::programs::{Running, StepFailed, run, step, wait_for_hub};
use crate::signing::sign;

/// How the load looks.
#[derive(Debug, Clone)]
pub struct IngestOptions {
    /// How many institutions send at the same time.
    pub institutions: u8,
    /// How many statements the log holds before the measurement.
    pub prefill: u64,
    /// How many statements are measured.
    pub statements: u64,
}

/// The figures of one run; whole-process on one machine, the load generator included.
#[derive(Debug, Clone, Serialize)]
pub struct IngestReport {
    /// Signatures verified a second on all cores: the same bytes, before and after, the mean.
    pub verify_limit_per_s: f64,
    /// Statements durable and acknowledged a second.
    pub ingest_per_s: f64,
    /// The second over the first.
    pub ratio: f64,
    /// Appends of 4 kB with `fdatasync` a second, one after the other, in the hub's folder.
    pub fsync_per_s: f64,
    /// Bytes of a statement with its disclosures, the mean.
    pub bytes_per_statement: u64,
    /// Institutions sending.
    pub institutions: u8,
    /// Entries before the measurement.
    pub prefill: u64,
    /// Statements measured.
    pub statements: u64,
    /// Seconds from the last acknowledgement until every receipt had arrived.
    pub receipts_behind_s: f64,
}

/// Runs the benchmark with a hub process of this build.
///
/// # Errors
/// Any step that fails, in words.
pub fn ingest(options: &IngestOptions) -> Result<IngestReport, StepFailed> {
    let scratch = tempfile::tempdir().map_err(step("scratch folder"))?;
    let hub = scratch.path().join("hub");
    let hub_path = hub.display().to_string();
    run(
        "safeharbor-hub",
        &["init", "--data", &hub_path, "--name", "bench.example", "--dns", "localhost"],
        "",
    )?;
    let arguments = ["run", "--data", &hub_path, "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"];
    let mut process = Running::start("safeharbor-hub", &arguments, &scratch.path().join("hub.log"))?;
    let address = wait_for_hub(&hub, &mut process)?.grpc.to_string();
    let members: Result<Vec<_>, _> =
        (0..options.institutions).map(|number| Member::admit(number, &hub, &address)).collect();
    let mut members = members?;
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(step("runtime"))?;
    let prefill = sign_all(&mut members, 0, options.prefill)?;
    runtime.block_on(send_all(&members, prefill, &address))?;
    let load = sign_all(&mut members, options.prefill, options.statements)?;
    let before = verify_limit(&members, &load)?;
    let bytes: usize = load.iter().flatten().map(Submission::size).sum();
    let sent: usize = load.iter().map(Vec::len).sum();
    let copy = load.clone();
    let (took, receipts_behind) = runtime.block_on(send_all(&members, load, &address))?;
    let after = verify_limit(&members, &copy)?;
    let fsync_per_s = fsync_rate(&hub)?;
    process.end()?;
    let verify_limit_per_s = f64::midpoint(before, after);
    let ingest_per_s = rate(sent, took);
    Ok(IngestReport {
        verify_limit_per_s,
        ingest_per_s,
        ratio: ingest_per_s / verify_limit_per_s,
        fsync_per_s,
        bytes_per_statement: u64::try_from(bytes / sent.max(1)).unwrap_or(u64::MAX),
        institutions: options.institutions,
        prefill: options.prefill,
        statements: u64::try_from(sent).unwrap_or(u64::MAX),
        receipts_behind_s: receipts_behind.as_secs_f64(),
    })
}

fn rate(count: usize, took: Duration) -> f64 {
    // Counts of a benchmark are far below 2^32.
    f64::from(u32::try_from(count).unwrap_or(u32::MAX)) / took.as_secs_f64()
}

fn sign_all(members: &mut [Member], first: u64, total: u64) -> Result<Vec<Vec<Submission>>, StepFailed> {
    let catalogue = safeharbor_rules::Catalogue::embedded().map_err(step("catalogue"))?;
    let kind = "ACH".parse().map_err(step("kind"))?;
    let digests = catalogue.kind(&kind).map_or(48, safeharbor_rules::Kind::digests);
    let cat: Digest = catalogue.digest();
    let each = total / u64::try_from(members.len().max(1)).unwrap_or(1);
    members.par_iter_mut().map(|member| sign(member, first, each, (cat, digests))).collect()
}

/// Verifies every signature of the load on all cores.
fn verify_limit(members: &[Member], load: &[Vec<Submission>]) -> Result<f64, StepFailed> {
    let mut work: Vec<(PublicKey, &str, Vec<u8>)> = Vec::new();
    for (member, statements) in members.iter().zip(load) {
        for submission in statements {
            Statement::parse(&submission.jwt).map_err(step("own statement"))?;
            let (input, signature) =
                submission.jwt.rsplit_once('.').ok_or_else(|| StepFailed("own statement".to_owned()))?;
            let signature = safeharbor_core::b64::decode_url(signature).map_err(step("own signature"))?;
            work.push((member.signer.public_key(), input, signature));
        }
    }
    let begin = Instant::now();
    let good = work.par_iter().all(|(key, input, signature)| key.verify(input.as_bytes(), signature).is_ok());
    let took = begin.elapsed();
    if good { Ok(rate(work.len(), took)) } else { Err(StepFailed("own signature".to_owned())) }
}

fn fsync_rate(folder: &Path) -> Result<f64, StepFailed> {
    use std::io::Write as _;
    let path = folder.join("fsync-probe");
    let mut file = std::fs::File::create(&path).map_err(step("probe"))?;
    let (begin, mut count) = (Instant::now(), 0_usize);
    while begin.elapsed() < Duration::from_secs(1) {
        file.write_all(&[0; 4096]).map_err(step("probe"))?;
        file.sync_data().map_err(step("probe"))?;
        count = count.saturating_add(1);
    }
    let measured = rate(count, begin.elapsed());
    std::fs::remove_file(&path).map_err(step("probe"))?;
    Ok(measured)
}

/// Sends every member's statements over its own stream; answers how long the last acknowledgement took, and how
/// much longer the last receipt.
async fn send_all(
    members: &[Member],
    load: Vec<Vec<Submission>>,
    address: &str,
) -> Result<(Duration, Duration), StepFailed> {
    let begin = Instant::now();
    let streams = members.iter().zip(load).map(|(member, statements)| {
        let (tls, name) = (std::sync::Arc::clone(&member.tls), member.hub_name.clone());
        let last = member.head.seq;
        let first = last.saturating_sub(u64::try_from(statements.len()).unwrap_or(0)).saturating_add(1);
        tokio::spawn(send(tls, name, address.to_owned(), statements, (first, last)))
    });
    let (mut acknowledged, mut receipted) = (begin, begin);
    for stream in streams.collect::<Vec<_>>() {
        let (ack, receipt) = stream.await.map_err(step("stream"))??;
        acknowledged = acknowledged.max(ack);
        receipted = receipted.max(receipt);
    }
    Ok((acknowledged.duration_since(begin), receipted.duration_since(acknowledged)))
}

/// How many statements are on their way without acknowledgement.
const WINDOW: u64 = 4096;
/// Statements in one message.
const BATCH: usize = 256;

async fn send(
    tls: std::sync::Arc<rustls::ClientConfig>,
    name: String,
    address: String,
    statements: Vec<Submission>,
    (first, last): (u64, u64),
) -> Result<(Instant, Instant), StepFailed> {
    let channel = connect(tls, name, address).await?;
    let mut client = ExchangeClient::new(channel).max_decoding_message_size(MESSAGE_BYTES_MAX);
    let (outgoing, messages) = mpsc::channel(4);
    let hello = v1::Hello {
        receipts_from: first,
        checkpoint_size: 0,
        software: "bench".to_owned(),
        ..v1::Hello::default()
    };
    outgoing.send(message(FromNode::Hello(hello))).await.map_err(step("hello"))?;
    let mut incoming = client.open(ReceiverStream::new(messages)).await.map_err(step("open"))?.into_inner();
    let (acknowledged, mut window) = watch::channel(first.saturating_sub(1));
    let sender = tokio::spawn(async move {
        let mut next = first;
        let mut statements = statements.into_iter();
        loop {
            let batch: Vec<_> = statements.by_ref().take(BATCH).collect();
            if batch.is_empty() {
                return outgoing;
            }
            next = next.saturating_add(u64::try_from(batch.len()).unwrap_or(0));
            let open =
                window.wait_for(|acknowledged| next.saturating_sub(*acknowledged) <= WINDOW).await.is_ok();
            if !open || outgoing.send(message(FromNode::Submit(submit_to_wire(batch)))).await.is_err() {
                return outgoing;
            }
        }
    });
    let mut all_acknowledged = None;
    while let Some(answer) = incoming.message().await.map_err(step("stream"))? {
        match answer.message {
            Some(ToNode::Acknowledgement(acknowledgement)) => {
                acknowledged.send_replace(acknowledgement.seq);
                if acknowledgement.seq >= last {
                    all_acknowledged.get_or_insert_with(Instant::now);
                }
            }
            Some(ToNode::Receipts(receipts)) => {
                if receipts.receipts.last().is_some_and(|receipt| receipt.seq >= last) {
                    drop(sender.await);
                    let now = Instant::now();
                    return Ok((all_acknowledged.unwrap_or(now), now));
                }
            }
            Some(ToNode::Refusal(refusal)) => return Err(StepFailed(format!("refused: {}", refusal.text))),
            Some(ToNode::Task(task)) => {
                return Err(StepFailed(format!("task: {}", String::from_utf8_lossy(&task.payload))));
            }
            Some(ToNode::Head(_) | ToNode::Situation(_) | ToNode::Probe(_) | ToNode::Witness(_)) | None => {}
        }
    }
    Err(StepFailed("the stream ended early".to_owned()))
}

fn message(message: FromNode) -> v1::NodeMessage {
    v1::NodeMessage { message: Some(message) }
}
