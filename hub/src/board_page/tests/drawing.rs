//! The page drawn from reports.

use askama::Template as _;
use safeharbor_core::directory::{InstitutionType, Standing};
use safeharbor_core::institution::InstitutionCode;
use safeharbor_rules::{Catalogue, Lang};
use serde_json::Value;

use super::super::page::Page;
use super::super::report::{
    Aggregates, BoardReport, Count, InstitutionReport, RegistryReport, StatementsReport,
};
use super::super::texts::Texts;
use super::super::wish::Wish;

const NOW: &str = "2026-05-09T07:29:33.120Z";
const HOSTILE: &str = "<script>alert(\"1\")</script>&'大学";

fn institution(number: u64, name: &str) -> InstitutionReport {
    InstitutionReport {
        unlinked: 0,
        alarm: false,
        cloned: None,
        code: InstitutionCode::complete(&format!("12100000400{number:06}")).unwrap(),
        name: name.to_owned(),
        kind: InstitutionType::University,
        standing: if number.is_multiple_of(7) { Standing::Suspended } else { Standing::Active },
        live: number.is_multiple_of(2),
        last_contact: Some("2026-05-09T07:26:30.000Z".to_owned()),
        last_statement: (number > 1).then(|| "2026-05-08T01:02:03.000Z".to_owned()),
        accepted: number.saturating_mul(1_237),
        refused: number % 3,
        records: number.saturating_mul(1_231),
    }
}

fn counts(groups: &[(Option<&str>, u64)]) -> Vec<Count> {
    let count =
        |(value, records): &(Option<&str>, u64)| Count { value: value.map(str::to_owned), records: *records };
    groups.iter().map(count).collect()
}

fn report(institutions: Vec<InstitutionReport>) -> BoardReport {
    let by_institution = institutions
        .iter()
        .map(|found| Count { value: Some(found.code.to_string()), records: found.records })
        .collect();
    BoardReport {
        hub: "https://hub.example".to_owned(),
        marking: "internal",
        as_of: NOW.to_owned(),
        registry: RegistryReport {
            origin: "hub.example/registry".to_owned(),
            size: 98_765,
            logged: 98_877,
            root: "3q2+7wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=".to_owned(),
        },
        statements: StatementsReport { logged: 97_531, accepted: 97_510, refused: 21 },
        aggregates: Aggregates {
            records: institutions.iter().map(|found| found.records).sum(),
            by_kind: counts(&[
                (Some("ACH"), 41_234),
                (Some("DEAL"), 2_345),
                (Some("IPR"), 6_789),
                (Some("NEW9"), 17),
            ]),
            by_institution,
            by_field: counts(&[
                (None, 1_357),
                (Some("EI"), 24_680),
                (Some("BM"), 9_753),
                (Some("<b>QX</b>"), 19),
            ]),
            by_stage: counts(&[(None, 8_642), (Some("S1"), 11_111), (Some("S2"), 22_222), (Some("S9"), 23)]),
            by_month: counts(&[
                (None, 7_531),
                (Some("1987-11"), 37),
                (Some("2025-02"), 3_141),
                (Some("2026-04"), 2_718),
                (Some("someday"), 29),
            ]),
            deals_by_mode: counts(&[(None, 246), (Some("TRF"), 1_618), (Some("LIC"), 481)]),
        },
        institutions,
    }
}

fn draw(report: &BoardReport, lang: Lang) -> String {
    let catalogue = Catalogue::embedded().unwrap();
    Page::draw(report, &catalogue, Wish { lang, renews: false }).render().unwrap()
}

fn busy() -> BoardReport {
    report(vec![institution(1, "清华大学"), institution(2, HOSTILE), institution(21, "北京航空航天大学")])
}

/// Every number of a JSON value.
fn numbers(value: &Value, found: &mut Vec<u64>) {
    match value {
        Value::Number(number) => found.extend(number.as_u64()),
        Value::Array(items) => items.iter().for_each(|item| numbers(item, found)),
        Value::Object(members) => members.values().for_each(|member| numbers(member, found)),
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

/// The page without its charts, and the charts.
fn parted(page: &str) -> (String, String) {
    let (mut rest, mut charts) = (String::new(), String::new());
    for piece in page.split("<svg") {
        match piece.split_once("</svg>") {
            Some((chart, after)) => {
                charts.push_str(chart);
                rest.push_str(after);
            }
            None => rest.push_str(piece),
        }
    }
    (rest, charts)
}

/// The expected numbers that stand in no element of `page`.
fn lost(expected: &[u64], page: &str) -> Vec<u64> {
    let texts = page.split('>').filter_map(|piece| piece.split('<').next());
    let shown: Vec<u64> = texts.filter_map(|text| text.replace(',', "").trim().parse().ok()).collect();
    expected.iter().filter(|number| !shown.contains(number)).copied().collect()
}

#[test]
fn hostile_names_and_codes_are_text() {
    for lang in [Lang::Zh, Lang::En] {
        let page = draw(&busy(), lang);
        assert!(!page.to_ascii_lowercase().contains("<script") && !page.contains("<b>"));
        assert!(page.contains("&#60;script&#62;alert(&#34;1&#34;)&#60;/script&#62;&#38;&#39;大学"));
        assert!(page.contains("&#60;b&#62;QX&#60;/b&#62;"));
    }
}

#[test]
fn the_page_needs_nothing_from_elsewhere() {
    let page = draw(&busy(), Lang::Zh);
    for forbidden in ["src=", "url(", "@import", "http://", "onload", "javascript:", "<form", "style=\""] {
        assert!(!page.contains(forbidden), "{forbidden}");
    }
}

#[test]
fn both_languages_have_every_heading() {
    for lang in [Lang::Zh, Lang::En] {
        let (t, page) = (Texts::of(lang), draw(&busy(), lang));
        assert!(page.contains(&format!("<html lang=\"{}\">", t.lang)));
        for heading in [t.registry, t.institutions, t.aggregates] {
            assert!(page.contains(&format!("\">{heading}</h2>")), "{heading}");
        }
        for heading in [t.by_kind, t.by_institution, t.by_field, t.by_stage, t.by_month, t.by_mode] {
            assert!(page.contains(&format!("\">{heading}</h3>")), "{heading}");
        }
        for text in [t.marking, t.marking_note, t.not_revealed, t.standing_suspended, t.stream_open] {
            assert!(page.contains(text), "{text}");
        }
    }
}

#[test]
fn the_numbers_of_the_page_are_those_of_the_json() {
    let report = busy();
    let mut json = serde_json::to_value(&report).unwrap();
    // Shown as the entries that wait: logged but not published.
    json["registry"]["logged"] = (report.registry.logged - report.registry.size).into();
    // The sum of the two others.
    json["statements"]["logged"] = report.statements.accepted.into();
    let mut expected = Vec::new();
    numbers(&json, &mut expected);
    let (tables, charts) = parted(&draw(&report, Lang::En));
    assert_eq!(lost(&expected, &tables), [0_u64; 0]);
    let mut charted = Vec::new();
    for part in ["by_kind", "by_institution", "by_field", "by_stage", "deals_by_mode"] {
        numbers(&json["aggregates"][part], &mut charted);
    }
    assert_eq!(lost(&charted, &charts), [0_u64; 0]);
}

#[test]
fn codes_are_shown_by_their_titles_and_unknown_ones_as_they_are() {
    let page = draw(&busy(), Lang::Zh);
    for title in ["科技成果", "电子信息", "中期阶段", "转让", "高等学校"] {
        assert!(page.contains(title), "{title}");
    }
    for code in ["NEW9", "S9", "someday"] {
        assert!(page.contains(&format!("<bdi>{code}</bdi>")), "{code}");
    }
}

#[test]
fn times_are_shown_in_utc_with_their_age() {
    let page = draw(&busy(), Lang::En);
    assert!(page.contains("2026-05-09 07:29:33 UTC"));
    assert!(page.contains("05-09 07:26:30</time> <span class=\"ago\">3 min ago</span>"));
}

#[test]
fn every_table_has_a_caption_and_every_heading_cell_a_scope() {
    let page = draw(&busy(), Lang::En);
    assert_eq!(page.matches("<table").count(), page.matches("<caption").count());
    assert_eq!(page.matches("<th ").count() + page.matches("<thead>").count(), page.matches("<th").count());
    assert_eq!(page.matches("<th ").count(), page.matches("<th scope=").count());
    assert_eq!(page.matches(" role=\"img\" aria-labelledby=").count(), page.matches("<desc ").count());
}

#[test]
fn an_institution_without_records_and_a_hub_without_deals_are_no_trouble() {
    let mut report = busy();
    report.institutions[0].last_contact = None;
    report.aggregates.deals_by_mode.clear();
    report.aggregates.by_month = counts(&[(None, 3)]);
    let page = draw(&report, Lang::En);
    assert!(page.contains("Not since start") && page.contains("No deals yet"));
}
