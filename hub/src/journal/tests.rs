//! The journal's promises: whole groups, torn tails, damage, erasure.

use std::path::Path;

use proptest::prelude::*;

use super::*;

fn frame(index: u64, disclosures: &[&str]) -> Frame {
    let key = FrameKey::from_bytes([u8::try_from(index).unwrap() + 1; 32]);
    let disclosures: Vec<String> = disclosures.iter().map(|&d| d.to_owned()).collect();
    let sealed = seal(&disclosures, &key).unwrap();
    Frame {
        index,
        logged_ms: 1_700_000_000_000 + index,
        refused: None,
        jwt: format!("jwt{index}"),
        key,
        sealed,
    }
}

fn open(folder: &Path, intact: u64) -> Result<(Journal, Vec<Frame>), JournalFailed> {
    let mut frames = Vec::new();
    let journal = Journal::open(folder, intact, |stored| {
        frames.push(stored.frame);
        Ok::<_, JournalFailed>(())
    })?;
    Ok((journal, frames))
}

#[test]
fn what_was_appended_is_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let frames: Vec<_> = (0..5).map(|n| frame(n, &["WyJh", "WyJi"])).collect();
    let (mut journal, _) = open(folder.path(), 0).unwrap();
    journal.append(&frames[..2]).unwrap();
    journal.append(&frames[2..]).unwrap();
    drop(journal);
    let (journal, read) = open(folder.path(), 5).unwrap();
    assert_eq!((journal.next_index(), &read), (5, &frames));
    assert_eq!(unseal(&read[3]).unwrap().unwrap(), ["WyJh", "WyJi"]);
}

#[test]
fn a_journal_cut_at_any_byte_opens_and_keeps_every_whole_frame() {
    let whole = tempfile::tempdir().unwrap();
    let frames: Vec<_> = (0..4).map(|n| frame(n, &["WyJh"])).collect();
    let (mut journal, _) = open(whole.path(), 0).unwrap();
    let ends: Vec<u64> = frames
        .iter()
        .map(|frame| {
            journal.append(std::slice::from_ref(frame)).unwrap();
            std::fs::metadata(whole.path().join("00000000000000000000.journal")).unwrap().len()
        })
        .collect();
    let bytes = std::fs::read(whole.path().join("00000000000000000000.journal")).unwrap();
    for length in 0..=bytes.len() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("00000000000000000000.journal"), &bytes[..length]).unwrap();
        let whole_frames = ends.iter().filter(|end| **end <= length as u64).count();
        let (mut journal, read) = open(folder.path(), whole_frames as u64).unwrap();
        assert_eq!(read, frames[..whole_frames], "cut at {length}");
        let more = frame(whole_frames as u64, &[]);
        journal.append(std::slice::from_ref(&more)).unwrap();
        drop(journal);
        assert_eq!(open(folder.path(), 0).unwrap().1.len(), whole_frames + 1, "cut at {length}");
    }
}

#[test]
fn damage_below_the_signed_size_is_an_error_and_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let (mut journal, _) = open(folder.path(), 0).unwrap();
    let positions = journal.append(&[frame(0, &[]), frame(1, &[]), frame(2, &[])]).unwrap();
    drop(journal);
    let path = folder.path().join("00000000000000000000.journal");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[usize::try_from(positions[1].offset).unwrap() + 45] ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    assert!(matches!(open(folder.path(), 3), Err(JournalFailed::Damaged { .. })));
    assert_eq!(std::fs::read(&path).unwrap(), bytes, "nothing was cut");
}

#[test]
fn an_erased_frame_stays_sound_and_opens_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let (mut journal, _) = open(folder.path(), 0).unwrap();
    let positions = journal.append(&[frame(0, &["WyJh"]), frame(1, &["WyJi"])]).unwrap();
    journal.erase_keys(&positions[..1]).unwrap();
    drop(journal);
    let (_, read) = open(folder.path(), 2).unwrap();
    assert_eq!(unseal(&read[0]).unwrap(), None);
    assert_eq!(unseal(&read[1]).unwrap().unwrap(), ["WyJi"]);
}

#[test]
fn reading_can_begin_anywhere() {
    let folder = tempfile::tempdir().unwrap();
    let (mut journal, _) = open(folder.path(), 0).unwrap();
    let frames: Vec<_> = (0..9).map(|n| frame(n, &[])).collect();
    let positions = journal.append(&frames).unwrap();
    let mut reader = JournalReader::from_position(folder.path(), positions[6]).unwrap();
    let mut indexes = Vec::new();
    while let Some(stored) = reader.next_frame().unwrap() {
        indexes.push(stored.frame.index);
    }
    assert_eq!(indexes, [6, 7, 8]);
}

proptest! {
    #[test]
    fn decoding_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        drop(Frame::decode(&bytes));
    }

    #[test]
    fn any_flipped_bit_outside_the_key_slot_is_noticed(byte in 0_usize..400, bit in 0_u8..8) {
        let mut bytes = Vec::new();
        frame(7, &["WyJhIl0"]).encode_to(&mut bytes);
        let byte = byte % bytes.len();
        prop_assume!(!(8..40).contains(&byte));
        bytes[byte] ^= 1 << bit;
        prop_assert!(Frame::decode(&bytes).is_err());
    }
}

#[test]
fn a_copy_ends_behind_the_last_entry_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let frames: Vec<_> = (0..3).map(|n| frame(n, &["WyJh"])).collect();
    let (mut journal, _) = open(folder.path(), 0).unwrap();
    let path = folder.path().join("00000000000000000000.journal");
    let ends: Vec<u64> = frames
        .iter()
        .map(|frame| {
            journal.append(std::slice::from_ref(frame)).unwrap();
            std::fs::metadata(&path).unwrap().len()
        })
        .collect();
    std::fs::write(folder.path().join("00000000000000000003.journal"), b"just begun").unwrap();
    let lengths = |entries| {
        let lengths = durable_lengths(folder.path(), entries).unwrap();
        lengths.into_iter().map(|(_, bytes)| bytes).collect::<Vec<_>>()
    };
    for (entries, end) in (1..).zip(&ends) {
        assert_eq!(lengths(entries), [*end, 0]);
    }
    assert_eq!(lengths(0), [0, 0]);
    assert!(durable_lengths(folder.path(), 4).is_err(), "there is no fourth");
    assert!(durable_lengths(&folder.path().join("none"), 0).unwrap().is_empty());
}
