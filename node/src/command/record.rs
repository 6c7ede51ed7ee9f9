//! Finding the record a person means: by handle, by `KIND:key`, or by a key that only one kind has.

use safeharbor_core::record::{KindId, RecordHandle};

use super::CommandFailed;
use crate::context::Context;

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
