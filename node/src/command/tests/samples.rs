//! The demonstration's files and public ones through a node: a dry run says what the import then does.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::command::{Command, ImportOrder};
use crate::testing::Bench;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// What a dry run says, which an import and then another import confirm.
fn import(bench: &Bench, file: &Path, mapping: &Path) -> Value {
    let order = || ImportOrder::of_file(file.to_owned(), Some(mapping.to_owned()));
    let before = bench.rows().len();
    let mut dry = bench.ask(Command::Import(ImportOrder { dry_run: true, ..order() })).json();
    assert_eq!(bench.rows().len(), before, "{}", file.display());
    let wet = bench.ask(Command::Import(order())).json();
    dry["dry_run"] = false.into();
    assert_eq!(dry, wet, "{}", file.display());
    let again = bench.ask(Command::Import(order())).json();
    let known = wet["new"].as_u64().unwrap() + wet["unchanged"].as_u64().unwrap();
    assert_eq!(
        (&again["new"], &again["revised"], &again["unchanged"]),
        (&0.into(), &0.into(), &known.into())
    );
    assert_eq!(again["absent"]["count"], 0, "{again}");
    wet
}

#[test]
fn every_sample_file_is_imported_as_the_dry_run_said() {
    let samples = PathBuf::from(ROOT).join("xtask/samples");
    let list = std::fs::read_to_string(samples.join("institutions.json")).unwrap();
    let list: Value = serde_json::from_str(&list).unwrap();
    for institution in list.as_array().unwrap() {
        let bench = Bench::new();
        for one in institution["imports"].as_array().unwrap() {
            let path = |part: &str| samples.join(one[part].as_str().unwrap());
            let report = import(&bench, &path("file"), &path("mapping"));
            assert_eq!((&report["refused"], report["new"] == 0), (&0.into(), false), "{report}");
        }
    }
    let mistakes = import(
        &Bench::new(),
        &samples.join("with-mistakes.csv"),
        &samples.join("mappings/with-mistakes.toml"),
    );
    assert!(mistakes["refused"].as_u64().unwrap() >= 3, "{mistakes}");
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "the data folder is outside the checkout; its place comes from the environment"
)]
fn public_files_are_imported_as_the_dry_run_said() {
    let beside = format!("{ROOT}/../shared/data");
    let folder = PathBuf::from(std::env::var("SAFEHARBOR_DATA").unwrap_or(beside));
    for (file, mapping, new) in [
        ("nasa-patents/nasa_patents_comma_lf.csv", "nasa-patents.toml", 1_393),
        ("cn-beijing-bupt-bjtu-gbk/北京邮电大学2013-2009年获奖科技成果.csv", "bupt-awards.toml", 64),
        (
            "cn-beijing-bupt-bjtu-gbk/北京交通大学电气工程学院2012-2008年科研项目一览.csv",
            "bjtu-projects.toml",
            418,
        ),
    ] {
        let file = folder.join(file);
        if !file.exists() {
            eprintln!("skipped: no data at {}", file.display());
            continue;
        }
        let mapping = PathBuf::from(ROOT).join("catalogue/mappings").join(mapping);
        assert_eq!(import(&Bench::new(), &file, &mapping)["new"], new, "{}", file.display());
    }
}
