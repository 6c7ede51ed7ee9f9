//! A registry made with core's own functions: a hub, a catalogue, two institutions, sealed disclosures.

use std::collections::BTreeMap;
use std::path::Path;

use safeharbor_core::b64;
use safeharbor_core::chain::Head;
use safeharbor_core::checkpoint::{Checkpoint, sign_checkpoint};
use safeharbor_core::cosignature::cosign;
use safeharbor_core::digest::Digest;
use safeharbor_core::directory::{Announcement, Deciders, InstitutionType, KeyGround, KeySigns, Standing};
use safeharbor_core::entry::Entry;
use safeharbor_core::institution::{InstitutionCode, Issuer};
use safeharbor_core::json::Object;
use safeharbor_core::key::{MemorySigner, PublicKey, Signer};
use safeharbor_core::merkle::{Frontier, hash_leaf, prove_inclusion};
use safeharbor_core::note::VerifierKey;
use safeharbor_core::policy::Policy;
use safeharbor_core::record::RecordHandle;
use safeharbor_core::sdjwt::{Algorithm, Disclosure, conceal, public_key_to_jwk};
use safeharbor_core::statement::{Draft, Envelope, Statement, StatementType, Vct};
use safeharbor_core::tile::{
    TILE_WIDTH, TileHashes, TileId, TileReader, bundles_between, encode_bundle, tiles_between,
};
use safeharbor_core::tlog_proof::TlogProof;
use safeharbor_verifier::log::LogFiles;
use safeharbor_verifier::objection::Objection;
use serde_json::{Value, json};
use zeroize::Zeroizing;

pub(crate) const ORIGIN: &str = "hub.example.org/registry";
pub(crate) const HUB: &str = "https://hub.example.org";
pub(crate) const PEKING: &str = "12100000400002259P";
pub(crate) const TSINGHUA: &str = "12100000400000624D";

/// Who signs what in the sample registry; the number is the seed of the key.
pub(crate) const LOG_KEY: u8 = 1;
pub(crate) const HUB_KEY: u8 = 2;
pub(crate) const PEKING_KEY: u8 = 3;
pub(crate) const TSINGHUA_KEY: u8 = 4;
pub(crate) const WITNESS_KEYS: [u8; 3] = [11, 12, 13];

pub(crate) fn signer(seed: u8) -> MemorySigner {
    MemorySigner::from_seed(&Zeroizing::new([seed; 32]))
}

pub(crate) fn public_key(seed: u8) -> PublicKey {
    signer(seed).public_key()
}

pub(crate) fn institution(code: &str) -> Issuer {
    Issuer::Institution(code.parse().unwrap())
}

/// A statement of an institution with everything that could be revealed of it.
#[derive(Clone)]
pub(crate) struct Made {
    pub(crate) jwt: String,
    pub(crate) disclosures: Vec<Disclosure>,
    pub(crate) index: usize,
}

impl Made {
    /// The compact form with the first `count` claims revealed.
    pub(crate) fn revealing(&self, count: usize) -> String {
        let mut compact = format!("{}~", self.jwt);
        for disclosure in &self.disclosures[..count] {
            compact.push_str(disclosure.encoded());
            compact.push('~');
        }
        compact
    }
}

/// A registry in the making.
pub(crate) struct Registry {
    pub(crate) entries: Vec<Vec<u8>>,
    heads: BTreeMap<Issuer, Head>,
}

/// A statement key that begins; two persons decided, whether that is needed or not.
pub(crate) fn key_begins(code: InstitutionCode, key: PublicKey, ground: KeyGround) -> Announcement {
    let (signs, decided_by) = (KeySigns::Statements, Deciders::new([1, 2]));
    Announcement::KeyBegins { code, key, signs, ground, decided_by }
}

impl Registry {
    /// Hub key, catalogue, two institutions with a key each: six public entries.
    pub(crate) fn begin() -> Self {
        let hub: Issuer = HUB.parse().unwrap();
        let heads = BTreeMap::from([(hub, Head::before_first(Digest::of(ORIGIN.as_bytes())))]);
        let mut registry = Self { entries: Vec::new(), heads };
        registry.announce(&Announcement::HubKey { key: public_key(HUB_KEY) });
        registry.announce(&Announcement::Catalogue { cat: catalogue(), decided_by: Deciders::default() });
        registry.admit(PEKING, "北京大学", PEKING_KEY);
        registry.admit(TSINGHUA, "清华大学", TSINGHUA_KEY);
        registry
    }

    /// The registry that most tests read: six public entries and `sealed` disclosures.
    pub(crate) fn with_disclosures(sealed: usize) -> (Self, Vec<Made>) {
        let mut registry = Self::begin();
        let made = (0..sealed).map(|n| {
            let (code, key) = if n % 3 == 2 { (TSINGHUA, TSINGHUA_KEY) } else { (PEKING, PEKING_KEY) };
            registry.disclose(code, key)
        });
        let made = made.collect();
        (registry, made)
    }

    fn admit(&mut self, code: &str, name: &str, key: u8) {
        let code: InstitutionCode = code.parse().unwrap();
        let (kind, standing) = (InstitutionType::University, Standing::Active);
        let (name, decided_by) = (name.to_owned(), Deciders::default());
        let admission = Announcement::Institution { code, name, kind, standing, decided_by };
        let admitted = self.announce(&admission);
        self.heads.insert(Issuer::Institution(code), Head::before_first(admitted));
        self.announce(&key_begins(code, public_key(key), KeyGround::Admission));
    }

    pub(crate) fn announce(&mut self, announcement: &Announcement) -> Digest {
        let hub: Issuer = HUB.parse().unwrap();
        let vct = Vct::without_kind(announcement.statement_type()).unwrap();
        let cat = matches!(announcement, Announcement::Catalogue { .. }).then(catalogue);
        let envelope = Envelope { rec: None, rev: None, cat, ..self.envelope(&hub, vct) };
        let draft = Draft { envelope, digests: Vec::new(), claims: announcement.to_claims() };
        let jwt = draft.sign(Algorithm::EdDsa, &signer(HUB_KEY)).unwrap();
        self.append(&jwt)
    }

    /// States a disclosure of four claims among sixteen digests and seals it into the registry.
    pub(crate) fn disclose(&mut self, code: &str, key: u8) -> Made {
        let made = self.draft(code, key);
        self.append(&made.jwt);
        made
    }

    /// Seals `count` entries of an institution of which nothing but the digest is made: a sealed entry shows no more.
    pub(crate) fn seal(&mut self, code: &str, count: u64, history: &str) {
        let iss = institution(code);
        for _ in 0..count {
            let head = self.heads.get_mut(&iss).unwrap();
            let (seq, prev) = (head.next_seq(), head.digest);
            let digest = Digest::of(format!("{history} {seq}").as_bytes());
            *head = head.advance(digest);
            self.entries.push(Entry { iss: iss.clone(), seq, prev, digest, public: None }.encode());
        }
    }

    /// Signs the next disclosure of an institution without logging it.
    pub(crate) fn draft(&self, code: &str, key: u8) -> Made {
        let number = u8::try_from(self.entries.len() % 256).unwrap();
        let entropy: Vec<[u8; 16]> =
            (0..16_u8).map(|n| [n, number, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7]).collect();
        let claims = [
            ("name", json!(format!("高温超导限流器 {number}"))),
            ("type", json!("02")),
            ("price_fen", json!(128_000_000)),
            ("fields", json!(["01", "07"])),
        ];
        let claims = claims.iter().map(|(name, value)| (*name, value));
        let concealed = conceal(claims.collect::<Vec<_>>().into_iter(), &entropy).unwrap();
        let vct = Vct { statement: StatementType::Disclosure, kind: "ACH".parse().unwrap() };
        let envelope = Envelope {
            rec: Some(RecordHandle::from_bytes([number; 16])),
            rev: Some(1),
            cat: Some(catalogue()),
            ..self.envelope(&institution(code), vct)
        };
        let draft = Draft { envelope, digests: concealed.digests, claims: Object::new() };
        let jwt = draft.sign(Algorithm::EdDsa, &signer(key)).unwrap();
        Made { jwt, disclosures: concealed.disclosures, index: self.entries.len() }
    }

    fn envelope(&self, iss: &Issuer, vct: Vct) -> Envelope {
        let head = self.heads[iss];
        let (seq, prev) = (head.next_seq(), head.digest);
        Envelope { iss: iss.clone(), iat: 1_764_000_000, seq, prev, vct, rec: None, rev: None, cat: None }
    }

    fn append(&mut self, jwt: &str) -> Digest {
        let statement = Statement::parse(jwt).unwrap();
        self.entries.push(Entry::of(&statement).encode());
        let head = self.heads.get_mut(&statement.envelope.iss).unwrap();
        *head = head.advance(statement.digest);
        statement.digest
    }

    pub(crate) fn size(&self) -> u64 {
        u64::try_from(self.entries.len()).unwrap()
    }

    pub(crate) fn checkpoint(&self) -> Checkpoint {
        let mut frontier = Frontier::new();
        self.entries.iter().for_each(|entry| frontier.append(&hash_leaf(entry)));
        Checkpoint { origin: ORIGIN.to_owned(), size: self.size(), root: frontier.root() }
    }

    /// The static files of the registry.
    pub(crate) fn files(&self) -> Files {
        let size = self.size();
        let mut files = BTreeMap::new();
        let mut entries = self.entries.chunks(usize::from(TILE_WIDTH));
        for bundle in bundles_between(0, size) {
            files.insert(bundle.to_string(), encode_bundle(entries.next().unwrap()).unwrap());
        }
        for tile in tiles_between(0, size) {
            files.insert(tile.to_string(), self.tile(tile).encode());
        }
        let note = sign_checkpoint(&self.checkpoint(), &signer(LOG_KEY)).unwrap();
        files.insert("checkpoint".to_owned(), note.to_string().into_bytes());
        Files(files)
    }

    fn tile(&self, tile: TileId) -> TileHashes {
        let span = 256_usize.pow(u32::from(tile.level()));
        let start = usize::try_from(tile.index()).unwrap() * 256 * span;
        let subtree = |n: usize| {
            let mut frontier = Frontier::new();
            let entries = &self.entries[start + n * span..][..span];
            entries.iter().for_each(|entry| frontier.append(&hash_leaf(entry)));
            frontier.root()
        };
        TileHashes::build((0..usize::from(tile.width())).map(subtree).collect()).unwrap()
    }

    /// The receipt of an entry, cosigned by the witnesses with these keys at their times.
    pub(crate) fn receipt(&self, index: u64, witnesses: &[(u8, u64)]) -> String {
        let files = self.files();
        let mut reader =
            TileReader::new(self.size(), |tile: &TileId| files.0.get(&tile.to_string()).cloned().ok_or(()));
        let hashes = prove_inclusion(&mut reader, index, self.size()).unwrap();
        let mut note = sign_checkpoint(&self.checkpoint(), &signer(LOG_KEY)).unwrap().to_string();
        for (key, time) in witnesses {
            let text = self.checkpoint().to_string();
            let name = format!("witness{key}.example.org");
            note.push_str(&cosign(&text, &name, *time, &signer(*key)).unwrap().to_string());
        }
        TlogProof { extra: None, index, hashes, checkpoint: note }.to_string()
    }
}

fn catalogue() -> Digest {
    Digest::of(b"catalogue")
}

pub(crate) fn vkey() -> VerifierKey {
    VerifierKey::ed25519(ORIGIN, public_key(LOG_KEY)).unwrap()
}

/// The policy of the demo: no witnesses.
pub(crate) fn policy_text() -> String {
    let hub_key = b64::encode_std(public_key(HUB_KEY).as_bytes());
    format!("log {}\n# safeharbor hub-key {HUB} {hub_key}\nquorum none\n", vkey())
}

/// Two of three witnesses.
pub(crate) fn witnessed_policy_text() -> String {
    let mut text = format!("log {}\n", vkey());
    for (number, key) in (1..).zip(WITNESS_KEYS) {
        let name = format!("witness{key}.example.org");
        let vkey = VerifierKey::cosignature(&name, public_key(key)).unwrap();
        text.push_str(&format!("witness w{number} {vkey} https://{name}\n"));
    }
    text.push_str("group anchors 2 w1 w2 w3\nquorum anchors\n");
    text
}

pub(crate) fn policy(text: &str) -> Policy {
    text.parse().unwrap()
}

pub(crate) fn jwks(seeds: &[u8]) -> Value {
    let keys: Vec<Value> = seeds.iter().map(|seed| public_key_to_jwk(&public_key(*seed))).collect();
    json!({ "keys": keys })
}

/// The files of a registry, in memory.
#[derive(Clone)]
pub(crate) struct Files(pub(crate) BTreeMap<String, Vec<u8>>);

impl Files {
    pub(crate) fn write_to(&self, folder: &Path) {
        for (path, bytes) in &self.0 {
            let path = folder.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
    }
}

impl LogFiles for Files {
    fn read(&self, path: &str, _bytes_max: usize) -> Result<Option<Vec<u8>>, Objection> {
        Ok(self.0.get(path).cloned())
    }
}
