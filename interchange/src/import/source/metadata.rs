//! XML with metadata records: an answer of OAI-PMH that somebody saved, or CERIF-XML and Dublin Core in any envelope.

use std::collections::HashMap;
use std::io::{Read, Seek};

use super::row::{COLUMNS_MAX, Mark, ReadRowsFailed, Row, RowSource, Rows};
use super::text_file::TextFile;
use crate::import::encoding::FILE_BYTES_MAX;
use crate::metadata::{Answer, Item, Limits, MetadataFormat, MetadataRow};

/// Records of one file.
const RECORDS_MAX: u64 = 10_000_000;

/// Words of which one stands near the start of every such file.
const SIGNS: [&str; 3] = [
    "http://www.openarchives.org/OAI/2.0/",
    "https://www.openaire.eu/cerif-profile/",
    "http://purl.org/dc/elements/1.1/",
];

/// Whether the text is XML with records of metadata in it.
pub(crate) fn is_one(start: &[u8]) -> bool {
    let text = String::from_utf8_lossy(start);
    text.trim_start().starts_with('<') && SIGNS.iter().any(|sign| text.contains(sign))
}

#[derive(Debug)]
pub(crate) struct MetadataFile<R> {
    file: TextFile<R>,
    columns: HashMap<String, usize>,
    names: Vec<String>,
}

impl<R: Read + Seek + Send> MetadataFile<R> {
    /// Reads the whole file once for its columns. Every column of its formats is there, whether a record has it or not.
    pub(crate) fn open(file: TextFile<R>) -> Result<Self, ReadRowsFailed> {
        let mut opened = Self { file, columns: HashMap::new(), names: Vec::new() };
        let (mut found, mut number) = (Vec::new(), 0_u64);
        let mut answer = Answer::of_file(opened.file.text()?, LIMITS);
        while let Some(row) = next_row(&mut answer)? {
            number = number.saturating_add(1);
            for (name, _) in row.cells() {
                if !found.iter().any(|known| known == name) {
                    found.push(name.to_owned());
                }
            }
            if found.len() > COLUMNS_MAX {
                return Err(ReadRowsFailed::TooManyColumns { row: number, line: None });
            }
        }
        let is_cerif = found.iter().any(|name| name == "entity");
        let is_dublin_core = found.iter().any(|name| name == "title") && !is_cerif;
        let formats = [(MetadataFormat::Cerif, !is_dublin_core), (MetadataFormat::DublinCore, !is_cerif)];
        let known = formats.into_iter().filter(|(_, holds)| *holds).flat_map(|(format, _)| format.columns());
        for name in found.into_iter().chain(known.map(|name| (*name).to_owned())) {
            let next = opened.names.len();
            if let std::collections::hash_map::Entry::Vacant(place) = opened.columns.entry(name.clone()) {
                place.insert(next);
                opened.names.push(name);
            }
        }
        Ok(opened)
    }

    /// The columns' names as row 0, then a row a record.
    pub(crate) fn rows(&mut self) -> Result<Rows<'_>, ReadRowsFailed> {
        let answer = Answer::of_file(self.file.text()?, LIMITS);
        let (columns, names) = (&self.columns, &self.names);
        Ok(Rows::new(MetadataRows { answer, columns, names, number: 0, header_given: false }))
    }
}

const LIMITS: Limits = Limits { bytes: FILE_BYTES_MAX, items: RECORDS_MAX };

fn next_row<R: Read>(answer: &mut Answer<R>) -> Result<Option<MetadataRow>, ReadRowsFailed> {
    loop {
        match answer.next()? {
            Some(Item::Record(row) | Item::Header(row)) => return Ok(Some(row)),
            Some(Item::Set(_)) => {}
            None => return Ok(None),
        }
    }
}

struct MetadataRows<'f, R> {
    answer: Answer<R>,
    columns: &'f HashMap<String, usize>,
    names: &'f [String],
    number: u64,
    header_given: bool,
}

impl<R: Read + Send> RowSource for MetadataRows<'_, R> {
    fn read(&mut self) -> Result<Option<Row>, ReadRowsFailed> {
        if !self.header_given {
            self.header_given = true;
            let mut header = Row::open_ended(0, None);
            for (column, name) in self.names.iter().enumerate() {
                header.put(column, name, None)?;
            }
            return Ok(Some(header));
        }
        let Some(record) = next_row(&mut self.answer)? else { return Ok(None) };
        self.number = self.number.saturating_add(1);
        let mut cells = Vec::new();
        for (name, value) in record.cells() {
            // A column that the first reading did not see: the file changed.
            cells.push((*self.columns.get(name).ok_or(ReadRowsFailed::Changed)?, value));
        }
        cells.sort_by_key(|(column, _)| *column);
        let mut row = Row::open_ended(self.number, None);
        for (column, value) in cells {
            match value.as_str() {
                Some(text) => row.put(column, text, None)?,
                None => row.put(column, &value.to_string(), Some(Mark::Json))?,
            }
        }
        Ok(Some(row))
    }
}
