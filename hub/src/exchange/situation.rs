//! What a node is told of its institution's situation: standing, confirmation, catalogue, authorities.

use std::sync::Arc;

use safeharbor_core::digest::Digest;
use safeharbor_core::directory::{Directory, KeySigns};
use safeharbor_core::institution::InstitutionCode;
use safeharbor_proto::{PUBLIC_STATEMENTS_MAX, Situation};
use tokio::sync::watch;

use crate::authority::{self, AuthoritiesFailed};
use crate::ledger::Ledger;
use crate::office::Desk;

/// What one stream was told, and what may make it news again.
#[derive(Debug)]
pub(super) struct Teller {
    told: Option<Situation>,
    /// The log index from which on public statements were not told.
    next_index: u64,
    authorities: Digest,
    directory: watch::Receiver<Arc<Directory>>,
    authorities_changed: watch::Receiver<u64>,
}

impl Teller {
    /// A teller that has said nothing.
    ///
    /// # Errors
    /// The authorities' certificates cannot be read.
    pub(super) fn begin(desk: &Desk) -> Result<Self, AuthoritiesFailed> {
        // Watched first, so that no change falls in between.
        let (directory, authorities_changed) =
            (desk.shared.directory_changes(), desk.authorities_changed.subscribe());
        let authorities = authority::digest(desk)?;
        Ok(Self { told: None, next_index: 0, authorities, directory, authorities_changed })
    }

    /// Returns once something changed; for ever asleep when the hub is stopping.
    ///
    /// # Errors
    /// The authorities' certificates cannot be read.
    pub(super) async fn wait_for_change(&mut self, desk: &Desk) -> Result<(), AuthoritiesFailed> {
        tokio::select! {
            Ok(()) = self.directory.changed() => {}
            Ok(()) = self.authorities_changed.changed() => self.authorities = authority::digest(desk)?,
            else => std::future::pending().await,
        }
        Ok(())
    }

    /// Has everything but the public statements told again.
    pub(super) fn forget(&mut self) {
        self.told = None;
    }

    /// What is to be told, if anything is.
    pub(super) fn news(&mut self, ledger: &Ledger, code: &InstitutionCode, now_ms: u64) -> Option<Situation> {
        let next = of(ledger, code, self.next_index, (self.authorities, now_ms))?;
        if !is_news(self.told.as_ref(), &next) {
            return None;
        }
        self.next_index =
            next.statements.last().map_or(self.next_index, |(index, _)| index.saturating_add(1));
        self.told = Some(Situation { statements: Vec::new(), ..next.clone() });
        Some(next)
    }
}

/// The situation of an institution as of the last durable entry, with the public statements about it from `from_index` on;
/// none of an institution that was not admitted. Where there are too many statements the last ones are told.
fn of(
    ledger: &Ledger,
    code: &InstitutionCode,
    from_index: u64,
    (authorities, now_ms): (Digest, u64),
) -> Option<Situation> {
    let directory = ledger.directory();
    let institution = directory.institution(code)?;
    let key = institution.current_key(KeySigns::Statements);
    let statements = ledger.public_of(code).iter().filter(|public| public.index >= from_index);
    let mut last: Vec<_> = statements.rev().take(PUBLIC_STATEMENTS_MAX).collect();
    last.reverse();
    Some(Situation {
        standing: institution.standing,
        confirmed: key.is_some_and(|key| key.confirmed.is_some()),
        catalogue: directory.catalogues().last().copied()?,
        authorities,
        statements: last.into_iter().map(|public| (public.index, public.jwt.to_string())).collect(),
        now_ms,
    })
}

/// What of a situation is news if it differs; the clock is not.
fn is_news(told: Option<&Situation>, next: &Situation) -> bool {
    let facts = |situation: &Situation| {
        let Situation { standing, confirmed, catalogue, authorities, .. } = situation;
        (*standing, *confirmed, *catalogue, *authorities)
    };
    !next.statements.is_empty() || told.is_none_or(|told| facts(told) != facts(next))
}
