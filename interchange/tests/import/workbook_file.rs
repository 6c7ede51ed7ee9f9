//! Workbooks made by hand, part by part, to say things that programs would not.

use std::fmt::Write as _;
use std::io::{Cursor, Write as _};

use zip::write::SimpleFileOptions;

const RELATIONS: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";

/// A container of these parts.
pub(crate) fn container(parts: &[(&str, &str)]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in parts {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// What a workbook of one or more sheets is made of.
#[derive(Debug, Default, Clone)]
pub(crate) struct Xlsx {
    /// Name, state and XML of each sheet.
    pub(crate) sheets: Vec<(String, &'static str, String)>,
    pub(crate) strings: String,
    pub(crate) number_formats: String,
    pub(crate) cell_formats: String,
    pub(crate) is_1904: bool,
}

impl Xlsx {
    /// A workbook of one sheet, what stands inside its `sheetData` given.
    pub(crate) fn of(rows: &str) -> Self {
        Self::default().with("成果", "visible", &format!("<sheetData>{rows}</sheetData>"))
    }

    pub(crate) fn with(mut self, name: &str, state: &'static str, inside: &str) -> Self {
        self.sheets.push((name.to_owned(), state, format!("<worksheet>{inside}</worksheet>")));
        self
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let (mut sheets, mut relations) = (String::new(), String::new());
        for (number, (name, state, _)) in self.sheets.iter().enumerate() {
            write!(
                sheets,
                "<sheet name='{name}' sheetId='{n}' state='{state}' r:id='rId{n}'/>",
                n = number + 1
            )
            .unwrap();
            write!(
                relations,
                "<Relationship Id='rId{n}' Type='{RELATIONS}/worksheet' Target='worksheets/sheet{n}.xml'/>",
                n = number + 1
            )
            .unwrap();
        }
        write!(relations, "<Relationship Id='s' Type='{RELATIONS}/sharedStrings' Target='sharedStrings.xml'/><Relationship Id='t' Type='{RELATIONS}/styles' Target='styles.xml'/>").unwrap();
        let base = if self.is_1904 { "<workbookPr date1904='1'/>" } else { "" };
        let workbook = format!("<workbook xmlns:r='{RELATIONS}'>{base}<sheets>{sheets}</sheets></workbook>");
        let styles = format!(
            "<styleSheet><numFmts>{}</numFmts><cellXfs><xf numFmtId='0'/>{}</cellXfs></styleSheet>",
            self.number_formats, self.cell_formats
        );
        let relations = format!("<Relationships>{relations}</Relationships>");
        let root = format!(
            "<Relationships><Relationship Id='r' Type='{RELATIONS}/officeDocument' Target='xl/workbook.xml'/></Relationships>"
        );
        let strings = format!("<sst>{}</sst>", self.strings);
        let names: Vec<String> =
            (1..=self.sheets.len()).map(|n| format!("xl/worksheets/sheet{n}.xml")).collect();
        let mut parts = vec![
            ("[Content_Types].xml", "<Types/>"),
            ("_rels/.rels", root.as_str()),
            ("xl/workbook.xml", &workbook),
            ("xl/_rels/workbook.xml.rels", &relations),
            ("xl/styles.xml", &styles),
            ("xl/sharedStrings.xml", &strings),
        ];
        parts.extend(names.iter().zip(&self.sheets).map(|(name, (.., xml))| (name.as_str(), xml.as_str())));
        container(&parts)
    }
}

/// A row of texts and of cells given as XML, which begin with `<`.
pub(crate) fn row(number: u64, cells: &[&str]) -> String {
    let cells: String = cells
        .iter()
        .map(|cell| {
            if cell.starts_with('<') {
                (*cell).to_owned()
            } else {
                format!("<c t='inlineStr'><is><t>{cell}</t></is></c>")
            }
        })
        .collect();
    format!("<row r='{number}'>{cells}</row>")
}

/// An OpenDocument spreadsheet of one sheet, what stands inside its table given.
pub(crate) fn ods(rows: &str) -> Vec<u8> {
    let content = format!(
        "<office:document-content xmlns:office='o' xmlns:table='t' xmlns:text='x' xmlns:style='s'><office:body><office:spreadsheet>\
         <table:table table:name='成果'>{rows}</table:table></office:spreadsheet></office:body></office:document-content>"
    );
    let mimetype = "application/vnd.oasis.opendocument.spreadsheet";
    container(&[("mimetype", mimetype), ("META-INF/manifest.xml", "<m/>"), ("content.xml", &content)])
}

/// A row of an OpenDocument spreadsheet.
pub(crate) fn ods_row(cells: &[&str]) -> String {
    let cell = |text: &&str| {
        format!("<table:table-cell office:value-type='string'><text:p>{text}</text:p></table:table-cell>")
    };
    format!("<table:table-row>{}</table:table-row>", cells.iter().map(cell).collect::<String>())
}

/// Records of a BIFF8 stream, for [`xls`].
#[derive(Debug, Default, Clone)]
pub(crate) struct Biff(pub(crate) Vec<u8>);

impl Biff {
    pub(crate) fn put(&mut self, kind: u16, body: &[u8]) {
        self.0.extend(kind.to_le_bytes());
        self.0.extend(u16::try_from(body.len()).unwrap().to_le_bytes());
        self.0.extend(body);
    }

    /// A record about a cell in the format of that number.
    pub(crate) fn cell(&mut self, kind: u16, row: u16, column: u16, format: u16, body: &[u8]) {
        let head: Vec<u8> = [row, column, format].into_iter().flat_map(u16::to_le_bytes).collect();
        self.put(kind, &[head.as_slice(), body].concat());
    }

    /// A text in its own cell (LABEL).
    pub(crate) fn text(&mut self, row: u16, column: u16, text: &str) {
        self.cell(0x0204, row, column, 0, &wide(text));
    }

    /// A number (NUMBER).
    pub(crate) fn number(&mut self, row: u16, column: u16, format: u16, number: f64) {
        self.cell(0x0203, row, column, format, &number.to_le_bytes());
    }
}

/// A text with its length in 16 bits.
pub(crate) fn wide(text: &str) -> Vec<u8> {
    let units: Vec<u16> = text.encode_utf16().collect();
    let length = u16::try_from(units.len()).unwrap().to_le_bytes();
    [length.as_slice(), &[1], &units.iter().flat_map(|unit| unit.to_le_bytes()).collect::<Vec<u8>>()].concat()
}

/// A workbook of Excel 97 with one sheet of these records; cell format 1 is a date.
pub(crate) fn xls(sheet: &Biff, is_1904: bool) -> Vec<u8> {
    let bof = |kind: u16| {
        [0x0600_u16, kind, 0, 0, 0, 0, 0, 0].into_iter().flat_map(u16::to_le_bytes).collect::<Vec<u8>>()
    };
    let mut globals = Biff::default();
    globals.put(0x0809, &bof(5));
    globals.put(0x0022, &[u8::from(is_1904), 0]);
    globals.put(0x00E0, &[0; 20]);
    globals.put(0x00E0, &[0, 0, 14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    let at = globals.0.len() + 14 + 4;
    globals.put(0x0085, &[&u32::try_from(at).unwrap().to_le_bytes()[..], &[0, 0, 2, 0, b'A', b'1']].concat());
    globals.put(0x000A, &[]);
    globals.put(0x0809, &bof(16));
    globals.0.extend(&sheet.0);
    globals.put(0x000A, &[]);
    compound_file(&globals.0)
}

/// A compound file whose stream `Workbook` is this: header, table of sectors, directory, stream.
pub(crate) fn compound_file(stream: &[u8]) -> Vec<u8> {
    let sectors = stream.len().max(4_096).div_ceil(512);
    assert!(sectors + 2 <= 128, "one sector of the table is enough for tests");
    let mut header = vec![0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1];
    header.resize(512, 0);
    header[30] = 9;
    header[32] = 6;
    let mut set = |at: usize, value: u32| header[at..at + 4].copy_from_slice(&value.to_le_bytes());
    set(44, 1);
    set(48, 1);
    set(60, 0xFFFF_FFFE);
    set(68, 0xFFFF_FFFE);
    (0..109).for_each(|n| set(76 + 4 * n, if n == 0 { 0 } else { 0xFFFF_FFFF }));
    let mut table = vec![0xFFFF_FFFD_u32, 0xFFFF_FFFE];
    table.extend(
        (0..sectors).map(|n| if n + 1 == sectors { 0xFFFF_FFFE } else { u32::try_from(n + 3).unwrap() }),
    );
    table.resize(128, 0xFFFF_FFFF);
    let entry = |name: &str, kind: u8, first: u32, length: usize| {
        let mut entry: Vec<u8> = name.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect();
        let name_bytes = u16::try_from(entry.len()).unwrap();
        entry.resize(128, 0);
        entry[64..66].copy_from_slice(&name_bytes.to_le_bytes());
        entry[66] = kind;
        entry[116..120].copy_from_slice(&first.to_le_bytes());
        entry[120..124].copy_from_slice(&u32::try_from(length).unwrap().to_le_bytes());
        entry
    };
    let mut file = header;
    file.extend(table.into_iter().flat_map(u32::to_le_bytes));
    file.extend(entry("Root Entry", 5, 0xFFFF_FFFE, 0));
    file.extend(entry("Workbook", 2, 2, sectors * 512));
    file.resize(3 * 512, 0);
    file.extend(stream);
    file.resize((3 + sectors) * 512, 0);
    file
}
