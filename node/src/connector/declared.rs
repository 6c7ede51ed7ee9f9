//! The connectors of a node, kept in its store together with who set each up and how far it came.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use safeharbor_service::person::Person;
use safeharbor_service::store::{Batch, Scan, Store, StoreFailed};
use serde::{Deserialize, Serialize};

use super::declaration::{Every, Source};
use crate::as_text;
use crate::speech::Language;
use crate::tables::CONNECTORS;

const NAME_CHARACTERS_MAX: usize = 40;

/// What a connector is called.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectorName(String);

/// A text that is no name of a connector.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a connector's name has 1 to {NAME_CHARACTERS_MAX} letters, digits, - and _")]
pub struct ParseNameFailed;

impl FromStr for ConnectorName {
    type Err = ParseNameFailed;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fits = (1..=NAME_CHARACTERS_MAX).contains(&text.chars().count());
        let plain = text.chars().all(|character| character.is_alphanumeric() || "-_".contains(character));
        if fits && plain { Ok(Self(text.to_owned())) } else { Err(ParseNameFailed) }
    }
}

impl fmt::Display for ConnectorName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The connectors cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum ConnectorsFailed {
    /// The store failed.
    #[error("the connectors cannot be read or written")]
    Store(#[from] StoreFailed),
    /// A row is not what was written.
    #[error("a stored connector cannot be understood")]
    Row(#[from] serde_json::Error),
}

/// A source that records come from, as a person declared it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connector {
    /// What it is called.
    #[serde(with = "as_text")]
    pub name: ConnectorName,
    /// Where records come from.
    pub source: Source,
    /// How often to look.
    pub every: Option<Every>,
    /// The mapping, as it was when the connector was added; empty for files in a kind's own layout.
    pub mapping: String,
    /// On whose word records are taken in and taken away.
    pub person: Person,
    /// When it was added, in milliseconds since 1970 UTC.
    pub at: u64,
    /// From where the next run goes on: what the source said when it was last read to its end and imported.
    pub since: Option<String>,
    /// In which language its jobs are logged: that of who added it.
    pub language: Language,
}

/// Reads and writes connectors.
#[derive(Debug, Clone)]
pub struct Connectors {
    store: Arc<dyn Store>,
}

impl Connectors {
    /// The connectors in `store`.
    #[must_use]
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { store }
    }

    /// All, by name.
    ///
    /// # Errors
    /// The store.
    pub fn all(&self) -> Result<Vec<Connector>, ConnectorsFailed> {
        let rows = self.store.scan(&Scan::all(CONNECTORS))?;
        rows.iter().map(|(_, row)| Ok(serde_json::from_slice(row)?)).collect()
    }

    /// The one of that name.
    ///
    /// # Errors
    /// The store.
    pub fn find(&self, name: &ConnectorName) -> Result<Option<Connector>, ConnectorsFailed> {
        let row = self.store.get(CONNECTORS, name.0.as_bytes())?;
        Ok(row.as_deref().map(serde_json::from_slice).transpose()?)
    }

    /// Keeps a connector, in place of the one of that name.
    ///
    /// # Errors
    /// The store.
    pub fn keep(&self, connector: &Connector) -> Result<(), ConnectorsFailed> {
        let mut batch = Batch::new();
        batch.put(CONNECTORS, connector.name.0.as_bytes(), serde_json::to_vec(connector)?);
        Ok(self.store.commit(batch)?)
    }

    /// Changes what is known of a connector, if it is still there.
    ///
    /// # Errors
    /// The store.
    pub(super) fn change(
        &self,
        name: &ConnectorName,
        change: impl FnOnce(&mut Connector),
    ) -> Result<(), ConnectorsFailed> {
        match self.find(name)? {
            Some(mut connector) => {
                change(&mut connector);
                self.keep(&connector)
            }
            None => Ok(()),
        }
    }

    /// Forgets a connector; what it brought stays.
    ///
    /// # Errors
    /// The store.
    pub fn remove(&self, name: &ConnectorName) -> Result<(), ConnectorsFailed> {
        let mut batch = Batch::new();
        batch.delete(CONNECTORS, name.0.as_bytes());
        Ok(self.store.commit(batch)?)
    }
}
