//! The operators' first screen: what arrived, from whom, and how the registry stands. Read only, marked internal.

mod report;

use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Json};
use axum::{Router, routing};
use safeharbor_service::clock::Clock;
use safeharbor_service::shutdown::Shutdown;
use tokio::net::TcpListener;

use crate::folder::Settings;
use crate::shared::Shared;
pub use report::BoardReport;

/// What the screen is made from.
#[derive(Debug, Clone)]
pub struct AdminState {
    shared: Arc<Shared>,
    clock: Arc<dyn Clock>,
    settings: Arc<Settings>,
}

impl AdminState {
    /// Puts the parts together.
    #[must_use]
    pub fn new(shared: Arc<Shared>, clock: Arc<dyn Clock>, settings: Settings) -> Self {
        Self { shared, clock, settings: Arc::new(settings) }
    }

    fn report(&self) -> BoardReport {
        BoardReport::read(&self.shared, &self.settings, self.clock.now_ms())
    }
}

/// Serves until shutdown.
pub async fn serve(listener: TcpListener, state: AdminState, shutdown: Shutdown) {
    let app = Router::new()
        .route("/board.json", routing::get(board_json))
        .route("/healthz", routing::get(async || "ok\n"))
        .with_state(state);
    let served =
        axum::serve(listener, app).with_graceful_shutdown(async move { shutdown.wait().await }).await;
    if let Err(refused) = served {
        tracing::error!(error = %refused, "the admin address is no longer served");
    }
}

async fn board_json(State(state): State<AdminState>) -> impl IntoResponse {
    ([(header::CACHE_CONTROL, "no-store")], Json(state.report()))
}
