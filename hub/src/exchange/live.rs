//! One live stream an institution: a later one ends the earlier.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use safeharbor_core::institution::InstitutionCode;
use tokio::sync::watch;

/// Which streams are open.
#[derive(Debug, Clone, Default)]
pub(super) struct Live(Arc<Mutex<BTreeMap<InstitutionCode, watch::Sender<bool>>>>);

impl Live {
    /// Registers a stream and ends the institution's earlier one; the receiver turns true when it is this one's turn.
    pub(super) fn take_over(&self, institution: InstitutionCode) -> watch::Receiver<bool> {
        let (sender, receiver) = watch::channel(false);
        let mut streams = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(earlier) = streams.insert(institution, sender) {
            earlier.send_replace(true);
        }
        receiver
    }

    /// Forgets a stream that ended by itself; `false` if a later one has taken its place.
    pub(super) fn release(&self, institution: &InstitutionCode, mine: &watch::Receiver<bool>) -> bool {
        let mut streams = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_mine = streams.get(institution).is_some_and(|sender| sender.subscribe().same_channel(mine));
        if is_mine {
            streams.remove(institution);
        }
        is_mine
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_later_stream_ends_the_earlier() {
        let (live, code) = (Live::default(), "12100000400002259P".parse().unwrap());
        let first = live.take_over(code);
        let second = live.take_over(code);
        assert!(*first.borrow() && !*second.borrow());
        assert!(!live.release(&code, &first));
        assert!(live.release(&code, &second));
    }
}
