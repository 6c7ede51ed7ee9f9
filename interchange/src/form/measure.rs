//! What an entry of a form is filled with: a field of a record, or a count or sum over the records of a kind.

use std::collections::BTreeMap;

use safeharbor_rules::{Field, Kind, Record};
use serde_json::Value;

use super::unfilled::WhyNot;
use crate::import::decimal::write_scaled;
use crate::layout::Column;

/// Decimals of 万元 in stored 分.
const MONEY_PLACES: u32 = 6;

/// What one entry is filled with.
#[derive(Debug)]
pub(super) enum Entry<'k> {
    /// A field of the sheet's own record, or of the one record of a kind.
    Field { kind: Option<&'k Kind>, column: Column<'k> },
    /// A count or a sum.
    Measure(Measure<'k>),
    /// The node does not keep it; the layout says why.
    NotKept(String),
}

impl<'k> Entry<'k> {
    pub(super) fn measure(&self) -> Option<&Measure<'k>> {
        match self {
            Self::Measure(measure) => Some(measure),
            Self::Field { .. } | Self::NotKept(_) => None,
        }
    }

    /// The kind whose one record is looked up.
    pub(super) fn looked_up(&self) -> Option<&'k Kind> {
        match self {
            Self::Field { kind, .. } => *kind,
            Self::Measure(_) | Self::NotKept(_) => None,
        }
    }
}

/// Which records of a kind count, and whether a field of them is summed.
#[derive(Debug)]
pub(super) struct Measure<'k> {
    pub(super) kind: &'k Kind,
    pub(super) sum: Option<&'k Field>,
    /// A date, month or year that lies in the year of the report.
    pub(super) year: Option<&'k Field>,
    pub(super) only: Vec<(&'k Field, Vec<Value>)>,
    /// The least amount, in stored units.
    pub(super) at_least: Option<(&'k Field, i64)>,
}

impl<'k> Measure<'k> {
    pub(super) fn wants_year(&self) -> bool {
        self.year.is_some()
    }

    /// Whether a record counts; the field it would take to tell, where the record lacks it.
    pub(super) fn counts(&self, record: &Record, year: Option<i16>) -> Result<bool, &'k Field> {
        for (field, values) in &self.only {
            // A record that does not say is none of those asked for.
            if !record.get(field.name()).is_some_and(|value| values.contains(value)) {
                return Ok(false);
            }
        }
        if let Some((field, year)) = self.year.zip(year)
            && year_of(record.get(field.name()).ok_or(field)?) != Some(year)
        {
            return Ok(false);
        }
        match self.at_least {
            Some((field, least)) => {
                let amount = record.get(field.name()).and_then(Value::as_i64).ok_or(field)?;
                Ok(amount >= least)
            }
            None => Ok(true),
        }
    }
}

fn year_of(value: &Value) -> Option<i16> {
    match value {
        Value::String(date) => date.get(..4)?.parse().ok(),
        Value::Number(year) => year.as_i64()?.try_into().ok(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// What a measure has come to.
#[derive(Debug, Default)]
pub(super) struct Total {
    seen: bool,
    count: u64,
    sum: i128,
    lacking: BTreeMap<String, u64>,
}

impl Total {
    pub(super) fn take(&mut self, measure: &Measure<'_>, record: &Record, year: Option<i16>) {
        self.seen = true;
        match measure.counts(record, year) {
            Ok(true) => self.add(measure.sum, record),
            Ok(false) => {}
            Err(field) => self.lacks(field),
        }
    }

    fn add(&mut self, sum: Option<&Field>, record: &Record) {
        let Some(field) = sum else {
            self.count = self.count.saturating_add(1);
            return;
        };
        match record.get(field.name()).and_then(Value::as_i64) {
            Some(amount) => self.sum = self.sum.saturating_add(i128::from(amount)),
            None => self.lacks(field),
        }
    }

    fn lacks(&mut self, field: &Field) {
        let count = self.lacking.entry(title(field)).or_default();
        *count = count.saturating_add(1);
    }

    /// The number for the cell; none where the node has no record of the kind, or it is too large to be exact.
    pub(super) fn text(&self, measure: &Measure<'_>) -> Option<String> {
        if !self.seen {
            return None;
        }
        let Some(field) = measure.sum else { return Some(self.count.to_string()) };
        let places = if field.unit() == Some("分") { MONEY_PLACES } else { 0 };
        i64::try_from(self.sum).ok().map(|sum| write_scaled(sum, places))
    }

    pub(super) fn unfilled(&self, measure: &Measure<'_>) -> Vec<WhyNot> {
        if !self.seen {
            return vec![WhyNot::NoRecord { kind: named(measure.kind) }];
        }
        let lacking = self.lacking.iter();
        let mut unfilled: Vec<WhyNot> = lacking
            .map(|(field, records)| WhyNot::Lacking { field: field.clone(), records: *records })
            .collect();
        if self.text(measure).is_none() {
            unfilled.push(WhyNot::TooLarge);
        }
        unfilled
    }
}

/// A kind by id and title: `DEAL 转化交易`.
pub(super) fn named(kind: &Kind) -> String {
    format!("{} {}", kind.id(), kind.title(safeharbor_rules::Lang::Zh))
}

pub(super) fn title(field: &Field) -> String {
    field.title(safeharbor_rules::Lang::Zh).to_owned()
}

/// The value of a column for people, in the unit of the kind's own layout.
pub(super) fn shown(column: &Column<'_>, record: &Record) -> Option<String> {
    let value = record.get(column.field().name()).filter(|value| !value.is_null())?;
    Some(column.plain(value))
}
