//! The data folder as it lies on the disk: modes, room, certificates, the registry's files, forks, backups.

use std::fs::{File, Metadata};
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::time::UNIX_EPOCH;

use safeharbor_certs::diagnosis::describe_pem;
use safeharbor_service::doctor::{Finding, Report, Words, check_backup, check_disk, check_modes};
use safeharbor_service::folder::is_set_up;
use safeharbor_service::speech::{chain_of, moment};

use crate::backup;
use crate::folder::Paths;

const MIB: u64 = 1024 * 1024;
/// The list of forks is short, or something is very wrong.
const FORKS_BYTES_MAX: u64 = 16 * MIB;

/// Looks at everything that can be seen without opening the hub.
pub fn examine_files(paths: &Paths, now_ms: u64, report: &mut Report) {
    if !is_set_up(paths.folder()) {
        let path = paths.folder().display();
        let why =
            Words::new(format!("{path} 不是枢纽的数据目录"), format!("{path} is no data folder of a hub"));
        report.add(Finding::not_checked("folder", why));
        return;
    }
    report.add(check_modes(paths.folder(), &[paths.keys()]));
    report.add(check_disk(paths.folder(), None));
    report.add(certificate(paths, now_ms));
    report.add(registry(paths, now_ms));
    report.add(sizes(paths));
    report.add(forks(&paths.forks()));
    report.add(check_backup(backup::state(paths).map_err(|failed| chain_of(&*failed)), now_ms));
}

/// From when and until when a certificate is valid.
fn validity_ms(path: &Path) -> Result<(u64, u64), String> {
    let pem = std::fs::read_to_string(path).map_err(|failed| format!("{}: {failed}", path.display()))?;
    let shown = describe_pem(&pem).ok_or_else(|| format!("{}: not a certificate", path.display()))?;
    let ms = |s: i64| u64::try_from(s).unwrap_or(0).saturating_mul(1000);
    Ok((ms(shown.begins_s), ms(shown.ends_s)))
}

fn certificate(paths: &Paths, now_ms: u64) -> Finding {
    let id = "certificate";
    let remedy = || {
        Words::new(
            "启动枢纽：启动时和运行中都会自行签发。",
            "Start the hub: it issues one at every start and while it runs.",
        )
    };
    let (begins, ends) = match validity_ms(&paths.tls()) {
        Ok(validity) => validity,
        Err(why) => {
            let cause = Words::new(
                format!("TLS 证书无法读取：{why}"),
                format!("the TLS certificate cannot be read: {why}"),
            );
            return Finding::failed(id, cause, remedy());
        }
    };
    let at = moment(ends);
    if now_ms < begins || now_ms >= ends {
        let cause = Words::new(
            format!("TLS 证书此刻无效（有效期至 {at}）"),
            format!("the TLS certificate is not valid at this time (until {at})"),
        );
        return Finding::failed(id, cause, remedy());
    }
    let seen = Words::new(format!("TLS 证书有效至 {at}"), format!("the TLS certificate is valid until {at}"));
    Finding::ok(id, seen)
}

/// The checkpoint is written again only when entries come, so its age is told and not judged.
fn registry(paths: &Paths, now_ms: u64) -> Finding {
    let id = "registry";
    let checkpoint = paths.registry().join("checkpoint");
    if !paths.signed().exists() && !checkpoint.exists() {
        return Finding::ok(id, Words::new("还没有公布过检查点", "no checkpoint was published yet"));
    }
    let read =
        std::fs::read_to_string(&checkpoint).and_then(|note| Ok((note, std::fs::metadata(&checkpoint)?)));
    let tiles = std::fs::read_dir(paths.registry().join("tile")).map(drop);
    match (read, tiles) {
        (Ok((note, metadata)), Ok(())) => {
            let size = note.lines().nth(1).unwrap_or("?");
            let age_min = now_ms.saturating_sub(modified_ms(&metadata)) / 60_000;
            let seen = Words::new(
                format!("检查点 {size} 条，{age_min} 分钟前写成；可以读取"),
                format!("the checkpoint of {size} entries was written {age_min} min ago; readable"),
            );
            Finding::ok(id, seen)
        }
        (Err(failed), _) | (_, Err(failed)) => Finding::failed(
            id,
            Words::new(
                format!("登记簿文件无法读取：{failed}"),
                format!("the registry's files cannot be read: {failed}"),
            ),
            Words::new(
                "停止枢纽后运行 rebuild，由日志重建。",
                "Stop the hub and run `rebuild`: it makes them from the journal.",
            ),
        ),
    }
}

fn modified_ms(metadata: &Metadata) -> u64 {
    let since = metadata.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
    since.and_then(|since| u64::try_from(since.as_millis()).ok()).unwrap_or(0)
}

fn sizes(paths: &Paths) -> Finding {
    let mib = |folder: &Path| {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let files = entries.filter_map(|entry| entry.metadata().ok());
        files.map(|metadata| metadata.len()).sum::<u64>().div_ceil(MIB)
    };
    let (journal, index, office) = (mib(&paths.journal()), mib(&paths.index()), mib(&paths.office()));
    let seen = Words::new(
        format!("日志 {journal} MiB，索引 {index} MiB，办公库 {office} MiB"),
        format!("journal {journal} MiB, index {index} MiB, office {office} MiB"),
    );
    Finding::ok("sizes", seen)
}

fn forks(list: &Path) -> Finding {
    let count = match File::open(list) {
        Ok(file) => BufReader::new(file.take(FORKS_BYTES_MAX)).split(b'\n').map_while(Result::ok).count(),
        Err(_) => 0,
    };
    if count == 0 {
        return Finding::ok("forks", Words::new("没有", "none"));
    }
    let path = list.display();
    Finding::warning(
        "forks",
        Words::new(format!("{count} 处分叉，见 {path}"), format!("{count}, see {path}")),
        Words::new(
            "两份声明都已存入 evidence；与该单位核对其节点是否被复制或恢复过。",
            "Both statements are kept in evidence; ask the institution whether its node was cloned or restored.",
        ),
    )
}
