//! Which user of the operating system a command came from: at the control socket, or this process's own.
//!
//! It travels with the task that carries the command out, so that every audit entry made on the way has it.

use std::os::unix::fs::MetadataExt as _;

use tokio::task::JoinHandle;

tokio::task_local! {
    static UID: Option<u32>;
}

/// The user whose command is being carried out; none for what a server does by itself.
#[must_use]
pub fn current() -> Option<u32> {
    UID.try_with(|uid| *uid).ok().flatten()
}

/// The user that this process acts as; none where the system does not say.
#[must_use]
pub fn own() -> Option<u32> {
    std::fs::metadata("/proc/self").ok().map(|process| process.uid())
}

/// Carries `work` out as the word of user `uid`.
pub async fn scope<F: Future>(uid: Option<u32>, work: F) -> F::Output {
    UID.scope(uid, work).await
}

/// Carries `work` out as the word of user `uid`.
pub fn sync_scope<T>(uid: Option<u32>, work: impl FnOnce() -> T) -> T {
    UID.sync_scope(uid, work)
}

/// Runs `work` where it may block, as the word of the same user.
pub fn spawn_blocking<T, W>(work: W) -> JoinHandle<T>
where
    T: Send + 'static,
    W: FnOnce() -> T + Send + 'static,
{
    let uid = current();
    tokio::task::spawn_blocking(move || sync_scope(uid, work))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_user_goes_where_the_command_goes_and_no_further() {
        assert_eq!(current(), None);
        let seen = scope(Some(7), async {
            let blocking = spawn_blocking(current).await.unwrap();
            (current(), blocking)
        });
        assert_eq!(seen.await, (Some(7), Some(7)));
        assert_eq!(current(), None);
        assert!(own().is_some());
    }
}
