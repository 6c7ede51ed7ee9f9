//! What the adopted chain says of records that are not here.

use std::collections::BTreeMap;

use safeharbor_core::record::RecordHandle;
use safeharbor_core::sdjwt::Disclosure;
use safeharbor_core::statement::StatementType;
use safeharbor_rules::{Kind, Record};
use safeharbor_service::store::Batch;
use serde_json::Value;

use super::{Unlinked, find};
use crate::chain::{Claim, Stated};
use crate::context::Context;
use crate::disclosure::find_kind;
use crate::records::RecordsFailed;

/// Follows in `batch` statements of the adopted chain, in their order, that count at the hub.
pub(crate) fn follow<'s>(
    adopted: impl Iterator<Item = &'s Stated>,
    context: &Context,
    batch: &mut Batch,
) -> Result<(), RecordsFailed> {
    let catalogue = context.catalogue();
    let mut rows: BTreeMap<RecordHandle, Unlinked> = BTreeMap::new();
    for stated in adopted {
        let (Some(rec), Some(rev)) = (stated.rec, stated.rev) else { continue };
        if is_known(context, rec)? {
            continue;
        }
        let row = match rows.remove(&rec) {
            Some(row) => Some(row),
            None => find(&*context.store, rec)?,
        };
        let mut row = row.unwrap_or_else(|| Unlinked {
            kind: stated.kind.clone(),
            rec,
            rev,
            identifiers: BTreeMap::new(),
            key: None,
            is_withdrawn: false,
            since_ms: context.clock.now_ms(),
        });
        row.rev = row.rev.max(rev);
        match stated.statement {
            StatementType::Disclosure => {
                row.is_withdrawn = false;
                row.learn(&stated.claims, find_kind(&catalogue, &stated.kind));
            }
            StatementType::Withdrawal => row.is_withdrawn = true,
            StatementType::Filing
            | StatementType::Summary
            | StatementType::Determination
            | StatementType::Institution
            | StatementType::Key
            | StatementType::Status
            | StatementType::Catalogue
            | StatementType::Policy
            | StatementType::Release => continue,
        }
        rows.insert(rec, row);
    }
    rows.values().try_for_each(|row| row.put_into(batch))
}

/// Whether the record is here, or was erased here.
fn is_known(context: &Context, rec: RecordHandle) -> Result<bool, RecordsFailed> {
    Ok(context.records.last(rec)?.is_some() || context.records.tombstone(rec)?.is_some())
}

impl Unlinked {
    /// Takes the parts of the natural key from what was revealed; later statements may reveal parts that earlier ones did not.
    fn learn(&mut self, claims: &[Claim], kind: Option<&Kind>) {
        let Some(kind) = kind else { return };
        for claim in claims.iter().filter(|claim| kind.field(&claim.name).is_some_and(|field| field.is_key()))
        {
            let parsed = Disclosure::parse(&claim.disclosure).ok().and_then(Disclosure::into_claim);
            if let Some((name, Value::String(text))) = parsed {
                self.identifiers.insert(name, text);
            }
        }
        let parts = self.identifiers.iter().map(|(name, text)| (name.clone(), Value::from(text.as_str())));
        self.key = kind.key_of(&parts.collect::<Record>());
    }
}
