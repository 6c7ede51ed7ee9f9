//! The XML inside a workbook, event by event: no document type, no entities of its own, no depth, nothing unbounded.

use std::borrow::Cow;
use std::fmt;
use std::io::{self, BufRead, Read};

use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesEnd, BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use super::WorkbookFailed;
use crate::import::source::row::CELL_BYTES_MAX;

/// The longest tag or piece of text, with room for what escapes add.
const EVENT_BYTES_MAX: usize = 2 * CELL_BYTES_MAX;
/// Parts of workbooks nest a dozen deep.
const DEPTH_MAX: usize = 64;

/// What comes next in a part.
#[derive(Debug)]
pub(crate) enum Node<'x> {
    Open(Tag<'x>),
    Close(EndTag<'x>),
    Text(Cow<'x, str>),
    End,
}

/// The start of an element.
#[derive(Debug)]
pub(crate) struct Tag<'x>(BytesStart<'x>);

impl Tag<'_> {
    /// The name without prefix.
    pub(crate) fn name(&self) -> &str {
        without_prefix(self.0.name().into_inner())
    }

    /// The value of an attribute, by its name without prefix.
    pub(crate) fn attribute(&self, name: &str) -> Option<String> {
        let mut attributes = self.0.attributes();
        // Comparing each attribute with all others would make a long tag slow.
        let mut attributes = attributes.with_checks(false).flatten();
        let found = attributes.find(|attribute| without_prefix(attribute.key.into_inner()) == name)?;
        found.normalized_value(XmlVersion::Implicit1_0).ok().map(Cow::into_owned)
    }

    /// Whether an attribute says yes.
    pub(crate) fn is(&self, name: &str) -> bool {
        matches!(self.attribute(name).as_deref(), Some("1" | "true"))
    }

    /// An attribute that is a number.
    pub(crate) fn number<N: std::str::FromStr>(&self, name: &str) -> Option<N> {
        self.attribute(name)?.trim().parse().ok()
    }
}

/// The end of an element.
#[derive(Debug)]
pub(crate) struct EndTag<'x>(BytesEnd<'x>);

impl EndTag<'_> {
    /// The name without prefix.
    pub(crate) fn name(&self) -> &str {
        without_prefix(self.0.name().into_inner())
    }
}

fn without_prefix(name: &str) -> &str {
    name.rsplit_once(':').map_or(name, |(_, local)| local)
}

/// Reads one part.
pub(crate) struct Xml<R> {
    reader: Reader<Bounded<R>>,
    part: String,
    buffer: Vec<u8>,
    depth: usize,
}

impl<R> fmt::Debug for Xml<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Xml").field("part", &self.part).field("depth", &self.depth).finish_non_exhaustive()
    }
}

impl<R: BufRead> Xml<R> {
    /// Reads at most `bytes_max` bytes of `input`, which is the part of that name.
    pub(crate) fn new(input: R, part: &str, bytes_max: u64) -> Self {
        let bounded = Bounded { input, event_left: EVENT_BYTES_MAX, left: bytes_max, exhausted: false };
        let mut reader = Reader::from_reader(bounded);
        reader.config_mut().expand_empty_elements = true;
        Self { reader, part: part.to_owned(), buffer: Vec::new(), depth: 0 }
    }

    pub(crate) fn next(&mut self) -> Result<Node<'_>, WorkbookFailed> {
        let Self { reader, part, buffer, depth } = self;
        buffer.clear();
        reader.get_mut().event_left = EVENT_BYTES_MAX;
        match reader.read_event_into(buffer) {
            Ok(event) => node(event, part, depth),
            Err(_) if reader.get_ref().exhausted => {
                Err(WorkbookFailed::TooLarge { what: "XML", limit: "2 GiB in a part or 2 MiB in one piece" })
            }
            Err(_) => Err(WorkbookFailed::Malformed { part: part.clone() }),
        }
    }
}

fn node<'x>(event: Event<'x>, part: &str, depth: &mut usize) -> Result<Node<'x>, WorkbookFailed> {
    let malformed = || WorkbookFailed::Malformed { part: part.to_owned() };
    match event {
        Event::Start(tag) => {
            *depth = depth.saturating_add(1);
            if *depth > DEPTH_MAX {
                return Err(WorkbookFailed::TooLarge { what: "nested elements", limit: "64" });
            }
            Ok(Node::Open(Tag(tag)))
        }
        Event::End(tag) => {
            *depth = depth.saturating_sub(1);
            Ok(Node::Close(EndTag(tag)))
        }
        Event::Text(text) => Ok(Node::Text(text.xml10_content())),
        Event::CData(text) => Ok(Node::Text(text.xml10_content())),
        Event::GeneralRef(reference) => match reference.resolve_char_ref().or(Err(malformed()))? {
            Some(character) => Ok(Node::Text(Cow::Owned(character.to_string()))),
            None => resolve_predefined_entity(&reference)
                .map(|text| Node::Text(Cow::Borrowed(text)))
                .ok_or_else(|| WorkbookFailed::Entities { part: part.to_owned() }),
        },
        Event::DocType(_) => Err(WorkbookFailed::Entities { part: part.to_owned() }),
        Event::Comment(_) | Event::Decl(_) | Event::PI(_) => Ok(Node::Text(Cow::Borrowed(""))),
        Event::Eof if *depth == 0 => Ok(Node::End),
        Event::Eof | Event::Empty(_) => Err(malformed()),
    }
}

/// Hands out so many bytes in all, and so many for one event.
struct Bounded<R> {
    input: R,
    event_left: usize,
    left: u64,
    exhausted: bool,
}

impl<R: BufRead> Read for Bounded<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let length = self.fill_buf()?.read(out)?;
        self.consume(length);
        Ok(length)
    }
}

impl<R: BufRead> BufRead for Bounded<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let allowed = self.event_left.min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let bytes = self.input.fill_buf()?;
        if allowed == 0 && !bytes.is_empty() {
            self.exhausted = true;
            return Err(io::Error::new(io::ErrorKind::InvalidData, "more than is read"));
        }
        Ok(bytes.get(..allowed).unwrap_or(bytes))
    }

    fn consume(&mut self, amount: usize) {
        self.event_left = self.event_left.saturating_sub(amount);
        self.left = self.left.saturating_sub(u64::try_from(amount).unwrap_or(u64::MAX));
        self.input.consume(amount);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<String, WorkbookFailed> {
        let mut xml = Xml::new(text.as_bytes(), "x.xml", 10_000_000);
        let mut seen = String::new();
        loop {
            match xml.next()? {
                Node::Open(tag) => seen += &format!("<{} {:?}>", tag.name(), tag.attribute("a")),
                Node::Close(tag) => seen += &format!("</{}>", tag.name()),
                Node::Text(text) => seen += &text,
                Node::End => return Ok(seen),
            }
        }
    }

    #[test]
    fn elements_attributes_and_text_are_seen() {
        let seen =
            read("<?xml version='1.0'?><!-- c --><p:x q:a='1&amp;2'>t&lt;&#x6210;<![CDATA[<d>]]><e/></p:x>");
        assert_eq!(seen.unwrap(), "<x Some(\"1&2\")>t<成<d><e None></e></x>");
    }

    #[test]
    fn entities_depth_and_length_are_refused() {
        for text in ["<!DOCTYPE x [<!ENTITY a 'b'>]><x>&a;</x>", "<x>&a;</x>"] {
            assert!(matches!(read(text), Err(WorkbookFailed::Entities { .. })), "{text}");
        }
        for text in [
            "<x>".repeat(100),
            format!("<x>{}</x>", "t".repeat(3 << 20)),
            format!("<x a='{}'/>", "t".repeat(3 << 20)),
        ] {
            assert!(matches!(read(&text), Err(WorkbookFailed::TooLarge { .. })));
        }
        for text in ["<x>", "<x></y>", "<x a=", "\u{0}<x"] {
            assert!(
                matches!(read(text), Err(WorkbookFailed::Malformed { .. })) || text.starts_with('\0'),
                "{text}"
            );
        }
        let mut long = Xml::new("<x>a</x>".as_bytes(), "x.xml", 5);
        assert!(matches!((0..4).find_map(|_| long.next().err()), Some(WorkbookFailed::TooLarge { .. })));
    }
}
