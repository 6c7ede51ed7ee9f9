//! The bombs.

use std::io::{Cursor, Write as _};

use zip::write::SimpleFileOptions;

use crate::measure::{MANY_TEXTS, outcome, reads, refuses};
use crate::streams::{Changing, Long};
use crate::workbook_file::{Biff, Xlsx, container, ods, ods_row, row, wide, xls};

const LAUGHS: &str = "<!DOCTYPE lolz [<!ENTITY lol \"lol\"><!ENTITY lol2 \"&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;\">\
    <!ENTITY lol3 \"&lol2;&lol2;&lol2;&lol2;&lol2;&lol2;&lol2;&lol2;&lol2;&lol2;\">]>";

fn header() -> String {
    row(1, &["编号", "名称"])
}

fn good(count: u64) -> String {
    (2..count + 2).map(|n| row(n, &[&format!("A-{n}"), "名"])).collect()
}

#[test]
fn hostile_files_cost_little_memory_and_leave_nothing_behind() {
    ranges_and_columns();
    entities_and_depth();
    long_lines();
    containers();
    old_workbooks();
    files_that_change();
    many_texts();
}

fn ranges_and_columns() {
    let rows = format!("{}{}", header(), good(3));
    let whole = Xlsx::default().with(
        "a",
        "visible",
        &format!("<dimension ref='A1:XFD1048576'/><sheetData>{rows}</sheetData>"),
    );
    assert!(whole.bytes().len() < 5_000);
    reads("a used range of the whole sheet", Cursor::new(whole.bytes()), 3);
    let last = "<row r='1048576'><c r='XFD1048576'><v>1</v></c></row>";
    let refused = "row 1048576 has more than 4096 columns";
    refuses("a value in the last cell", Cursor::new(Xlsx::of(&format!("{rows}{last}")).bytes()), refused);
    let styled = "<row r='1048576'><c r='XFD1048576' s='1'/></row>";
    reads("a format in the last cell", Cursor::new(Xlsx::of(&format!("{rows}{styled}")).bytes()), 3);
    let blank: String = (5..200_000).map(|n| format!("<row r='{n}'/>")).collect();
    reads("200,000 blank rows", Cursor::new(Xlsx::of(&format!("{rows}{blank}")).bytes()), 3);
    let wide: String = (0..100_000).map(|_| "<c><v>1</v></c>").collect();
    let wide = format!("{}{}<row r='3000'>{wide}</row>", header(), good(2_500));
    refuses("100,000 columns", Cursor::new(Xlsx::of(&wide).bytes()), "row 3000 has more than 4096 columns");
    let csv = format!("编号,名称\n{}{}\n", "A,名\n".repeat(2_500), ",".repeat(100_000));
    refuses("100,000 columns of CSV", Cursor::new(csv), "row 2502 (line 2502) has more than 4096 columns");
    refuses(
        "rows backwards",
        Cursor::new(Xlsx::of(&format!("{}{}{}", header(), good(2_500), row(7, &["A", "b"]))).bytes()),
        "row 7 is out of order",
    );
    let repeated = |rows: &str, cells: &str| {
        format!(
            "<table:table-row table:number-rows-repeated='{rows}'><table:table-cell office:value-type='string' table:number-columns-repeated='{cells}'><text:p>x</text:p></table:table-cell></table:table-row>"
        )
    };
    let ods_header = ods_row(&["编号", "名称"]);
    refuses(
        "a cell a billion times",
        Cursor::new(ods(&format!("{ods_header}{}", repeated("1", "1000000000")))),
        "more than 4096 columns",
    );
    refuses(
        "a row a billion times",
        Cursor::new(ods(&format!("{ods_header}{}", repeated("1000000000", "1")))),
        "more than 1,048,576 of rows",
    );
    reads(
        "a row 100,000 times",
        Cursor::new(ods(&format!("{ods_header}{}", repeated("100000", "1")))),
        100_000,
    );
}

fn entities_and_depth() {
    let book = Xlsx::of(&format!("{}{}", header(), row(2, &["&lol3;", "b"])));
    let laughing = |book: &Xlsx| {
        let mut book = book.clone();
        book.sheets[0].2 = format!("{LAUGHS}{}", book.sheets[0].2);
        book.bytes()
    };
    refuses("laughs in a sheet", Cursor::new(laughing(&book)), "declares or uses entities");
    refuses("an entity nobody declared", Cursor::new(book.bytes()), "declares or uses entities");
    let content = format!("{LAUGHS}<o:x xmlns:o='o'>&lol3;</o:x>");
    let laughing_ods = container(&[("META-INF/manifest.xml", "<m/>"), ("content.xml", &content)]);
    refuses("laughs in an ODS", Cursor::new(laughing_ods), "declares or uses entities");
    let deep = "<row>".repeat(100_000);
    refuses("deep XML", Cursor::new(Xlsx::of(&deep).bytes()), "nested elements");
    let long = format!("<row r='1'><c><v>{}</v></c></row>", "x".repeat(40 << 20));
    refuses("a text of 40 MiB", Cursor::new(Xlsx::of(&long).bytes()), "2 MiB in one piece");
    let tag = format!("<row a='{}'/>", "x".repeat(40 << 20));
    refuses("a tag of 40 MiB", Cursor::new(Xlsx::of(&tag).bytes()), "2 MiB in one piece");
    let deep = format!("{{\"编号\":\"A\",\"名称\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    let (open, close) = deep.split_at(deep.len() / 2);
    reads("deep JSON", Cursor::new(format!("{open}{close}")), 1);
}

fn long_lines() {
    let gigabyte = Long::new("编号,名称\nA,", "x", 1 << 30, "\n");
    refuses("a CSV line of 1 GiB", gigabyte, "more than the 536870912 this node reads");
    let line = || Long::new("编号,名称\nA,", "xxxxxxxx", 6 << 20, "\n");
    refuses("a CSV line of 48 MiB", line(), "a cell of row 2 (line 2) is longer than 1 MiB");
    let quoted = Long::new("编号,名称\nA,\"", "\"\"\n,\n,\n,", 6 << 20, "\n");
    refuses("48 MiB in quotation marks", quoted, "is longer than 1 MiB");
    let json = Long::new("{\"编号\":\"A\",\"名称\":\"", "xxxxxxxx", 6 << 20, "\"}\n");
    refuses("a JSON line of 48 MiB", json, "row 1 (line 1) is longer");
    let json = Long::new("{\"编号\":\"A\"}\n", "{\"编号\":", 4 << 20, "\n");
    refuses("objects in objects for 40 MiB", json, "row 2 (line 2) is longer");
    let keys: String = (0..100_000).map(|n| format!("{{\"编号\":\"A\",\"k{n}\":1}}\n")).collect();
    refuses("100,000 keys", Cursor::new(keys), "has more than 4096 columns");
}

fn containers() {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for n in 0..60_000 {
        zip.start_file(format!("part/{n:050}"), SimpleFileOptions::default()).unwrap();
    }
    refuses("60,000 parts", Cursor::new(zip.finish().unwrap().into_inner()), "list of parts");
    let good = Xlsx::of(&format!("{}{}", header(), good(3_000))).bytes();
    for cut in [5, 100, good.len() / 2, good.len() - 10] {
        refuses("a container cut off", Cursor::new(good[..cut].to_vec()), "damaged");
    }
    refuses(
        "a container in a container",
        Cursor::new(container(&[("[Content_Types].xml", ""), ("xl/workbook.xml", "PK\u{3}\u{4}")])),
        "",
    );
    refuses(
        "a container of something else",
        Cursor::new(container(&[("word/document.xml", "<w/>")])),
        "no workbook",
    );
    // Sizes that lie: every place that says how long the sheet is says 10 bytes.
    let sheet = Xlsx::of(&"<row/>".repeat(500_000));
    let length = u32::try_from(sheet.sheets[0].2.len()).unwrap().to_le_bytes();
    let mut lying = sheet.bytes();
    let places: Vec<usize> = (0..lying.len() - 4).filter(|&at| lying[at..at + 4] == length).collect();
    assert!(!places.is_empty());
    for at in places {
        lying[at..at + 4].copy_from_slice(&10_u32.to_le_bytes());
    }
    refuses("a sheet that says it has 10 bytes", Cursor::new(lying), "");
}

fn old_workbooks() {
    let mut sheet = Biff::default();
    sheet.text(0, 0, "编号");
    sheet.text(0, 1, "名称");
    sheet.text(1, 0, "A-1");
    sheet.cell(0x0006, 1, 1, 0, &[&[0, 0, 0, 0, 0, 0, 0xFF, 0xFF][..], &[0; 8]].concat());
    sheet.put(0x0207, &wide("名"));
    let book = xls(&sheet, false);
    reads("a small workbook of Excel 97", Cursor::new(book.clone()), 1);
    for cut in [8, 512, 1_024, 1_600, 2_000] {
        refuses("a workbook of Excel 97 cut off", Cursor::new(book[..cut].to_vec()), "damaged");
    }
    // A chain of sectors that runs in a circle.
    let mut circle = book.clone();
    circle[512 + 8..512 + 12].copy_from_slice(&2_u32.to_le_bytes());
    drop(outcome("a chain in a circle", Cursor::new(circle)));
    let mut corners = Biff::default();
    corners.text(0, 0, "编号");
    corners.text(0, 1, "名称");
    corners.number(65_535, 255, 0, 1.0);
    reads("a cell in the last corner of Excel 97", Cursor::new(xls(&corners, false)), 1);
    // Any byte of it may be anything.
    for at in (0..book.len()).step_by(7).filter(|&at| at < 3_000) {
        let mut damaged = book.clone();
        damaged[at] ^= 0xFF;
        drop(outcome("a damaged byte", Cursor::new(damaged)));
    }
}

fn files_that_change() {
    let text = |name: &str| {
        format!("编号,名称\n{}", (0..6_000).map(|n| format!("A-{n},{name}\n")).collect::<String>())
    };
    let mut refused = 0;
    for ends in 1..8 {
        match outcome("a file that changes", Changing::new(&text("旧"), &text("新"), ends)) {
            Ok(rows) => assert_eq!(rows, 6_000),
            Err((reason, rows)) => {
                assert!(reason.contains("the file changed") && rows == 0, "{reason} {rows}");
                refused += 1;
            }
        }
    }
    assert!(refused > 0, "it never changed between the survey and the import");
}

fn many_texts() {
    let text = format!("<si><t>{}</t></si>", "x".repeat(1_000_000));
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let mut small = zip::ZipArchive::new(Cursor::new(Xlsx::of("<row/>").bytes())).unwrap();
    for at in 0..small.len() {
        let file = small.by_index_raw(at).unwrap();
        if !file.name().unwrap().ends_with("sharedStrings.xml") {
            zip.raw_copy_file(file).unwrap();
        }
    }
    zip.start_file("xl/sharedStrings.xml", SimpleFileOptions::default()).unwrap();
    zip.write_all(b"<sst>").unwrap();
    for _ in 0..140 {
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.write_all(b"</sst>").unwrap();
    let bytes = zip.finish().unwrap().into_inner();
    println!("140 MB of texts in {} bytes", bytes.len());
    refuses(MANY_TEXTS, Cursor::new(bytes), "more than 128 MiB or 8 million of texts");
}
