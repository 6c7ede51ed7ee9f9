//! Filings wait until the six words of the key that signs them were confirmed; everything else does not.

use safeharbor_core::code::Code;
use safeharbor_core::digest::Digest;
use safeharbor_core::directory::Announcement;
use safeharbor_core::institution::Issuer;
use safeharbor_core::key::Signer as _;
use safeharbor_core::record::RecordHandle;
use safeharbor_core::sdjwt::Algorithm;
use safeharbor_core::statement::{Draft, Envelope, Vct};
use safeharbor_proto::Submission;

use super::super::testing::{Hub, Node, code};
use crate::intake::Intake;
use crate::journal::FrameKey;
use crate::running::announce;

fn signed(node: &Node, vct: &str) -> Submission {
    let vct: Vct = vct.parse().unwrap();
    let names_record = vct.statement.names_record();
    let envelope = Envelope {
        iss: Issuer::Institution(code()),
        iat: 1,
        seq: 1,
        prev: Digest::of(b""),
        vct,
        rec: names_record.then(|| RecordHandle::from_bytes([1; 16])),
        rev: names_record.then_some(1),
        cat: Some(Digest::of(b"a catalogue that nobody published")),
    };
    let draft = Draft { envelope, digests: Vec::new(), claims: safeharbor_core::json::Object::new() };
    let jwt = draft.sign(Algorithm::default(), &node.statements).unwrap();
    Submission { jwt, disclosures: Vec::new() }
}

fn judged(hub: &Hub, submission: Submission) -> Code {
    let directory = hub.office.shared.directory();
    let log_size = hub.office.shared.ledger().size();
    let versions = hub.office.catalogues.versions();
    let intake = Intake { directory: &directory, catalogues: &versions, peer: code(), log_size };
    let checked = intake.check(submission, FrameKey::from_bytes([7; 32])).unwrap();
    checked.content.unwrap_err().code
}

#[tokio::test]
async fn a_filing_under_a_key_that_nobody_confirmed_counts_nowhere() {
    let hub = Hub::start().await;
    let node = Node::new(10);
    hub.join(&node, &hub.invite(code())).await.unwrap();
    let filing = "urn:safeharbor:filing:ACH:1";
    assert_eq!(judged(&hub, signed(&node, filing)), Code::KeyUnconfirmed, "before anything else is judged");
    assert_eq!(judged(&hub, signed(&node, "urn:safeharbor:disclosure:ACH:1")), Code::CatalogueUnknown);
    let key = node.statements.public_key();
    announce(&hub.office.orders, Announcement::KeyConfirmed { code: code(), key }).await.unwrap();
    assert_eq!(judged(&hub, signed(&node, filing)), Code::CatalogueUnknown);
}
