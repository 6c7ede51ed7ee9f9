//! Where tiles and entry bundles are found under the prefix of a log.

use std::fmt;
use std::str::FromStr;

use super::{LEVEL_MAX, TILE_HEIGHT, TILE_WIDTH};
use crate::line;

/// One tile: its level, its index within the level and its width (256, or less for a partial tile).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TileId {
    level: u8,
    index: u64,
    width: u16,
}

/// One entry bundle: its index and its width (256, or less for a partial bundle).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BundleId {
    index: u64,
    width: u16,
}

/// A path that names no tile or bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the path of a tile or of an entry bundle")]
pub struct ParsePathFailed;

impl TileId {
    /// The tile at `level` and `index` as it is in a tree of `size` entries; none where it would be empty.
    #[must_use]
    pub fn in_tree(level: u8, index: u64, size: u64) -> Option<Self> {
        let bits = u32::from(level).checked_mul(u32::from(TILE_HEIGHT))?;
        let hashes = size.checked_shr(bits)?;
        width_in(hashes, index).map(|width| Self { level, index, width })
    }

    /// The level: 0 holds leaf hashes, each level above one hash for 256 of the one below.
    #[must_use]
    pub const fn level(&self) -> u8 {
        self.level
    }

    /// The index within the level.
    #[must_use]
    pub const fn index(&self) -> u64 {
        self.index
    }

    /// The number of hashes, 1 to 256.
    #[must_use]
    pub const fn width(&self) -> u16 {
        self.width
    }

    /// Whether later entries can still widen it.
    #[must_use]
    pub const fn is_partial(&self) -> bool {
        self.width < TILE_WIDTH
    }

    /// The full tile in the same place.
    #[must_use]
    pub const fn full(&self) -> Self {
        Self { width: TILE_WIDTH, ..*self }
    }
}

impl BundleId {
    /// The bundle at `index` as it is in a log of `size` entries; none where it would be empty.
    #[must_use]
    pub fn in_tree(index: u64, size: u64) -> Option<Self> {
        width_in(size, index).map(|width| Self { index, width })
    }

    /// The index of the bundle; its first entry is entry 256 × `index` of the log.
    #[must_use]
    pub const fn index(&self) -> u64 {
        self.index
    }

    /// The number of entries, 1 to 256.
    #[must_use]
    pub const fn width(&self) -> u16 {
        self.width
    }

    /// Whether later entries can still widen it.
    #[must_use]
    pub const fn is_partial(&self) -> bool {
        self.width < TILE_WIDTH
    }

    /// The full bundle in the same place.
    #[must_use]
    pub const fn full(&self) -> Self {
        Self { width: TILE_WIDTH, ..*self }
    }
}

/// How many of `count` items in a row fall into group `index` of 256.
fn width_in(count: u64, index: u64) -> Option<u16> {
    let start = index.checked_mul(u64::from(TILE_WIDTH))?;
    let width = count.checked_sub(start)?.min(u64::from(TILE_WIDTH));
    u16::try_from(width).ok().filter(|&width| width > 0)
}

/// Prints `tile/<L>/<N>[.p/<W>]`.
impl fmt::Display for TileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tile/{}/", self.level)?;
        print_place(f, self.index, self.width)
    }
}

/// Prints `tile/entries/<N>[.p/<W>]`.
impl fmt::Display for BundleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("tile/entries/")?;
        print_place(f, self.index, self.width)
    }
}

impl FromStr for TileId {
    type Err = ParsePathFailed;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let place = text.strip_prefix("tile/").and_then(|rest| rest.split_once('/'));
        let (level, place) = place.ok_or(ParsePathFailed)?;
        let level = line::parse_decimal(level).and_then(|level| u8::try_from(level).ok());
        let level = level.filter(|&level| level <= LEVEL_MAX).ok_or(ParsePathFailed)?;
        let (index, width) = parse_place(place).ok_or(ParsePathFailed)?;
        Ok(Self { level, index, width })
    }
}

impl FromStr for BundleId {
    type Err = ParsePathFailed;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let place = text.strip_prefix("tile/entries/").and_then(parse_place);
        place.map(|(index, width)| Self { index, width }).ok_or(ParsePathFailed)
    }
}

/// Groups of three digits, all but the last with an `x` before them; then the width of a partial tile.
fn print_place(f: &mut fmt::Formatter<'_>, index: u64, width: u16) -> fmt::Result {
    // 10^18 is the highest power of a thousand below 2^64.
    let mut unit = 1_000_000_000_000_000_000;
    while unit > 1 {
        if index >= unit {
            write!(f, "x{:03}/", index.checked_div(unit).unwrap_or(0) % 1000)?;
        }
        unit /= 1000;
    }
    write!(f, "{:03}", index % 1000)?;
    if width < TILE_WIDTH { write!(f, ".p/{width}") } else { Ok(()) }
}

fn parse_place(text: &str) -> Option<(u64, u16)> {
    let (groups, width) = match text.split_once(".p/") {
        Some((groups, width)) => (groups, parse_width(width)?),
        None => (text, TILE_WIDTH),
    };
    let (high, last) = match groups.rsplit_once('/') {
        Some((high, last)) => (Some(high), last),
        None => (None, groups),
    };
    let mut index = 0_u64;
    for group in high.into_iter().flat_map(|high| high.split('/')) {
        index = append_group(index, group.strip_prefix('x')?)?;
        if index == 0 {
            return None;
        }
    }
    Some((append_group(index, last)?, width))
}

fn append_group(index: u64, group: &str) -> Option<u64> {
    let digits = group.len() == 3 && group.bytes().all(|byte| byte.is_ascii_digit());
    let value = group.parse().ok().filter(|_| digits)?;
    index.checked_mul(1000)?.checked_add(value)
}

fn parse_width(text: &str) -> Option<u16> {
    let width = u16::try_from(line::parse_decimal(text)?).ok()?;
    (1..TILE_WIDTH).contains(&width).then_some(width)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, level: u8, index: u64, width: u16) {
        let tile = TileId { level, index, width };
        assert_eq!(tile.to_string(), path);
        assert_eq!(path.parse(), Ok(tile), "{path}");
        let entries = path.replacen(&format!("tile/{level}/"), "tile/entries/", 1);
        let bundle = BundleId { index, width };
        assert_eq!(bundle.to_string(), entries);
        assert_eq!(entries.parse(), Ok(bundle), "{entries}");
    }

    #[test]
    fn paths_are_grouped_by_three_digits() {
        check("tile/0/000", 0, 0, 256);
        check("tile/0/000.p/1", 0, 0, 1);
        check("tile/63/999.p/255", 63, 999, 255);
        check("tile/1/x001/000", 1, 1000, 256);
        check("tile/0/x001/x234/067", 0, 1_234_067, 256);
        check("tile/2/x018/x446/x744/x073/x709/x551/615.p/9", 2, u64::MAX, 9);
    }

    #[test]
    fn other_spellings_are_refused() {
        let spellings = "/tile/0/000 tile tile/0 tile/0/ tile/0/0 tile/0/0000 tile/0/x000 tile/0/x000/001 tile/0/+01 \
            tile/0/001/002 tile/0/x001/x002 tile/00/000 tile/64/000 tile/-1/000 tile/0/000/ tile/0/000.p tile/0/000.p/0 \
            tile/0/000.p/256 tile/0/000.p/01 tile/0/000.p/1.p/1 tile/0/x001/.p/3 \
            tile/0/x018/x446/x744/x073/x709/x551/616";
        for bad in spellings.split_whitespace().chain([""]) {
            assert_eq!(bad.parse::<TileId>(), Err(ParsePathFailed), "{bad}");
            let entries = bad.replacen("tile/0/", "tile/entries/", 1);
            assert_eq!(entries.parse::<BundleId>(), Err(ParsePathFailed), "{entries}");
        }
    }

    #[test]
    fn widths_follow_the_size_of_the_tree() {
        let width = |level, index| TileId::in_tree(level, index, 70_000).map(|tile| tile.width());
        assert_eq!([width(0, 0), width(0, 272), width(0, 273)], [Some(256), Some(256), Some(112)]);
        assert_eq!([width(0, 274), width(1, 0), width(1, 1)], [None, Some(256), Some(17)]);
        assert_eq!([width(2, 0), width(3, 0), width(9, 0)], [Some(1), None, None]);
        assert_eq!(BundleId::in_tree(273, 70_000).map(|bundle| bundle.width()), Some(112));
        assert_eq!(BundleId::in_tree(0, 0), None);
    }
}
