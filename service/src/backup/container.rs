//! The container itself: tar in gzip in age, written and read as a stream.

use std::io::{self, Cursor, Read, Write};
use std::iter;

use age::{Decryptor, Encryptor};
use flate2::Compression;
use flate2::bufread::GzDecoder;
use flate2::write::GzEncoder;

use super::content::Content;
use super::failure::{MakeFailed, ReadFailed};
use super::hashing::{HashingReader, to_hex};
use super::key::BackupKey;
use super::manifest::{Item, MANIFEST, MANIFEST_BYTES_MAX, Manifest};

/// The most files of one backup.
pub const MEMBERS_MAX: usize = 200_000;
/// A header for one recipient has some 200 bytes; one without end must not fill the memory.
const HEADER_BYTES_MAX: u64 = 16 * 1024;
/// What stands before the header's last line.
const HEADER_END: &[u8] = b"\n--- ";
/// What may follow the last member: the archive's end, padded to its block.
const TAIL_BYTES_MAX: u64 = 20 * 512;

/// A backup that is being written.
pub(super) struct ContainerWriter<W: Write> {
    archive: tar::Builder<GzEncoder<age::stream::StreamWriter<W>>>,
}

impl<W: Write> ContainerWriter<W> {
    /// Begins with the manifest; the files it names follow in its order.
    pub(super) fn begin(out: W, key: &BackupKey, manifest: &Manifest) -> Result<Self, MakeFailed> {
        let recipient = key.public();
        let encryptor = Encryptor::with_recipients(iter::once(&recipient as &dyn age::Recipient));
        let encrypted = encryptor.map_err(MakeFailed::Encrypt)?.wrap_output(out).map_err(writing)?;
        let mut archive = tar::Builder::new(GzEncoder::new(encrypted, Compression::new(3)));
        let mut bytes = serde_json::to_vec_pretty(manifest).map_err(MakeFailed::Manifest)?;
        bytes.push(b'\n');
        append(&mut archive, MANIFEST, bytes.len().try_into().unwrap_or(u64::MAX), bytes.as_slice())?;
        Ok(Self { archive })
    }

    /// Adds the file that comes next in the manifest.
    pub(super) fn add(&mut self, item: &Item, content: impl Read) -> Result<(), MakeFailed> {
        let mut hashing = HashingReader::new(content);
        append(&mut self.archive, &item.name, item.bytes, &mut hashing)?;
        let (bytes, digest) = hashing.finish();
        if bytes == item.bytes && to_hex(&digest) == item.sha256 {
            Ok(())
        } else {
            Err(MakeFailed::Changed { name: item.name.clone() })
        }
    }

    /// Ends the archive, the compression and the encryption; hands back what was written to.
    pub(super) fn finish(self) -> Result<W, MakeFailed> {
        let compressed = self.archive.into_inner().map_err(writing)?;
        compressed.finish().and_then(age::stream::StreamWriter::finish).map_err(writing)
    }
}

fn writing(source: io::Error) -> MakeFailed {
    MakeFailed::Io { step: "write", path: "the backup".into(), source }
}

/// A member that only its owner may read, without a time: the same content gives the same archive.
fn append<W: Write>(
    archive: &mut tar::Builder<W>,
    name: &str,
    bytes: u64,
    content: impl Read,
) -> Result<(), MakeFailed> {
    let mut header = tar::Header::new_ustar();
    header.set_path(name).map_err(writing)?;
    header.set_size(bytes);
    header.set_mode(0o600);
    header.set_entry_type(tar::EntryType::Regular);
    header.set_cksum();
    archive.append(&header, content).map_err(writing)
}

/// What [`read`] hands the files to.
pub type Taker<'t> = dyn FnMut(&Item, &mut dyn Read) -> Result<(), ReadFailed> + 't;

/// Reads a backup to its end: every file goes to `take` and is compared with the manifest afterwards, so what `take`
/// was given counts only if this returns the manifest. Memory does not grow with the files.
///
/// # Errors
/// Whatever is not as it was made, or what `take` answers.
pub fn read(
    input: impl Read,
    key: &BackupKey,
    content: &Content,
    take: &mut Taker<'_>,
) -> Result<Manifest, ReadFailed> {
    let mut encrypted = decrypt(input, key)?;
    let mut compressed = GzDecoder::new(io::BufReader::with_capacity(64 * 1024, &mut encrypted));
    let manifest = read_archive(&mut compressed, content, take)?;
    // Reading on to the end of each layer is what finds a file that was cut short.
    let mut tail = Vec::new();
    let read = compressed.by_ref().take(TAIL_BYTES_MAX + 1).read_to_end(&mut tail).map_err(ReadFailed::Io)?;
    let rest = io::copy(compressed.get_mut(), &mut io::sink()).map_err(ReadFailed::Io)?;
    let too_long = u64::try_from(read).unwrap_or(u64::MAX) > TAIL_BYTES_MAX;
    if too_long || rest > 0 || tail.iter().any(|byte| *byte != 0) {
        return Err(ReadFailed::Member {
            name: "the end".to_owned(),
            reason: "something follows the last file",
        });
    }
    Ok(manifest)
}

fn decrypt<R: Read>(mut input: R, key: &BackupKey) -> Result<impl Read + use<R>, ReadFailed> {
    let mut head = Vec::new();
    input.by_ref().take(HEADER_BYTES_MAX).read_to_end(&mut head).map_err(ReadFailed::Io)?;
    if !head.starts_with(b"age-encryption.org/v1\n")
        || !head.windows(HEADER_END.len()).any(|w| w == HEADER_END)
    {
        return Err(ReadFailed::NotEncrypted);
    }
    let decryptor = Decryptor::new(Cursor::new(head).chain(input)).map_err(ReadFailed::Decrypt)?;
    decryptor.decrypt(iter::once(key.identity() as &dyn age::Identity)).map_err(ReadFailed::Decrypt)
}

fn read_archive(input: impl Read, content: &Content, take: &mut Taker<'_>) -> Result<Manifest, ReadFailed> {
    let mut archive = tar::Archive::new(input);
    // Raw: no extension that makes names longer is followed, none is needed.
    let mut members = archive.entries().map_err(ReadFailed::Io)?.raw(true);
    let first = members.next().ok_or_else(|| missing(MANIFEST))?.map_err(ReadFailed::Io)?;
    let manifest = read_manifest(first, content)?;
    for item in &manifest.files {
        let member = members.next().ok_or_else(|| missing(&item.name))?.map_err(ReadFailed::Io)?;
        verify_header(&member, &item.name, item.bytes)?;
        let mut hashing = HashingReader::new(member);
        take(item, &mut hashing)?;
        hashing.drain().map_err(ReadFailed::Io)?;
        let (bytes, digest) = hashing.finish();
        if bytes != item.bytes || to_hex(&digest) != item.sha256 {
            return Err(ReadFailed::Member { name: item.name.clone(), reason: "its content is another" });
        }
    }
    match members.next() {
        None => Ok(manifest),
        Some(_) => {
            Err(ReadFailed::Member { name: "the end".to_owned(), reason: "the manifest does not name it" })
        }
    }
}

fn missing(name: &str) -> ReadFailed {
    ReadFailed::Member { name: name.to_owned(), reason: "it is missing" }
}

fn read_manifest<R: Read>(member: tar::Entry<'_, R>, content: &Content) -> Result<Manifest, ReadFailed> {
    let bytes = member.header().entry_size().map_err(ReadFailed::Io)?;
    if bytes > MANIFEST_BYTES_MAX {
        return Err(ReadFailed::Member { name: MANIFEST.to_owned(), reason: "it is too long" });
    }
    verify_header(&member, MANIFEST, bytes)?;
    let mut text = Vec::new();
    member.take(MANIFEST_BYTES_MAX).read_to_end(&mut text).map_err(ReadFailed::Io)?;
    Manifest::parse(&text, content)
}

/// A plain file of that name and length; never a link or a device.
fn verify_header<R: Read>(member: &tar::Entry<'_, R>, name: &str, bytes: u64) -> Result<(), ReadFailed> {
    let refused = |reason| ReadFailed::Member { name: name.to_owned(), reason };
    let header = member.header();
    if header.entry_type() != tar::EntryType::Regular {
        return Err(refused("it is no plain file"));
    }
    if header.path_bytes().as_ref() != name.as_bytes() {
        return Err(refused("another file stands in its place"));
    }
    if header.entry_size().map_err(ReadFailed::Io)? != bytes {
        return Err(refused("its length is another"));
    }
    Ok(())
}
