//! Making backups when it is time, for as long as a server runs.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::book::{Book, Made};
use super::content::Content;
use super::failure::MakeFailed;
use super::make::{Bounds, Subject, make};
use super::settings::Settings;
use crate::audit::AuditFailed;
use crate::clock::Clock;
use crate::shutdown::Shutdown;
use crate::speech::chain_of;
use crate::store::{Store, Table};

/// How often is looked whether it is time.
const LOOK_EVERY: Duration = Duration::from_secs(60);
const HOUR_MS: u64 = 3600 * 1000;

/// Makes backups until shutdown; one that is being made then breaks off.
///
/// The settings are asked for at every look, so that a change needs no restart; those that cannot be used make none.
pub async fn keep<S>(
    subject: Arc<dyn Subject + Send>,
    settings: S,
    clock: Arc<dyn Clock>,
    shutdown: &Shutdown,
) where
    S: Fn() -> Result<Settings, Box<dyn Error + Send + Sync>> + Clone + Send + 'static,
{
    loop {
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            () = shutdown.wait() => return,
        }
        let (subject, settings, clock) = (Arc::clone(&subject), settings.clone(), Arc::clone(&clock));
        let until = shutdown.clone();
        let look = move || match settings() {
            Ok(settings) => make_if_due(&Until { subject: &*subject, shutdown: &until }, &settings, &*clock),
            Err(failed) => {
                tracing::error!(why = %chain_of(&*failed), "no backup is made: the settings cannot be used")
            }
        };
        // A panic in there is no reason to stop trying.
        drop(tokio::task::spawn_blocking(look).await);
    }
}

/// A server that can be told to end meanwhile.
struct Until<'s> {
    subject: &'s dyn Subject,
    shutdown: &'s Shutdown,
}

impl Subject for Until<'_> {
    fn data(&self) -> &Path {
        self.subject.data()
    }

    fn content(&self) -> &'static Content {
        self.subject.content()
    }

    fn program(&self) -> String {
        self.subject.program()
    }

    fn owner(&self) -> String {
        self.subject.owner()
    }

    fn store(&self) -> &dyn Store {
        self.subject.store()
    }

    fn leaves_out(&self, table: Table, key: &[u8]) -> bool {
        self.subject.leaves_out(table, key)
    }

    fn bounds(&self) -> Result<Bounds, Box<dyn Error + Send + Sync>> {
        self.subject.bounds()
    }

    fn note_made(&self, made: &Made) -> Result<(), AuditFailed> {
        self.subject.note_made(made)
    }

    fn is_ending(&self) -> bool {
        self.shutdown.is_down()
    }
}

fn make_if_due(subject: &dyn Subject, settings: &Settings, clock: &dyn Clock) {
    if !is_due(subject.data(), settings, clock.now_ms()) {
        return;
    }
    match make(subject, settings, clock) {
        Ok(made) => tracing::info!(backup = %made.path.display(), bytes = made.bytes, "a backup was made"),
        Err(MakeFailed::Ending) => tracing::info!("the backup that was being made broke off"),
        Err(refused) => tracing::error!(why = %chain_of(&refused), "no backup was made"),
    }
}

/// After a failure it is tried again an hour later. A clock that was set back makes one at once.
fn is_due(data: &Path, settings: &Settings, now_ms: u64) -> bool {
    let Ok(book) = Book::load(data) else { return true };
    let passed = |since: Option<u64>, wait_ms: u64| {
        since.is_none_or(|since| since > now_ms || now_ms.saturating_sub(since) >= wait_ms)
    };
    let since_failure = book.last_failure.map(|failure| failure.at_ms);
    settings.every_h > 0
        && passed(book.last_good_ms, settings.every_h.saturating_mul(HOUR_MS))
        && passed(since_failure, HOUR_MS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backup::Failure;

    #[test]
    fn one_is_due_a_day_after_the_last_good_one_and_an_hour_after_a_failure() {
        let data = tempfile::tempdir().unwrap();
        let check = |good: Option<u64>, failed: Option<u64>, now: u64, due: bool| {
            let last_failure = failed.map(|at| Failure { at_ms: at * HOUR_MS, why: String::new() });
            let last_good_ms = good.map(|at| at * HOUR_MS);
            Book { last_good_ms, last_failure, ..Book::default() }.store(data.path()).unwrap();
            let found = is_due(data.path(), &Settings::default(), now * HOUR_MS);
            assert_eq!(found, due, "{good:?} {failed:?} {now}");
        };
        check(None, None, 100, true);
        check(Some(100), None, 123, false);
        check(Some(100), None, 124, true);
        check(Some(100), Some(130), 130, false);
        check(Some(100), Some(130), 131, true);
        check(None, Some(130), 130, false);
        check(Some(200), None, 100, true);
        let never = Settings { every_h: 0, ..Settings::default() };
        assert!(!is_due(data.path(), &never, 1000 * HOUR_MS));
    }
}
