//! What the styles of cells make of their numbers: dates, percentages, or numbers as they are.

use std::collections::HashMap;
use std::io::BufRead;

use crate::import::source::workbook::WorkbookFailed;
use crate::import::source::workbook::serial::{Shown, built_in, shown_by};
use crate::import::source::workbook::xml::{Node, Xml};

/// The most XML read of the styles, in bytes.
pub(crate) const XML_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Excel stops at 65,490 styles.
const STYLES_MAX: usize = 65_536;

/// By the number a cell names its style with.
pub(crate) fn read<R: BufRead>(mut xml: Xml<R>) -> Result<Vec<Shown>, WorkbookFailed> {
    let mut own: HashMap<u32, Shown> = HashMap::new();
    let mut styles = Vec::new();
    let mut in_cell_styles = false;
    loop {
        match xml.next()? {
            Node::Open(tag) if tag.name() == "cellXfs" => in_cell_styles = true,
            Node::Close(tag) if tag.name() == "cellXfs" => in_cell_styles = false,
            Node::Open(tag) if tag.name() == "numFmt" => {
                let code = tag.attribute("formatCode").unwrap_or_default();
                own.extend(tag.number("numFmtId").map(|id| (id, shown_by(&code))));
            }
            Node::Open(tag) if in_cell_styles && tag.name() == "xf" => {
                let id = tag.number("numFmtId").unwrap_or(0);
                styles.push(own.get(&id).copied().or_else(|| built_in(id)).unwrap_or_default());
            }
            Node::End => return Ok(styles),
            Node::Open(_) | Node::Close(_) | Node::Text(_) => {}
        }
        if styles.len() > STYLES_MAX || own.len() > STYLES_MAX {
            return Err(WorkbookFailed::TooLarge { what: "styles", limit: "65,536" });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_shown_by_built_in_and_own_formats() {
        let xml = "<styleSheet><numFmts><numFmt numFmtId='164' formatCode='yyyy\\-mm\\-dd'/></numFmts>\
                   <cellStyleXfs><xf numFmtId='14'/></cellStyleXfs>\
                   <cellXfs><xf numFmtId='0'/><xf numFmtId='164'/><xf numFmtId='9'/><xf numFmtId='999'/></cellXfs></styleSheet>";
        let styles = read(Xml::new(xml.as_bytes(), "styles", 10_000)).unwrap();
        assert_eq!(styles, [Shown::Number, Shown::Date { day: true }, Shown::Percent, Shown::Number]);
    }
}
