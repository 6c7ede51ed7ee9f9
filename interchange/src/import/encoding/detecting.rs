//! Deciding over the whole file, never by its first lines, which encoding it is in.

use std::io::{self, Read, Seek, SeekFrom};

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::DecoderResult;

use super::mixing::{Wide, line_of_accents_in_utf8, lone_high_bytes, utf8_line, wide_without_mark};
use super::{DetectFailed, Detected, Encoding, FILE_BYTES_MAX};

const BLOCK_BYTES: usize = 64 * 1024;
/// This many characters of three or four bytes before the first fault tell UTF-8.
const UTF8_CHARACTERS_TELL: u64 = 8;
const DAMAGED: &str = "the file is damaged there or mixes encodings; save it again as \"CSV UTF-8\"";
const MARKED: [Encoding; 3] = [Encoding::Utf8, Encoding::Utf16Le, Encoding::Utf16Be];

/// Decides the encoding of everything in `file`, or checks the `forced` one.
///
/// # Errors
/// A file that is too long, not text, or not wholly in one encoding this node reads.
pub fn detect<R: Read + Seek>(file: &mut R, forced: Option<Encoding>) -> Result<Detected, DetectFailed> {
    let bytes = file.seek(SeekFrom::End(0))?;
    if bytes > FILE_BYTES_MAX {
        return Err(DetectFailed::TooLarge { bytes });
    }
    let marked = mark_of(file)?;
    let encoding = match (forced, marked) {
        (Some(forced), Some(marked)) if forced != marked => {
            return Err(DetectFailed::Contradicted { marked, forced });
        }
        (_, Some(marked)) => strict(file, marked, "the file says so itself but is damaged there")?,
        (Some(forced), None) => {
            strict(file, forced, "the mapping or the command line names the wrong encoding")?
        }
        (None, None) => guess(file)?,
    };
    Ok(Detected { encoding, bom: marked.is_some(), bytes })
}

/// The encoding a byte order mark names.
fn mark_of<R: Read + Seek>(file: &mut R) -> Result<Option<Encoding>, DetectFailed> {
    let mut first = Vec::with_capacity(4);
    file.seek(SeekFrom::Start(0))?;
    file.take(4).read_to_end(&mut first)?;
    let what = match first.as_slice() {
        [b'P', b'K', 3, 4] => "an Excel or OpenDocument workbook",
        [0xD0, 0xCF, 0x11, 0xE0] => "an Excel 97 workbook",
        [b'%', b'P', b'D', b'F'] => "a PDF",
        start => return Ok(MARKED.into_iter().find(|encoding| start.starts_with(encoding.mark()))),
    };
    Err(DetectFailed::NotText { what })
}

fn strict<R: Read + Seek>(
    file: &mut R,
    encoding: Encoding,
    advice: &'static str,
) -> Result<Encoding, DetectFailed> {
    match first_malformed(file, encoding, |_, _| {})? {
        None => Ok(encoding),
        Some(offset) => Err(malformed(file, encoding, offset, advice)?),
    }
}

fn guess<R: Read + Seek>(file: &mut R) -> Result<Encoding, DetectFailed> {
    if let Some(wide) = guess_wide(file)? {
        return Ok(wide);
    }
    let Some(not_utf8) = first_malformed(file, Encoding::Utf8, |_, _| {})? else { return Ok(Encoding::Utf8) };
    // GBK text hardly ever looks like UTF-8 for long, so text that did is damaged UTF-8 even where GBK would read it.
    if count_before(file, not_utf8, |byte| (0xE0..=0xF4).contains(&byte))? >= UTF8_CHARACTERS_TELL {
        return Err(malformed(file, Encoding::Utf8, not_utf8, DAMAGED)?);
    }
    if let Some(line) = from_start(file, utf8_line)? {
        return Err(DetectFailed::Mixed { line });
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    let not_gb = first_malformed(file, Encoding::Gb18030, |block, last| {
        detector.feed(block, last);
    })?;
    let hint = detector.guess(None, Utf8Detection::Deny);
    let looks_gb = hint == encoding_rs::GBK || hint == encoding_rs::GB18030;
    match not_gb {
        None if looks_gb => Ok(Encoding::Gb18030),
        _ if hint == encoding_rs::WINDOWS_1252 && is_western(file)? => {
            strict(file, Encoding::Windows1252, DAMAGED)
        }
        None => Err(DetectFailed::Unclear { guess: hint.name() }),
        Some(offset) => Err(malformed(file, Encoding::Gb18030, offset, DAMAGED)?),
    }
}

/// UTF-16 without its mark, where every other byte says so.
fn guess_wide<R: Read + Seek>(file: &mut R) -> Result<Option<Encoding>, DetectFailed> {
    let mut wide = Wide::default();
    from_start(file, |file| blocks(file, |block| wide.see(block)))?;
    let Some(encoding) = wide_without_mark(&wide) else { return Ok(None) };
    Ok(first_malformed(file, encoding, |_, _| {})?.is_none().then_some(encoding))
}

/// Whether letters above ASCII stand among plain ones, as accented letters do and Chinese characters do not.
fn is_western<R: Read + Seek>(file: &mut R) -> Result<bool, DetectFailed> {
    match from_start(file, line_of_accents_in_utf8)? {
        Some(line) => Err(DetectFailed::Mixed { line }),
        None => Ok(from_start(file, lone_high_bytes)?),
    }
}

fn from_start<R: Read + Seek, T>(file: &mut R, look: impl FnOnce(&mut R) -> io::Result<T>) -> io::Result<T> {
    file.seek(SeekFrom::Start(0))?;
    look(file)
}

fn malformed<R: Read + Seek>(
    file: &mut R,
    encoding: Encoding,
    offset: u64,
    advice: &'static str,
) -> Result<DetectFailed, DetectFailed> {
    Ok(DetectFailed::Malformed { encoding, offset, line: line_of(file, offset, encoding)?, advice })
}

/// Offset of the first byte that `encoding` does not allow; `see` is shown every block up to there.
fn first_malformed<R: Read + Seek>(
    file: &mut R,
    encoding: Encoding,
    mut see: impl FnMut(&[u8], bool),
) -> Result<Option<u64>, DetectFailed> {
    file.seek(SeekFrom::Start(0))?;
    let mut decoder = encoding.decoder();
    let mut block = vec![0; BLOCK_BYTES];
    let mut text = vec![0; BLOCK_BYTES * 3 + 16];
    let mut offset = 0_u64;
    loop {
        let length = read_full(file, &mut block)?;
        let bytes = block.get(..length).unwrap_or_default();
        let last = length < BLOCK_BYTES;
        see(bytes, last);
        refuse_nul(file, encoding, bytes, offset)?;
        if let Some(position) = undefined(encoding, bytes) {
            return Ok(Some(offset.saturating_add(size(position))));
        }
        let (result, read, _) = decoder.decode_to_utf8_without_replacement(bytes, &mut text, last);
        if let DecoderResult::Malformed(bad, behind) = result {
            let back = u64::from(bad).saturating_add(u64::from(behind));
            return Ok(Some(offset.saturating_add(size(read)).saturating_sub(back)));
        }
        offset = offset.saturating_add(size(length));
        if last {
            return Ok(None);
        }
    }
}

/// The five bytes that cp1252 leaves undefined, which the decoder takes for control characters.
fn undefined(encoding: Encoding, bytes: &[u8]) -> Option<usize> {
    let is_undefined = |byte: &u8| matches!(byte, 0x81 | 0x8D | 0x8F | 0x90 | 0x9D);
    (encoding == Encoding::Windows1252).then(|| bytes.iter().position(is_undefined)).flatten()
}

fn refuse_nul<R: Read + Seek>(
    file: &mut R,
    encoding: Encoding,
    bytes: &[u8],
    start: u64,
) -> Result<(), DetectFailed> {
    let position = if encoding.is_wide() {
        bytes.chunks_exact(2).position(|unit| unit == [0, 0]).map(|unit| unit.saturating_mul(2))
    } else {
        bytes.iter().position(|&byte| byte == 0)
    };
    let Some(position) = position else { return Ok(()) };
    let offset = start.saturating_add(size(position));
    Err(DetectFailed::Nul { offset, line: line_of(file, offset, encoding)? })
}

fn line_of<R: Read + Seek>(file: &mut R, offset: u64, encoding: Encoding) -> Result<u64, DetectFailed> {
    let count = if encoding.is_wide() {
        let line_break = if encoding == Encoding::Utf16Le { [b'\n', 0] } else { [0, b'\n'] };
        let mut count = 0_u64;
        file.seek(SeekFrom::Start(0))?;
        blocks(&mut file.take(offset), |block| {
            let breaks = block.chunks_exact(2).filter(|unit| *unit == line_break).count();
            count = count.saturating_add(size(breaks));
        })?;
        count
    } else {
        count_before(file, offset, |byte| byte == b'\n')?
    };
    Ok(count.saturating_add(1))
}

fn count_before<R: Read + Seek>(
    file: &mut R,
    offset: u64,
    is_counted: impl Fn(u8) -> bool,
) -> Result<u64, DetectFailed> {
    let mut count = 0_u64;
    file.seek(SeekFrom::Start(0))?;
    blocks(&mut file.take(offset), |block| {
        count = count.saturating_add(size(block.iter().filter(|&&byte| is_counted(byte)).count()));
    })?;
    Ok(count)
}

/// Shows all that is left of `input`; blocks but the last are of even length.
pub(super) fn blocks<R: Read>(input: &mut R, mut see: impl FnMut(&[u8])) -> io::Result<()> {
    let mut block = vec![0; BLOCK_BYTES];
    loop {
        let length = read_full(input, &mut block)?;
        see(block.get(..length).unwrap_or_default());
        if length < BLOCK_BYTES {
            return Ok(());
        }
    }
}

fn read_full<R: Read>(file: &mut R, block: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = block.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read(rest) {
            Ok(0) => break,
            Ok(length) => filled = filled.saturating_add(length),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

fn size(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
