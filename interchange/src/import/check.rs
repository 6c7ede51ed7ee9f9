//! Whether a mapping fits its kind, as far as can be told without a file.

use std::collections::HashSet;

use safeharbor_rules::Kind;

use super::header::Header;
use super::mapping::{Mapping, MappingFailed};
use super::pipeline::ImportFault;
use super::plan::Plan;
use super::text::fold;

/// Checks `mapping` against `kind` and a file that has every column it names.
///
/// # Errors
/// What an import would refuse the mapping for, whatever the file.
pub fn check(mapping: &Mapping, kind: &Kind) -> Result<(), MappingFailed> {
    let made: HashSet<String> = mapping.arranging.made().iter().map(|(_, name)| fold(&name.value)).collect();
    let mut mapping = mapping.clone();
    let turned = mapping.turn_by_name();
    let mut names: Vec<String> = mapping.reads().map(str::to_owned).chain(turned).collect();
    let mut seen = made;
    names.retain(|name| seen.insert(fold(name)));
    let header = Header::of_lists(&[names]).with_made(&mapping)?;
    match Plan::new(&mapping, kind, &header) {
        Err(ImportFault::Mapping(failed)) => Err(failed),
        // Every other fault is one of a file, and there is none.
        Ok(_) | Err(_) => Ok(()),
    }
}
