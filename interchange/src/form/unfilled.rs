//! What of a form could not be filled in, and why: names of fields and counts, no values.

use safeharbor_rules::Lang;

use super::LIST_ROWS_MAX;

/// Why an entry is empty or incomplete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WhyNot {
    /// The node has no record of the kind.
    NoRecord {
        /// Its id.
        kind: String,
    },
    /// The record does not say.
    Empty {
        /// The field's Chinese title.
        field: String,
    },
    /// Some records lack a field and are not counted.
    Lacking {
        /// The field's Chinese title.
        field: String,
        /// How many.
        records: u64,
    },
    /// The list ends before the records do.
    TooLong,
    /// A sum past what the node's numbers hold.
    TooLarge,
    /// The layout itself says why.
    NotKept(String),
}

/// One entry of a form that is empty or incomplete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfilled {
    /// The sheet.
    pub sheet: String,
    /// The entry's label.
    pub label: String,
    /// Why.
    pub why: WhyNot,
}

impl WhyNot {
    /// The reason for people.
    #[must_use]
    pub fn text(&self, lang: Lang) -> String {
        match (self, lang) {
            (Self::NoRecord { kind }, Lang::Zh) => format!("本节点没有 {kind} 记录"),
            (Self::NoRecord { kind }, Lang::En) => format!("this node has no {kind} record"),
            (Self::Empty { field }, Lang::Zh) => format!("记录中“{field}”为空"),
            (Self::Empty { field }, Lang::En) => format!("{field} is empty in the record"),
            (Self::Lacking { field, records }, Lang::Zh) => format!("{records} 条记录缺少“{field}”，未计入"),
            (Self::Lacking { field, records }, Lang::En) => {
                format!("{records} records lack {field} and are not counted")
            }
            (Self::TooLong, Lang::Zh) => {
                format!("只列前 {LIST_ROWS_MAX} 条；全部记录请用 export records 导出")
            }
            (Self::TooLong, Lang::En) => {
                format!("lists the first {LIST_ROWS_MAX}; `export records` writes all of them")
            }
            (Self::TooLarge, Lang::Zh) => "合计超出可表示的范围".to_owned(),
            (Self::TooLarge, Lang::En) => "the sum is past what can be written".to_owned(),
            (Self::NotKept(reason), _) => reason.clone(),
        }
    }
}
