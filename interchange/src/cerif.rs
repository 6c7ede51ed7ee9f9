//! CERIF-XML for other systems: published achievements as Products and rights as Patents, of what may be public alone.
//!
//! The elements and their order are those of the OpenAIRE CERIF profile 1.2. The file goes to whoever is given it, so a
//! record must be published, and a field of class C0 or C1 with the hub as its ceiling; all else is counted and left out.

mod entity;
mod left_out;

use std::io::{self, Write};

use jiff::civil::Date;
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, Event};
use safeharbor_rules::{Kind, Record};

use entity::Open;
pub use left_out::{LeftOut, Omission, Why};

/// The namespace of the profile.
pub const NAMESPACE: &str = "https://www.openaire.eu/cerif-profile/1.2/";
/// The kinds that have an entity in the profile.
pub const KINDS: [&str; 2] = ["ACH", "IPR"];

const ROOT: &str = "CERIF";

/// Writes entities one after the other and counts what it leaves out.
pub struct CerifWriter<'k, W: Write> {
    xml: Writer<W>,
    kind: &'k Kind,
    today: Date,
    written: u64,
    left_out: LeftOut,
}

impl<'k, W: Write> CerifWriter<'k, W> {
    /// Starts a document for records of `kind`, as they stand on `today`.
    ///
    /// # Errors
    /// The disk fails.
    pub fn create(out: W, kind: &'k Kind, today: Date) -> io::Result<Self> {
        let mut xml = Writer::new_with_indent(out, b' ', 2);
        xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
        xml.write_event(Event::Start(BytesStart::new(ROOT).with_attributes([("xmlns", NAMESPACE)])))?;
        Ok(Self { xml, kind, today, written: 0, left_out: LeftOut::default() })
    }

    /// Writes a record, or counts why it is left out.
    ///
    /// # Errors
    /// The disk fails.
    pub fn write(&mut self, record: &Record) -> io::Result<()> {
        if self.kind.state("published", record, self.today) != Some(true) {
            self.left_out.record(Why::NotPublished);
            return Ok(());
        }
        let mut open = Open::new(self.kind, record, self.today);
        let entity = match self.kind.id().as_str() {
            "ACH" => Some(entity::of_achievement(&mut open)),
            "IPR" => entity::of_right(&mut open),
            _ => None,
        };
        match entity {
            Some(entity) => {
                entity.write(&mut self.xml)?;
                self.written = self.written.saturating_add(1);
                open.count(&mut self.left_out);
            }
            None => self.left_out.record(Why::NoEntity),
        }
        Ok(())
    }

    /// Counts a record that the node holds back.
    pub fn hold_back(&mut self) {
        self.left_out.record(Why::HeldBack);
    }

    /// Ends the document: the file, how many records stand in it, and what was left out.
    ///
    /// # Errors
    /// The disk fails.
    pub fn finish(mut self) -> io::Result<(W, u64, LeftOut)> {
        self.xml.write_event(Event::End(BytesEnd::new(ROOT)))?;
        let mut out = self.xml.into_inner();
        out.write_all(b"\n")?;
        out.flush()?;
        Ok((out, self.written, self.left_out))
    }
}

impl<W: Write> std::fmt::Debug for CerifWriter<'_, W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CerifWriter").field("written", &self.written).finish_non_exhaustive()
    }
}
