//! Links between kinds: a field whose values are keys of records of another kind, such as a deal's achievements.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::KindId;
use crate::kind::Kind;
use crate::value_type::ValueType;

/// Where the values of a field are found: as keys of records of this kind in the same node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    kind: KindId,
    field: String,
}

/// A link that leads nowhere.
#[derive(Debug, thiserror::Error)]
pub enum LinkRefused {
    /// The name cannot be a kind's, or no kind has it.
    #[error("the link leads to {0:?}, which is no kind")]
    Kind(String),
    /// The kind is told apart by several fields, so that one value does not name a record.
    #[error("the link leads to {0}, whose key is more than one field")]
    Key(KindId),
    /// The field is not the key of the kind.
    #[error("the link leads to {kind}.{field}, but the key of {kind} is {key:?}")]
    Field {
        /// The kind.
        kind: KindId,
        /// The field the link names.
        field: String,
        /// The key of the kind.
        key: String,
    },
    /// The field, or each item of it, is of another type than the key.
    #[error("the link leads to {0}, whose key is of another type")]
    Type(KindId),
}

/// A link as `x-link` says it; `field` is the key of the kind unless it says otherwise.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawLink {
    kind: String,
    field: Option<String>,
}

/// The one key field of each kind, with its type; `None` for a key of several fields.
pub(crate) struct Keys(BTreeMap<KindId, Option<(String, ValueType)>>);

impl Link {
    /// The kind whose records are meant.
    #[must_use]
    pub fn kind(&self) -> &KindId {
        &self.kind
    }

    /// The key field of that kind.
    #[must_use]
    pub fn field(&self) -> &str {
        &self.field
    }
}

impl Keys {
    pub(crate) fn of<'a>(kinds: impl Iterator<Item = &'a Kind>) -> Self {
        Self(kinds.map(|kind| (kind.id().clone(), single_key(kind))).collect())
    }

    /// Finds what a link on a field of this type leads to.
    pub(crate) fn resolve(&self, link: &RawLink, from: &ValueType) -> Result<Link, LinkRefused> {
        let unknown = || LinkRefused::Kind(link.kind.clone());
        let kind: KindId = link.kind.parse().or(Err(unknown()))?;
        let key = self.0.get(&kind).ok_or_else(unknown)?;
        let (key, key_type) = key.as_ref().ok_or_else(|| LinkRefused::Key(kind.clone()))?;
        if let Some(field) = link.field.as_ref().filter(|field| *field != key) {
            return Err(LinkRefused::Field { kind, field: field.clone(), key: key.clone() });
        }
        if from.item() == key_type {
            Ok(Link { kind, field: key.clone() })
        } else {
            Err(LinkRefused::Type(kind))
        }
    }
}

fn single_key(kind: &Kind) -> Option<(String, ValueType)> {
    let mut keys = kind.key_fields().map(|field| (field.name().to_owned(), field.value_type().clone()));
    let first = keys.next();
    if keys.next().is_some() { None } else { first }
}
