//! `key`: the keys of institutions, their six words, confirming and ending them.

use safeharbor_certs::words::KeyWords;
use safeharbor_core::directory::{Announcement, KeySigns, KeyTerm};
use safeharbor_core::institution::InstitutionCode;
use safeharbor_service::person::{Credentials, Person, Role};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{CommandFailed, Reply};
use crate::office::Office;
use crate::running::announce;

/// What can be done with keys.
#[derive(Debug, Serialize, Deserialize)]
pub enum KeyCommand {
    /// Lists them.
    List,
    /// Confirms the six words of a statement key.
    Confirm {
        /// Whose.
        code: InstitutionCode,
        /// The words, as the institution read them out.
        words: String,
        /// Who compared them.
        by: Credentials,
    },
    /// Ends a statement key at once.
    End {
        /// Whose.
        code: InstitutionCode,
        /// Who decides.
        by: Credentials,
    },
}

pub(super) async fn carry_out(
    office: &Office,
    command: KeyCommand,
    reply: &mut Reply,
) -> Result<(), CommandFailed> {
    match command {
        KeyCommand::List => {
            list(office, reply);
            Ok(())
        }
        KeyCommand::Confirm { code, words, by } => {
            let by = office.authorize(&by, &[Role::Administrator], "confirm key").await?;
            confirm(office, code, &words, &by, reply).await
        }
        KeyCommand::End { code, by } => {
            let by = office.authorize(&by, &[Role::Administrator], "end key").await?;
            end(office, code, &by, reply).await
        }
    }
}

async fn confirm(
    office: &Office,
    code: InstitutionCode,
    words: &str,
    by: &Person,
    reply: &mut Reply,
) -> Result<(), CommandFailed> {
    let _deciding = office.deciding().await;
    let term = current(office, code)?;
    if !KeyWords::of(&term.key).are(words) {
        let detail = json!({ "key": term.key.thumbprint() });
        office.audit.append(Some(by), "confirm key: other words", code.as_str(), detail)?;
        return Err(CommandFailed::said(
            format!(
                "这六个词不是 {code} 的密钥的。请对方再读一遍；若仍不符，密钥可能被调换：institution suspend {code}"
            ),
            format!(
                "these are not the words of {code}'s key. Have them read again; if they stay different, somebody else's key may be here: institution suspend {code}"
            ),
        ));
    }
    if term.confirmed.is_none() {
        let detail = json!({ "key": term.key.thumbprint() });
        office.audit.append(Some(by), "confirm key", code.as_str(), detail)?;
        announce(&office.orders, Announcement::KeyConfirmed { code, key: term.key }).await?;
    }
    reply.note(reply.pick(
        format!("{code} 的密钥已核对，可以报送"),
        format!("the key of {code} is confirmed; it may file"),
    ));
    Ok(())
}

async fn end(
    office: &Office,
    code: InstitutionCode,
    by: &Person,
    reply: &mut Reply,
) -> Result<(), CommandFailed> {
    let _deciding = office.deciding().await;
    let term = current(office, code)?;
    let detail = json!({ "key": term.key.thumbprint() });
    office.audit.append(Some(by), "end key", code.as_str(), detail)?;
    let announced = announce(&office.orders, Announcement::KeyEnds { code, key: term.key }).await?;
    let index = announced.index;
    reply.data(index);
    reply.note(reply.pick(
        format!("{code} 的声明密钥自登记簿第 {index} 条起失效，此前的声明不受影响；他人冒用所作的声明须逐条撤回。换新密钥：invite {code} --re-enrol"),
        format!("the statement key of {code} ends with entry {index}; statements before it stand, and those that somebody else made are withdrawn one by one. For another key: invite {code} --re-enrol"),
    ));
    Ok(())
}

fn current(office: &Office, code: InstitutionCode) -> Result<KeyTerm, CommandFailed> {
    let directory = office.shared.directory();
    let institution = directory.institution(&code);
    let institution = institution
        .ok_or_else(|| CommandFailed::said(format!("{code} 不是参与单位"), format!("{code} is no member")))?;
    institution.current_key(KeySigns::Statements).cloned().ok_or_else(|| {
        CommandFailed::said(
            format!("{code} 没有有效的声明密钥"),
            format!("{code} has no statement key in force"),
        )
    })
}

fn list(office: &Office, reply: &mut Reply) {
    let directory = office.shared.directory();
    let mut rows = Vec::new();
    for (code, institution) in directory.institutions() {
        for term in &institution.keys {
            let words = (term.signs == KeySigns::Statements).then(|| KeyWords::of(&term.key));
            rows.push(json!({
                "institution": code.as_str(), "name": institution.name, "key": term.key.thumbprint(),
                "use": term.signs.as_str(), "from": term.from, "until": term.until,
                "re_enrolled": term.re_enrolled, "confirmed": term.confirmed,
                "words": words.map(|words| json!({ "zh": words.chinese(), "en": words.english() })),
            }));
            if !reply.is_json() {
                reply.data(format_args!("{code}  {}", describe(term, words, reply)));
            }
        }
    }
    if reply.is_json() {
        reply.json(&rows.into());
    }
}

fn describe(term: &KeyTerm, words: Option<KeyWords>, reply: &Reply) -> String {
    let from = term.from;
    let span = term.until.map_or_else(
        || reply.pick(format!("自 {from} 起"), format!("from {from}")),
        |until| reply.pick(format!("{from} 至 {until}"), format!("{from} to {until}, ended")),
    );
    let mut text = format!("{:<13} {}  {span}", term.signs.as_str(), term.key.thumbprint());
    if term.re_enrolled {
        text += reply.pick("  重新登记", "  re-enrolled");
    }
    if let Some(words) = words.filter(|_| term.until.is_none()) {
        let state = term
            .confirmed
            .map_or_else(|| reply.pick("未核对", "not confirmed"), |_| reply.pick("已核对", "confirmed"));
        text += &format!("  {state}: {words}");
    }
    text
}
