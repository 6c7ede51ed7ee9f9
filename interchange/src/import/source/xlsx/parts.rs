//! Which parts a workbook is made of: its sheets, its texts, its styles, and the day it counts from.

use std::collections::HashMap;
use std::io::{BufRead, Read, Seek};

use crate::import::source::workbook::archive::Archive;
use crate::import::source::workbook::serial::DateBase;
use crate::import::source::workbook::xml::{Node, Xml};
use crate::import::source::workbook::{SheetEntry, WorkbookFailed};

/// The most XML read of the workbook part and of a list of relations, in bytes.
const XML_BYTES_MAX: u64 = 8 * 1024 * 1024;
/// The most sheets and relations of a workbook.
const ENTRIES_MAX: usize = 4_096;

/// What the workbook part and its relations say.
#[derive(Debug, Default)]
pub(crate) struct Parts {
    pub(crate) sheets: Vec<SheetEntry>,
    pub(crate) strings: Option<String>,
    pub(crate) styles: Option<String>,
    pub(crate) base: DateBase,
}

#[derive(Debug)]
struct Relation {
    kind: String,
    part: String,
}

pub(crate) fn read<R: Read + Seek>(archive: &mut Archive<R>) -> Result<Parts, WorkbookFailed> {
    let root = relations(archive, "_rels/.rels", "")?;
    let workbook = root.into_values().find(|relation| relation.kind == "officeDocument");
    let workbook = workbook.map_or_else(|| "xl/workbook.xml".to_owned(), |relation| relation.part);
    let (folder, name) = workbook.rsplit_once('/').unwrap_or(("", &workbook));
    let folder = if folder.is_empty() { String::new() } else { format!("{folder}/") };
    let relations = relations(archive, &format!("{folder}_rels/{name}.rels"), &folder)?;
    let part = |kind: &str| {
        let mut parts = relations.values().filter(|relation| relation.kind == kind);
        parts.next().map(|relation| relation.part.clone()).filter(|part| archive.has(part))
    };
    let (strings, styles) = (part("sharedStrings"), part("styles"));
    let (base, listed) = sheets(archive.xml(&workbook, XML_BYTES_MAX)?)?;
    let sheets = listed.into_iter().filter_map(|mut sheet| {
        let relation = relations.get(&sheet.place).filter(|relation| relation.kind == "worksheet")?;
        sheet.place.clone_from(&relation.part);
        Some(sheet)
    });
    Ok(Parts { sheets: sheets.collect(), strings, styles, base })
}

/// The relations of a part by their id; none where there is no list of them.
fn relations<R: Read + Seek>(
    archive: &mut Archive<R>,
    part: &str,
    folder: &str,
) -> Result<HashMap<String, Relation>, WorkbookFailed> {
    let mut relations = HashMap::new();
    if !archive.has(part) {
        return Ok(relations);
    }
    let mut xml = archive.xml(part, XML_BYTES_MAX)?;
    loop {
        match xml.next()? {
            Node::Open(tag) if tag.name() == "Relationship" => {
                let attribute = |name| tag.attribute(name).unwrap_or_default();
                let kind = attribute("Type").rsplit('/').next().unwrap_or_default().to_owned();
                let part = located(folder, &attribute("Target"));
                relations.insert(attribute("Id"), Relation { kind, part });
            }
            Node::End => return Ok(relations),
            Node::Open(_) | Node::Close(_) | Node::Text(_) => {}
        }
        if relations.len() > ENTRIES_MAX {
            return Err(WorkbookFailed::TooLarge { what: "parts", limit: "4,096" });
        }
    }
}

/// The name of a part within the container.
fn located(folder: &str, target: &str) -> String {
    target.strip_prefix('/').map_or_else(|| format!("{folder}{target}"), str::to_owned)
}

/// The sheets in their order, each with the id of its relation, and the day the workbook counts from.
fn sheets<R: BufRead>(mut xml: Xml<R>) -> Result<(DateBase, Vec<SheetEntry>), WorkbookFailed> {
    let mut base = DateBase::Of1900;
    let mut sheets = Vec::new();
    loop {
        match xml.next()? {
            Node::Open(tag) if tag.name() == "workbookPr" && tag.is("date1904") => base = DateBase::Of1904,
            Node::Open(tag) if tag.name() == "sheet" => sheets.push(SheetEntry {
                name: tag.attribute("name").unwrap_or_default(),
                hidden: tag.attribute("state").is_some_and(|state| state != "visible"),
                place: tag.attribute("id").unwrap_or_default(),
            }),
            Node::End => return Ok((base, sheets)),
            Node::Open(_) | Node::Close(_) | Node::Text(_) => {}
        }
        if sheets.len() > ENTRIES_MAX {
            return Err(WorkbookFailed::TooLarge { what: "sheets", limit: "4,096" });
        }
    }
}
