//! How a member reaches the hub's service for joining, renewing and rotating: without a certificate, so that one that ended does not matter.

use std::fs;
use std::io;
use std::time::Duration;

use safeharbor_certs::tls::{ConfigureTlsFailed, client_config_with};
use safeharbor_core::code::Code;
use safeharbor_proto::v1::enrollment_client::EnrollmentClient;
use safeharbor_service::settings::LoadSettingsFailed;
use tokio::time::timeout;
use tonic::transport::Channel;
use tonic::{Response, Status};

use crate::layout::Layout;
use crate::membership::Membership;
use crate::settings::Settings;
use crate::sync::{Connector, ConnectorFailed, Dialler, LoadDialFailed, clean};

/// How long the hub may take over its answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// The service cannot be asked.
#[derive(Debug, thiserror::Error)]
pub enum ReachFailed {
    /// The hub's address cannot be read.
    #[error("the hub's address cannot be read")]
    Address(#[source] io::Error),
    /// The settings cannot be used.
    #[error("the settings cannot be used")]
    Settings(#[from] LoadSettingsFailed),
    /// TLS cannot be set up.
    #[error("TLS cannot be set up")]
    Tls(#[from] ConfigureTlsFailed),
    /// The hub's name is none.
    #[error(transparent)]
    Connector(#[from] ConnectorFailed),
    /// The proxy's credentials cannot be loaded.
    #[error(transparent)]
    Dialler(#[from] LoadDialFailed),
    /// There is no connection.
    #[error("the hub cannot be reached")]
    Connect(#[from] tonic::transport::Error),
}

/// The service does not do as asked.
#[derive(Debug, thiserror::Error)]
pub enum AnswerFailed {
    /// The hub refused; it changed nothing.
    #[error("the hub refuses ({code}): {text}")]
    Refused {
        /// Why.
        code: Code,
        /// What it says.
        text: String,
    },
    /// Whether the hub did it cannot be told.
    #[error("the hub gave no answer: {0}")]
    InDoubt(String),
}

/// Connects to the service of the hub whose member the node is.
pub(crate) async fn connect(
    layout: &Layout,
    kept: &Membership,
) -> Result<EnrollmentClient<Channel>, ReachFailed> {
    let hub = Settings::load(layout, &[])?.hub;
    let address = fs::read_to_string(layout.hub_address()).map_err(ReachFailed::Address)?;
    let tls = client_config_with(&kept.authorities_pem, None, hub.key_exchange)?;
    let connector = Connector::new(address.trim().to_owned(), &kept.hub_name, tls)?;
    let channel = connector.through(Dialler::load(layout, &hub)?).connect().await?;
    Ok(EnrollmentClient::new(channel))
}

/// The answer to one request, in time.
pub(crate) async fn answered<T>(
    asking: impl Future<Output = Result<Response<T>, Status>>,
) -> Result<T, AnswerFailed> {
    match timeout(ANSWER_TIMEOUT, asking).await {
        Ok(Ok(answer)) => Ok(answer.into_inner()),
        Ok(Err(status)) => Err(AnswerFailed::of(&status)),
        Err(_elapsed) => Err(AnswerFailed::InDoubt("it did not answer in time".to_owned())),
    }
}

impl AnswerFailed {
    fn of(status: &Status) -> Self {
        let (code, text) = status.message().split_once(':').unwrap_or((status.message(), ""));
        match code.parse() {
            // The hub may have come as far as logging it.
            Ok(Code::Internal | Code::Unavailable) | Err(_) => Self::InDoubt(clean(status.message())),
            Ok(code) => Self::Refused { code, text: clean(text.trim()) },
        }
    }
}
