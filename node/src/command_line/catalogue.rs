//! The words of `catalogue`.

use clap::Subcommand;

/// What can be asked about catalogue versions.
#[derive(Debug, Subcommand)]
pub enum CatalogueWords {
    /// 列出本节点有的版本 List the versions that are here
    List,
    /// 查看一个版本的记录类别 Show the kinds of a version
    Show {
        /// 版本摘要或其开头 Its digest, or how that begins [default: the one in use]
        #[arg(value_name = "CAT")]
        cat: Option<String>,
    },
    /// 说明一个版本将改变什么 Say what a version would change here
    Diff {
        /// 版本摘要或其开头 Its digest, or how that begins [default: the one the hub offers]
        #[arg(value_name = "CAT")]
        cat: Option<String>,
    },
    /// 说明将改变什么，然后接受 Say what would change, then accept
    Accept {
        /// 版本摘要或其开头 Its digest, or how that begins
        #[arg(value_name = "CAT")]
        cat: String,
        /// 接受人（审批或管理员） Who accepts (approver or administrator)
        #[arg(long, value_name = "NAME")]
        person: String,
    },
    /// 历次接受的版本 Who accepted which versions, and when
    History,
}
