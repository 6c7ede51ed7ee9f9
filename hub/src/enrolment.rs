//! The one service that needs no certificate: joining by invitation, renewing certificates, rotating statement keys.
//!
//! Everything durable is done in small steps that look first at what is there, so that whoever asks again after a crash,
//! here or there, gets the same answer.

mod join;
mod renewal;
mod rotation;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod throttle;

use std::net::IpAddr;
use std::sync::Arc;

use safeharbor_certs::proof::ProofFailed;
use safeharbor_core::code::Code;
use safeharbor_core::institution::InstitutionCode;
use safeharbor_proto::v1::enrollment_server::Enrollment;
use safeharbor_proto::{status_of, v1};
use safeharbor_service::network::Network;
use safeharbor_service::speech::chain_of;
use tonic::{Request, Response, Status};

use crate::authority::Authorities;
use crate::exchange::Peer;
use crate::key_register::ClaimFailed;
use crate::office::Office;
use throttle::{Attempt, Throttle, Trier};

/// The service.
#[derive(Debug, Clone)]
pub struct EnrollmentService {
    office: Office,
    throttle: Arc<Throttle>,
}

/// Why somebody does not get what they ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    code: Code,
    text: String,
}

impl Refusal {
    fn new(code: Code, text: impl Into<String>) -> Self {
        Self { code, text: text.into() }
    }

    /// Our own side is broken; what it is stays in our log.
    fn ours(failed: &dyn std::error::Error) -> Self {
        tracing::error!(error = chain_of(failed), "an enrolment could not be finished");
        Self::new(Code::Internal, "the hub could not finish this; ask again")
    }

    /// Whether whoever asked is to be slowed down.
    const fn counts(&self) -> bool {
        !matches!(self.code, Code::Internal | Code::Unavailable | Code::AttemptsThrottled)
    }
}

impl From<ProofFailed> for Refusal {
    fn from(failed: ProofFailed) -> Self {
        Self::new(Code::ProofRefused, chain_of(&failed))
    }
}

impl From<ClaimFailed> for Refusal {
    fn from(failed: ClaimFailed) -> Self {
        match &failed {
            ClaimFailed::InUse { .. } | ClaimFailed::Ended(_) => {
                Self::new(Code::KeyInUse, failed.to_string())
            }
            ClaimFailed::Drawer(_) => Self::ours(&failed),
        }
    }
}

impl EnrollmentService {
    /// The service of an office.
    #[must_use]
    pub fn new(office: Office) -> Self {
        Self { office, throttle: Arc::default() }
    }

    /// Lets `trier` try, unless they tried or failed too often.
    async fn attempt<F>(&self, trier: Trier, act: F) -> Result<v1::Membership, Refusal>
    where
        F: Future<Output = Result<v1::Membership, Refusal>>,
    {
        let now_ms = self.office.clock.now_ms();
        if !self.throttle.lets(trier, now_ms) {
            let text = "too many attempts; wait for ten minutes";
            return Err(Refusal::new(Code::AttemptsThrottled, text));
        }
        let done = act.await;
        match &done {
            Ok(_) => self.throttle.count(trier, Attempt::Answered, now_ms),
            Err(refusal) if refusal.counts() => self.throttle.count(trier, Attempt::Failed, now_ms),
            Err(_) => {}
        }
        done
    }

    /// Lets an institution try whose statement key signed, wherever it calls from: `code` is an error if it did not.
    async fn attempt_as<F>(
        &self,
        code: Result<InstitutionCode, Refusal>,
        from: IpAddr,
        act: F,
    ) -> Result<v1::Membership, Refusal>
    where
        F: Future<Output = Result<v1::Membership, Refusal>>,
    {
        match code {
            Ok(code) => self.attempt(Trier::Institution(code), act).await,
            Err(refusal) => {
                let (trier, now_ms) = (Trier::Unproven(from.into()), self.office.clock.now_ms());
                if self.throttle.lets(trier, now_ms) {
                    tracing::info!(%from, code = %refusal.code, reason = refusal.text, "a proof was refused");
                }
                self.throttle.count(trier, Attempt::Failed, now_ms);
                Err(refusal)
            }
        }
    }
}

/// Where a request comes from.
fn address_of<T>(request: &Request<T>) -> Result<IpAddr, Status> {
    let peer = request.extensions().get::<Peer>();
    Ok(peer.ok_or_else(|| status_of(Code::Internal, "no address"))?.address.ip())
}

fn answer(done: Result<v1::Membership, Refusal>) -> Result<Response<v1::Membership>, Status> {
    done.map(Response::new).map_err(|refusal| status_of(refusal.code, &refusal.text))
}

#[tonic::async_trait]
impl Enrollment for EnrollmentService {
    async fn greet(&self, _request: Request<v1::GreetRequest>) -> Result<Response<v1::Greeting>, Status> {
        let authorities = Authorities::load(&self.office).and_then(|all| all.all_pem(&self.office));
        let authorities_pem = authorities.map_err(|failed| {
            let refusal = Refusal::ours(&failed);
            status_of(refusal.code, &refusal.text)
        })?;
        Ok(Response::new(v1::Greeting {
            hub: self.office.settings.issuer().to_string(),
            now_ms: self.office.clock.now_ms(),
            software: concat!("safeharbor-hub ", env!("CARGO_PKG_VERSION")).to_owned(),
            authorities_pem,
            origin: self.office.settings.origin.clone(),
        }))
    }

    async fn join(&self, request: Request<v1::JoinRequest>) -> Result<Response<v1::Membership>, Status> {
        let (from, office) = (address_of(&request)?, &self.office);
        let act = join::join(office, request.into_inner(), from.to_string());
        let done = self.attempt(Trier::Joining(Network::from(from)), act).await;
        if let Err(Refusal { code, text }) = &done
            && *code != Code::AttemptsThrottled
        {
            tracing::info!(%from, %code, reason = text, "somebody was not let in");
        }
        answer(done)
    }

    async fn renew(&self, request: Request<v1::RenewRequest>) -> Result<Response<v1::Membership>, Status> {
        let (from, asked) = (address_of(&request)?, request.into_inner());
        let proven = renewal::verify(&self.office, &asked).map(|proven| proven.code);
        answer(self.attempt_as(proven, from, renewal::renew(&self.office, asked)).await)
    }

    async fn rotate(&self, request: Request<v1::RotateRequest>) -> Result<Response<v1::Membership>, Status> {
        let (from, asked) = (address_of(&request)?, request.into_inner());
        let proven = rotation::verify(&self.office, &asked).map(|(code, _)| code);
        answer(self.attempt_as(proven, from, rotation::rotate(&self.office, asked)).await)
    }
}

/// The institution of a request's text.
fn parse_code(text: &str) -> Result<InstitutionCode, Refusal> {
    let unknown = |_failed| Refusal::new(Code::InstitutionUnknown, "the request names no institution's code");
    text.parse().map_err(unknown)
}

/// What an institution's node has to know; `certificate_pem` is empty where none was asked for.
fn membership(
    office: &Office,
    code: InstitutionCode,
    certificate_pem: String,
) -> Result<v1::Membership, Refusal> {
    let authorities = Authorities::load(office).and_then(|all| all.all_pem(office));
    let authorities_pem = authorities.map_err(|failed| Refusal::ours(&failed))?;
    let policy = std::fs::read_to_string(office.paths.policy()).map_err(|failed| Refusal::ours(&failed))?;
    let ledger = office.shared.ledger();
    let name = ledger.directory().institution(&code).map(|found| found.name.clone()).unwrap_or_default();
    let statement = |public: &crate::ledger::Public| v1::PublicStatement {
        index: public.index,
        jwt: public.jwt.to_string(),
    };
    Ok(v1::Membership {
        institution: code.to_string(),
        name,
        certificate_pem,
        authorities_pem,
        hub_name: office.settings.hub_name().to_owned(),
        policy,
        statements: ledger.public_of(&code).iter().map(statement).collect(),
        now_ms: office.clock.now_ms(),
    })
}
