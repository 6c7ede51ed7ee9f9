//! What the ledger logs, refuses and counts.

use serde_json::Value;

use super::*;

const A: &str = "12100000400002259P";

fn dimensions(stage: &str) -> Dimensions {
    Dimensions { stage: Some(stage.to_owned()), ..Dimensions::default() }
}

fn counts(board: &Board) -> Vec<(String, u64)> {
    board.cells().map(|(cell, n)| (cell.dimensions.stage.clone().unwrap_or_default(), n)).collect()
}

#[test]
fn a_record_stands_in_one_cell_until_it_is_withdrawn() {
    let (code, kind): (InstitutionCode, KindId) = (A.parse().unwrap(), "ACH".parse().unwrap());
    let handle = RecordHandle::from_bytes([1; 16]);
    let at = |offset| Position { segment: 0, offset };
    let mut board = Board::default();
    board.disclose(code, handle, &kind, 1, &dimensions("initial"), Some(at(8)));
    assert_eq!(counts(&board), [("initial".to_owned(), 1)]);
    board.disclose(code, handle, &kind, 2, &dimensions("pilot"), Some(at(100)));
    assert_eq!(counts(&board), [("pilot".to_owned(), 1)]);
    assert_eq!(board.revision(code, handle), Some((kind, 2)));
    assert_eq!(board.withdraw(code, handle), [at(8), at(100)]);
    assert!(counts(&board).is_empty() && board.records() == 0);
    assert!(board.withdraw(code, handle).is_empty());
}

#[test]
fn dimensions_come_from_revealed_claims_only() {
    let (stage, month, long) = (Value::from("pilot"), Value::from("2025-03-09"), Value::from("x".repeat(65)));
    let claims = [("stage", &stage), ("public_since", &month), ("field", &long), ("price", &stage)];
    let read = Dimensions::read(&claims);
    let expected =
        Dimensions { stage: Some("pilot".into()), month: Some("2025-03".into()), ..Dimensions::default() };
    assert_eq!(read, expected);
}
