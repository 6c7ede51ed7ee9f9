//! Mapping files that are understood, and those that are refused with their line.

use std::error::Error as _;

use proptest::prelude::*;

use super::*;

const HEAD: &str = "kind = \"ACH\"\nkey = [\"no\"]\n";
const NO: &str = "[field.no]\nfrom = \"编号\"\n";

fn check(text: &str, wanted: &str) {
    let error = Mapping::parse(text).unwrap_err();
    let cause = error.source().map(ToString::to_string).unwrap_or_default();
    let all = format!("{error}: {cause}");
    assert!(all.contains(wanted), "{all:?} does not say {wanted:?}");
}

#[test]
fn a_full_mapping_is_understood() {
    let text = format!(
        "{HEAD}encoding = \"gbk\"\ndelimiter = \"tab\"\nheader_row = 3\nskip_rows = 1\nnull = [\" - \"]\nignore = [\"x\"]\n\
         [constant]\nsecrecy = \"public\"\ntags = [\"a\", 1, true]\n{NO}null = [\"无\"]\n\
         [field.expiry]\nfrom = [\"A\", \"B\"]\nform = [\"%m/%d/%Y\", {{ form = \"%d %B %Y\", swapped_by_spreadsheet = true }}]\n\
         [field.start]\nfrom = \"期\"\nperiod = \"start\"\nform = \"%Y.%m\"\n"
    );
    let mapping = Mapping::parse(&text).unwrap();
    assert_eq!((mapping.kind(), mapping.header_row, mapping.skip_rows), ("ACH", 3, 1));
    assert_eq!((mapping.encoding, mapping.delimiter), (Some(Encoding::Gb18030), Some(b'\t')));
    assert_eq!(mapping.fields[0].forms.as_ref().unwrap().value.len(), 2);
    assert_eq!(mapping.fields[1].null, ["-", "无"]);
    assert_eq!(mapping.fields[2].period, Some(PeriodEnd::Start));
    assert_eq!(mapping.constants[1].1, serde_json::json!(["a", 1, true]));
}

#[test]
fn errors_name_the_line_and_the_place() {
    check("kind = 3", "line 1");
    check(&format!("{HEAD}colour = 1\n"), "line 3 of the mapping file: unknown field `colour`");
    check(&format!("{HEAD}{NO}untit = \"元\"\n"), "line 5 of the mapping file: unknown field `untit`");
    check(
        &format!("{HEAD}encoding = \"big5\"\n{NO}"),
        "line 3 of the mapping file, encoding: the encoding is",
    );
    check(&format!("{HEAD}delimiter = \"::\"\n{NO}"), "line 3 of the mapping file, delimiter");
    check(&format!("{HEAD}header_row = 0\n{NO}"), "line 3 of the mapping file, header_row");
    check(&format!("{HEAD}{NO}form = \"%q\"\n"), "line 5 of the mapping file, no: a date form is refused");
    check(&format!("{HEAD}{NO}form = {{ form = \"%Y\", swaped = 1 }}\n"), "swaped");
    check(
        &format!("{HEAD}[constant]\nno = \"1\"\n{NO}"),
        "line 4 of the mapping file, no: the field is filled both",
    );
    check(&format!("{HEAD}[constant]\nx = 1.5\n{NO}"), "line 4 of the mapping file, x: a constant is");
    check(HEAD, "line 2 of the mapping file, no: the key names this field");
    check(
        &format!("{HEAD}[field.no]\nfrom = []\n"),
        "line 3 of the mapping file, no: `from` names no column",
    );
    check(&format!("{HEAD}{NO}{NO}"), "line 5");
    assert!(Mapping::decode(b"kind = \"A\"\n# \xFF").unwrap_err().to_string().contains("line 2"));
}

#[test]
fn settings_of_the_arrangement_are_understood() {
    let text = format!(
        "{HEAD}skip_rows = 1\ncolumns = [[\"编号\"], [\"编号\", \"名\"]]\nstop_at = \"注\"\nfill_down = [\"名\"]\naction = \"操作\"\n\
         sub_headings = {{ column = \"地区\", until = \"（\" }}\nonly = {{ \"名\" = [\"Ａ\", \"b\"] }}\nrepeats = {{ of = [\"编号\"], column = \"次\" }}\n\
         {NO}normalise = [\"upper\", \"compact\"]\n"
    );
    let mapping = Mapping::parse(&text).unwrap();
    let arranging = &mapping.arranging;
    assert_eq!((mapping.header_row, arranging.columns.len()), (0, 2));
    assert_eq!(arranging.only[0].texts, ["a", "b"]);
    assert_eq!(
        arranging.made().iter().map(|(_, name)| name.value.as_str()).collect::<Vec<_>>(),
        ["地区", "次"]
    );
    assert_eq!(mapping.fields[0].normalise.len(), 2);
    assert_eq!(mapping.reads().collect::<Vec<_>>(), ["编号", "名", "名", "编号", "操作"]);
}

#[test]
fn wrong_settings_of_the_arrangement_name_their_line() {
    let place = |line, setting: &str| format!("line {line} of the mapping file, {setting}");
    check(&format!("{HEAD}columns = [\"a\"]\nheader_row = 2\n{NO}"), &place(3, "columns"));
    check(&format!("{HEAD}columns = [[\"a\"], [\"b\"]]\n{NO}"), &place(3, "columns"));
    check(&format!("{HEAD}sub_headings = \"drop\"\n{NO}"), &place(3, "sub_headings"));
    check(&format!("{HEAD}sub_headings = {{ colum = \"a\" }}\n{NO}"), &place(3, "sub_headings"));
    check(
        &format!("{HEAD}{NO}normalise = \"digit\"\n"),
        "line 5 of the mapping file, no: normalise is one or several of digits",
    );
    check(&format!("{HEAD}{NO}unknown = \"ignore\"\n"), "line 5");
    check(&format!("{HEAD}{NO}[unpivot]\ncolumns = \"%q\"\ncell = \"x\"\n"), &place(6, "unpivot"));
    check(
        &format!("{HEAD}{NO}[unpivot]\ncolumns = \"%Y\"\n"),
        "line 5 of the mapping file: missing field `cell`",
    );
    check(
        &format!("{HEAD}{NO}[unpivot]\ncolumns = \"%Y\"\ncell = \"x\"\nheader = \"X\"\n"),
        "a column \"x\" exists already",
    );
    let both = format!("{HEAD}sub_headings = \"skip\"\n{NO}[unpivot]\ncolumns = \"%Y\"\ncell = \"x\"\n");
    check(&both, "cannot be used together");
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(Mapping::decode(&bytes).is_err());
    }

    #[test]
    fn no_mapping_like_text_panics(lines in proptest::collection::vec(
        "(kind|key|form|from|header_row|columns|sub_headings|only|skip_where|fill_down|repeats|action|normalise|imprecise|\\[unpivot\\]|cell|\\[field\\.a\\]|\\[constant\\]|codes|unit)( ?= ?(\"[a%Y]{0,3}\"|\\[.?\\]|[0-9]{1,20}|\\{.?\\}))?", 0..12,
    )) {
        prop_assert!(Mapping::parse(&lines.join("\n")).map_or(true, |m| m.header_row > 0 || !m.arranging.columns.is_empty()));
    }
}
