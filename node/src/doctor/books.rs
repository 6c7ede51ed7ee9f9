//! What the store says: the chain and its receipts, what waits, alarms, and what the node witnessed.

use std::sync::Arc;

use safeharbor_certs::words::KeyWords;
use safeharbor_core::digest::Digest;
use safeharbor_core::statement::Statement;
use safeharbor_service::doctor::{Finding, Words};

use crate::chain::{Chain, ChainFailed};
use crate::command::awaited_text;
use crate::context::Context;
use crate::membership::Membership;
use crate::policy::PolicyFailed;
use crate::recovery;
use crate::speech::{chain_of, moment};
use crate::sync::{Standing, SyncState, TellFailed, Told, state};
use crate::trust::{KeyTerms, LastCheckpoint, load_receipt};

/// Statements whose signatures and links are checked without `--deep`, the latest ones.
const STATEMENTS_CHECKED: u64 = 256;
/// How long statements may wait before a person should know, in milliseconds.
const WAIT_MAX_MS: u64 = 24 * 3600 * 1000;
const PAGE: usize = 128;

/// Looks at the store; `deep` at every statement.
#[must_use]
pub fn examine_books(context: &Context, deep: bool) -> Vec<Finding> {
    let state = match state(context) {
        Ok(state) => state,
        Err(failed) => return vec![store_failed(&chain_of(&failed))],
    };
    let opened = Words::new("可以打开和读取", "opens and can be read");
    let mut findings = vec![Finding::ok("store", opened), chain(context, &state, deep)];
    findings.extend([standing(&state), six_words(context, &state), alarms(&state), outbox(context, &state)]);
    findings.push(policy(context).unwrap_or_else(|failed| store_failed(&chain_of(&failed))));
    findings.push(catalogue(context));
    findings.extend(recovering(context));
    findings.push(witness(context).unwrap_or_else(|failed| store_failed(&chain_of(&failed))));
    findings
}

fn store_failed(why: &str) -> Finding {
    Finding::failed(
        "store",
        Words::new(format!("存储无法读取：{why}"), format!("the store cannot be read: {why}")),
        Words::new("检查磁盘；从备份恢复（restore）。", "Check the disk; restore from a backup."),
    )
}

/// Nothing is said outside recovery.
fn recovering(context: &Context) -> Option<Finding> {
    match recovery::count(&*context.store) {
        Ok(0) => None,
        Ok(unlinked) => Some(Finding::warning(
            "recovery",
            Words::new(
                format!("恢复中：{unlinked} 条声明过的记录本节点没有"),
                format!("in recovery: {unlinked} records that were stated are not here"),
            ),
            Words::new(
                "重新导入原有记录；其余用 recovery 查看，无法关联的用 recovery withdraw 撤回。",
                "Import your records again; see with `recovery` what is left, and take back with `recovery withdraw` what cannot be linked.",
            ),
        )),
        Err(failed) => Some(store_failed(&chain_of(&failed))),
    }
}

fn chain(context: &Context, state: &SyncState, deep: bool) -> Finding {
    let from = if deep { 1 } else { state.stated.saturating_sub(STATEMENTS_CHECKED).saturating_add(1) };
    match verify_chain(context, from, state) {
        Ok(checked) => {
            let (stated, receipted) = (state.stated, state.receipted);
            Finding::ok(
                "chain",
                Words::new(
                    format!(
                        "第 {from} 至 {stated} 号声明的链接和签名成立（核验签名 {checked} 份），回执到第 {receipted} 号无缺"
                    ),
                    format!(
                        "statements {from} to {stated} link up and are signed ({checked} signatures checked), receipts are complete up to {receipted}"
                    ),
                ),
            )
        }
        Err(broken) => Finding::failed(
            "chain",
            Words::new(
                format!("第 {} 号声明有问题：{}", broken.seq, broken.why),
                format!("statement {}: {}", broken.seq, broken.why),
            ),
            Words::new(
                "不要继续运行；从备份恢复，节点会与枢纽核对后接着编号。",
                "Do not run on; restore from a backup: the node then takes its chain up from the hub.",
            ),
        ),
    }
}

struct Broken {
    seq: u64,
    why: String,
}

/// How many signatures were checked. That each key was valid where its statements are logged is for `safeharbor-verify log` to say.
fn verify_chain(context: &Context, from: u64, state: &SyncState) -> Result<u64, Broken> {
    let broken = |seq| move |failed: ChainFailed| Broken { seq, why: chain_of(&failed) };
    let chain = Chain::new(Arc::clone(&context.store));
    // A node that did not join knows the key it signs with and no other.
    let member = Membership::load(&context.layout).ok().flatten();
    let terms = member.and_then(|member| member.statement_keys().ok());
    let has_all_keys = terms.is_some();
    let own_keys = KeyTerms::new(terms.unwrap_or_default()).including(context.signer.public_key());
    let (mut next, mut checked) = (from, 0_u64);
    let mut previous: Option<Digest> = match from.checked_sub(1).filter(|before| *before > 0) {
        Some(before) => chain.statement(before).map_err(broken(before))?.map(|stated| stated.digest),
        None => None,
    };
    while next <= state.stated {
        let page = chain.statements(next, PAGE).map_err(broken(next))?;
        if page.is_empty() {
            return Err(Broken { seq: next, why: "it is missing 缺失".to_owned() });
        }
        for stated in page {
            let seq = stated.seq;
            let wrong = |why: String| Broken { seq, why };
            if seq != next {
                return Err(Broken { seq: next, why: "it is missing 缺失".to_owned() });
            }
            let statement = Statement::parse(&stated.jwt).map_err(|failed| wrong(chain_of(&failed)))?;
            if statement.digest != stated.digest
                || previous.is_some_and(|digest| digest != statement.envelope.prev)
            {
                return Err(wrong("it does not follow the one before 与前一份不相连".to_owned()));
            }
            match own_keys.of(&statement) {
                Some((_, term)) => {
                    statement.verify(&term.key).map_err(|failed| wrong(chain_of(&failed)))?;
                    checked = checked.saturating_add(1);
                }
                None if has_all_keys => {
                    return Err(wrong("no key of this institution signed it 并非本单位密钥签署".to_owned()));
                }
                None => {}
            }
            if seq <= state.receipted && load_receipt(&*context.store, seq).map_err(broken(seq))?.is_none() {
                return Err(wrong("its receipt is missing 缺回执".to_owned()));
            }
            previous = Some(stated.digest);
            next = seq.saturating_add(1);
        }
    }
    Ok(checked)
}

fn standing(state: &SyncState) -> Finding {
    match &state.standing {
        Standing::Refused { code, text, since_ms, .. } => {
            let since = moment(*since_ms);
            Finding::failed(
                "standing",
                Words::new(
                    format!("自 {since} 起枢纽拒收（{code}）：{text}"),
                    format!("the hub refuses since {since} ({code}): {text}"),
                ),
                Words::new(
                    format!("见 docs/errors/{code}.md；多半要与枢纽运行方联系。"),
                    format!("See docs/errors/{code}.md; most likely the hub's operator must be asked."),
                ),
            )
        }
        Standing::Held { .. } => {
            let told = state.told.as_ref();
            let cause = told.and_then(Told::held_cause).unwrap_or_else(|| Words::new("", ""));
            let remedy = told.and_then(Told::held_remedy).unwrap_or_else(|| Words::new("", ""));
            Finding::failed("standing", cause, remedy)
        }
        Standing::Stopped { alarm, since_ms } => {
            let since = moment(*since_ms);
            Finding::failed(
                "standing",
                Words::new(
                    format!("自 {since} 起已停止：{alarm}"),
                    format!("stopped since {since}: {alarm}"),
                ),
                Words::new(
                    "由管理员查明后决定：safeharbor-node resume。",
                    "An administrator decides: safeharbor-node resume.",
                ),
            )
        }
        Standing::InStep | Standing::Waiting { .. } => {
            Finding::ok("standing", Words::new("枢纽没有拒收", "the hub refuses nothing"))
        }
    }
}

fn six_words(context: &Context, state: &SyncState) -> Finding {
    match &state.told {
        None => Finding::not_checked(
            "six-words",
            Words::new("枢纽尚未说明是否核对过", "the hub did not say whether they were confirmed"),
        ),
        Some(told) if told.confirmed => Finding::ok("six-words", told.words_seen()),
        Some(told) => {
            let words = KeyWords::of(&context.signer.public_key());
            Finding::warning("six-words", told.words_seen(), Told::words_remedy(&words))
        }
    }
}

fn alarms(state: &SyncState) -> Finding {
    let Some(latest) = state.alarms.first() else {
        return Finding::ok("alarms", Words::new("没有警报", "none"));
    };
    let (count, since) = (state.alarms.len(), moment(latest.last_ms));
    Finding::warning(
        "alarms",
        Words::new(
            format!("{count} 项，最近一项 {since}：{}", latest.alarm),
            format!("{count}, the latest of {since}: {}", latest.alarm),
        ),
        Words::new("用 status 查看全部。", "See all with `status`."),
    )
}

fn outbox(context: &Context, state: &SyncState) -> Finding {
    let contact = state.contact_ms.map(moment);
    let (zh, en) = (contact.as_deref().unwrap_or("从未"), contact.as_deref().unwrap_or("never"));
    let Standing::Waiting { statements, since_ms } = &state.standing else {
        return Finding::ok(
            "outbox",
            Words::new(format!("没有久等的；上次联系 {zh}"), format!("nothing waits; last contact {en}")),
        );
    };
    let since = since_ms.map_or_else(|| "?".to_owned(), moment);
    let seen = Words::new(
        format!("{statements} 份自 {since} 起等待；上次联系 {zh}"),
        format!("{statements} wait since {since}; last contact {en}"),
    );
    let waits_long = since_ms.is_some_and(|since| context.clock.now_ms().saturating_sub(since) > WAIT_MAX_MS);
    if waits_long {
        let remedy = Words::new(
            "让节点保持运行，并看上面连接枢纽的各项。",
            "Keep the node running, and see what is said above about the way to the hub.",
        );
        Finding::warning("outbox", seen, remedy)
    } else {
        Finding::ok("outbox", seen)
    }
}

fn policy(context: &Context) -> Result<Finding, PolicyFailed> {
    if let Some(awaited) = context.awaited_policy()? {
        let version = awaited.version;
        let seen = Words::new(
            format!("第 {version} 版随备份恢复，尚无人重新接受：各类别一律未经审批不外传"),
            format!(
                "version {version} came with a backup and nobody accepted it again: nothing leaves without an approval"
            ),
        );
        return Ok(Finding::warning("policy", seen, awaited_text(context, &awaited)));
    }
    Ok(Finding::ok(
        "policy",
        match context.policy()? {
            None => {
                Words::new("尚未接受：未经审批不外传", "none accepted: nothing leaves without an approval")
            }
            Some(policy) => {
                let version = policy.accepted.version;
                Words::new(format!("第 {version} 版有效"), format!("version {version} is in force"))
            }
        },
    ))
}

fn catalogue(context: &Context) -> Finding {
    match context.offered_catalogue() {
        Ok(None) => {
            Finding::ok("catalogue", Words::new("没有待接受的版本", "no version waits to be accepted"))
        }
        Ok(Some(offer)) => Finding::warning(
            "catalogue",
            Words::new(
                format!("枢纽公布了新的目录版本 {}", offer.cat),
                format!("the hub published catalogue version {}", offer.cat),
            ),
            Words::new(
                "用 catalogue diff 查看差异，由有权的人 catalogue accept。",
                "See `catalogue diff`; a named person takes it with `catalogue accept`.",
            ),
        ),
        Err(failed) => store_failed(&chain_of(&failed)),
    }
}

fn witness(context: &Context) -> Result<Finding, TellFailed> {
    let has_key = context.layout.witness_key().exists();
    let last = LastCheckpoint::load(&*context.store)?.map_or(0, |last| last.checkpoint.size);
    let (key_zh, key_en) = if has_key {
        ("有见证密钥", "a witness key is here")
    } else {
        ("没有见证密钥", "there is no witness key")
    };
    Ok(Finding::ok(
        "witness",
        Words::new(
            format!("{key_zh}；已核验登记簿到 {last} 条"),
            format!("{key_en}; the registry is verified up to {last} entries"),
        ),
    ))
}
