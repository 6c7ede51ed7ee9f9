//! Other people's implementations read our registry: a Merkle crate recomputes the root, a note crate the signature.

use sha2::Sha256;
use signed_note::{Note, StandardVerifier, VerifierList};

use crate::harness::{CODES, Federation};

/// Reads entry bundles by the letter of C2SP tlog-tiles, with nothing of our own code.
fn entries(federation: &Federation, size: usize) -> Vec<Vec<u8>> {
    let mut entries = Vec::new();
    for bundle in 0..size.div_ceil(256) {
        let width = (size - bundle * 256).min(256);
        let partial = if width < 256 { format!(".p/{width}") } else { String::new() };
        let path = federation.hub_data().join(format!("registry/tile/entries/{bundle:03}{partial}"));
        let bytes = std::fs::read(path).unwrap();
        let mut rest = bytes.as_slice();
        while let [high, low, after @ ..] = rest {
            let length = usize::from(u16::from_be_bytes([*high, *low]));
            entries.push(after[..length].to_vec());
            rest = &after[length..];
        }
    }
    entries
}

#[test]
fn independent_crates_accept_checkpoint_and_root() {
    let federation = Federation::start();
    let node = federation.add_node(CODES[2], "nonglin");
    for part in ["achievements", "deals", "enterprises", "ip-rights", "profile"] {
        node.import_sample("nonglin", part);
    }
    node.sync();
    let registry = federation.hub_data().join("registry");
    let checkpoint = std::fs::read_to_string(registry.join("checkpoint")).unwrap();
    let vkey = std::fs::read_to_string(registry.join("vkey")).unwrap();
    let verifier = StandardVerifier::new(vkey.trim()).unwrap();
    let note = Note::from_bytes(checkpoint.as_bytes()).unwrap();
    note.verify(&VerifierList::new(vec![Box::new(verifier)])).unwrap();

    let mut lines = checkpoint.lines().skip(1);
    let size: usize = lines.next().unwrap().parse().unwrap();
    let root = safeharbor_core::b64::decode_std(lines.next().unwrap()).unwrap();
    let mut tree = ct_merkle::mem_backed_tree::MemoryBackedTree::<Sha256, Vec<u8>>::new();
    for entry in entries(&federation, size) {
        tree.push(entry);
    }
    assert_eq!(tree.len(), size as u64);
    assert_eq!(tree.root().as_bytes().to_vec(), root);
}
