//! Commands to whoever has the store open: the running node, or this process alone.

use std::io::{self, IsTerminal as _, Write};
use std::time::Duration;

use safeharbor_service::caller;
use safeharbor_service::control::{ForwardFailed, forward};
use zeroize::Zeroizing;

use super::{Desk, complain};
use crate::command::{Command, Request, execute};
use crate::opening::{OpenFailed, open};
use crate::speech::{Exit, Speech, chain_of};

/// How long to wait for a process that has the folder open and takes no commands: one that starts, ends, or carries out another.
const PATIENCE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(50);

impl Desk {
    /// Carries out a command, its data going to `out`.
    pub(super) fn deliver_to(&self, command: Command, out: &mut dyn Write) -> Exit {
        let terminal = io::stderr().is_terminal();
        let request = Request { command, language: self.language, format: self.format, terminal };
        let mut waited = Duration::ZERO;
        loop {
            match self.forward(&request, out) {
                Ok(Some(exit)) => return exit,
                Ok(None) => {}
                Err(failed) => return self.not_forwarded(&failed),
            }
            match open(&self.layout, &self.settings, &self.seams) {
                Ok(node) => return self.execute(&node.context, request, out),
                Err(failed) if failed.is_in_use() && waited < PATIENCE => {
                    waited = waited.saturating_add(pause())
                }
                Err(failed) => return self.not_opened(&failed),
            }
        }
    }

    fn execute(&self, context: &crate::context::Context, request: Request, out: &mut dyn Write) -> Exit {
        let mut err = io::stderr();
        let Request { command, language, format, terminal } = request;
        let mut speech = Speech { out, err: &mut err, language, format, terminal };
        caller::sync_scope(caller::own(), || execute(context, command, &mut speech))
    }

    /// None if no node runs on the folder.
    fn forward(&self, request: &Request, out: &mut dyn Write) -> Result<Option<Exit>, ForwardFailed> {
        let bytes = Zeroizing::new(serde_json::to_vec(request).unwrap_or_default());
        let answered = forward(&self.layout.control_socket(), &bytes, out, &mut io::stderr())?;
        Ok(answered.map(Exit::of_code))
    }

    fn not_forwarded(&self, failed: &ForwardFailed) -> Exit {
        let head = self.language.pick("运行中的节点没有完成此操作：", "");
        complain(&format!("{head}{}", chain_of(failed)), Exit::Unavailable)
    }

    pub(super) fn not_opened(&self, failed: &OpenFailed) -> Exit {
        let head = self.language.pick("无法打开节点的数据目录：", "");
        complain(&format!("{head}{}", chain_of(failed)), Exit::Unavailable)
    }
}

/// Waits a moment on a runtime of its own: the command line has none.
fn pause() -> Duration {
    match tokio::runtime::Builder::new_current_thread().enable_time().build() {
        Ok(runtime) => {
            runtime.block_on(async { tokio::time::sleep(PAUSE).await });
            PAUSE
        }
        // Without a timer there is no waiting.
        Err(_) => PATIENCE,
    }
}
