//! What can be wrong, in Chinese.

use super::Fault;

impl Fault {
    /// The fault in Chinese; its causes are in English only.
    #[expect(clippy::too_many_lines, reason = "one line for each fault")]
    pub(super) fn in_chinese(&self) -> String {
        match self {
            Self::Missing => "文件不存在".to_owned(),
            Self::Unreadable(_) => "文件无法读取".to_owned(),
            Self::TooLarge(bytes) => format!("文件超过其格式允许的 {bytes} 字节，未读取"),
            Self::Trust(_) => "该文件不能作为信任依据".to_owned(),
            Self::KeyMissing(key) => format!("令牌由密钥 {key} 签名，所给密钥中没有它"),
            Self::NotLogged { issuer, seq, size } => {
                format!("登记簿的 {size} 条目中没有 {issuer} 的第 {seq} 号声明")
            }
            Self::NotText(_) => "内容不是 UTF-8 文本".to_owned(),
            Self::Proof(_) => "这不是回执".to_owned(),
            Self::Receipt(_) => "回执不能证明该条目在登记簿中".to_owned(),
            Self::Entry(_) => "这不是登记簿条目".to_owned(),
            Self::Statement(_) => "这不是声明".to_owned(),
            Self::Content => "条目与其所载声明不符".to_owned(),
            Self::NotTied(what) => format!("声明与条目不是同一份：{what} 不同"),
            Self::Disclosures(_) => "所附披露不属于该声明".to_owned(),
            Self::Token(_) => "令牌被拒绝".to_owned(),
            Self::Bound => "最后一个 ~ 之后还有内容，而声明没有密钥绑定".to_owned(),
            Self::KeyUnnamed => "令牌没有写明签名密钥（kid）".to_owned(),
            Self::ReservedClaim(name) => format!("披露 {name:?} 冒充声明的固定字段"),
            Self::KeyNotValid { issuer, key, index } => {
                format!("{issuer} 的密钥 {key} 对第 {index} 条目无效")
            }
            Self::OtherLogged { issuer, seq } => format!("登记簿中 {issuer} 的第 {seq} 号是另一份声明"),
            Self::Checkpoint(_) => "检查点不属于该登记簿".to_owned(),
            Self::Policy(_) => "检查点不满足信任策略".to_owned(),
            Self::FirstEntry => "首个条目不是枢纽所作".to_owned(),
            Self::Bundle(_) => "条目文件格式错误".to_owned(),
            Self::Audit(_) => "条目不应出现在此处".to_owned(),
            Self::Tile(at) => format!("瓦片的第 {at} 个哈希与条目算出的不同"),
            Self::TileLength { expected, found } => format!("瓦片应有 {expected} 字节，实有 {found} 字节"),
            Self::Tree(_) => "这些哈希不构成树".to_owned(),
            Self::EntryDamaged => "条目已损坏：签名树根证明此处应是另一条目".to_owned(),
            Self::MemoryRefused(_) => "所记内容不能使用：删除该文件即可重新开始".to_owned(),
            Self::InUse => "另一个进程正在更新该副本".to_owned(),
            Self::Untold { known, found } => {
                format!("无法证明 {found} 条的登记簿延续 {known} 条的副本：来源的瓦片缺失或损坏")
            }
            Self::InstitutionUnknown { institution, size } => {
                format!("{size} 条的登记簿中没有参与单位 {institution}")
            }
            Self::EvidenceFiles => {
                "证据应是一个证据文件或两份检查点（配 --vkey 或 --policy），或两份声明（配 --keys）"
                    .to_owned()
            }
            Self::SizesDiffer { first, second } => {
                format!(
                    "两份检查点分别有 {first} 条和 {second} 条：条目数相同时才能单独构成矛盾；证据文件由 log --state 生成"
                )
            }
            Self::RightEdge => "树右缘的瓦片得不出签名树根".to_owned(),
            Self::NotVouched => "签名树根不能证明该文件".to_owned(),
            Self::Evidence(_) => "这不是分叉证据".to_owned(),
            Self::NotProven(_) => "这不能证明登记簿有过错".to_owned(),
            Self::NoContradiction => "两份声明并不矛盾".to_owned(),
            Self::Rewritten => "该条目与此前在此验证过的不同".to_owned(),
            Self::Forked { first, second, .. } => {
                format!("登记簿签了两套历史：{second} 条的检查点与此前验证的 {first} 条的检查点相矛盾")
            }
            Self::Unreachable(why) => format!("服务器没有回应：{why}"),
            Self::Status(status) => format!("服务器回应状态 {status}"),
            Self::Unwritable(_) => "文件无法写入".to_owned(),
            Self::StateRefused(_) => "此前保存的进度不能使用：删除该文件即可重新开始".to_owned(),
            Self::State(_) => "所保存的检查点格式错误：删除进度文件即可重新开始".to_owned(),
            Self::StateUnsigned => "所保存的检查点不是该登记簿所签：删除进度文件即可重新开始".to_owned(),
            Self::OtherRegistry { known, found } => {
                format!("登记簿是 {found:?}，而此前保存的进度属于 {known:?}")
            }
            Self::Behind { known, found } => {
                format!("登记簿有 {found} 条，而此前验证过 {known} 条：它落后了，或被截短")
            }
            Self::Root { expected, found } => format!("条目算出的树根是 {found}，检查点写的是 {expected}"),
            Self::HubUnknown(hub) => format!("登记簿由 {hub} 维护，信任策略没有列出它"),
            Self::HubKey => "枢纽的首个密钥不是信任策略所列的密钥".to_owned(),
        }
    }
}
