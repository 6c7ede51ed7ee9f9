//! Finishing a rotation whose end is not known, for as long as the node runs.

use std::sync::Arc;
use std::time::Duration;

use safeharbor_service::shutdown::Shutdown;

use super::{finish, is_under_way};
use crate::context::Context;
use crate::speech::chain_of;

/// How often it is looked whether there is one.
const LOOK_S: u64 = 5;
/// The longest pause after an attempt that failed.
const PAUSE_S_MAX: u64 = 300;

/// Asks the hub until it says yes or no.
pub async fn keep(context: Arc<Context>, shutdown: &Shutdown) {
    let mut failures = 0_u32;
    loop {
        let wait_s = if is_under_way(&context.layout) {
            match finish(&context).await {
                Ok(Some(rotated)) => {
                    tracing::info!(key = %rotated.key.thumbprint(), index = rotated.index, "the statement key is rotated");
                    failures = 0;
                    LOOK_S
                }
                Ok(None) => LOOK_S,
                Err(failed) => {
                    failures = failures.saturating_add(1);
                    tracing::warn!(why = %chain_of(&failed), "the rotation of the statement key is not finished");
                    1_u64.checked_shl(failures.min(16)).unwrap_or(PAUSE_S_MAX).min(PAUSE_S_MAX)
                }
            }
        } else {
            LOOK_S
        };
        tokio::select! {
            () = tokio::time::sleep(Duration::from_secs(wait_s)) => {}
            () = shutdown.wait() => return,
        }
    }
}
