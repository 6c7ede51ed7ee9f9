//! Statutory forms (R 成果登记表, Y 转化年度报告) as workbooks: what stands where is data, filled from stored records.
//!
//! In scope: reading a form's layout, counting and listing the records it asks for, writing the workbook with a last sheet
//! of what could not be filled in, and why. Out of scope: which records there are (`node`). Money is counted in integer 分
//! and written in 万元, exactly.

mod file;
mod measure;
mod sheet;
mod unfilled;

use std::collections::BTreeSet;
use std::io::Write;

use safeharbor_rules::{Kind, KindId, Record};

use crate::export::ExportFailed;
use crate::layout::Column;
pub use file::FormFailed;
use measure::{Entry, Measure};
use sheet::Page;
pub use unfilled::{Unfilled, WhyNot};

/// The largest layout of a form, in bytes.
pub const FORM_BYTES_MAX: usize = 1024 * 1024;
/// Records that a list in a form takes; the records themselves are exported without such a bound.
pub const LIST_ROWS_MAX: usize = 20_000;
/// Records that a form of one sheet a record takes.
pub const RECORDS_MAX: usize = 200;

/// A form's layout, bound to the kinds it is filled from.
#[derive(Debug)]
pub struct StatutoryForm<'k> {
    title: String,
    notice: String,
    sheets: Vec<FormSheet<'k>>,
}

#[derive(Debug)]
struct FormSheet<'k> {
    name: String,
    /// One sheet for each record of this kind.
    each: Option<&'k Kind>,
    sections: Vec<Section<'k>>,
}

#[derive(Debug)]
struct Section<'k> {
    title: String,
    body: Body<'k>,
}

#[derive(Debug)]
enum Body<'k> {
    /// A label and its value a line.
    Lines(Vec<(String, Entry<'k>)>),
    /// A row for each code of a field's list and one for all, a column a measure.
    ByCode { field: &'k safeharbor_rules::Field, measures: Vec<(String, Measure<'k>)> },
    /// A row a record.
    List { of: Measure<'k>, columns: Vec<(String, Column<'k>)> },
}

impl<'k> StatutoryForm<'k> {
    /// The kinds whose records it asks for.
    #[must_use]
    pub fn kinds(&self) -> BTreeSet<KindId> {
        let sections = self.sheets.iter().flat_map(|sheet| &sheet.sections);
        let measured = sections.flat_map(|section| section.body.kinds());
        let each = self.sheets.iter().filter_map(|sheet| sheet.each);
        measured.chain(each).map(|kind| kind.id().clone()).collect()
    }

    /// The kind of which each record has a sheet of its own.
    #[must_use]
    pub fn per_record(&self) -> Option<&'k Kind> {
        self.sheets.iter().find_map(|sheet| sheet.each)
    }

    /// Whether anything in it depends on the year of the report.
    #[must_use]
    pub fn wants_year(&self) -> bool {
        let sections = self.sheets.iter().flat_map(|sheet| &sheet.sections);
        sections.flat_map(|section| section.body.measures()).any(Measure::wants_year)
    }
}

impl<'k> Body<'k> {
    fn measures(&self) -> Box<dyn Iterator<Item = &Measure<'k>> + '_> {
        match self {
            Self::Lines(lines) => Box::new(lines.iter().filter_map(|(_, entry)| entry.measure())),
            Self::ByCode { measures, .. } => Box::new(measures.iter().map(|(_, measure)| measure)),
            Self::List { of, .. } => Box::new(std::iter::once(of)),
        }
    }

    fn kinds(&self) -> impl Iterator<Item = &'k Kind> {
        let looked_up = match self {
            Self::Lines(lines) => lines.iter().filter_map(|(_, entry)| entry.looked_up()).collect(),
            Self::ByCode { .. } | Self::List { .. } => Vec::new(),
        };
        let measured: Vec<&'k Kind> = self.measures().map(|measure| measure.kind).collect();
        measured.into_iter().chain(looked_up)
    }
}

/// A form being filled in, record by record.
#[derive(Debug)]
pub struct Filling<'f, 'k> {
    form: &'f StatutoryForm<'k>,
    heading: String,
    pages: Vec<Page<'f, 'k>>,
}

impl<'f, 'k> Filling<'f, 'k> {
    /// Starts filling in the form of an institution, for a year where it asks for one.
    #[must_use]
    pub fn new(form: &'f StatutoryForm<'k>, institution: &str, year: Option<i16>) -> Self {
        let heading = match year {
            Some(year) => format!("{institution}　{year} 年度"),
            None => institution.to_owned(),
        };
        let whole = form.sheets.iter().filter(|sheet| sheet.each.is_none());
        Self { form, heading, pages: whole.map(|sheet| Page::new(sheet, year)).collect() }
    }

    /// Counts a record of one of [`StatutoryForm::kinds`].
    pub fn take(&mut self, kind: &Kind, record: &Record) {
        for page in &mut self.pages {
            page.take(kind, record);
        }
    }

    /// Gives a record of [`StatutoryForm::per_record`] a sheet of its own.
    pub fn add(&mut self, kind: &Kind, record: &Record) {
        let sheets = self.form.sheets.iter();
        for sheet in sheets.filter(|sheet| sheet.each.is_some_and(|each| each.id() == kind.id())) {
            self.pages.push(Page::of_record(sheet, kind, record));
        }
    }

    /// Writes the workbook and answers what could not be filled in.
    ///
    /// # Errors
    /// The workbook cannot be written.
    pub fn finish(self, out: impl Write + Send) -> Result<Vec<Unfilled>, ExportFailed> {
        sheet::write(self.form, &self.heading, &self.pages, out)
    }
}

#[cfg(test)]
mod tests;
