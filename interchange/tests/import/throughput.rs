//! How many rows a second are mapped and checked; measured on a list of the size the design names.

use std::fmt::Write as _;
use std::time::Instant;

use safeharbor_rules::Lang;

use crate::fixture::{ACHIEVEMENTS, HEADER, MemoryStore, import_bytes};

/// A debug build takes a tenth of it.
const ROWS: u32 = if cfg!(debug_assertions) { 6_258 } else { 62_580 };

/// About 400 bytes a row of plausible achievements.
fn list() -> String {
    let mut text = HEADER.trim_end().to_owned() + ",摘要,关键词,研究期\n";
    for n in 0..ROWS {
        let (year, month, day) = (2015 + n % 10, 1 + n % 12, 1 + n % 28);
        let (yuan, tail) = (n % 900, n % 97);
        writeln!(
            text,
            "CG-{n:06},面向复杂场景的第{n}号智能感知与协同控制方法研究,公开,{yuan}.{tail:02},张三{n}；李四{tail}、王五,{year}-{month:02}-{day:02},中期阶段,\
             本成果提出一种面向复杂场景的感知方法，通过多源数据融合与在线学习提高识别精度，已在第{n}号示范点完成验证，具有良好的推广前景和经济效益。,\
             感知；控制{tail}；学习,{year}.01-{}.12",
            year + 2
        )
        .unwrap();
    }
    text
}

#[test]
fn a_list_of_the_size_the_design_names_imports_in_seconds() {
    let mapping = format!(
        "{ACHIEVEMENTS}[field.abstract]\nfrom = \"摘要\"\n[field.keywords]\nfrom = \"关键词\"\nsplit = \"；\"\n\
         [field.research_start]\nfrom = \"研究期\"\nperiod = \"start\"\n[field.research_end]\nfrom = \"研究期\"\nperiod = \"end\"\n"
    );
    let text = list();
    let mut store = MemoryStore::default();
    let wanted = u64::from(ROWS);
    let start = Instant::now();
    let report = import_bytes(text.as_bytes(), &mapping, &mut store).unwrap();
    let seconds = start.elapsed().as_secs_f64();
    let problem = report.problems.first().map(|problem| problem.line_of_text(Lang::En));
    assert_eq!((report.new, problem), (wanted, None));
    let per_second = f64::from(ROWS) / seconds;
    println!("{} bytes, {per_second:.0} rows/s mapped, checked and kept in memory", text.len());
    // The promise is about the build that ships.
    assert!(cfg!(debug_assertions) || per_second >= 30_000.0, "{per_second:.0} rows/s");
}
