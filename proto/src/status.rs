//! How a refusal's code maps to a gRPC status: one table.

use safeharbor_core::code::{Code, Fault};
use tonic::Status;

/// The gRPC status for a refusal: the code first, then what happened, without any value of a record.
#[must_use]
pub fn status_of(code: Code, text: &str) -> Status {
    let by_fault = match code.fault() {
        Fault::Peer | Fault::Caller => tonic::Code::InvalidArgument,
        Fault::Policy => tonic::Code::PermissionDenied,
        Fault::Ours => tonic::Code::Internal,
        Fault::Later => tonic::Code::Unavailable,
    };
    let special = [
        (Code::IdentityRefused, tonic::Code::Unauthenticated),
        (Code::StreamTaken, tonic::Code::Aborted),
        (Code::NodeCloned, tonic::Code::Aborted),
    ];
    let grpc = special.into_iter().find(|(listed, _)| *listed == code).map_or(by_fault, |(_, grpc)| grpc);
    Status::new(grpc, format!("{code}: {text}"))
}
