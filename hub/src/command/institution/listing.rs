//! The list of institutions: the roster, joined with what the registry and the invitations say.

use std::collections::BTreeMap;

use safeharbor_core::directory::{InstitutionType, KeySigns, Standing};
use safeharbor_core::institution::InstitutionCode;
use safeharbor_service::speech::{Language, padded};
use serde::Serialize;

use crate::board_page::{BoardReport, InstitutionReport};
use crate::certificates;
use crate::invitation::{self, Invited};
use crate::office::Office;
use crate::office::drawer::DrawerFailed;
use crate::roster::{self, RosterRow};
use safeharbor_service::clock::to_rfc3339;

/// One institution, on the roster or a member or both.
#[derive(Debug, Serialize)]
pub(super) struct Listed {
    /// The id of its row, if it has one.
    id: Option<String>,
    code: Option<InstitutionCode>,
    name: String,
    aliases: Vec<String>,
    #[serde(rename = "type")]
    kind: InstitutionType,
    in_district: Option<bool>,
    #[serde(rename = "counts_for_G1")]
    counts_for_g1: bool,
    /// None where it was never admitted.
    standing: Option<Standing>,
    /// Whether an invitation waits to be taken up.
    invited: bool,
    /// Whether the words of its statement key were confirmed.
    confirmed: bool,
    /// Until when its last certificate is valid, in RFC 3339, UTC.
    certificate_until: Option<String>,
    live: bool,
    last_contact: Option<String>,
    accepted: u64,
    refused: u64,
    records: u64,
    /// Whether a used invitation came with other keys and nobody looked yet.
    pub(super) alarm: bool,
    /// When another node with its key tried last to take its place, in RFC 3339, UTC; since the hub was started.
    cloned: Option<String>,
    /// How many records its node has not linked again; it is in recovery until there are none.
    unlinked: u64,
}

/// Members first, by code, then the rest of the roster, by id.
pub(super) fn read(office: &Office) -> Result<Vec<Listed>, DrawerFailed> {
    let report = BoardReport::read(&office.shared, &office.settings, office.clock.now_ms());
    let mut by_code: BTreeMap<InstitutionCode, RosterRow> = BTreeMap::new();
    let mut others = Vec::new();
    for row in roster::all(office)? {
        match row.code {
            Some(code) => drop(by_code.insert(code, row)),
            None => others.push(row),
        }
    }
    let invitations: Vec<Invited> =
        invitation::drawer(office).all()?.into_iter().map(|(_, row)| row).collect();
    let mut listed = Vec::new();
    for member in &report.institutions {
        listed.push(join(office, by_code.remove(&member.code), Some(member), &invitations)?);
    }
    for row in by_code.into_values().chain(others) {
        listed.push(join(office, Some(row), None, &invitations)?);
    }
    Ok(listed)
}

fn join(
    office: &Office,
    row: Option<RosterRow>,
    member: Option<&InstitutionReport>,
    invitations: &[Invited],
) -> Result<Listed, DrawerFailed> {
    let code = member.map(|member| member.code).or(row.as_ref().and_then(|row| row.code));
    let now_ms = office.clock.now_ms();
    let mine = || invitations.iter().filter(|invited| Some(invited.code) == code);
    let certificate = code.map(|code| certificates::last_of(office, &code)).transpose()?.flatten();
    let directory = office.shared.directory();
    let term = code.and_then(|code| directory.institution(&code)?.current_key(KeySigns::Statements));
    let name = member.map(|member| member.name.clone()).or(row.as_ref().map(|row| row.name().to_owned()));
    let kind = member.map(|member| member.kind).or(row.as_ref().map(|row| row.kind));
    Ok(Listed {
        code,
        name: name.unwrap_or_default(),
        kind: kind.unwrap_or(InstitutionType::University),
        standing: member.map(|member| member.standing),
        invited: mine().any(|invited| invited.is_open(now_ms)),
        confirmed: term.is_some_and(|term| term.confirmed.is_some()),
        certificate_until: certificate.map(|last| to_rfc3339(last.until_ms)),
        live: member.is_some_and(|member| member.live),
        last_contact: member.and_then(|member| member.last_contact.clone()),
        accepted: member.map_or(0, |member| member.accepted),
        refused: member.map_or(0, |member| member.refused),
        records: member.map_or(0, |member| member.records),
        unlinked: member.map_or(0, |member| member.unlinked),
        cloned: member.and_then(|member| member.cloned.clone()),
        alarm: mine().any(Invited::alarms),
        id: row.as_ref().map(|row| row.id.clone()),
        in_district: row.as_ref().and_then(|row| row.in_district),
        counts_for_g1: row.as_ref().is_some_and(|row| row.counts_for_g1),
        aliases: row.map(|row| row.aliases).unwrap_or_default(),
    })
}

impl Listed {
    /// One line of the table.
    pub(super) fn line(&self, language: Language) -> String {
        let code = self.code.map(|code| code.to_string());
        let code = code.as_deref().or(self.id.as_deref()).unwrap_or_default();
        let standing = match self.standing {
            Some(Standing::Active) if !self.confirmed => {
                language.pick("有效，密钥未核对", "active, key not confirmed")
            }
            Some(Standing::Active) => language.pick("有效", "active"),
            Some(Standing::Suspended) => language.pick("已暂停", "suspended"),
            Some(Standing::Revoked) => language.pick("已撤销", "revoked"),
            None if self.invited => language.pick("已邀请", "invited"),
            None => language.pick("未参与", "not a member"),
        };
        let heard = match (self.live, &self.last_contact) {
            (true, _) => language.pick("在线", "live").to_owned(),
            (false, Some(at)) => at.clone(),
            (false, None) => "-".to_owned(),
        };
        let alarm = if self.alarm { language.pick("  ！警报", "  ! alarm") } else { "" };
        let cloned = self.cloned.as_ref().map(|at| match language {
            Language::Zh => format!("  ！{at} 另有一个节点持同一密钥"),
            Language::En => format!("  ! {at}: another node has its key"),
        });
        let cloned = cloned.unwrap_or_default();
        let recovering = match (self.unlinked, language) {
            (0, _) => String::new(),
            (unlinked, Language::Zh) => format!("  恢复中，{unlinked} 条待关联"),
            (unlinked, Language::En) => format!("  in recovery, {unlinked} records"),
        };
        let (standing, heard) = (padded(standing, 26), padded(&heard, 24));
        let (accepted, refused) = (self.accepted, self.refused);
        format!(
            "{code:<18}  {standing} {accepted:>9} {refused:>8}  {heard}  {}{recovering}{alarm}{cloned}",
            self.name
        )
    }
}
