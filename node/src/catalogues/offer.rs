//! What the hub offers: the version it published last, with the statement that says so.

use safeharbor_core::digest::Digest;
use safeharbor_core::directory::Announcement;
use safeharbor_core::key::PublicKey;
use safeharbor_core::statement::Statement;
use safeharbor_service::store::{Batch, Store, StoreFailed};
use serde::{Deserialize, Serialize};

use crate::tables::SYNC;

const OFFERED: &[u8] = b"catalogue-offered";
/// The hub's chain begins with its key and, as the second statement, the version that comes with its software.
const FIRST_SEQ_MAX: u64 = 2;

/// The version the hub published last, as it says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// The version.
    pub cat: Digest,
    /// The log index of the statement.
    pub index: u64,
    /// How many persons at the hub decided; none where the hub published its first version by itself.
    pub decided_by: usize,
    /// Whether the statement was verified under a key of the hub that is pinned here.
    pub verified: bool,
    /// Why this program can never use it, if so; it is not kept then.
    pub refused: Option<String>,
}

/// What the hub says of a version is not to be believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OfferRefused {
    /// Not the statement of a catalogue version.
    #[error("what the hub says of its catalogue version is no catalogue statement")]
    Statement,
    /// It is about another version.
    #[error("the hub's statement is about another catalogue version")]
    Another,
    /// The signature is not the hub's.
    #[error("the hub's catalogue statement is not signed by the hub")]
    Signature,
    /// Fewer than two persons decided, and it is not the version that the registry began with.
    #[error("the hub's catalogue statement was decided by {0} persons; it takes two")]
    TooFew(usize),
}

impl Offer {
    /// Reads the hub's statement. `pinned` are the hub's statement keys known here: one that fits must have signed; where none
    /// fits, the offer says that nothing was verified.
    ///
    /// # Errors
    /// Any of [`OfferRefused`].
    pub fn read(index: u64, jwt: &str, pinned: &[PublicKey]) -> Result<Self, OfferRefused> {
        let statement = Statement::parse(jwt).or(Err(OfferRefused::Statement))?;
        let announcement = Announcement::read(&statement).or(Err(OfferRefused::Statement))?;
        let Announcement::Catalogue { cat, decided_by } = announcement else {
            return Err(OfferRefused::Statement);
        };
        let named = statement.key_id().and_then(|kid| kid.parse::<Digest>().ok());
        let key = pinned.iter().find(|key| Some(key.thumbprint()) == named);
        if let Some(key) = key {
            statement.verify(key).or(Err(OfferRefused::Signature))?;
        }
        let persons = decided_by.numbers().len();
        // The first version comes with the hub's software, before there are persons.
        let is_first = persons == 0 && statement.envelope.seq <= FIRST_SEQ_MAX;
        if !is_first && !decided_by.are_two() {
            return Err(OfferRefused::TooFew(persons));
        }
        let decided_by = persons;
        Ok(Self { cat, index, decided_by, verified: key.is_some(), refused: None })
    }

    /// The last offer; none before the hub was asked.
    ///
    /// # Errors
    /// The store.
    pub fn load(store: &dyn Store) -> Result<Option<Self>, StoreFailed> {
        // A row that cannot be understood is asked for again.
        Ok(store.get(SYNC, OFFERED)?.and_then(|row| serde_json::from_slice(&row).ok()))
    }

    /// Keeps it in the place of the last one.
    ///
    /// # Errors
    /// The store.
    pub fn keep(&self, store: &dyn Store) -> Result<(), StoreFailed> {
        let mut batch = Batch::new();
        batch.put(SYNC, OFFERED, serde_json::to_vec(self).unwrap_or_default());
        store.commit(batch)
    }
}
