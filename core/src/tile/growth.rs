//! Which tiles and bundles a log must write when it grows.

use super::{BundleId, LEVEL_MAX, TILE_HEIGHT, TILE_WIDTH, TileId};

/// The tiles that a tree of `new` entries has and one of `old` has not, level by level, narrow to wide.
///
/// Above level 0 only full tiles below count, so most growth touches level 0 alone.
pub fn tiles_between(old: u64, new: u64) -> impl Iterator<Item = TileId> {
    (0..=LEVEL_MAX).flat_map(move |level| {
        let hashes = |size| hashes_at(level, size);
        touched(hashes(old), hashes(new)).filter_map(move |index| TileId::in_tree(level, index, new))
    })
}

/// How many hashes a tree of `size` entries has at a level of tiles.
fn hashes_at(level: u8, size: u64) -> u64 {
    let bits = u32::from(level).saturating_mul(u32::from(TILE_HEIGHT));
    size.checked_shr(bits).unwrap_or(0)
}

/// The entry bundles that a log of `new` entries has and one of `old` has not.
pub fn bundles_between(old: u64, new: u64) -> impl Iterator<Item = BundleId> + Clone {
    touched(old, new).filter_map(move |index| BundleId::in_tree(index, new))
}

/// The groups of 256 that items `old..new` fall into.
fn touched(old: u64, new: u64) -> std::ops::Range<u64> {
    let width = u64::from(TILE_WIDTH);
    let first = old.checked_div(width).unwrap_or(0);
    if old < new { first..new.div_ceil(width) } else { 0..0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(old: u64, new: u64, paths: &[&str]) {
        let tiles: Vec<String> = tiles_between(old, new).map(|tile| tile.to_string()).collect();
        assert_eq!(tiles, paths, "{old} to {new}");
    }

    #[test]
    fn growth_touches_the_right_edge_only() {
        check(0, 0, &[]);
        check(7, 7, &[]);
        check(7, 6, &[]);
        check(0, 1, &["tile/0/000.p/1"]);
        check(1, 5, &["tile/0/000.p/5"]);
        check(5, 256, &["tile/0/000", "tile/1/000.p/1"]);
        check(255, 257, &["tile/0/000", "tile/0/001.p/1", "tile/1/000.p/1"]);
        check(257, 300, &["tile/0/001.p/44"]);
        check(65_535, 65_536, &["tile/0/255", "tile/1/000", "tile/2/000.p/1"]);
    }

    #[test]
    fn the_example_of_the_specification_has_70000_entries() {
        let tiles: Vec<TileId> = tiles_between(0, 70_000).collect();
        let of = |level| tiles.iter().filter(move |tile| tile.level() == level);
        assert_eq!((of(0).count(), of(1).count(), of(2).count(), of(3).count()), (274, 2, 1, 0));
        let partial: Vec<String> = tiles.iter().filter(|t| t.is_partial()).map(TileId::to_string).collect();
        assert_eq!(partial, ["tile/0/273.p/112", "tile/1/001.p/17", "tile/2/000.p/1"]);
    }

    #[test]
    fn bundles_follow_level_0() {
        let bundles: Vec<String> = bundles_between(250, 600).map(|bundle| bundle.to_string()).collect();
        assert_eq!(bundles, ["tile/entries/000", "tile/entries/001", "tile/entries/002.p/88"]);
        assert_eq!(bundles_between(9, 9).count(), 0);
    }

    #[test]
    fn the_largest_tree_ends() {
        assert_eq!(tiles_between(u64::MAX - 1, u64::MAX).last().unwrap().level(), 0);
        assert_eq!(tiles_between((1 << 56) - 1, 1 << 56).last().unwrap().to_string(), "tile/7/000.p/1");
    }
}
