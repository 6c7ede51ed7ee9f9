//! What a verifier of SD-JWT refuses (RFC 9901 section 7.1, RFC 7515, RFC 7519), one line a case.

use safeharbor_core::b64;
use safeharbor_core::digest::Digest;
use safeharbor_core::sdjwt::{
    Disclosure, Expectations, JwsFailed, KeyBinding, ParseDisclosureFailed, ProcessFailed, SdJwt,
    VerifySdJwtFailed, bind_key, public_key_to_jwk,
};
use serde_json::{Value, json};

use crate::tokens::{self, NOW, TYPE, compact, sign_payload, sign_text, verify};
use crate::tree;
use safeharbor_core::key::Signer as _;

/// Asserts that a token is refused for the reason given.
macro_rules! refused {
    ($token:expr, $reason:pat $(if $guard:expr)?) => {
        let answer = verify(&$token);
        assert!(matches!(&answer, Err($reason) $(if $guard)?), "{answer:?}");
    };
}

fn sign(payload: &Value) -> String {
    sign_payload(&payload.to_string())
}

fn claim(name: &str) -> (String, String) {
    let disclosure = Disclosure::of_claim([1; 16], name, &json!(1));
    (disclosure.encoded().to_owned(), disclosure.digest().to_string())
}

/// A disclosure exactly as written, and its digest.
fn raw(text: &str) -> (String, String) {
    let encoded = b64::encode_url(text.as_bytes());
    let digest = Digest::of(encoded.as_bytes()).to_string();
    (encoded, digest)
}

#[test]
fn a_sound_token_verifies() {
    let (a, digest) = claim("a");
    let token = compact(&sign(&json!({"_sd": [digest], "_sd_alg": "sha-256", "b": 2})), &[&a]);
    assert_eq!(verify(&token).unwrap().claims, tokens::object(&json!({"a": 1, "b": 2})));
    for alg in ["EdDSA", "Ed25519"] {
        let header = json!({"alg": alg, "typ": TYPE}).to_string();
        assert!(verify(&compact(&sign_text(&header, "{}"), &[])).is_ok(), "{alg}");
    }
}

#[test]
fn headers_that_ask_for_something_else_are_refused() {
    let with = |header: Value| compact(&sign_text(&header.to_string(), "{}"), &[]);
    for alg in [json!("none"), json!("HS256"), json!("ES256"), json!("eddsa"), json!(null), json!(["EdDSA"])]
    {
        refused!(with(json!({"alg": alg, "typ": TYPE})), VerifySdJwtFailed::Token(JwsFailed::Algorithm(_)));
    }
    refused!(with(json!({"typ": TYPE})), VerifySdJwtFailed::Token(JwsFailed::Algorithm(_)));
    let critical = json!({"alg": "EdDSA", "typ": TYPE, "crit": ["b64"], "b64": false});
    refused!(with(critical), VerifySdJwtFailed::Token(JwsFailed::Critical));
    refused!(
        with(json!({"alg": "EdDSA", "typ": TYPE, "crit": []})),
        VerifySdJwtFailed::Token(JwsFailed::Critical)
    );
    for typ in [json!("kb+jwt"), json!("TEST+SD-JWT"), json!(1), json!(null)] {
        refused!(with(json!({"alg": "EdDSA", "typ": typ})), VerifySdJwtFailed::Token(JwsFailed::Type { .. }));
    }
    refused!(with(json!({"alg": "EdDSA"})), VerifySdJwtFailed::Token(JwsFailed::Type { .. }));
}

#[test]
fn an_unsigned_or_otherwise_signed_token_is_refused() {
    let jwt = sign(&json!({"a": 1}));
    let (signed, signature) = jwt.rsplit_once('.').unwrap();
    refused!(format!("{signed}.~"), VerifySdJwtFailed::Token(JwsFailed::Signature));
    let other = tree::signer(41).public_key();
    let compact = compact(&jwt, &[]);
    let answer = SdJwt::parse(&compact).unwrap().verify(tokens::expectations(&other));
    assert_eq!(answer, Err(VerifySdJwtFailed::Token(JwsFailed::Signature)));
    refused!(format!("{signed}~"), VerifySdJwtFailed::Token(_));
    refused!(format!("{jwt}.{signature}~"), VerifySdJwtFailed::Token(JwsFailed::Shape));
    refused!(format!("{jwt}=~"), VerifySdJwtFailed::Token(JwsFailed::Shape));
}

#[test]
fn other_compact_forms_are_refused() {
    let (a, digest) = claim("a");
    let jwt = sign(&json!({"_sd": [digest]}));
    refused!(jwt, VerifySdJwtFailed::Shape);
    refused!(format!("~{a}~"), VerifySdJwtFailed::Shape);
    refused!(format!("{jwt}~~"), VerifySdJwtFailed::Shape);
    refused!(format!("{jwt}~~{a}~"), VerifySdJwtFailed::Shape);
    refused!(format!(" {jwt}~"), VerifySdJwtFailed::Token(_));
    refused!(format!("{jwt}~{a}=~"), VerifySdJwtFailed::Disclosure { number: 1, .. });
    refused!(format!("{jwt}~{a} ~"), VerifySdJwtFailed::Disclosure { number: 1, .. });
    // Without its `~` the disclosure stands where a key binding would: nothing is concluded from that.
    assert!(verify(&format!("{jwt}~{a}")).unwrap().claims.is_empty());
}

#[test]
fn malformed_disclosures_are_refused() {
    let check = |text: &str, expected: fn(&ParseDisclosureFailed) -> bool| {
        let (encoded, digest) = raw(text);
        let answer = verify(&compact(&sign(&json!({"_sd": [digest]})), &[&encoded]));
        let Err(VerifySdJwtFailed::Disclosure { number: 1, source }) = &answer else {
            panic!("{text}: {answer:?}");
        };
        assert!(expected(source), "{text}: {source:?}");
    };
    let shape = |failed: &ParseDisclosureFailed| matches!(failed, ParseDisclosureFailed::Shape);
    let json = |failed: &ParseDisclosureFailed| matches!(failed, ParseDisclosureFailed::Json(_));
    let reserved = |failed: &ParseDisclosureFailed| matches!(failed, ParseDisclosureFailed::ReservedName(_));
    for text in [r"[]", r#"["s"]"#, r#"["s","n",1,2]"#, r#"[1,"n",2]"#, r#"["s",1,2]"#, r#"{"a":1}"#, "\"s\""]
    {
        check(text, shape);
    }
    check(r#"["s","_sd",1]"#, reserved);
    check(r#"["s","...",1]"#, reserved);
    check(r#"["s","n",{"a":1,"a":1}]"#, json);
    check(r#"["s","n",1]]"#, json);
    check(r#"["s","n",1"#, json);
    check("[\"s\",\"n\",\"\u{0}\"]", json);
}

#[test]
fn json_that_two_readers_may_read_differently_is_refused() {
    let token = |header: &str, payload: &str| compact(&sign_text(header, payload), &[]);
    let header = format!(r#"{{"alg":"EdDSA","typ":"{TYPE}"}}"#);
    let twice = format!(r#"{{"alg":"EdDSA","typ":"x","typ":"{TYPE}"}}"#);
    let hidden = format!(r#"{{"alg":"none","\u0061lg":"EdDSA","typ":"{TYPE}"}}"#);
    for header in [twice, hidden] {
        refused!(token(&header, "{}"), VerifySdJwtFailed::Token(JwsFailed::Json { part: "header", .. }));
    }
    for payload in [
        r#"{"a":1,"a":1}"#,
        r#"{"a":1,"\u0061":1}"#,
        r#"{"x":[{"a":1,"a":2}]}"#,
        "{}x",
        "{}{}",
        "{",
        "[]",
        "null",
        "",
        "\u{feff}{}",
        r#"{"a":1e999}"#,
        r#"{"a":01}"#,
        r#"{"a":"\ud800"}"#,
    ] {
        refused!(token(&header, payload), VerifySdJwtFailed::Token(JwsFailed::Json { part: "payload", .. }));
    }
}

#[test]
fn digests_and_disclosures_must_fit_each_other() {
    let (a, digest) = claim("a");
    let (b, other) = claim("b");
    let token = |payload: Value, sent: &[&str]| compact(&sign(&payload), sent);
    let twice = |token: String| {
        refused!(token, VerifySdJwtFailed::Process(ProcessFailed::DigestTwice(_)));
    };
    twice(token(json!({"_sd": [digest, digest]}), &[]));
    twice(token(json!({"_sd": [digest, digest]}), &[&a]));
    twice(token(json!({"_sd": [digest], "x": {"_sd": [digest]}}), &[]));
    twice(token(json!({"_sd": [digest], "x": [{"...": digest}]}), &[]));
    twice(token(json!({"x": [{"...": digest}, [{"...": digest}]]}), &[]));
    let (nesting, outer) = raw(&json!(["s", "n", {"_sd": [digest]}]).to_string());
    twice(token(json!({"_sd": [outer, digest]}), &[&nesting]));

    refused!(
        token(json!({"_sd": [digest]}), &[&a, &a]),
        VerifySdJwtFailed::Process(ProcessFailed::DisclosureTwice(_))
    );
    refused!(
        token(json!({"_sd": [digest]}), &[&a, &b]),
        VerifySdJwtFailed::Process(ProcessFailed::Unreferenced(found)) if found.to_string() == other
    );
    refused!(token(json!({}), &[&a]), VerifySdJwtFailed::Process(ProcessFailed::Unreferenced(_)));
    refused!(
        token(json!({"_sd": [outer]}), &[&a]),
        VerifySdJwtFailed::Process(ProcessFailed::Unreferenced(_))
    );

    let element = raw(r#"["s",1]"#);
    refused!(
        token(json!({"_sd": [element.1]}), &[&element.0]),
        VerifySdJwtFailed::Process(ProcessFailed::Misplaced(_))
    );
    refused!(
        token(json!({"x": [{"...": digest}]}), &[&a]),
        VerifySdJwtFailed::Process(ProcessFailed::Misplaced(_))
    );
    for malformed in [
        json!({"_sd": "x"}),
        json!({"_sd": {}}),
        json!({"_sd": [1]}),
        json!({"_sd": ["short"]}),
        json!({"x": [{"...": digest, "y": 1}]}),
        json!({"x": [{"...": 1}]}),
        json!({"x": {"...": digest}}),
        json!({"...": digest}),
    ] {
        refused!(token(malformed, &[]), VerifySdJwtFailed::Process(ProcessFailed::Placeholder));
    }
}

#[test]
fn a_revealed_claim_cannot_take_anothers_place() {
    let (a, digest) = claim("a");
    let (again, second) = raw(r#"["salt","a",2]"#);
    let collides = |payload: Value, sent: &[&str]| {
        refused!(compact(&sign(&payload), sent), VerifySdJwtFailed::Process(ProcessFailed::Collision(_)));
    };
    collides(json!({"_sd": [digest], "a": 2}), &[&a]);
    collides(json!({"_sd": [digest, second]}), &[&a, &again]);
    collides(json!({"x": {"_sd": [digest], "a": null}}), &[&a]);
    let nested = json!({"_sd": [digest], "x": {"a": 2}});
    assert!(verify(&compact(&sign(&nested), &[&a])).is_ok(), "another level is another place");
}

#[test]
fn the_hash_is_sha_256_and_named_at_the_top_only() {
    let (alg, digest) = claim("_sd_alg");
    let (object, outer) = raw(r#"["s","n",{"_sd_alg":"sha-256"}]"#);
    for (payload, sent) in [
        (json!({"_sd_alg": "md5"}), None),
        (json!({"_sd_alg": "SHA-256"}), None),
        (json!({"_sd_alg": "sha-512"}), None),
        (json!({"_sd_alg": null}), None),
        (json!({"x": {"_sd_alg": "sha-256"}}), None),
        (json!({"x": [{"_sd_alg": "sha-256"}]}), None),
        (json!({"_sd": [outer]}), Some(object)),
        (json!({"_sd": [digest], "_sd_alg": "sha-256"}), Some(alg.clone())),
        (json!({"_sd": [digest]}), Some(alg)),
    ] {
        let sent: Vec<&str> = sent.iter().map(String::as_str).collect();
        refused!(compact(&sign(&payload), &sent), VerifySdJwtFailed::Process(ProcessFailed::HashAlgorithm));
    }
}

#[test]
fn times_and_audiences_must_hold() {
    let check = |payload: Value, audience: Option<&str>, expected: Result<(), &'static str>| {
        let (key, token) = (tokens::issuer_key(), compact(&sign(&payload), &[]));
        let expectations = Expectations { audience, ..tokens::expectations(&key) };
        let answer = SdJwt::parse(&token).unwrap().verify(expectations).map(drop);
        assert_eq!(answer, expected.map_err(VerifySdJwtFailed::Claim), "{payload} for {audience:?}");
    };
    check(json!({"nbf": NOW, "exp": NOW + 1}), None, Ok(()));
    check(json!({"nbf": NOW + 1}), None, Err("nbf"));
    check(json!({"exp": NOW}), None, Err("exp"));
    check(json!({"exp": "never"}), None, Err("exp"));
    check(json!({"exp": -1}), None, Err("exp"));
    check(json!({"nbf": null}), None, Err("nbf"));
    check(json!({"aud": "me"}), Some("me"), Ok(()));
    check(json!({"aud": "you"}), Some("me"), Err("aud"));
    check(json!({"aud": ["me", "you"]}), Some("me"), Err("aud"));
    check(json!({}), Some("me"), Err("aud"));
    check(json!({"aud": "me"}), None, Err("aud"));
}

#[test]
fn claims_on_which_validity_depends_stand_in_the_clear() {
    for name in ["iss", "nbf", "exp", "aud", "cnf", "vct", "status"] {
        let (hidden, digest) = claim(name);
        let jwt = sign(&json!({"_sd": [digest]}));
        assert_eq!(verify(&compact(&jwt, &[&hidden])), Err(VerifySdJwtFailed::Concealed(name)));
    }
}

#[test]
fn key_bindings_that_do_not_hold_are_refused() {
    let holder = tree::signer(42);
    let (a, digest) = claim("a");
    let jwk = public_key_to_jwk(&holder.public_key());
    let presented = compact(&sign(&json!({"_sd": [digest], "cnf": {"jwk": jwk}})), &[&a]);
    let sound = KeyBinding { audience: "verifier", nonce: "1" };
    let check = |token: &str| {
        let key = tokens::issuer_key();
        let expectations = Expectations { key_binding: Some(sound), ..tokens::expectations(&key) };
        SdJwt::parse(token).unwrap().verify(expectations).map(drop)
    };
    assert_eq!(check(&bind_key(&presented, sound, NOW, &holder).unwrap()), Ok(()));
    let by_another = bind_key(&presented, sound, NOW, &tree::signer(43)).unwrap();
    assert_eq!(check(&by_another), Err(VerifySdJwtFailed::KeyBindingToken(JwsFailed::Signature)));
    let stale = bind_key(&presented, KeyBinding { nonce: "0", ..sound }, NOW, &holder).unwrap();
    assert_eq!(check(&stale), Err(VerifySdJwtFailed::KeyBindingClaim("nonce")));
    let replayed = bind_key(&presented, sound, NOW, &holder).unwrap();
    let (_, kb_jwt) = replayed.rsplit_once('~').unwrap();
    let (fewer, _) = presented.strip_suffix('~').unwrap().rsplit_once('~').unwrap();
    assert_eq!(check(&format!("{fewer}~{kb_jwt}")), Err(VerifySdJwtFailed::KeyBindingClaim("sd_hash")));
    let statement = sign(&json!({}));
    let as_binding = check(&format!("{presented}{statement}"));
    assert!(matches!(as_binding, Err(VerifySdJwtFailed::KeyBindingToken(JwsFailed::Type { .. }))));
    let unbound = compact(&sign(&json!({"_sd": [digest]})), &[&a]);
    let answer = check(&bind_key(&unbound, sound, NOW, &holder).unwrap());
    assert_eq!(answer, Err(VerifySdJwtFailed::KeyBindingKey));
}
