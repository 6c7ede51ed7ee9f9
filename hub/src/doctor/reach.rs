//! Whether the hub's addresses take connections, from this machine.

use std::time::Duration;

use safeharbor_service::doctor::{Finding, Words};
use tokio::net::TcpStream;

use crate::office::Desk;
use crate::server::Addresses;

/// Looks at the addresses of a running hub.
pub async fn examine_reach(desk: &Desk, running: bool, patience: Duration) -> Vec<Finding> {
    let listening = std::fs::read_to_string(desk.paths.addresses()).ok();
    let listening = listening.and_then(|text| serde_json::from_str::<Addresses>(&text).ok());
    let Some(addresses) = listening.filter(|_| running) else {
        let why = || Words::new("枢纽没有运行", "the hub does not run");
        return vec![Finding::not_checked("listening", why()), Finding::not_checked("public-address", why())];
    };
    let (grpc, admin) = (addresses.grpc, addresses.admin);
    let listens =
        Words::new(format!("节点 {grpc}，运行方 {admin}"), format!("nodes {grpc}, operators {admin}"));
    vec![Finding::ok("listening", listens), reachable(&desk.public_address(), patience).await]
}

async fn reachable(public: &str, patience: Duration) -> Finding {
    let id = "public-address";
    let connected = tokio::time::timeout(patience, TcpStream::connect(public)).await;
    match connected.unwrap_or_else(|elapsed| Err(elapsed.into())) {
        Ok(_) => Finding::ok(
            id,
            Words::new(
                format!("{public} 从本机可以连通；校园能否连通由节点的 doctor 检查"),
                format!(
                    "{public} takes connections from here; whether it does from a campus, a node's doctor tells"
                ),
            ),
        ),
        Err(failed) => Finding::warning(
            id,
            Words::new(
                format!("{public} 从本机连不上：{failed}"),
                format!("{public} cannot be reached from here: {failed}"),
            ),
            Words::new(
                "核对 settings.toml 中的 public_address、域名解析、防火墙和地址转换；写进邀请码的就是它。",
                "Check public_address in settings.toml, DNS, firewall, address translation: it goes into invitations.",
            ),
        ),
    }
}
