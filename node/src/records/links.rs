//! Links between records (关联): whether the records that a row names are here.

use std::collections::{BTreeMap, HashMap};
use std::ops::ControlFlow;

use safeharbor_core::record::KindId;
use safeharbor_rules::{Field, Kind, Link, Record};
use serde_json::Value;

use super::{Records, RecordsFailed, Stored, identity_key};
use crate::context::Context;

/// Looks up what the rows of one file name.
#[derive(Debug)]
pub(super) struct LinkLookup<'k> {
    kind: &'k KindId,
    links: Vec<(&'k Field, &'k Link)>,
    /// Identity key to whether the record is here; of the batch under way.
    found: HashMap<Vec<u8>, bool>,
    /// The same for records of the kind itself that the file brought or retired.
    of_file: HashMap<Vec<u8>, bool>,
}

impl<'k> LinkLookup<'k> {
    pub(super) fn new(kind: &'k Kind) -> Self {
        let links = kind.fields().iter().filter_map(|field| Some((field, field.link()?)));
        Self { kind: kind.id(), links: links.collect(), found: HashMap::new(), of_file: HashMap::new() }
    }

    /// Forgets what was looked up: between batches others change records.
    pub(super) fn begin_batch(&mut self) {
        self.found.clear();
    }

    /// Takes note of what the file made of a record.
    pub(super) fn note(&mut self, key: &str, is_here: bool) {
        if self.links.iter().any(|(_, link)| link.kind() == self.kind) {
            self.of_file.insert(identity_key(self.kind, key), is_here);
        }
    }

    /// The fields that name a record which is neither here nor earlier in the file, with what they name.
    pub(super) fn missing(
        &mut self,
        record: &Record,
        records: &Records,
    ) -> Result<Vec<(String, String)>, RecordsFailed> {
        let mut missing = Vec::new();
        for index in 0..self.links.len() {
            let Some(&(field, link)) = self.links.get(index) else { break };
            let Some(value) = record.get(field.name()) else { continue };
            for name in names(value) {
                if !self.is_here(link.kind(), &name, records)? {
                    missing.push((field.name().to_owned(), name));
                }
            }
        }
        Ok(missing)
    }

    fn is_here(&mut self, kind: &KindId, name: &str, records: &Records) -> Result<bool, RecordsFailed> {
        let identity = identity_key(kind, name);
        if let Some(&known) = self.of_file.get(&identity).or_else(|| self.found.get(&identity)) {
            return Ok(known);
        }
        let is_here = records.current(kind, name)?.is_some();
        self.found.insert(identity, is_here);
        Ok(is_here)
    }
}

/// How many records name one of those that rows of a file retire, and are not retired with it: their links will lead nowhere.
pub(super) fn count_naming(
    context: &Context,
    kind: &KindId,
    retired: &BTreeMap<&str, u64>,
) -> Result<u64, RecordsFailed> {
    let mut count = 0_u64;
    for other in context.catalogue().kinds() {
        let leads_there = |field: &&Field| field.link().is_some_and(|link| link.kind() == kind);
        let fields: Vec<&str> = other.fields().iter().filter(leads_there).map(Field::name).collect();
        if fields.is_empty() {
            continue;
        }
        context.records.visit(Some(other.id()), &mut |current| {
            let Some(Stored { revision, .. }) = context.records.last(current.rec)? else {
                return Ok(ControlFlow::Continue(()));
            };
            let values = fields.iter().filter_map(|field| revision.record.get(*field));
            let names_one = values.flat_map(names).any(|name| retired.contains_key(name.as_str()));
            let is_retired = other.id() == kind && retired.contains_key(revision.key.as_str());
            count = count.saturating_add(u64::from(names_one && !is_retired));
            Ok::<_, RecordsFailed>(ControlFlow::Continue(()))
        })?;
    }
    Ok(count)
}

/// The natural keys that a value, or each item of a list, says.
fn names(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Number(number) => vec![number.to_string()],
        Value::Array(items) => items.iter().flat_map(names).collect(),
        Value::Null | Value::Bool(_) | Value::Object(_) => Vec::new(),
    }
}
