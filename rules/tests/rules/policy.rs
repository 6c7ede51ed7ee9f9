//! The institution's disclosure policy: what ships reveals nothing, and mistakes are named.

use std::error::Error;

use safeharbor_rules::{Mode, ParsePolicyFailed, Policy};

use crate::samples::catalogue;

fn parse(text: &str) -> Result<Policy, ParsePolicyFailed> {
    Policy::parse(text, &catalogue())
}

#[test]
fn the_shipped_policy_lets_nothing_leave() {
    let catalogue = catalogue();
    let policy = parse(catalogue.policy("shipped").unwrap()).unwrap();
    let demo = parse(catalogue.policy("demo").unwrap()).unwrap();
    assert_eq!(demo.mode(&"ACH".parse().unwrap()), Mode::Reveal);
    assert_eq!(demo.mode(&"PRC".parse().unwrap()), Mode::Commit);
    for kind in catalogue.kinds() {
        assert_eq!(policy.mode(kind.id()), Mode::Off);
        assert_eq!(Policy::default().mode(kind.id()), Mode::Off);
    }
}

#[test]
fn kinds_a_policy_does_not_name_are_off() {
    let policy = parse("version = 3\n[kinds]\nACH = \"commit\"\n").unwrap();
    assert_eq!(policy.version(), 3);
    assert_eq!(policy.mode(&"ACH".parse().unwrap()), Mode::Commit);
    assert_eq!(policy.mode(&"DEAL".parse().unwrap()), Mode::Off);
    assert_eq!(policy.mode(&"XYZ".parse().unwrap()), Mode::Off);
}

#[test]
fn mistakes_are_named() {
    let check = |text: &str, expected: &str| {
        let failed = parse(text).unwrap_err();
        let cause = failed.source().map(ToString::to_string).unwrap_or_default();
        let shown = format!("{failed} {cause}");
        assert!(shown.contains(expected), "{text:?}: {shown}");
    };
    check("[kinds]\nACH = \"off\"", "missing field `version`");
    check("version = 0", "counts from 1");
    check("version = -1", "version");
    check("version = 1\n[kinds]\nACH = \"open\"", "unknown variant `open`");
    check("version = 1\n[kinds]\nACH = true", "ACH");
    check("version = 1\n[kinds]\nARCH = \"off\"", "ARCH, which the catalogue does not have (it has ACH, APV");
    check("version = 1\n[kinds]\nach = \"off\"", "2 to 8 capital letters");
    check("version = 1\n[kind]\nACH = \"reveal\"", "unknown field `kind`");
    check("version = 1\n[kinds]\nACH = \"off\"\nACH = \"reveal\"", "duplicate key");
    check("version", "TOML parse error");
}
