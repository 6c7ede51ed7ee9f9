//! A proposal as the text of a mapping file, with what to check beside each guess.

use safeharbor_rules::{Field, Lang, ValueType, holds_personal_id};

use super::Proposal;
use super::field::{Cells as ColumnCells, FieldDraft};
use super::likeness::{Match, SAME};
use crate::import::arrange::{Arrangement, Arranger, Piece};
use crate::import::gate::{Gates, is_about_secrecy};
use crate::import::mapping::Mapping;
use crate::import::source::{Format, Row};
use crate::import::text::{fold, trim};

/// First texts of rows that add up others.
const TOTALS: [&str; 4] = ["合计", "小计", "总计", "total"];
/// First texts of notes below the last row.
const NOTES: [&str; 5] = ["注：", "注:", "说明：", "备注：", "填表人"];
/// Names of the column that says what is to be done with a row.
const ACTIONS: [&str; 4] = ["操作", "操作类型", "action", "operation"];
/// What the made columns of a wide table are called.
const YEAR: &str = "年度";
const CELL: &str = "内容";

/// The text as a TOML string on one line, whatever it holds.
pub(super) fn quoted(text: &str) -> String {
    let escaped = text.chars().map(|c| match c {
        '"' | '\\' => format!("\\{c}"),
        c if c.is_control() => format!("\\u{:04X}", u32::from(c)),
        c => c.to_string(),
    });
    format!("\"{}\"", escaped.collect::<String>())
}

/// A text as it may stand behind `#`.
fn commented(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

pub(super) fn write(file: &str, proposal: &Proposal<'_>) -> String {
    let mut lines = preface(file, proposal);
    lines.extend(settings(proposal));
    lines.extend(lacking(proposal));
    lines.extend(unpivot(proposal));
    for pair in &proposal.matches {
        lines.push(String::new());
        lines.extend(field(proposal, pair));
    }
    lines.push(String::new());
    lines.join("\n")
}

fn preface(file: &str, proposal: &Proposal<'_>) -> Vec<String> {
    let kind = proposal.kind;
    vec![
        format!("# {}（{}）的映射草稿：标有“核对”的都是猜测，请逐项核对。", commented(file), commented(&proposal.sample.recognised.to_string())),
        "# A draft of a mapping: every line marked \"check\" is a guess. Then try it: import FILE --mapping THIS --dry-run".to_owned(),
        "# 各项设置的说明 What every setting means: docs/mapping.md".to_owned(),
        String::new(),
        format!("kind = {} # {} {}", quoted(kind.id().as_str()), kind.title(Lang::Zh), kind.title(Lang::En)),
    ]
}

/// The settings for the file, which stand before the first table.
fn settings(proposal: &Proposal<'_>) -> Vec<String> {
    let sample = proposal.sample;
    let mut lines = Vec::new();
    if sample.header_row > 1 {
        lines.push(format!("header_row = {} # 核对 check", sample.header_row));
    }
    let is_short = |row: &Row| !row.open_ended && row.width() < sample.header.width();
    if sample.recognised.format == Format::Csv && sample.rows.iter().any(is_short) {
        lines.push(
            "short_rows = \"pad\" # 核对：有的行单元格较少 check: some rows have fewer cells".to_owned(),
        );
    }
    if has_headings(proposal) {
        lines.push("sub_headings = \"skip\" # 核对：只有一个单元格的行是小标题 check: rows with a single text are headings".to_owned());
    }
    lines.extend(totals(proposal));
    let ends: Vec<String> = NOTES
        .into_iter()
        .filter(|note| sample.rows.iter().any(|row| first_text(row).starts_with(note)))
        .map(quoted)
        .collect();
    if !ends.is_empty() {
        lines.push(format!(
            "stop_at = [{}] # 核对：表格到此为止 check: the table ends there",
            ends.join(", ")
        ));
    }
    let is_action = |name: &&str| ACTIONS.contains(&fold(name).as_str());
    if let Some(name) = sample.header.names().find(is_action) {
        lines.push(format!("action = {} # 新增/修改/删除 ADD/UPDATE/DELETE", quoted(name)));
    }
    lines.extend(ignore(proposal));
    lines
}

fn totals(proposal: &Proposal<'_>) -> Option<String> {
    let sample = proposal.sample;
    let found = |column: usize| -> Vec<String> {
        let seen = TOTALS.into_iter().filter(|total| sample.column(column).any(|text| fold(text) == *total));
        seen.map(quoted).collect()
    };
    let first =
        (0..sample.header.width()).map(|column| (column, found(column))).find(|(_, found)| !found.is_empty());
    let (column, found) = first?;
    let name = quoted(sample.header.name(column));
    Some(format!(
        "skip_where = {{ {name} = [{}] }} # 核对：合计行 check: rows that add up others",
        found.join(", ")
    ))
}

/// Columns that no field is like: named, so that nothing is read by accident and nothing forgotten.
fn ignore(proposal: &Proposal<'_>) -> Vec<String> {
    let sample = proposal.sample;
    let is_matched = |column: usize| proposal.matches.iter().any(|pair| pair.column == column);
    let left = sample.header.names().enumerate().filter(|(column, name)| {
        let is_read =
            is_matched(*column) || sample.years.contains(column) || ACTIONS.contains(&fold(name).as_str());
        !name.is_empty() && !is_read
    });
    let mut names: Vec<String> = left.map(|(_, name)| quoted(name)).collect();
    names.dedup();
    let mut lines = Vec::new();
    if !names.is_empty() {
        lines.push("# 没有相应字段的列，请核对 Columns like no field of the kind, check:".to_owned());
        lines.push(format!("ignore = [{}]", names.join(", ")));
    }
    let secrecy: Vec<String> =
        sample.header.names().filter(|name| is_about_secrecy(name)).map(quoted).collect();
    if !secrecy.is_empty() {
        lines.push(format!("# 涉及密级的列：未写明公开的行不予收录 About secrecy, other rows than public ones are refused: {}", secrecy.join(", ")));
    }
    lines
}

/// What the kind requires and no column is like.
fn lacking(proposal: &Proposal<'_>) -> Vec<String> {
    let turned = Turned::of(proposal);
    let is_found = |field: &Field| {
        let is_turned = |one: Option<&Field>| one.is_some_and(|one| one.name() == field.name());
        let is_matched = proposal.matches.iter().any(|pair| pair.field.name() == field.name());
        is_matched || is_turned(turned.key) || is_turned(turned.text)
    };
    let is_lacking = |field: &&Field| {
        (field.is_required() || field.is_key()) && field.derived_from().is_none() && !is_found(field)
    };
    let mut lines = vec![format!(
        "# 该类别的全部字段 All fields of the kind: safeharbor-node kind {}",
        proposal.kind.id()
    )];
    for field in proposal.kind.fields().iter().filter(is_lacking) {
        let (zh, en) = (field.title(Lang::Zh), field.title(Lang::En));
        lines.push(format!("# 必填而未找到 required and not found: {} {zh} {en}", field.name()));
        if field.gate().is_some() {
            lines.push("#   仅当每一行都来自公开名录时 only where every row comes from a public register: [constant] + secrecy = \"public\"".to_owned());
        } else {
            lines.push(format!("#   [field.{}] + from = \"…\"", field.name()));
        }
    }
    lines
}

/// The fields that the cells of a wide table fill, as far as can be told.
#[derive(Default)]
struct Turned<'p> {
    key: Option<&'p Field>,
    text: Option<&'p Field>,
}

impl<'p> Turned<'p> {
    fn of(proposal: &'p Proposal<'_>) -> Self {
        if proposal.sample.years.is_empty() {
            return Self::default();
        }
        let is_free = |field: &&Field| {
            let is_matched = proposal.matches.iter().any(|pair| pair.field.name() == field.name());
            let is_text = matches!(field.value_type(), ValueType::Text) && field.codes().is_none();
            is_text && field.gate().is_none() && !is_matched
        };
        let free = || proposal.kind.fields().iter().filter(is_free);
        Self {
            key: free().find(|field| field.is_key()),
            text: free().find(|field| field.is_required() && !field.is_key()),
        }
    }
}

fn unpivot(proposal: &Proposal<'_>) -> Vec<String> {
    let sample = proposal.sample;
    let Some(first) = sample.years.first() else { return Vec::new() };
    let form = if sample.header.name(*first).contains('年') { "%Y年" } else { "%Y" };
    let turned = Turned::of(proposal);
    let mut lines = vec![
        String::new(),
        "# 核对：列名是年份，每个单元格是一条记录 check: the headers are years, every cell is a record"
            .to_owned(),
        "[unpivot]".to_owned(),
        format!("columns = {}", quoted(form)),
        format!("header = {}", quoted(YEAR)),
        format!("cell = {}", quoted(CELL)),
    ];
    if let Some(key) = turned.key {
        lines.push(String::new());
        lines.push(
            "# 核对：没有编号的名单，由年度和内容得出编号 check: a number made of year and cell".to_owned(),
        );
        lines.push(format!("[field.{}]", key.name()));
        lines.push(format!("from = [{}, {}]", quoted(YEAR), quoted(CELL)));
        lines.push("join = \"：\"".to_owned());
        lines.push("normalise = \"digest\"".to_owned());
    }
    if let Some(name) = turned.text {
        lines.push(String::new());
        lines.push(format!("[field.{}] # 核对 check: {}", name.name(), name.title(Lang::Zh)));
        lines.push(format!("from = {}", quoted(CELL)));
    }
    lines
}

fn field(proposal: &Proposal<'_>, pair: &Match<'_>) -> Vec<String> {
    let header = &proposal.sample.header;
    let (field, name) = (pair.field, header.name(pair.column));
    let check = if pair.likeness < SAME { "，核对 check" } else { "" };
    let key = if field.is_key() { "，主键 key" } else { "" };
    let title = format!("{} {}{key}{check}", field.title(Lang::Zh), field.title(Lang::En));
    let cells = ColumnCells {
        name,
        texts: proposal.sample.column(pair.column).collect(),
        open: open_texts(proposal, pair.column),
    };
    let FieldDraft { lines, blocked } = FieldDraft::of(field, &cells);
    let own = [format!("[field.{}] # {title}", field.name()), format!("from = {}", quoted(name))];
    let all = own.into_iter().chain(lines);
    match blocked {
        None => all.collect(),
        Some(why) => std::iter::once(format!("# {why}")).chain(all.map(|line| format!("# {line}"))).collect(),
    }
}

/// The texts of a column in rows that nothing keeps out, which alone may be copied.
fn open_texts<'p>(proposal: &'p Proposal<'_>, column: usize) -> Vec<&'p str> {
    let open = open_rows(proposal).unwrap_or_default();
    let rows = proposal.sample.rows.iter().filter(|row| open.binary_search(&row.number).is_ok());
    rows.filter_map(|row| row.cell(column)).map(trim).filter(|text| !text.is_empty()).collect()
}

/// The numbers of those rows; none where that cannot be told.
fn open_rows(proposal: &Proposal<'_>) -> Option<Vec<u64>> {
    let mut mapping = Mapping::bare(proposal.kind.id().as_str());
    for gate in proposal.kind.fields().iter().filter(|field| field.gate().is_some()) {
        let pair = proposal.matches.iter().find(|pair| pair.field.name() == gate.name())?;
        mapping.read_plainly(gate.name(), proposal.sample.header.name(pair.column));
    }
    if has_headings(proposal) {
        mapping.pass_over_headings();
    }
    let header = &proposal.sample.header;
    let gates = Gates::new(&mapping, proposal.kind, header).ok()?;
    let arrangement = Arrangement::new(&mapping, header).ok()?;
    let mut arranger = Arranger::new(&arrangement, &gates);
    let mut pieces: Vec<Piece> = Vec::new();
    for row in &proposal.sample.rows {
        arranger.arrange(row.clone(), &mut pieces);
    }
    let is_open = |piece: &&Piece| {
        let cells = arrangement.cells(piece);
        let is_closed = cells.are_closed() || gates.are_closed(cells) || gates.lack_an_answer(cells);
        !is_closed && !piece.row.cells().any(holds_personal_id)
    };
    Some(pieces.iter().filter(is_open).map(|piece| piece.row.number).collect())
}

/// Whether rows with a single text stand between the others; a number alone is no heading.
fn has_headings(proposal: &Proposal<'_>) -> bool {
    let sample = proposal.sample;
    let is_heading = |row: &Row| {
        let mut filled = row.cells().map(trim).filter(|text| !text.is_empty());
        let first = filled.next().is_some_and(|text| !text.is_ascii());
        first && filled.next().is_none() && !NOTES.iter().any(|note| first_text(row).starts_with(note))
    };
    sample.years.is_empty() && sample.header.width() > 2 && sample.rows.iter().any(is_heading)
}

fn first_text(row: &Row) -> &str {
    row.cells().map(trim).find(|text| !text.is_empty()).unwrap_or_default()
}
