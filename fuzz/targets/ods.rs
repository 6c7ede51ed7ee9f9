//! Any bytes as the target `ods`, see src/entries.rs.
#![no_main]

#[path = "../src/entries.rs"]
mod entries;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| entries::ods(bytes));
