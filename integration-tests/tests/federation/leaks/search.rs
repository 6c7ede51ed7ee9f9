//! Searching bytes as an attacker would: raw, base64-decoded as deep as it goes, and JSON-unescaped.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use safeharbor_core::b64;
use sha2::{Digest as _, Sha256};

/// How many bytes of a needle are looked up at every place: the length of the shortest, a month.
const START: usize = 7;

/// Bytes and everything that can be decoded from them.
pub(super) struct Haystack(Vec<Vec<u8>>);

impl Haystack {
    pub(super) fn of(bytes: &[u8]) -> Self {
        let mut hay = Self(Vec::new());
        hay.add(bytes);
        hay
    }

    pub(super) fn add(&mut self, bytes: &[u8]) {
        self.add_decoded(bytes.to_vec(), 3);
    }

    fn add_decoded(&mut self, bytes: Vec<u8>, depth: u8) {
        if depth > 0 {
            let mut decoded = Vec::new();
            for run in bytes.split(|byte| !(byte.is_ascii_alphanumeric() || b"-_+/=".contains(byte))) {
                decode_run(run, &mut decoded);
            }
            if !decoded.is_empty() {
                self.add_decoded(decoded, depth - 1);
            }
        }
        self.0.push(unescape(&bytes));
        self.0.push(bytes);
    }

    /// Which of the needles are there, by their place in the list. All are searched for in one pass, since there are
    /// thousands; each must have [`START`] bytes.
    pub(super) fn find(&self, needles: &[Vec<u8>]) -> BTreeSet<usize> {
        let mut by_start: HashMap<&[u8], Vec<usize>> = HashMap::new();
        for (place, needle) in needles.iter().enumerate() {
            by_start.entry(needle.get(..START).expect("a needle long enough")).or_default().push(place);
        }
        // Nearly every place fails at its first three bytes.
        let mut begins = vec![false; 1 << 24];
        by_start.keys().for_each(|start| begins[first_three(start)] = true);
        let mut found = BTreeSet::new();
        for hay in &self.0 {
            for (at, start) in hay.windows(START).enumerate() {
                if !begins[first_three(start)] {
                    continue;
                }
                let Some(places) = by_start.get(start) else { continue };
                found.extend(places.iter().filter(|&&place| hay[at..].starts_with(&needles[place])));
            }
        }
        found
    }
}

fn first_three(bytes: &[u8]) -> usize {
    usize::from(bytes[0]) << 16 | usize::from(bytes[1]) << 8 | usize::from(bytes[2])
}

/// Decodes a run of base64 characters at each of the four alignments, in either alphabet.
fn decode_run(run: &[u8], decoded: &mut Vec<u8>) {
    let Ok(text) = std::str::from_utf8(run) else { return };
    if text.len() < 12 {
        return;
    }
    let text = text.replace('+', "-").replace('/', "_").replace('=', "");
    for skip in 0..4.min(text.len()) {
        let part = &text[skip..];
        let whole = &part[..part.len() / 4 * 4];
        decoded.extend(b64::decode_url(part).or_else(|_| b64::decode_url(whole)).unwrap_or_default());
        decoded.push(b'\n');
    }
}

/// Resolves `\uXXXX` and the short escapes of JSON.
fn unescape(bytes: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(bytes);
    let mut plain = String::with_capacity(text.len());
    let mut rest = text.as_ref();
    while let Some((before, after)) = rest.split_once('\\') {
        plain.push_str(before);
        let code = after.strip_prefix('u').and_then(|hex| u32::from_str_radix(hex.get(..4)?, 16).ok());
        if let Some(character) = code.and_then(char::from_u32) {
            plain.push(character);
            rest = &after[5..];
        } else {
            rest = after;
        }
    }
    plain.push_str(rest);
    plain.into_bytes()
}

/// A secret and its SHA-256 in the forms it could have leaked in.
pub(super) fn forms(value: &str) -> Vec<(&'static str, Vec<u8>)> {
    let hash = Sha256::digest(value.as_bytes()).to_vec();
    let hex: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    vec![
        ("the text", value.as_bytes().to_vec()),
        ("the SHA-256 in base64url", b64::encode_url(&hash).into_bytes()),
        ("the SHA-256 in hexadecimal", hex.into_bytes()),
        ("the SHA-256", hash),
    ]
}

/// The DATA frames of HTTP/2 connections, joined: gRPC messages as the other side reads them (RFC 9113 section 4.1).
pub(super) fn http2_data(bytes: &[u8]) -> Vec<u8> {
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    let mut rest = bytes.strip_prefix(preface).expect("an HTTP/2 connection");
    let mut data = Vec::new();
    while let Some((header, after)) = rest.split_first_chunk::<9>() {
        let length = usize::from(header[0]) << 16 | usize::from(header[1]) << 8 | usize::from(header[2]);
        let (payload, next) = after.split_at_checked(length).expect("whole frames");
        if header[3] == 0 {
            data.extend_from_slice(payload);
        }
        rest = next.strip_prefix(preface).unwrap_or(next);
    }
    assert!(!data.is_empty());
    data
}

/// Every byte of every file in a folder.
pub(super) fn folder_bytes(folder: &Path) -> Vec<u8> {
    let mut all = Vec::new();
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        if path.is_dir() {
            all.extend(folder_bytes(&path));
        } else if path.is_file() && path.extension().is_none_or(|end| end != "reserve") {
            all.extend(std::fs::read(&path).unwrap());
            all.push(b'\n');
        }
    }
    all
}
