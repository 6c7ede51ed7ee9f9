//! Which column of a file resembles which field of a kind, by title.

use safeharbor_rules::{Field, Kind, Lang};

use crate::import::gate::is_about_secrecy;
use crate::import::header::Header;
use crate::import::text::fold;

/// Columns that are compared; no record has so many fields.
const COLUMNS_MAX: usize = 400;
/// Titles less alike than this, in thousandths, are not alike.
const FLOOR: usize = 700;
/// The same title.
pub(super) const SAME: usize = 1_000;
/// What a title counts at least that stands whole in the other: 名称 in 成果名称.
const PART: usize = 600;
/// Shorter names say too little to be looked for within others.
const PART_CHARS_MIN: usize = 2;

/// A column and the field it resembles.
#[derive(Debug, Clone, Copy)]
pub(super) struct Match<'k> {
    pub(super) column: usize,
    pub(super) field: &'k Field,
    /// In thousandths.
    pub(super) likeness: usize,
}

/// The best pairs of columns and fields: each column and each field at most once.
pub(super) fn matches<'k>(kind: &'k Kind, header: &Header) -> Vec<Match<'k>> {
    let titles: Vec<(&Field, Vec<String>)> =
        kind.fields().iter().map(|field| (field, titles(field))).collect();
    let mut pairs: Vec<Match<'k>> = Vec::new();
    // A second column of the same name cannot be named by a mapping.
    let is_first = |(column, name): &(usize, &str)| !name.is_empty() && header.find(name) == Some(*column);
    for (column, name) in header.names().enumerate().take(COLUMNS_MAX).filter(is_first) {
        let folded = fold(without_unit(name));
        let fields = titles.iter().filter(|(field, _)| may_hold(field, name));
        let pair = |&(field, ref titles): &(&'k Field, Vec<String>)| {
            let likeness = titles.iter().map(|title| alike(&folded, title)).max().unwrap_or_default();
            Match { column, field, likeness }
        };
        pairs.extend(fields.map(pair).filter(|pair| pair.likeness >= FLOOR));
    }
    let rank = |pair: &Match<'_>| (pair.likeness, pair.field.is_key(), pair.field.is_required());
    pairs.sort_by_key(|pair| std::cmp::Reverse(rank(pair)));
    let mut taken: Vec<Match<'k>> = Vec::new();
    for pair in pairs {
        let is_free =
            |other: &Match<'_>| other.column != pair.column && other.field.name() != pair.field.name();
        if taken.iter().all(is_free) {
            taken.push(pair);
        }
    }
    taken.sort_by_key(|pair| pair.column);
    taken
}

/// How well the columns fit the kind: most of all its key, then every required and every other field.
pub(super) fn weight(kind: &Kind, matches: &[Match<'_>]) -> usize {
    let worth = |field: &Field| match (field.is_key(), field.is_required()) {
        (true, _) => 3,
        (false, true) => 2,
        (false, false) => 1,
    };
    let found: usize = matches.iter().map(|pair| pair.likeness.saturating_mul(worth(pair.field))).sum();
    let is_lacking =
        |field: &&Field| field.is_required() && !matches.iter().any(|pair| pair.field.name() == field.name());
    let lacking = kind.fields().iter().filter(is_lacking).count();
    found.saturating_sub(lacking.saturating_mul(SAME / 2))
}

/// A column about secrecy feeds the field that keeps rows out, and no other column does.
fn may_hold(field: &Field, name: &str) -> bool {
    field.derived_from().is_none() && is_about_secrecy(name) == field.gate().is_some()
}

fn titles(field: &Field) -> Vec<String> {
    [field.title(Lang::Zh), field.title(Lang::En), field.name()].map(fold).to_vec()
}

/// The name of a column without a unit in brackets at its end: 合同金额 of 合同金额（万元）.
pub(super) fn without_unit(name: &str) -> &str {
    let trimmed = name.trim_end();
    let is_closed = trimmed.ends_with(['）', ')', ']', '】']);
    let open = trimmed.rfind(['（', '(', '[', '【']).filter(|open| is_closed && *open > 0);
    open.and_then(|open| trimmed.get(..open)).map_or(trimmed, str::trim_end)
}

fn alike(one: &str, other: &str) -> usize {
    if one == other {
        return SAME;
    }
    let (short, long) = if one.len() < other.len() { (one, other) } else { (other, one) };
    let (few, many) = (short.chars().count(), long.chars().count().max(1));
    let by_part = if few >= PART_CHARS_MIN && !short.is_ascii() && long.contains(short) {
        PART.saturating_add((SAME.saturating_sub(PART)).saturating_mul(few) / many)
    } else {
        0
    };
    if many.saturating_sub(few).saturating_mul(SAME) / many > SAME.saturating_sub(FLOOR) {
        return by_part;
    }
    let distance = strsim::damerau_levenshtein(short, long);
    by_part.max(SAME.saturating_sub(SAME.saturating_mul(distance) / many)).min(SAME.saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_are_compared_by_letters_and_by_parts() {
        assert_eq!(alike("名称", "名称"), SAME);
        assert!(alike("名称", "成果名称") >= FLOOR && alike("合同额", "合同金额") >= FLOOR);
        assert!(alike("项目编号", "成果编号") < FLOOR && alike("id", "width") < FLOOR);
    }

    #[test]
    fn a_unit_is_no_part_of_a_name() {
        assert_eq!(without_unit("合同金额（万元）"), "合同金额");
        assert_eq!(without_unit("Share (%) "), "Share");
        assert_eq!(without_unit("（一）"), "（一）");
        assert_eq!(without_unit("名称"), "名称");
    }
}
