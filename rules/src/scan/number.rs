//! Numbers in a text: runs of digits with marks between them, and what such a run can be.

use super::{Find, Glyph, Mark};
use crate::personal_id::{X, digit, is_old_personal_id, is_personal_id, is_separator, is_x};

/// Segments that are taken together at most: no number is written in more pieces.
const SEGMENTS_MAX: usize = 8;
/// Marks between two segments of one number at most.
const MARKS_MAX: usize = 2;

/// Digits that stand together.
#[derive(Debug, Default)]
struct Segment {
    digits: Vec<u32>,
    start: usize,
    end: usize,
}

/// Every number in the text that could give somebody away; the longest reading of each place.
pub(super) fn numbers(glyphs: &[Glyph]) -> Vec<Find> {
    let mut finds = Vec::new();
    for run in runs(glyphs) {
        let mut from = 0;
        while from < run.len() {
            let tail = run.get(from..).unwrap_or_default();
            let longest = (1..=tail.len().min(SEGMENTS_MAX)).rev().find_map(|count| {
                let segments = tail.get(..count)?;
                Some((count, what_is(segments)?))
            });
            match longest {
                Some((count, mark)) => {
                    finds.extend(place(tail.get(..count).unwrap_or_default(), mark));
                    from = from.saturating_add(count);
                }
                None => from = from.saturating_add(1),
            }
        }
    }
    finds
}

fn place(segments: &[Segment], mark: Mark) -> Option<Find> {
    let characters = segments.first()?.start..segments.last()?.end.saturating_add(1);
    Some(Find { mark, characters })
}

/// Splits the text into runs of segments. A check character X is a segment of its own, so that an extension after a number is none of it.
fn runs(glyphs: &[Glyph]) -> Vec<Vec<Segment>> {
    let mut runs = vec![Vec::<Segment>::new()];
    let (mut open, mut marks) = (false, 0_usize);
    for glyph in glyphs {
        let Some(run) = runs.last_mut() else { break };
        match (digit(glyph.c), run.last_mut()) {
            (Some(value), Some(segment)) if open => {
                segment.digits.push(value);
                segment.end = glyph.at;
            }
            (Some(value), _) => {
                run.push(Segment { digits: vec![value], start: glyph.at, end: glyph.at });
                (open, marks) = (true, 0);
            }
            (None, Some(_)) if is_x(glyph.c) => {
                run.push(Segment { digits: vec![X], start: glyph.at, end: glyph.at });
                runs.push(Vec::new());
                (open, marks) = (false, 0);
            }
            (None, Some(_)) if is_separator(glyph.c) && marks < MARKS_MAX => {
                (open, marks) = (false, marks.saturating_add(1));
            }
            (None, _) => {
                runs.push(Vec::new());
                (open, marks) = (false, 0);
            }
        }
    }
    runs
}

fn what_is(segments: &[Segment]) -> Option<Mark> {
    let digits: Vec<u32> = segments.iter().flat_map(|segment| &segment.digits).copied().collect();
    let fewest = segments.iter().map(|segment| segment.digits.len()).min().unwrap_or_default();
    if digits.len() == 18 && is_personal_id(&digits) {
        return Some(Mark::PersonalId);
    }
    // Dates and amounts come in shorter pieces than phone and card numbers; only the country code is as short.
    if digits.contains(&X) {
        return None;
    }
    if is_mobile(&digits) && pieces_of_three(segments) {
        return Some(Mark::Mobile);
    }
    if is_landline(&digits, segments) {
        return Some(Mark::Landline);
    }
    if fewest >= 3 && is_bank_card(&digits) {
        return Some(Mark::BankCard);
    }
    (digits.len() == 15 && fewest >= 3 && is_old_personal_id(&digits)).then_some(Mark::OldPersonalId)
}

fn pieces_of_three(segments: &[Segment]) -> bool {
    let is_country = |segment: &Segment| matches!(segment.digits.as_slice(), [8, 6] | [0, 0, 8, 6]);
    segments
        .iter()
        .enumerate()
        .all(|(at, segment)| segment.digits.len() >= 3 || (at == 0 && is_country(segment)))
}

fn is_mobile(digits: &[u32]) -> bool {
    let number =
        digits.strip_prefix([0, 0, 8, 6].as_slice()).or_else(|| digits.strip_prefix([8, 6].as_slice()));
    let number = number.unwrap_or(digits);
    number.len() == 11 && matches!(number, [1, 3..=9, ..])
}

/// The area code stands apart or before 7 or 8 digits: three characters for 010 and 02x, otherwise four.
fn is_landline(digits: &[u32], segments: &[Segment]) -> bool {
    let area = match digits {
        [0, 1, 0, ..] | [0, 2, ..] => 3,
        [0, 3..=9, ..] => 4,
        _ => return false,
    };
    let local = digits.len().saturating_sub(area);
    let is_first_apart = segments.first().is_some_and(|segment| segment.digits.len() == area);
    let is_whole = segments.len() == 1;
    let starts_well = digits.get(area).is_some_and(|first| (2..=9).contains(first));
    let in_pieces = segments.iter().all(|segment| segment.digits.len() >= 3);
    let expected = if area == 3 { 8..=8 } else { 7..=8 };
    (is_first_apart || is_whole) && in_pieces && starts_well && expected.contains(&local)
}

/// ISO/IEC 7812: 16 to 19 digits of the ranges that banks give out, with a Luhn check digit.
fn is_bank_card(digits: &[u32]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(at, digit)| match (at % 2 == 1, digit.wrapping_mul(2)) {
            (false, _) => *digit,
            (true, doubled) if doubled > 9 => doubled.wrapping_sub(9),
            (true, doubled) => doubled,
        })
        .fold(0, u32::wrapping_add);
    (16..=19).contains(&digits.len()) && matches!(digits, [3..=6, ..]) && sum.is_multiple_of(10)
}
