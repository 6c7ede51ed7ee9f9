//! Asking a repository until it answers: again after 5xx, 429 and lost connections, with growing pauses.

use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBuilder};
use safeharbor_interchange::metadata::{Answer, AnswerFailed, Facts, Item, Limits};

use super::HarvestFailed;
use super::request::Request;
use crate::connector::web::{ANSWER_BYTES_MAX, Reply, Web, WebFailed};

const ATTEMPTS_MAX: usize = 6;
const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_mins(1);
/// Records of one page; repositories send 100 or 1,000.
const ITEMS_MAX: u64 = 20_000;

/// How a repository is asked.
pub(in crate::connector) struct Asking<'a> {
    pub(in crate::connector) web: &'a mut dyn Web,
    /// Waits, and says whether to go on.
    pub(in crate::connector) pause: &'a mut dyn FnMut(Duration) -> bool,
    /// Pauses differ from node to node.
    pub(in crate::connector) seed: u64,
}

/// What an answer says besides its items.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) facts: Facts,
}

impl Page {
    /// The facts of an answer that is no error.
    pub(super) fn refuse_errors(self) -> Result<Facts, HarvestFailed> {
        match self.facts.errors.first() {
            Some(error) => Err(HarvestFailed::Oai(error.clone())),
            None => Ok(self.facts),
        }
    }
}

impl Asking<'_> {
    /// Asks, and hands on every item of the answer.
    pub(super) fn ask(
        &mut self,
        request: &Request,
        each: &mut dyn FnMut(Item) -> Result<(), HarvestFailed>,
    ) -> Result<Page, HarvestFailed> {
        let body = self.fetch(request)?;
        let mut answer = Answer::new(body.as_slice(), Limits { bytes: ANSWER_BYTES_MAX, items: ITEMS_MAX });
        while let Some(item) = answer.next().map_err(|error| named(request.verb, error))? {
            each(item)?;
        }
        Ok(Page { facts: answer.facts().clone() })
    }

    fn fetch(&mut self, request: &Request) -> Result<Vec<u8>, HarvestFailed> {
        let mut pauses = ExponentialBuilder::default()
            .with_min_delay(SHORTEST)
            .with_max_delay(LONGEST)
            .with_max_times(ATTEMPTS_MAX.saturating_sub(1))
            .with_jitter()
            .with_jitter_seed(self.seed)
            .build();
        let mut attempts = 0_u32;
        loop {
            attempts = attempts.saturating_add(1);
            let (failed, asked) = match self.web.fetch(&request.url) {
                Ok(Reply { status: 200, body, .. }) => return Ok(body),
                Ok(Reply { status, retry_after, .. }) => {
                    let failed = HarvestFailed::Status { status, attempts };
                    if status != 429 && !(500..600).contains(&status) {
                        return Err(failed);
                    }
                    (failed, retry_after)
                }
                Err(failed @ WebFailed::Unreachable(_)) => (failed.into(), None),
                Err(failed) => return Err(failed.into()),
            };
            let Some(pause) = pauses.next() else { return Err(failed) };
            if !(self.pause)(asked.map_or(pause, |asked| asked.max(pause))) {
                return Err(HarvestFailed::Ending);
            }
        }
    }
}

fn named(verb: &'static str, error: AnswerFailed) -> HarvestFailed {
    tracing::debug!(verb, %error, "an answer of the repository cannot be used");
    error.into()
}
