//! Cleaning the text of a cell, and comparing texts the way people mean them.

use std::borrow::Cow;

use super::mapping::LineBreaks;

/// Trims, treats inner line breaks, and takes out the texts of `strip`.
pub(crate) fn clean<'t>(text: &'t str, line_breaks: LineBreaks, strip: &[String]) -> Cow<'t, str> {
    let mut text = Cow::Borrowed(trim(text));
    if line_breaks == LineBreaks::Space && text.contains(['\n', '\r']) {
        text = Cow::Owned(text.replace("\r\n", " ").replace(['\n', '\r'], " "));
    }
    if text.contains(is_stray) {
        text = Cow::Owned(text.replace('\t', " ").replace(is_stray, ""));
    }
    for unwanted in strip {
        if text.contains(unwanted.as_str()) {
            text = Cow::Owned(text.replace(unwanted.as_str(), ""));
        }
    }
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(trim(text)),
        Cow::Owned(text) => Cow::Owned(trim(&text).to_owned()),
    }
}

/// Trims white space of any script, control characters and stray byte order marks.
pub(crate) fn trim(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || c.is_control() || c == '\u{feff}')
}

/// Control characters, which no person typed; line breaks are treated on their own.
fn is_stray(c: char) -> bool {
    c.is_control() && !matches!(c, '\n' | '\r')
}

/// Full-width digits, letters and signs (１２．５％) as their ASCII counterparts.
pub(crate) fn narrow(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    let fold = |c: char| match c {
        '\u{3000}' => ' ',
        '\u{ff01}'..='\u{ff5e}' => u32::from(c).checked_sub(0xfee0).and_then(char::from_u32).unwrap_or(c),
        other => other,
    };
    Cow::Owned(text.chars().map(fold).collect())
}

/// The form in which headers and code texts are compared: narrow, without white space, lower case.
pub(crate) fn fold(text: &str) -> String {
    narrow(trim(text)).chars().filter(|c| !c.is_whitespace()).flat_map(char::to_lowercase).collect()
}

/// The candidate most similar to `name`, if any candidate exists.
pub(crate) fn nearest<'c>(name: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let distance = |candidate: &str| strsim::damerau_levenshtein(&fold(name), &fold(candidate));
    candidates.into_iter().min_by_key(|candidate| distance(candidate))
}

/// Whether characters were lost before the file was saved: U+FFFD, its GBK misreading, or runs of question marks.
pub(crate) fn has_lost_characters(text: &str) -> bool {
    text.contains("????") || (!text.is_ascii() && (text.contains('\u{fffd}') || text.contains("锟斤拷")))
}

/// Whether a spreadsheet shows this in place of a result it could not compute.
pub(crate) fn is_error_value(text: &str) -> bool {
    const ERRORS: [&str; 10] = [
        "#REF!",
        "#N/A",
        "#VALUE!",
        "#DIV/0!",
        "#NAME?",
        "#NULL!",
        "#NUM!",
        "#SPILL!",
        "#CALC!",
        "#GETTING_DATA",
    ];
    ERRORS.contains(&text)
}

/// Whether a spreadsheet shortened a number of 12 digits or more to this: `4.11101E+17`.
pub(crate) fn has_lost_digits(text: &str) -> bool {
    let Some((mantissa, exponent)) = text.split_once("E+") else { return false };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let is_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let whole = whole.strip_prefix('-').unwrap_or(whole);
    whole.len() == 1
        && exponent.len() >= 2
        && is_digits(whole)
        && is_digits(fraction)
        && exponent.parse().is_ok_and(|exponent: u16| exponent >= 11)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, strip: &[&str], wanted: &str) {
        let strip: Vec<String> = strip.iter().map(|&text| text.to_owned()).collect();
        assert_eq!(clean(text, LineBreaks::Space, &strip), wanted);
    }

    #[test]
    fn cells_are_cleaned_as_the_mapping_says() {
        check("  a b ", &[], "a b");
        check("\u{3000}名称\u{a0}", &[], "名称");
        check("a\r\nb\nc\n", &[], "a b c");
        check("\u{1}a\tb\u{1f}c\u{7f}", &[], "a bc");
        check("08/543,093 ", &[","], "08/543093");
        check("￥1,234 元", &[",", "￥", "元"], "1234");
        assert_eq!(clean(" a\nb ", LineBreaks::Keep, &[]), "a\nb");
    }

    #[test]
    fn headers_are_compared_without_width_space_or_case() {
        assert_eq!(fold("合同金额\n（万元）"), fold("合同金额(万元)"));
        assert_eq!(fold("Case  Number"), "casenumber");
        assert_eq!(narrow("１２．５％"), "12.5%");
    }

    #[test]
    fn the_nearest_name_is_found() {
        assert_eq!(nearest("成果名", ["成果编号", "成果名称", "x"]), Some("成果名称"));
        assert_eq!(nearest("a", []), None);
    }

    #[test]
    fn what_a_spreadsheet_did_to_numbers_is_noticed() {
        for text in ["4.11101E+17", "1E+11", "-1.2E+15"] {
            assert!(has_lost_digits(text), "{text}");
        }
        for text in
            ["12E+17", "1.8E+05", "1E+", "E+17", "1.2e17", "A1E+12", "1E+1x", "411101000112345678", ""]
        {
            assert!(!has_lost_digits(text), "{text}");
        }
        assert!(is_error_value("#REF!") && !is_error_value("#REF") && !is_error_value(""));
    }

    #[test]
    fn lost_characters_are_noticed() {
        for text in ["a\u{fffd}", "锟斤拷", "基于????????的研究"] {
            assert!(has_lost_characters(text));
        }
        assert!(!has_lost_characters("真的吗??"));
    }
}
