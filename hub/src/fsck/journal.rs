//! The journal, frame by frame: what each is, whether it follows, and what all of them yield.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use safeharbor_core::audit::RegistryAudit;
use safeharbor_core::digest::Digest;
use safeharbor_core::entry::Entry;
use safeharbor_core::institution::Issuer;
use safeharbor_core::merkle::hash_leaf;
use safeharbor_core::statement::Statement;
use safeharbor_core::tile::{TileTree, TileTreeFailed};
use safeharbor_service::doctor::Words;
use safeharbor_service::speech::chain_of;

use super::finding::{Findings, Place};
use super::registry::RegistryCheck;
use super::signatures::{Signatures, Unverified};
use crate::journal::{
    DecodeFrameFailed, FIRST_OFFSET, JournalFailed, JournalReader, Position, Stored, is_last_segment,
    segment_path, unbegun_segment, unseal,
};
use crate::ledger::Ledger;
use crate::replay::replay;

/// What the journal yields.
pub(super) struct JournalCheck<'f> {
    pub(super) ledger: Ledger,
    pub(super) tree: TileTree,
    pub(super) files: RegistryCheck,
    /// The roots at the sizes that were asked for.
    pub(super) roots: BTreeMap<u64, Digest>,
    folder: PathBuf,
    audit: RegistryAudit,
    wanted: BTreeSet<u64>,
    bundle: Vec<Vec<u8>>,
    signatures: Signatures,
    /// Values that a withdrawal in the journal erases, and those whose key is gone.
    erased: BTreeSet<Position>,
    emptied: BTreeMap<Position, u64>,
    findings: &'f mut Findings,
}

/// What makes it useless to read on: the frame, and what is wrong with it.
struct Broken {
    place: Place,
    what: Words,
}

impl<'f> JournalCheck<'f> {
    pub(super) fn new(
        folder: &Path,
        (issuer, origin): (&Issuer, &str),
        files: RegistryCheck,
        wanted: BTreeSet<u64>,
        findings: &'f mut Findings,
    ) -> Self {
        Self {
            ledger: Ledger::new(issuer.clone(), origin),
            tree: TileTree::new(),
            files,
            roots: BTreeMap::new(),
            folder: folder.to_owned(),
            audit: RegistryAudit::new(origin, issuer.clone()),
            wanted,
            bundle: Vec::new(),
            signatures: Signatures::default(),
            erased: BTreeSet::new(),
            emptied: BTreeMap::new(),
            findings,
        }
    }

    /// Reads all frames, or those before the first that is damaged; `signed` entries must be there.
    pub(super) fn run(&mut self, signed: u64, progress: &mut dyn FnMut(u64)) {
        self.note_root();
        match JournalReader::from_start(&self.folder) {
            Ok(mut reader) => self.read(&mut reader, signed, progress),
            Err(failed) => self.report(&failed, signed),
        }
        let unsigned = self.signatures.verify();
        self.report_unsigned(unsigned);
        self.check_erasures();
        self.finish_files();
        let held = self.tree.size();
        if held < signed {
            let folder = self.folder.clone();
            self.findings.damage(&folder, Place::entry(held), Words::new(
                format!("日志账本可读 {held} 条，而已签 {signed} 条：枢纽不会打开。请从较新的备份恢复"),
                format!("{held} entries can be read and {signed} were signed: the hub will not open. restore a later backup"),
            ));
        }
    }

    fn read(&mut self, reader: &mut JournalReader, signed: u64, progress: &mut dyn FnMut(u64)) {
        loop {
            match reader.next_frame() {
                Ok(None) => return,
                Ok(Some(stored)) => {
                    let file = segment_path(&self.folder, stored.position.segment);
                    if let Err(Broken { place, what }) = self.take(&stored) {
                        self.findings.damage(&file, place, what);
                        return;
                    }
                    progress(self.tree.size());
                }
                Err(failed) => return self.report(&failed, signed),
            }
        }
    }

    fn take(&mut self, stored: &Stored) -> Result<(), Broken> {
        let (frame, index) = (&stored.frame, self.tree.size());
        let place = Place::at(stored.position.offset).of(index);
        let broken = |zh: String, en: String| Broken { place, what: Words::new(zh, en) };
        let begins_segment = stored.position.offset == FIRST_OFFSET;
        if frame.index != index || (begins_segment && stored.position.segment != index) {
            let (found, segment) = (frame.index, stored.position.segment);
            return Err(broken(
                format!("应为第 {index} 条，却是第 {found} 条（段 {segment}）"),
                format!("entry {index} should come, and {found} does (segment {segment})"),
            ));
        }
        let statement = Statement::parse(&frame.jwt).map_err(|failed| {
            broken(format!("声明格式错误：{failed}"), format!("its statement is malformed: {failed}"))
        })?;
        self.check_signature(stored, &statement).map_err(|what| Broken { place, what })?;
        self.check_values(stored, place);
        let entry = Entry::of(&statement).encode();
        self.audit.next(&entry).map_err(|failed| {
            let why = chain_of(&failed.source);
            broken(format!("条目不应在此处：{why}"), format!("the entry does not belong here: {why}"))
        })?;
        let replayed = replay(&mut self.ledger, stored).map_err(|failed| {
            let why = chain_of(&failed.source);
            broken(format!("不能重放：{why}"), format!("it cannot be replayed: {why}"))
        })?;
        self.erased.extend(replayed.erased);
        self.grow(entry).map_err(|failed| broken(failed.to_string(), failed.to_string()))
    }

    /// The hub's public statements are verified by the audit itself.
    fn check_signature(&mut self, stored: &Stored, statement: &Statement<'_>) -> Result<(), Words> {
        let issuer = &statement.envelope.iss;
        if matches!(issuer, Issuer::Hub(_)) {
            return Ok(());
        }
        let index = stored.frame.index;
        let kid = statement.key_id().unwrap_or_default();
        let Some(key) = self.audit.directory().key_at(issuer, kid, index).copied() else {
            return Err(Words::new(
                format!("签名密钥 {kid} 在此处无效"),
                format!("the key {kid} that signed it was not valid here"),
            ));
        };
        let (position, jwt) = (stored.position, stored.frame.jwt.clone());
        let unsigned = self.signatures.add(Unverified { index, position, jwt, key });
        self.report_unsigned(unsigned);
        Ok(())
    }

    fn report_unsigned(&mut self, unsigned: Vec<(u64, Position)>) {
        for (index, position) in unsigned {
            let file = segment_path(&self.folder, position.segment);
            let what = Words::new("声明的签名不成立", "the signature of its statement does not hold");
            self.findings.damage(&file, Place::at(position.offset).of(index), what);
        }
    }

    /// The key slot is outside the frame's checksum: its values must open, or have been erased.
    fn check_values(&mut self, stored: &Stored, place: Place) {
        let frame = &stored.frame;
        let file = segment_path(&self.folder, stored.position.segment);
        if frame.sealed.is_empty() && !frame.key.is_none() {
            let what = Words::new(
                "没有披露值，密钥槽却不为零",
                "it holds no values, and yet its key slot is not empty",
            );
            self.findings.damage(&file, place, what);
        } else if frame.key.is_none() && !frame.sealed.is_empty() {
            self.emptied.insert(stored.position, frame.index);
        } else if unseal(frame).is_err() {
            let what = Words::new(
                "披露值无法解开：密钥槽或密文已损坏",
                "its values do not open: key slot or ciphertext is damaged",
            );
            self.findings.damage(&file, place, what);
        }
    }

    fn check_erasures(&mut self) {
        for (position, index) in &self.emptied {
            if !self.erased.contains(position) {
                let file = segment_path(&self.folder, position.segment);
                let what = Words::new(
                    "披露值被抹去，却没有撤回它的声明",
                    "its values are erased, and no statement withdraws them",
                );
                self.findings.damage(&file, Place::at(position.offset).of(*index), what);
            }
        }
        for position in self.erased.iter().filter(|position| !self.emptied.contains_key(position)) {
            let what = Words::new(
                "已撤回的披露值尚未抹去：下次启动时抹去",
                "values that were withdrawn are not erased yet: the next start erases them",
            );
            let file = segment_path(&self.folder, position.segment);
            self.findings.note(&file, Place::at(position.offset), what);
        }
    }

    fn grow(&mut self, entry: Vec<u8>) -> Result<(), TileTreeFailed> {
        let leaf = hash_leaf(&entry);
        self.bundle.push(entry);
        let (files, findings) = (&mut self.files, &mut *self.findings);
        self.tree.append(leaf, |tile| {
            files.check_tile(tile, findings);
            Ok::<(), TileTreeFailed>(())
        })?;
        if self.bundle.len() == 256 {
            let index = (self.tree.size() / 256).saturating_sub(1);
            self.files.check_bundle(index, &self.bundle, self.findings);
            self.bundle.clear();
        }
        self.note_root();
        Ok(())
    }

    fn note_root(&mut self) {
        if self.wanted.contains(&self.tree.size()) {
            self.roots.extend(self.tree.root().ok().map(|root| (self.tree.size(), root)));
            self.files.check_right_edge(&self.tree, self.findings);
        }
    }

    /// What is not full at the end, and what belongs to no tree.
    fn finish_files(&mut self) {
        if !self.bundle.is_empty() {
            self.files.check_bundle(self.tree.size() / 256, &self.bundle, self.findings);
        }
        for tile in self.tree.partial_tiles().unwrap_or_default() {
            self.files.check_tile(&tile, self.findings);
        }
        self.files.check_strays(self.tree.size(), self.findings);
    }

    fn report(&mut self, failed: &JournalFailed, signed: u64) {
        let index = self.tree.size();
        match failed {
            JournalFailed::Damaged { path, offset, source } => {
                let place = Place::at(*offset).of(index);
                let is_last = is_last_segment(&self.folder, path).unwrap_or(false);
                if *source == DecodeFrameFailed::Short && index >= signed && is_last {
                    let what = Words::new(
                        "最后一帧不完整：下次启动时截去，尚未签入检查点",
                        "the last frame is cut short: the next start cuts it off; it was never signed over",
                    );
                    self.findings.note(path, place, what);
                } else {
                    let why = chain_of(failed);
                    self.findings.damage(path, place, Words::new(format!("帧已损坏：{source}"), why));
                }
            }
            JournalFailed::Format { path }
            | JournalFailed::Io { path, .. }
            | JournalFailed::OutOfOrder { path, .. } => {
                let unbegun = unbegun_segment(&self.folder, signed).ok().flatten();
                if unbegun.as_ref() == Some(path) {
                    let what = Words::new(
                        "此段尚无一帧：下次启动时删去",
                        "the segment holds no frame yet: the next start removes it",
                    );
                    return self.findings.note(path, Place::default(), what);
                }
                let why = chain_of(failed);
                self.findings.damage(path, Place::entry(index), Words::new(format!("不能读取：{why}"), why));
            }
        }
    }
}
