//! How many rows a second a node imports: read, mapped, checked, stored and flushed, as a whole process.

use std::fmt::Write as _;
use std::time::Instant;

use serde::Serialize;

use crate::programs::{StepFailed, run, step};

/// The figures of one run.
#[derive(Debug, Clone, Serialize)]
pub struct ImportReport {
    /// Rows in the file.
    pub rows: u32,
    /// Bytes of the file.
    pub bytes: usize,
    /// Seconds for the whole process, first import.
    pub import_s: f64,
    /// Rows a second, first import.
    pub rows_per_s: f64,
    /// Seconds for a dry run of the same file on the empty node.
    pub dry_run_s: f64,
    /// Seconds for importing the same file again, which changes nothing.
    pub again_s: f64,
}

const MAPPING: &str = r#"
kind = "ACH"
[constant]
secrecy = "public"
[field.achievement_no]
from = "成果编号"
[field.name]
from = "成果名称"
[field.inventors]
from = "完成人"
split = ";"
[field.stage]
from = "所处阶段"
[field.funding]
from = "经费(万元)"
unit = "万元"
[field.internal_registered_at]
from = "登记日期"
form = ["%Y/%m/%d"]
[field.abstract]
from = "摘要"
"#;

fn generate(rows: u32) -> Result<String, StepFailed> {
    let mut csv = String::from("成果编号,成果名称,完成人,所处阶段,经费(万元),登记日期,摘要\n");
    for n in 0..rows {
        let (month, day, money) = (n % 12 + 1, n % 28 + 1, n % 900 + 10);
        writeln!(
            csv,
            "CG-{n:06},面向配电网的高温超导限流器关键技术 {n},张三;李四,S{},{money}.{:02},2024/{month:02}/{day:02},\"针对短路电流超标问题，研制样机并在两座变电站完成挂网试验，短路电流抑制率、恢复时间和损耗均达到设计指标，具备工程推广条件。\"",
            n % 3 + 1,
            n % 100,
        )
        .map_err(step("generate"))?;
    }
    Ok(csv)
}

/// Runs the benchmark with the node's program of this build.
///
/// # Errors
/// Any step that fails, in words.
pub fn import(rows: u32) -> Result<ImportReport, StepFailed> {
    let scratch = tempfile::tempdir().map_err(step("scratch folder"))?;
    let path = |name: &str| scratch.path().join(name).display().to_string();
    let (data, file, mapping, request) =
        (path("node"), path("rows.csv"), path("mapping.toml"), path("request"));
    let csv = generate(rows)?;
    std::fs::write(&file, &csv).map_err(step("file"))?;
    std::fs::write(&mapping, MAPPING).map_err(step("mapping"))?;
    let init = [
        "init",
        "--data",
        &data,
        "--institution",
        "12100000DEM000014F",
        "--name",
        "bench",
        "--request",
        &request,
    ];
    run("safeharbor-node", &init, "")?;
    let timed = |extra: &[&str]| {
        let mut words = vec!["import", &file, "--mapping", &mapping, "--data", &data];
        words.extend(extra);
        let begin = Instant::now();
        run("safeharbor-node", &words, "").map(|_| begin.elapsed().as_secs_f64())
    };
    let dry_run_s = timed(&["--dry-run"])?;
    let import_s = timed(&[])?;
    let again_s = timed(&[])?;
    let rows_per_s = f64::from(rows) / import_s;
    Ok(ImportReport { rows, bytes: csv.len(), import_s, rows_per_s, dry_run_s, again_s })
}
