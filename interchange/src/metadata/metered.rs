//! A reader that refuses to go on once one piece of XML, or the whole of it, is larger than allowed.

use std::io::{self, BufRead, Read};

/// What a limit that was passed is called in an [`io::Error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Passed {
    /// One tag, text, comment or instruction.
    #[error("one tag or text is longer than {0} bytes")]
    Event(u64),
    /// The whole input.
    #[error("it is longer than {0} bytes")]
    Whole(u64),
}

/// Counts what is read of `input`.
#[derive(Debug)]
pub(crate) struct Metered<R> {
    input: R,
    event: u64,
    event_max: u64,
    whole: u64,
    whole_max: u64,
}

impl<R> Metered<R> {
    pub(crate) const fn new(input: R, event_max: u64, whole_max: u64) -> Self {
        Self { input, event: 0, event_max, whole: 0, whole_max }
    }

    /// What is read from here on counts as a piece of its own.
    pub(crate) const fn begin_event(&mut self) {
        self.event = 0;
    }

    fn verify(&self) -> io::Result<()> {
        let passed = if self.whole > self.whole_max {
            Passed::Whole(self.whole_max)
        } else if self.event > self.event_max {
            Passed::Event(self.event_max)
        } else {
            return Ok(());
        };
        Err(io::Error::new(io::ErrorKind::FileTooLarge, passed))
    }
}

impl<R: BufRead> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.verify()?;
        let read = self.input.read(buffer)?;
        self.count(read);
        Ok(read)
    }
}

impl<R> Metered<R> {
    fn count(&mut self, amount: usize) {
        let amount = u64::try_from(amount).unwrap_or(u64::MAX);
        self.event = self.event.saturating_add(amount);
        self.whole = self.whole.saturating_add(amount);
    }
}

impl<R: BufRead> BufRead for Metered<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.verify()?;
        self.input.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.count(amount);
        self.input.consume(amount);
    }
}
