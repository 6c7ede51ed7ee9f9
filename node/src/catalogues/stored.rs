//! What is stored here that another version would not fit.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use safeharbor_core::record::KindId;
use safeharbor_rules::Catalogue;

use crate::context::Context;
use crate::records::RecordsFailed;

/// Records and values that another version would not fit; counts only.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Misfits {
    /// Kind → how many records are stored of one the version does not have.
    pub kinds: BTreeMap<KindId, u64>,
    /// Kind and field → how many records have a value in a field the version does not have.
    pub fields: BTreeMap<(KindId, String), u64>,
    /// Kind → how many records fit now and would not under the version.
    pub unfit: BTreeMap<KindId, u64>,
}

impl Misfits {
    /// Whether everything stored fits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.kinds.is_empty() && self.fields.is_empty() && self.unfit.is_empty()
    }
}

/// Looks at the last revision of every record.
pub(super) fn misfits(context: &Context, other: &Catalogue) -> Result<Misfits, RecordsFailed> {
    let in_use = context.catalogue();
    let mut found = Misfits::default();
    context.records.visit(None, &mut |current| {
        let Some(stored) = context.records.last(current.rec)? else { return Ok(ControlFlow::Continue(())) };
        let (id, record) = (&stored.revision.kind, &stored.revision.record);
        let Some(kind) = other.kind(id) else {
            add(&mut found.kinds, id.clone());
            return Ok(ControlFlow::Continue(()));
        };
        for field in record.keys().filter(|field| kind.field(field).is_none()) {
            add(&mut found.fields, (id.clone(), field.clone()));
        }
        let kept: safeharbor_rules::Record = record
            .iter()
            .filter(|(name, _)| kind.field(name).is_some())
            .map(|(n, v)| (n.clone(), v.clone()))
            .collect();
        let fits_now = in_use.kind(id).is_some_and(|kind| kind.check(record).is_empty());
        if fits_now && !kind.check(&kept).is_empty() {
            add(&mut found.unfit, id.clone());
        }
        Ok::<_, RecordsFailed>(ControlFlow::Continue(()))
    })?;
    Ok(found)
}

fn add<K: Ord>(counts: &mut BTreeMap<K, u64>, key: K) {
    let count = counts.entry(key).or_insert(0);
    *count = count.saturating_add(1);
}
