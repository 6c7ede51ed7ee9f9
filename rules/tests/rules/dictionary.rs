//! The classes of the data dictionary (DOMAIN.md section 2), written down a second time and compared with the catalogue.

use std::collections::BTreeSet;

use safeharbor_core::statement::{STATEMENT_BYTES_MAX, SUBMISSION_BYTES_MAX};
use safeharbor_rules::{ByState, Catalogue, Ceiling, Class, Field, Lang};

use serde_json::Value;

use crate::samples::{catalogue, kind};

/// Kind, class, fields that the dictionary marks with it; `C1|C3`: C1 once published, C3 before.
const CLASSES: &[(&str, &str, &str)] = &[
    ("ACH", "C1", "achievement_no reg_no completing_units attribute stage trl field industry discipline"),
    ("ACH", "C1|C3", "name keywords"),
    ("ACH", "C2", "research_start research_end source project_no internal_registered_at ledger_state"),
    ("ACH", "C2", "ledger_separate"),
    ("ACH", "C3", "inventors abstract"),
    ("IPR", "C1|C3", "right_kind encumbrance"),
    ("IPR", "C0|C3", "app_no pub_no patent_no filing_date grant_date expiry_date legal_status owners"),
    ("IPR", "C0|C3", "owner_shares"),
    ("IPR", "C2|C3", "annual_fee_due"),
    ("DEAL", "C1", "mode buyer_region buyer_size signed_month platform_trade_id in_haidian related_party"),
    ("DEAL", "C2", "price_band received term_start term_end"),
    ("DEAL", "C3", "buyer_code buyer_name buyer_nature buyer_country price related_party_details"),
    ("PRC", "C1", "no_appraisal_ground listing_id exchange"),
    ("PRC", "C3", "proposed_price base_price appraisal_org appraisal_report_no appraisal_commissioner"),
    ("PRC", "C3", "appraisal_value appraisal_date appraisal_valid_to appraisal_signers"),
    ("NTC", "C0", "channel"),
    ("NTC", "C1", "posted_at ended_at fields_shown days_counted"),
    ("NTC", "C3", "captures"),
    ("OBJ", "C1", "received_at suspended decided_at result"),
    ("OBJ", "C3", "objector ground decision_digest"),
    ("DEC", "C1", "body attendee_count votes_for votes_against votes_abstained recusal_count"),
    ("DEC", "C3", "decided_at minute_no quorum votes recusals"),
    ("REL", "C1", "nil"),
    ("REL", "C2", "relation"),
    ("REL", "C3", "declarant counterparty share"),
    ("APV", "C1", "approval_kind"),
    ("APV", "C3", "number issued_at"),
    ("CTR", "C1", "reg_no category registrar registered_at"),
    ("CTR", "C2", "total tech"),
    ("PAY", "C1", "trigger_event"),
    ("PAY", "C2", "due paid amount"),
    ("DST", "C1", "for_leader publicised"),
    ("DST", "C2", "reward_cash reward_equity reward_times"),
    ("DST", "C3", "income taxes maintenance direct_costs net_income"),
    ("PRG", "C1", "pilot_kind term_from_10_years"),
    ("PRG", "C3", "term_years share agreement_digest"),
    ("POC", "C1", "center tech_verified biz_verified trl_in trl_out external outcome"),
    ("POC", "C2", "funding"),
    ("POC", "C3", "project"),
    ("INV", "C1", "fund_type round co_invest"),
    ("INV", "C2", "amount"),
    ("INV", "C3", "enterprise_code enterprise_name investor"),
    ("LOAN", "C1", "product unsecured"),
    ("LOAN", "C2", "amount rate"),
    ("LOAN", "C3", "bank whitelist"),
    ("INS", "C1", "insurance_kind"),
    ("INS", "C2", "insured_sum claim"),
    ("GRT", "C2", "grant_amount equity_amount level"),
    ("ENT", "C0", "name registered_area quals"),
    ("ENT", "C1", "code route carrier_stage"),
    ("ENT", "C2", "revenue rd_spending headcount"),
    ("ENT", "C3", "founder_role"),
    ("DMD", "C1|C3", "title field budget deadline"),
    ("DMD", "C3", "poster matches"),
    ("CHL", "C1|C3", "name poster award due taker contribution_share state"),
    ("SCN", "C1", "poster field scenario_kind platform open_from open_to result"),
    ("SEC", "C1", "secondment_kind sending receiving"),
    ("SEC", "C2", "days_per_month"),
    ("SEC", "C3", "person agreement_digest"),
    ("TM", "C1", "employer level trained_at base"),
    ("TM", "C2", "projects_followed"),
    ("TM", "C3", "person"),
    ("EVT", "C1", "event_kind held_on school"),
    ("EVT", "C2", "projects_shown investors intents signed"),
    ("TEAM", "C1", "school"),
    ("TEAM", "C3", "specialist"),
    ("PLC", "C0", "school"),
    ("PLC", "C1", "version valid_from valid_to"),
    ("CAR", "C0", "name carrier_kind"),
    ("CAR", "C1", "campus_distance"),
    ("CAR", "C2", "area occupancy"),
    ("INT", "C1", "org country export_class"),
    ("RUL", "C3", "file_digest"),
    ("TRD", "C3", "buyer price"),
    ("UBO", "C3", "persons"),
];

/// Stricter than the dictionary (which marks all but the remark C1): what people write here can name a person or an unpublished result.
const STRICTER: &[(&str, &str, &str)] = &[
    ("GRT", "C3", "project"),
    ("SCN", "C2", "selected"),
    ("TEAM", "C2", "specialist_role"),
    ("PLC", "C2", "items"),
    ("ROS", "C2", "remark"),
];

/// Texts in words of one's own that leave by policy alone: names of institutions, places and public events, versions, and
/// numbers that other bodies give.
const OPEN_TEXTS: &str = "CAR.name CTR.registrar DEAL.platform_trade_id ENT.name EVT.name INT.org NTC.channel PLC.version POC.center \
                          PRC.listing_id PRC.exchange PRF.name PRF.superior ROS.name ROS.superior ROS.place SCN.title \
                          SCN.poster SCN.platform SEC.sending SEC.receiving TM.employer TM.base";

/// Every kind of the dictionary: the table, the further kinds, the small kinds, and the roster.
const KINDS: &str = "ACH IPR DEAL PRC NTC OBJ DEC REL APV CTR PAY DST PRG POC INV LOAN INS GRT ENT DMD CHL SCN SEC TM \
                     EVT TEAM PLC CAR INT PRF RUL TRD DIL UBO STG RLY SVC WGR CSE FND VST ROS";

/// Kinds that the district's bureau holds itself, so that nobody enters them for somebody else.
const OF_THE_DISTRICT: &str = "GRT CHL SCN EVT PLC WGR ROS";

/// Kinds whose records carry the date their institution claims beside the witnessed time.
const CLAIMED: &str = "PRC REL DEC NTC OBJ";

fn field<'a>(catalogue: &'a Catalogue, id: &str, name: &str) -> &'a Field {
    kind(catalogue, id).field(name).unwrap_or_else(|| panic!("{id} has no field {name}"))
}

/// A class as the table above writes it.
fn class_text(class: &ByState<Class>) -> String {
    match class {
        ByState::Constant(class) => class.to_string(),
        ByState::Table { when_true, when_false, .. } => format!("{when_true}|{when_false}"),
    }
}

#[test]
fn every_kind_of_the_dictionary_is_there_and_no_other() {
    let catalogue = catalogue();
    let there: BTreeSet<&str> = catalogue.kinds().map(|kind| kind.id().as_str()).collect();
    assert_eq!(there, KINDS.split_whitespace().collect());
}

#[test]
fn every_class_is_the_one_the_dictionary_marks() {
    let catalogue = catalogue();
    for (id, class, names) in CLASSES.iter().chain(STRICTER) {
        for name in names.split(' ') {
            assert_eq!(class_text(field(&catalogue, id, name).class()), *class, "{id}.{name}");
        }
    }
}

fn holds_prose(schema: &Value) -> bool {
    match schema["type"].as_str().unwrap() {
        "string" => ["enum", "format", "pattern"].iter().all(|word| schema[word].is_null()),
        "array" => holds_prose(&schema["items"]),
        "object" => schema["properties"].as_object().unwrap().values().any(holds_prose),
        _ => false,
    }
}

#[test]
fn no_other_text_in_words_of_ones_own_leaves_by_policy() {
    let catalogue = catalogue();
    let mut open = Vec::new();
    for kind in catalogue.kinds() {
        for field in kind.fields().iter().filter(|field| !field.is_key() && holds_prose(field.schema())) {
            let leaves =
                field.class().in_state(None) <= Class::C1 && field.ceiling().in_state(None) == Ceiling::Hub;
            open.extend(leaves.then(|| format!("{}.{}", kind.id(), field.name())));
        }
    }
    assert_eq!(open, OPEN_TEXTS.split_whitespace().collect::<Vec<_>>());
}

#[test]
fn what_the_dictionary_requires_of_many_kinds_is_in_all_of_them() {
    let catalogue = catalogue();
    for id in CLAIMED.split(' ') {
        assert_eq!(class_text(field(&catalogue, id, "claimed_at").class()), "C2", "{id}");
    }
    for kind in catalogue.kinds() {
        let of_the_district = OF_THE_DISTRICT.split(' ').any(|id| id == kind.id().as_str());
        assert_eq!(kind.field("second_hand").is_some(), !of_the_district, "{kind:?}");
    }
}

#[test]
fn every_digest_of_a_file_is_c3() {
    let catalogue = catalogue();
    let mut seen = 0;
    for kind in catalogue.kinds() {
        for field in kind.fields().iter().filter(|field| field.schema().to_string().contains("{43}")) {
            seen += 1;
            assert_eq!(class_text(field.class()), "C3", "{kind:?} {}", field.name());
            assert!(field.ceiling().most_open() < Ceiling::Hub, "{kind:?} {}", field.name());
        }
    }
    assert!(seen >= 20, "{seen}");
}

#[test]
fn digests_leave_room_and_are_of_few_sizes() {
    for kind in catalogue().kinds() {
        assert!([16, 24, 32, 48, 64].contains(&kind.digests()), "{kind:?}");
        assert!(kind.fields().len() * 10 <= kind.digests() * 9, "{kind:?} is nearly full");
    }
}

#[test]
fn money_shares_dates_and_codes_have_one_form_everywhere() {
    for kind in catalogue().kinds() {
        for field in kind.fields() {
            let (name, schema) = (field.name(), field.schema());
            let item = schema.get("items").unwrap_or(schema);
            match field.unit() {
                Some("分") => assert_eq!(item["maximum"], 1_000_000_000_000_000_u64, "{kind:?} {name}"),
                Some("bp") => assert_eq!(item["maximum"], 10_000, "{kind:?} {name}"),
                Some(
                    "人" | "人次" | "次" | "项" | "家" | "个" | "票" | "天" | "年" | "m" | "m²" | "小时",
                )
                | None => {}
                Some(other) => panic!("{kind:?} {name} counts in {other}"),
            }
            assert!(
                item["pattern"].is_null() || field.example().is_some() || field.codes().is_some(),
                "{kind:?} {name}"
            );
            for lang in [Lang::Zh, Lang::En] {
                assert!(!field.title(lang).trim().is_empty(), "{kind:?} {name}");
            }
            assert!(field.title(Lang::En).is_ascii() && !field.title(Lang::Zh).is_ascii(), "{kind:?} {name}");
        }
    }
}

/// At most so many bytes of JSON: a character takes six where it is escaped.
fn bytes_max(schema: &Value) -> u64 {
    let most = |word: &str| schema[word].as_u64();
    match schema["type"].as_str().unwrap() {
        "string" => most("maxLength").map_or(64, |characters| characters * 6),
        "array" => most("maxItems").unwrap() * (bytes_max(&schema["items"]) + 3),
        "object" => {
            let parts = schema["properties"].as_object().unwrap();
            parts.iter().map(|(name, part)| name.len() as u64 + 4 + bytes_max(part)).sum()
        }
        _ => 24,
    }
}

#[test]
fn the_largest_record_of_every_kind_can_be_stated() {
    for kind in catalogue().kinds() {
        let open = kind.fields().iter().filter(|field| field.ceiling().most_open() == Ceiling::Hub);
        let bytes: u64 = open.map(|field| (bytes_max(field.schema()) + 100) * 4 / 3).sum();
        let room = (SUBMISSION_BYTES_MAX - STATEMENT_BYTES_MAX) as u64;
        assert!(bytes < room, "{kind:?} may take {bytes} bytes, there is room for {room}");
    }
}
