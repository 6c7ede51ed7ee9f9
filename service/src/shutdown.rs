//! The word that it is time to end, for every task of a server.

use std::io;
use std::sync::Arc;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// Given to every task; all clones are one.
#[derive(Debug, Clone)]
pub struct Shutdown(Arc<watch::Sender<bool>>);

impl Shutdown {
    /// One that only [`Shutdown::trigger`] ends.
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }

    /// One that Ctrl-C and SIGTERM end, too.
    ///
    /// # Errors
    /// The signals cannot be listened to; outside of a tokio runtime this panics.
    pub fn on_signals() -> io::Result<Self> {
        let shutdown = Self::new();
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let told = shutdown.clone();
        tokio::spawn(async move {
            tokio::select! {
                _ = interrupt.recv() => tracing::info!("interrupted; shutting down"),
                _ = terminate.recv() => tracing::info!("told to terminate; shutting down"),
            }
            told.trigger();
        });
        Ok(shutdown)
    }

    /// Says that it is time.
    pub fn trigger(&self) {
        self.0.send_replace(true);
    }

    /// Whether it is time.
    #[must_use]
    pub fn is_down(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until it is time; at once if it is.
    pub async fn wait(&self) {
        // The sender lives in `self`, so waiting cannot end for want of one.
        drop(self.0.subscribe().wait_for(|down| *down).await);
    }
}

impl Default for Shutdown {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_clone_hears_it_before_and_after() {
        let shutdown = Shutdown::new();
        let waiting = tokio::spawn({
            let shutdown = shutdown.clone();
            async move { shutdown.wait().await }
        });
        assert!(!shutdown.is_down());
        shutdown.clone().trigger();
        waiting.await.unwrap();
        shutdown.wait().await;
        assert!(shutdown.is_down());
    }
}
