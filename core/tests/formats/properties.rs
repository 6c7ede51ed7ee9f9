//! What holds of every input: round trips, no flipped bit is believed, no bytes make a parser panic.

use proptest::prelude::*;
use safeharbor_core::b64;
use safeharbor_core::checkpoint::{Checkpoint, verify_checkpoint};
use safeharbor_core::digest::Digest;
use safeharbor_core::key::Signer as _;
use safeharbor_core::merkle::{
    Frontier, hash_leaf, prove_consistency, prove_inclusion, verify_consistency, verify_inclusion,
};
use safeharbor_core::note::{SignatureLine, SignedNote, VerifierKey};
use safeharbor_core::policy::{Policy, PolicyBuilder};
use safeharbor_core::tile::{
    BundleId, TileHashes, TileId, bundles_between, decode_bundle, encode_bundle, tiles_between,
};
use safeharbor_core::tlog_proof::{TlogProof, verify_receipt};
use safeharbor_core::witness::AddCheckpoint;

use crate::tree::{self, Tree, entry, log_key, signer, witness_key};

fn flip(bytes: &[u8], bit: usize) -> Vec<u8> {
    let mut flipped = bytes.to_vec();
    flipped[bit / 8] ^= 1 << (bit % 8);
    flipped
}

fn flip_hash(hash: &Digest, bit: usize) -> Digest {
    Digest::try_from(flip(hash.as_bytes(), bit % 256).as_slice()).unwrap()
}

/// Flips one bit somewhere in a list of hashes.
fn flip_one(hashes: &[Digest], bit: usize) -> Vec<Digest> {
    let mut flipped = hashes.to_vec();
    let at = bit / 256 % hashes.len();
    flipped[at] = flip_hash(&hashes[at], bit);
    flipped
}

/// Runs every parser of the registry formats.
fn parse_all(bytes: &[u8]) {
    let note = SignedNote::parse(bytes);
    if let Ok(note) = note {
        assert_eq!(note.to_string().as_bytes(), bytes);
        note.verify(&[log_key(), witness_key(1)]).ok();
    }
    verify_checkpoint(bytes, &log_key()).ok();
    tree::policy(1).verify_checkpoint(bytes).ok();
    for width in [0, 1, 2, 255, 256, 257] {
        TileHashes::decode(bytes, width).ok();
        decode_bundle(bytes, width).ok();
    }
    parse_texts(&String::from_utf8_lossy(bytes));
}

/// Runs every parser of text; whatever is accepted prints as it was, or as what parses to the same.
fn parse_texts(text: &str) {
    let printed = [
        text.parse::<TlogProof>().map(|proof| proof.to_string()).ok(),
        text.parse::<AddCheckpoint>().map(|request| request.to_string()).ok(),
        text.parse::<SignatureLine>().map(|line| line.to_string()).ok(),
        text.parse::<TileId>().map(|tile| tile.to_string()).ok(),
        text.parse::<BundleId>().map(|bundle| bundle.to_string()).ok(),
    ];
    assert!(printed.iter().flatten().all(|printed| printed == text), "{text:?}");
    if let Ok(key) = text.parse::<VerifierKey>() {
        assert_eq!(key.to_string().parse(), Ok(key));
    }
    if let Ok(checkpoint) = text.parse::<Checkpoint>() {
        assert_eq!(checkpoint.to_string().parse(), Ok(checkpoint));
    }
    if let Ok(policy) = text.parse::<Policy>() {
        assert_eq!(policy.to_string().parse(), Ok(policy));
    }
}

/// Texts of every format, to be damaged.
fn samples() -> Vec<String> {
    let line = SignedNote::parse(tree::checkpoint(5, 0).as_bytes()).unwrap().signatures()[0].to_string();
    let receipt = TlogProof { extra: Some(vec![1, 2, 3]), ..tree::receipt(2, 5, 1) };
    let hub = b64::encode_std(signer(101).public_key().as_bytes());
    let hub = format!("# safeharbor hub-key https://hub.example {hub}\n");
    vec![
        tree::checkpoint(5, 2),
        receipt.to_string(),
        format!("{hub}{}", tree::policy(3)),
        log_key().to_string(),
        line,
        "tile/3/x001/x234/067.p/89".to_owned(),
        "tile/entries/x001/067".to_owned(),
    ]
}

proptest! {
    #[test]
    fn no_bytes_make_a_parser_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        parse_all(&bytes);
    }

    #[test]
    fn no_text_makes_a_parser_panic(text in "[ -~\n\t—+#=/x0-9a-f\u{4e2d}\u{2003}]{0,120}") {
        parse_all(text.as_bytes());
    }

    #[test]
    fn no_damaged_text_makes_a_parser_panic(
        sample in prop::sample::select(samples()), at in any::<prop::sample::Index>(), cut in 0..9_usize,
        paste in prop::collection::vec(any::<u8>(), 0..4),
    ) {
        let start = at.index(sample.len());
        let end = (start + cut).min(sample.len());
        parse_all(&[&sample.as_bytes()[..start], &paste, &sample.as_bytes()[end..]].concat());
    }

    #[test]
    fn no_sizes_or_lengths_make_a_proof_panic(
        one in any::<u64>(), two in any::<u64>(), length in 0..70_usize,
    ) {
        let hash = Digest::of(b"");
        let proof = vec![hash; length];
        prop_assert!(verify_inclusion(&hash, one, two, &proof, &hash).is_err() || (two == 1 && length == 0));
        prop_assert!(verify_consistency(one, two, &proof, &hash, &hash).is_err() || (one == two && length == 0));
        Frontier::from_right_edge(one, proof).ok();
        tiles_between(one, two).take(300).for_each(|tile| assert!(tile.width() > 0));
        bundles_between(one, two).take(300).for_each(|bundle| assert!(bundle.width() > 0));
    }

    #[test]
    fn a_flipped_bit_of_an_inclusion_proof_is_refused(
        size in 2..100_u64, index in 0..100_u64, bit in any::<prop::sample::Index>(),
    ) {
        let index = index % size;
        let mut tree = Tree::new(size);
        let (leaf, root) = (tree.leaf(index), tree.root(size));
        let proof = prove_inclusion(&mut tree, index, size).unwrap();
        prop_assert_eq!(verify_inclusion(&leaf, index, size, &proof, &root), Ok(()));
        let bit = bit.index(proof.len() * 256);
        prop_assert!(verify_inclusion(&leaf, index, size, &flip_one(&proof, bit), &root).is_err());
        prop_assert!(verify_inclusion(&flip_hash(&leaf, bit), index, size, &proof, &root).is_err());
        prop_assert!(verify_inclusion(&leaf, index, size, &proof, &flip_hash(&root, bit)).is_err());
    }

    #[test]
    fn a_flipped_bit_of_a_consistency_proof_is_refused(
        new in 2..100_u64, old in 0..100_u64, bit in any::<prop::sample::Index>(),
    ) {
        let old = old % (new - 1) + 1;
        let mut tree = Tree::new(new);
        let (old_root, new_root) = (tree.root(old), tree.root(new));
        let proof = prove_consistency(&mut tree, old, new).unwrap();
        prop_assert_eq!(verify_consistency(old, new, &proof, &old_root, &new_root), Ok(()));
        let bit = bit.index(proof.len() * 256);
        prop_assert!(verify_consistency(old, new, &flip_one(&proof, bit), &old_root, &new_root).is_err());
        prop_assert!(verify_consistency(old, new, &proof, &flip_hash(&old_root, bit), &new_root).is_err());
        prop_assert!(verify_consistency(old, new, &proof, &old_root, &flip_hash(&new_root, bit)).is_err());
    }

    #[test]
    fn a_frontier_goes_on_from_its_right_edge(size in 0..300_u64, more in 0..20_u64) {
        let mut frontier = Frontier::new();
        (0..size).for_each(|n| frontier.append(&hash_leaf(&entry(n))));
        let edge = frontier.right_edge().to_vec();
        let mut resumed = Frontier::from_right_edge(size, edge).unwrap();
        (size..size + more).for_each(|n| resumed.append(&hash_leaf(&entry(n))));
        prop_assert_eq!(resumed.root(), Tree::new(size + more).root(size + more));
    }

    #[test]
    fn a_flipped_bit_of_a_checkpoint_is_refused(size in 0..40_u64, bit in any::<prop::sample::Index>()) {
        let note = tree::checkpoint(size, 0);
        prop_assert!(verify_checkpoint(note.as_bytes(), &log_key()).is_ok());
        let flipped = flip(note.as_bytes(), bit.index(note.len() * 8));
        prop_assert!(verify_checkpoint(&flipped, &log_key()).is_err());
    }

    #[test]
    fn a_flipped_bit_of_a_receipt_is_refused(
        size in 1..40_u64, index in 0..40_u64, bit in any::<prop::sample::Index>(),
    ) {
        let index = index % size;
        let text = tree::receipt(index, size, 2).to_string();
        let verify = |text: &str| {
            let proof: TlogProof = text.parse().ok()?;
            verify_receipt(&entry(index), &proof, &tree::policy(2)).ok()
        };
        prop_assert_eq!(verify(&text).and_then(|receipt| receipt.witnessed_at), Some(1002));
        let flipped = flip(text.as_bytes(), bit.index(text.len() * 8));
        prop_assert_eq!(String::from_utf8(flipped).ok().and_then(|flipped| verify(&flipped)), None);
    }

    #[test]
    fn a_flipped_bit_of_a_tile_or_bundle_changes_the_root(
        width in 1..=256_u16, bit in any::<prop::sample::Index>(),
    ) {
        let entries: Vec<Vec<u8>> = (0..u64::from(width)).map(entry).collect();
        let root_of = |hashes: &[Digest]| {
            let mut frontier = Frontier::new();
            hashes.iter().for_each(|hash| frontier.append(hash));
            frontier.root()
        };
        let hashes: Vec<Digest> = entries.iter().map(|entry| hash_leaf(entry)).collect();
        let tile = TileHashes::build(hashes.clone()).unwrap().encode();
        let decoded = TileHashes::decode(&tile, width).unwrap();
        prop_assert_eq!(decoded.hashes(), &hashes);
        let flipped = TileHashes::decode(&flip(&tile, bit.index(tile.len() * 8)), width).unwrap();
        prop_assert_ne!(root_of(flipped.hashes()), root_of(&hashes));

        let bundle = encode_bundle(&entries).unwrap();
        prop_assert_eq!(decode_bundle(&bundle, width).unwrap(), entries.clone());
        let flipped = flip(&bundle, bit.index(bundle.len() * 8));
        let flipped = decode_bundle(&flipped, width);
        let flipped = flipped.map(|entries| entries.into_iter().map(hash_leaf).collect::<Vec<_>>());
        prop_assert_ne!(flipped.map(|hashes| root_of(&hashes)), Ok(root_of(&hashes)));
    }

    #[test]
    fn bundles_round_trip(entries in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 1..=256)) {
        let width = u16::try_from(entries.len()).unwrap();
        let bundle = encode_bundle(&entries).unwrap();
        prop_assert_eq!(decode_bundle(&bundle, width).unwrap(), entries);
    }

    #[test]
    fn paths_round_trip(level in 0..=7_u8, index in 0..1_u64 << 40, size in any::<u64>()) {
        if let Some(tile) = TileId::in_tree(level, index, size) {
            prop_assert_eq!(tile.to_string().parse(), Ok(tile));
        }
        if let Some(bundle) = BundleId::in_tree(index, size) {
            prop_assert_eq!(bundle.to_string().parse(), Ok(bundle));
        }
    }

    /// A log that grows in steps writes, at each step, exactly the tiles its new size has and its old one had not.
    #[test]
    fn growth_names_every_tile_that_differs(old in 0..70_000_u64, more in 0..70_000_u64) {
        let new = old + more;
        let all = |size| tiles_between(0, size).collect::<std::collections::BTreeSet<TileId>>();
        let grown: std::collections::BTreeSet<TileId> = tiles_between(old, new).collect();
        prop_assert_eq!(grown, all(new).difference(&all(old)).copied().collect());
    }

    #[test]
    fn policies_are_evaluated_by_definition_and_round_trip(
        groups in prop::collection::vec((1..5_usize, prop::collection::vec(any::<bool>(), 12)), 1..5),
        cosigned in prop::sample::subsequence((1..=8_u8).collect::<Vec<_>>(), 0..=8),
    ) {
        let policy = random_policy(&groups);
        prop_assert_eq!(policy.to_string().parse(), Ok(policy.clone()));
        let names: Vec<String> = cosigned.iter().map(|seed| format!("w{seed}")).collect();
        let met = is_met(&policy, policy.quorum().unwrap(), &names);
        prop_assert_eq!(policy.is_met_by(names.iter().map(String::as_str)), met, "{}", policy);
    }
}

/// Eight witnesses and groups over whatever is not a member yet; the last group is the quorum.
fn random_policy(groups: &[(usize, Vec<bool>)]) -> Policy {
    let mut policy = PolicyBuilder::default().log(log_key(), None).unwrap();
    policy = policy.hub_key("https://hub.example".parse().unwrap(), signer(101).public_key()).unwrap();
    let mut free: Vec<String> = Vec::new();
    for seed in 1..=8 {
        free.push(format!("w{seed}"));
        policy = policy.witness(&free[free.len() - 1], witness_key(seed), Some("https://w.example")).unwrap();
    }
    for (at, (threshold, chosen)) in groups.iter().enumerate() {
        let chosen = |place: usize| chosen.get(place).copied().unwrap_or(false) || place == 0;
        let (members, rest): (Vec<_>, Vec<_>) =
            free.into_iter().enumerate().partition(|(place, _)| chosen(*place));
        let members: Vec<&str> = members.iter().map(|(_, name)| name.as_str()).collect();
        let name = format!("g{at}");
        policy = policy.group(&name, (*threshold).min(members.len()), &members).unwrap();
        free = rest.into_iter().map(|(_, name)| name).chain([name]).collect();
    }
    policy.quorum(&format!("g{}", groups.len() - 1)).unwrap().build().unwrap()
}

/// Whether `name` has witnessed, by the recursive definition.
fn is_met(policy: &Policy, name: &str, cosigned: &[String]) -> bool {
    match policy.groups().iter().find(|group| group.name == name) {
        None => cosigned.iter().any(|witness| witness == name),
        Some(group) => {
            let met = group.members.iter().filter(|member| is_met(policy, member, cosigned));
            met.count() >= group.threshold
        }
    }
}
