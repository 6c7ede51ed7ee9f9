//! What holds of every statement and SD-JWT: round trips, no flipped bit is believed, no bytes make a parser panic.

use proptest::prelude::*;
use safeharbor_core::audit::RegistryAudit;
use safeharbor_core::b64;
use safeharbor_core::code::Code;
use safeharbor_core::digest::Digest;
use safeharbor_core::directory::Announcement;
use safeharbor_core::entry::Entry;
use safeharbor_core::institution::{InstitutionCode, Issuer};
use safeharbor_core::json::{self, Object};
use safeharbor_core::merkle::hash_leaf;
use safeharbor_core::record::{KindId, RecordHandle};
use safeharbor_core::sdjwt::{Algorithm, Disclosure, Expectations, Jws, SdJwt, process, public_key_from_jwk};
use safeharbor_core::statement::{Draft, Envelope, STATEMENT_TYPE, Statement, StatementType, Vct, open};
use serde_json::{Value, json};

use crate::tokens::{self, NOW, issuer, issuer_key, state};

const ORIGIN: &str = "hub.example.org/registry";

/// Values without fractions: the text of a float is hashed and signed, its reading may be off by one ULP.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z]{0,6}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn claims() -> impl Strategy<Value = Object> {
    prop::collection::btree_map("f_\\PC{0,8}", value(), 0..12).prop_map(|map| map.into_iter().collect())
}

/// A fixed statement with three revealable claims.
fn statement() -> (String, Vec<Disclosure>) {
    state(&tokens::object(&json!({"name": "高温超导限流器", "stage": "pilot", "year": 2024})), 9)
}

/// The first entry of a registry: the hub's key, vouching for itself.
fn first_entry() -> Vec<u8> {
    let announcement = Announcement::HubKey { key: issuer_key() };
    let envelope = Envelope {
        iss: "https://hub.example.org".parse().unwrap(),
        iat: NOW,
        seq: 1,
        prev: Digest::of(ORIGIN.as_bytes()),
        vct: Vct::without_kind(StatementType::Key).unwrap(),
        rec: None,
        rev: None,
        cat: None,
    };
    let draft = Draft { envelope, digests: Vec::new(), claims: announcement.to_claims() };
    let jwt = draft.sign(Algorithm::EdDsa, &issuer()).unwrap();
    Entry::of(&Statement::parse(&jwt).unwrap()).encode()
}

fn audit(entry: &[u8]) -> bool {
    RegistryAudit::new(ORIGIN, "https://hub.example.org".parse().unwrap()).next(entry).is_ok()
}

/// Whether anybody would believe these bytes to be a statement of ours.
fn is_believed(jwt: &[u8]) -> bool {
    let statement = std::str::from_utf8(jwt).ok().and_then(|jwt| Statement::parse(jwt).ok());
    statement.is_some_and(|statement| statement.verify(&issuer_key()).is_ok())
}

fn flip(bytes: &[u8], bit: usize) -> Vec<u8> {
    let mut flipped = bytes.to_vec();
    flipped[bit / 8] ^= 1 << (bit % 8);
    flipped
}

/// Runs every parser of statements; whatever is accepted prints as it was.
fn parse_all(bytes: &[u8]) {
    json::parse(bytes).ok();
    if let Ok(entry) = Entry::decode(bytes) {
        assert_eq!(entry.encode(), bytes);
    }
    audit(bytes);
    let text = String::from_utf8_lossy(bytes);
    let printed = [
        text.parse::<Vct>().map(|vct| vct.to_string()).ok(),
        text.parse::<RecordHandle>().map(|handle| handle.to_string()).ok(),
        text.parse::<KindId>().map(|kind| kind.to_string()).ok(),
        text.parse::<InstitutionCode>().map(|code| code.to_string()).ok(),
        text.parse::<Issuer>().map(|issuer| issuer.to_string()).ok(),
        text.parse::<Digest>().map(|digest| digest.to_string()).ok(),
        text.parse::<Code>().map(|code| code.to_string()).ok(),
    ];
    for printed in printed.into_iter().flatten() {
        assert_eq!(printed, text);
    }
    InstitutionCode::complete(&text).ok();
    parse_tokens(&text);
}

fn parse_tokens(text: &str) {
    let key = issuer_key();
    Jws::parse(text).map(|jws| jws.verify(&key)).ok();
    Disclosure::parse(text).ok();
    if let Ok(statement) = Statement::parse(text) {
        statement.verify(&key).ok();
        Announcement::read(&statement).ok();
        open(&statement.digests, text.split('~')).ok();
    }
    if let Ok(sd_jwt) = SdJwt::parse(text) {
        let expected =
            Expectations { typ: STATEMENT_TYPE, key: &key, now: NOW, audience: None, key_binding: None };
        sd_jwt.verify(expected).ok();
    }
    if let Ok(payload) = json::parse_object(text.as_bytes()) {
        public_key_from_jwk(&Value::Object(payload.clone())).map(|key| key.thumbprint());
        process(payload, &[]).ok();
    }
}

proptest! {
    #[test]
    fn concealed_claims_come_back(
        claims in claims(),
        decoys in 0..8_usize,
        revealed in prop::collection::vec(any::<bool>(), 12),
    ) {
        let (jwt, disclosures) = state(&claims, decoys);
        let statement = Statement::parse(&jwt).unwrap();
        statement.verify(&issuer_key()).unwrap();
        prop_assert_eq!(statement.digests.len(), claims.len() + decoys);
        let sent: Vec<&str> = disclosures
            .iter()
            .zip(&revealed)
            .filter(|(_, chosen)| **chosen)
            .map(|(disclosure, _)| disclosure.encoded())
            .collect();
        let opened = open(&statement.digests, sent.iter().copied()).unwrap();
        prop_assert_eq!(opened.len(), sent.len());
        for disclosure in &opened {
            prop_assert_eq!(claims.get(disclosure.name().unwrap()), Some(disclosure.value()));
        }
        let key = issuer_key();
        let expected =
            Expectations { typ: STATEMENT_TYPE, key: &key, now: NOW, audience: None, key_binding: None };
        let compact = tokens::compact(&jwt, &sent);
        let verified = SdJwt::parse(&compact).unwrap().verify(expected).unwrap();
        for disclosure in &opened {
            prop_assert_eq!(verified.claims.get(disclosure.name().unwrap()), Some(disclosure.value()));
        }
        prop_assert_eq!(verified.claims.len(), 8 + sent.len());
    }

    #[test]
    fn strict_json_is_serde_json_without_repeated_keys(
        text in "(\\PC{0,4}|[\\[\\]{}:,\"0-9a-b\\\\u.eE+ -]{0,24}|\\{\"a\":[0-9]{1,25},\"[ab]\":\"\\\\u00[0-7][0-9a-f]\"\\})",
    ) {
        let lenient = serde_json::from_str::<Value>(&text);
        match json::parse(text.as_bytes()) {
            Ok(value) => prop_assert_eq!(value, lenient.unwrap()),
            Err(failed) => prop_assert!(lenient.is_err() || failed.reason.contains("occurs twice")),
        }
    }

    #[test]
    fn nested_values_round_trip_through_strict_json(value in value()) {
        prop_assert_eq!(json::parse(value.to_string().as_bytes()).unwrap(), value);
    }

    #[test]
    fn no_flipped_bit_of_a_disclosure_opens(bit in any::<prop::sample::Index>(), which in 0..3_usize) {
        let (jwt, disclosures) = statement();
        let sent = disclosures[which].encoded();
        let flipped = flip(sent.as_bytes(), bit.index(sent.len() * 8));
        let statement = Statement::parse(&jwt).unwrap();
        if let Ok(text) = std::str::from_utf8(&flipped) {
            prop_assert!(open(&statement.digests, std::iter::once(text)).is_err());
        }
    }

    #[test]
    fn a_flipped_bit_makes_another_leaf_of_a_sealed_entry(bit in any::<prop::sample::Index>()) {
        let (jwt, _) = statement();
        let entry = Entry::of(&Statement::parse(&jwt).unwrap());
        let bytes = entry.encode();
        let flipped = flip(&bytes, bit.index(bytes.len() * 8));
        prop_assert_ne!(hash_leaf(&flipped), hash_leaf(&bytes));
        if let Ok(other) = Entry::decode(&flipped) {
            prop_assert_ne!(&other, &entry);
            prop_assert_eq!(other.encode(), flipped);
        }
    }

    #[test]
    fn no_bytes_make_a_parser_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        parse_all(&bytes);
    }

    #[test]
    fn no_text_makes_a_parser_panic(text in "\\PC{0,60}|urn:(uscc|safeharbor):[a-zA-Z0-9:]{0,24}|https://[a-z0-9./:-]{0,20}") {
        parse_all(text.as_bytes());
    }

    #[test]
    fn nothing_signed_makes_a_parser_panic(header in value(), payload in value(), disclosed in value()) {
        let jwt = tokens::sign_text(&header.to_string(), &payload.to_string());
        let disclosure = b64::encode_url(disclosed.to_string().as_bytes());
        parse_all(jwt.as_bytes());
        parse_all(tokens::compact(&jwt, &[&disclosure]).as_bytes());
        parse_all(tokens::compact(&tokens::sign_payload(&payload.to_string()), &[&disclosure]).as_bytes());
    }

    #[test]
    fn nothing_cut_out_of_or_pasted_into_a_statement_makes_a_parser_panic(
        from in any::<prop::sample::Index>(),
        length in 0..40_usize,
        pasted in prop::collection::vec(any::<u8>(), 0..8),
        public in any::<bool>(),
    ) {
        let (jwt, disclosures) = statement();
        let mut bytes = if public {
            first_entry()
        } else {
            tokens::compact(&jwt, &[disclosures[0].encoded()]).into_bytes()
        };
        let start = from.index(bytes.len());
        let end = bytes.len().min(start + length);
        bytes.splice(start..end, pasted);
        parse_all(&bytes);
    }
}

#[test]
fn no_flipped_bit_of_a_statement_is_believed() {
    let (jwt, _) = statement();
    assert!(is_believed(jwt.as_bytes()));
    for bit in 0..jwt.len() * 8 {
        assert!(!is_believed(&flip(jwt.as_bytes(), bit)), "bit {bit}");
    }
}

#[test]
fn no_flipped_bit_of_a_public_entry_passes_the_audit() {
    let entry = first_entry();
    assert!(audit(&entry));
    for bit in 0..entry.len() * 8 {
        assert!(!audit(&flip(&entry, bit)), "bit {bit}");
    }
}
