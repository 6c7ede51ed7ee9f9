//! The roster: institutions of the district, whether they take part or not, as the official list and the district say.

pub mod import;

use safeharbor_core::directory::InstitutionType;
use safeharbor_core::institution::InstitutionCode;
use serde::{Deserialize, Serialize};

use crate::office::Desk;
use crate::office::drawer::{Drawer, DrawerFailed};
use crate::office::tables::ROSTER;

/// The most characters an id may have.
const ID_CHARS_MAX: usize = 40;

/// What the district knows of one institution.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RosterRow {
    /// Its own id: the school's official code (学校标识码) where it comes from the official list.
    pub id: String,
    /// Its official name first, then others it has officially.
    pub names: Vec<String>,
    /// What people call it, too.
    pub aliases: Vec<String>,
    /// What it is.
    pub kind: InstitutionType,
    /// Whether it is in the district; none while nobody said.
    pub in_district: Option<bool>,
    /// Whether it counts for the first indicator (G1).
    pub counts_for_g1: bool,
    /// Its 18-character code (统一社会信用代码), once known.
    pub code: Option<InstitutionCode>,
}

impl RosterRow {
    /// The official name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.names.first().map_or(self.id.as_str(), String::as_str)
    }
}

/// Whether a text can be the id of a row.
#[must_use]
pub fn is_id(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    (1..=ID_CHARS_MAX).contains(&text.len()) && text.chars().all(allowed)
}

/// The roster's rows, by id.
#[must_use]
pub fn drawer(desk: &Desk) -> Drawer<'_, RosterRow> {
    Drawer::new(&*desk.store, ROSTER)
}

/// All rows in the order of their ids.
///
/// # Errors
/// The store.
pub fn all(desk: &Desk) -> Result<Vec<RosterRow>, DrawerFailed> {
    Ok(drawer(desk).all()?.into_iter().map(|(_, row)| row).collect())
}

/// The row of an institution's code, or of that id.
///
/// # Errors
/// The store.
pub fn find(desk: &Desk, code_or_id: &str) -> Result<Option<RosterRow>, DrawerFailed> {
    if let Some(row) = drawer(desk).find(code_or_id.as_bytes())? {
        return Ok(Some(row));
    }
    let is_it = |row: &RosterRow| row.code.is_some_and(|code| code.as_str() == code_or_id);
    Ok(all(desk)?.into_iter().find(is_it))
}
