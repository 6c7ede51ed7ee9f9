//! Rows of CSV as spreadsheets read them: commas, CR LF, quotation marks only where they are needed.

/// The byte order mark by which spreadsheets know UTF-8.
pub(super) const MARK: &[u8] = "\u{feff}".as_bytes();

pub(super) fn row<'c>(cells: impl Iterator<Item = &'c str>) -> String {
    let mut row = String::new();
    for (index, cell) in cells.enumerate() {
        if index > 0 {
            row.push(',');
        }
        if cell.contains([',', '"', '\n', '\r']) {
            row.push('"');
            row.push_str(&cell.replace('"', "\"\""));
            row.push('"');
        } else {
            row.push_str(cell);
        }
    }
    row.push_str("\r\n");
    row
}
