//! A record as an entity of the profile: elements in the order of its schema, from open fields alone.

use std::collections::BTreeMap;
use std::io::{self, Write};

use jiff::civil::Date;
use quick_xml::Writer;
use quick_xml::events::{BytesEnd, BytesStart, BytesText, Event};
use safeharbor_rules::{Ceiling, Class, Kind, Record};
use serde_json::Value;

use super::left_out::{LeftOut, Why};

const PATENT_TYPES: &str = "https://www.openaire.eu/cerif-profile/vocab/COAR_Patent_Types";
const PATENT: &str = "http://purl.org/coar/resource_type/c_15cd";
const PRODUCT_TYPES: &str = "https://www.openaire.eu/cerif-profile/vocab/COAR_Product_Types";
const SOFTWARE: &str = "http://purl.org/coar/resource_type/c_5ce6";
const OTHER: &str = "http://purl.org/coar/resource_type/c_1843";

/// The fields of a record that may stand in the file.
pub(super) struct Open<'r> {
    values: BTreeMap<&'r str, &'r Value>,
    closed: Vec<(&'r str, Why)>,
}

impl<'r> Open<'r> {
    pub(super) fn new(kind: &Kind, record: &'r Record, today: Date) -> Self {
        let mut open = Self { values: BTreeMap::new(), closed: Vec::new() };
        for (name, value) in record {
            let class = kind.class_of(name, record, today);
            if class > Class::C1 {
                open.closed.push((name, Why::Class(class)));
            } else if kind.ceiling_of(name, record, today) < Ceiling::Hub {
                open.closed.push((name, Why::Ceiling));
            } else {
                open.values.insert(name, value);
            }
        }
        open
    }

    /// Takes the text of a field; what nobody takes has no place in the profile.
    fn text(&mut self, field: &str) -> Option<&'r str> {
        self.values.remove(field)?.as_str()
    }

    fn texts(&mut self, field: &str) -> Vec<&'r str> {
        let items = self.values.remove(field).and_then(Value::as_array);
        items.into_iter().flatten().filter_map(Value::as_str).collect()
    }

    pub(super) fn count(self, left_out: &mut LeftOut) {
        for (name, why) in self.closed {
            left_out.field(name, why);
        }
        for name in self.values.keys() {
            left_out.field(name, Why::NoElement);
        }
    }
}

/// An element, its attributes, and its text or the elements in it.
pub(super) struct Element {
    name: &'static str,
    attributes: Vec<(&'static str, String)>,
    text: String,
    children: Vec<Self>,
}

impl Element {
    fn new(name: &'static str) -> Self {
        Self { name, attributes: Vec::new(), text: String::new(), children: Vec::new() }
    }

    fn with(mut self, attribute: &'static str, value: &str) -> Self {
        self.attributes.push((attribute, valid(value)));
        self
    }

    fn text(name: &'static str, text: &str) -> Self {
        Self { text: valid(text), ..Self::new(name) }
    }

    /// A text in Chinese, as the records are.
    fn chinese(name: &'static str, text: &str) -> Self {
        Self::text(name, text).with("xml:lang", "zh")
    }

    fn of(name: &'static str, children: impl IntoIterator<Item = Self>) -> Self {
        Self { children: children.into_iter().collect(), ..Self::new(name) }
    }

    pub(super) fn write(&self, xml: &mut Writer<impl Write>) -> io::Result<()> {
        let attributes = self.attributes.iter().map(|(name, value)| (*name, value.as_str()));
        let start = BytesStart::new(self.name).with_attributes(attributes);
        if self.text.is_empty() && self.children.is_empty() {
            return xml.write_event(Event::Empty(start));
        }
        xml.write_event(Event::Start(start))?;
        if !self.text.is_empty() {
            xml.write_event(Event::Text(BytesText::new(&self.text)))?;
        }
        self.children.iter().try_for_each(|child| child.write(xml))?;
        xml.write_event(Event::End(BytesEnd::new(self.name)))
    }
}

/// Without the characters that XML 1.0 does not have.
fn valid(text: &str) -> String {
    let is_valid =
        |c: &char| matches!(c, '\t' | '\n' | '\r') || (*c >= ' ' && !matches!(c, '\u{fffe}' | '\u{ffff}'));
    text.chars().filter(is_valid).collect()
}

/// An achievement is a Product of the type "other": the profile knows no closer one.
pub(super) fn of_achievement(open: &mut Open<'_>) -> Element {
    let id = open.text("achievement_no").unwrap_or_default();
    let mut parts = vec![Element::text("Type", OTHER).with("xmlns", PRODUCT_TYPES)];
    parts.extend(open.text("name").map(|name| Element::chinese("Name", name)));
    let inventors = open.texts("inventors").into_iter().map(|name| displayed("Creator", name));
    let units = open.texts("completing_units").into_iter().map(|code| organisation("Creator", code, None));
    parts.extend(some("Creators", inventors.chain(units)));
    parts.extend(open.text("abstract").map(|text| Element::chinese("Description", text)));
    parts.extend(open.texts("keywords").into_iter().map(|word| Element::chinese("Keyword", word)));
    parts.extend(available(open));
    Element::of("Product", parts).with("id", &format!("Products/{id}"))
}

/// A patent or an application is a Patent, software a Product; other rights have no entity.
pub(super) fn of_right(open: &mut Open<'_>) -> Option<Element> {
    match open.text("right_kind")? {
        "P" | "PA" => Some(of_patent(open)),
        "SW" => Some(of_software(open)),
        _ => None,
    }
}

fn of_patent(open: &mut Open<'_>) -> Element {
    let id = open.text("right_no").unwrap_or_default();
    let mut parts = vec![Element::text("Type", PATENT).with("xmlns", PATENT_TYPES)];
    parts.extend(open.text("name").map(|name| Element::chinese("Title", name)));
    for (element, field) in
        [("RegistrationDate", "filing_date"), ("ApprovalDate", "grant_date"), ("PublicationDate", "pub_date")]
    {
        parts.extend(open.text(field).map(|date| Element::text(element, date)));
    }
    let numbers = ["patent_no", "pub_no", "app_no"].map(|field| open.text(field));
    parts.extend(numbers.iter().flatten().find_map(|number| country(number)));
    parts.extend(numbers.iter().flatten().next().map(|number| Element::text("PatentNumber", number)));
    parts.extend(some("Holders", holders(open)));
    Element::of("Patent", parts).with("id", &format!("Patents/{id}"))
}

fn of_software(open: &mut Open<'_>) -> Element {
    let id = open.text("right_no").unwrap_or_default();
    let mut parts = vec![Element::text("Type", SOFTWARE).with("xmlns", PRODUCT_TYPES)];
    parts.extend(open.text("name").map(|name| Element::chinese("Name", name)));
    let creators = holders(open).into_iter().map(|holder| Element { name: "Creator", ..holder });
    parts.extend(some("Creators", creators));
    parts.extend(available(open));
    Element::of("Product", parts).with("id", &format!("Products/{id}"))
}

/// The owners by name, with their codes where there is one for each.
fn holders(open: &mut Open<'_>) -> Vec<Element> {
    let (names, codes) = (open.texts("owners"), open.texts("owner_codes"));
    if names.len() == codes.len() {
        return names
            .iter()
            .zip(codes)
            .map(|(name, code)| organisation("Holder", code, Some(name)))
            .collect();
    }
    names.iter().map(|name| displayed("Holder", name)).collect()
}

fn some(name: &'static str, children: impl IntoIterator<Item = Element>) -> Option<Element> {
    let children: Vec<Element> = children.into_iter().collect();
    (!children.is_empty()).then(|| Element::of(name, children))
}

fn displayed(role: &'static str, name: &str) -> Element {
    Element::of(role, [Element::text("DisplayName", name)])
}

fn organisation(role: &'static str, code: &str, name: Option<&str>) -> Element {
    let unit = Element::of("OrgUnit", name.map(|name| Element::chinese("Name", name)));
    Element::of(role, [unit.with("id", &format!("OrgUnits/{code}"))])
}

fn available(open: &mut Open<'_>) -> Option<Element> {
    let since = open.text("public_since")?;
    Some(Element::of("Dates", [Element::new("Available").with("startDate", since)]))
}

/// The country that a number such as `CN112345678A` begins with.
fn country(number: &str) -> Option<Element> {
    let code = number.get(..2)?;
    code.bytes().all(|byte| byte.is_ascii_uppercase()).then(|| Element::text("CountryCode", code))
}
