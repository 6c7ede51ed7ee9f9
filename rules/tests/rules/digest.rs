//! The digest `cat` against an answer worked out with another program (Python hashlib), and against changes.

use std::collections::BTreeMap;

use safeharbor_rules::Catalogue;

use crate::samples::catalogue;

fn files(list: &[(&str, &str)]) -> BTreeMap<String, Vec<u8>> {
    list.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())).collect()
}

#[test]
fn the_digest_is_the_known_answer() {
    let codes = r#"{"title":"甲","x-title-en":"A","x-source":"own","codes":[]}"#;
    let catalogue = Catalogue::load(files(&[
        ("evaluator-version", "1\n"),
        ("mappings/b.toml", "kind = \"ACH\"\n"),
        ("mappings/B.toml", ""),
        ("codes/a.json", codes),
    ]))
    .unwrap();
    assert_eq!(catalogue.digest().to_string(), "X2NFUwPbTorh45T7tBnxPhN5POUWtpJfVnKNrxukG7g");
}

#[test]
fn any_changed_moved_or_added_file_changes_the_digest() {
    let original = catalogue();
    let check = |edit: fn(&mut BTreeMap<String, Vec<u8>>), same: bool| {
        let mut files = original.files().clone();
        edit(&mut files);
        assert_eq!(Catalogue::load(files).unwrap().digest() == original.digest(), same);
    };
    check(|_| {}, true);
    check(|files| drop(files.insert("notes.txt".into(), vec![])), false);
    check(|files| drop(files.insert("evaluator-version".into(), b"2\n".to_vec())), false);
    check(|files| files.get_mut("codes/secrecy.json").unwrap().push(b'\n'), false);
    let moved = |files: &mut BTreeMap<String, Vec<u8>>| {
        let text = files.remove("policies/demo.toml").unwrap();
        files.insert("policies/show.toml".into(), text);
    };
    check(moved, false);
}
