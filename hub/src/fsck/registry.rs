//! The registry's files against what the journal yields: every bundle, every tile, and nothing besides.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use safeharbor_core::tile::{BundleId, PlacedTile, TILE_WIDTH, TileId, TileTree, encode_bundle};
use safeharbor_service::doctor::Words;

use super::finding::{Findings, Place};

/// 256 entries of the longest kind; nothing longer is read.
const FILE_BYTES_MAX: u64 = 256 * (65_535 + 2);

/// Compares the files in the registry's folder.
#[derive(Debug)]
pub(super) struct RegistryCheck {
    folder: PathBuf,
    /// The size up to which every file must be there.
    expected: u64,
    pub(super) files: u64,
}

impl RegistryCheck {
    pub(super) const fn new(folder: PathBuf, expected: u64) -> Self {
        Self { folder, expected, files: 0 }
    }

    /// A bundle whose entries the journal holds, and the partial ones beside it; `entries` are fewer than 256 at the end only.
    pub(super) fn check_bundle(&mut self, index: u64, entries: &[Vec<u8>], findings: &mut Findings) {
        let Some(full) = BundleId::in_tree(index, index.saturating_add(1).saturating_mul(256)) else {
            return;
        };
        let bundle = |width: usize| entries.get(..width).and_then(|entries| encode_bundle(entries).ok());
        let first = index.saturating_mul(u64::from(TILE_WIDTH));
        let entry_at = |at: usize| {
            let mut end = 0_usize;
            let holds = |entry: &Vec<u8>| {
                end = end.saturating_add(entry.len()).saturating_add(2);
                at < end
            };
            let place = entries.iter().position(holds).unwrap_or(entries.len().saturating_sub(1));
            first.saturating_add(u64::try_from(place).unwrap_or(u64::MAX))
        };
        self.check_widths(&full.to_string(), first, &bundle, &entry_at, findings);
    }

    /// A tile that the journal's entries fill, or the last one of a level, and the partial ones beside it.
    pub(super) fn check_tile(&mut self, (id, tile): &PlacedTile, findings: &mut Findings) {
        let bytes = tile.encode();
        let hashes = |width: usize| bytes.get(..width.saturating_mul(32)).map(<[u8]>::to_vec);
        let span = 256_u64.saturating_pow(u32::from(id.level()));
        let first = id.index().saturating_mul(u64::from(TILE_WIDTH));
        let entry_at = |at: usize| {
            let hash = first.saturating_add(u64::try_from(at / 32).unwrap_or(u64::MAX));
            hash.saturating_mul(span)
        };
        let begins = first.saturating_mul(span);
        self.check_widths(&id.full().to_string(), begins, &hashes, &entry_at, findings);
    }

    /// Compares a file and the partial ones beside it with what each of their widths should hold.
    fn check_widths(
        &mut self,
        full: &str,
        begins: u64,
        content: &dyn Fn(usize) -> Option<Vec<u8>>,
        entry_at: &dyn Fn(usize) -> u64,
        findings: &mut Findings,
    ) {
        let path = self.folder.join(full);
        let mut widths: Vec<(usize, PathBuf)> = partials(&path);
        if path.exists() {
            widths.push((usize::from(TILE_WIDTH), path.clone()));
        } else if content(usize::from(TILE_WIDTH)).is_some() && self.must_be_full(full) {
            findings.damage(&path, Place::entry(begins), Words::new("文件缺失", "the file is missing"));
        }
        for (width, file) in widths {
            self.files = self.files.saturating_add(1);
            let Some(expected) = content(width) else {
                let what = Words::new("日志账本没有这么多条目", "the journal has not so many entries");
                findings.damage(&file, Place::entry(begins), what);
                continue;
            };
            let found = match read(&file) {
                Ok(found) => found,
                Err(failed) => {
                    let what = Words::new(format!("无法读取：{failed}"), format!("cannot be read: {failed}"));
                    findings.damage(&file, Place::entry(begins), what);
                    continue;
                }
            };
            if let Some(at) = first_difference(&found, &expected) {
                let place = Place::at(u64::try_from(at).unwrap_or(u64::MAX)).of(entry_at(at));
                let what = Words::new("与日志账本算出的不同", "it is not what the journal yields");
                findings.damage(&file, place, what);
            }
        }
    }

    /// Whether a full file lies wholly below the size up to which files must be there.
    fn must_be_full(&self, path: &str) -> bool {
        let exists_at = |size: u64| match (path.parse::<BundleId>(), path.parse::<TileId>()) {
            (Ok(bundle), _) => {
                BundleId::in_tree(bundle.index(), size).is_some_and(|found| !found.is_partial())
            }
            (Err(_), Ok(tile)) => {
                TileId::in_tree(tile.level(), tile.index(), size).is_some_and(|found| !found.is_partial())
            }
            (Err(_), Err(_)) => false,
        };
        exists_at(self.expected)
    }

    /// The partial files that the tree of this size needs; a full one may have taken a partial one's place.
    pub(super) fn check_right_edge(&self, tree: &TileTree, findings: &mut Findings) {
        let size = tree.size();
        let mut needed: Vec<(String, String)> = Vec::new();
        if let Some(bundle) = BundleId::in_tree(size / 256, size) {
            needed.push((bundle.to_string(), bundle.full().to_string()));
        }
        for (id, _) in tree.partial_tiles().unwrap_or_default() {
            needed.push((id.to_string(), id.full().to_string()));
        }
        for (partial, full) in needed {
            if !self.folder.join(&partial).exists() && !self.folder.join(full).exists() {
                let what = Words::new("文件缺失", "the file is missing");
                findings.damage(&self.folder.join(partial), Place::entry(size.saturating_sub(1)), what);
            }
        }
    }

    /// Files that belong to no tree of the journal's `size` entries.
    pub(super) fn check_strays(&self, size: u64, findings: &mut Findings) {
        let mut folders = vec![self.folder.join("tile")];
        while let Some(next) = folders.pop() {
            let Ok(listed) = fs::read_dir(&next) else { continue };
            for entry in listed.filter_map(Result::ok) {
                let path = entry.path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let name = path.strip_prefix(&self.folder).unwrap_or(&path).to_string_lossy().into_owned();
                let within = match (name.parse::<BundleId>(), name.parse::<TileId>()) {
                    (Ok(bundle), _) => Some(BundleId::in_tree(bundle.index(), size).is_some()),
                    (_, Ok(tile)) => Some(TileId::in_tree(tile.level(), tile.index(), size).is_some()),
                    _ => None,
                };
                match within {
                    Some(true) => {}
                    Some(false) => {
                        let what = Words::new("日志账本没有这些条目", "the journal has no such entries");
                        findings.damage(&path, Place::default(), what);
                    }
                    None => {
                        let what = Words::new("不是登记簿的文件", "not a file of the registry");
                        findings.note(&path, Place::default(), what);
                    }
                }
            }
        }
    }
}

/// The partial files beside a full one, by width.
fn partials(full: &Path) -> Vec<(usize, PathBuf)> {
    let mut folder = full.as_os_str().to_owned();
    folder.push(".p");
    let Ok(listed) = fs::read_dir(PathBuf::from(folder)) else { return Vec::new() };
    let width = |path: &Path| path.file_name()?.to_str()?.parse::<usize>().ok();
    let files = listed.filter_map(Result::ok).map(|entry| entry.path());
    let mut found: Vec<_> = files.filter_map(|path| Some((width(&path)?, path))).collect();
    found.retain(|(width, _)| (1..256).contains(width));
    found.sort_unstable();
    found
}

fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    if fs::metadata(path)?.len() > FILE_BYTES_MAX {
        return Err(std::io::Error::new(ErrorKind::FileTooLarge, "too large"));
    }
    fs::read(path)
}

/// The first byte at which two texts differ, their ends included.
fn first_difference(found: &[u8], expected: &[u8]) -> Option<usize> {
    let differs = found.iter().zip(expected).position(|(found, expected)| found != expected);
    differs.or_else(|| (found.len() != expected.len()).then(|| found.len().min(expected.len())))
}
