//! Six words for a key, which two people read to each other over another channel: 66 bits of its thumbprint.
//!
//! The words are those of BIP 39, in English and, for the same bits, in Chinese (simplified, one character a word).

use std::fmt;

use bip39::Language;
use safeharbor_core::digest::Digest;
use safeharbor_core::key::PublicKey;

const WORDS: usize = 6;
const BITS_PER_WORD: usize = 11;

/// The words of one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyWords {
    english: [&'static str; WORDS],
    chinese: [&'static str; WORDS],
}

impl KeyWords {
    /// The words of a key.
    #[must_use]
    pub fn of(key: &PublicKey) -> Self {
        Self::of_thumbprint(&key.thumbprint())
    }

    /// The words of the key with this thumbprint: its first 66 bits.
    #[must_use]
    pub fn of_thumbprint(thumbprint: &Digest) -> Self {
        let mut positions = [0_usize; WORDS];
        let bits = thumbprint.as_bytes().iter().flat_map(|byte| (0..8).rev().map(move |at| (byte >> at) & 1));
        for (at, bit) in bits.take(WORDS * BITS_PER_WORD).enumerate() {
            if let Some(position) = positions.get_mut(at / BITS_PER_WORD) {
                *position = (*position << 1) | usize::from(bit);
            }
        }
        let words = |language: Language| positions.map(|at| word(language, at));
        Self { english: words(Language::English), chinese: words(Language::SimplifiedChinese) }
    }

    /// In English, with spaces between.
    #[must_use]
    pub fn english(&self) -> String {
        self.english.join(" ")
    }

    /// In Chinese, with spaces between.
    #[must_use]
    pub fn chinese(&self) -> String {
        self.chinese.join(" ")
    }

    /// Whether a person typed these words, in either language; spaces, commas and capitals do not matter.
    #[must_use]
    pub fn are(&self, typed: &str) -> bool {
        let separators = |c: char| c.is_whitespace() || matches!(c, ',' | '，' | '、' | '-' | '.' | '。');
        let typed: Vec<String> =
            typed.split(separators).filter(|word| !word.is_empty()).map(str::to_lowercase).collect();
        typed == self.english || typed.concat() == self.chinese.concat()
    }
}

/// 2,048 words are 11 bits, so there is always one.
fn word(language: Language, at: usize) -> &'static str {
    language.word_list().get(at).copied().unwrap_or_default()
}

impl fmt::Display for KeyWords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} / {}", self.chinese(), self.english())
    }
}

#[cfg(test)]
mod tests {
    use bip39::Mnemonic;

    use super::*;

    fn digest(first: &[u8]) -> Digest {
        let mut bytes = [0; 32];
        bytes[..first.len()].copy_from_slice(first);
        Digest::from_bytes(bytes)
    }

    #[test]
    fn the_words_are_those_of_bip_39_for_the_same_bits() {
        // A mnemonic of 128 bits begins with the same bits.
        for seed in 0..=255_u8 {
            let digest = Digest::of(&[seed]);
            let words = KeyWords::of_thumbprint(&digest);
            for (language, ours) in
                [(Language::English, words.english()), (Language::SimplifiedChinese, words.chinese())]
            {
                let mnemonic = Mnemonic::from_entropy_in(language, &digest.as_bytes()[..16]).unwrap();
                let theirs: Vec<&str> = mnemonic.words().take(6).collect();
                assert_eq!(ours, theirs.join(" "));
            }
        }
        assert_eq!(
            KeyWords::of_thumbprint(&digest(&[])).english(),
            "abandon abandon abandon abandon abandon abandon"
        );
    }

    #[test]
    fn any_of_66_bits_changes_them() {
        let base = Digest::of(b"key");
        for bit in 0..66 {
            let mut bytes = *base.as_bytes();
            bytes[bit / 8] ^= 0x80 >> (bit % 8);
            assert_ne!(
                KeyWords::of_thumbprint(&Digest::from_bytes(bytes)),
                KeyWords::of_thumbprint(&base),
                "{bit}"
            );
        }
    }

    #[test]
    fn typed_words_are_known_however_they_are_spaced() {
        let words = KeyWords::of_thumbprint(&Digest::of(b"key"));
        let chinese = words.chinese();
        let typed = [
            words.english().to_uppercase(),
            chinese.clone(),
            chinese.replace(' ', ""),
            chinese.replace(' ', "，"),
        ];
        for typed in typed {
            assert!(words.are(&format!(" {typed}\n")), "{typed}");
        }
        let other = KeyWords::of_thumbprint(&Digest::of(b"other"));
        let five = words.english().rsplit_once(' ').unwrap().0.to_owned();
        for wrong in [String::new(), five, other.english(), other.chinese()] {
            assert!(!words.are(&wrong), "{wrong}");
        }
    }
}
