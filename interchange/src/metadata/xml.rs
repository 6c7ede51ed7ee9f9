//! XML within limits: no document type definition, no entities but the five predefined, bounded depth and sizes.

use std::io::{self, BufReader, Read};

use quick_xml::NsReader;
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::name::ResolveResult;

use super::element::{Element, Vocabulary};
use super::metered::{Metered, Passed};

/// The longest tag, text, comment or instruction, in bytes.
pub const EVENT_BYTES_MAX: u64 = 1024 * 1024;
/// How deep elements may lie in each other; nested CERIF goes to 30.
const DEPTH_MAX: usize = 100;
/// Elements of one record.
const ELEMENTS_MAX: usize = 50_000;
/// Text of one record with its attributes, in bytes.
const TEXT_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Attributes of one element.
const ATTRIBUTES_MAX: usize = 64;
/// Namespace declarations in force at one place.
const BINDINGS_MAX: usize = 256;

/// XML that is refused.
#[derive(Debug, thiserror::Error)]
pub enum XmlFailed {
    /// It cannot be read.
    #[error("the XML cannot be read")]
    Read(#[source] io::Error),
    /// Longer than allowed.
    #[error("the XML is refused: {0}")]
    TooLarge(String),
    /// Not XML.
    #[error("this is not well-formed XML (near byte {at})")]
    Malformed {
        /// How many bytes were read.
        at: u64,
        /// What the reader says.
        #[source]
        source: quick_xml::Error,
    },
    /// It ends before its last element does.
    #[error("the XML is cut off: {0} elements are not closed")]
    CutOff(usize),
    /// Another encoding than UTF-8.
    #[error("the XML says that it is encoded as {0}; only UTF-8 is read")]
    Encoding(String),
    /// A document type definition.
    #[error(
        "the XML holds a document type definition (<!DOCTYPE>), which is never read: it can make a small file endless"
    )]
    DocumentType,
    /// An entity that only a document type definition could define.
    #[error("the XML uses the entity &{0}; which is not one of the five that XML itself defines")]
    Entity(String),
    /// Elements too deep in each other.
    #[error("elements of the XML lie more than {DEPTH_MAX} deep in each other")]
    TooDeep,
    /// An element with too many attributes.
    #[error("an element of the XML has more than {ATTRIBUTES_MAX} attributes")]
    TooManyAttributes,
    /// A record with too much in it.
    #[error("one record of the XML has more than {ELEMENTS_MAX} elements or more than 8 MiB of text")]
    RecordTooLarge,
}

/// What comes next.
#[derive(Debug)]
pub(crate) enum Step {
    /// An element begins; it has its attributes, and no children yet.
    Open(Element),
    /// The element that began last ends.
    Close,
    /// Text.
    Text(String),
    /// Nothing more.
    End,
}

/// Reads XML from its first byte to its last.
pub(crate) struct Xml<R> {
    reader: NsReader<Metered<BufReader<R>>>,
    buffer: Vec<u8>,
    depth: usize,
}

impl<R: Read> Xml<R> {
    /// Reads at most `bytes_max` bytes of `input`.
    pub(crate) fn new(input: R, bytes_max: u64) -> Self {
        let mut reader =
            NsReader::from_reader(Metered::new(BufReader::new(input), EVENT_BYTES_MAX, bytes_max));
        reader.config_mut().expand_empty_elements = true;
        reader.resolver_mut().set_max_namespace_bindings(BINDINGS_MAX);
        Self { reader, buffer: Vec::new(), depth: 0 }
    }

    /// The next step; comments and instructions are passed over.
    pub(crate) fn step(&mut self) -> Result<Step, XmlFailed> {
        loop {
            self.buffer.clear();
            self.reader.get_mut().begin_event();
            let at = self.reader.buffer_position();
            let (namespace, event) =
                self.reader.read_resolved_event_into(&mut self.buffer).map_err(|error| failed(at, error))?;
            match event {
                Event::Start(start) | Event::Empty(start) => {
                    let element = open(vocabulary(&namespace), &start, at)?;
                    self.depth = self.depth.saturating_add(1);
                    return if self.depth > DEPTH_MAX {
                        Err(XmlFailed::TooDeep)
                    } else {
                        Ok(Step::Open(element))
                    };
                }
                Event::End(_) => {
                    self.depth = self.depth.saturating_sub(1);
                    return Ok(Step::Close);
                }
                Event::Text(text) => return Ok(Step::Text(text.xml10_content().into_owned())),
                Event::CData(text) => return Ok(Step::Text(text.xml10_content().into_owned())),
                Event::GeneralRef(reference) => return Ok(Step::Text(resolve(&reference, at)?)),
                Event::Decl(declaration) => verify_encoding(declaration.encoding())?,
                Event::DocType(_) => return Err(XmlFailed::DocumentType),
                Event::Comment(_) | Event::PI(_) => {}
                Event::Eof if self.depth > 0 => return Err(XmlFailed::CutOff(self.depth)),
                Event::Eof => return Ok(Step::End),
            }
        }
    }

    /// Reads an element that has begun to its end.
    pub(crate) fn finish(&mut self, opened: Element) -> Result<Element, XmlFailed> {
        let (mut current, mut above) = (opened, Vec::new());
        let (mut elements, mut bytes) = (1_usize, 0_usize);
        loop {
            match self.step()? {
                Step::Open(element) => {
                    elements = elements.saturating_add(1);
                    let held =
                        element.attributes.iter().map(|(name, value)| name.len().saturating_add(value.len()));
                    bytes = bytes.saturating_add(held.sum::<usize>()).saturating_add(element.name.len());
                    above.push(std::mem::replace(&mut current, element));
                }
                Step::Text(text) => {
                    bytes = bytes.saturating_add(text.len());
                    current.append_text(&text);
                }
                Step::Close => {
                    current.finish_text();
                    let Some(mut parent) = above.pop() else { return Ok(current) };
                    parent.children.push(current);
                    current = parent;
                }
                Step::End => return Err(XmlFailed::CutOff(above.len())),
            }
            if elements > ELEMENTS_MAX || bytes > TEXT_BYTES_MAX {
                return Err(XmlFailed::RecordTooLarge);
            }
        }
    }
}

fn vocabulary(namespace: &ResolveResult<'_>) -> Vocabulary {
    match namespace {
        ResolveResult::Bound(namespace) => Vocabulary::of_namespace(namespace.0),
        ResolveResult::Unbound | ResolveResult::Unknown(_) => Vocabulary::Other,
    }
}

fn open(vocabulary: Vocabulary, start: &BytesStart<'_>, at: u64) -> Result<Element, XmlFailed> {
    let mut attributes = Vec::new();
    for attribute in start.attributes().with_checks(false) {
        let attribute = attribute.map_err(|error| failed(at, error.into()))?;
        if attributes.len() >= ATTRIBUTES_MAX {
            return Err(XmlFailed::TooManyAttributes);
        }
        if attribute.key.as_namespace_binding().is_some() {
            continue;
        }
        let value = attribute.normalized_value(quick_xml::XmlVersion::Implicit1_0);
        let value = value.map_err(|error| failed(at, error))?.trim().to_owned();
        attributes.push((attribute.key.local_name().as_ref().to_owned(), value));
    }
    let name = start.local_name().as_ref().to_owned();
    Ok(Element { vocabulary, name, attributes, text: String::new(), children: Vec::new() })
}

fn resolve(reference: &BytesRef<'_>, at: u64) -> Result<String, XmlFailed> {
    if let Some(character) = reference.resolve_char_ref().map_err(|error| failed(at, error))? {
        return Ok(character.to_string());
    }
    let name = reference.xml10_content();
    match quick_xml::escape::resolve_predefined_entity(&name) {
        Some(text) => Ok(text.to_owned()),
        None => Err(XmlFailed::Entity(name.chars().take(40).collect())),
    }
}

fn verify_encoding(
    declared: Option<Result<std::borrow::Cow<'_, str>, quick_xml::events::attributes::AttrError>>,
) -> Result<(), XmlFailed> {
    match declared {
        Some(Ok(name)) if !["utf-8", "utf8", "us-ascii"].contains(&name.to_ascii_lowercase().as_str()) => {
            Err(XmlFailed::Encoding(name.chars().take(40).collect()))
        }
        Some(Err(error)) => Err(failed(0, error.into())),
        Some(Ok(_)) | None => Ok(()),
    }
}

/// Tells a limit that was passed from a disk that failed and from text that is no XML.
fn failed(at: u64, error: quick_xml::Error) -> XmlFailed {
    let quick_xml::Error::Io(source) = error else { return XmlFailed::Malformed { at, source: error } };
    match source.get_ref().and_then(|inner| inner.downcast_ref::<Passed>()) {
        Some(passed) => XmlFailed::TooLarge(passed.to_string()),
        None => XmlFailed::Read(io::Error::new(source.kind(), source.to_string())),
    }
}
