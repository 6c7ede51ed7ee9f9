//! What people are told of the hub's last word: standing and six words, with what to do.

use safeharbor_certs::words::KeyWords;
use safeharbor_core::directory::Standing;
use safeharbor_service::doctor::Words;

use super::Told;
use crate::speech::moment;

impl Told {
    /// How the institution stands; none while the hub takes its statements.
    #[must_use]
    pub fn held_cause(&self) -> Option<Words> {
        let since = moment(self.since_ms);
        let (zh, en) = match self.standing {
            Standing::Active => return None,
            Standing::Suspended => ("已暂停", "suspended"),
            Standing::Revoked => ("已撤销", "revoked"),
        };
        let (unlogged_zh, unlogged_en) = if self.is_logged() {
            ("", "")
        } else {
            ("（枢纽未出示登记簿中的相应声明）", " (the hub showed no logged statement that says so)")
        };
        Some(Words::new(
            format!("本单位自 {since} 起{zh}：枢纽不接收其声明{unlogged_zh}"),
            format!("the institution is {en} since {since}: the hub takes no statements of it{unlogged_en}"),
        ))
    }

    /// What to do about it; none while the hub takes statements.
    #[must_use]
    pub fn held_remedy(&self) -> Option<Words> {
        match self.standing {
            Standing::Active => None,
            Standing::Suspended => Some(Words::new(
                "向枢纽运行方询问原因。无须停止节点：记录和待发声明都保留，回执照收；恢复后自动继续发送。",
                "Ask the hub's operator why. Keep the node running: records and what waits stay, receipts arrive; it goes on by itself once reinstated.",
            )),
            Standing::Revoked => Some(Words::new(
                "撤销不可恢复；向枢纽运行方询问原因。记录、声明链和回执都保留在本节点。",
                "This is for good; ask the hub's operator why. Records, chain and receipts stay in this node.",
            )),
        }
    }

    /// Whether the six words were confirmed.
    #[must_use]
    pub fn words_seen(&self) -> Words {
        if self.confirmed {
            Words::new("枢纽已核对六词指纹", "a person at the hub confirmed them")
        } else {
            Words::new(
                "枢纽尚未核对六词指纹：可以同步，但不能提交核验申请",
                "nobody at the hub confirmed them: the node syncs, and no filing is taken",
            )
        }
    }

    /// What to do about six words that nobody confirmed.
    #[must_use]
    pub fn words_remedy(words: &KeyWords) -> Words {
        Words::new(
            format!("打电话给枢纽运行方，把这六个词读给对方核对：{words}"),
            format!("Call the hub's operator and read these six words out: {words}"),
        )
    }
}
