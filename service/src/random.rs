//! Randomness as a seam.

use std::fmt;

/// The source of randomness gave nothing.
#[derive(Debug, thiserror::Error)]
#[error("no random bytes from the operating system")]
pub struct RandomFailed(#[source] getrandom::Error);

/// Whatever fills bytes that nobody can guess; handed down from `main`.
pub trait Random: Send + Sync + fmt::Debug {
    /// Overwrites all of `bytes`.
    ///
    /// # Errors
    /// The source has no randomness to give; `bytes` must not be used.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomFailed>;
}

/// Draws `N` random bytes.
///
/// # Errors
/// The source has no randomness to give.
pub fn draw<const N: usize>(random: &dyn Random) -> Result<[u8; N], RandomFailed> {
    let mut bytes = [0; N];
    random.fill(&mut bytes)?;
    Ok(bytes)
}

/// The operating system's source.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomFailed> {
        getrandom::fill(bytes).map_err(RandomFailed)
    }
}

/// The same bytes for the same seed, for tests that must repeat; anyone can guess them.
#[cfg(any(test, feature = "testing"))]
#[derive(Debug)]
pub struct SeededRandom {
    seed: u64,
    block: std::sync::atomic::AtomicU64,
}

#[cfg(any(test, feature = "testing"))]
impl SeededRandom {
    /// Starts the sequence of `seed`.
    #[must_use]
    pub const fn from_seed(seed: u64) -> Self {
        Self { seed, block: std::sync::atomic::AtomicU64::new(0) }
    }
}

#[cfg(any(test, feature = "testing"))]
impl Random for SeededRandom {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomFailed> {
        for chunk in bytes.chunks_mut(32) {
            let block = self.block.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            let parts = [&self.seed.to_be_bytes()[..], &block.to_be_bytes()[..]];
            let digest = safeharbor_core::digest::Digest::of_parts(&parts);
            for (byte, random) in chunk.iter_mut().zip(digest.as_bytes()) {
                *byte = *random;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeded_bytes_repeat_and_do_not_recur() {
        let (one, other) = (SeededRandom::from_seed(7), SeededRandom::from_seed(7));
        let first: [u8; 40] = draw(&one).unwrap();
        assert_eq!(first, draw::<40>(&other).unwrap());
        assert_ne!(first, draw::<40>(&one).unwrap());
    }

    #[test]
    fn system_bytes_differ_from_draw_to_draw() {
        assert_ne!(draw::<16>(&SystemRandom).unwrap(), draw::<16>(&SystemRandom).unwrap());
    }
}
