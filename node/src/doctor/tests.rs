//! The way to a hub over real sockets, broken at every step.

mod own;
mod proxied;

use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use safeharbor_certs::authority::{Authority as CertificateAuthority, Issued};
use safeharbor_certs::development;
use safeharbor_certs::diagnosis::describe_pem;
use safeharbor_certs::invitation::pin_of;
use safeharbor_certs::tls::{KeyExchange, server_config};
use safeharbor_proto::v1;
use safeharbor_proto::v1::enrollment_server::{Enrollment, EnrollmentServer};
use safeharbor_service::clock::{Clock as _, ManualClock, SystemClock};
use safeharbor_service::doctor::{Report, State};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};

use super::*;
use crate::sync::Dialler;

/// A hello without the hybrid's share is a few hundred bytes, with it more than a thousand.
const HELLO_BYTES_MAX: usize = 900;

/// A hub that greets, with the time it tells.
#[derive(Clone)]
struct GreetingHub(u64);

#[tonic::async_trait]
impl Enrollment for GreetingHub {
    async fn greet(&self, _: Request<v1::GreetRequest>) -> Result<Response<v1::Greeting>, Status> {
        Ok(Response::new(v1::Greeting {
            hub: "https://hub.example.org".to_owned(),
            now_ms: self.0,
            software: "test 1".to_owned(),
            authorities_pem: String::new(),
            origin: "hub.example.org/registry".to_owned(),
        }))
    }

    async fn join(&self, _: Request<v1::JoinRequest>) -> Result<Response<v1::Membership>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn renew(&self, _: Request<v1::RenewRequest>) -> Result<Response<v1::Membership>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn rotate(&self, _: Request<v1::RotateRequest>) -> Result<Response<v1::Membership>, Status> {
        Err(Status::unimplemented(""))
    }
}

struct Hub {
    authority: CertificateAuthority,
    address: String,
}

impl Hub {
    async fn tells(now_ms: u64) -> Self {
        let authority = development::authority(SystemClock.now_s()).unwrap();
        let issued = development::server(&authority, SystemClock.now_s()).unwrap();
        Self::with(authority, &issued, now_ms).await
    }

    async fn with(authority: CertificateAuthority, issued: &Issued, now_ms: u64) -> Self {
        let chain = format!("{}{}", issued.certificate_pem, authority.ca_pem());
        let config = server_config(&chain, &issued.key_pem, &authority.ca_pem()).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (ready, connections) = mpsc::channel::<std::io::Result<DuplexStream>>(8);
        tokio::spawn(async move {
            let acceptor = TlsAcceptor::from(config);
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, ready) = (acceptor.clone(), ready.clone());
                tokio::spawn(async move {
                    let mut stream = acceptor.accept(stream).await.ok()?;
                    let (mut ours, theirs) = tokio::io::duplex(1 << 16);
                    ready.send(Ok(theirs)).await.ok()?;
                    tokio::io::copy_bidirectional(&mut stream, &mut ours).await.ok()
                });
            }
        });
        let services =
            tonic::transport::Server::builder().add_service(EnrollmentServer::new(GreetingHub(now_ms)));
        tokio::spawn(services.serve_with_incoming(ReceiverStream::new(connections)));
        Self { authority, address }
    }

    fn pinned(&self) -> Target {
        let authority = Authority::Pinned(self.authority.ca_pem());
        Target { authority, name: "localhost".to_owned(), ..Target::at(&self.address) }
    }

    fn invited(&self) -> Target {
        let fingerprint = describe_pem(&self.authority.ca_pem()).unwrap().fingerprint;
        Target { authority: Authority::Fingerprint(pin_of(&fingerprint)), ..self.pinned() }
    }
}

fn line(target: Target) -> Line {
    Line {
        target,
        dialler: Dialler::default(),
        offered: KeyExchange::Hybrid,
        patience: Duration::from_secs(20),
        clock: Arc::new(SystemClock),
    }
}

async fn examine(line: &Line) -> Report {
    let mut report = Report::at(SystemClock.now_ms());
    line.examine(&mut report).await;
    report
}

/// Expects what a check found; everything before it in the list is well.
fn check(report: &Report, id: &str, state: State, said: &str) {
    let found = report.finding(id).unwrap();
    assert_eq!(found.state, state, "{report:#?}");
    assert!(found.cause.en.contains(said), "{said:?} is not in {:?}", found.cause.en);
    assert!(!found.cause.zh.is_empty());
    if state == State::Failed {
        assert!(!found.remedy.zh.is_empty() && !found.remedy.en.is_empty());
    }
}

#[tokio::test]
async fn a_free_way_is_ok_at_every_step_whether_joined_or_only_invited() {
    let hub = Hub::tells(SystemClock.now_ms()).await;
    for target in [hub.pinned(), hub.invited()] {
        let report = examine(&line(target)).await;
        for id in ["dns", "tcp", "proxy", "key-exchange", "tls", "http2", "greeting", "clock"] {
            check(&report, id, State::Ok, "");
        }
        assert_eq!(report.findings.len(), 8);
        assert_eq!(report.exit().code(), 0);
    }
}

#[tokio::test]
async fn a_hub_whose_authority_nobody_named_is_not_spoken_to() {
    let hub = Hub::tells(SystemClock.now_ms()).await;
    let report = examine(&line(Target::at(&hub.address))).await;
    check(&report, "tls", State::NotChecked, "without an invitation");
    check(&report, "greeting", State::NotChecked, "");
}

#[tokio::test]
async fn a_refused_port_is_told_from_a_silent_one() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    drop(listener);
    let report = examine(&line(Target::at(&address))).await;
    check(&report, "tcp", State::Failed, "refuses");
    check(&report, "tls", State::NotChecked, "a step before it was not passed");
    let silent = verdict::dial_findings(
        &Dialler::default(),
        "hub:1",
        Some(&crate::sync::DialFailed::Connect {
            address: "hub:1".to_owned(),
            source: ErrorKind::TimedOut.into(),
        }),
    );
    assert!(silent[0].cause.en.contains("a firewall drops"), "{silent:?}");
}

#[tokio::test]
async fn a_port_that_says_nothing_is_waited_for_no_longer_than_told() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = Target::at(&listener.local_addr().unwrap().to_string());
    let report = examine(&Line { patience: Duration::from_millis(100), ..line(target) }).await;
    check(&report, "tcp", State::Ok, "");
    check(&report, "tls", State::Failed, "without the hybrid key exchange, too");
}

#[tokio::test]
async fn whoever_intercepts_is_named() {
    let (hub, other) = (
        Hub::tells(0).await,
        CertificateAuthority::create("Campus Inspection CA", SystemClock.now_s(), 86_400).unwrap(),
    );
    let issued = development::server(&other, SystemClock.now_s()).unwrap();
    let between = Hub::with(other, &issued, 0).await;
    for target in [hub.pinned(), hub.invited()] {
        let report = examine(&line(Target { address: between.address.clone(), ..target })).await;
        check(&report, "tls", State::Failed, "Campus Inspection CA");
        check(&report, "greeting", State::NotChecked, "");
    }
}

#[tokio::test]
async fn an_expired_certificate_of_the_hub_is_not_called_an_interception() {
    let then = SystemClock.now_s() - 30 * 86_400;
    let authority = CertificateAuthority::create("Test authority", then, 99 * 86_400).unwrap();
    let issued = development::server(&authority, then).unwrap();
    let hub = Hub::with(authority, &issued, 0).await;
    check(&examine(&line(hub.pinned())).await, "tls", State::Failed, "is not valid at this time");
}

/// Resets every connection whose first message is longer than the hybrid's share allows, and passes all others on.
async fn middlebox(hub: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((mut inside, _)) = listener.accept().await {
            let hub = hub.clone();
            tokio::spawn(async move {
                let mut head = [0; 5];
                inside.read_exact(&mut head).await.ok()?;
                let length = usize::from(u16::from_be_bytes([head[3], head[4]]));
                if length > HELLO_BYTES_MAX {
                    return None;
                }
                let mut outside = TcpStream::connect(hub).await.ok()?;
                outside.write_all(&head).await.ok()?;
                tokio::io::copy_bidirectional(&mut inside, &mut outside).await.ok()
            });
        }
    });
    address
}

#[tokio::test]
async fn a_dropped_hybrid_hello_is_told_and_how_to_go_on() {
    let hub = Hub::tells(SystemClock.now_ms()).await;
    let target = Target { address: middlebox(hub.address.clone()).await, ..hub.pinned() };
    let report = examine(&line(target.clone())).await;
    check(&report, "key-exchange", State::Warning, "drops the larger first message");
    assert!(report.finding("key-exchange").unwrap().remedy.en.contains("key_exchange = \"classic\""));
    check(&report, "greeting", State::Ok, "");
    let classic = Line { offered: KeyExchange::Classic, ..line(target) };
    check(&examine(&classic).await, "key-exchange", State::Ok, "classic");
}

#[tokio::test]
async fn a_clock_that_is_wrong_is_measured_against_the_hub() {
    for (apart_ms, state) in [(60_000, State::Warning), (3_600_000, State::Failed)] {
        let hub = Hub::tells(1_800_000_000_000).await;
        let clock = Arc::new(ManualClock::at_ms(1_800_000_000_000 + apart_ms));
        check(&examine(&Line { clock, ..line(hub.pinned()) }).await, "clock", state, "ahead of");
    }
}

#[tokio::test]
async fn the_text_for_campus_it_names_address_port_and_what_was_measured_and_no_secret() {
    let hub = Hub::tells(SystemClock.now_ms()).await;
    let target = hub.invited();
    let report = examine(&line(target.clone())).await;
    let requested = Requested {
        target: &target,
        proxy: Some("proxy.example:8080"),
        institution: Some("示范大学"),
        report: &report,
    };
    let text = request_text(&requested);
    let (host, port) = hub.address.rsplit_once(':').unwrap();
    for said in [host, port, "示范大学", "CONNECT", "TCP 连接：正常", "X25519MLKEM768", "空闲超时"]
    {
        assert!(text.contains(said), "{said} is not in {text}");
    }
    assert!(!text.contains("SHG1-") && !text.contains("PRIVATE"));
}
