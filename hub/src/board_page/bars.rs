//! The geometry of a chart of horizontal bars; the template only writes it down.

use super::numbers::grouped;

/// The height of one bar with its label above it.
const ROW_HEIGHT: u32 = 36;
const LABEL_BASELINE: u32 = 13;
const BAR_TOP: u32 = 18;
const COUNT_BASELINE: u32 = 28;
/// Room for the number behind the longest bar.
const COUNT_WIDTH: u32 = 80;
const COUNT_GAP: u32 = 6;
/// The width of half an ideograph in the labels' size, about that of a Latin letter.
const LETTER_WIDTH: u32 = 7;

/// The height of a printed page: A4 across, without margins.
const PAGE_HEIGHT: u32 = 640;

/// A chart of bars.
#[derive(Debug)]
pub(super) struct Bars {
    /// The width of the drawing.
    pub(super) width: u32,
    /// Its height.
    pub(super) height: u32,
    /// From above.
    pub(super) bars: Vec<Bar>,
}

/// One bar.
#[derive(Debug)]
pub(super) struct Bar {
    /// What it stands for, cut to the drawing's width.
    pub(super) label: String,
    /// Its number.
    pub(super) count: String,
    /// Whether the value was revealed.
    pub(super) revealed: bool,
    /// Where the label's baseline is.
    pub(super) label_y: u32,
    /// Where the bar begins.
    pub(super) bar_y: u32,
    /// How long it is.
    pub(super) length: u32,
    /// Where the number begins.
    pub(super) count_x: u32,
    /// Where the number's baseline is.
    pub(super) count_y: u32,
}

impl Bars {
    /// Draws (label, whether revealed, number) into `width`.
    pub(super) fn draw<'a>(rows: impl Iterator<Item = (&'a str, bool, u64)> + Clone, width: u32) -> Self {
        let largest = rows.clone().map(|(_, _, records)| records).max().unwrap_or(0);
        let room = width.saturating_sub(COUNT_WIDTH);
        let bars: Vec<Bar> = (0_u32..)
            .zip(rows)
            .map(|(at, (label, revealed, records))| {
                let top = at.saturating_mul(ROW_HEIGHT);
                let length = scaled(records, largest, room);
                Bar {
                    label: fit(label, width / LETTER_WIDTH),
                    count: grouped(records),
                    revealed,
                    label_y: top.saturating_add(LABEL_BASELINE),
                    bar_y: top.saturating_add(BAR_TOP),
                    length,
                    count_x: length.saturating_add(COUNT_GAP),
                    count_y: top.saturating_add(COUNT_BASELINE),
                }
            })
            .collect();
        let rows = u32::try_from(bars.len()).unwrap_or(u32::MAX);
        Self { width, height: rows.saturating_mul(ROW_HEIGHT), bars }
    }

    /// Whether it would not fit on a printed page.
    pub(super) const fn is_tall(&self) -> bool {
        self.height > PAGE_HEIGHT
    }
}

/// `part` of `whole` as a length within `room`; what is not nothing is seen.
pub(super) fn scaled(part: u64, whole: u64, room: u32) -> u32 {
    if part == 0 || whole == 0 {
        return 0;
    }
    let length = u128::from(part).saturating_mul(u128::from(room)) / u128::from(whole);
    u32::try_from(length).unwrap_or(room).clamp(1, room)
}

/// Cuts a text to so many letters, ideographs counting two.
fn fit(text: &str, letters_max: u32) -> String {
    let width = |c: char| if c >= '\u{1100}' { 2 } else { 1 };
    if text.chars().map(width).sum::<u32>() <= letters_max {
        return text.to_owned();
    }
    let mut left = letters_max.saturating_sub(2);
    let fits = |c: &char| left.checked_sub(width(*c)).map(|rest| left = rest).is_some();
    let kept: String = text.chars().take_while(fits).collect();
    format!("{kept}…")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_bar_fills_the_room_and_the_smallest_is_seen() {
        let rows = [("a", true, 1_000_000), ("b", true, 500_000), ("c", true, 1), ("d", false, 0)];
        let bars = Bars::draw(rows.into_iter(), 480);
        assert_eq!(bars.bars.iter().map(|bar| bar.length).collect::<Vec<_>>(), [400, 200, 1, 0]);
        assert_eq!(bars.height, 4 * ROW_HEIGHT);
    }

    #[test]
    fn no_number_overflows_the_drawing() {
        assert_eq!(scaled(u64::MAX, u64::MAX, 400), 400);
        assert_eq!(scaled(u64::MAX, 1, 400), 400);
        assert_eq!(scaled(3, 0, 400), 0);
    }

    #[test]
    fn long_labels_are_cut_by_their_width() {
        for (text, letters, cut) in [
            ("技术转移", 8, "技术转移"),
            ("技术转移中心", 8, "技术转…"),
            ("transfer", 8, "transfer"),
            ("transfers", 8, "transf…"),
        ] {
            assert_eq!(fit(text, letters), cut);
        }
    }
}
