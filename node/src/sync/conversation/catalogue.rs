//! Looking for another catalogue version while a stream is open, beside it.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;

use super::Conversation;
use crate::catalogues::fetch;
use crate::speech::chain_of;

/// How long a run that is over waits for a fetch.
const LOOKING_MAX: Duration = Duration::from_secs(10);

/// A fetch under way; dropped with the stream, it breaks off.
#[derive(Debug)]
pub(super) struct Fetching(JoinHandle<()>);

impl Drop for Fetching {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Conversation {
    /// Waits a moment for a fetch, so that a run that ends when in step leaves with the version that is offered.
    pub(super) async fn end_of_looking(&mut self) {
        if let Some(Fetching(fetching)) = &mut self.fetching {
            tokio::time::timeout(LOOKING_MAX, fetching).await.ok();
        }
    }

    /// Asks the hub which version it published last, and fetches it unless it is here. One at a time.
    pub(super) fn look_for_catalogue(&mut self) {
        let Some(channel) = self.channel.clone() else { return };
        if self.fetching.as_ref().is_some_and(|fetching| !fetching.0.is_finished()) {
            return;
        }
        let (context, hub_keys) = (Arc::clone(&self.desk.context), self.desk.hub_keys.clone());
        self.fetching = Some(Fetching(tokio::spawn(async move {
            if let Err(failed) = fetch(context, channel, hub_keys).await {
                tracing::warn!(reason = chain_of(&failed), "no catalogue version was fetched");
            }
        })));
    }
}
