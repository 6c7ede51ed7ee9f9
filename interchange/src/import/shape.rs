//! What a field of a kind holds, as far as reading a cell is concerned, and the reading that follows from it.

use safeharbor_rules::{CodeList, Field, ValueType};

use super::cell::{CodeTable, Dates, Reading};
use super::date::Precision;
use super::decimal::{MONEY, PLAIN, SHARE, Scale};
use super::mapping::{FieldMapping, MappingFailed, MappingFault, Own, Unfit, refused};

/// What one value of a field is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Shape<'f> {
    Text,
    Integer,
    /// A number with a fraction.
    Number,
    /// Integer 分.
    Money,
    /// Integer basis points.
    Share,
    Date(Precision),
    Flag,
    Code(&'f CodeList),
    /// A list of lists, or a group of named parts.
    Nested,
}

impl<'f> Shape<'f> {
    /// What one value of `field` holds, or one item of it where the field is a list.
    pub(crate) fn of(field: &'f Field) -> Self {
        if let Some(codes) = field.codes() {
            return Self::Code(codes);
        }
        match (field.value_type().item(), field.unit()) {
            (ValueType::Text | ValueType::Institution, _) => Self::Text,
            (ValueType::Date, _) => Self::Date(Precision::Day),
            (ValueType::Month, _) => Self::Date(Precision::Month),
            (ValueType::Integer, Some("分")) => Self::Money,
            (ValueType::Integer, Some("bp")) => Self::Share,
            (ValueType::Integer, _) => Self::Integer,
            (ValueType::Number, _) => Self::Number,
            (ValueType::Flag, _) => Self::Flag,
            (ValueType::List(_) | ValueType::Group, _) => Self::Nested,
        }
    }

    pub(crate) fn has_codes(self) -> bool {
        matches!(self, Self::Code(_))
    }

    pub(crate) fn is_number(self) -> bool {
        matches!(self, Self::Integer | Self::Number | Self::Money | Self::Share)
    }

    fn holds(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Integer => "a whole number",
            Self::Number => "a number",
            Self::Money => "money",
            Self::Share => "a share",
            Self::Date(Precision::Day) => "a date",
            Self::Date(Precision::Month) => "a month",
            Self::Date(Precision::Year) => "a year",
            Self::Flag => "yes or no",
            Self::Code(_) => "a code",
            Self::Nested => "a table within the record",
        }
    }
}

/// How cells of `entry` are read into `field`.
pub(crate) fn reading(entry: &FieldMapping, field: &Field) -> Result<Reading, MappingFailed> {
    let refused = |fault| refused(entry.field.line, &entry.field.value, fault);
    if entry.own == Some(Own::Stored) {
        return Ok(Reading::Stored { is_text: field.value_type().is_text() });
    }
    if let Some(source) = field.derived_from().filter(|_| entry.own.is_none()) {
        return Err(refused(MappingFault::Derived(source.to_owned())));
    }
    let shape = Shape::of(field);
    let is_list = matches!(field.value_type(), ValueType::List(_));
    if let Some(setting) = setting_without_use(entry, shape, is_list).filter(|_| entry.own.is_none()) {
        return Err(refused(MappingFault::NotApplicable { setting, holds: shape.holds() }));
    }
    let each = match shape {
        Shape::Text => Reading::Text(entry.normalise.clone()),
        Shape::Integer => Reading::Integer(PLAIN),
        Shape::Number => Reading::Number,
        Shape::Money => Reading::Integer(scale(entry, MONEY, MappingFault::UnitMissing)?),
        Shape::Share => Reading::Integer(scale(entry, SHARE, MappingFault::ShareUnitMissing)?),
        Shape::Date(wanted) => date_reading(entry, wanted),
        Shape::Flag => Reading::Flag,
        Shape::Code(codes) => Reading::Code(code_table(entry, codes)?, entry.unknown),
        Shape::Nested => return Ok(marked(entry, Reading::Json { is_list })),
    };
    let reading =
        if is_list { Reading::List { separators: entry.split.clone(), each: Box::new(each) } } else { each };
    Ok(marked(entry, reading))
}

/// The node's own cells may carry a mark in front.
fn marked(entry: &FieldMapping, reading: Reading) -> Reading {
    if entry.own.is_some() { Reading::Marked(Box::new(reading)) } else { reading }
}

fn setting_without_use(entry: &FieldMapping, shape: Shape<'_>, is_list: bool) -> Option<&'static str> {
    let is_date = matches!(shape, Shape::Date(_));
    let is_scaled = matches!(shape, Shape::Money | Shape::Share);
    let is_text = matches!(shape, Shape::Text);
    let settings = [
        ("unit", entry.unit.is_some() && !is_scaled),
        ("form", entry.forms.is_some() && !is_date),
        ("period", entry.period.is_some() && !is_date),
        ("split", !entry.split.is_empty() && !is_list),
        ("imprecise", entry.imprecise == Unfit::Keep && !is_date),
        ("unknown", entry.unknown == Unfit::Keep && !shape.has_codes()),
        ("normalise", !entry.normalise.is_empty() && !is_text),
    ];
    settings.into_iter().find_map(|(setting, is_useless)| is_useless.then_some(setting))
}

fn scale(entry: &FieldMapping, units: &[Scale], missing: MappingFault) -> Result<Scale, MappingFailed> {
    let Some(unit) = &entry.unit else {
        return Err(refused(entry.field.line, &entry.field.value, missing));
    };
    units.iter().find(|scale| scale.name == unit.value).copied().ok_or_else(|| {
        let names: Vec<&str> = units.iter().map(|scale| scale.name).collect();
        refused(unit.line, &entry.field.value, MappingFault::Unit(names.join(", ")))
    })
}

fn date_reading(entry: &FieldMapping, wanted: Precision) -> Reading {
    let dates = Dates { forms: entry.date_forms(), wanted, imprecise: entry.imprecise };
    match entry.period {
        Some(end) => Reading::Period { end, separators: entry.period_separators.clone(), dates },
        None => Reading::Date(dates),
    }
}

/// The mapping's own names for codes first, then the codes and labels of the field's list.
fn code_table(entry: &FieldMapping, list: &CodeList) -> Result<CodeTable, MappingFailed> {
    let mut table = CodeTable::default();
    for (name, code) in &entry.codes {
        if !list.codes().iter().any(|known| known.code == code.value) {
            let known = list.codes().iter().map(|known| known.code.as_str()).collect::<Vec<_>>().join(", ");
            let fault = MappingFault::Code { code: code.value.clone(), known };
            return Err(refused(code.line, &entry.field.value, fault));
        }
        table.add(name, &code.value);
    }
    for known in list.codes() {
        for name in [&known.code, &known.zh, &known.en] {
            table.add(name, &known.code);
        }
        table.announce(&known.zh);
    }
    Ok(table)
}
