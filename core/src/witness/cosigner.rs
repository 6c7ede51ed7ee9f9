//! The witness itself: judges, replaces its state durably, and only then answers with the cosignature.

use super::{AddCheckpoint, NotCosigned, Witnessed, judge};
use crate::cosignature::cosign;
use crate::key::Signer;
use crate::note::{NoteFailed, SignatureLine, VerifierKey};

/// Where a witness keeps what it cosigned last, log by log.
pub trait WitnessStore {
    /// Why the state could not be read or replaced.
    type Error;

    /// What was cosigned last of the log with this origin.
    ///
    /// # Errors
    /// The storage fails or is damaged.
    fn load(&self, origin: &str) -> Result<Option<Witnessed>, Self::Error>;

    /// Puts `next` in the place of `before`, atomically and durably on return. `false` if something else is there: nothing is
    /// changed then.
    ///
    /// # Errors
    /// The storage fails; which of the two is there afterwards is then unknown, and no cosignature may be answered.
    fn replace(&self, before: Option<&Witnessed>, next: &Witnessed) -> Result<bool, Self::Error>;
}

/// A request was not answered with a cosignature.
#[derive(Debug, thiserror::Error)]
pub enum AddCheckpointFailed<E> {
    /// It may not be.
    #[error(transparent)]
    Not(#[from] NotCosigned),
    /// The witness's key did not sign.
    #[error("the cosignature cannot be made")]
    Sign(#[source] NoteFailed),
    /// What the witness stands on cannot be read or replaced.
    #[error("the state of the witness cannot be kept")]
    Store(#[source] E),
}

/// Cosigns the checkpoints of some logs under one name and key.
#[derive(Debug)]
pub struct Cosigner<'a, S> {
    /// The trusted keys of the logs, each named by its origin.
    pub logs: &'a [VerifierKey],
    /// The name of the witness's key.
    pub name: &'a str,
    /// The witness's key.
    pub signer: &'a dyn Signer,
    /// What it cosigned last.
    pub store: &'a S,
}

impl<S: WitnessStore> Cosigner<'_, S> {
    /// Cosigns a checkpoint that extends the last one, at `time` in POSIX seconds. The same checkpoint again is cosigned again.
    ///
    /// # Errors
    /// Any of [`NotCosigned`], a signing device that refuses, or a state that cannot be kept: no signature is answered then.
    pub fn add_checkpoint(
        &self,
        request: &AddCheckpoint,
        time: u64,
    ) -> Result<SignatureLine, AddCheckpointFailed<S::Error>> {
        let origin = request.note.text().split('\n').next().unwrap_or_default();
        loop {
            let last = self.store.load(origin).map_err(AddCheckpointFailed::Store)?;
            let accepted = judge(last.as_ref(), request, self.logs)?;
            let mut note = accepted.note;
            let line =
                cosign(note.text(), self.name, time, self.signer).map_err(AddCheckpointFailed::Sign)?;
            note.append(line.clone()).map_err(AddCheckpointFailed::Sign)?;
            let next = Witnessed { checkpoint: accepted.checkpoint, note: note.to_string() };
            if self.store.replace(last.as_ref(), &next).map_err(AddCheckpointFailed::Store)? {
                return Ok(line);
            }
            // Another request was faster. What it left can only be larger or the same, so this ends.
        }
    }
}
