//! The signature of every statement in the journal, many at a time.

use rayon::iter::{IntoParallelRefIterator as _, ParallelIterator as _};
use safeharbor_core::key::PublicKey;
use safeharbor_core::statement::Statement;

use crate::journal::Position;

/// How many statements wait to be verified together.
const TOGETHER: usize = 2048;

/// A statement and the key that was valid where it stands.
#[derive(Debug)]
pub(super) struct Unverified {
    pub(super) index: u64,
    pub(super) position: Position,
    pub(super) jwt: String,
    pub(super) key: PublicKey,
}

/// Statements that wait.
#[derive(Debug, Default)]
pub(super) struct Signatures(Vec<Unverified>);

impl Signatures {
    pub(super) fn add(&mut self, signed: Unverified) -> Vec<(u64, Position)> {
        self.0.push(signed);
        if self.0.len() < TOGETHER { Vec::new() } else { self.verify() }
    }

    /// Verifies what waits; those that do not hold.
    pub(super) fn verify(&mut self) -> Vec<(u64, Position)> {
        let waiting = std::mem::take(&mut self.0);
        let is_bad = |signed: &&Unverified| {
            let statement = Statement::parse(&signed.jwt);
            statement.is_ok_and(|statement| statement.verify(&signed.key).is_err())
        };
        waiting.par_iter().filter(is_bad).map(|signed| (signed.index, signed.position)).collect()
    }
}
