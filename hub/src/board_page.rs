//! The admin address: signing in, the operators' first screen, persons, proposals and the audit log. Marked internal.

mod audit;
mod bars;
mod deciding;
mod door;
mod first;
mod groups;
mod guard;
mod login;
mod moment;
mod months;
mod numbers;
mod page;
mod persons;
mod proposals;
mod queue;
mod report;
#[cfg(test)]
mod tests;
mod texts;
mod titles;
mod visitor;
mod wish;

use std::future::IntoFuture as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use axum::Extension;
use axum::extract::{DefaultBodyLimit, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Json, Response};
use axum::{Router, middleware, routing};
use safeharbor_service::shutdown::Shutdown;
use tokio::net::TcpListener;

use crate::office::Office;
use guard::{Names, guard};
use page::{Missing, Page};
use queue::Queue;
pub use report::{BoardReport, InstitutionReport};
use visitor::Visitor;
use wish::Wish;

/// How long answers on their way may take after shutdown.
const LAST_ANSWERS: Duration = Duration::from_secs(2);

/// No form is longer.
const FORM_BYTES_MAX: usize = 8 * 1024;

/// What the screens are made from.
#[derive(Debug, Clone)]
pub struct AdminState(Arc<Office>, Queue);

impl AdminState {
    /// The screens of this hub.
    #[must_use]
    pub fn new(office: Office) -> Self {
        Self(Arc::new(office), Queue::new())
    }

    fn report(&self) -> BoardReport {
        BoardReport::read(&self.0.shared, &self.0.settings, self.0.clock.now_ms())
    }

    fn names(&self) -> Names {
        Names::new(self.0.settings.tls_names.iter().chain([&self.0.settings.name]))
    }
}

/// Serves until shutdown.
pub async fn serve(listener: TcpListener, state: AdminState, shutdown: Shutdown) {
    serve_pages(listener, (state, pages()), shutdown).await;
}

async fn serve_pages(
    listener: TcpListener,
    (state, pages): (AdminState, Router<AdminState>),
    shutdown: Shutdown,
) {
    let ending = shutdown.clone();
    let app = app(state, pages).into_make_service_with_connect_info::<SocketAddr>();
    let served =
        axum::serve(listener, app).with_graceful_shutdown(async move { ending.wait().await }).into_future();
    // Whoever holds half a request open does not hold the hub up.
    let patience = async {
        shutdown.wait().await;
        tokio::time::sleep(LAST_ANSWERS).await;
    };
    tokio::select! {
        Err(refused) = served => tracing::error!(error = %refused, "the admin address is no longer served"),
        () = patience => {}
        else => {}
    }
}

fn pages() -> Router<AdminState> {
    Router::new()
        .route("/login", routing::get(login::show).post(login::take))
        .route("/logout", routing::post(login::leave))
        .route("/first", routing::get(first::show).post(first::take))
        .route("/persons", routing::get(persons::show))
        .route("/proposals", routing::get(proposals::show))
        .route("/proposals/approve", routing::post(deciding::approve))
        .route("/proposals/close", routing::post(deciding::close))
        .route("/audit", routing::get(audit::show))
        .route("/audit.csv", routing::get(audit::download))
        .route("/", routing::get(board))
        .route("/board.json", routing::get(board_json))
        .route("/healthz", routing::get(async || "ok\n"))
}

/// Pages behind the door, and the door behind the guard.
fn app(state: AdminState, pages: Router<AdminState>) -> Router {
    let guarded = middleware::from_fn_with_state(state.names(), guard);
    pages
        // A layer is asked only where there is something behind it.
        .fallback(async || StatusCode::NOT_FOUND)
        .layer(middleware::from_fn_with_state(state.clone(), door::door))
        .layer(DefaultBodyLimit::max(FORM_BYTES_MAX))
        .layer(guarded)
        .with_state(state)
}

type Parameters = Query<Vec<(String, String)>>;

fn wish(Query(parameters): &Parameters, headers: &HeaderMap) -> Wish {
    Wish::read(parameters, headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()))
}

async fn board(
    State(state): State<AdminState>,
    Extension(visitor): Extension<Visitor>,
    parameters: Parameters,
    headers: HeaderMap,
) -> Response {
    let newest = state.0.catalogues.newest(&state.0.shared.directory());
    let page = Page::draw(&state.report(), &newest, wish(&parameters, &headers));
    answer(StatusCode::OK, &page.shown_to(visitor))
}

async fn board_json(State(state): State<AdminState>) -> impl IntoResponse {
    Json(state.report())
}

fn missing(parameters: &Parameters, headers: &HeaderMap) -> Response {
    answer(StatusCode::NOT_FOUND, &Missing::new(wish(parameters, headers).lang))
}

fn answer(status: StatusCode, page: &impl Template) -> Response {
    match page.render() {
        Ok(text) => (status, [(header::VARY, "Accept-Language")], Html(text)).into_response(),
        Err(refused) => {
            tracing::error!(error = %refused, "the page cannot be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
