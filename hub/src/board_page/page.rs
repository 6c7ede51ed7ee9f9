//! The page, drawn from the report: everything is text by now, the template only places it.

use askama::Template;
use safeharbor_core::directory::Standing;
use safeharbor_rules::{Catalogue, Lang};
use safeharbor_service::speech::Language;

use super::groups::{Group, Heading, Order};
use super::moment::Moment;
use super::months::Months;
use super::numbers::grouped;
use super::report::{BoardReport, InstitutionReport};
use super::texts::Texts;
use super::titles::{self, Titles};
use super::visitor::{self, Visitor};
use super::wish::Wish;

/// How many characters of the root are said aloud.
const ROOT_SHORT: usize = 8;

/// The page.
#[derive(Debug, Template)]
#[template(path = "board.html")]
pub(super) struct Page {
    t: &'static Texts,
    language: Language,
    visitor: Option<Visitor>,
    links: Links,
    renews: bool,
    hub: String,
    as_of: Moment,
    figures: Vec<Figure>,
    registry: RegistryView,
    institutions: Vec<InstitutionRow>,
    totals: Totals,
    any_record: bool,
    groups: Vec<Group>,
    months: Months,
}

/// The page that says that there is no such page.
#[derive(Debug, Template)]
#[template(path = "missing.html")]
pub(super) struct Missing {
    t: &'static Texts,
}

impl Missing {
    pub(super) fn new(lang: Lang) -> Self {
        Self { t: Texts::of(lang) }
    }
}

/// The page under other wishes.
#[derive(Debug)]
struct Links {
    other_lang: String,
    again: String,
    renewing: String,
}

/// A number at a glance.
#[derive(Debug)]
struct Figure {
    title: &'static str,
    number: String,
    note: String,
    alarms: bool,
}

#[derive(Debug)]
struct RegistryView {
    origin: String,
    size: String,
    waiting: String,
    root_short: String,
    root: String,
}

#[derive(Debug)]
struct InstitutionRow {
    name: String,
    code: String,
    kind: String,
    standing: &'static str,
    active: bool,
    /// How many records its node has not linked again, while it is in recovery.
    unlinked: Option<String>,
    alarm: bool,
    live: bool,
    last_contact: Option<Moment>,
    last_statement: Option<Moment>,
    accepted: String,
    refused: String,
    any_refused: bool,
    records: String,
}

#[derive(Debug)]
struct Totals {
    accepted: String,
    refused: String,
    records: String,
}

impl Page {
    /// Draws the report.
    pub(super) fn draw(report: &BoardReport, catalogue: &Catalogue, wish: Wish) -> Self {
        let t = Texts::of(wish.lang);
        let titles = Titles { catalogue, lang: wish.lang };
        let row = |institution| InstitutionRow::draw(institution, &report.as_of, t, titles);
        Self {
            t,
            language: visitor::language(wish.lang),
            visitor: None,
            links: Links::new(t, wish),
            renews: wish.renews,
            hub: report.hub.clone(),
            as_of: Moment::read(&report.as_of, &report.as_of, t),
            figures: figures(report, t),
            registry: RegistryView::draw(report),
            institutions: report.institutions.iter().map(row).collect(),
            totals: Totals {
                accepted: grouped(report.statements.accepted),
                refused: grouped(report.statements.refused),
                records: grouped(report.aggregates.records),
            },
            any_record: report.aggregates.records > 0,
            groups: groups(report, t, titles),
            months: Months::draw(&report.aggregates.by_month, t),
        }
    }
}

impl Page {
    /// With what the person who looks can go to from here.
    pub(super) fn shown_to(self, visitor: Visitor) -> Self {
        Self { visitor: Some(visitor), ..self }
    }
}

impl Links {
    fn new(t: &Texts, wish: Wish) -> Self {
        let link = |lang: &str, renews: bool| {
            let every = if renews { "&every=30" } else { "" };
            format!("?lang={lang}{every}")
        };
        Self {
            other_lang: link(t.other_lang, wish.renews),
            again: link(t.lang, wish.renews),
            renewing: link(t.lang, !wish.renews),
        }
    }
}

fn figures(report: &BoardReport, t: &Texts) -> Vec<Figure> {
    let online = report.institutions.iter().filter(|institution| institution.live).count();
    let admitted = u64::try_from(report.institutions.len()).unwrap_or(u64::MAX);
    let figure = |title, number, note: &str| Figure {
        title,
        number: grouped(number),
        note: note.to_owned(),
        alarms: false,
    };
    let statements = report.statements;
    vec![
        figure(t.figure_institutions, admitted, &format!("{online} {}", t.figure_online)),
        figure(t.figure_records, report.aggregates.records, t.figure_records_note),
        figure(t.figure_accepted, statements.accepted, t.figure_accepted_note),
        Figure {
            alarms: statements.refused > 0,
            ..figure(t.figure_refused, statements.refused, t.figure_refused_note)
        },
        figure(
            t.figure_size,
            report.registry.size,
            &format!("{} {}…", t.root, root_short(&report.registry.root)),
        ),
    ]
}

impl RegistryView {
    fn draw(report: &BoardReport) -> Self {
        let registry = &report.registry;
        Self {
            origin: registry.origin.clone(),
            size: grouped(registry.size),
            waiting: grouped(registry.logged.saturating_sub(registry.size)),
            root_short: root_short(&registry.root),
            root: registry.root.clone(),
        }
    }
}

fn root_short(root: &str) -> String {
    root.chars().take(ROOT_SHORT).collect()
}

impl InstitutionRow {
    fn draw(institution: &InstitutionReport, now: &str, t: &Texts, titles: Titles<'_>) -> Self {
        let moment = |text: &Option<String>| text.as_deref().map(|text| Moment::read(text, now, t));
        Self {
            name: institution.name.clone(),
            code: institution.code.to_string(),
            kind: titles.institution_type(institution.kind),
            standing: titles::standing(institution.standing, t),
            active: institution.standing == Standing::Active,
            unlinked: (institution.unlinked > 0).then(|| grouped(institution.unlinked)),
            alarm: institution.alarm || institution.cloned.is_some(),
            live: institution.live,
            last_contact: moment(&institution.last_contact),
            last_statement: moment(&institution.last_statement),
            accepted: grouped(institution.accepted),
            refused: grouped(institution.refused),
            any_refused: institution.refused > 0,
            records: grouped(institution.records),
        }
    }
}

/// The aggregates but the one by month, in the order of the page: short ones in pairs, the long one last.
fn groups(report: &BoardReport, t: &Texts, titles: Titles<'_>) -> Vec<Group> {
    let counted = &report.aggregates;
    let heading =
        |id, title, column, empty| Heading { id, title, column, empty, order: Order::Largest, wide: false };
    let kinds = heading("kinds", t.by_kind, t.kind, t.no_counts);
    let fields = heading("fields", t.by_field, t.field, t.no_achievements);
    let stages = heading("stages", t.by_stage, t.stage, t.no_achievements);
    let stages = Heading { order: Order::Code, ..stages };
    let modes = heading("modes", t.by_mode, t.mode, t.no_deals);
    let institutions = heading("by-institution", t.by_institution, t.institution, t.no_counts);
    let institutions = Heading { wide: true, ..institutions };
    vec![
        Group::draw(kinds, &counted.by_kind, t, |id| titles.kind(id)),
        Group::draw(stages, &counted.by_stage, t, |code| titles.code("ACH", "stage", code)),
        Group::draw(fields, &counted.by_field, t, |code| titles.code("ACH", "field", code)),
        Group::draw(modes, &counted.deals_by_mode, t, |code| titles.code("DEAL", "mode", code)),
        Group::draw(institutions, &counted.by_institution, t, |code| {
            titles::institution(&report.institutions, code)
        }),
    ]
}
