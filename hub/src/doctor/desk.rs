//! What an open hub says: its store, institutions that are silent, persons, alarms.

use safeharbor_certs::diagnosis::describe_pem;
use safeharbor_core::directory::Standing;
use safeharbor_service::doctor::{Finding, Words};
use safeharbor_service::person::Role;
use safeharbor_service::speech::{chain_of, moment};

use crate::authority::{Authorities, AuthoritiesFailed};
use crate::invitation;
use crate::office::Desk;

/// An authority that ends within this time should be replaced, in milliseconds.
const AUTHORITY_WARN_MS: u64 = 90 * 24 * 3600 * 1000;
/// An institution whose node was not heard for so long, in milliseconds, is named.
const SILENT_MS: u64 = 3 * 24 * 3600 * 1000;

/// Looks at an open hub; `running` says whether it serves nodes.
#[must_use]
pub fn examine_desk(desk: &Desk, running: bool) -> Vec<Finding> {
    let size = desk.shared.published.borrow().size;
    let opened = Words::new(
        format!("日志和办公库可以打开；已公布 {size} 条"),
        format!("journal and office open; {size} entries are published"),
    );
    let clock = Words::new(
        "没有可以对照的时钟；节点的 doctor 会与枢纽对时",
        "there is no clock to compare with; the nodes' doctor compares theirs with the hub's",
    );
    vec![
        Finding::ok("store", opened),
        authority(Authorities::load(desk).and_then(|all| all.issuing_pem(desk)), desk.clock.now_ms()),
        persons(desk),
        alarms(desk),
        institutions(desk, running),
        Finding::not_checked("clock", clock),
    ]
}

/// The one that issues, as long as it must outlive certificates.
pub(super) fn authority(pem: Result<String, AuthoritiesFailed>, now_ms: u64) -> Finding {
    let id = "authority";
    let pem = pem.map_err(|failed| chain_of(&failed));
    let shown = pem.and_then(|pem| describe_pem(&pem).ok_or_else(|| "not a certificate in PEM".to_owned()));
    let shown = match shown {
        Ok(shown) => shown,
        Err(why) => {
            let cause = Words::new(
                format!("证书机构无法读取：{why}"),
                format!("the authority cannot be read: {why}"),
            );
            return Finding::failed(id, cause, Words::new("从备份恢复。", "Restore from a backup."));
        }
    };
    let ends_ms = u64::try_from(shown.ends_s).unwrap_or(0).saturating_mul(1000);
    let at = moment(ends_ms);
    let seen = Words::new(format!("证书机构有效至 {at}"), format!("the authority is valid until {at}"));
    let remedy = Words::new(
        "用 authority begin 更换证书机构：新旧重叠，节点不断线。",
        "Replace the authority with `authority begin`: the two overlap and nodes stay connected.",
    );
    if now_ms >= ends_ms {
        Finding::failed(id, seen, remedy)
    } else if ends_ms.saturating_sub(now_ms) < AUTHORITY_WARN_MS {
        Finding::warning(id, seen, remedy)
    } else {
        Finding::ok(id, seen)
    }
}

fn persons(desk: &Desk) -> Finding {
    let id = "persons";
    let listed = match desk.persons.list() {
        Ok(listed) => listed,
        Err(failed) => {
            let why = chain_of(&failed);
            let remedy = Words::new("从备份恢复。", "Restore from a backup.");
            return Finding::failed(id, Words::new(why.clone(), why), remedy);
        }
    };
    let administrators = listed.iter().filter(|person| person.role == Role::Administrator).count();
    let decides = |role| matches!(role, Role::Administrator | Role::Reviewer);
    let deciding = listed.iter().filter(|person| decides(person.role)).count();
    let all = listed.len();
    let seen = Words::new(
        format!("{all} 人，管理员 {administrators} 人，可参与两人决定的 {deciding} 人"),
        format!("{all} persons, {administrators} administrators, {deciding} who may decide with another"),
    );
    if administrators == 0 {
        let remedy = Words::new(
            "用 person first-code 生成一次性代码，设立管理员。",
            "Make the one-time code of an administrator: `person first-code`.",
        );
        Finding::failed(id, seen, remedy)
    } else if deciding < 2 {
        let remedy = Words::new(
            "两人决定（恢复、撤销、重新入网、目录版本）需要第二个人：person add。",
            "Reinstating, revoking, re-enrolment and catalogue versions take a second person: `person add`.",
        );
        Finding::warning(id, seen, remedy)
    } else {
        Finding::ok(id, seen)
    }
}

fn alarms(desk: &Desk) -> Finding {
    let id = "alarms";
    let invited = match invitation::drawer(desk).all() {
        Ok(invited) => invited,
        Err(failed) => {
            let why = chain_of(&failed);
            return Finding::not_checked(id, Words::new(why.clone(), why));
        }
    };
    match invited.iter().filter(|(_, invited)| invited.alarms()).count() {
        0 => Finding::ok(id, Words::new("没有", "none")),
        count => Finding::warning(
            id,
            Words::new(
                format!("{count} 份邀请码被别的密钥再次使用"),
                format!("{count} invitations were used again with other keys"),
            ),
            Words::new(
                "用 invitation list 查看，并向该单位核实。",
                "See `invitation list`, and ask the institution.",
            ),
        ),
    }
}

/// When a node was last heard is known of this run of the hub alone.
fn institutions(desk: &Desk, running: bool) -> Finding {
    let id = "institutions";
    if !running {
        return Finding::not_checked(id, Words::new("枢纽没有运行", "the hub does not run"));
    }
    let (directory, contacts) = (desk.shared.directory(), desk.shared.contacts());
    let now_ms = desk.clock.now_ms();
    let (mut count, mut silent) = (0_usize, Vec::new());
    for (code, institution) in directory.institutions() {
        if institution.standing != Standing::Active {
            continue;
        }
        count = count.saturating_add(1);
        match contacts.get(code) {
            Some(contact) if contact.live || now_ms.saturating_sub(contact.last_ms) < SILENT_MS => {}
            Some(contact) => silent.push(format!("{} ({})", institution.name, moment(contact.last_ms))),
            None => silent.push(institution.name.clone()),
        }
    }
    if silent.is_empty() {
        return Finding::ok(id, Words::new(format!("{count} 家，都有联系"), format!("{count}, all heard")));
    }
    let names = silent.join("、");
    Finding::warning(
        id,
        Words::new(
            format!("枢纽启动以来或 3 天内没有联系：{names}"),
            format!("not heard since the hub started, or for 3 days: {names}"),
        ),
        Words::new("请该单位运行 safeharbor-node doctor。", "Ask them to run `safeharbor-node doctor`."),
    )
}
