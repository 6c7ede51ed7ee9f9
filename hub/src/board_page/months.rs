//! Records by month: a row a year with twelve months, and a chart of columns of the last two years.

use std::collections::BTreeMap;

use super::bars::scaled;
use super::numbers::grouped;
use super::report::Count;
use super::texts::Texts;

/// How many months the chart has.
const COLUMNS: u32 = 24;
const COLUMN_PITCH: u32 = 25;
const COLUMN_WIDTH: u32 = 17;
const COLUMN_ROOM: u32 = 130;
/// Where columns stand.
const GROUND: u32 = 170;
const MONTH_BASELINE: u32 = GROUND + 14;
const YEAR_BASELINE: u32 = GROUND + 30;
const HEIGHT: u32 = GROUND + 36;
/// From here on a number is wider than its column and stands upright.
const UPRIGHT_FROM: u64 = 1_000;

/// The aggregate by month.
#[derive(Debug)]
pub(super) struct Months {
    /// The titles of the twelve months.
    pub(super) titles: Vec<&'static str>,
    /// A row a year, the latest first.
    pub(super) years: Vec<Year>,
    /// Values that are no month, and the records that did not reveal one.
    pub(super) others: Vec<Other>,
    /// The sum of everything.
    pub(super) total: String,
    /// The chart.
    pub(super) chart: Columns,
}

/// One year.
#[derive(Debug)]
pub(super) struct Year {
    /// Which.
    pub(super) year: u32,
    /// The twelve numbers, empty for none.
    pub(super) months: Vec<String>,
    /// Their sum.
    pub(super) total: String,
}

/// A group that is no month.
#[derive(Debug)]
pub(super) struct Other {
    /// Its title.
    pub(super) label: String,
    /// Its number.
    pub(super) count: String,
}

/// A chart of columns.
#[derive(Debug)]
pub(super) struct Columns {
    /// The width of the drawing.
    pub(super) width: u32,
    /// Its height.
    pub(super) height: u32,
    /// Where columns stand.
    pub(super) ground: u32,
    /// Whether numbers stand upright.
    pub(super) upright: bool,
    /// From the earliest month on; empty where no record has a month.
    pub(super) columns: Vec<Column>,
}

/// One month of the chart.
#[derive(Debug)]
pub(super) struct Column {
    /// The column's left side.
    pub(super) x: u32,
    /// Its middle.
    pub(super) middle: u32,
    /// Its top.
    pub(super) y: u32,
    /// Its width.
    pub(super) width: u32,
    /// Its height.
    pub(super) height: u32,
    /// Where the number is.
    pub(super) count_y: u32,
    /// Its number, empty for none.
    pub(super) count: String,
    /// The number of the month.
    pub(super) month: u32,
    /// Where the month is written.
    pub(super) month_y: u32,
    /// The year, where it begins or the chart does.
    pub(super) year: String,
    /// Where the year is written.
    pub(super) year_y: u32,
}

/// Months counted from January of the year 0.
type ByMonth = BTreeMap<u32, u64>;

impl Months {
    /// Lays the counts out.
    pub(super) fn draw(counts: &[Count], texts: &'static Texts) -> Self {
        let mut by_month = ByMonth::new();
        let mut others = Vec::new();
        for count in counts {
            match count.value.as_deref().and_then(parse_month) {
                Some(month) => {
                    by_month.insert(month, count.records);
                }
                None => others.push(count),
            }
        }
        others.sort_by_key(|count| count.value.is_none());
        let other = |count: &Count| Other {
            label: count.value.clone().unwrap_or_else(|| texts.not_revealed.to_owned()),
            count: grouped(count.records),
        };
        Self {
            titles: texts.months.split(',').collect(),
            years: years(&by_month),
            others: others.into_iter().map(other).collect(),
            total: grouped(counts.iter().fold(0, |sum, count| sum.saturating_add(count.records))),
            chart: Columns::draw(&by_month),
        }
    }
}

/// Reads `YYYY-MM`.
fn parse_month(text: &str) -> Option<u32> {
    let (year, month) = text.split_once('-')?;
    let digits = |text: &str, count| text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(year, 4) || !digits(month, 2) {
        return None;
    }
    let (year, month) = (year.parse::<u32>().ok()?, month.parse::<u32>().ok()?);
    (1..=12).contains(&month).then(|| year.saturating_mul(12).saturating_add(month).saturating_sub(1))
}

fn years(by_month: &ByMonth) -> Vec<Year> {
    let mut numbers: Vec<u32> = by_month.keys().map(|month| month / 12).collect();
    numbers.dedup();
    numbers.into_iter().rev().map(|year| lay_out(year, by_month)).collect()
}

fn lay_out(year: u32, by_month: &ByMonth) -> Year {
    let first = year.saturating_mul(12);
    let months: Vec<u64> = (first..first.saturating_add(12)).map(|month| count_of(by_month, month)).collect();
    let total = months.iter().fold(0_u64, |sum, records| sum.saturating_add(*records));
    Year { year, months: months.into_iter().map(shown).collect(), total: grouped(total) }
}

fn count_of(by_month: &ByMonth, month: u32) -> u64 {
    by_month.get(&month).copied().unwrap_or(0)
}

/// A month without records stays blank, so that the others are seen.
fn shown(records: u64) -> String {
    if records == 0 { String::new() } else { grouped(records) }
}

impl Columns {
    fn draw(by_month: &ByMonth) -> Self {
        let end = by_month.keys().next_back().map_or(0, |last| last.saturating_add(1));
        let start = end.saturating_sub(COLUMNS);
        let largest = by_month.range(start..end).map(|(_, records)| *records).max().unwrap_or(0);
        let column = |(at, month)| Column::draw((at, month), count_of(by_month, month), largest);
        Self {
            width: COLUMNS.saturating_mul(COLUMN_PITCH),
            height: HEIGHT,
            ground: GROUND,
            upright: largest >= UPRIGHT_FROM,
            columns: (0..).zip(start..end).map(column).collect(),
        }
    }
}

impl Column {
    fn draw((at, month): (u32, u32), records: u64, largest: u64) -> Self {
        let left = at.saturating_mul(COLUMN_PITCH);
        let height = scaled(records, largest, COLUMN_ROOM);
        let top = GROUND.saturating_sub(height);
        let begins_year = at == 0 || month.is_multiple_of(12);
        Self {
            x: left.saturating_add((COLUMN_PITCH - COLUMN_WIDTH) / 2),
            middle: left.saturating_add(COLUMN_PITCH / 2),
            y: top,
            width: COLUMN_WIDTH,
            height,
            count_y: top.saturating_sub(4),
            count: shown(records),
            month: (month % 12).saturating_add(1),
            month_y: MONTH_BASELINE,
            year: if begins_year { (month / 12).to_string() } else { String::new() },
            year_y: YEAR_BASELINE,
        }
    }
}

#[cfg(test)]
mod tests {
    use safeharbor_rules::Lang;

    use super::*;

    fn drawn(counts: &[(Option<&str>, u64)]) -> Months {
        let counts: Vec<_> = counts
            .iter()
            .map(|(value, records)| Count { value: value.map(str::to_owned), records: *records })
            .collect();
        Months::draw(&counts, Texts::of(Lang::En))
    }

    #[test]
    fn only_four_digits_a_dash_and_a_month_are_a_month() {
        assert_eq!(parse_month("2025-03"), Some(2025 * 12 + 2));
        for text in
            ["2025-00", "2025-13", "2025-3", "25-03", "2025", "+025-03", "", "-", "2025-03-01", "二〇二五-03"]
        {
            assert_eq!(parse_month(text), None, "{text}");
        }
    }

    #[test]
    fn years_stand_latest_first_and_what_is_no_month_is_kept() {
        let months = drawn(&[
            (None, 4),
            (Some("1987-11"), 2),
            (Some("2025-01"), 1_500),
            (Some("2025-02"), 3),
            (Some("x"), 1),
        ]);
        let years: Vec<_> = months.years.iter().map(|year| (year.year, year.total.as_str())).collect();
        assert_eq!(years, [(2025, "1,503"), (1987, "2")]);
        assert_eq!(months.years[0].months[..3], ["1,500", "3", ""]);
        let others: Vec<_> =
            months.others.iter().map(|other| (other.label.as_str(), other.count.as_str())).collect();
        assert_eq!(others, [("x", "1"), ("Not revealed", "4")]);
        assert_eq!(months.total, "1,510");
    }

    #[test]
    fn the_chart_ends_with_the_last_month_and_leaves_no_month_out() {
        let chart = drawn(&[(Some("2023-03"), 9), (Some("2024-12"), 2), (Some("2025-02"), 4)]).chart;
        assert_eq!(chart.columns.len(), 24);
        let (first, last) = (&chart.columns[0], &chart.columns[23]);
        assert_eq!((first.year.as_str(), first.month, first.count.as_str()), ("2023", 3, "9"));
        assert_eq!((last.month, last.count.as_str()), (2, "4"));
        assert_eq!(chart.columns.iter().filter(|column| !column.year.is_empty()).count(), 3);
        assert!(drawn(&[(None, 4)]).chart.columns.is_empty());
    }
}
