//! The public files beside the checkout, through the mappings that ship with the catalogue.

use std::path::{Path, PathBuf};

use safeharbor_interchange::import::{
    Encoding, Format, ImportOptions, Mapping, Report, detect, import, split,
};
use serde_json::json;

use crate::fixture::{MemoryStore, explain, kind_of};

/// The file in the data folder, or none with a visible note.
#[expect(
    clippy::disallowed_methods,
    reason = "the data folder is outside the checkout; its place comes from the environment"
)]
pub(crate) fn data(path: &str) -> Option<PathBuf> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data");
    let folder = std::env::var("SAFEHARBOR_DATA").unwrap_or_else(|_| beside.to_owned());
    let file = PathBuf::from(folder).join(path);
    if file.exists() {
        return Some(file);
    }
    eprintln!("skipped: no data at {}", file.display());
    None
}

pub(crate) fn mappings() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../catalogue/mappings"))
}

pub(crate) fn shipped(name: &str) -> Mapping {
    Mapping::load(&mappings().join(name)).unwrap()
}

pub(crate) fn import_file(file: &Path, mapping: &Mapping) -> (Report, MemoryStore) {
    let mut store = MemoryStore::default();
    let kind = kind_of(mapping);
    let report = import(file, mapping, kind, &ImportOptions::default(), &mut store);
    (report.unwrap_or_else(|error| panic!("{}", explain(&error))), store)
}

/// Byte order mark and delimiter.
fn marks(report: &Report) -> (Option<bool>, Option<char>) {
    (report.recognised.detected.map(|detected| detected.bom), report.recognised.delimiter)
}

#[test]
fn shipped_mappings_are_well_formed() {
    let files = std::fs::read_dir(mappings()).unwrap().map(|entry| entry.unwrap().path());
    let found = files.map(|file| Mapping::load(&file).map(|mapping| assert!(!mapping.kind().is_empty())));
    assert!(found.map(Result::unwrap).count() >= 5);
}

#[test]
fn both_nasa_files_give_the_same_records() {
    let Some(comma) = data("nasa-patents/nasa_patents_comma_lf.csv") else { return };
    let Some(semicolon) = data("nasa-patents/nasa_patents_semicolon_bom_crlf.csv") else { return };
    let mapping = shipped("nasa-patents.toml");
    let (report, from_comma) = import_file(&comma, &mapping);
    assert_eq!((report.rows, report.new, report.problems_total), (1_393, 1_393, 0), "{:?}", report.problems);
    assert!(report.warnings.is_empty(), "{:?}", report.warnings);
    assert_eq!(marks(&report), (Some(false), Some(',')));
    let (report, from_semicolon) = import_file(&semicolon, &mapping);
    assert_eq!((report.new, marks(&report)), (1_393, (Some(true), Some(';'))));
    assert!(from_comma.records == from_semicolon.records, "the two files differ");
    let turned_back = json!({
        "right_no": "ARC-14048-1", "name": "Autogenic-Feedback Training Exercise Method & System", "right_kind": "P",
        "legal_status": "GR", "public_since": "2014-12-31", "app_no": "08/543093", "expiry_date": "2015-10-03"
    });
    assert_eq!(json!(from_semicolon.records["ARC-14048-1"]), turned_back);
    let unpublished = json!({
        "right_no": "KSC-12871", "name": "Polyimide Wire Insulation Repair System", "right_kind": "PA",
        "legal_status": "AP", "app_no": "13/033085"
    });
    assert_eq!(json!(from_semicolon.records["KSC-12871"]), unpublished);
    assert_eq!(
        from_comma.records.values().filter(|record| record.contains_key("expiry_date")).count(),
        1_043
    );
}

#[test]
fn importing_the_other_nasa_file_changes_nothing() {
    let Some(comma) = data("nasa-patents/nasa_patents_comma_lf.csv") else { return };
    let Some(semicolon) = data("nasa-patents/nasa_patents_semicolon_bom_crlf.csv") else { return };
    let mapping = shipped("nasa-patents.toml");
    let (_, mut store) = import_file(&comma, &mapping);
    let kind = kind_of(&mapping);
    let report = import(&semicolon, &mapping, kind, &ImportOptions::default(), &mut store).unwrap();
    assert_eq!((report.new, report.unchanged, report.revised), (0, 1_393, 0));
}

#[test]
fn the_funded_projects_import_but_for_ten_impossible_months() {
    let Some(file) = data("cn-nsfc-2017/natural-2017-09-26.csv") else { return };
    let (report, store) = import_file(&file, &shipped("nsfc-2017.toml"));
    assert_eq!((report.rows, report.new, report.refused, report.problems_total), (17_926, 17_916, 10, 10));
    for problem in &report.problems {
        let value = problem.value.as_deref().unwrap();
        let month: u32 = value.rsplit('.').next().unwrap().parse().unwrap();
        assert!(month > 12 && problem.column.as_deref() == Some("起止年月"), "{problem}");
    }
    assert!(report.warnings.is_empty(), "{:?}", report.warnings);
    let wanted = json!({
        "achievement_no": "71701001", "project_no": "71701001", "name": "基于Z-数信息的多属性群决策方法及其应用研究",
        "inventors": ["负责人4efb5a0b"], "funding": 18_000_000, "research_start": "2018-01", "research_end": "2020-12",
        "secrecy": "public", "source": "FISCAL", "public_since": "2017-09-26"
    });
    assert_eq!(json!(store.records["71701001"]), wanted);
    let fen: i64 = store.records.values().filter_map(|record| record.get("funding")?.as_i64()).sum();
    assert_eq!(fen % 100, 0);
}

#[test]
fn the_parts_of_a_split_are_the_whole() {
    let Some(file) = data("cn-nsfc-2017/natural-2017-09-26.csv") else { return };
    let mapping = shipped("nsfc-2017.toml");
    let parts = split(&file, &mapping, "依托单位").unwrap();
    assert_eq!(parts.len(), 892);
    let (_, whole) = import_file(&file, &mapping);
    let kind = kind_of(&mapping);
    let mut store = MemoryStore::default();
    for bytes in parts.values() {
        let input = std::io::Cursor::new(bytes);
        let options = ImportOptions::default();
        safeharbor_interchange::import::import_from("part", input, &mapping, kind, &options, &mut store)
            .unwrap();
    }
    assert!(store.records == whole.records);
    let tsinghua = std::str::from_utf8(&parts["清华大学"]).unwrap();
    assert_eq!(tsinghua.lines().count(), 669);
}

#[test]
fn gbk_files_decode_without_a_flag_and_without_replacement() {
    for name in
        ["北京邮电大学2013-2009年获奖科技成果.csv", "北京交通大学电气工程学院2012-2008年科研项目一览.csv"]
    {
        let Some(file) = data(&format!("cn-beijing-bupt-bjtu-gbk/{name}")) else { return };
        let found = detect(&mut std::fs::File::open(&file).unwrap(), None).unwrap();
        assert_eq!((found.encoding, found.bom), (Encoding::Gb18030, false));
        let bytes = std::fs::read(&file).unwrap();
        let text = encoding_rs::GB18030.decode_without_bom_handling_and_without_replacement(&bytes).unwrap();
        assert!(!text.contains('\u{fffd}'));
    }
}

#[test]
fn each_title_of_a_wide_gbk_file_is_a_record() {
    for (file, mapping, titles) in [
        ("北京邮电大学2013-2009年获奖科技成果.csv", "bupt-awards.toml", 64),
        ("北京交通大学电气工程学院2012-2008年科研项目一览.csv", "bjtu-projects.toml", 418),
    ] {
        let Some(file) = data(&format!("cn-beijing-bupt-bjtu-gbk/{file}")) else { return };
        let mapping = shipped(mapping);
        let (report, mut store) = import_file(&file, &mapping);
        assert_eq!((report.new, report.problems_total), (titles, 0), "{:?}", report.problems);
        let detected = report.recognised.detected.unwrap();
        assert_eq!((detected.encoding, detected.bom), (Encoding::Gb18030, false));
        assert!(store.records.values().all(|record| !json!(record).to_string().contains('\u{fffd}')));
        let again =
            import(&file, &mapping, kind_of(&mapping), &ImportOptions::default(), &mut store).unwrap();
        assert_eq!((again.new, again.unchanged), (0, titles));
    }
}

#[test]
fn the_same_title_in_two_years_or_twice_in_one_is_told_apart() {
    let Some(file) = data("cn-beijing-bupt-bjtu-gbk/北京交通大学电气工程学院2012-2008年科研项目一览.csv")
    else {
        return;
    };
    let (report, store) = import_file(&file, &shipped("bjtu-projects.toml"));
    let named = |name: &str| store.records.values().filter(|record| record["name"] == name).count();
    assert_eq!(named("线路视频在线监测系统"), 2, "twice in 2010");
    assert_eq!(named("电机发热与冷却技术的研究及应用"), 2, "in 2011 and 2012");
    assert_eq!(named("风-光混合发电系统协调控制研究"), 1);
    let kept = |row: &safeharbor_interchange::import::ImportedRow| row.raw["research_start"].clone();
    let years: std::collections::BTreeSet<String> = store.taken.iter().map(kept).collect();
    assert_eq!(years.into_iter().collect::<Vec<_>>(), ["2008", "2009", "2010", "2011", "2012"]);
    let warned = |code| report.warnings.iter().find(|warning| warning.code == code);
    assert_eq!(warned("imprecise-dates").unwrap().column.as_deref(), Some("年度"));
    let lost = warned("lost-characters").unwrap();
    assert!(lost.text(safeharbor_rules::Lang::En).contains("in 1 rows"), "{lost:?}");
}

#[test]
fn the_official_list_gives_the_universities_of_beijing() {
    let Some(file) = data("cn-moe-university-list-2025/全国高等学校名单.xls") else { return };
    let (report, store) = import_file(&file, &shipped("moe-universities.toml"));
    assert_beijing(&report, &store);
}

fn assert_beijing(report: &Report, store: &MemoryStore) {
    assert_eq!((report.new, report.problems_total), (92, 0), "{:?}", report.problems);
    assert!(report.warnings.is_empty(), "{:?}", report.warnings);
    let left_out = report.left_out;
    assert_eq!((left_out.not_chosen, left_out.behind_end), (2_919 - 92, 0));
    assert!(left_out.sub_headings >= 31, "{left_out:?}");
    assert_eq!(store.records["4111010013"]["name"], "北京邮电大学");
    let is_code = |code: &String| code.len() == 10 && code.bytes().all(|byte| byte.is_ascii_digit());
    assert!(store.records.keys().all(is_code));
}

#[test]
fn the_nasa_workbook_gives_the_same_records_as_both_csv_files() {
    let Some(comma) = data("nasa-patents/nasa_patents_comma_lf.csv") else { return };
    let Some(workbook) = data("nasa-patents/nasa_patents.xlsx") else { return };
    let mapping = shipped("nasa-patents.toml");
    let (_, from_comma) = import_file(&comma, &mapping);
    let (report, from_workbook) = import_file(&workbook, &mapping);
    assert_eq!((report.rows, report.new, report.problems_total), (1_393, 1_393, 0), "{:?}", report.problems);
    assert_eq!(report.recognised.to_string(), "XLSX, \"Sheet 1 - NASA_Patents\"");
    assert!(report.warnings.is_empty(), "{:?}", report.warnings);
    assert!(from_comma.records == from_workbook.records, "the workbook differs");
}

#[test]
fn the_list_of_universities_reads_with_codes_kept_as_numbers_and_as_text() {
    let Some(file) = data("cn-moe-university-list-2025/全国高等学校名单.xls") else { return };
    let mapping = Mapping::parse(
        "kind = \"ACH\"\nheader_row = 3\nignore = [\"序号\", \"主管部门\", \"办学层次\", \"备注\"]\n[constant]\nsecrecy = \"public\"\n\
         [field.achievement_no]\nfrom = \"学校标识码\"\n[field.name]\nfrom = \"学校名称\"\n[field.registering_unit]\nfrom = \"所在地\"\n",
    )
    .unwrap();
    let (report, store) = import_file(&file, &mapping);
    assert_eq!(
        (report.recognised.format, report.recognised.sheet.as_deref()),
        (Format::Xls, Some("全国普通高等学校名单"))
    );
    // 31 rows are headings of provinces; the others are institutions, and every code has its ten digits.
    assert_eq!((report.rows, report.new, report.refused), (2_950, 2_919, 31));
    assert!(report.problems.iter().all(|problem| problem.code == "missing"));
    assert!(
        store.records.keys().all(|code| code.len() == 10 && code.bytes().all(|byte| byte.is_ascii_digit()))
    );
    assert_eq!(store.records["4111010001"]["name"], "北京大学");
    assert_eq!(store.records.values().filter(|record| record["registering_unit"] == "北京市").count(), 92);
}

#[test]
fn another_reader_sees_the_same_names_and_codes_in_the_list_of_universities() {
    let Some(file) = data("cn-moe-university-list-2025/全国高等学校名单.xls") else { return };
    let mut workbook: calamine::Xls<_> = calamine::open_workbook(&file).unwrap();
    let range = calamine::Reader::worksheet_range_at(&mut workbook, 0).unwrap().unwrap();
    let text = |cell: &calamine::Data| cell.to_string().trim().to_owned();
    let rows = range.rows().map(|row| (text(&row[2]), text(&row[1])));
    let wanted: std::collections::BTreeMap<String, String> =
        rows.filter(|(code, _)| code.len() == 10).collect();
    let mapping = "kind = \"ACH\"\nheader_row = 3\nignore = [\"序号\", \"主管部门\", \"所在地\", \"办学层次\", \"备注\"]\n[constant]\nsecrecy = \"public\"\n\
                   [field.achievement_no]\nfrom = \"学校标识码\"\n[field.name]\nfrom = \"学校名称\"\n";
    let (_, store) = import_file(&file, &Mapping::parse(mapping).unwrap());
    let name = |record: &safeharbor_rules::Record| record["name"].as_str().unwrap().to_owned();
    let found = store.records.iter().map(|(code, record)| (code.clone(), name(record))).collect();
    assert_eq!(wanted.len(), 2_919);
    assert_eq!(wanted, found);
}
