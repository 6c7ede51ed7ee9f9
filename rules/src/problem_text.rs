//! The words of a problem for the person who has to put it right, in Chinese and English.

use crate::lang::{Lang, Titles};
use crate::problem::{Expected, Problem, ProblemCode};
use crate::value_type::ValueType;

impl Problem {
    /// What is wrong, with the value where it may be repeated.
    #[must_use]
    pub fn text(&self, lang: Lang) -> String {
        let mut text = self.statement(lang);
        if let Some(value) = &self.value {
            text += &match lang {
                Lang::Zh => format!("；现为“{value}”"),
                Lang::En => format!("; found '{value}'"),
            };
        }
        text
    }

    fn statement(&self, lang: Lang) -> String {
        let title = self.name(lang);
        match lang {
            Lang::Zh => format!("“{title}”{}", self.wants_zh()),
            Lang::En => format!("{title} {}", self.wants_en()),
        }
    }

    fn name(&self, lang: Lang) -> &str {
        let title = self.titles.as_ref().map(|t| t.text(lang)).or(self.field.as_deref());
        title.unwrap_or(match lang {
            Lang::Zh => "记录",
            Lang::En => "The record",
        })
    }

    fn wants_zh(&self) -> String {
        match (self.code, &self.expected) {
            (ProblemCode::Secrecy, Expected::Gate(label)) => {
                format!("缺失或不是“{}”，该记录不予收录", label.zh)
            }
            (ProblemCode::Secrecy, _) => "不允许该记录收录".to_owned(),
            (ProblemCode::PersonalId, _) => "含有居民身份证号，该记录不予收录".to_owned(),
            (ProblemCode::Forbidden, _) => "不得存储，该记录不予收录".to_owned(),
            (ProblemCode::UnknownField, _) => "不是该类记录的字段".to_owned(),
            (ProblemCode::Missing, _) => "必填".to_owned(),
            (_, expected) => expected.zh(),
        }
    }

    fn wants_en(&self) -> String {
        match (self.code, &self.expected) {
            (ProblemCode::Secrecy, Expected::Gate(label)) => {
                format!("is missing or not {} ({}): the record is refused", label.zh, label.en)
            }
            (ProblemCode::Secrecy, _) => "does not allow the record".to_owned(),
            (ProblemCode::PersonalId, _) => "holds an identity card number: the record is refused".to_owned(),
            (ProblemCode::Forbidden, _) => "must not be stored: the record is refused".to_owned(),
            (ProblemCode::UnknownField, _) => "is not a field of this kind".to_owned(),
            (ProblemCode::Missing, _) => "is required".to_owned(),
            (_, expected) => expected.en(),
        }
    }

    /// What the person can do about it.
    #[must_use]
    pub fn advice(&self, lang: Lang) -> String {
        let (zh, en) = match self.code {
            ProblemCode::Secrecy => (
                "涉密或密级不明的成果不得进入本系统；确属公开的，请先在源文件中填明“公开”",
                "Records that are classified or of unknown secrecy have no place here; if it is public, say so in the source file",
            ),
            ProblemCode::PersonalId => (
                "请在源文件中删去身份证号后重新导入；本系统不存储身份证号",
                "Take the identity card number out of the source file and import again; it is never stored",
            ),
            ProblemCode::Forbidden => {
                ("请在源文件中删去该列后重新导入", "Take the column out of the source file and import again")
            }
            ProblemCode::UnknownField => (
                "请在映射文件中改正字段名，或去掉该列",
                "Correct the field's name in the mapping file, or leave the column out",
            ),
            ProblemCode::NotInList if matches!(self.expected, Expected::EmptyList { .. }) => {
                return self.advice_on_empty_list(lang);
            }
            ProblemCode::Missing => {
                ("请补填，或在映射文件中指定对应的列", "Fill it in, or name its column in the mapping file")
            }
            ProblemCode::NotInList => (
                "请改为列表中的一项，或在映射文件中为该写法指定代码",
                "Use one of the list, or give this wording a code in the mapping file",
            ),
            ProblemCode::Type | ProblemCode::Format | ProblemCode::Range => return self.advice_on_form(lang),
            ProblemCode::Length => ("请增减内容后重新导入", "Shorten or complete it and import again"),
            ProblemCode::Contradiction => (
                "请核对这两列，或不导入推算得出的一列",
                "Compare the two columns, or leave the derived one out",
            ),
        };
        (match lang {
            Lang::Zh => zh,
            Lang::En => en,
        })
        .to_owned()
    }

    fn advice_on_empty_list(&self, lang: Lang) -> String {
        let Expected::EmptyList { list, .. } = &self.expected else { return String::new() };
        match lang {
            Lang::Zh => {
                format!("口径确定后，把代码表写入节点数据目录的 codes/{list}.json；在此之前请不要导入该列")
            }
            Lang::En => format!(
                "Once it is settled, write the list to codes/{list}.json in the node's data folder; leave the column out until then"
            ),
        }
    }

    fn advice_on_form(&self, lang: Lang) -> String {
        let value_type = if let Expected::Typed { value_type, .. } = &self.expected {
            Some(value_type.item())
        } else {
            matches!(self.expected, Expected::Bounds { .. }).then_some(&ValueType::Integer)
        };
        let (zh, en) = match value_type {
            Some(ValueType::Date | ValueType::Month) => (
                "请改正日期，或在映射文件中写明该列的日期格式",
                "Correct the date, or say in the mapping file how dates of this column are written",
            ),
            Some(ValueType::Institution) => (
                "请对照营业执照或事业单位法人证书核对代码，注意字母与数字",
                "Compare the code with the business licence or certificate; mind letters and digits",
            ),
            Some(ValueType::Integer | ValueType::Number) => (
                "请核对数字及单位；源文件以万元计的，请在映射文件中写明单位",
                "Check the number and its unit; if the source counts in 万元, say so in the mapping file",
            ),
            _ => ("请按要求的格式改正后重新导入", "Correct it to this form and import again"),
        };
        (match lang {
            Lang::Zh => zh,
            Lang::En => en,
        })
        .to_owned()
    }
}

impl Expected {
    fn zh(&self) -> String {
        match self {
            Self::Plain => "不符合要求".to_owned(),
            Self::OneOf { labels, of } => {
                let shown: Vec<&str> = labels.iter().map(|label| label.zh.as_str()).collect();
                let rest = if *of > shown.len() { format!("等 {of} 项") } else { String::new() };
                format!("必须是以下之一：{}{rest}", shown.join("、"))
            }
            Self::EmptyList { titles, .. } => format!("的代码表“{}”尚为空，暂不能填写", titles.zh),
            Self::Typed { value_type, unit } => {
                format!("必须是{}{}", type_zh(value_type), unit_zh(unit.as_deref()))
            }
            Self::Like(example) => format!("的格式应形如 {example}"),
            Self::Characters { least, most } => {
                format!("应{}", span(*least, *most, "至少 ", "至多 ", " 个字符"))
            }
            Self::Items { least, most } => format!("应{}", span(*least, *most, "至少 ", "至多 ", " 项")),
            Self::Unique => "中有重复的项".to_owned(),
            Self::Bounds { least, most, unit } => {
                format!(
                    "应{}{}",
                    span(least.as_ref(), most.as_ref(), "不小于 ", "不大于 ", ""),
                    unit_zh(unit.as_deref())
                )
            }
            Self::FollowsFrom(titles) => format!("与“{}”不一致", titles.zh),
            Self::Parts => "的组成部分缺失或多余".to_owned(),
            Self::Gate(label) => format!("必须是“{}”", label.zh),
        }
    }

    fn en(&self) -> String {
        match self {
            Self::Plain => "is not acceptable".to_owned(),
            Self::OneOf { labels, of } => {
                let shown: Vec<&str> = labels.iter().map(|label| label.zh.as_str()).collect();
                let rest = if *of > shown.len() { format!(" … ({of} in all)") } else { String::new() };
                format!("must be one of {}{rest}", shown.join(", "))
            }
            Self::EmptyList { titles, .. } => {
                format!("takes no value yet: the code list '{}' is empty", titles.en)
            }
            Self::Typed { value_type, unit } => {
                format!("must be {}{}", type_en(value_type), unit_en(unit.as_deref()))
            }
            Self::Like(example) => format!("must look like {example}"),
            Self::Characters { least, most } => {
                format!("must have {}", span(*least, *most, "at least ", "at most ", " characters"))
            }
            Self::Items { least, most } => {
                format!("must have {}", span(*least, *most, "at least ", "at most ", " items"))
            }
            Self::Unique => "lists an item twice".to_owned(),
            Self::Bounds { least, most, unit } => {
                let bounds = span(least.as_ref(), most.as_ref(), "at least ", "at most ", "");
                format!("must be {bounds}{}", unit_en(unit.as_deref()))
            }
            Self::FollowsFrom(titles) => format!("contradicts {}", titles.en),
            Self::Parts => "lacks a part or has one too many".to_owned(),
            Self::Gate(label) => format!("must be {}", label.en),
        }
    }
}

fn span<T: std::fmt::Display>(
    least: Option<T>,
    most: Option<T>,
    at_least: &str,
    at_most: &str,
    of: &str,
) -> String {
    let least = least.map(|n| format!("{at_least}{n}{of}"));
    let most = most.map(|n| format!("{at_most}{n}{of}"));
    [least, most].into_iter().flatten().collect::<Vec<_>>().join(" / ")
}

fn unit_zh(unit: Option<&str>) -> String {
    unit.map(|unit| format!("（单位：{unit}）")).unwrap_or_default()
}

fn unit_en(unit: Option<&str>) -> String {
    unit.map(|unit| format!(" (in {unit})")).unwrap_or_default()
}

fn type_zh(value_type: &ValueType) -> &'static str {
    match value_type {
        ValueType::Text => "文本",
        ValueType::Date => "日期，形如 2025-03-31",
        ValueType::Month => "年月，形如 2025-03",
        ValueType::Institution => "十八位统一社会信用代码（校验位须正确）",
        ValueType::Integer => "整数",
        ValueType::Number => "数字",
        ValueType::Flag => "“是”或“否”",
        ValueType::List(_) => "列表",
        ValueType::Group => "分项内容",
    }
}

fn type_en(value_type: &ValueType) -> &'static str {
    match value_type {
        ValueType::Text => "text",
        ValueType::Date => "a date such as 2025-03-31",
        ValueType::Month => "a month such as 2025-03",
        ValueType::Institution => {
            "an 18-character institution code (统一社会信用代码) with a valid check character"
        }
        ValueType::Integer => "a whole number",
        ValueType::Number => "a number",
        ValueType::Flag => "yes (true) or no (false)",
        ValueType::List(_) => "a list",
        ValueType::Group => "a group of parts",
    }
}

/// The labels of a code list, as many as one message carries.
pub(crate) fn labels_of(list: &crate::CodeList) -> Expected {
    const SHOWN_MAX: usize = 12;
    if list.codes().is_empty() {
        let titles = Titles { zh: list.title(Lang::Zh).to_owned(), en: list.title(Lang::En).to_owned() };
        return Expected::EmptyList { list: list.name().to_owned(), titles };
    }
    let labels = list.codes().iter().take(SHOWN_MAX);
    let labels = labels.map(|code| Titles { zh: code.zh.clone(), en: code.en.clone() }).collect();
    Expected::OneOf { labels, of: list.codes().len() }
}
