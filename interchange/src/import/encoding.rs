//! Which encoding a file is in: decided over the whole file, never by its first lines, and refused when unclear.

use std::fmt;
use std::io::{self, Read, Seek, SeekFrom};
use std::str::FromStr;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Decoder, DecoderResult};

/// The largest file read, in bytes.
pub const FILE_BYTES_MAX: u64 = 512 * 1024 * 1024;

const BLOCK_BYTES: usize = 64 * 1024;
/// This many characters of three or four bytes before the first fault tell UTF-8.
const UTF8_CHARACTERS_TELL: u64 = 8;
const DAMAGED: &str = "the file is damaged there or mixes encodings; save it again as \"CSV UTF-8\"";
const UTF8_BOM: &[u8] = &[0xEF, 0xBB, 0xBF];

/// An encoding this node reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8, with or without byte order mark.
    Utf8,
    /// GB18030, which contains GBK (CP936) and GB 2312: what Chinese editions of Excel write as "CSV".
    Gb18030,
}

/// A name of no encoding this node reads.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("encoding {0:?} is not read here (auto, utf-8, gb18030, gbk)")]
pub struct ParseEncodingFailed(pub String);

impl FromStr for Encoding {
    type Err = ParseEncodingFailed;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.to_ascii_lowercase().as_str() {
            "utf-8" | "utf8" => Ok(Self::Utf8),
            "gb18030" | "gbk" | "gb2312" | "cp936" => Ok(Self::Gb18030),
            _ => Err(ParseEncodingFailed(text.to_owned())),
        }
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Utf8 => "UTF-8",
            Self::Gb18030 => "GB18030 (GBK)",
        })
    }
}

impl Encoding {
    pub(crate) fn decoder(self) -> Decoder {
        match self {
            Self::Utf8 => encoding_rs::UTF_8.new_decoder_without_bom_handling(),
            Self::Gb18030 => encoding_rs::GB18030.new_decoder_without_bom_handling(),
        }
    }
}

/// What was found out about a file's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Detected {
    /// The encoding under which every byte of the file decodes.
    pub encoding: Encoding,
    /// Whether the file starts with the UTF-8 byte order mark.
    pub bom: bool,
    /// The file's length.
    pub bytes: u64,
}

/// A file whose text cannot be read with certainty.
#[derive(Debug, thiserror::Error)]
pub enum DetectFailed {
    /// The disk failed.
    #[error("the file cannot be read")]
    Read(#[from] io::Error),
    /// Longer than [`FILE_BYTES_MAX`].
    #[error("the file has {bytes} bytes, more than the {FILE_BYTES_MAX} this node reads; split it")]
    TooLarge {
        /// Its length.
        bytes: u64,
    },
    /// A NUL byte, which no table saved as text holds.
    #[error(
        "a NUL byte at byte {offset}, line {line}: this is not a text file, or it is damaged; save the table again as \"CSV UTF-8\""
    )]
    Nul {
        /// Byte offset from the start, 0-based.
        offset: u64,
        /// Physical line, 1-based.
        line: u64,
    },
    /// An Excel workbook or another container, not text.
    #[error("this is {what}, not a CSV file; open it and save the sheet as \"CSV UTF-8\"")]
    NotText {
        /// What the first bytes say it is.
        what: &'static str,
    },
    /// Bytes that do not exist in the encoding.
    #[error("byte {offset} on line {line} is not {encoding}; {advice}")]
    Malformed {
        /// The encoding named by the mapping, the byte order mark or the guess.
        encoding: Encoding,
        /// Byte offset from the start, 0-based.
        offset: u64,
        /// Physical line, 1-based.
        line: u64,
        /// What to do about it.
        advice: &'static str,
    },
    /// The bytes decode, but look like text of another encoding.
    #[error(
        "this looks like {guess} rather than UTF-8 or GBK; save it again as \"CSV UTF-8\", or, if you know better, name the encoding"
    )]
    Unclear {
        /// The most likely encoding.
        guess: &'static str,
    },
    /// A GB encoding was asked for, the file says UTF-8.
    #[error("the file carries the UTF-8 mark, yet {forced} was asked for; leave the encoding on auto")]
    Contradicted {
        /// What was asked for.
        forced: Encoding,
    },
}

/// Decides the encoding of everything in `file`, or checks the `forced` one.
///
/// # Errors
/// A file that is too long, not text, or not wholly in one encoding this node reads.
pub fn detect<R: Read + Seek>(file: &mut R, forced: Option<Encoding>) -> Result<Detected, DetectFailed> {
    let bytes = file.seek(SeekFrom::End(0))?;
    if bytes > FILE_BYTES_MAX {
        return Err(DetectFailed::TooLarge { bytes });
    }
    let bom = starts_as_text(file)?;
    let encoding = match forced {
        Some(forced) if bom && forced != Encoding::Utf8 => return Err(DetectFailed::Contradicted { forced }),
        Some(forced) => strict(file, forced, "the mapping or the command line names the wrong encoding")?,
        None if bom => strict(file, Encoding::Utf8, "the file says it is UTF-8 but is damaged there")?,
        None => guess(file)?,
    };
    Ok(Detected { encoding, bom, bytes })
}

fn starts_as_text<R: Read + Seek>(file: &mut R) -> Result<bool, DetectFailed> {
    let mut first = Vec::with_capacity(4);
    file.seek(SeekFrom::Start(0))?;
    file.take(4).read_to_end(&mut first)?;
    let what = match first.as_slice() {
        [b'P', b'K', 3, 4] => "an Excel or OpenDocument workbook",
        [0xD0, 0xCF, 0x11, 0xE0] => "an Excel 97 workbook",
        [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] => "text in UTF-16 (Excel's \"Unicode text\")",
        [b'%', b'P', b'D', b'F'] => "a PDF",
        _ => return Ok(first.starts_with(UTF8_BOM)),
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
    let Some(not_utf8) = first_malformed(file, Encoding::Utf8, |_, _| {})? else { return Ok(Encoding::Utf8) };
    // GBK text hardly ever looks like UTF-8 for long, so text that did is damaged UTF-8 even where GBK would read it.
    if count_before(file, not_utf8, |byte| (0xE0..=0xF4).contains(&byte))? >= UTF8_CHARACTERS_TELL {
        return Err(malformed(file, Encoding::Utf8, not_utf8, DAMAGED)?);
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    let not_gb = first_malformed(file, Encoding::Gb18030, |block, last| {
        detector.feed(block, last);
    })?;
    let hint = detector.guess(None, Utf8Detection::Deny);
    let looks_gb = hint == encoding_rs::GBK || hint == encoding_rs::GB18030;
    match not_gb {
        None if looks_gb => Ok(Encoding::Gb18030),
        None => Err(DetectFailed::Unclear { guess: hint.name() }),
        Some(offset) => Err(malformed(file, Encoding::Gb18030, offset, DAMAGED)?),
    }
}

fn malformed<R: Read + Seek>(
    file: &mut R,
    encoding: Encoding,
    offset: u64,
    advice: &'static str,
) -> Result<DetectFailed, DetectFailed> {
    Ok(DetectFailed::Malformed { encoding, offset, line: line_of(file, offset)?, advice })
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
        refuse_nul(file, bytes, offset)?;
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

fn refuse_nul<R: Read + Seek>(file: &mut R, bytes: &[u8], start: u64) -> Result<(), DetectFailed> {
    let Some(position) = bytes.iter().position(|&byte| byte == 0) else { return Ok(()) };
    let offset = start.saturating_add(size(position));
    Err(DetectFailed::Nul { offset, line: line_of(file, offset)? })
}

fn line_of<R: Read + Seek>(file: &mut R, offset: u64) -> Result<u64, DetectFailed> {
    Ok(count_before(file, offset, |byte| byte == b'\n')?.saturating_add(1))
}

fn count_before<R: Read + Seek>(
    file: &mut R,
    offset: u64,
    is_counted: impl Fn(u8) -> bool,
) -> Result<u64, DetectFailed> {
    file.seek(SeekFrom::Start(0))?;
    let mut before = file.take(offset);
    let mut block = vec![0; BLOCK_BYTES];
    let mut count = 0_u64;
    loop {
        let length = read_full(&mut before, &mut block)?;
        let bytes = block.get(..length).unwrap_or_default();
        count = count.saturating_add(size(bytes.iter().filter(|&&byte| is_counted(byte)).count()));
        if length < BLOCK_BYTES {
            return Ok(count);
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

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn gbk(text: &str) -> Vec<u8> {
        encoding_rs::GBK.encode(text).0.into_owned()
    }

    fn check(bytes: &[u8], forced: Option<Encoding>) -> String {
        match detect(&mut Cursor::new(bytes), forced) {
            Ok(found) => format!("{} bom={}", found.encoding, found.bom),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn utf8_is_recognised_with_and_without_bom() {
        assert_eq!(check(b"", None), "UTF-8 bom=false");
        assert_eq!(check(b"a,b\n1,2\n", None), "UTF-8 bom=false");
        assert_eq!(check("成果编号,成果名称\n".as_bytes(), None), "UTF-8 bom=false");
        assert_eq!(check("\u{feff}成果编号\n".as_bytes(), None), "UTF-8 bom=true");
    }

    #[test]
    fn gbk_is_recognised_without_a_flag() {
        assert_eq!(check(&gbk("成果编号,成果名称\r\nA-1,石墨烯散热膜\r\n"), None), "GB18030 (GBK) bom=false");
        assert_eq!(
            check(&gbk("2013,2012\r\n面向服务的未来互联网体系结构,?\r\n"), None),
            "GB18030 (GBK) bom=false"
        );
    }

    #[test]
    fn a_late_damaged_byte_is_found_and_its_line_named() {
        let bytes = "编号,名称\n".repeat(40_000).into_bytes();
        let offset = bytes.len();
        for late in [b"\xFF,x\n".to_vec(), gbk("成果,x\n")] {
            let text = check(&[bytes.as_slice(), &late].concat(), None);
            assert!(text.starts_with(&format!("byte {offset} on line 40001 is not UTF-8")), "{text}");
        }
        let text = check(&[gbk("成果编号,名称\n"), b"\xFF,x\n".to_vec()].concat(), None);
        assert!(text.starts_with("byte 14 on line 2 is not GB18030"), "{text}");
        assert!(check("\u{feff}名\n".as_bytes().get(..5).unwrap(), None).contains("byte 3 on line 1"));
    }

    #[test]
    fn a_forced_encoding_is_checked_not_believed() {
        assert_eq!(check(b"a,b\n", Some(Encoding::Gb18030)), "GB18030 (GBK) bom=false");
        assert!(check(&gbk("编号\n"), Some(Encoding::Utf8)).contains("byte 0 on line 1 is not UTF-8"));
        assert!(
            check("\u{feff}a".as_bytes(), Some(Encoding::Gb18030)).contains("leave the encoding on auto")
        );
    }

    #[test]
    fn other_encodings_are_refused_not_guessed() {
        let big5 = encoding_rs::BIG5.encode("成果編號,技術移轉中心與專利權讓與契約\n").0.into_owned();
        let western = encoding_rs::WINDOWS_1252.encode("name\nMüller-Thurgau\nRené Œuvré\n").0.into_owned();
        assert!(check(&big5, None).contains("looks like Big5"));
        assert!(check(&western, None).contains("is not GB18030"));
        assert!(check(b"\xFF\xFEa\0", None).contains("UTF-16"));
        assert!(check(b"PK\x03\x04....", None).contains("workbook"));
    }

    #[test]
    fn a_nul_byte_is_refused_with_its_line() {
        assert!(check(b"a,b\n1,\0\n", None).starts_with("a NUL byte at byte 6, line 2"));
        assert!(check(&[gbk("编号\n"), b"\n\0".to_vec()].concat(), None).contains("line 3"));
    }

    #[test]
    fn names_of_encodings_parse() {
        for name in ["GBK", "gb2312", "cp936", "GB18030"] {
            assert_eq!(name.parse(), Ok(Encoding::Gb18030));
        }
        assert!("big5".parse::<Encoding>().is_err());
    }
}
