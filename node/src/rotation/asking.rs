//! Asking the hub to begin the next statement key: both keys sign for it.

use safeharbor_core::directory::KeyGround;
use safeharbor_core::key::{MemorySigner, PublicKey, SignFailed, Signer};
use safeharbor_core::sdjwt::public_key_to_jwk;
use safeharbor_proto::v1;
use safeharbor_proto::v1::enrollment_client::EnrollmentClient;
use tonic::transport::Channel;

use super::RotateFailed;
use crate::context::Context;
use crate::enrolment::answered;

/// Asks; `last_seq` is the number of the last statement that the key in force signed.
pub(super) async fn ask(
    context: &Context,
    mut client: EnrollmentClient<Channel>,
    (next, last_seq): (&MemorySigner, u64),
) -> Result<v1::Membership, RotateFailed> {
    let public = next.public_key();
    let request = v1::RotateRequest {
        institution: context.institution.to_string(),
        jwk: serde_json::to_vec(&public_key_to_jwk(&public)).map_err(RotateFailed::Encode)?,
        by_current: sign(context, &public, &*context.signer)?,
        by_next: sign(context, &public, next)?,
        last_seq,
    };
    Ok(answered(client.rotate(request)).await?)
}

fn sign(context: &Context, next: &PublicKey, signer: &dyn Signer) -> Result<String, SignFailed> {
    match KeyGround::rotation(context.institution, next, signer)? {
        KeyGround::Rotation { proof } => Ok(proof),
        KeyGround::Admission | KeyGround::ReEnrolment => Ok(String::new()),
    }
}
