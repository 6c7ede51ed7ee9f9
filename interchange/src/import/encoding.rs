//! The encodings of text that are read, what was found out about a file's, and why one is refused.

mod detecting;
mod mixing;

use std::fmt;
use std::io;
use std::str::FromStr;

use encoding_rs::Decoder;

pub use detecting::detect;

/// The largest file read, in bytes.
pub const FILE_BYTES_MAX: u64 = 512 * 1024 * 1024;

/// An encoding this node reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8, with or without byte order mark.
    Utf8,
    /// GB18030, which contains GBK (CP936) and GB 2312: what Chinese editions of Excel write as "CSV".
    Gb18030,
    /// UTF-16, the lower byte first: what Excel writes as "Unicode text".
    Utf16Le,
    /// UTF-16, the higher byte first.
    Utf16Be,
    /// Windows-1252 (cp1252): what Western editions of Excel write as "CSV".
    Windows1252,
}

/// A name of no encoding this node reads.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("encoding {0:?} is not read here (auto, utf-8, gb18030, gbk, utf-16le, utf-16be, cp1252)")]
pub struct ParseEncodingFailed(pub String);

impl FromStr for Encoding {
    type Err = ParseEncodingFailed;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.to_ascii_lowercase().as_str() {
            "utf-8" | "utf8" => Ok(Self::Utf8),
            "gb18030" | "gbk" | "gb2312" | "cp936" => Ok(Self::Gb18030),
            "utf-16le" | "utf-16" | "utf16" | "utf16le" => Ok(Self::Utf16Le),
            "utf-16be" | "utf16be" => Ok(Self::Utf16Be),
            "cp1252" | "windows-1252" => Ok(Self::Windows1252),
            _ => Err(ParseEncodingFailed(text.to_owned())),
        }
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Utf8 => "UTF-8",
            Self::Gb18030 => "GB18030 (GBK)",
            Self::Utf16Le => "UTF-16LE",
            Self::Utf16Be => "UTF-16BE",
            Self::Windows1252 => "cp1252",
        })
    }
}

impl Encoding {
    pub(crate) fn decoder(self) -> Decoder {
        let encoding = match self {
            Self::Utf8 => encoding_rs::UTF_8,
            Self::Gb18030 => encoding_rs::GB18030,
            Self::Utf16Le => encoding_rs::UTF_16LE,
            Self::Utf16Be => encoding_rs::UTF_16BE,
            Self::Windows1252 => encoding_rs::WINDOWS_1252,
        };
        encoding.new_decoder_without_bom_handling()
    }

    /// The byte order mark that says so.
    fn mark(self) -> &'static [u8] {
        match self {
            Self::Utf8 => &[0xEF, 0xBB, 0xBF],
            Self::Utf16Le => &[0xFF, 0xFE],
            Self::Utf16Be => &[0xFE, 0xFF],
            Self::Gb18030 | Self::Windows1252 => &[],
        }
    }

    fn is_wide(self) -> bool {
        matches!(self, Self::Utf16Le | Self::Utf16Be)
    }
}

/// What was found out about a file's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Detected {
    /// The encoding under which every byte of the file decodes.
    pub encoding: Encoding,
    /// Whether the file starts with a byte order mark.
    pub bom: bool,
    /// The file's length.
    pub bytes: u64,
}

impl Detected {
    /// Where the text begins, in bytes from the start.
    pub(crate) fn text_start(&self) -> u64 {
        let mark = if self.bom { self.encoding.mark().len() } else { 0 };
        u64::try_from(mark).unwrap_or(0)
    }
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
    /// Lines of another encoding than the rest.
    #[error(
        "line {line} is UTF-8, but other lines are not: files of two encodings were put together; save each as \"CSV UTF-8\" first"
    )]
    Mixed {
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
        "this looks like {guess} rather than an encoding this node reads; save it again as \"CSV UTF-8\", or, if you know better, name the encoding"
    )]
    Unclear {
        /// The most likely encoding.
        guess: &'static str,
    },
    /// One encoding was asked for, the file's mark says another.
    #[error("the file carries the mark of {marked}, yet {forced} was asked for; leave the encoding on auto")]
    Contradicted {
        /// What the file says.
        marked: Encoding,
        /// What was asked for.
        forced: Encoding,
    },
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
        assert_eq!(check(&western, None), "cp1252 bom=false");
        assert!(check(b"PK\x03\x04....", None).contains("workbook"));
    }

    #[test]
    fn a_nul_byte_is_refused_with_its_line() {
        assert!(check(b"a,b\n1,\0\n", None).starts_with("a NUL byte at byte 6, line 2"));
        assert!(check(&[gbk("编号\n"), b"\n\0".to_vec()].concat(), None).contains("line 3"));
    }

    #[test]
    fn utf16_is_recognised_by_its_mark_or_by_its_empty_bytes() {
        let text = "编号,名称\r\nA-1,石墨烯散热膜\r\n";
        let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!(check(&[&[0xFF, 0xFE], little.as_slice()].concat(), None), "UTF-16LE bom=true");
        assert_eq!(check(&[&[0xFE, 0xFF], big.as_slice()].concat(), None), "UTF-16BE bom=true");
        assert_eq!(check(&little, None), "UTF-16LE bom=false");
        assert_eq!(check(&big, None), "UTF-16BE bom=false");
        assert_eq!(check(&little, Some(Encoding::Utf16Le)), "UTF-16LE bom=false");
        let lone = [&[0xFF, 0xFE], little.as_slice(), &[0, 0xD8, b'\n', 0]].concat();
        assert!(check(&lone, None).contains("on line 3 is not UTF-16LE"), "{}", check(&lone, None));
        let nul = [&[0xFF, 0xFE], little.as_slice(), &[0, 0]].concat();
        assert!(check(&nul, None).starts_with("a NUL byte at byte"), "{}", check(&nul, None));
        assert!(check(&little[..little.len() - 1], None).contains("NUL"));
        assert!(check(b"\xFF\xFEa\0", Some(Encoding::Utf8)).contains("the mark of UTF-16LE"));
    }

    #[test]
    fn western_text_is_told_from_chinese_and_refused_where_it_could_be_either() {
        let western = |text: &str| encoding_rs::WINDOWS_1252.encode(text).0.into_owned();
        let list = "no,name\n1,Société Générale de Génie\n2,Müller & Söhne GmbH\n3,Instituto Tecnológico\n";
        assert_eq!(check(&western(list), None), "cp1252 bom=false");
        assert_eq!(check(&western(list), Some(Encoding::Windows1252)), "cp1252 bom=false");
        assert!(check(b"a\x81b", Some(Encoding::Windows1252)).contains("byte 1 on line 1 is not cp1252"));
    }

    #[test]
    fn a_file_put_together_from_two_encodings_is_refused_with_the_line() {
        let lines = "A-1,石墨烯散热膜,公开\nA-2,量子芯片制备方法,公开\n";
        let mixed = [gbk(lines).as_slice(), "A-3,基于深度学习的检测方法,公开\n".as_bytes()].concat();
        assert!(check(&mixed, None).starts_with("line 3 is UTF-8, but"), "{}", check(&mixed, None));
        let western = |text: &str| encoding_rs::WINDOWS_1252.encode(text).0.into_owned();
        let mixed =
            [western("1,Société Générale\n2,Müller\n").as_slice(), "3,Générale\n".as_bytes()].concat();
        assert!(check(&mixed, None).starts_with("line 3 is UTF-8"), "{}", check(&mixed, None));
        let mixed = [lines.repeat(3).as_bytes(), gbk(lines).as_slice()].concat();
        assert!(check(&mixed, None).contains("on line 7 is not UTF-8"), "{}", check(&mixed, None));
    }

    #[test]
    fn names_of_encodings_parse() {
        for (name, encoding) in [
            ("GBK", Encoding::Gb18030),
            ("gb2312", Encoding::Gb18030),
            ("cp936", Encoding::Gb18030),
            ("GB18030", Encoding::Gb18030),
            ("utf-16le", Encoding::Utf16Le),
            ("Windows-1252", Encoding::Windows1252),
        ] {
            assert_eq!(name.parse(), Ok(encoding));
        }
        assert!("big5".parse::<Encoding>().is_err());
    }
}
