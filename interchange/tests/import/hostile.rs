//! Files that are no tables: refused with a reason, before one row is stored, and never a panic.

use proptest::prelude::*;

use crate::fixture::{ACHIEVEMENTS, HEADER, MemoryStore, explain, import_bytes};

fn check(bytes: &[u8], wanted: &str) {
    let mut store = MemoryStore::default();
    let error = import_bytes(bytes, ACHIEVEMENTS, &mut store).unwrap_err();
    let text = explain(&error);
    assert!(text.contains(wanted), "{text:?} does not say {wanted:?}");
    assert!(store.records.is_empty(), "half imported");
}

fn behind_good_rows(tail: &[u8]) -> Vec<u8> {
    let good: String = (0..5_000).map(|n| format!("A-{n},名,公开,1,,,\n")).collect();
    [HEADER.as_bytes(), good.as_bytes(), tail].concat()
}

#[test]
fn what_is_not_a_table_is_refused_as_a_whole() {
    check(b"", "empty");
    check(b"\r\n\n  \n", "empty");
    check("\u{feff}".as_bytes(), "empty");
    check(b"PK\x03\x04xxxx", "workbook");
    check(&behind_good_rows(b"A-x,\0,,,,,\n"), "a NUL byte at byte 113964, line 5002");
    check(&behind_good_rows(b"A-x,\xFF\xFE,,,,,\n"), "line 5002 is not UTF-8");
    check(
        &behind_good_rows(b"A-x,\"b,,,,,\nc\n"),
        "the quotation mark opened in row 5002 (line 5002) is never closed",
    );
    check(&behind_good_rows(",".repeat(5_000).as_bytes()), "row 5002 (line 5002) has more than 4096 columns");
    check(
        &behind_good_rows("x".repeat(2 << 20).as_bytes()),
        "a cell of row 5002 (line 5002) is longer than 1 MiB",
    );
}

#[test]
fn a_big5_file_is_not_taken_for_gbk() {
    let big5 =
        encoding_rs::BIG5.encode("編號,名稱,密級\n1,技術移轉中心與專利權讓與契約,公開\n").0.into_owned();
    check(&big5, "looks like Big5");
}

#[test]
fn a_header_row_that_is_not_there_is_named() {
    let mut store = MemoryStore::default();
    let text = format!("header_row = 9\n{ACHIEVEMENTS}");
    let error = import_bytes(HEADER.as_bytes(), &text, &mut store).unwrap_err();
    assert!(explain(&error).contains("row 9 should hold the column headers"), "{}", explain(&error));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let outcome = import_bytes(&bytes, ACHIEVEMENTS, &mut MemoryStore::default());
        prop_assert!(outcome.is_ok_and(|report| report.rows == report.new + report.refused) || !bytes.starts_with(HEADER.as_bytes()));
    }

    #[test]
    fn no_rows_panic_and_every_row_is_counted_once(rows in "([A0-9,\"\n公开秘密.Ee%年月日/\\-]|公开,){0,200}") {
        let mut store = MemoryStore::default();
        let text = format!("{HEADER}{rows}");
        if let Ok(report) = import_bytes(text.as_bytes(), ACHIEVEMENTS, &mut store) {
            prop_assert_eq!(report.rows, report.new + report.refused);
            prop_assert_eq!(u64::try_from(store.records.len()).unwrap(), report.new);
        }
    }
}
