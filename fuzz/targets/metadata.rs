//! Any bytes as the target `metadata`, see src/entries.rs.
#![no_main]

#[path = "../src/entries.rs"]
mod entries;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| entries::metadata(bytes));
