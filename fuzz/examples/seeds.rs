//! Writes the seeds of every target into `corpus/`: small files that reach all of a format.

use std::fs;
use std::path::Path;

#[path = "../../interchange/tests/import/workbook_file.rs"]
mod workbook_file;

use workbook_file::{Biff, Xlsx, ods, ods_row, row, wide, xls};

const NAMES: [&str; 7] = ["编号", "名称", "密级", "经费", "完成人", "日期", "同意"];
const CELLS: [&str; 7] = ["A-1", "名", "公开", "1.5", "张三；李四", "2024-03-01", ""];

fn main() {
    let csv = format!("{}\n{}\n\"A-2\",\"a\nb\",秘密,1E+17,,2024年3月,\n", NAMES.join(","), CELLS.join(","));
    let wide_text: Vec<u8> = csv.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let gbk = b"\xb1\xe0\xba\xc5,\xc3\xfb\xb3\xc6,\xc3\xdc\xbc\xb6\nA-1,\xc3\xfb,\xb9\xab\xbf\xaa\n".to_vec();
    let western = b"no,name\n1,Soci\xe9t\xe9 G\xe9n\xe9rale\n".to_vec();
    let texts = [
        ("plain", csv.clone().into_bytes()),
        ("utf16", [&[0xFF, 0xFE], wide_text.as_slice()].concat()),
        ("gbk", gbk),
        ("western", western),
    ];
    for (name, bytes) in &texts {
        store("csv", name, bytes);
        store("encoding", name, bytes);
    }
    store("csv", "semicolons", csv.replace(',', ";").as_bytes());
    store("encoding", "marked", format!("\u{feff}{csv}").as_bytes());
    let line = "{\"编号\":\"A-1\",\"名称\":\"名\",\"密级\":\"公开\",\"经费\":1.5,\"完成人\":[\"张三\"],\"日期\":null,\"同意\":[{\"owner\":\"甲\",\"consented\":true}]}\n{\"编号\":\"A\\u0041\"}\n";
    store("json_lines", "plain", line.as_bytes());
    workbooks();
    metadata();
    let mapping = "kind = \"ACH\"\nencoding = \"auto\"\nheader_row = 1\nskip_rows = 0\nshort_rows = \"pad\"\nnull = [\"-\"]\nignore = [\"x\"]\n\
        [constant]\nsource = \"FISCAL\"\n[field.achievement_no]\nfrom = \"编号\"\n[field.name]\nfrom = [\"名称\", \"题\"]\njoin = \"：\"\n\
        [field.internal_registered_at]\nfrom = \"日期\"\nform = [\"%Y-%m-%d\", { form = \"%d %B %Y\", swapped_by_spreadsheet = true }]\n\
        [field.funding]\nfrom = \"经费\"\nunit = \"万元\"\nstrip = [\",\"]\n[field.stage]\nfrom = \"密级\"\ncodes = { \"公开\" = \"S2\" }\n";
    store("mapping", "plain", mapping.as_bytes());
    store("mapping", "sheet", format!("sheet = 2\n{mapping}").as_bytes());
}

fn metadata() {
    let oai = "<?xml version=\"1.0\"?><OAI-PMH xmlns=\"http://www.openarchives.org/OAI/2.0/\"><responseDate>2024-06-03T19:51:11Z</responseDate>";
    let header = "<header><identifier>oai:e.org:1</identifier><datestamp>2020-01-01</datestamp><setSpec>s</setSpec></header>";
    let dc = "<oai_dc:dc xmlns:oai_dc=\"http://www.openarchives.org/OAI/2.0/oai_dc/\" xmlns:dc=\"http://purl.org/dc/elements/1.1/\"><dc:title xml:lang=\"zh\">题 &amp; &#x540d;</dc:title><dc:creator>张三</dc:creator><dc:contributor>张三</dc:contributor><dc:date>2018-02</dc:date><dc:identifier>https://hdl.handle.net/1/2</dc:identifier><dc:relation>doi:10.1/x</dc:relation><dc:description><![CDATA[a < b]]></dc:description></oai_dc:dc>";
    let patent = "<Patent xmlns=\"https://www.openaire.eu/cerif-profile/1.2/\" id=\"P/1\"><Title xml:lang=\"en\">t</Title><Title xml:lang=\"zh-CN\">题</Title><ApprovalDate>2014-11-13</ApprovalDate><PatentNumber>CN1</PatentNumber><Inventors><Inventor><Person><PersonName><FamilyNames>张</FamilyNames><FirstNames>三</FirstNames></PersonName></Person></Inventor></Inventors><Holders><Holder><OrgUnit id=\"O/1\"/></Holder></Holders><Keyword>k</Keyword></Patent>";
    let list = format!(
        "{oai}<ListRecords><record>{header}<metadata>{dc}</metadata></record><record>{}</record><resumptionToken cursor=\"0\">////100</resumptionToken></ListRecords></OAI-PMH>",
        header.replace("<header>", "<header status=\"deleted\">")
    );
    store("metadata", "dublin-core", list.as_bytes());
    store("metadata", "cerif", format!("{oai}<GetRecord><record>{header}<metadata>{patent}</metadata></record></GetRecord></OAI-PMH>").as_bytes());
    store("metadata", "bare", format!("<list>{patent}{patent}</list>").as_bytes());
    store("metadata", "error", format!("{oai}<error code=\"noRecordsMatch\">none</error></OAI-PMH>").as_bytes());
    let identify = "<Identify><repositoryName>r</repositoryName><deletedRecord>no</deletedRecord><granularity>YYYY-MM-DD</granularity></Identify>";
    store("metadata", "identify", format!("{oai}{identify}</OAI-PMH>").as_bytes());
    let bomb = "<!DOCTYPE x [<!ENTITY a \"a\"><!ENTITY b \"&a;&a;\">]><OAI-PMH xmlns=\"http://www.openarchives.org/OAI/2.0/\">&b;</OAI-PMH>";
    store("metadata", "entities", bomb.as_bytes());
}

fn workbooks() {
    let cells = [
        "<c t='s'><v>0</v></c>",
        "<c t='str'><f>A1</f><v>名</v></c>",
        "公开",
        "<c s='1'><v>0.15</v></c>",
        "<c t='b'><v>1</v></c>",
        "<c r='F2' s='1'><v>43115.5</v></c>",
        "<c t='e'><v>#REF!</v></c>",
    ];
    let rows = format!("{}{}", row(1, &NAMES), row(2, &cells));
    let sheet = format!(
        "<worksheet><cols><col min='2' max='3' hidden='1'/></cols><sheetData>{rows}</sheetData></worksheet>"
    );
    store("xlsx", "sheet", sheet.as_bytes());
    store("xlsx", "texts", format!("<sst><si><t>A_x000D_1</t></si></sst>\0{sheet}").as_bytes());
    let mut book = Xlsx::of(&rows).with("2", "hidden", "<sheetData/>");
    book.strings = "<si><r><t>A-</t></r><r><t>1</t></r></si>".to_owned();
    book.cell_formats = "<xf numFmtId='14'/><xf numFmtId='164'/>".to_owned();
    book.number_formats = "<numFmt numFmtId='164' formatCode='yyyy&quot;年&quot;'/>".to_owned();
    book.is_1904 = true;
    store("xlsx", "book", &book.bytes());
    let repeated = "<table:table-row table:number-rows-repeated='3'><table:table-cell table:number-columns-repeated='2' office:value-type='date' office:date-value='2018-01-15'/></table:table-row>";
    let table = format!("{}{}{repeated}", ods_row(&NAMES), ods_row(&CELLS));
    store("ods", "book", &ods(&table));
    store("ods", "content", format!("<d xmlns:office='o' xmlns:table='t' xmlns:text='x'><table:table table:name='a'>{table}</table:table></d>").as_bytes());
    let mut sheet = Biff::default();
    sheet.put(0x0208, &[1, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0x20, 0, 0, 0]);
    sheet.put(0x007D, &[1, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0]);
    for (at, name) in (0..).zip(NAMES) {
        sheet.text(0, at, name);
    }
    sheet.text(1, 0, "A-1");
    sheet.cell(0x0006, 1, 1, 0, &[&[0, 0, 0, 0, 0, 0, 0xFF, 0xFF][..], &[0; 8]].concat());
    sheet.put(0x0207, &wide("名"));
    sheet.text(1, 2, "公开");
    sheet.cell(0x00BD, 1, 3, 0, &[&7_003_u32.to_le_bytes()[..], &[3, 0]].concat());
    sheet.number(1, 5, 1, 43_115.0);
    sheet.cell(0x0205, 1, 6, 0, &[0x17, 1]);
    let file = xls(&sheet, false);
    // The stream without what is around it.
    store("xls", "stream", &file[3 * 512..]);
    store("xls", "file", &file);
}

fn store(target: &str, name: &str, bytes: &[u8]) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(name), bytes).unwrap();
}
