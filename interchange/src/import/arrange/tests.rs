//! Arranging keeps row numbers and takes every text from where it stands.

use std::io::Cursor;

use proptest::prelude::*;
use safeharbor_rules::Catalogue;

use super::*;
use crate::import::gate::Gates;
use crate::import::source::{DelimitedRows, Rows};

/// What each piece of `text` is: its row number, and its cells in the columns of the header and the made ones.
fn pieces(settings: &str, text: &str) -> (Vec<(u64, Vec<String>)>, LeftOut) {
    let mapping =
        format!("kind = \"IPR\"\nkey = [\"right_no\"]\n{settings}\n[field.right_no]\nfrom = \"No\"\n");
    let mapping = Mapping::parse(&mapping).unwrap();
    let mut rows = Rows::new(DelimitedRows::new(Cursor::new(text), b','));
    let header = match mapping.arranging.columns.as_slice() {
        [] => Header::of(&rows.read().unwrap().unwrap()),
        lists => Header::of_lists(lists),
    };
    let header = header.with_made(&mapping).unwrap();
    let arrangement = Arrangement::new(&mapping, &header).unwrap();
    let catalogue = Catalogue::embedded().unwrap();
    let kind = catalogue.kind(&"IPR".parse().unwrap()).unwrap();
    let gates = Gates::new(&mapping, kind, &header).unwrap();
    let mut arranger = Arranger::new(&arrangement, &gates);
    let mut found = Vec::new();
    while let Some(row) = rows.read().unwrap() {
        arranger.arrange(row, &mut found);
    }
    let texts = |piece: &Piece| {
        let cells = arrangement.cells(piece);
        let cell = |column| cells.cell(column).unwrap_or_default().to_owned();
        (piece.row.number, (0..header.names().count()).map(cell).collect())
    };
    (found.iter().map(texts).collect(), arranger.left_out)
}

fn check(settings: &str, text: &str, wanted: &[(u64, &[&str])]) -> LeftOut {
    let (found, left_out) = pieces(settings, text);
    let wanted: Vec<(u64, Vec<String>)> = wanted
        .iter()
        .map(|(row, cells)| (*row, cells.iter().map(|&cell| cell.to_owned()).collect()))
        .collect();
    assert_eq!(found, wanted, "{settings}");
    left_out
}

#[test]
fn headings_fill_a_column_of_the_rows_below() {
    let text = "No,Name\n北京市（2所）,\n1,A\n2,B\n,天津市\n3,C\n";
    let heading = "sub_headings = { column = \"地区\", until = \"（\" }";
    let left_out = check(
        heading,
        text,
        &[(3, &["1", "A", "北京市"]), (4, &["2", "B", "北京市"]), (6, &["3", "C", "天津市"])],
    );
    assert_eq!((left_out.sub_headings, left_out.total()), (2, 2));
    check("sub_headings = \"skip\"", text, &[(3, &["1", "A"]), (4, &["2", "B"]), (6, &["3", "C"])]);
}

#[test]
fn rows_are_chosen_by_the_texts_of_columns() {
    let text = "No,Place\n1,北京市\n小 计,1\n2,天津市\n3,\" 北京市\"\n合计,3\n注：备注,x\n9,北京市\n";
    let settings = "skip_where = { \"No\" = \"小计\" }\nstop_at = [\"合计\", \"注：\"]\nonly = { \"Place\" = [\"北京市\"] }";
    let left_out = check(settings, text, &[(2, &["1", "北京市"]), (5, &["3", " 北京市"])]);
    assert_eq!((left_out.not_chosen, left_out.behind_end), (2, 3));
}

#[test]
fn empty_cells_are_filled_from_above_but_not_past_a_row_that_is_kept_out() {
    let settings = "fill_down = [\"Dept\"]";
    check(
        settings,
        "No,Dept,密级\n1,甲,\n2,,公开\n3,乙,秘密\n4,,\n5,,公开\n6,丙,公开\n7,,\n",
        &[
            (2, &["1", "甲", ""]),
            (3, &["2", "甲", "公开"]),
            (4, &["3", "乙", "秘密"]),
            (5, &["4", "", ""]),
            (6, &["5", "", "公开"]),
            (7, &["6", "丙", "公开"]),
            (8, &["7", "丙", ""]),
        ],
    );
    let id = "No,Dept\n1,甲\n2,11010519491231002X\n3,\n";
    check(settings, id, &[(2, &["1", "甲"]), (3, &["2", "11010519491231002X"]), (4, &["3", ""])]);
}

#[test]
fn columns_become_rows_and_their_headers_texts() {
    let settings = "repeats = { of = [\"T\"], column = \"N\" }\nnull = [\"-\"]\n[unpivot]\ncolumns = \"%Y年\"\nheader = \"Y\"\ncell = \"T\"";
    let left_out = check(
        settings,
        "No,2012年,2011年\nx,a,b\ny,a,-\nz,,\n",
        &[
            (2, &["x", "a", "b", "2012年", "a", ""]),
            (2, &["x", "a", "b", "2011年", "b", ""]),
            (3, &["y", "a", "-", "2012年", "a", "2"]),
        ],
    );
    assert_eq!(left_out.not_chosen, 1);
}

#[test]
fn rows_without_header_are_read_by_their_length() {
    let settings = "columns = [[\"Name\", \"No\"], [\"Name\", \"Campus\", \"No\"]]";
    check(settings, "A,1\nB,c,2\n", &[(1, &["A", "", "1"]), (2, &["B", "c", "2"])]);
}

proptest! {
    #[test]
    fn every_text_stands_in_the_row_its_piece_names(
        cells in proptest::collection::vec(("[ab ]{0,2}", "[ab北（ ]{0,3}", "[ab]{0,2}"), 0..12),
        which in 0..5_usize,
    ) {
        let settings = [
            "sub_headings = \"skip\"",
            "fill_down = [\"No\", \"2011\"]",
            "[unpivot]\ncolumns = \"%Y\"\ncell = \"T\"",
            "only = { \"2012\" = [\"a\", \"\"] }",
            "repeats = { of = [\"No\"], column = \"N\" }\nstop_at = \"b\"",
        ];
        let lines: Vec<String> = cells.iter().map(|(a, b, c)| format!("{a},{b},{c}")).collect();
        let (found, left_out) = pieces(settings[which], &format!("No,2012,2011\n{}\n", lines.join("\n")));
        for (row, texts) in &found {
            let index = usize::try_from(*row).unwrap() - 2;
            let (a, b, c) = &cells[index];
            let stands = [a, b, c];
            // Filled or made texts stand in the row itself or, filled down, in a row above.
            for (column, text) in texts.iter().enumerate().take(3) {
                let is_filled = which == 1 && stands[column].trim().is_empty();
                let above = cells[..=index].iter().any(|(a, b, c)| [a, b, c][column].trim() == text.trim());
                prop_assert!(text == stands[column] || (is_filled && above), "row {} column {}", row, column);
            }
            if which == 2 {
                prop_assert!([b, c].contains(&&texts[3]));
            }
        }
        let rows: std::collections::BTreeSet<u64> = found.iter().map(|(row, _)| *row).collect();
        let taken = u64::try_from(rows.len()).unwrap();
        prop_assert_eq!(taken + left_out.total(), u64::try_from(cells.len()).unwrap());
        prop_assert!(found.is_sorted_by_key(|(row, _)| *row));
    }
}
