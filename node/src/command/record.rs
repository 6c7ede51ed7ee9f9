//! Finding the record a person means: by handle, by `KIND:key`, or by a key that only one kind has.

use std::sync::Arc;

use safeharbor_core::record::{KindId, RecordHandle};

use super::CommandFailed;
use crate::chain::Chain;
use crate::context::Context;
use crate::recovery::{self, Unlinked};

/// Between the parts of a natural key, as stored and as people see and type it.
const KEY_SEPARATOR: char = '\u{1f}';
const SHOWN_SEPARATOR: &str = " · ";

/// A natural key for people.
pub(super) fn shown_key(key: &str) -> String {
    key.replace(KEY_SEPARATOR, SHOWN_SEPARATOR)
}

/// The handle of the record that `typed` means; it may have been erased.
pub(super) fn find(context: &Context, typed: &str) -> Result<RecordHandle, CommandFailed> {
    let typed = typed.trim();
    if let Ok(rec) = typed.parse::<RecordHandle>()
        && (context.records.last(rec)?.is_some() || context.records.tombstone(rec)?.is_some())
    {
        return Ok(rec);
    }
    if let Some((kind, key)) = typed.split_once([':', '：'])
        && let Some(rec) = by_key(context, kind, key)?
    {
        return Ok(rec);
    }
    let mut found = Vec::new();
    for kind in context.catalogue().kinds() {
        found.extend(by_key(context, kind.id().as_str(), typed)?.map(|rec| (kind.id().clone(), rec)));
    }
    match found.as_slice() {
        [] => Err(CommandFailed::NoRecord(typed.to_owned())),
        [(_, rec)] => Ok(*rec),
        several => {
            let kinds = several.iter().map(|(kind, _)| kind.clone()).collect();
            Err(CommandFailed::Ambiguous { key: typed.to_owned(), kinds })
        }
    }
}

/// As [`find`]; also a record that is not here and that only the adopted chain tells of, which can be erased and nothing else.
pub(super) fn find_stated(context: &Context, typed: &str) -> Result<RecordHandle, CommandFailed> {
    let missing = match find(context, typed) {
        Err(CommandFailed::NoRecord(missing)) => missing,
        found => return found,
    };
    if let Ok(rec) = missing.parse::<RecordHandle>()
        && !Chain::new(Arc::clone(&context.store)).numbers_of(rec)?.is_empty()
    {
        return Ok(rec);
    }
    let mut unlinked = recovery::linkable(&*context.store)?;
    unlinked.retain(|one| is_named(one, &missing));
    match unlinked.as_slice() {
        [] => Err(CommandFailed::NoRecord(missing)),
        [first, rest @ ..] if rest.iter().all(|one| one.kind == first.kind) => Ok(first.rec),
        several => {
            let kinds = several.iter().map(|one| one.kind.clone()).collect();
            Err(CommandFailed::Ambiguous { key: missing, kinds })
        }
    }
}

fn is_named(unlinked: &Unlinked, typed: &str) -> bool {
    let Some(key) = unlinked.key.as_deref().map(shown_key) else { return false };
    let of_kind = typed.split_once([':', '：']);
    key == typed
        || of_kind.is_some_and(|(kind, typed)| {
            kind.trim().eq_ignore_ascii_case(unlinked.kind.as_str()) && typed.trim() == key
        })
}

fn by_key(context: &Context, kind: &str, key: &str) -> Result<Option<RecordHandle>, CommandFailed> {
    let Ok(kind) = kind.trim().to_ascii_uppercase().parse::<KindId>() else { return Ok(None) };
    let key = key.trim().replace(SHOWN_SEPARATOR, KEY_SEPARATOR.encode_utf8(&mut [0; 4]));
    let current = match context.records.current(&kind, &key)? {
        Some(current) => Some(current),
        None => context.records.retired(&kind, &key)?,
    };
    Ok(current.map(|current| current.rec))
}

/// The kind that `typed` names.
pub(super) fn find_kind(context: &Context, typed: &str) -> Result<KindId, CommandFailed> {
    let kind = typed.trim().to_ascii_uppercase().parse::<KindId>().ok();
    let catalogue = context.catalogue();
    let known = kind.filter(|kind| catalogue.kind(kind).is_some());
    known.ok_or_else(|| CommandFailed::NoKind(typed.to_owned()))
}
