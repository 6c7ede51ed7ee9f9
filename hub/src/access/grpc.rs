//! The door of the gRPC services: looks every request's path up in the table before any service sees it.

use std::task::{Context, Poll};

use axum::http::{Request, Response};
use safeharbor_core::code::Code;
use safeharbor_proto::status_of;
use tonic::Status;
use tonic::body::Body;
use tower::{Layer, Service};

use super::{Answers, method};
use crate::exchange::{Caller, Peer};
use crate::office::Desk;
use crate::tls_key::verify_shown;

/// Puts the door in front of services.
#[derive(Debug, Clone)]
pub struct AccessLayer(Desk);

impl AccessLayer {
    /// The door of a hub.
    #[must_use]
    pub const fn new(desk: Desk) -> Self {
        Self(desk)
    }

    /// Why a request is refused, if it is.
    fn refuse(&self, path: &str, peer: Option<&Peer>) -> Option<Status> {
        match (method(path), peer.map(|peer| peer.caller)) {
            (None, _) => Some(Status::unimplemented("there is no such method")),
            (Some(Answers::Everybody), _) => None,
            (Some(Answers::Institutions), Some(Caller::Institution(shown))) => {
                let refused = verify_shown(&self.0, &shown).err()?;
                Some(status_of(refused.code(), &refused.to_string()))
            }
            (Some(Answers::Institutions), Some(Caller::Anonymous) | None) => {
                Some(status_of(Code::IdentityRefused, "the connection carries no institution's certificate"))
            }
        }
    }
}

/// Services behind the door.
#[derive(Debug, Clone)]
pub struct Door<S> {
    layer: AccessLayer,
    inner: S,
}

impl<S> Layer<S> for AccessLayer {
    type Service = Door<S>;

    fn layer(&self, inner: S) -> Door<S> {
        Door { layer: self.clone(), inner }
    }
}

impl<S, B> Service<Request<B>> for Door<S>
where
    S: Service<Request<B>, Response = Response<Body>>,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = std::pin::Pin<Box<dyn Future<Output = Result<Response<Body>, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let peer = request.extensions().get::<Peer>();
        if let Some(status) = self.layer.refuse(request.uri().path(), peer) {
            return Box::pin(async move { Ok(status.into_http()) });
        }
        let under_way = peer.map(Peer::begin_request);
        let answer = self.inner.call(request);
        Box::pin(async move {
            let _under_way = under_way;
            answer.await
        })
    }
}
