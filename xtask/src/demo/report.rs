//! The numbers of a run, and whether its parts agree.

use serde_json::{Value, json};

use super::verify::Verified;
use crate::failure::Failure;
use crate::samples::Institution;

/// The numbers of a run.
#[derive(Debug, Default)]
pub(super) struct Report {
    /// Who took part, with how many records.
    pub(super) roster: Vec<(Institution, u64)>,
    /// Statements the nodes put on their streams.
    pub(super) sent: u64,
    /// Statements the hub accepted after judging their content.
    pub(super) accepted: u64,
    /// Receipts the nodes verified and stored.
    pub(super) receipts_stored: u64,
    /// What the verifier said afterwards.
    pub(super) verified: Verified,
    /// The hub's aggregates as it shows them.
    pub(super) aggregates: Value,
    /// From the first program's start to the last receipt.
    pub(super) seconds: f64,
}

impl Report {
    /// Records over all institutions.
    pub(super) fn records(&self) -> u64 {
        self.roster.iter().map(|(_, records)| records).sum()
    }

    /// The report as `report.json` holds it.
    pub(super) fn to_json(&self) -> Value {
        let member = |(institution, records): &(Institution, u64)| {
            json!({
                "code": institution.code.as_str(),
                "name": institution.name,
                "made_up": institution.made_up,
                "records": records,
            })
        };
        json!({
            "institutions": self.roster.len(),
            "records": self.records(),
            "statements": {"sent": self.sent, "accepted": self.accepted, "logged": self.verified.logged},
            "receipts_verified": self.receipts_stored,
            "aggregates": self.aggregates,
            "seconds": (self.seconds * 1000.0).round() / 1000.0,
            "roster": self.roster.iter().map(member).collect::<Vec<_>>(),
            "verifier": {
                "receipts": self.verified.receipts,
                "receipts_asked": self.verified.asked,
                "refused": self.verified.refused,
            },
        })
    }

    /// Compares what the parts say.
    ///
    /// # Errors
    /// They do not agree; every disagreement is named.
    pub(super) fn check(&self) -> Result<(), Failure> {
        let mut disagreements = self.verified.refused.clone();
        let mut same = |what: &str, found: u64, with: &str, expected: u64| {
            if found != expected {
                disagreements.push(format!("{found} {what}, but {expected} {with}"));
            }
        };
        same("statements accepted by the hub", self.accepted, "sent by the nodes", self.sent);
        same("statements in the log", self.verified.logged, "sent by the nodes", self.sent);
        same("receipts stored by the nodes", self.receipts_stored, "statements sent", self.sent);
        let left = u64::try_from(self.verified.receipts).unwrap_or(u64::MAX);
        same("receipt files", left, "receipts stored by the nodes", self.receipts_stored);
        if self.records() == 0 || self.sent == 0 {
            disagreements.push("nothing was sent".to_owned());
        }
        if disagreements.is_empty() { Ok(()) } else { Err(Failure::NotInStep(disagreements)) }
    }

    /// The report in one line for the terminal.
    pub(super) fn summary(&self) -> String {
        let asked = self.verified.asked;
        let sample =
            if asked == self.verified.receipts { String::new() } else { format!(" (a sample of {asked})") };
        format!(
            "{} institutions, {} records; statements: {} sent, {} accepted, {} logged; {} receipts stored; log and receipts verified{sample}; {:.1} s",
            self.roster.len(),
            self.records(),
            self.sent,
            self.accepted,
            self.verified.logged,
            self.receipts_stored,
            self.seconds,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_step() -> Report {
        let institution = Institution {
            code: "12100000400002259P".parse().unwrap(),
            name: "甲".into(),
            made_up: false,
            imports: Vec::new(),
        };
        Report {
            roster: vec![(institution.clone(), 3), (institution, 4)],
            sent: 7,
            accepted: 7,
            receipts_stored: 7,
            verified: Verified { logged: 7, receipts: 7, asked: 7, refused: Vec::new() },
            aggregates: json!({"by_kind": {"ACH": 7}}),
            seconds: 1.23456,
        }
    }

    #[test]
    fn the_report_has_the_promised_shape() {
        let report = in_step().to_json();
        assert_eq!(report["institutions"], 2);
        assert_eq!(report["records"], 7);
        assert_eq!(report["statements"], json!({"sent": 7, "accepted": 7, "logged": 7}));
        assert_eq!(report["receipts_verified"], 7);
        assert_eq!(report["aggregates"]["by_kind"]["ACH"], 7);
        assert_eq!(report["seconds"], 1.235);
        assert_eq!(report["roster"][1]["records"], 4);
    }

    #[test]
    fn a_run_in_step_passes() {
        assert!(in_step().check().is_ok());
    }

    #[test]
    fn every_disagreement_is_named() {
        let check = |change: fn(&mut Report), word: &str| {
            let mut report = in_step();
            change(&mut report);
            let said = report.check().unwrap_err().to_string();
            assert!(said.contains(word), "{said}");
        };
        check(|r| r.accepted = 6, "6 statements accepted by the hub, but 7 sent");
        check(|r| r.verified.logged = 8, "8 statements in the log");
        check(|r| r.receipts_stored = 6, "6 receipts stored");
        check(|r| r.verified.receipts = 6, "6 receipt files");
        check(|r| r.verified.refused.push("no".into()), "no");
        check(|r| r.roster.clear(), "nothing was sent");
    }
}
