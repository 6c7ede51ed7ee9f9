//! The text for campus IT (学校信息化部门): what the node needs of the network, what was measured, whom to ask. Facts, no secrets.

use safeharbor_service::doctor::{Report, State};

use super::Target;
use crate::speech::{Language, moment};

/// What the text is about.
#[derive(Debug)]
pub struct Requested<'a> {
    /// The hub.
    pub target: &'a Target,
    /// The proxy in the settings.
    pub proxy: Option<&'a str>,
    /// Whose node, where that is known.
    pub institution: Option<&'a str>,
    /// What was measured.
    pub report: &'a Report,
}

/// Which findings concern the network, and what they are called there.
const MEASURED: [(&str, &str); 8] = [
    ("dns", "域名解析"),
    ("tcp", "TCP 连接"),
    ("proxy", "代理"),
    ("key-exchange", "TLS 密钥交换"),
    ("tls", "TLS 证书"),
    ("http2", "HTTP/2"),
    ("greeting", "枢纽应答"),
    ("clock", "时钟"),
];

/// Writes the text; always Chinese, because its readers are.
#[must_use]
pub fn request_text(requested: &Requested<'_>) -> String {
    let Requested { target, proxy, institution, report } = requested;
    let (host, port) = target.address.rsplit_once(':').unwrap_or((&target.address, "?"));
    let whose = institution.unwrap_or("（请填写单位）");
    let mut text = format!(
        "关于放行安全港节点出站连接的申请\n\n\
         致：学校信息化部门\n\
         单位：{whose}\n\
         用途：本单位的安全港节点（科技成果转化数据网关）与区枢纽保持同步。\n\n\
         一、需要放行\n\
         1. 出站 TCP：本节点 → {host} 端口 {port}。只需出站，不需要任何入站端口或公网地址。\n\
         2. 不对该地址做 TLS 解密（中间人检查）。节点只信任枢纽自己的证书机构，连接被解密时会拒绝发送任何内容。协议为 TLS 1.3，ALPN 为 h2。\n\
         3. 放行 HTTP/2（gRPC）长连接。节点每 20 秒发送一次 HTTP/2 PING，请将该连接的空闲超时设为不少于 60 秒。\n\
         4. 放行较大的 TLS ClientHello（约 1.5–2 KB，可能分成两个 TCP 报文；含 X25519MLKEM768）。\n"
    );
    text.push_str(&match proxy {
        Some(proxy) => format!("5. 代理 {proxy}：允许 CONNECT {host}:{port}。\n"),
        None => "5. 若必须经过 HTTP 代理，请告知代理地址，并允许 CONNECT 到上述地址和端口；用户名和密码请另行交给节点管理员。\n".to_owned(),
    });
    text.push_str(&format!("\n二、已测结果（{}，由节点所在机器测得）\n", moment(report.at_ms)));
    for (id, title) in MEASURED {
        if let Some(finding) = report.finding(id) {
            let state = match finding.state {
                State::Ok => "正常",
                State::Warning => "注意",
                State::Failed => "不通",
                State::NotChecked => "未检查",
            };
            text.push_str(&format!("- {title}：{state}。{}\n", finding.cause.pick(Language::Zh)));
        }
    }
    text.push_str(
        "\n三、连接上传送什么\n\
         只传送经本单位审批或披露政策允许的声明及其回执；原始记录留在节点。连接由节点主动发起，枢纽不能访问校内其他系统。\n\n\
         四、联系\n\
         节点管理员：（请填写姓名、电话）\n\
         枢纽运行方：发出邀请码的区主管部门联系人（请填写）\n",
    );
    text
}
