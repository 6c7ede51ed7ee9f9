//! The settings that say how the rows of a file are arranged before they are read: headings between rows, merged cells,
//! rows to take or to leave, columns to be turned into rows.

use std::collections::{BTreeMap, BTreeSet};

use super::file::{MappingFile, Name, RepeatsEntry, Texts, UnpivotEntry};
use super::finish::Finishing;
use super::{MappingFailed, MappingFault, Placed, refused};
use crate::import::date::DateForm;
use crate::import::text::{fold, narrow, trim};

/// How rows are arranged; the default takes each as it stands.
#[derive(Debug, Clone, Default)]
pub(crate) struct Arranging {
    /// The names of the columns of a file without a header row; several lists for rows of different length.
    pub(crate) columns: Vec<Vec<String>>,
    pub(crate) sub_headings: Option<SubHeadings>,
    /// Folded beginnings of the first row behind the last record.
    pub(crate) stop_at: Vec<String>,
    pub(crate) skip_where: Vec<Condition>,
    pub(crate) only: Vec<Condition>,
    pub(crate) fill_down: Vec<Placed<String>>,
    pub(crate) unpivot: Option<Unpivot>,
    pub(crate) repeats: Option<Repeats>,
}

/// Rows in which a single text stands are headings of the rows below them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SubHeadings {
    /// The column that holds the heading in the rows below; none where headings are only passed over.
    pub(crate) column: Option<Placed<String>>,
    /// The heading counts up to this text alone.
    pub(crate) until: Option<String>,
}

/// Holds where `column` has one of `texts`, which are folded.
#[derive(Debug, Clone)]
pub(crate) struct Condition {
    pub(crate) column: Placed<String>,
    pub(crate) texts: Vec<String>,
}

/// Columns each of whose cells is a record of its own.
#[derive(Debug, Clone)]
pub(crate) struct Unpivot {
    pub(crate) columns: Placed<Vec<Pattern>>,
    /// The column that holds the header of the cell.
    pub(crate) header: Option<Placed<String>>,
    /// The column that holds the cell.
    pub(crate) cell: Placed<String>,
}

/// What a header is like.
#[derive(Debug, Clone)]
pub(crate) enum Pattern {
    /// This text, folded.
    Text(String),
    /// A year or date in this form.
    Form(DateForm),
}

/// The how-manieth row it is in which the columns `of` hold the same texts.
#[derive(Debug, Clone)]
pub(crate) struct Repeats {
    pub(crate) of: Vec<Placed<String>>,
    pub(crate) column: Placed<String>,
}

impl Unpivot {
    /// Whether a column of this name is to be turned.
    pub(crate) fn takes(&self, name: &str) -> bool {
        let folded = fold(name);
        self.columns.value.iter().any(|pattern| match pattern {
            Pattern::Text(text) => *text == folded,
            Pattern::Form(form) => form.read(&narrow(trim(name))).is_some(),
        })
    }
}

impl Arranging {
    /// The columns that rows are chosen by or changed in, with the setting that names them.
    pub(crate) fn named(&self) -> Vec<(&'static str, &Placed<String>)> {
        let conditions = |setting, list| -> Vec<_> {
            <[Condition]>::iter(list).map(|one| (setting, &one.column)).collect()
        };
        let fill_down = self.fill_down.iter().map(|name| ("fill_down", name)).collect();
        let repeats =
            self.repeats.iter().flat_map(|repeats| &repeats.of).map(|name| ("repeats", name)).collect();
        [conditions("skip_where", &self.skip_where), conditions("only", &self.only), fill_down, repeats]
            .concat()
    }

    /// The columns that the file does not have and the arrangement makes, with the setting that makes them.
    pub(crate) fn made(&self) -> Vec<(&'static str, &Placed<String>)> {
        let heading = self.sub_headings.iter().filter_map(|one| one.column.as_ref());
        let header = self.unpivot.iter().filter_map(|one| one.header.as_ref());
        let cell = self.unpivot.iter().map(|one| &one.cell);
        let repeats = self.repeats.iter().map(|one| &one.column);
        let under = |setting| move |name| (setting, name);
        let turned = header.chain(cell).map(under("unpivot"));
        heading.map(under("sub_headings")).chain(turned).chain(repeats.map(under("repeats"))).collect()
    }
}

impl Finishing<'_> {
    pub(super) fn arranging(&self, file: &MappingFile) -> Result<Arranging, MappingFailed> {
        let arranging = Arranging {
            columns: self.columns(file)?,
            sub_headings: self.sub_headings(file.sub_headings.as_ref())?,
            stop_at: folded(&file.stop_at),
            skip_where: self.conditions(&file.skip_where),
            only: self.conditions(&file.only),
            fill_down: file.fill_down.iter().map(|name| self.name(name)).collect(),
            unpivot: file.unpivot.as_ref().map(|entry| self.unpivot(entry)).transpose()?,
            repeats: file.repeats.as_ref().map(|entry| self.repeats(entry)),
        };
        refuse_contradictions(&arranging)?;
        Ok(arranging)
    }

    fn columns(&self, file: &MappingFile) -> Result<Vec<Vec<String>>, MappingFailed> {
        let Some(columns) = &file.columns else { return Ok(Vec::new()) };
        let line = self.place(columns).line;
        if file.header_row.is_some() {
            return Err(refused(line, "columns", MappingFault::ColumnsAndHeader));
        }
        let list = columns.get_ref().as_array().map(Vec::as_slice).unwrap_or_default();
        let lists: Option<Vec<Vec<String>>> = if list.iter().all(toml::Value::is_str) {
            names(list).map(|list| vec![list])
        } else {
            list.iter().map(|list| names(list.as_array()?)).collect()
        };
        let lists = lists.unwrap_or_default();
        let lengths: BTreeSet<usize> = lists.iter().map(Vec::len).collect();
        if lists.is_empty() || lengths.len() != lists.len() || lengths.contains(&0) {
            return Err(refused(line, "columns", MappingFault::Columns));
        }
        Ok(lists)
    }

    fn sub_headings(
        &self,
        value: Option<&toml::Spanned<toml::Value>>,
    ) -> Result<Option<SubHeadings>, MappingFailed> {
        let Some(value) = value else { return Ok(None) };
        let Placed { line, value } = self.place(value);
        let wrong = || refused(line, "sub_headings", MappingFault::SubHeadings);
        let Some(table) = value.as_table() else {
            let skip = SubHeadings { column: None, until: None };
            return if value.as_str() == Some("skip") { Ok(Some(skip)) } else { Err(wrong()) };
        };
        let text =
            |name: &str| table.get(name).and_then(toml::Value::as_str).filter(|text| !trim(text).is_empty());
        let known =
            table.keys().all(|name| text(name).is_some() && matches!(name.as_str(), "column" | "until"));
        let column = text("column").filter(|_| known).ok_or_else(wrong)?;
        Ok(Some(SubHeadings {
            column: Some(Placed { line, value: column.to_owned() }),
            until: text("until").map(str::to_owned),
        }))
    }

    fn conditions(&self, conditions: &BTreeMap<Name, Texts>) -> Vec<Condition> {
        let condition = |(name, texts)| Condition { column: self.name(name), texts: folded(texts) };
        conditions.iter().map(condition).collect()
    }

    fn unpivot(&self, entry: &UnpivotEntry) -> Result<Unpivot, MappingFailed> {
        let Placed { line, value: columns } = self.place(&entry.columns);
        let pattern = |text: &String| {
            if !text.contains('%') {
                return Ok(Pattern::Text(fold(text)));
            }
            let form = DateForm::parse(text, false).map(Pattern::Form);
            form.map_err(|fault| refused(line, "unpivot", MappingFault::Form(fault)))
        };
        let columns = columns.0.iter().map(pattern).collect::<Result<Vec<_>, _>>()?;
        if columns.is_empty() {
            return Err(refused(line, "unpivot", MappingFault::NothingToTurn));
        }
        let header = entry.header.as_ref().map(|name| self.name(name));
        Ok(Unpivot { columns: Placed { line, value: columns }, header, cell: self.name(&entry.cell) })
    }

    fn repeats(&self, entry: &RepeatsEntry) -> Repeats {
        let of = entry.of.iter().map(|name| self.name(name)).collect();
        Repeats { of, column: self.name(&entry.column) }
    }
}

fn names(list: &[toml::Value]) -> Option<Vec<String>> {
    list.iter().map(|name| name.as_str().map(str::to_owned)).collect()
}

fn folded(texts: &Texts) -> Vec<String> {
    texts.0.iter().map(|text| fold(text)).collect()
}

fn refuse_contradictions(arranging: &Arranging) -> Result<(), MappingFailed> {
    if let (Some(_), Some(unpivot)) = (&arranging.sub_headings, &arranging.unpivot) {
        return Err(refused(unpivot.columns.line, "unpivot", MappingFault::TurnedUnderHeadings));
    }
    let made = arranging.made();
    for (index, (setting, name)) in made.iter().enumerate() {
        let is_again = |(_, other): &(&str, &Placed<String>)| fold(&other.value) == fold(&name.value);
        if fold(&name.value).is_empty() || made.iter().take(index).any(is_again) {
            return Err(refused(name.line, setting, MappingFault::NameTaken(name.value.clone())));
        }
    }
    let makes = |name: &Placed<String>| made.iter().any(|(_, made)| fold(&made.value) == fold(&name.value));
    match arranging.fill_down.iter().find(|name| makes(name)) {
        Some(name) => Err(refused(name.line, "fill_down", MappingFault::MadeColumn(name.value.clone()))),
        None => Ok(()),
    }
}
