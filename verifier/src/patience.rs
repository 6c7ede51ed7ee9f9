//! Waiting.

use std::sync::mpsc::channel;
use std::time::Duration;

/// Waits this long; nothing wakes it earlier.
pub(crate) fn wait(duration: Duration) {
    // The sender lives until the end, so only the time ends this.
    let (_sender, receiver) = channel::<()>();
    let _timeout = receiver.recv_timeout(duration);
}
