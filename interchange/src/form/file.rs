//! A form's layout as people write it: TOML, unknown words refused, every kind and field known.

use std::collections::BTreeMap;

use safeharbor_rules::{Catalogue, Field, Kind, ValueType};
use serde::Deserialize;
use serde_json::Value;

use super::measure::{Entry, Measure};
use super::{Body, FORM_BYTES_MAX, FormSheet, Section, StatutoryForm};
use crate::import::decimal::{MONEY, PLAIN, parse_scaled};
use crate::layout::Column;

/// A layout that is refused.
#[derive(Debug, thiserror::Error)]
pub enum FormFailed {
    /// Longer than [`FORM_BYTES_MAX`].
    #[error("the layout is longer than {FORM_BYTES_MAX} bytes")]
    TooLarge,
    /// Not TOML, or not of the shape a layout has.
    #[error("line {line} of the layout: {message}")]
    Shape {
        /// 1-based.
        line: usize,
        /// What the TOML reader says.
        message: String,
    },
    /// The catalogue has no such kind.
    #[error("{place}: there is no kind {kind:?}")]
    Kind {
        /// The section or entry.
        place: String,
        /// What is written.
        kind: String,
    },
    /// The kind has no such field.
    #[error("{place}: {kind} has no field {field:?}")]
    Field {
        /// The section or entry.
        place: String,
        /// The kind.
        kind: String,
        /// What is written.
        field: String,
    },
    /// A field that does not do for what it is used for.
    #[error("{place}: {field:?} is not {wanted}")]
    Unfit {
        /// The section or entry.
        place: String,
        /// The field.
        field: String,
        /// What it would have to be.
        wanted: &'static str,
    },
    /// Nothing, or several things, to fill an entry with.
    #[error("{place}: give one of field, count, sum and not_kept")]
    Filled {
        /// The entry.
        place: String,
    },
    /// Nothing, or several things, to make a section of.
    #[error("{place}: give line, or by and column, or list and column")]
    Section {
        /// The section.
        place: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FormFile {
    title: String,
    #[serde(rename = "title_en")]
    _title_en: String,
    notice: String,
    sheet: Vec<SheetEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SheetEntry {
    name: String,
    each: Option<String>,
    section: Vec<SectionEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SectionEntry {
    title: String,
    by: Option<String>,
    list: Option<String>,
    year: Option<String>,
    #[serde(default)]
    only: BTreeMap<String, Vec<Value>>,
    #[serde(default)]
    line: Vec<CellEntry>,
    #[serde(default)]
    column: Vec<CellEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CellEntry {
    label: String,
    field: Option<String>,
    from: Option<String>,
    count: Option<String>,
    sum: Option<String>,
    year: Option<String>,
    #[serde(default)]
    only: BTreeMap<String, Vec<Value>>,
    at_least: Option<Least>,
    not_kept: Option<String>,
}

/// The least amount, in 万元 where the field is money.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Least {
    field: String,
    amount: String,
}

impl<'k> StatutoryForm<'k> {
    /// Parses a layout for the kinds of `catalogue`.
    ///
    /// # Errors
    /// A text that is no layout, or that names kinds and fields that do not exist or do not do.
    pub fn parse(text: &str, catalogue: &'k Catalogue) -> Result<Self, FormFailed> {
        if text.len() > FORM_BYTES_MAX {
            return Err(FormFailed::TooLarge);
        }
        let file: FormFile = toml::from_str(text).map_err(|error| {
            let before = text.get(..error.span().map_or(0, |span| span.start)).unwrap_or_default();
            let line = before.matches('\n').count().saturating_add(1);
            FormFailed::Shape { line, message: error.message().to_owned() }
        })?;
        let binding = Binding { catalogue };
        let sheets = file.sheet.into_iter().map(|sheet| binding.sheet(sheet)).collect::<Result<_, _>>()?;
        Ok(Self { title: file.title, notice: file.notice, sheets })
    }
}

struct Binding<'k> {
    catalogue: &'k Catalogue,
}

impl<'k> Binding<'k> {
    fn sheet(&self, entry: SheetEntry) -> Result<FormSheet<'k>, FormFailed> {
        let each = entry.each.map(|kind| self.kind(&entry.name, &kind)).transpose()?;
        let sections = entry.section.into_iter().map(|section| self.section(section, each));
        Ok(FormSheet { sections: sections.collect::<Result<_, _>>()?, name: entry.name, each })
    }

    fn section(&self, entry: SectionEntry, each: Option<&'k Kind>) -> Result<Section<'k>, FormFailed> {
        let place = entry.title.as_str();
        let body = match (&entry.by, &entry.list, entry.line.is_empty(), entry.column.is_empty()) {
            (None, None, false, true) => {
                let lines = entry.line.iter().map(|line| Ok((line.label.clone(), self.entry(line, each)?)));
                Body::Lines(lines.collect::<Result<_, FormFailed>>()?)
            }
            (Some(by), None, true, false) => {
                let (kind, field) = self.kind_and_field(place, by)?;
                let wanted = "of one code of a list";
                if field.codes().is_none() || matches!(field.value_type(), ValueType::List(_)) {
                    return Err(unfit(place, field, wanted));
                }
                let measures = entry.column.iter().map(|column| match self.entry(column, each)? {
                    Entry::Measure(measure) if measure.kind.id() == kind.id() => {
                        Ok((column.label.clone(), measure))
                    }
                    Entry::Measure(_) | Entry::Field { .. } | Entry::NotKept(_) => {
                        Err(FormFailed::Filled { place: column.label.clone() })
                    }
                });
                Body::ByCode { field, measures: measures.collect::<Result<_, _>>()? }
            }
            (None, Some(list), true, false) => {
                let kind = self.kind(place, list)?;
                let columns = entry.column.iter().map(|column| {
                    let name = column.field.as_deref().unwrap_or_default();
                    let field = field_of(&column.label, kind, name)?;
                    Ok((column.label.clone(), Column::of(kind, field)))
                });
                let of = Measure {
                    kind,
                    sum: None,
                    year: self.year(place, kind, entry.year.as_deref())?,
                    only: only(place, kind, &entry.only)?,
                    at_least: None,
                };
                Body::List { of, columns: columns.collect::<Result<_, FormFailed>>()? }
            }
            _ => return Err(FormFailed::Section { place: place.to_owned() }),
        };
        Ok(Section { title: entry.title, body })
    }

    fn entry(&self, entry: &CellEntry, each: Option<&'k Kind>) -> Result<Entry<'k>, FormFailed> {
        let place = entry.label.as_str();
        match (&entry.field, &entry.count, &entry.sum, &entry.not_kept) {
            (Some(name), None, None, None) => {
                let kind = entry.from.as_ref().map(|kind| self.kind(place, kind)).transpose()?;
                let of = kind.or(each).ok_or_else(|| FormFailed::Filled { place: place.to_owned() })?;
                Ok(Entry::Field { kind, column: Column::of(of, field_of(place, of, name)?) })
            }
            (None, Some(kind), None, None) => {
                Ok(Entry::Measure(self.measure(entry, self.kind(place, kind)?, None)?))
            }
            (None, None, Some(sum), None) => {
                let (kind, field) = self.kind_and_field(place, sum)?;
                if field.value_type() != &ValueType::Integer {
                    return Err(unfit(place, field, "a whole number"));
                }
                Ok(Entry::Measure(self.measure(entry, kind, Some(field))?))
            }
            (None, None, None, Some(reason)) => Ok(Entry::NotKept(reason.clone())),
            _ => Err(FormFailed::Filled { place: place.to_owned() }),
        }
    }

    fn measure(
        &self,
        entry: &CellEntry,
        kind: &'k Kind,
        sum: Option<&'k Field>,
    ) -> Result<Measure<'k>, FormFailed> {
        let place = entry.label.as_str();
        let at_least = entry.at_least.as_ref().map(|least| {
            let field = field_of(place, kind, &least.field)?;
            let money = MONEY.iter().find(|unit| unit.name == "万元").copied();
            let scale = money.filter(|_| field.unit() == Some("分")).unwrap_or(PLAIN);
            let amount = parse_scaled(&least.amount, scale);
            Ok((field, amount.or(Err(unfit(place, field, "compared with such an amount")))?))
        });
        Ok(Measure {
            kind,
            sum,
            year: self.year(place, kind, entry.year.as_deref())?,
            only: only(place, kind, &entry.only)?,
            at_least: at_least.transpose()?,
        })
    }

    fn year(&self, place: &str, kind: &'k Kind, name: Option<&str>) -> Result<Option<&'k Field>, FormFailed> {
        let Some(name) = name else { return Ok(None) };
        let field = field_of(place, kind, name)?;
        match field.value_type() {
            ValueType::Date | ValueType::Month | ValueType::Integer => Ok(Some(field)),
            ValueType::Text
            | ValueType::Institution
            | ValueType::Number
            | ValueType::Flag
            | ValueType::List(_)
            | ValueType::Group => Err(unfit(place, field, "a date, a month or a year")),
        }
    }

    fn kind(&self, place: &str, id: &str) -> Result<&'k Kind, FormFailed> {
        let found = id.parse().ok().and_then(|id| self.catalogue.kind(&id));
        found.ok_or_else(|| FormFailed::Kind { place: place.to_owned(), kind: id.to_owned() })
    }

    /// `DEAL.price`.
    fn kind_and_field(&self, place: &str, text: &str) -> Result<(&'k Kind, &'k Field), FormFailed> {
        let (kind, field) = text.split_once('.').unwrap_or((text, ""));
        let kind = self.kind(place, kind)?;
        Ok((kind, field_of(place, kind, field)?))
    }
}

fn field_of<'k>(place: &str, kind: &'k Kind, name: &str) -> Result<&'k Field, FormFailed> {
    kind.field(name).ok_or_else(|| FormFailed::Field {
        place: place.to_owned(),
        kind: kind.id().to_string(),
        field: name.to_owned(),
    })
}

/// Values that the field can hold: one that it cannot would silently count nothing.
fn only<'k>(
    place: &str,
    kind: &'k Kind,
    values: &BTreeMap<String, Vec<Value>>,
) -> Result<Vec<(&'k Field, Vec<Value>)>, FormFailed> {
    let each = values.iter().map(|(name, values)| {
        let field = field_of(place, kind, name)?;
        match values.iter().all(|value| field.accepts(value)) {
            true => Ok((field, values.clone())),
            false => Err(unfit(place, field, "a field of such values")),
        }
    });
    each.collect()
}

fn unfit(place: &str, field: &Field, wanted: &'static str) -> FormFailed {
    FormFailed::Unfit { place: place.to_owned(), field: field.name().to_owned(), wanted }
}
