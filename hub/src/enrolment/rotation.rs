//! Rotating: the next statement key begins, signed for by the one before, behind the last statement that one signed.

use safeharbor_core::code::Code;
use safeharbor_core::directory::{Announcement, Deciders, KeyGround, KeySigns};
use safeharbor_core::institution::InstitutionCode;
use safeharbor_core::json::parse_object;
use safeharbor_core::key::PublicKey;
use safeharbor_core::sdjwt::public_key_from_jwk;
use safeharbor_proto::v1;
use safeharbor_service::store::Batch;
use tokio::sync::oneshot;

use super::renewal::key_in_force;
use super::{Refusal, membership, parse_code};
use crate::committer::Order;
use crate::key_register::{KeyRegister, NamedKey, Usage};
use crate::office::Office;
use crate::office::drawer::keep_all;
use crate::running::{announce, wait_published};

/// The most bytes a JWK of ours has.
const JWK_BYTES_MAX: usize = 1024;

/// Who asks, and the next key, for which the key in force signed unless it is that key.
pub(super) fn verify(
    office: &Office,
    request: &v1::RotateRequest,
) -> Result<(InstitutionCode, PublicKey), Refusal> {
    let code = parse_code(&request.institution)?;
    let next = parse_key(&request.jwk)?;
    let by_next = KeyGround::Rotation { proof: request.by_next.clone() };
    if !by_next.is_signed_by(&next, code, &next) {
        return Err(Refusal::new(Code::ProofRefused, "the next key did not sign that it begins"));
    }
    let current = key_in_force(office.shared.directory().institution(&code))?;
    let ground = KeyGround::Rotation { proof: request.by_current.clone() };
    if current != next && !ground.is_signed_by(&current, code, &next) {
        return Err(Refusal::new(Code::ProofRefused, "the key in force did not sign for the next one"));
    }
    Ok((code, next))
}

pub(super) async fn rotate(office: &Office, request: v1::RotateRequest) -> Result<v1::Membership, Refusal> {
    let deciding = office.deciding().await;
    // First: what an attempt ordered whose caller hung up is in the directory then, and its key no stranger's.
    let logged = last_logged(office, parse_code(&request.institution)?).await?;
    let (code, next) = verify(office, &request)?;
    let current = key_in_force(office.shared.directory().institution(&code))?;
    if current != next {
        let ground = KeyGround::Rotation { proof: request.by_current };
        verify_head(logged, request.last_seq)?;
        let index = begin(office, code, next, ground).await?;
        drop(deciding);
        wait_published(&office.shared, index).await.map_err(|failed| Refusal::ours(&failed))?;
    }
    membership(office, code, String::new())
}

fn parse_key(jwk: &[u8]) -> Result<PublicKey, Refusal> {
    let refused =
        || Refusal::new(Code::ProofRefused, "the next key is no Ed25519 key in a JWK, or a weak one");
    let text =
        std::str::from_utf8(jwk).ok().filter(|text| text.len() <= JWK_BYTES_MAX).ok_or_else(refused)?;
    let object = parse_object(text.as_bytes()).map_err(|_json| refused())?;
    public_key_from_jwk(&serde_json::Value::Object(object)).ok_or_else(refused)
}

/// The number of the institution's last statement, behind everything that was ordered before.
async fn last_logged(office: &Office, code: InstitutionCode) -> Result<u64, Refusal> {
    let (reply, head) = oneshot::channel();
    let stopping = |()| Refusal::new(Code::Unavailable, "the hub is stopping");
    office.orders.send(Order::Head { code, reply }).await.map_err(|_gone| stopping(()))?;
    Ok(head.await.map_err(|_gone| stopping(()))?.map_or(0, |(head, _)| head.seq))
}

/// The key ends behind the last statement it signed: nothing of the node may be on its way.
fn verify_head(logged: u64, last_seq: u64) -> Result<(), Refusal> {
    if logged == last_seq {
        return Ok(());
    }
    let text = format!(
        "the hub logged {logged} as the last statement and the node says {last_seq}; send the rest first"
    );
    Err(Refusal::new(Code::HeadMismatch, text))
}

async fn begin(
    office: &Office,
    code: InstitutionCode,
    key: PublicKey,
    ground: KeyGround,
) -> Result<u64, Refusal> {
    if office.shared.directory().has_seen(&key) {
        return Err(Refusal::new(Code::KeyInUse, "the next key was seen before"));
    }
    let mut batch = Batch::new();
    KeyRegister::of(office).claim(&mut batch, &code, &[NamedKey::of(&key, Usage::Statements)])?;
    keep_all(&*office.store, batch).map_err(|failed| Refusal::ours(&failed))?;
    let (signs, decided_by) = (KeySigns::Statements, Deciders::default());
    let announced =
        announce(&office.orders, Announcement::KeyBegins { code, key, signs, ground, decided_by }).await;
    announced.map(|announced| announced.index).map_err(|failed| Refusal::ours(&failed))
}
