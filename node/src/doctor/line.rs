//! The way to the hub, step by step: name, port, proxy, TLS, HTTP/2, the hub's own word and its clock.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::ServerName;
use safeharbor_certs::diagnosis::{Capture, Shown};
use safeharbor_certs::invitation::pin_of;
use safeharbor_certs::tls::{KeyExchange, client_config_with};
use safeharbor_proto::v1;
use safeharbor_proto::v1::enrollment_client::EnrollmentClient;
use safeharbor_service::clock::Clock;
use safeharbor_service::doctor::{Finding, Report, Words};
use tokio::net::TcpStream;

use super::handshake::{Shake, shake};
use super::verdict::{
    dial_findings, greeting_failed, hybrid_dropped, intercepted, lost, name_failed, resolved, skew,
    tls_refused, unknown_authority, unusable,
};
use super::{Authority, Target};
use crate::speech::chain_of;
use crate::sync::{Connector, DialFailed, Dialler};

/// The way to one hub.
#[derive(Debug, Clone)]
pub struct Line {
    /// Who should answer.
    pub target: Target,
    /// How it is dialled.
    pub dialler: Dialler,
    /// Which key exchanges the settings offer.
    pub offered: KeyExchange,
    /// How long each step may take.
    pub patience: Duration,
    /// The node's clock.
    pub clock: Arc<dyn Clock>,
}

/// A step that ends the examination; the finding says why.
type Step<T> = Result<T, Box<Finding>>;

impl Line {
    /// Looks along the whole way; each step that follows from one that failed is left out and said so.
    pub async fn examine(&self, report: &mut Report) {
        let ended = self.walk(report).await;
        if let Err(finding) = ended {
            report.add(*finding);
        }
        for id in ["tcp", "proxy", "tls", "key-exchange", "http2", "greeting", "clock"] {
            if report.finding(id).is_none() {
                report.add(Finding::not_checked(
                    id,
                    Words::new("前面的步骤没有通过", "a step before it was not passed"),
                ));
            }
        }
    }

    async fn walk(&self, report: &mut Report) -> Step<()> {
        report.add(self.resolve().await?);
        let dialled = self.dial().await;
        for finding in dial_findings(&self.dialler, &self.target.address, dialled.as_ref().err()) {
            report.add(finding);
        }
        let Ok(_open) = dialled else { return Ok(()) };
        let (offered, shown) = self.look(report).await?;
        let authority = self.authority(&shown)?;
        self.verify(&authority, offered, &shown, report).await?;
        self.greet(&authority, offered, report).await
    }

    async fn resolve(&self) -> Step<Finding> {
        let hop = self.dialler.first_hop(&self.target.address);
        let looked_up = tokio::time::timeout(self.patience, tokio::net::lookup_host(hop)).await;
        match looked_up.unwrap_or_else(|elapsed| Err(elapsed.into())) {
            Ok(found) => resolved(hop, &found.map(|address| address.ip().to_string()).collect::<Vec<_>>()),
            Err(failed) => Err(name_failed(hop, &failed).into()),
        }
    }

    async fn dial(&self) -> Result<TcpStream, DialFailed> {
        self.dialler.clone().waiting(self.patience).dial(&self.target.address).await
    }

    fn name(&self) -> Step<ServerName<'static>> {
        ServerName::try_from(self.target.name.clone())
            .map_err(|refused| unusable("tls", &refused.to_string()).into())
    }

    /// Who shows which certificates. Falls back to the classic key exchange to find out whether the hybrid's larger hello is dropped.
    async fn look(&self, report: &mut Report) -> Step<(KeyExchange, Vec<Shown>)> {
        let first = self.look_with(self.offered).await?;
        let (offered, outcome) = match first {
            (Shake::Lost(cause), _) if self.offered == KeyExchange::Hybrid => {
                match self.look_with(KeyExchange::Classic).await? {
                    (Shake::Lost(_), _) => return Err(lost(&cause).into()),
                    classic => {
                        report.add(hybrid_dropped(&cause));
                        (KeyExchange::Classic, classic)
                    }
                }
            }
            other => (self.offered, other),
        };
        if report.finding("key-exchange").is_none() {
            report.add(Finding::ok(
                "key-exchange",
                match offered {
                    KeyExchange::Hybrid => Words::new(
                        "混合密钥交换（X25519MLKEM768）可用",
                        "the hybrid key exchange gets through",
                    ),
                    KeyExchange::Classic => Words::new(
                        "按设置只用椭圆曲线（classic）",
                        "elliptic curves alone, as the settings say (classic)",
                    ),
                },
            ));
        }
        match outcome {
            (_, shown) if !shown.is_empty() => Ok((offered, shown)),
            (Shake::Refused(refused), _) => Err(tls_refused(&refused, &[]).into()),
            (Shake::Lost(cause), _) => Err(lost(&cause).into()),
            (Shake::Done { .. }, _) => Err(unusable("tls", "no certificate was shown").into()),
        }
    }

    async fn look_with(&self, offered: KeyExchange) -> Step<(Shake, Vec<Shown>)> {
        let capture = Capture::new(offered).map_err(|failed| unusable("tls", &chain_of(&failed)))?;
        let stream = self.dial().await.map_err(|failed| unusable("tls", &chain_of(&failed)))?;
        let outcome = shake(stream, &self.name()?, capture.config(), self.patience).await;
        Ok((outcome, capture.shown()))
    }

    /// The authority in PEM, as pinned or as the invitation's fingerprint picks it from what was shown.
    fn authority(&self, shown: &[Shown]) -> Step<String> {
        match &self.target.authority {
            Authority::Pinned(pem) => Ok(pem.clone()),
            Authority::Fingerprint(pin) => {
                let fits = shown.iter().find(|certificate| pin_of(&certificate.fingerprint) == *pin);
                fits.map(Shown::to_pem).ok_or_else(|| intercepted(shown).into())
            }
            Authority::Unknown => Err(unknown_authority(shown).into()),
        }
    }

    /// The real handshake, as the stream's; it alone says that the hub is the hub.
    async fn verify(
        &self,
        authority: &str,
        offered: KeyExchange,
        shown: &[Shown],
        report: &mut Report,
    ) -> Step<()> {
        let config = client_config_with(authority, None, offered);
        let config = config.map_err(|failed| unusable("tls", &chain_of(&failed)))?;
        let stream = self.dial().await.map_err(|failed| unusable("tls", &chain_of(&failed)))?;
        match shake(stream, &self.name()?, config, self.patience).await {
            Shake::Done { http2 } => {
                let name = &self.target.name;
                report.add(Finding::ok(
                    "tls",
                    Words::new(
                        format!("证书属于所固定的证书机构，名称为 {name}"),
                        format!("the certificate is of the pinned authority, for {name}"),
                    ),
                ));
                report.add(super::verdict::http2(http2));
                Ok(())
            }
            Shake::Refused(refused) => Err(tls_refused(&refused, shown).into()),
            Shake::Lost(cause) => Err(lost(&cause).into()),
        }
    }

    async fn greet(&self, authority: &str, offered: KeyExchange, report: &mut Report) -> Step<()> {
        let config = client_config_with(authority, None, offered);
        let config = config.map_err(|failed| unusable("greeting", &chain_of(&failed)))?;
        let connector = Connector::new(self.target.address.clone(), &self.target.name, config);
        let connector = connector.map_err(|failed| unusable("greeting", &chain_of(&failed)))?;
        let connector = connector.through(self.dialler.clone().waiting(self.patience));
        let asked = async {
            let channel = connector.connect().await.map_err(|failed| chain_of(&failed))?;
            let (begun, sent_ms) = (Instant::now(), self.clock.now_ms());
            let answer = EnrollmentClient::new(channel).greet(v1::GreetRequest {}).await;
            let greeting = answer.map_err(|status| status.message().to_owned())?.into_inner();
            let half = u64::try_from(begun.elapsed().as_millis() / 2).unwrap_or(u64::MAX);
            Ok((greeting, sent_ms.saturating_add(half)))
        };
        let answered: Result<(v1::Greeting, u64), String> = tokio::time::timeout(self.patience, asked)
            .await
            .unwrap_or_else(|elapsed| Err(io::Error::from(elapsed).to_string()));
        let (greeting, ours_ms) = answered.map_err(|why| greeting_failed(&why))?;
        let hub = &greeting.hub;
        let software = &greeting.software;
        report.add(Finding::ok(
            "greeting",
            Words::new(
                format!("枢纽 {hub} 已应答（{software}）"),
                format!("the hub {hub} answers ({software})"),
            ),
        ));
        report.add(skew(ours_ms, greeting.now_ms));
        Ok(())
    }
}
