//! What the rules (DOMAIN.md section 1.2) and the indicators (section 3) read has a field in some kind.

use crate::samples::{catalogue, kind};

/// Rule, and the fields its inputs are derived from.
const RULES: &[(&str, &str)] = &[
    ("A01", "ACH.completing_units ACH.ownership IPR.owner_codes PRF.founding_level PRF.type"),
    ("A02", "ACH.secrecy ACH.core_tech APV.approval_kind APV.number APV.issued_at PRF.founding_level"),
    ("A03", "IPR.legal_status IPR.owners IPR.encumbrance ACH.co_owner_consents"),
    ("A04", "DEAL.mode"),
    ("A05", "RUL.file_digest RUL.valid_from RUL.valid_to RUL.has_objection"),
    ("A06", "DEAL.platform DEAL.platform_trade_id TRD.trade_id TRD.completed_at TRD.certificate_digest"),
    ("B01", "PRC.method PRC.method_ground"),
    ("B02", "NTC.fields_shown NTC.captures"),
    ("B03", "NTC.posted_at NTC.ended_at NTC.days_counted NTC.claimed_at"),
    ("B04", "DEAL.price DEAL.object_digest DEAL.contract_digest NTC.noticed_name NTC.noticed_mode"),
    ("B04", "NTC.noticed_price NTC.noticed_formula NTC.object_digest"),
    ("B05", "NTC.objection_channel OBJ.notice OBJ.received_at OBJ.suspended OBJ.decided_at OBJ.result"),
    ("B06", "PRC.listing_id PRC.exchange PRC.base_price PRC.base_price_ground PRC.bids PRC.result"),
    ("B07", "PRC.appraisal_org PRC.appraisal_commissioner PRC.appraisal_signers PRC.appraisal_statutory"),
    ("B07", "PRC.appraisal_date PRC.appraisal_valid_to PRC.appraisal_object_digest"),
    ("B08", "PRC.no_appraisal_ground DEAL.mode PRF.founding_level DEAL.buyer_state_owned"),
    ("B09", "DEAL.pay_mode DEAL.pay_base DEAL.pay_rate DEAL.pay_entry_fee DEAL.pay_cap DEAL.pay_due"),
    ("B10", "DEAL.trial_scope DEAL.trial_trigger DEAL.trial_latest_date DEAL.trial_formula"),
    ("B10", "DEAL.trial_default_clause IPR.legal_status ACH.ledger_separate RUL.uses_ledger"),
    ("B11", "DEAL.equity_basis DEAL.equity_share DEAL.equity_split DEAL.equity_capital DEAL.equity_holder"),
    ("B12", "PRG.agreement_digest PRG.right PRG.share PRG.term_years PRG.split PRG.negative_list_clear"),
    ("B13", "DEAL.price PRC.appraisal_value DEAL.buyer_code DEAL.signed_at RUL.cumulative_threshold"),
    ("C01", "REL.declarant REL.nil REL.counterparty UBO.as_of UBO.persons UBO.extract_digest"),
    ("C02", "REL.relation NTC.fields_shown PRC.method DEC.decision_no"),
    ("C03", "DEC.attendees DEC.recusals"),
    ("C04", "DST.leader_post DST.leader_disclosed_at"),
    ("C05", "DEAL.onward_events ENT.onward_events UBO.as_of UBO.persons"),
    ("C06", "DEAL.waivers DEAL.priority_offered_at"),
    ("D01", "DEC.minute_no DEC.body DEC.decided_at DEC.quorum DEC.votes RUL.decision_threshold"),
    ("D02", "DIL.collective_decision DIL.publicity DIL.reasonable_care DIL.supervision DIL.nil_gain"),
    ("D02", "DIL.limb_digests DIL.nil_gain_digest"),
    ("D03", "DIL.report_digest DIL.covers RUL.diligence_threshold"),
    ("D04", "REL.declared_at PRC.priced_at DEC.decided_at NTC.posted_at OBJ.decided_at DEAL.signed_at"),
    ("D04", "RUL.decision_order"),
    ("E01", "DEAL.buyer_country UBO.countries UBO.place"),
    ("E02", "DEAL.export_class APV.approval_kind APV.number"),
    ("E03", "ACH.source ACH.project_no APV.approval_kind"),
    ("E04", "DEAL.screenings"),
    ("F01", "DEAL.contract_digest DEAL.patent_particulars"),
    ("F02", "CTR.reg_no CTR.total CTR.tech"),
    ("F03", "DEAL.assignment_registered_at DEAL.licence_filed_at"),
    ("F04", "PAY.due PAY.paid PAY.amount PAY.trigger_event PAY.trigger_at PAY.voucher_no"),
    ("F05", "DST.income DST.taxes DST.maintenance DST.direct_costs DST.reward_share DST.publicised"),
    ("F05", "RUL.reward_share"),
    ("F06", "DEAL.report_year DEAL.received"),
    ("F07", "ACH.ledger_no ACH.ledger_state"),
    ("F08", "DEAL.equity_registration_no"),
    ("F09", "ACH.internal_registered_at"),
];

/// Goal, measure or safeguard, and the fields its indicators count.
const INDICATORS: &[(&str, &str)] = &[
    ("G1", "PLC.school PLC.valid_from PLC.valid_to PRF.counts_for_G1 ROS.code10"),
    ("G2", "ACH.nominated_at ACH.nomination_accepted ENT.quals ENT.revenue ENT.revenue_before"),
    ("G3", "ENT.code ENT.route ENT.source_ach ENT.founded ENT.landed_at ENT.credit_share"),
    ("M1", "TEAM.school TEAM.assigned ACH.in_list PLC.items VST.visit_kind"),
    ("M2", "PRG.pilot_kind DEAL.first_paid DEAL.term_start PAY.trigger_at PAY.paid"),
    ("M3", "DEAL.via_tto PRF.tto_staff STG.achievement STG.to_stage"),
    ("M4", "POC.tech_verified POC.biz_verified POC.trl_in POC.trl_out POC.external POC.finished_at"),
    ("M5", "DEAL.buyer_nature FND.special FND.committed PRF.type DEAL.in_haidian"),
    ("M6", "INV.amount INV.round FND.faculty FND.government_part FND.social_part INV.government_part"),
    ("M7", "LOAN.amount LOAN.unsecured LOAN.rate LOAN.product LOAN.borrower_age INS.insurance_kind"),
    ("M8", "GRT.grant_amount GRT.equity_amount GRT.recipient_code INV.invested_at"),
    ("M9", "ENT.registration_state ENT.frontier RLY.applied_at RLY.moved_in_at"),
    ("M10", "CAR.campus_distance CAR.area CAR.residents ENT.source_ach"),
    ("M11", "DEAL.platform_trade_id PRC.priced_at DEAL.signed_at DEAL.buyer_region SVC.compute_hours"),
    ("M12", "INT.org INT.country DEAL.export_class DEAL.screenings"),
    ("M13", "SVC.for_sme SVC.used_hours SVC.open_hours SVC.achievement SVC.verified SVC.field"),
    ("M14", "DMD.state DMD.matched_at DMD.signed_at RLY.from_kind RLY.to_kind RLY.moved_in_at"),
    ("M15", "CHL.state CHL.contribution CHL.public_since CHL.taken_at CHL.accepted_at CHL.due"),
    ("M16", "SCN.open_from SCN.open_to SCN.selected SCN.result DEAL.scenario"),
    ("M17", "SEC.secondment_kind SEC.start SEC.end TM.level TM.trained_at TM.projects_followed"),
    ("M18", "EVT.school EVT.shown EVT.enterprises_shown EVT.investors_again EVT.follow_ups INV.event"),
    ("S1", "WGR.school WGR.posts WGR.posts_filled WGR.contact_role"),
    ("S2", "PRF.annual_input PRF.figures_year PLC.evaluation_due PLC.evaluated_at"),
    ("S3", "CSE.public_since CSE.node_approved CSE.releases CSE.reuse_count"),
];

#[test]
fn every_rule_and_indicator_finds_its_inputs() {
    let catalogue = catalogue();
    for (id, inputs) in RULES.iter().chain(INDICATORS) {
        for input in inputs.split(' ') {
            let (of, name) = input.split_once('.').unwrap();
            assert!(kind(&catalogue, of).field(name).is_some(), "{id} reads {input}");
        }
    }
}

#[test]
fn no_rule_and_no_indicator_is_forgotten() {
    let count = |table: &[(&str, &str)]| {
        let mut ids: Vec<&str> = table.iter().map(|(id, _)| *id).collect();
        ids.dedup();
        ids.len()
    };
    assert_eq!(count(RULES), 42);
    assert_eq!(count(INDICATORS), 3 + 18 + 3);
}
