//! Answers of OAI-PMH 2.0, and XML files with the same records in them: one item at a time.
//!
//! <https://www.openarchives.org/OAI/openarchivesprotocol.html>

use std::fmt;
use std::io::Read;

use super::columns::{Columns, MetadataRow};
use super::element::{Element, Vocabulary};
use super::xml::{Step, Xml, XmlFailed};
use super::{cerif, dublin_core};

/// What one answer may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes, unpacked.
    pub bytes: u64,
    /// Records, headers or sets.
    pub items: u64,
}

/// An answer that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum AnswerFailed {
    /// It is no XML within the limits.
    #[error("the answer cannot be read")]
    Xml(#[from] XmlFailed),
    /// It is XML of something else.
    #[error(
        "this is no answer of OAI-PMH: it begins with <{0}>; is the address the repository's OAI-PMH interface?"
    )]
    NotOai(String),
    /// More records than allowed.
    #[error("the answer holds more than {0} records")]
    TooManyItems(u64),
    /// A record that lacks what every record has.
    #[error("a record (number {number} of the answer) has no {missing}")]
    Incomplete {
        /// Its place in the answer, from 1.
        number: u64,
        /// What is missing.
        missing: &'static str,
    },
    /// A record in another format than asked for.
    #[error(
        "the record {identifier} is in the format <{format}>; Dublin Core (oai_dc) and CERIF-XML (cerif_openaire) can be read"
    )]
    Format {
        /// The record.
        identifier: String,
        /// Name of the element that holds it.
        format: String,
    },
}

/// What comes in an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// A record.
    Record(MetadataRow),
    /// The header of a record (`ListIdentifiers`): a row without columns.
    Header(MetadataRow),
    /// The name of a set, as `set` takes it.
    Set(String),
}

/// What an answer says besides its items.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// When the repository answered, by its own clock, as it writes it.
    pub response_date: Option<String>,
    /// Why it did not do as it was asked.
    pub errors: Vec<OaiError>,
    /// What to ask for next; none at the end of a list.
    pub token: Option<String>,
    /// Who it is.
    pub identify: Option<Identify>,
}

/// An error the repository answers with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {text}")]
pub struct OaiError {
    /// Which.
    pub code: OaiErrorCode,
    /// In its words, at most 300 characters.
    pub text: String,
}

/// The error codes of OAI-PMH 2.0, section 3.6.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OaiErrorCode {
    /// `badArgument`.
    BadArgument,
    /// `badResumptionToken`.
    BadResumptionToken,
    /// `badVerb`.
    BadVerb,
    /// `cannotDisseminateFormat`.
    CannotDisseminateFormat,
    /// `idDoesNotExist`.
    IdDoesNotExist,
    /// `noRecordsMatch`: an empty list.
    NoRecordsMatch,
    /// `noMetadataFormats`.
    NoMetadataFormats,
    /// `noSetHierarchy`.
    NoSetHierarchy,
    /// A code that the protocol does not know.
    Other(String),
}

impl OaiErrorCode {
    fn parse(code: &str) -> Self {
        match code {
            "badArgument" => Self::BadArgument,
            "badResumptionToken" => Self::BadResumptionToken,
            "badVerb" => Self::BadVerb,
            "cannotDisseminateFormat" => Self::CannotDisseminateFormat,
            "idDoesNotExist" => Self::IdDoesNotExist,
            "noRecordsMatch" => Self::NoRecordsMatch,
            "noMetadataFormats" => Self::NoMetadataFormats,
            "noSetHierarchy" => Self::NoSetHierarchy,
            other => Self::Other(other.chars().take(40).collect()),
        }
    }
}

impl fmt::Display for OaiErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BadArgument => "badArgument",
            Self::BadResumptionToken => "badResumptionToken",
            Self::BadVerb => "badVerb",
            Self::CannotDisseminateFormat => "cannotDisseminateFormat",
            Self::IdDoesNotExist => "idDoesNotExist",
            Self::NoRecordsMatch => "noRecordsMatch",
            Self::NoMetadataFormats => "noMetadataFormats",
            Self::NoSetHierarchy => "noSetHierarchy",
            Self::Other(code) => code,
        })
    }
}

/// How exact a repository's dates are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Granularity {
    /// `YYYY-MM-DD`.
    Day,
    /// `YYYY-MM-DDThh:mm:ssZ`.
    Second,
}

/// What a repository remembers of records it deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeletedRecords {
    /// Nothing: a deleted record is never told of.
    No,
    /// For some time.
    Transient,
    /// For ever.
    Persistent,
}

/// A repository's answer to `Identify`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identify {
    /// Its name.
    pub name: String,
    /// How exact its dates are.
    pub granularity: Granularity,
    /// What it remembers of deleted records.
    pub deleted_records: DeletedRecords,
}

/// Reads one answer.
pub struct Answer<R> {
    xml: Xml<R>,
    items_max: u64,
    items: u64,
    any_root: bool,
    began: bool,
    facts: Facts,
}

impl<R> fmt::Debug for Answer<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer").field("items", &self.items).finish_non_exhaustive()
    }
}

impl<R: Read> Answer<R> {
    /// Reads an answer of a repository.
    pub fn new(input: R, limits: Limits) -> Self {
        let xml = Xml::new(input, limits.bytes);
        Self {
            xml,
            items_max: limits.items,
            items: 0,
            any_root: false,
            began: false,
            facts: Facts::default(),
        }
    }

    /// Reads a file: an answer that somebody saved, or records in any other envelope or none.
    pub fn of_file(input: R, limits: Limits) -> Self {
        Self { any_root: true, ..Self::new(input, limits) }
    }

    /// The next item; none at the end, when [`Answer::facts`] are complete.
    ///
    /// # Errors
    /// What is not an answer within the limits.
    #[expect(
        clippy::should_implement_trait,
        reason = "an iterator of results would let a caller go on behind an error"
    )]
    pub fn next(&mut self) -> Result<Option<Item>, AnswerFailed> {
        loop {
            match self.xml.step()? {
                Step::Open(element) => {
                    if let Some(item) = self.open(element)? {
                        return self.count().map(|()| Some(item));
                    }
                }
                Step::Close | Step::Text(_) => {}
                Step::End if self.began => return Ok(None),
                Step::End => return Err(XmlFailed::CutOff(0).into()),
            }
        }
    }

    /// What it says besides its items, as far as it was read.
    #[must_use]
    pub const fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Takes in what an element holds; one that says nothing by itself is entered.
    fn open(&mut self, element: Element) -> Result<Option<Item>, AnswerFailed> {
        if !std::mem::replace(&mut self.began, true)
            && !self.any_root
            && !element.is(Vocabulary::Oai, "OAI-PMH")
        {
            return Err(AnswerFailed::NotOai(element.name.chars().take(60).collect()));
        }
        if cerif::is_entity(&element) || element.is(Vocabulary::OaiDc, "dc") {
            let entity = self.xml.finish(element)?;
            return Ok(Some(Item::Record(headless(&entity))));
        }
        if element.vocabulary != Vocabulary::Oai {
            return Ok(None);
        }
        match element.name.as_str() {
            "record" => {
                let record = self.xml.finish(element)?;
                return self.record(&record).map(|row| Some(Item::Record(row)));
            }
            "header" => {
                let header = self.xml.finish(element)?;
                return self.header(&header).map(|row| Some(Item::Header(row)));
            }
            "set" => {
                let set = self.xml.finish(element)?;
                return Ok(set.text_of(Vocabulary::Oai, "setSpec").map(|spec| Item::Set(spec.to_owned())));
            }
            "responseDate" => self.facts.response_date = Some(self.xml.finish(element)?.text),
            "resumptionToken" => {
                self.facts.token = Some(self.xml.finish(element)?.text).filter(|token| !token.is_empty());
            }
            "error" => {
                let error = self.xml.finish(element)?;
                let code = OaiErrorCode::parse(error.attribute("code").unwrap_or_default());
                self.facts.errors.push(OaiError { code, text: error.text.chars().take(300).collect() });
            }
            "Identify" => self.facts.identify = Some(identify(&self.xml.finish(element)?)),
            _ => {}
        }
        Ok(None)
    }

    fn record(&self, record: &Element) -> Result<MetadataRow, AnswerFailed> {
        let header = record.child(Vocabulary::Oai, "header").ok_or_else(|| self.incomplete("header"))?;
        let mut row = self.header(header)?;
        if row.deleted {
            return Ok(row);
        }
        let metadata =
            record.child(Vocabulary::Oai, "metadata").ok_or_else(|| self.incomplete("metadata"))?;
        let content = metadata.children.first().ok_or_else(|| self.incomplete("metadata"))?;
        row.columns = content_columns(content).ok_or_else(|| AnswerFailed::Format {
            identifier: row.identifier.chars().take(200).collect(),
            format: content.name.chars().take(60).collect(),
        })?;
        Ok(row)
    }

    fn header(&self, header: &Element) -> Result<MetadataRow, AnswerFailed> {
        let part = |name| header.text_of(Vocabulary::Oai, name).map(str::to_owned);
        Ok(MetadataRow {
            identifier: part("identifier").ok_or_else(|| self.incomplete("identifier"))?,
            datestamp: part("datestamp").ok_or_else(|| self.incomplete("datestamp"))?,
            deleted: header.attribute("status") == Some("deleted"),
            columns: Columns::default(),
        })
    }

    const fn incomplete(&self, missing: &'static str) -> AnswerFailed {
        AnswerFailed::Incomplete { number: self.items.saturating_add(1), missing }
    }

    const fn count(&mut self) -> Result<(), AnswerFailed> {
        self.items = self.items.saturating_add(1);
        if self.items > self.items_max { Err(AnswerFailed::TooManyItems(self.items_max)) } else { Ok(()) }
    }
}

fn headless(entity: &Element) -> MetadataRow {
    let columns = content_columns(entity).unwrap_or_default();
    MetadataRow { identifier: String::new(), datestamp: String::new(), deleted: false, columns }
}

fn content_columns(content: &Element) -> Option<Columns> {
    if content.is(Vocabulary::OaiDc, "dc") {
        Some(dublin_core::columns(content))
    } else if cerif::is_entity(content) {
        Some(cerif::columns(content))
    } else {
        None
    }
}

fn identify(answer: &Element) -> Identify {
    let part = |name| answer.text_of(Vocabulary::Oai, name).unwrap_or_default();
    Identify {
        name: part("repositoryName").chars().take(200).collect(),
        granularity: if part("granularity").contains('T') { Granularity::Second } else { Granularity::Day },
        deleted_records: match part("deletedRecord") {
            "persistent" => DeletedRecords::Persistent,
            "transient" => DeletedRecords::Transient,
            _ => DeletedRecords::No,
        },
    }
}
