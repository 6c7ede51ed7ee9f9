//! Numbers and ids as people write them, brought into one form; the text itself is kept beside the record.

use safeharbor_core::digest::Digest;

use super::text::{fold, narrow};

/// Bytes of a digest that stand for a text; enough that two titles of one institution never meet.
const DIGEST_BYTES: usize = 8;

/// One way of bringing texts into one form. All of them first make full-width characters narrow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Normal {
    /// The digits alone.
    Digits,
    /// Letters and digits alone, in upper case: `CN 2018 1 0123456.X` becomes `CN201810123456X`.
    Alphanumeric,
    /// In upper case.
    Upper,
    /// In lower case.
    Lower,
    /// Without white space.
    Compact,
    /// A number made of the text: the first 16 hexadecimal digits of its SHA-256, width, case and white space aside.
    Digest,
}

impl Normal {
    pub(crate) const ALL: [Self; 6] =
        [Self::Digits, Self::Alphanumeric, Self::Upper, Self::Lower, Self::Compact, Self::Digest];

    /// Its name in a mapping.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Digits => "digits",
            Self::Alphanumeric => "alphanumeric",
            Self::Upper => "upper",
            Self::Lower => "lower",
            Self::Compact => "compact",
            Self::Digest => "digest",
        }
    }

    fn apply(self, text: &str) -> String {
        let text = narrow(text);
        match self {
            Self::Digits => text.chars().filter(char::is_ascii_digit).collect(),
            Self::Alphanumeric => {
                text.chars().flat_map(char::to_uppercase).filter(|c| c.is_alphanumeric()).collect()
            }
            Self::Upper => text.to_uppercase(),
            Self::Lower => text.to_lowercase(),
            Self::Compact => text.chars().filter(|c| !c.is_whitespace()).collect(),
            Self::Digest => digest(&text),
        }
    }
}

fn digest(text: &str) -> String {
    let digest = Digest::of(fold(text).as_bytes());
    digest.as_bytes().iter().take(DIGEST_BYTES).map(|byte| format!("{byte:02x}")).collect()
}

/// Applies `normals` one after the other.
pub(crate) fn normalise(text: &str, normals: &[Normal]) -> String {
    normals.iter().fold(text.to_owned(), |text, normal| normal.apply(&text))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(normals: &[Normal], text: &str, wanted: &str) {
        assert_eq!(normalise(text, normals), wanted, "{text:?}");
    }

    #[test]
    fn ids_written_in_many_ways_become_one() {
        for text in ["CN 2018 1 0123456.7", "ＣＮ201810123456.7", "cn201810123456．7"] {
            check(&[Normal::Alphanumeric], text, "CN2018101234567");
            check(&[Normal::Digits], text, "2018101234567");
        }
        check(&[Normal::Alphanumeric], "201810123456.X", "201810123456X");
        check(&[Normal::Digits], "12/474,430", "12474430");
        check(&[Normal::Compact, Normal::Upper], " 91110108ma01 abcd3x ", "91110108MA01ABCD3X");
        check(&[Normal::Lower], "Ａ-1", "a-1");
        check(&[Normal::Digits], "未知", "");
    }

    #[test]
    fn a_digest_stands_for_a_text_whatever_its_blanks() {
        let digest = |text| normalise(text, &[Normal::Digest]);
        assert_eq!(digest("2012／线路视频在线监测系统 "), digest("2012/线路视频在线 监测系统"));
        assert_ne!(digest("2012/线路视频在线监测系统"), digest("2011/线路视频在线监测系统"));
        assert_eq!(digest("").len(), 16);
    }

    proptest! {
        #[test]
        fn normalising_twice_is_normalising_once(text in "\\PC{0,30}", which in 0..5_usize) {
            let normal = [Normal::ALL[which]];
            let once = normalise(&text, &normal);
            prop_assert_eq!(normalise(&once, &normal), once);
        }
    }
}
