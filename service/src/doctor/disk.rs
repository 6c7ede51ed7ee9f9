//! How much room the disk under a data folder has.

use std::path::Path;

use super::{Finding, Words};

/// Below this the day's work may stop: a backup and a group of statements need room.
const FREE_BYTES_WARN: u64 = 1024 * 1024 * 1024;
/// Below this nothing durable can be promised.
const FREE_BYTES_MIN: u64 = 64 * 1024 * 1024;
const MIB: u64 = 1024 * 1024;

/// Looks at the free space; `reserve` is the file that holds some back, where there is one.
#[must_use]
pub fn check_disk(data: &Path, reserve: Option<&Path>) -> Finding {
    let id = "disk";
    match rustix::fs::statvfs(data) {
        Ok(disk) => judge(id, disk.f_bavail.saturating_mul(disk.f_frsize), reserve.is_none_or(Path::exists)),
        Err(refused) => Finding::not_checked(
            id,
            Words::new(
                format!("系统没有给出剩余空间：{refused}"),
                format!("the system does not tell the free space: {refused}"),
            ),
        ),
    }
}

fn judge(id: &'static str, free: u64, has_reserve: bool) -> Finding {
    let mib = free / MIB;
    let seen = Words::new(format!("剩余 {mib} MiB"), format!("{mib} MiB free"));
    let make_room = || {
        Words::new(
            "腾出磁盘空间，或把备份放到别的磁盘（[backup] folder）。",
            "make room, or keep the backups on another disk ([backup] folder).",
        )
    };
    if free < FREE_BYTES_MIN {
        Finding::failed(id, seen, make_room())
    } else if free < FREE_BYTES_WARN {
        Finding::warning(id, seen, make_room())
    } else if !has_reserve {
        Finding::warning(
            id,
            Words::new(
                format!("剩余 {mib} MiB；预留文件不在：磁盘曾经写满"),
                format!("{mib} MiB free; the reserve file is gone: the disk was full once"),
            ),
            Words::new("腾出空间后重新启动，预留文件会重建。", "make room and start again; it is made anew."),
        )
    } else {
        Finding::ok(id, seen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::State;

    #[test]
    fn little_room_is_a_warning_and_no_room_a_failure() {
        for (free, reserve, state) in [
            (FREE_BYTES_MIN - 1, true, State::Failed),
            (FREE_BYTES_MIN, true, State::Warning),
            (FREE_BYTES_WARN, true, State::Ok),
            (FREE_BYTES_WARN, false, State::Warning),
        ] {
            assert_eq!(judge("disk", free, reserve).state, state, "{free}");
        }
        let here = check_disk(tempfile::tempdir().unwrap().path(), None);
        assert_ne!(here.state, State::NotChecked);
    }
}
