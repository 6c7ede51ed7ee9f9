//! The index against the journal: read from a copy, because opening the store changes its files.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use safeharbor_service::doctor::Words;
use safeharbor_service::speech::chain_of;
use safeharbor_service::store::{SledSettings, SledStore, Store};

use super::finding::{Findings, Place};
use crate::index::{Index, Indexed};
use crate::ledger::{Ledger, Run, Tip};
use crate::tasks::Tasks;

/// Loads what the index says, from a copy of it; `None` where it cannot be read.
pub(super) fn load(folder: &Path, findings: &mut Findings) -> Option<Indexed> {
    if !folder.exists() {
        let what = Words::new("索引缺失：用 rebuild 重建", "the index is missing: run `rebuild`");
        findings.damage(folder, Place::default(), what);
        return None;
    }
    // The store's library panics on some damage.
    let read = catch_unwind(AssertUnwindSafe(|| read_copy(folder)));
    let why = match read {
        Ok(Ok(indexed)) => return Some(indexed),
        Ok(Err(why)) => why,
        Err(_panic) => "the store's library gave up".to_owned(),
    };
    let what = Words::new(
        format!("索引不能读取：{why}。用 rebuild 重建"),
        format!("the index cannot be read: {why}. Run `rebuild`"),
    );
    findings.damage(folder, Place::default(), what);
    None
}

fn read_copy(folder: &Path) -> Result<Indexed, String> {
    let copy = tempfile::tempdir().map_err(|failed| failed.to_string())?;
    copy_folder(folder, copy.path()).map_err(|failed| failed.to_string())?;
    let settings = SledSettings { reserve_bytes: 0, ..SledSettings::default() };
    let store: Arc<dyn Store> =
        Arc::new(SledStore::open(&copy.path().join("store"), settings).map_err(|failed| chain_of(&failed))?);
    Tasks::load(Arc::clone(&store)).map_err(|failed| chain_of(&failed))?;
    Index::new(store).load().map_err(|failed| chain_of(&failed))
}

fn copy_folder(from: &Path, to: &Path) -> std::io::Result<()> {
    let mut folders = vec![(from.to_owned(), to.join("store"))];
    while let Some((from, to)) = folders.pop() {
        std::fs::create_dir_all(&to)?;
        for entry in std::fs::read_dir(from)? {
            let entry = entry?;
            let to = to.join(entry.file_name());
            if entry.file_type()?.is_dir() {
                folders.push((entry.path(), to));
            } else {
                std::fs::copy(entry.path(), to)?;
            }
        }
    }
    Ok(())
}

/// Compares every row of the index with what the journal yields.
pub(super) fn compare(folder: &Path, indexed: &Indexed, ledger: &Ledger, findings: &mut Findings) {
    let held = ledger.size();
    if indexed.size > held {
        let what = Words::new(
            format!("索引涵盖 {} 条，日志账本只有 {held} 条", indexed.size),
            format!("it covers {} entries, and the journal yields {held}", indexed.size),
        );
        findings.damage(folder, Place::entry(held), what);
        return;
    }
    if indexed.size < held {
        let what = Words::new(
            format!("索引涵盖 {held} 条中的 {} 条：下次启动时补上", indexed.size),
            format!("it covers {} of {held} entries: the next start brings it up", indexed.size),
        );
        findings.note(folder, Place::entry(indexed.size), what);
    }
    compare_runs(folder, indexed, ledger, findings);
    compare_tips(folder, indexed, ledger, findings);
}

fn compare_runs(folder: &Path, indexed: &Indexed, ledger: &Ledger, findings: &mut Findings) {
    let whole = indexed.size == ledger.size();
    let agrees = |run: &Run, found: &Run| {
        run.first_index == found.first_index
            && run.position == found.position
            && if whole { run.length == found.length } else { run.length <= found.length }
    };
    for (issuer, run) in &indexed.runs {
        let found =
            ledger.runs().find(issuer, run.first_seq).filter(|found| found.first_seq == run.first_seq);
        if !found.is_some_and(|found| agrees(run, &found)) {
            let seq = run.first_seq;
            let what = Words::new(
                format!("{issuer} 第 {seq} 号起的一段与日志账本不符：用 rebuild 重建"),
                format!("the run of {issuer} from number {seq} is not as the journal has it: run `rebuild`"),
            );
            findings.damage(folder, Place::entry(run.first_index), what);
        }
    }
    let below = ledger.runs().iter().filter(|(_, run)| run.first_index < indexed.size).count();
    let known = indexed.runs.iter().filter(|(_, run)| run.first_index < indexed.size).count();
    if below != known {
        let what = Words::new(
            format!("索引有 {known} 段，日志账本有 {below} 段：用 rebuild 重建"),
            format!("it has {known} runs, the journal {below}: run `rebuild`"),
        );
        findings.damage(folder, Place::default(), what);
    }
}

fn compare_tips(folder: &Path, indexed: &Indexed, ledger: &Ledger, findings: &mut Findings) {
    let whole = indexed.size == ledger.size();
    let agrees = |tip: &Tip, found: &Tip| if whole { tip == found } else { tip.index <= found.index };
    for (issuer, tip) in &indexed.tips {
        if !ledger.tip(issuer).is_some_and(|found| agrees(tip, found)) {
            let what = Words::new(
                format!("{issuer} 的链首与日志账本不符：用 rebuild 重建"),
                format!("the head of {issuer} is not as the journal has it: run `rebuild`"),
            );
            findings.damage(folder, Place::entry(tip.index), what);
        }
    }
    for (issuer, tip) in ledger.tips() {
        let is_there = indexed.tips.iter().any(|(known, _)| known == issuer);
        if !is_there && tip.head.seq > 0 && whole {
            let what = Words::new(
                format!("缺少 {issuer} 的链首：用 rebuild 重建"),
                format!("the head of {issuer} is missing: run `rebuild`"),
            );
            findings.damage(folder, Place::entry(tip.index), what);
        }
    }
}
