//! The sheets of a form: filled record by record, written at the end.

use std::collections::BTreeSet;
use std::io::Write;

use rust_xlsxwriter::{Color, Format, FormatAlign, FormatBorder, Workbook, Worksheet};
use safeharbor_rules::{Kind, Lang, Record};

use super::measure::{Entry, Measure, Total, named, shown, title};
use super::unfilled::{Unfilled, WhyNot};
use super::{Body, FormSheet, LIST_ROWS_MAX, Section, StatutoryForm};
use crate::export::{ExportFailed, sheet_title, write_cell};

const WARNING: Color = Color::RGB(0x00C0_0000);
const HEAD: Color = Color::RGB(0x00E7_EDF4);
const LABEL_WIDTH: u32 = 40;
const VALUE_WIDTH: u32 = 28;
const COLUMNS_WIDE: u16 = 10;

/// One sheet in the making.
pub(super) struct Page<'f, 'k> {
    sheet: &'f FormSheet<'k>,
    /// The key of the record whose sheet it is.
    key: Option<String>,
    year: Option<i16>,
    contents: Vec<Content>,
}

/// What has come together for one section.
enum Content {
    Lines(Vec<Line>),
    /// A row for each code, then one for all; a total a column.
    ByCode(Vec<Vec<Total>>),
    List {
        total: Total,
        rows: Vec<Vec<String>>,
        is_cut: bool,
    },
}

enum Line {
    Total(Total),
    Text { text: Option<String>, seen: bool },
    Nothing,
}

impl<'f, 'k> Page<'f, 'k> {
    pub(super) fn new(sheet: &'f FormSheet<'k>, year: Option<i16>) -> Self {
        Self { sheet, key: None, year, contents: sheet.sections.iter().map(Content::of).collect() }
    }

    pub(super) fn of_record(sheet: &'f FormSheet<'k>, kind: &Kind, record: &Record) -> Self {
        let mut page = Self::new(sheet, None);
        page.key = kind.key_of(record).or_else(|| Some(String::new()));
        for (section, content) in sheet.sections.iter().zip(&mut page.contents) {
            let (Body::Lines(lines), Content::Lines(filled)) = (&section.body, content) else { continue };
            for ((_, entry), line) in lines.iter().zip(filled) {
                if let (Entry::Field { kind: None, column }, Line::Text { text, seen }) = (entry, line) {
                    (*text, *seen) = (shown(column, record), true);
                }
            }
        }
        page
    }

    pub(super) fn take(&mut self, kind: &Kind, record: &Record) {
        for (section, content) in self.sheet.sections.iter().zip(&mut self.contents) {
            match (&section.body, content) {
                (Body::Lines(lines), Content::Lines(filled)) => {
                    for ((_, entry), line) in lines.iter().zip(filled) {
                        line.take(entry, kind, record, self.year);
                    }
                }
                (Body::ByCode { field, measures }, Content::ByCode(rows)) => {
                    let code = record.get(field.name()).and_then(|value| value.as_str());
                    let codes = field.codes().map(|list| list.codes()).unwrap_or_default();
                    // The row behind those of the codes is for all of them.
                    let of_row = codes.iter().map(|row| Some(row.code.as_str()) == code).chain([true]);
                    for (_, totals) in of_row.zip(rows).filter(|(is_its, _)| *is_its) {
                        take_all(measures, totals, kind, record, self.year);
                    }
                }
                (Body::List { of, columns }, Content::List { total, rows, is_cut })
                    if of.kind.id() == kind.id() =>
                {
                    total.take(of, record, self.year);
                    if of.counts(record, self.year).unwrap_or(false) {
                        if rows.len() < LIST_ROWS_MAX {
                            let cell = |column| shown(column, record).unwrap_or_default();
                            rows.push(columns.iter().map(|(_, column)| cell(column)).collect());
                        } else {
                            *is_cut = true;
                        }
                    }
                }
                _ => {}
            }
        }
    }

    fn name(&self) -> String {
        match &self.key {
            Some(key) => key.replace('\u{1f}', " "),
            None => self.sheet.name.clone(),
        }
    }
}

impl std::fmt::Debug for Page<'_, '_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Page").field("sheet", &self.sheet.name).finish_non_exhaustive()
    }
}

fn take_all(
    measures: &[(String, Measure<'_>)],
    totals: &mut [Total],
    kind: &Kind,
    record: &Record,
    year: Option<i16>,
) {
    for ((_, measure), total) in measures.iter().zip(totals) {
        if measure.kind.id() == kind.id() {
            total.take(measure, record, year);
        }
    }
}

impl Content {
    fn of(section: &Section<'_>) -> Self {
        match &section.body {
            Body::Lines(lines) => Self::Lines(lines.iter().map(|(_, entry)| Line::of(entry)).collect()),
            Body::ByCode { field, measures } => {
                let codes = field.codes().map_or(0, |list| list.codes().len());
                let row = || measures.iter().map(|_| Total::default()).collect();
                Self::ByCode((0..=codes).map(|_| row()).collect())
            }
            Body::List { .. } => Self::List { total: Total::default(), rows: Vec::new(), is_cut: false },
        }
    }
}

impl Line {
    fn of(entry: &Entry<'_>) -> Self {
        match entry {
            Entry::Measure(_) => Self::Total(Total::default()),
            Entry::Field { .. } => Self::Text { text: None, seen: false },
            Entry::NotKept(_) => Self::Nothing,
        }
    }

    fn take(&mut self, entry: &Entry<'_>, kind: &Kind, record: &Record, year: Option<i16>) {
        match (entry, self) {
            (Entry::Measure(measure), Self::Total(total)) if measure.kind.id() == kind.id() => {
                total.take(measure, record, year);
            }
            (Entry::Field { kind: Some(of), column }, Self::Text { text, seen }) if of.id() == kind.id() => {
                *seen = true;
                *text = text.take().or_else(|| shown(column, record));
            }
            _ => {}
        }
    }

    fn text(&self, entry: &Entry<'_>) -> Option<String> {
        match (entry, self) {
            (Entry::Measure(measure), Self::Total(total)) => total.text(measure),
            (_, Self::Text { text, .. }) => text.clone(),
            _ => None,
        }
    }

    fn unfilled(&self, entry: &Entry<'_>) -> Vec<WhyNot> {
        match (entry, self) {
            (Entry::Measure(measure), Self::Total(total)) => total.unfilled(measure),
            (Entry::NotKept(reason), _) => vec![WhyNot::NotKept(reason.clone())],
            (Entry::Field { kind: Some(kind), .. }, Self::Text { seen: false, .. }) => {
                vec![WhyNot::NoRecord { kind: named(kind) }]
            }
            (Entry::Field { column, .. }, Self::Text { text: None, .. }) => {
                vec![WhyNot::Empty { field: title(column.field()) }]
            }
            _ => Vec::new(),
        }
    }
}

/// Writes every page and, last, what could not be filled in.
pub(super) fn write(
    form: &StatutoryForm<'_>,
    heading: &str,
    pages: &[Page<'_, '_>],
    out: impl Write + Send,
) -> Result<Vec<Unfilled>, ExportFailed> {
    let mut workbook = Workbook::new();
    let (mut names, mut unfilled) = (BTreeSet::new(), Vec::new());
    for page in pages {
        let name = unused(&page.name(), &mut names);
        let sheet = workbook.add_worksheet();
        sheet.set_name(&name)?;
        let mut writing = Writing { sheet, row: 0, name, unfilled: &mut unfilled };
        writing.head(form, heading)?;
        for (section, content) in page.sheet.sections.iter().zip(&page.contents) {
            writing.section(section, content)?;
        }
    }
    let sheet = workbook.add_worksheet();
    sheet.set_name(unused("未能填写", &mut names))?;
    write_unfilled(sheet, &unfilled)?;
    workbook.save_to_writer(out)?;
    Ok(unfilled)
}

/// A name that a sheet may have and that no other has, whatever its case.
fn unused(wanted: &str, names: &mut BTreeSet<String>) -> String {
    let mut name = sheet_title(wanted);
    for number in 2_u32.. {
        if names.insert(name.to_lowercase()) {
            break;
        }
        name = sheet_title(&format!("{number} {wanted}"));
    }
    name
}

struct Writing<'w> {
    sheet: &'w mut Worksheet,
    row: u32,
    name: String,
    unfilled: &'w mut Vec<Unfilled>,
}

impl Writing<'_> {
    fn next(&mut self) -> u32 {
        let row = self.row;
        self.row = self.row.saturating_add(1);
        row
    }

    fn head(&mut self, form: &StatutoryForm<'_>, heading: &str) -> Result<(), ExportFailed> {
        self.sheet.set_column_width(0, LABEL_WIDTH)?;
        for column in 1..COLUMNS_WIDE {
            self.sheet.set_column_width(column, VALUE_WIDTH)?;
        }
        let (title, notice, for_whom) = (self.next(), self.next(), self.next());
        let big = Format::new().set_bold().set_font_size(16);
        self.sheet.write_string_with_format(title, 0, &form.title, &big)?;
        let red = Format::new().set_bold().set_font_color(WARNING);
        self.sheet.write_string_with_format(notice, 0, &form.notice, &red)?;
        self.sheet.write_string(for_whom, 0, heading)?;
        Ok(())
    }

    fn section(&mut self, section: &Section<'_>, content: &Content) -> Result<(), ExportFailed> {
        self.next();
        let row = self.next();
        let bold = Format::new().set_bold().set_font_size(12);
        self.sheet.write_string_with_format(row, 0, &section.title, &bold)?;
        match (&section.body, content) {
            (Body::Lines(lines), Content::Lines(filled)) => {
                lines.iter().zip(filled).try_for_each(|((label, entry), line)| self.line(label, entry, line))
            }
            (Body::ByCode { field, measures }, Content::ByCode(rows)) => {
                let labels = measures.iter().map(|(label, _)| label.as_str());
                self.row_of(std::iter::once(field.title(Lang::Zh)).chain(labels), true)?;
                let codes = field.codes().map(|list| list.codes()).unwrap_or_default();
                let names = codes.iter().map(|code| code.zh.as_str()).chain(["合计"]);
                for (name, totals) in names.zip(rows) {
                    let cells = totals.iter().zip(measures).map(|(total, (_, measure))| total.text(measure));
                    let cells: Vec<String> = cells.map(Option::unwrap_or_default).collect();
                    self.row_of(std::iter::once(name).chain(cells.iter().map(String::as_str)), false)?;
                }
                self.told_of_total(section, measures, rows);
                Ok(())
            }
            (Body::List { of, columns }, Content::List { total, rows, is_cut }) => {
                self.row_of(columns.iter().map(|(label, _)| label.as_str()), true)?;
                for row in rows {
                    self.row_of(row.iter().map(String::as_str), false)?;
                }
                self.tell(&section.title, total.unfilled(of));
                self.tell(&section.title, is_cut.then_some(WhyNot::TooLong).into_iter().collect());
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// The row for all records says what each column lacks.
    fn told_of_total(
        &mut self,
        section: &Section<'_>,
        measures: &[(String, Measure<'_>)],
        rows: &[Vec<Total>],
    ) {
        for (total, (label, measure)) in rows.last().into_iter().flatten().zip(measures) {
            self.tell(&format!("{}：{label}", section.title), total.unfilled(measure));
        }
    }

    fn line(&mut self, label: &str, entry: &Entry<'_>, line: &Line) -> Result<(), ExportFailed> {
        let text = line.text(entry).unwrap_or_default();
        self.row_of([label, &text].into_iter(), false)?;
        self.tell(label, line.unfilled(entry));
        Ok(())
    }

    fn row_of<'c>(
        &mut self,
        cells: impl Iterator<Item = &'c str>,
        is_head: bool,
    ) -> Result<(), ExportFailed> {
        let row = self.next();
        let format = Format::new().set_border(FormatBorder::Thin).set_text_wrap().set_align(FormatAlign::Top);
        let format = if is_head { format.set_bold().set_background_color(HEAD) } else { format };
        for (column, cell) in (0_u16..).zip(cells) {
            write_cell(self.sheet, (row, column), cell, !is_head && column > 0, &format)?;
        }
        Ok(())
    }

    fn tell(&mut self, label: &str, reasons: Vec<WhyNot>) {
        let told = reasons.into_iter().map(|why| Unfilled {
            sheet: self.name.clone(),
            label: label.to_owned(),
            why,
        });
        self.unfilled.extend(told);
    }
}

fn write_unfilled(sheet: &mut Worksheet, unfilled: &[Unfilled]) -> Result<(), ExportFailed> {
    let bold = Format::new().set_bold().set_background_color(HEAD);
    for (column, (head, width)) in (0_u16..).zip([("表", 20), ("项目", 48), ("原因", 48), ("Reason", 56)])
    {
        sheet.set_column_width(column, width)?;
        sheet.write_string_with_format(0, column, head, &bold)?;
    }
    for (row, one) in (1_u32..).zip(unfilled) {
        let reasons = [one.why.text(Lang::Zh), one.why.text(Lang::En)];
        for (column, cell) in (0_u16..).zip([&one.sheet, &one.label].into_iter().chain(&reasons)) {
            sheet.write_string(row, column, cell)?;
        }
    }
    Ok(())
}
