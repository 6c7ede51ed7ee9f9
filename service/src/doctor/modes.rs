//! Whether secrets and folders are closed to others, and belong to who runs the program.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::{Finding, Words};
use crate::caller;

/// Files of one folder that are looked at; a data folder has a few dozen outside its stores.
const FILES_MAX: usize = 4096;

/// Looks at the data folder and at everything in its folders of secrets.
#[must_use]
pub fn check_modes(data: &Path, secrets: &[PathBuf]) -> Finding {
    let id = "folder";
    let own = caller::own();
    let mut open = Vec::new();
    let mut foreign = Vec::new();
    let mut unread = Vec::new();
    for path in std::iter::once(data.to_owned()).chain(secrets.iter().flat_map(|secret| with_content(secret)))
    {
        let Ok(metadata) = std::fs::symlink_metadata(&path) else {
            unread.push(path);
            continue;
        };
        if metadata.mode() & 0o077 != 0 {
            open.push(path.clone());
        }
        if own.is_some_and(|own| own != metadata.uid()) {
            foreign.push(path);
        }
    }
    if !open.is_empty() {
        let list = list(&open);
        return Finding::failed(
            id,
            Words::new(format!("他人可以访问：{list}"), format!("open to others: {list}")),
            Words::new(format!("运行：chmod go= {list}"), format!("run: chmod go= {list}")),
        );
    }
    if !foreign.is_empty() {
        let list = list(&foreign);
        return Finding::warning(
            id,
            Words::new(
                format!("属主不是运行本程序的用户：{list}"),
                format!("belongs to another user: {list}"),
            ),
            Words::new(
                "以数据目录的属主身份运行，或由管理员更改属主（chown）。",
                "run as the folder's owner, or have its owner changed (chown).",
            ),
        );
    }
    if !unread.is_empty() {
        let list = list(&unread);
        return Finding::failed(
            id,
            Words::new(format!("缺少或无法读取：{list}"), format!("missing or unreadable: {list}")),
            Words::new("检查数据目录是否正确（--data）。", "check that --data names the data folder."),
        );
    }
    let path = data.display();
    Finding::ok(
        id,
        Words::new(
            format!("{path} 及其密钥只有属主可读"),
            format!("{path} and its keys are closed to others"),
        ),
    )
}

/// The secrets at a path: the file itself, or the files of the folder. A missing one is another check's matter, and
/// certificates, which lie beside their keys, are public.
fn with_content(path: &Path) -> Vec<PathBuf> {
    if path.is_file() {
        return vec![path.to_owned()];
    }
    let entries = std::fs::read_dir(path).into_iter().flatten().flatten().take(FILES_MAX);
    entries.map(|entry| entry.path()).filter(|path| path.is_file() && !is_certificate(path)).collect()
}

fn is_certificate(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.ends_with(".pem") && !name.ends_with(".key.pem")
}

fn list(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::doctor::State;

    #[test]
    fn a_key_that_others_can_read_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let keys = folder.path().join("keys");
        std::fs::create_dir(&keys).unwrap();
        let close = |path: &Path, mode| {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
        };
        close(folder.path(), 0o700);
        close(&keys, 0o700);
        let key = keys.join("statement.key");
        std::fs::write(&key, "secret").unwrap();
        close(&key, 0o644);
        let found = check_modes(folder.path(), std::slice::from_ref(&keys));
        assert_eq!(found.state, State::Failed);
        assert!(found.remedy.en.ends_with("keys/statement.key"), "{found:?}");
        close(&key, 0o600);
        let certificate = keys.join("authority.pem");
        std::fs::write(&certificate, "public").unwrap();
        close(&certificate, 0o644);
        assert_eq!(check_modes(folder.path(), std::slice::from_ref(&keys)).state, State::Ok);
        std::fs::rename(certificate, keys.join("authority.key.pem")).unwrap();
        assert_eq!(check_modes(folder.path(), &[keys]).state, State::Failed);
    }
}
