//! Harvesting a repository by OAI-PMH 2.0: what changed since the last complete harvest, page by page, into a spool.

mod asking;
mod request;
#[cfg(test)]
mod tests;

use std::collections::HashSet;

use safeharbor_core::digest::Digest;
use safeharbor_interchange::metadata::{
    AnswerFailed, DeletedRecords, Granularity, Identify, Item, MetadataFormat, MetadataRow, OaiError,
    OaiErrorCode,
};

use super::declaration::OaiSource;
use super::spool::{Spool, SpoolFailed};
use super::web::WebFailed;
use crate::speech::Language;
pub(super) use asking::Asking;
use asking::Page;
use request::Request;

/// Pages of one list; a repository that goes on longer goes on for ever.
const PAGES_MAX: usize = 100_000;

/// A harvest that did not come to its end. Nothing of it is imported.
#[derive(Debug, thiserror::Error)]
pub enum HarvestFailed {
    /// The repository cannot be asked.
    #[error("the repository did not answer")]
    Web(#[from] WebFailed),
    /// It answers with a status that means no.
    #[error("the repository answers with HTTP status {status} ({attempts} attempts)")]
    Status {
        /// The status.
        status: u16,
        /// How often it was asked.
        attempts: u32,
    },
    /// Its answer cannot be used.
    #[error("the repository's answer cannot be used")]
    Answer(#[from] AnswerFailed),
    /// It says why it does not do as asked.
    #[error("the repository refuses: {0}")]
    Oai(OaiError),
    /// A list that leads back to a page it had.
    #[error("the repository repeats a resumption token, so its list never ends; tell its operator")]
    TokenRepeats,
    /// A list without end.
    #[error("the repository's list has more than {PAGES_MAX} pages")]
    TooManyPages,
    /// An answer without what every answer has.
    #[error("the repository's answer to {verb} lacks {missing}")]
    Incomplete {
        /// What was asked.
        verb: &'static str,
        /// What is missing.
        missing: &'static str,
    },
    /// Fetched records cannot be kept.
    #[error("the harvest cannot be kept")]
    Spool(#[from] SpoolFailed),
    /// The node is ending.
    #[error("the node is ending; the next run begins again")]
    Ending,
}

/// What a harvest brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Harvested {
    /// Where the next one goes on: the repository's own time when it began to answer this one.
    pub(super) since: String,
    /// What a person should know of it.
    pub(super) notes: Vec<Note>,
}

/// Something a person should know of a harvest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Note {
    /// The repository never tells which records it deleted.
    DeletionsNotTold,
    /// A record came twice: it changed meanwhile and comes again with the next harvest.
    CameTwice(String),
    /// A record that was listed cannot be had.
    NotGiven(String, OaiErrorCode),
    /// The list was begun again because the repository forgot where it was.
    BegunAgain,
}

impl Note {
    pub(super) fn text(&self, language: Language) -> String {
        match (self, language) {
            (Self::DeletionsNotTold, Language::Zh) => {
                "该仓储从不告知删除了哪些记录：那里已删除的记录会一直留在这里".to_owned()
            }
            (Self::DeletionsNotTold, Language::En) => {
                "the repository never tells which records it deleted: they stay here".to_owned()
            }
            (Self::CameTwice(record), Language::Zh) => {
                format!("{record} 出现两次，以第一次为准；下次采集时再取")
            }
            (Self::CameTwice(record), Language::En) => {
                format!("{record} came twice; the first is taken, and the next harvest looks again")
            }
            (Self::NotGiven(record, code), Language::Zh) => {
                format!("{record} 在列表中，但仓储不给出（{code}）")
            }
            (Self::NotGiven(record, code), Language::En) => {
                format!("{record} is listed, but the repository does not give it ({code})")
            }
            (Self::BegunAgain, Language::Zh) => "仓储丢失了列表的位置，已从头重新采集一次".to_owned(),
            (Self::BegunAgain, Language::En) => {
                "the repository forgot where the list was; it was begun again from the start".to_owned()
            }
        }
    }
}

/// Fetches everything that changed since `since`, or everything.
pub(super) fn harvest(
    source: &OaiSource,
    since: Option<&str>,
    asking: &mut Asking<'_>,
    spool: &mut Spool,
) -> Result<Harvested, HarvestFailed> {
    let identify = identify(source, asking)?;
    // A declaration with another format is refused.
    let format = source.format().unwrap_or(MetadataFormat::DublinCore);
    let mut harvest = Harvest { source, format, asking, spool, seen: HashSet::new(), notes: Vec::new() };
    if identify.deleted_records == DeletedRecords::No {
        harvest.notes.push(Note::DeletionsNotTold);
    }
    let from = since.map(|since| at_granularity(since, identify.granularity));
    let since = match harvest.list(from) {
        Err(HarvestFailed::Oai(OaiError { code: OaiErrorCode::BadResumptionToken, .. })) => {
            harvest.begin_again()?;
            harvest.list(from)
        }
        listed => listed,
    }?;
    Ok(Harvested { since, notes: harvest.notes })
}

fn identify(source: &OaiSource, asking: &mut Asking<'_>) -> Result<Identify, HarvestFailed> {
    let page = asking.ask(&Request::identify(&source.url), &mut |_| Ok(()))?;
    page.refuse_errors()?.identify.ok_or(HarvestFailed::Incomplete { verb: "Identify", missing: "Identify" })
}

/// Repositories refuse a time that is more exact than theirs.
fn at_granularity(since: &str, granularity: Granularity) -> &str {
    match granularity {
        Granularity::Second => since,
        Granularity::Day => since.get(..10).unwrap_or(since),
    }
}

struct Harvest<'h, 'a> {
    source: &'h OaiSource,
    format: MetadataFormat,
    asking: &'h mut Asking<'a>,
    spool: &'h mut Spool,
    /// Digests of the identifiers that came.
    seen: HashSet<Digest>,
    notes: Vec<Note>,
}

impl Harvest<'_, '_> {
    /// Follows one list to its end; the answer is when the repository began with it.
    fn list(&mut self, from: Option<&str>) -> Result<String, HarvestFailed> {
        let verb = if self.source.record_by_record { "ListIdentifiers" } else { "ListRecords" };
        let (mut request, mut tokens) = (Request::list(self.source, verb, from), HashSet::new());
        let mut began = None;
        for _ in 0..PAGES_MAX {
            let (page, rows) = self.page(&request)?;
            if began.is_none() {
                began.clone_from(&page.facts.response_date);
            }
            let facts = match page.refuse_errors() {
                Err(HarvestFailed::Oai(error)) if error.code == OaiErrorCode::NoRecordsMatch => None,
                answered => Some(answered?),
            };
            self.take(rows)?;
            let Some(token) = facts.and_then(|facts| facts.token) else {
                return began.ok_or(HarvestFailed::Incomplete { verb, missing: "responseDate" });
            };
            if !tokens.insert(Digest::of(token.as_bytes())) {
                return Err(HarvestFailed::TokenRepeats);
            }
            request = Request::resume(&self.source.url, verb, &token);
        }
        Err(HarvestFailed::TooManyPages)
    }

    fn page(&mut self, request: &Request) -> Result<(Page, Vec<MetadataRow>), HarvestFailed> {
        let mut rows = Vec::new();
        let page = self.asking.ask(request, &mut |item| {
            if let Item::Record(row) | Item::Header(row) = item {
                rows.push(row);
            }
            Ok(())
        })?;
        Ok((page, rows))
    }

    fn take(&mut self, rows: Vec<MetadataRow>) -> Result<(), HarvestFailed> {
        for row in rows {
            if !self.seen.insert(Digest::of(row.identifier.as_bytes())) {
                self.notes.push(Note::CameTwice(row.identifier));
                continue;
            }
            let record =
                if self.source.record_by_record && !row.deleted { self.record(row)? } else { Some(row) };
            if let Some(record) = record {
                self.spool.write(record.to_json(self.format))?;
            }
        }
        Ok(())
    }

    /// Gets one record by its identifier; none if the repository listed it and does not give it.
    fn record(&mut self, header: MetadataRow) -> Result<Option<MetadataRow>, HarvestFailed> {
        let (page, rows) = self.page(&Request::record(self.source, &header.identifier))?;
        match page.refuse_errors() {
            Ok(_) => Ok(rows.into_iter().next()),
            Err(HarvestFailed::Oai(OaiError {
                code: code @ (OaiErrorCode::IdDoesNotExist | OaiErrorCode::CannotDisseminateFormat),
                ..
            })) => {
                self.notes.push(Note::NotGiven(header.identifier, code));
                Ok(None)
            }
            Err(failed) => Err(failed),
        }
    }

    fn begin_again(&mut self) -> Result<(), HarvestFailed> {
        self.seen.clear();
        self.notes.push(Note::BegunAgain);
        Ok(self.spool.restart()?)
    }
}
