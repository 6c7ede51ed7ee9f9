//! The rows of a store as a stream of bytes: `SHROWS` and a format number, then each row.
//!
//! A row: table (1 byte), length of the key (2 bytes, big-endian), length of the value (4 bytes), key, value.

use std::io::{self, Read, Write};
use std::ops::ControlFlow;

use crate::store::{
    Batch, KEY_BYTES_MAX, KEYS_PER_COMMIT_ADVISED, Store, StoreFailed, Table, VALUE_BYTES_MAX,
};

const MAGIC: &[u8; 8] = b"SHROWS\x00\x01";
/// Bytes of one commit while a store is filled.
const COMMIT_BYTES: usize = 4 * 1024 * 1024;

/// Rows could not be copied out.
#[derive(Debug, thiserror::Error)]
pub(super) enum CopyFailed {
    #[error(transparent)]
    Store(#[from] StoreFailed),
    #[error(transparent)]
    Write(#[from] io::Error),
}

/// Rows could not be taken in.
#[derive(Debug, thiserror::Error)]
pub(super) enum FillFailed {
    #[error(transparent)]
    Store(#[from] StoreFailed),
    #[error(transparent)]
    Read(#[from] io::Error),
    #[error("these are not the rows of a store")]
    Malformed,
}

/// Writes all rows of a store as of one moment, except those that are left out; says how many.
pub(super) fn copy(
    store: &dyn Store,
    leaves_out: &dyn Fn(Table, &[u8]) -> bool,
    out: &mut dyn Write,
) -> Result<u64, CopyFailed> {
    out.write_all(MAGIC)?;
    let mut count = 0_u64;
    let mut written = Ok(());
    store.snapshot(&mut |table, key, value| {
        if leaves_out(table, key) {
            return ControlFlow::Continue(());
        }
        written = write_row(out, table, key, value);
        count = count.saturating_add(1);
        if written.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    written?;
    Ok(count)
}

fn write_row(out: &mut dyn Write, table: Table, key: &[u8], value: &[u8]) -> io::Result<()> {
    let key_bytes = u16::try_from(key.len()).map_err(io::Error::other)?;
    let value_bytes = u32::try_from(value.len()).map_err(io::Error::other)?;
    out.write_all(&[table.0])?;
    out.write_all(&key_bytes.to_be_bytes())?;
    out.write_all(&value_bytes.to_be_bytes())?;
    out.write_all(key)?;
    out.write_all(value)
}

/// Fills an empty store; durable on return.
pub(super) fn fill(store: &dyn Store, input: &mut dyn Read) -> Result<(), FillFailed> {
    let mut input = io::BufReader::with_capacity(64 * 1024, input);
    let mut magic = [0; MAGIC.len()];
    input.read_exact(&mut magic)?;
    if magic != *MAGIC {
        return Err(FillFailed::Malformed);
    }
    let mut batch = Batch::new();
    while let Some((table, key, value)) = read_row(&mut input)? {
        batch.put(table, key, value);
        if batch.len() >= KEYS_PER_COMMIT_ADVISED || batch.bytes() >= COMMIT_BYTES {
            store.commit(std::mem::take(&mut batch))?;
        }
    }
    store.commit(batch)?;
    Ok(store.flush()?)
}

type OwnedRow = (Table, Vec<u8>, Vec<u8>);

/// None at the end.
fn read_row(input: &mut dyn Read) -> Result<Option<OwnedRow>, FillFailed> {
    let mut table = [0];
    if input.read(&mut table)? == 0 {
        return Ok(None);
    }
    let (mut key_bytes, mut value_bytes) = ([0; 2], [0; 4]);
    input.read_exact(&mut key_bytes)?;
    input.read_exact(&mut value_bytes)?;
    let key_bytes = usize::from(u16::from_be_bytes(key_bytes));
    let value_bytes = usize::try_from(u32::from_be_bytes(value_bytes)).unwrap_or(usize::MAX);
    if key_bytes > KEY_BYTES_MAX || value_bytes > VALUE_BYTES_MAX {
        return Err(FillFailed::Malformed);
    }
    let (mut key, mut value) = (vec![0; key_bytes], vec![0; value_bytes]);
    input.read_exact(&mut key)?;
    input.read_exact(&mut value)?;
    let [table] = table;
    Ok(Some((Table(table), key, value)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::store::{MemoryStore, Scan};

    #[test]
    fn a_store_is_filled_with_what_another_held() {
        let (one, other) = (MemoryStore::new(), MemoryStore::new());
        for number in 0..3000_u32 {
            let mut batch = Batch::new();
            let table = if number.is_multiple_of(2) { Table(0) } else { Table(255) };
            batch.put(table, number.to_be_bytes(), vec![7; (number % 300) as usize]);
            batch.put(Table(9), number.to_be_bytes(), *b"left out");
            one.commit(batch).unwrap();
        }
        let mut bytes = Vec::new();
        assert_eq!(copy(&one, &|table, _| table == Table(9), &mut bytes).unwrap(), 3000);
        fill(&other, &mut bytes.as_slice()).unwrap();
        for table in [Table(0), Table(255)] {
            assert_eq!(one.scan(&Scan::all(table)).unwrap(), other.scan(&Scan::all(table)).unwrap());
        }
        assert!(other.scan(&Scan::all(Table(9))).unwrap().is_empty());
        for cut in [0, 7, 9, 12, bytes.len() - 1] {
            assert!(fill(&MemoryStore::new(), &mut bytes.get(..cut).unwrap()).is_err(), "cut at {cut}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            drop(fill(&MemoryStore::new(), &mut bytes.as_slice()));
            drop(fill(&MemoryStore::new(), &mut [MAGIC.as_slice(), &bytes].concat().as_slice()));
        }
    }
}
