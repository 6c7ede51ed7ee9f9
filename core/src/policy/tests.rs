//! Tests of policy files: what is refused, what is printed, and when a quorum is met.

use zeroize::Zeroizing;

use super::*;
use crate::b64;
use crate::checkpoint::{Checkpoint, sign_checkpoint};
use crate::cosignature::cosign;
use crate::digest::Digest;
use crate::key::{MemorySigner, Signer as _};
use crate::note::{NoteFailed, SignedNote};

fn signer(seed: u8) -> MemorySigner {
    MemorySigner::from_seed(&Zeroizing::new([seed; 32]))
}

fn log(seed: u8) -> VerifierKey {
    VerifierKey::ed25519("log.example", signer(seed).public_key()).unwrap()
}

fn witness(seed: u8) -> VerifierKey {
    VerifierKey::cosignature(&format!("w{seed}.example"), signer(seed).public_key()).unwrap()
}

/// The example of C2SP tlog-policy: two of three X and one of three Y.
fn two_levels() -> String {
    let mut text = format!("log {}\n", log(9));
    for (name, seed) in ["X1", "X2", "X3", "Y1", "Y2", "Y3"].into_iter().zip(1..) {
        text += &format!("witness {name} {}\n", witness(seed));
    }
    text + "group X-witnesses 2 X1 X2 X3\n\
        group Y-witnesses any Y1 Y2 Y3\n\
        group X-and-Y all X-witnesses Y-witnesses\n\
        quorum X-and-Y\n"
}

fn parse(text: &str) -> Result<Policy, ParsePolicyFailed> {
    text.parse()
}

#[test]
fn canonical_files_round_trip() {
    let hub = b64::encode_std(signer(8).public_key().as_bytes());
    let text = format!("# safeharbor hub-key https://hub.example {hub}\n{}", two_levels());
    let policy = parse(&text).unwrap();
    assert_eq!(policy.to_string(), text);
    assert_eq!(policy.hub_keys(), [("https://hub.example".parse().unwrap(), signer(8).public_key())]);
    assert_eq!((policy.logs().len(), policy.witnesses().len(), policy.groups().len()), (1, 6, 3));
    assert_eq!(policy.quorum(), Some("X-and-Y"));
}

#[test]
fn white_space_comments_and_urls_are_read() {
    let text = format!(
        "\n \t\n  # safeharbor\n#none\n\t log\t{}  https://log.example/ \nwitness 甲 {} https://w.example\nquorum 甲\n",
        log(9),
        witness(1)
    );
    let policy = parse(&text).unwrap();
    assert_eq!(policy.logs()[0].url.as_deref(), Some("https://log.example/"));
    assert_eq!(policy.witnesses()[0].url.as_deref(), Some("https://w.example"));
    assert_eq!(parse(&policy.to_string()), Ok(policy));
}

#[test]
fn a_policy_may_ask_for_no_witness() {
    let policy = parse("quorum none\n").unwrap();
    assert_eq!((policy.quorum(), policy.is_met_by([])), (None, true));
    assert_eq!(policy.to_string(), "quorum none\n");
}

/// Adds `line` to a policy of one log and three witnesses and tells why it is refused.
fn refusal(line: &str) -> ParseLineFailed {
    let mut text = format!("log {}\n", log(9));
    for seed in 1..=3 {
        text += &format!("witness w{seed} {}\n", witness(seed));
    }
    text += "group g any w1\n";
    match parse(&format!("{text}{line}\nquorum g\n")) {
        Err(ParsePolicyFailed::Line { at: 6, source }) => source,
        other => panic!("{line:?}: {other:?}"),
    }
}

fn check(line: &str, expected: BuildPolicyFailed) {
    assert_eq!(refusal(line), ParseLineFailed::Build(expected), "{line}");
}

#[test]
fn contradictions_are_refused() {
    use BuildPolicyFailed as Failed;
    check(&format!("log {}", log(9)), Failed::KeyTwice("log.example".into()));
    check(&format!("log {}", log(1)), Failed::KeyTwice("log.example".into()));
    check(&format!("log {}", witness(7)), Failed::KeyType { name: "w7.example".into(), kind: 4 });
    check(&format!("witness w4 {}", log(7)), Failed::KeyType { name: "log.example".into(), kind: 1 });
    check(&format!("witness w4 {}", witness(1)), Failed::KeyTwice("w1.example".into()));
    check(&format!("witness w4 {}", witness(9)), Failed::KeyTwice("w9.example".into()));
    check(&format!("witness w1 {}", witness(7)), Failed::NameTwice("w1".into()));
    check(&format!("witness g {}", witness(7)), Failed::NameTwice("g".into()));
    check(&format!("witness none {}", witness(7)), Failed::Name("none".into()));
    check("group g any w2", Failed::NameTwice("g".into()));
    check("group none any w2", Failed::Name("none".into()));
    check("group h any w1", Failed::MemberTwice("w1".into()));
    check("group h any w2 w2", Failed::MemberTwice("w2".into()));
    check("group h any h", Failed::Undefined("h".into()));
    check("group h any none", Failed::Undefined("none".into()));
    check("group h any w4", Failed::Undefined("w4".into()));
    check("group h 0 w2", Failed::Threshold { threshold: 0, members: 1 });
    check("group h 2 w2", Failed::Threshold { threshold: 2, members: 1 });
    check("group h any", Failed::Threshold { threshold: 1, members: 0 });
    check("group h all", Failed::Threshold { threshold: 0, members: 0 });
    check("quorum w4", Failed::Undefined("w4".into()));
    let hub = b64::encode_std(signer(1).public_key().as_bytes());
    let twice = Failed::KeyTwice("https://hub.example".into());
    check(&format!("# safeharbor hub-key https://hub.example {hub}"), twice);
}

#[test]
fn malformed_lines_are_refused() {
    for line in
        ["logs", "log", "log a b c", "witness w4", "group h", "group", "quorum", "quorum a b", "Quorum g"]
    {
        let refused = refusal(line);
        let by_form = matches!(refused, ParseLineFailed::Form | ParseLineFailed::VerifierKey(_));
        assert!(by_form, "{line}: {refused:?}");
    }
    for threshold in ["02", "+2", "Any", "", "-1"] {
        let line = format!("group h \"{threshold} w2");
        assert_eq!(refusal(&line), ParseLineFailed::Threshold(format!("\"{threshold}")));
    }
    assert_eq!(refusal("group h 01 w2"), ParseLineFailed::Threshold("01".into()));
    assert!(matches!(refusal("log x"), ParseLineFailed::VerifierKey(_)));
    for line in ["#\r", "# \0", "# \u{7f}"] {
        assert_eq!(refusal(line), ParseLineFailed::Control, "{line:?}");
    }
}

#[test]
fn malformed_hub_keys_are_refused_though_comments() {
    let refused = |rest: &str| refusal(&format!("# safeharbor hub-key{rest}"));
    assert_eq!(refused(""), ParseLineFailed::HubKeyForm);
    assert_eq!(refused(" https://hub.example"), ParseLineFailed::HubKeyForm);
    assert_eq!(refused(" https://hub.example ?"), ParseLineFailed::HubKeyForm);
    assert!(matches!(refused(" hub.example AQ=="), ParseLineFailed::Issuer(_)));
    assert!(matches!(refused(" https://hub.example AQ=="), ParseLineFailed::HubKey(_)));
}

#[test]
fn incomplete_files_are_refused() {
    let cut_off = two_levels().trim_end().to_owned();
    assert_eq!(parse(&cut_off), Err(ParsePolicyFailed::CutOff));
    assert_eq!(parse(""), Err(ParsePolicyFailed::CutOff));
    assert_eq!(parse("\n"), Err(ParsePolicyFailed::Incomplete(BuildPolicyFailed::QuorumMissing)));
    let at_2 = |source| Err(ParsePolicyFailed::Line { at: 2, source });
    let twice = ParseLineFailed::Build(BuildPolicyFailed::QuorumTwice);
    assert_eq!(parse("quorum none\nquorum none\n"), at_2(twice));
    let long = "#".repeat(POLICY_BYTES_MAX) + "\n";
    assert_eq!(parse(&long), Err(ParsePolicyFailed::TooLong(POLICY_BYTES_MAX + 1)));
}

#[test]
fn nested_groups_are_counted() {
    let policy = parse(&two_levels()).unwrap();
    for (met, witnesses) in [
        (true, "X1 X2 Y1"),
        (true, "Y3 X3 X1"),
        (true, "X1 X2 X3 Y1 Y2 Y3"),
        (false, "X1 X2 X3"),
        (false, "X1 Y1 Y2 Y3"),
        (false, "X1 X1 Y1"),
        (false, "X-witnesses Y-witnesses"),
        (false, "X-and-Y"),
        (false, ""),
    ] {
        assert_eq!(policy.is_met_by(witnesses.split_whitespace()), met, "{witnesses}");
    }
}

/// A checkpoint of `log.example`, signed with the log key of that seed and cosigned by (seed, time).
fn checkpoint(log: u8, cosigned: &[(u8, u64)]) -> (Checkpoint, String) {
    let checkpoint = Checkpoint { origin: "log.example".into(), size: 1, root: Digest::of(b"") };
    let mut note = sign_checkpoint(&checkpoint, &signer(log)).unwrap();
    for &(seed, time) in cosigned {
        let line = cosign(note.text(), witness(seed).name(), time, &signer(seed)).unwrap();
        note.append(line).unwrap();
    }
    (checkpoint, note.to_string())
}

#[test]
fn the_quorum_is_met_at_the_earliest_time_that_suffices() {
    let policy = parse(&two_levels()).unwrap();
    let witnessed_at = |cosigned: &[(u8, u64)]| {
        let (_, note) = checkpoint(9, cosigned);
        policy.verify_checkpoint(note.as_bytes()).map(|witnessed| witnessed.witnessed_at)
    };
    assert_eq!(witnessed_at(&[(1, 10), (2, 20), (4, 30)]), Ok(Some(30)));
    assert_eq!(witnessed_at(&[(4, 1), (1, 40), (2, 20), (3, 30)]), Ok(Some(30)));
    assert_eq!(witnessed_at(&[(4, 5), (5, 3), (1, 7), (2, 7)]), Ok(Some(7)));
    assert_eq!(witnessed_at(&[(1, 9), (1, 4), (2, 6), (4, 5), (4, 50)]), Ok(Some(6)));
}

#[test]
fn witnesses_are_named_as_in_the_policy() {
    let policy = parse(&two_levels()).unwrap();
    let (checkpoint, note) = checkpoint(9, &[(1, 10), (77, 1), (4, 5), (2, 20), (1, 3)]);
    let witnesses = vec![("X1".to_owned(), 3), ("Y1".to_owned(), 5), ("X2".to_owned(), 20)];
    let witnessed = WitnessedCheckpoint { checkpoint, witnesses, witnessed_at: Some(20) };
    assert_eq!(policy.verify_checkpoint(note.as_bytes()), Ok(witnessed));
}

#[test]
fn checkpoints_that_do_not_meet_the_policy_are_refused() {
    let policy = parse(&two_levels()).unwrap();
    let verify = |note: &str| policy.verify_checkpoint(note.as_bytes()).unwrap_err();
    let (_, too_few) = checkpoint(9, &[(1, 1), (4, 1), (5, 1)]);
    let quorum = "X-and-Y".to_owned();
    let witnesses = ["X1", "Y1", "Y2"].map(str::to_owned).to_vec();
    assert_eq!(verify(&too_few), PolicyNotMet::Quorum { quorum, witnesses });
    let (_, other_log) = checkpoint(8, &[(1, 1), (2, 1), (4, 1)]);
    assert_eq!(verify(&other_log), PolicyNotMet::Log("log.example".into()));
    let (_, unknown) = checkpoint(8, &[(77, 1)]);
    assert_eq!(verify(&unknown), PolicyNotMet::Note(NoteFailed::NoneKnown));
    let (_, good) = checkpoint(9, &[(1, 1), (2, 1), (4, 1), (5, 1)]);
    let mut note = SignedNote::parse(good.as_bytes()).unwrap();
    note.append(crate::note::SignatureLine::new(&witness(6), vec![0; 72])).unwrap();
    assert!(matches!(verify(&note.to_string()), PolicyNotMet::Note(NoteFailed::Signature { .. })));
}

#[test]
fn a_log_of_the_policy_cannot_speak_for_another() {
    let other = VerifierKey::ed25519("other.example", signer(8).public_key()).unwrap();
    let policy = parse(&format!("log {}\nlog {other}\nquorum none\n", log(9))).unwrap();
    let (_, note) = checkpoint(9, &[]);
    assert_eq!(policy.verify_checkpoint(note.as_bytes()).unwrap().witnessed_at, None);
    let text = SignedNote::parse(note.as_bytes()).unwrap().text().to_owned();
    let stolen = crate::note::sign_note(&text, "other.example", &signer(8)).unwrap().to_string();
    let refused = PolicyNotMet::Log("log.example".into());
    assert_eq!(policy.verify_checkpoint(stolen.as_bytes()), Err(refused));
}
