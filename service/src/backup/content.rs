//! What of a data folder is in a backup, and which names a backup may bring into one.

use crate::folder::Role;

/// Longer names do not fit into the archive's format.
const NAME_BYTES_MAX: usize = 100;

/// What of one server's data folder is in a backup. Names are relative, with `/` between their parts.
#[derive(Debug, Clone, Copy)]
pub struct Content {
    /// Whose folder it is.
    pub role: Role,
    /// The folder of the store, which is copied row by row as `<store>.rows`.
    pub store: &'static str,
    /// Single files.
    pub files: &'static [&'static str],
    /// Folders, with everything below.
    pub trees: &'static [&'static str],
    /// What is in none, although one of the folders has it.
    pub leaves_out: fn(&str) -> bool,
}

/// A name that no backup of this server has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name:?} does not belong into a backup of a {role}")]
pub struct NameRefused {
    /// The name.
    pub name: String,
    /// Whose backup it should be.
    pub role: Role,
}

impl Content {
    /// The name of the store's rows.
    #[must_use]
    pub fn rows(&self) -> String {
        format!("{}.rows", self.store)
    }

    /// Checks that a backup of this server may hold a file of that name.
    ///
    /// # Errors
    /// It leads elsewhere, is unknown, or is what backups leave out.
    pub fn verify_name(&self, name: &str) -> Result<(), NameRefused> {
        let known = self.files.contains(&name)
            || name == self.rows()
            || self.trees.iter().any(|tree| {
                name.strip_prefix(tree)
                    .and_then(|rest| rest.strip_prefix('/'))
                    .is_some_and(|rest| !rest.is_empty())
            });
        if known && is_plain(name) && !(self.leaves_out)(name) {
            Ok(())
        } else {
            Err(NameRefused { name: name.chars().take(NAME_BYTES_MAX).collect(), role: self.role })
        }
    }
}

/// Whether a name stays below the folder it is put into, on every file system.
fn is_plain(name: &str) -> bool {
    let part_is_plain = |part: &str| {
        !part.is_empty()
            && part != "."
            && part != ".."
            && !part.contains(['\\', ':'])
            && !part.contains(char::is_control)
    };
    name.len() <= NAME_BYTES_MAX && name.split('/').all(part_is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONTENT: Content = Content {
        role: Role::Node,
        store: "store",
        files: &["audit.log"],
        trees: &["keys", "codes"],
        leaves_out: |name| name.contains("witness"),
    };

    #[test]
    fn only_names_of_the_content_are_taken() {
        for good in ["audit.log", "store.rows", "keys/statement.key", "codes/五方/a.toml"] {
            assert_eq!(CONTENT.verify_name(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "/audit.log",
            "keys",
            "keys/",
            "keys//a",
            "keys/../x",
            "../keys/a",
            "keys/./a",
            "keys\\a",
            "keys/a\\..\\b",
            "store/db",
            "signed/checkpoint",
            "keysx/a",
            "keys/witness.key",
            "keys/a\n",
            "audit.log/x",
            "keys/a:b",
        ] {
            assert!(CONTENT.verify_name(bad).is_err(), "{bad}");
        }
        assert!(CONTENT.verify_name(&format!("keys/{}", "a".repeat(100))).is_err());
    }
}
