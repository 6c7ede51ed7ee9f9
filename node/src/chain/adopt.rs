//! Taking over the institution's own statements from the hub, after the node lost its store.

use safeharbor_core::chain::{Head, Link};
use safeharbor_core::institution::Issuer;
use safeharbor_core::statement::Statement;
use safeharbor_service::store::{Batch, StoreFailed};

use super::{Author, ChainFailed, Memory, Stated};

/// Statements could not be adopted.
#[derive(Debug, thiserror::Error)]
pub enum AdoptFailed {
    /// The hub holds a statement in the institution's name that this institution did not make after its last one.
    #[error("statement {seq} at the hub is not ours: {reason}")]
    Foreign {
        /// The number it should have.
        seq: u64,
        /// Why it is not believed.
        reason: String,
    },
    /// The chain cannot be read.
    #[error(transparent)]
    Chain(#[from] ChainFailed),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreFailed),
}

impl Author {
    /// Verifies statements under the institution's own key and as links of its chain, and keeps them; nothing is
    /// kept of a page with one that fails.
    ///
    /// # Errors
    /// A statement that is not ours, or the store fails.
    pub fn adopt(&self, jwts: &[String]) -> Result<Head, AdoptFailed> {
        let mut head = self.head()?;
        let mut batch = Batch::new();
        for jwt in jwts {
            let stated = self.verify_own(head, jwt)?;
            stated.put_into(&mut batch);
            head = head.advance(stated.digest);
        }
        Memory::put_head(head, &mut batch);
        self.store.commit(batch)?;
        Ok(head)
    }

    fn verify_own(&self, head: Head, jwt: &str) -> Result<Stated, AdoptFailed> {
        let seq = head.next_seq();
        let foreign = |reason: String| AdoptFailed::Foreign { seq, reason };
        let statement = Statement::parse(jwt).map_err(|failed| foreign(failed.to_string()))?;
        let envelope = &statement.envelope;
        if envelope.iss != Issuer::Institution(self.institution) {
            return Err(foreign(format!("it speaks for {}", envelope.iss)));
        }
        statement.verify(&self.signer.public_key()).map_err(|failed| foreign(failed.to_string()))?;
        match head.relate(envelope.seq, envelope.prev, statement.digest) {
            Link::Next => Ok(Stated::new(jwt.to_owned(), statement.envelope, Vec::new())),
            Link::Again | Link::Past | Link::Gap => Err(foreign(format!("it has number {}", envelope.seq))),
            Link::WrongPrevious => Err(foreign("it follows another statement than our last".to_owned())),
        }
    }
}
