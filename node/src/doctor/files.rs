//! The data folder as it lies on the disk: whose it is, its membership and certificate, modes, room, backups.

use safeharbor_certs::diagnosis::describe_pem;
use safeharbor_certs::tls::client_config_with;
use safeharbor_service::doctor::{Finding, Report, Words, check_backup, check_disk, check_modes};
use safeharbor_service::secret_file;

use super::{Authority, Target};
use crate::backup;
use crate::layout::Layout;
use crate::membership::Membership;
use crate::renewal::renewal_s;
use crate::settings;
use crate::speech::{chain_of, moment};

/// What a joined node has of its hub.
#[derive(Debug, Clone)]
pub struct Pinned {
    /// The hub, as pinned.
    pub target: Target,
    /// The node's certificate (PEM).
    pub certificate_pem: String,
    /// The name of its key in the folder of keys.
    pub tls_key: String,
}

impl Pinned {
    /// What lies in a data folder; none before joining.
    ///
    /// # Errors
    /// It cannot be read; the text says why.
    pub fn load(layout: &Layout) -> Result<Option<Self>, String> {
        let Some(member) = Membership::load(layout).map_err(|failed| chain_of(&failed))? else {
            return Ok(None);
        };
        let address = std::fs::read_to_string(layout.hub_address());
        let address = address.map_err(|failed| format!("{}: {failed}", layout.hub_address().display()))?;
        let target = Target {
            address: address.trim().to_owned(),
            name: member.hub_name,
            authority: Authority::Pinned(member.authorities_pem),
        };
        Ok(Some(Self { target, certificate_pem: member.certificate_pem, tls_key: member.tls_key }))
    }
}

/// Looks at everything that can be seen without the store.
pub fn examine_files(
    layout: &Layout,
    pinned: &Result<Option<Pinned>, String>,
    hub: &settings::Hub,
    now_ms: u64,
    report: &mut Report,
) {
    if !safeharbor_service::folder::is_set_up(layout.root()) {
        let path = layout.root().display();
        report.add(Finding::not_checked(
            "folder",
            Words::new(
                format!("{path} 还不是节点的数据目录"),
                format!("{path} is no data folder of a node yet"),
            ),
        ));
        return;
    }
    let mut secrets = vec![layout.keys()];
    secrets.extend(hub.proxy_credentials.as_ref().map(|file| layout.root().join(file)));
    report.add(check_modes(layout.root(), &secrets));
    let reserve = layout.root().join("store.reserve");
    report.add(check_disk(layout.root(), layout.store().exists().then_some(reserve.as_path())));
    report.add(membership(pinned));
    if let Ok(Some(pinned)) = pinned {
        report.add(certificate(layout, pinned, now_ms));
    }
    report.add(check_backup(backup::state(layout).map_err(|failed| chain_of(&*failed)), now_ms));
}

fn membership(pinned: &Result<Option<Pinned>, String>) -> Finding {
    match pinned {
        Ok(Some(pinned)) => {
            let (name, address) = (&pinned.target.name, &pinned.target.address);
            Finding::ok(
                "membership",
                Words::new(
                    format!("已加入枢纽 {name}（{address}）"),
                    format!("joined the hub {name} ({address})"),
                ),
            )
        }
        Ok(None) => Finding::warning(
            "membership",
            Words::new("尚未加入枢纽", "not joined yet"),
            Words::new(
                "向枢纽运行方索取邀请码并加入。",
                "Ask the hub's operator for an invitation and join.",
            ),
        ),
        Err(why) => Finding::failed(
            "membership",
            Words::new(format!("入网资料无法读取：{why}"), format!("what was pinned cannot be read: {why}")),
            Words::new("从备份恢复数据目录。", "Restore the data folder from a backup."),
        ),
    }
}

/// Valid, not overdue for renewal, and of the key that is here.
fn certificate(layout: &Layout, pinned: &Pinned, now_ms: u64) -> Finding {
    let id = "certificate";
    let rejoin = || {
        Words::new(
            "让节点运行（run），它会自行续期；若枢纽拒绝，请向枢纽运行方索取新的邀请码。",
            "Let the node run: it renews by itself; if the hub refuses, ask its operator for another invitation.",
        )
    };
    let Some(shown) = describe_pem(&pinned.certificate_pem) else {
        return Finding::failed(id, Words::new("证书无法读取", "the certificate cannot be read"), rejoin());
    };
    if let Err(why) = key_fits(layout, pinned) {
        return Finding::failed(
            id,
            Words::new(
                format!("证书与本机的密钥不配：{why}"),
                format!("the certificate does not go with the key here: {why}"),
            ),
            Words::new(
                "从备份恢复 keys 目录，或向枢纽运行方索取新的邀请码。",
                "Restore the keys folder from a backup, or ask the hub's operator for another invitation.",
            ),
        );
    }
    let ms = |s: i64| u64::try_from(s).unwrap_or(0).saturating_mul(1000);
    let (begins_ms, ends_ms) = (ms(shown.begins_s), ms(shown.ends_s));
    let due_ms = renewal_s(&pinned.certificate_pem).unwrap_or_default().saturating_mul(1000);
    // The node has some time for it: only what is left over is a reason to look.
    let late_ms = due_ms.saturating_add(ends_ms.saturating_sub(due_ms) / 3);
    let (ends, due) = (moment(ends_ms), moment(due_ms));
    if now_ms >= ends_ms {
        Finding::failed(
            id,
            Words::new(format!("证书已于 {ends} 过期"), format!("the certificate expired {ends}")),
            rejoin(),
        )
    } else if now_ms < begins_ms {
        let begins = moment(begins_ms);
        Finding::failed(
            id,
            Words::new(
                format!("证书自 {begins} 起才有效：本机时钟可能不对"),
                format!("the certificate begins {begins}: this machine's clock may be wrong"),
            ),
            rejoin(),
        )
    } else if now_ms >= late_ms {
        Finding::warning(
            id,
            Words::new(
                format!("有效至 {ends}；应在 {due} 续期而没有"),
                format!("valid until {ends}; its renewal was due {due}"),
            ),
            rejoin(),
        )
    } else {
        Finding::ok(
            id,
            Words::new(
                format!("有效至 {ends}，{due} 起续期"),
                format!("valid until {ends}, renewed from {due} on"),
            ),
        )
    }
}

fn key_fits(layout: &Layout, pinned: &Pinned) -> Result<(), String> {
    let Authority::Pinned(authority) = &pinned.target.authority else { return Ok(()) };
    let key = secret_file::load(&layout.keys().join(&pinned.tls_key)).map_err(|failed| chain_of(&failed))?;
    let key = std::str::from_utf8(&key).map_err(|_not_text| "the key is not PEM".to_owned())?;
    let shown = Some((pinned.certificate_pem.as_str(), key));
    client_config_with(authority, shown, safeharbor_certs::tls::KeyExchange::Classic)
        .map(drop)
        .map_err(|failed| chain_of(&failed))
}
