//! The step from what a person wrote to a checked mapping.

use std::collections::BTreeMap;

use serde_json::Value;

use super::file::{FieldEntry, Forms, MappingFile, Name, Texts};
use super::{FieldMapping, Mapping, MappingFailed, MappingFault, Placed, line_at, refused};
use crate::import::date::DateForm;
use crate::import::encoding::Encoding;
use crate::import::normal::Normal;

const PERIOD_SEPARATORS: [&str; 6] = ["至", "~", "～", "—", "--", "-"];

/// Finishes a mapping; holds the text to tell lines.
pub(super) struct Finishing<'t> {
    pub(super) text: &'t str,
}

impl Finishing<'_> {
    pub(super) fn finish(&self, file: MappingFile) -> Result<Mapping, MappingFailed> {
        let arranging = self.arranging(&file)?;
        let header_row = match &file.header_row {
            Some(row) if *row.get_ref() == 0 => {
                return Err(refused(self.place(row).line, "header_row", MappingFault::HeaderRow));
            }
            Some(row) => *row.get_ref(),
            None => u64::from(arranging.columns.is_empty()),
        };
        let fields = file
            .field
            .into_iter()
            .map(|(name, entry)| self.field(&name, entry, &file.null))
            .collect::<Result<Vec<_>, _>>()?;
        let mapping = Mapping {
            kind: self.name(&file.kind),
            encoding: self.encoding(file.encoding.as_ref())?,
            delimiter: self.delimiter(file.delimiter.as_ref())?,
            sheet: file.sheet,
            header_row,
            skip_rows: file.skip_rows,
            short_rows: file.short_rows,
            key: file.key.iter().map(|name| self.name(name)).collect(),
            ignore: file.ignore,
            constants: self.constants(&file.constant)?,
            null: tokens(&file.null),
            arranging,
            action: file.action.as_ref().map(|name| self.name(name)),
            fields,
        };
        refuse_contradictions(&mapping)?;
        Ok(mapping)
    }

    pub(super) fn place<'s, T>(&self, spanned: &'s toml::Spanned<T>) -> Placed<&'s T> {
        let before = self.text.as_bytes().get(..spanned.span().start).unwrap_or_default();
        Placed { line: line_at(before), value: spanned.get_ref() }
    }

    pub(super) fn name(&self, name: &Name) -> Placed<String> {
        self.place(name).map(Clone::clone)
    }

    fn encoding(&self, name: Option<&Name>) -> Result<Option<Encoding>, MappingFailed> {
        let Some(name) = name.filter(|name| name.get_ref() != "auto") else { return Ok(None) };
        let parsed = name.get_ref().parse();
        parsed.map(Some).or(Err(refused(self.place(name).line, "encoding", MappingFault::Encoding)))
    }

    fn delimiter(&self, name: Option<&Name>) -> Result<Option<u8>, MappingFailed> {
        let Some(name) = name else { return Ok(None) };
        match name.get_ref().as_str() {
            "auto" => Ok(None),
            "," => Ok(Some(b',')),
            ";" => Ok(Some(b';')),
            "|" => Ok(Some(b'|')),
            "tab" | "\t" => Ok(Some(b'\t')),
            _ => Err(refused(self.place(name).line, "delimiter", MappingFault::Delimiter)),
        }
    }

    fn constants(
        &self,
        constants: &BTreeMap<Name, toml::Value>,
    ) -> Result<Vec<(Placed<String>, Value)>, MappingFailed> {
        let each = constants.iter().map(|(name, value)| {
            let name = self.name(name);
            match plain_value(value) {
                Some(value) => Ok((name, value)),
                None => Err(refused(name.line, &name.value, MappingFault::Constant)),
            }
        });
        each.collect()
    }

    fn field(&self, name: &Name, entry: FieldEntry, null: &[String]) -> Result<FieldMapping, MappingFailed> {
        let field = self.name(name);
        if entry.from.0.is_empty() {
            return Err(refused(field.line, &field.value, MappingFault::NoSource));
        }
        let period_separators = if entry.period_separator.0.is_empty() {
            PERIOD_SEPARATORS.map(str::to_owned).to_vec()
        } else {
            entry.period_separator.0
        };
        Ok(FieldMapping {
            forms: self.forms(&field, entry.form.as_ref())?,
            normalise: self.normals(&field, entry.normalise.as_ref())?,
            imprecise: entry.imprecise,
            unknown: entry.unknown,
            from: entry.from.0,
            join: entry.join,
            has_own_null: !entry.null.is_empty(),
            null: [tokens(null), tokens(&entry.null)].concat(),
            strip: entry.strip.into_iter().filter(|text| !text.is_empty()).collect(),
            line_breaks: entry.line_breaks,
            period: entry.period.map(toml::Spanned::into_inner),
            period_separators: period_separators.into_iter().filter(|text| !text.is_empty()).collect(),
            unit: entry.unit.as_ref().map(|unit| self.name(unit)),
            codes: entry.codes.iter().map(|(text, code)| (text.clone(), self.name(code))).collect(),
            split: entry.split.0.into_iter().filter(|text| !text.is_empty()).collect(),
            own: None,
            field,
        })
    }

    fn forms(
        &self,
        field: &Placed<String>,
        forms: Option<&toml::Spanned<Forms>>,
    ) -> Result<Option<Placed<Vec<DateForm>>>, MappingFailed> {
        let Some(forms) = forms else { return Ok(None) };
        let Placed { line, value } = self.place(forms);
        let parsed = value.0.iter().map(|entry| DateForm::parse(&entry.form, entry.swapped_by_spreadsheet));
        match parsed.collect() {
            Ok(value) => Ok(Some(Placed { line, value })),
            Err(fault) => Err(refused(line, &field.value, MappingFault::Form(fault))),
        }
    }

    fn normals(
        &self,
        field: &Placed<String>,
        names: Option<&toml::Spanned<Texts>>,
    ) -> Result<Vec<Normal>, MappingFailed> {
        let Some(names) = names else { return Ok(Vec::new()) };
        let Placed { line, value } = self.place(names);
        let found = value.0.iter().map(|name| Normal::ALL.into_iter().find(|normal| normal.name() == name));
        found.collect::<Option<Vec<_>>>().ok_or_else(|| {
            let known = Normal::ALL.map(Normal::name).join(", ");
            refused(line, &field.value, MappingFault::Normalise(known))
        })
    }
}

fn tokens(null: &[String]) -> Vec<String> {
    null.iter().map(|token| token.trim().to_owned()).collect()
}

fn plain_value(value: &toml::Value) -> Option<Value> {
    match value {
        toml::Value::String(text) => Some(Value::from(text.as_str())),
        toml::Value::Integer(number) => Some(Value::from(*number)),
        toml::Value::Boolean(flag) => Some(Value::from(*flag)),
        toml::Value::Array(list) => list.iter().map(plain_value).collect::<Option<Vec<_>>>().map(Value::from),
        toml::Value::Float(_) | toml::Value::Datetime(_) | toml::Value::Table(_) => None,
    }
}

fn refuse_contradictions(mapping: &Mapping) -> Result<(), MappingFailed> {
    let from_column = |name: &str| mapping.fields.iter().any(|entry| entry.field.value == name);
    for (constant, _) in &mapping.constants {
        if from_column(&constant.value) {
            return Err(refused(constant.line, &constant.value, MappingFault::FilledTwice));
        }
    }
    match mapping.key.iter().find(|key| !from_column(&key.value)) {
        Some(key) => Err(refused(key.line, &key.value, MappingFault::KeyNotFilled)),
        None => Ok(()),
    }
}
