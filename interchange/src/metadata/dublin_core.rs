//! Unqualified Dublin Core as columns: the fifteen elements under their own names, and what can be told from them.

use super::columns::Columns;
use super::element::{Element, Vocabulary};

/// The columns of Dublin Core: the elements, all of them lists but the title, and what is derived.
pub(crate) const COLUMNS: [&str; 20] = [
    "title",
    "other_titles",
    "creator",
    "contributor",
    "subject",
    "description",
    "publisher",
    "date",
    "type",
    "format",
    "identifier",
    "source",
    "language",
    "relation",
    "coverage",
    "rights",
    "date_issued",
    "abstract",
    "doi",
    "handle",
];

/// Columns of one `oai_dc:dc`.
///
/// Repeated elements are lists without duplicates; the first title is the title, more are `other_titles`. Names that stand
/// both as creator and as contributor are creators. Derived are `date_issued`, `abstract` (the longest description),
/// `doi`, `handle`.
pub(crate) fn columns(dc: &Element) -> Columns {
    let mut columns = Columns::default();
    for element in dc.children.iter().filter(|child| child.vocabulary == Vocabulary::Dc) {
        match element.name.as_str() {
            "title" if columns.values("title").is_empty() => columns.add("title", &element.text),
            "title" if columns.values("title").contains(&element.text) => {}
            "title" => columns.add_to_list("other_titles", &element.text),
            name => columns.add_to_list(name, &element.text),
        }
        if let Some(language) = element.primary_language() {
            columns.add_to_list(&format!("{}_{language}", element.name), &element.text);
        }
    }
    let creators = columns.values("creator").to_vec();
    columns.retain("contributor", |name| !creators.iter().any(|creator| creator == name));
    derive(&mut columns);
    columns
}

fn derive(columns: &mut Columns) {
    let issued = date_issued(columns.values("date")).map(str::to_owned);
    let longest = columns.values("description").iter().max_by_key(|text| text.chars().count()).cloned();
    let links = || columns.values("identifier").iter().chain(columns.values("relation"));
    let doi = links().find_map(|link| parse_doi(link)).map(str::to_owned);
    let handle = links().find_map(|link| parse_handle(link)).map(str::to_owned);
    let derived = [("date_issued", issued), ("abstract", longest), ("doi", doi), ("handle", handle)];
    for (name, value) in derived {
        columns.add(name, value.as_deref().unwrap_or_default());
    }
}

/// The date on which the thing was issued, of all dates a record has.
///
/// Dublin Core does not say which date is which. Repositories write when they took a record in and when they opened it as
/// times of day, and when the thing appeared as a year, month or day; of several such the first is the date of issue
/// (DSpace orders them: accessioned, available, issued, submitted). None where there are only times of day.
fn date_issued(dates: &[String]) -> Option<&str> {
    dates.iter().map(String::as_str).find(|date| is_day_or_vaguer(date))
}

/// Whether the text has the form `2022`, `2022-03` or `2022-03-01`.
fn is_day_or_vaguer(date: &str) -> bool {
    let mut parts = date.split('-');
    let digits = |part: Option<&str>, count: usize| {
        part.is_none_or(|part| part.len() == count && part.bytes().all(|byte| byte.is_ascii_digit()))
    };
    !date.is_empty()
        && digits(parts.next(), 4)
        && digits(parts.next(), 2)
        && digits(parts.next(), 2)
        && parts.next().is_none()
}

/// `10.…` of a link to or a mention of a DOI.
fn parse_doi(text: &str) -> Option<&str> {
    const BEFORE: [&str; 5] =
        ["https://doi.org/", "http://doi.org/", "http://dx.doi.org/", "https://dx.doi.org/", "doi:"];
    let doi = BEFORE.into_iter().find_map(|before| text.strip_prefix(before)).unwrap_or(text);
    let registrant = doi.strip_prefix("10.")?.split_once('/')?.0;
    let whole =
        !registrant.is_empty() && registrant.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    (whole && !doi.contains(char::is_whitespace)).then_some(doi)
}

/// `1721.1/140856.2` of a link to a handle.
fn parse_handle(text: &str) -> Option<&str> {
    const BEFORE: [&str; 2] = ["https://hdl.handle.net/", "http://hdl.handle.net/"];
    BEFORE.into_iter().find_map(|before| text.strip_prefix(before)).filter(|handle| handle.contains('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn issued(dates: &[&str]) -> Option<String> {
        let dates: Vec<String> = dates.iter().map(|date| (*date).to_owned()).collect();
        date_issued(&dates).map(str::to_owned)
    }

    #[test]
    fn the_date_of_issue_has_no_time_of_day() {
        let dates = ["2022-03-01T18:31:57Z", "2022-03-01T16:39:07Z", "2018-02", "2017-11"];
        assert_eq!(issued(&dates).as_deref(), Some("2018-02"));
        assert_eq!(issued(&["2008-05-28T16:58:22Z", "2007"]).as_deref(), Some("2007"));
        assert_eq!(issued(&["2001-09-30"]).as_deref(), Some("2001-09-30"));
        assert_eq!(issued(&["2008-05-28T16:58:22Z"]), None);
        assert_eq!(issued(&["", "circa 1900", "20", "2001-9", "2001-09-30-1"]), None);
    }

    #[test]
    fn dois_and_handles_are_told_from_other_identifiers() {
        for (text, wanted) in [
            ("http://dx.doi.org/10.1002/ange.201711611", Some("10.1002/ange.201711611")),
            ("https://doi.org/10.1/x", Some("10.1/x")),
            ("doi:10.1038/s41586", Some("10.1038/s41586")),
            ("10.1/x", Some("10.1/x")),
            ("0044-8249", None),
            ("10.5 kg/m", None),
            ("10.x/y", None),
        ] {
            assert_eq!(parse_doi(text), wanted, "{text}");
        }
        assert_eq!(parse_handle("https://hdl.handle.net/1721.1/140856.2"), Some("1721.1/140856.2"));
        assert_eq!(parse_handle("https://example.org/1721.1/1"), None);
    }
}
