//! Printing a policy file in canonical form: hub keys, logs, witnesses, groups, quorum.

use std::fmt;

use super::build::NONE;
use super::{Policy, PolicyGroup, PolicyLog, PolicyWitness};
use crate::b64;

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (issuer, key) in &self.hub_keys {
            writeln!(f, "# safeharbor hub-key {issuer} {}", b64::encode_std(key.as_bytes()))?;
        }
        self.logs.iter().try_for_each(|log| writeln!(f, "{log}"))?;
        self.witnesses.iter().try_for_each(|witness| writeln!(f, "{witness}"))?;
        self.groups.iter().try_for_each(|group| writeln!(f, "{group}"))?;
        writeln!(f, "quorum {}", self.quorum.as_deref().unwrap_or(NONE))
    }
}

impl fmt::Display for PolicyLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "log {}", self.key)?;
        self.url.iter().try_for_each(|url| write!(f, " {url}"))
    }
}

impl fmt::Display for PolicyWitness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "witness {} {}", self.name, self.key)?;
        self.url.iter().try_for_each(|url| write!(f, " {url}"))
    }
}

impl fmt::Display for PolicyGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "group {} ", self.name)?;
        match self.threshold {
            all if all == self.members.len() => f.write_str("all")?,
            1 => f.write_str("any")?,
            number => write!(f, "{number}")?,
        }
        self.members.iter().try_for_each(|member| write!(f, " {member}"))
    }
}
