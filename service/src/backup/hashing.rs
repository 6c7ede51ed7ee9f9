//! Copying with a count and a hash of what went by.

use std::io::{self, Read, Write};

use safeharbor_core::digest::Digest;
use sha2::{Digest as _, Sha256};

/// Counts and hashes what is read from another reader.
pub(super) struct HashingReader<R> {
    inner: R,
    hasher: Sha256,
    bytes: u64,
}

impl<R: Read> HashingReader<R> {
    pub(super) fn new(inner: R) -> Self {
        Self { inner, hasher: Sha256::new(), bytes: 0 }
    }

    /// What was read so far.
    pub(super) fn finish(self) -> (u64, Digest) {
        (self.bytes, Digest::from_bytes(self.hasher.finalize().into()))
    }

    /// Reads whatever is left.
    pub(super) fn drain(&mut self) -> io::Result<()> {
        io::copy(self, &mut io::sink()).map(drop)
    }
}

impl<R: Read> Read for HashingReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.hasher.update(buffer.get(..read).unwrap_or_default());
        self.bytes = self.bytes.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
        Ok(read)
    }
}

/// Reads from another reader until a server is told to end: a backup of gigabytes must not hold that up.
pub(super) struct UnlessEnding<'s, R> {
    pub(super) inner: R,
    pub(super) is_ending: &'s dyn Fn() -> bool,
}

impl<R: Read> Read for UnlessEnding<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if (self.is_ending)() {
            return Err(io::Error::other("the server is ending"));
        }
        self.inner.read(buffer)
    }
}

/// Counts and hashes what is written to another writer.
pub(super) struct HashingWriter<W> {
    inner: W,
    hasher: Sha256,
    bytes: u64,
}

impl<W: Write> HashingWriter<W> {
    pub(super) fn new(inner: W) -> Self {
        Self { inner, hasher: Sha256::new(), bytes: 0 }
    }

    /// The other writer, and what was written to it.
    pub(super) fn finish(self) -> (W, u64, Digest) {
        (self.inner, self.bytes, Digest::from_bytes(self.hasher.finalize().into()))
    }
}

impl<W: Write> Write for HashingWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.hasher.update(bytes.get(..written).unwrap_or_default());
        self.bytes = self.bytes.saturating_add(u64::try_from(written).unwrap_or(u64::MAX));
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// A digest as `sha256sum` prints it.
pub(super) fn to_hex(digest: &Digest) -> String {
    digest.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}
