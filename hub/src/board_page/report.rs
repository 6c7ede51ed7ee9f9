//! What the screen shows, as data; the JSON is this, the page is drawn from it.

use std::collections::BTreeMap;

use safeharbor_core::directory::{InstitutionType, Standing};
use safeharbor_core::institution::{InstitutionCode, Issuer};
use safeharbor_service::clock::to_rfc3339;
use serde::Serialize;

use crate::folder::Settings;
use crate::shared::Shared;

/// The board at one moment. Internal: counts as received, nothing is suppressed.
#[derive(Debug, Clone, Serialize)]
pub struct BoardReport {
    /// The hub's issuer.
    pub hub: String,
    /// Always `internal`.
    pub marking: &'static str,
    /// The moment, in RFC 3339, UTC.
    pub as_of: String,
    /// The registry.
    pub registry: RegistryReport,
    /// The statements of all institutions.
    pub statements: StatementsReport,
    /// Every institution, by code.
    pub institutions: Vec<InstitutionReport>,
    /// The aggregates.
    pub aggregates: Aggregates,
}

/// The registry's last checkpoint.
#[derive(Debug, Clone, Serialize)]
pub struct RegistryReport {
    /// The log's origin.
    pub origin: String,
    /// Entries in the last published checkpoint.
    pub size: u64,
    /// Entries that are durable, published or not.
    pub logged: u64,
    /// The root in standard base64.
    pub root: String,
}

/// The statements of all institutions; the hub's own are not among them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct StatementsReport {
    /// Logged.
    pub logged: u64,
    /// Logged, and the content accepted.
    pub accepted: u64,
    /// Logged, and the content refused.
    pub refused: u64,
}

/// One institution.
#[derive(Debug, Clone, Serialize)]
pub struct InstitutionReport {
    /// Its code.
    pub code: InstitutionCode,
    /// Its name.
    pub name: String,
    /// What it is.
    #[serde(rename = "type")]
    pub kind: InstitutionType,
    /// Whether its statements are taken.
    pub standing: Standing,
    /// Whether its stream is open.
    pub live: bool,
    /// When its node was last heard, in RFC 3339, UTC.
    pub last_contact: Option<String>,
    /// When its last statement was logged.
    pub last_statement: Option<String>,
    /// Statements logged whose content was accepted.
    pub accepted: u64,
    /// Statements logged whose content was refused.
    pub refused: u64,
    /// Records stated and not withdrawn.
    pub records: u64,
    /// Whether a used invitation came with other keys, and no person looked yet.
    pub alarm: bool,
    /// When another node with its key tried last to take its place, in RFC 3339, UTC; since the hub was started.
    pub cloned: Option<String>,
    /// How many records stated once its node has not linked again: it is in recovery until there are none. As last said since the hub was
    /// started.
    pub unlinked: u64,
}

/// Records stated and not withdrawn, counted; `null` groups those that did not reveal the value.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Aggregates {
    /// All of them.
    pub records: u64,
    /// By kind.
    pub by_kind: Vec<Count>,
    /// By institution.
    pub by_institution: Vec<Count>,
    /// Achievements by field (技术领域).
    pub by_field: Vec<Count>,
    /// Achievements by stage (所处阶段).
    pub by_stage: Vec<Count>,
    /// All kinds by their own month.
    pub by_month: Vec<Count>,
    /// Deals by mode (转化方式).
    pub deals_by_mode: Vec<Count>,
}

/// One group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Count {
    /// The code of the group; `null` where it was not revealed.
    pub value: Option<String>,
    /// How many records.
    pub records: u64,
}

impl BoardReport {
    /// Reads the board.
    #[must_use]
    pub fn read(shared: &Shared, settings: &Settings, now_ms: u64) -> Self {
        let published = std::sync::Arc::clone(&shared.published.borrow());
        let (contacts, alarms) = (shared.contacts(), shared.alarms());
        let ledger = shared.ledger();
        let aggregates = count(ledger.board().cells());
        let per_institution: BTreeMap<_, _> =
            aggregates.by_institution.iter().map(|count| (count.value.clone(), count.records)).collect();
        let institution = |(code, found): (&InstitutionCode, &safeharbor_core::directory::Institution)| {
            let tally = ledger.tally(code);
            let contact = contacts.get(code);
            InstitutionReport {
                code: *code,
                name: found.name.clone(),
                kind: found.kind,
                standing: found.standing,
                alarm: alarms.contains(code),
                live: contact.is_some_and(|contact| contact.live),
                cloned: contact.and_then(|contact| contact.cloned_ms).map(to_rfc3339),
                unlinked: contact.map_or(0, |contact| contact.unlinked),
                last_contact: contact.map(|contact| to_rfc3339(contact.last_ms)),
                last_statement: ledger.tip(&Issuer::Institution(*code)).map(|tip| to_rfc3339(tip.logged_ms)),
                accepted: tally.accepted,
                refused: tally.refused,
                records: per_institution.get(&Some(code.to_string())).copied().unwrap_or(0),
            }
        };
        let institutions: Vec<_> = ledger.directory().institutions().map(institution).collect();
        Self {
            hub: settings.issuer().to_string(),
            marking: "internal",
            as_of: to_rfc3339(now_ms),
            registry: RegistryReport {
                origin: settings.origin.clone(),
                size: published.size,
                logged: ledger.size(),
                root: safeharbor_core::b64::encode_std(published.root.as_bytes()),
            },
            statements: StatementsReport::sum(&institutions),
            institutions,
            aggregates,
        }
    }
}

impl StatementsReport {
    fn sum(institutions: &[InstitutionReport]) -> Self {
        institutions.iter().fold(Self::default(), |sum, institution| Self {
            logged: sum.logged.saturating_add(institution.accepted).saturating_add(institution.refused),
            accepted: sum.accepted.saturating_add(institution.accepted),
            refused: sum.refused.saturating_add(institution.refused),
        })
    }
}

type Groups = BTreeMap<Option<String>, u64>;

fn count<'a>(cells: impl Iterator<Item = (&'a crate::ledger::BoardCell, u64)>) -> Aggregates {
    let mut records = 0_u64;
    let [mut kinds, mut institutions, mut fields, mut stages, mut months, mut modes]: [Groups; 6] =
        Default::default();
    for (cell, number) in cells {
        let add = |groups: &mut Groups, value: Option<String>| {
            let count = groups.entry(value).or_default();
            *count = count.saturating_add(number);
        };
        records = records.saturating_add(number);
        add(&mut kinds, Some(cell.kind.to_string()));
        add(&mut institutions, Some(cell.institution.to_string()));
        add(&mut months, cell.dimensions.month.clone());
        if cell.kind.as_str() == "ACH" {
            add(&mut fields, cell.dimensions.field.clone());
            add(&mut stages, cell.dimensions.stage.clone());
        }
        if cell.kind.as_str() == "DEAL" {
            add(&mut modes, cell.dimensions.mode.clone());
        }
    }
    let list = |groups: Groups| groups.into_iter().map(|(value, records)| Count { value, records }).collect();
    Aggregates {
        records,
        by_kind: list(kinds),
        by_institution: list(institutions),
        by_field: list(fields),
        by_stage: list(stages),
        by_month: list(months),
        deals_by_mode: list(modes),
    }
}
