//! The door of the gRPC services: looks every request's path up in the table before any service sees it.

use std::task::{Context, Poll};

use axum::http::{Request, Response};
use safeharbor_core::code::Code;
use safeharbor_proto::status_of;
use tonic::body::Body;
use tower::{Layer, Service};

use super::{Answers, method};
use crate::exchange::{Caller, Peer};

/// Puts the door in front of services.
#[derive(Debug, Clone, Copy)]
pub struct AccessLayer;

/// Services behind the door.
#[derive(Debug, Clone)]
pub struct Door<S>(S);

impl<S> Layer<S> for AccessLayer {
    type Service = Door<S>;

    fn layer(&self, inner: S) -> Door<S> {
        Door(inner)
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
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let institution = request
            .extensions()
            .get::<Peer>()
            .is_some_and(|peer| matches!(peer.caller, Caller::Institution(_)));
        let refused = match method(request.uri().path()) {
            Some(Answers::Everybody) => None,
            Some(Answers::Institutions) if institution => None,
            Some(Answers::Institutions) => {
                Some(status_of(Code::IdentityRefused, "the connection carries no institution's certificate"))
            }
            None => Some(tonic::Status::unimplemented("there is no such method")),
        };
        match refused {
            Some(status) => Box::pin(async move { Ok(status.into_http()) }),
            None => Box::pin(self.0.call(request)),
        }
    }
}
