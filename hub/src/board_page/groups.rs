//! One aggregate as a table with a chart: groups by title, the ones not revealed last.

use std::cmp::Reverse;

use super::bars::Bars;
use super::numbers::{grouped, share};
use super::report::Count;
use super::texts::Texts;

/// The width of the chart in half the page.
const NARROW: u32 = 290;
/// The width of the chart across the page.
const WIDE: u32 = 560;

/// In which order groups stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// The largest first.
    Largest,
    /// As their codes are ordered.
    Code,
}

/// What an aggregate is called and how it is drawn.
#[derive(Debug, Clone, Copy)]
pub(super) struct Heading {
    /// Its name within the page.
    pub(super) id: &'static str,
    /// Its title.
    pub(super) title: &'static str,
    /// The title of the column of groups.
    pub(super) column: &'static str,
    /// What is said while there is nothing to count.
    pub(super) empty: &'static str,
    /// The order of the groups.
    pub(super) order: Order,
    /// Whether it goes across the page, with room for the codes beside the titles.
    pub(super) wide: bool,
}

/// An aggregate, ready to be written down.
#[derive(Debug)]
pub(super) struct Group {
    /// What it is called.
    pub(super) heading: Heading,
    /// Its groups.
    pub(super) rows: Vec<Row>,
    /// The sum of all groups.
    pub(super) total: String,
    /// The largest group and its number.
    pub(super) largest: String,
    /// The chart.
    pub(super) chart: Bars,
}

/// One group.
#[derive(Debug)]
pub(super) struct Row {
    /// The title.
    pub(super) label: String,
    /// The code, where the title does not repeat it.
    pub(super) code: String,
    /// Whether the value was revealed.
    pub(super) revealed: bool,
    /// The number of records.
    pub(super) count: String,
    /// Its share of the total.
    pub(super) share: String,
    records: u64,
}

impl Group {
    /// Puts titles to the codes of `counts` and draws them.
    pub(super) fn draw(
        heading: Heading,
        counts: &[Count],
        texts: &Texts,
        title_of: impl Fn(&str) -> String,
    ) -> Self {
        let total = counts.iter().fold(0_u64, |sum, count| sum.saturating_add(count.records));
        let mut rows: Vec<Row> = counts.iter().map(|count| row(count, total, texts, &title_of)).collect();
        let by_size = |row: &Row| if heading.order == Order::Largest { row.records } else { 0 };
        rows.sort_by_key(|row| (!row.revealed, Reverse(by_size(row))));
        let largest = rows.iter().max_by_key(|row| row.records);
        let largest = largest.map(|row| format!("{}{}{}", row.label, texts.colon, row.count));
        let bars = rows.iter().map(|row| (row.label.as_str(), row.revealed, row.records));
        let chart = Bars::draw(bars, if heading.wide { WIDE } else { NARROW });
        Self { heading, total: grouped(total), largest: largest.unwrap_or_default(), chart, rows }
    }
}

fn row(count: &Count, total: u64, texts: &Texts, title_of: impl Fn(&str) -> String) -> Row {
    let code = count.value.clone().unwrap_or_default();
    let label = count.value.as_deref().map_or_else(|| texts.not_revealed.to_owned(), title_of);
    Row {
        code: if code == label { String::new() } else { code },
        label,
        revealed: count.value.is_some(),
        count: grouped(count.records),
        share: share(count.records, total),
        records: count.records,
    }
}

#[cfg(test)]
mod tests {
    use safeharbor_rules::Lang;

    use super::*;

    fn check(order: Order, expected: &[(&str, &str, &str)]) {
        let heading = Heading { id: "x", title: "", column: "", empty: "", order, wide: true };
        let count = |value: Option<&str>, records| Count { value: value.map(str::to_owned), records };
        let counts = [count(None, 9), count(Some("S1"), 1), count(Some("S2"), 4), count(Some("S9"), 2)];
        let title_of = |code: &str| match code {
            "S1" => "Early".to_owned(),
            "S2" => "Pilot".to_owned(),
            other => other.to_owned(),
        };
        let group = Group::draw(heading, &counts, Texts::of(Lang::En), title_of);
        let rows: Vec<_> = group
            .rows
            .iter()
            .map(|row| (row.label.as_str(), row.code.as_str(), row.count.as_str()))
            .collect();
        assert_eq!(rows, expected);
        assert_eq!((group.total.as_str(), group.largest.as_str()), ("16", "Not revealed: 9"));
    }

    #[test]
    fn groups_stand_in_their_order_and_the_not_revealed_last() {
        let (one, two, nine) = (("Early", "S1", "1"), ("Pilot", "S2", "4"), ("S9", "", "2"));
        let hidden = ("Not revealed", "", "9");
        check(Order::Largest, &[two, nine, one, hidden]);
        check(Order::Code, &[one, two, nine, hidden]);
    }
}
