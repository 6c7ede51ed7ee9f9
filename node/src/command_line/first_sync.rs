//! The first sync, as soon as a node is a member: what the hub holds of the institution is known before anything is imported.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Runtime;

use super::Desk;
use crate::context::Context;
use crate::opening::{OpenFailed, open};
use crate::records::RecordsFailed;
use crate::recovery;
use crate::running::{RunFailed, load_link, outcome_text};
use crate::speech::{Language, chain_of};
use crate::sync::{self, Outcome, SyncFailed, TellFailed, Until};
use safeharbor_service::shutdown::Shutdown;

/// A hub that takes longer is left to `run`: joining is done.
const FIRST_SYNC_MAX: Duration = Duration::from_secs(20);

/// The first sync did not come to its end; `run` makes it good.
#[derive(Debug, thiserror::Error)]
enum FirstSyncFailed {
    /// The folder cannot be opened.
    #[error("the data folder cannot be opened")]
    Open(#[from] OpenFailed),
    /// The link cannot be set up.
    #[error(transparent)]
    Link(#[from] RunFailed),
    /// The node itself is broken.
    #[error(transparent)]
    Sync(#[from] SyncFailed),
    /// How things stand cannot be told.
    #[error(transparent)]
    Tell(#[from] TellFailed),
    /// What is not linked cannot be told.
    #[error(transparent)]
    Recovery(#[from] RecordsFailed),
}

/// What the first sync found.
struct Found {
    /// Statements taken over from the hub.
    adopted: u64,
    /// Records that are not linked.
    unlinked: u64,
    /// How it ended; none where time was up.
    outcome: Option<Outcome>,
}

impl Desk {
    /// Syncs once, within limits, and says what came of it: no failure here is one of joining.
    pub(super) fn first_sync(&self, runtime: &Runtime) -> String {
        match self.sync_once(runtime) {
            Ok(found) => found.text(self.language),
            Err(FirstSyncFailed::Open(failed)) if failed.is_in_use() => self
                .language
                .pick("本节点正在运行，由它同步。\n", "this node is running; it syncs by itself.\n")
                .to_owned(),
            Err(failed) => {
                let head = self.language.pick(
                    "首次同步未完成，不影响入网，run 会继续：",
                    "the first sync was not finished; the node has joined all the same, `run` goes on: ",
                );
                format!("{head}{}\n", chain_of(&failed))
            }
        }
    }

    fn sync_once(&self, runtime: &Runtime) -> Result<Found, FirstSyncFailed> {
        let node = open(&self.layout, &self.settings, &self.seams)?;
        let context = Arc::clone(&node.context);
        let before = sync::state(&context)?.stated;
        let outcome = runtime.block_on(sync_within_limits(Arc::clone(&context)))?;
        let adopted = sync::state(&context)?.stated.saturating_sub(before);
        Ok(Found { adopted, unlinked: recovery::count(&*context.store)?, outcome })
    }
}

async fn sync_within_limits(context: Arc<Context>) -> Result<Option<Outcome>, FirstSyncFailed> {
    let (link, shutdown) = (load_link(&context)?, Shutdown::new());
    let syncing = sync::run(context, link, &shutdown, Until::InStep);
    match tokio::time::timeout(FIRST_SYNC_MAX, syncing).await {
        Ok(outcome) => Ok(Some(outcome?)),
        Err(_elapsed) => Ok(None),
    }
}

impl Found {
    fn text(&self, language: Language) -> String {
        let Self { adopted, unlinked, outcome } = self;
        let mut text = match (language, adopted) {
            (Language::Zh, 0) => "首次同步：枢纽处没有要取回的本单位声明。\n".to_owned(),
            (Language::En, 0) => {
                "first sync: the hub has no statements of yours that are not here.\n".to_owned()
            }
            (Language::Zh, adopted) => format!("首次同步：取回本单位 {adopted} 份声明。\n"),
            (Language::En, adopted) => format!("first sync: adopted {adopted} statements of yours.\n"),
        };
        if *unlinked > 0 {
            text.push_str(&recovery_text(*unlinked, language));
        }
        match outcome {
            Some(Outcome::InStep) => {}
            Some(ended) => {
                let (_, ended) = outcome_text(ended, language);
                text.push_str(&ended);
                text.push('\n');
            }
            None => text.push_str(language.pick(
                "枢纽未在时限内完成同步，run 会继续。\n",
                "the hub was not in step in time; `run` goes on.\n",
            )),
        }
        text
    }
}

fn recovery_text(unlinked: u64, language: Language) -> String {
    match language {
        Language::Zh => format!(
            "恢复中：{unlinked} 条记录待重新关联。请重新导入原有记录，再用 recovery 查看其余各条，无法关联的用 recovery withdraw 撤回。\n"
        ),
        Language::En => format!(
            "in recovery: {unlinked} records to link again. Import your records, then see with `recovery` what is left, and take back with `recovery withdraw` what cannot be linked.\n"
        ),
    }
}
