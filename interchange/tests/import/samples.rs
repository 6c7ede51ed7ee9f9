//! The demonstration's sample files through their own mappings, as a newcomer's first import.

use std::path::PathBuf;

use safeharbor_interchange::import::{Encoding, ImportOptions, Mapping, Report, import};
use safeharbor_rules::Lang;

use crate::fixture::{MemoryStore, kind_of};

fn samples() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../xtask/samples"))
}

fn import_sample(file: &str, mapping: &str) -> Report {
    let mapping = Mapping::load(&samples().join(mapping)).unwrap();
    let kind = kind_of(&mapping);
    let mut store = MemoryStore::default();
    import(&samples().join(file), &mapping, kind, &ImportOptions::default(), &mut store).unwrap()
}

#[test]
fn every_sample_file_imports_without_a_problem_or_warning() {
    let list = std::fs::read_to_string(samples().join("institutions.json")).unwrap();
    let list: serde_json::Value = serde_json::from_str(&list).unwrap();
    let imports =
        list.as_array().unwrap().iter().flat_map(|institution| institution["imports"].as_array().unwrap());
    let mut encodings = Vec::new();
    for one in imports {
        let (file, mapping) = (one["file"].as_str().unwrap(), one["mapping"].as_str().unwrap());
        let report = import_sample(file, mapping);
        let problems: Vec<String> = report.problems.iter().map(|p| p.line_of_text(Lang::En)).collect();
        assert!(problems.is_empty(), "{file}: {problems:#?}");
        assert!(report.warnings.is_empty(), "{file}: {:?}", report.warnings);
        assert!(report.new > 0, "{file}");
        let detected = report.recognised.detected.unwrap();
        encodings.push((detected.encoding, detected.bom));
    }
    assert!(encodings.contains(&(Encoding::Gb18030, false)) && encodings.contains(&(Encoding::Utf8, true)));
}

#[test]
fn the_file_with_mistakes_has_each_of_them_explained() {
    let report = import_sample("with-mistakes.csv", "mappings/with-mistakes.toml");
    assert!(report.refused >= 3, "{report:?}");
    for problem in &report.problems {
        let is_withheld = problem.code == "secrecy" || problem.code == "personal-id";
        assert_eq!(problem.column.is_none(), is_withheld, "{problem}");
        assert!(!problem.text(Lang::Zh).is_empty() && !problem.advice(Lang::Zh).is_empty());
    }
    assert!(report.problems.iter().any(|problem| problem.code == "secrecy"));
}
