//! What is said about each step of the way, in both languages.

use std::io;

use rustls::{AlertDescription, CertificateError, Error};
use safeharbor_certs::diagnosis::Shown;
use safeharbor_service::doctor::{Finding, Words};

use crate::speech::{chain_of, moment};
use crate::sync::{DialFailed, Dialler};

/// Further apart than this, times that people compare look wrong.
const SKEW_WARN_MS: u64 = 30_000;
/// Further apart than this, certificates and proofs are refused.
const SKEW_MAX_MS: u64 = 300_000;

fn ask_it(zh: &str, en: &str) -> Words {
    Words::new(
        format!("{zh}可用 doctor --request 生成给学校信息化部门的说明。"),
        format!("{en}`doctor --request` writes the text for campus IT."),
    )
}

pub(super) fn resolved(address: &str, found: &[String]) -> Result<Finding, Box<Finding>> {
    if found.is_empty() {
        return Err(name_failed(address, &io::ErrorKind::NotFound.into()).into());
    }
    let found = found.join(", ");
    Ok(Finding::ok("dns", Words::new(format!("{address} → {found}"), format!("{address} → {found}"))))
}

pub(super) fn name_failed(address: &str, failed: &io::Error) -> Finding {
    Finding::failed(
        "dns",
        Words::new(format!("无法解析 {address}：{failed}"), format!("{address} does not resolve: {failed}")),
        ask_it(
            "检查地址是否写对，本机的域名服务器能否解析外部域名。",
            "Check the address, and whether this machine's name server resolves outside names. ",
        ),
    )
}

/// What dialling says about the port and the proxy.
pub(super) fn dial_findings(dialler: &Dialler, address: &str, failed: Option<&DialFailed>) -> Vec<Finding> {
    let hop = dialler.first_hop(address);
    let reached =
        || Finding::ok("tcp", Words::new(format!("{hop} 可以连通"), format!("{hop} takes connections")));
    match failed {
        None => vec![reached(), proxy_used(dialler)],
        Some(DialFailed::Connect { source, .. }) => vec![unreachable(hop, source, dialler.proxy().is_some())],
        Some(refused) => vec![reached(), proxy_failed(refused)],
    }
}

fn proxy_used(dialler: &Dialler) -> Finding {
    Finding::ok(
        "proxy",
        match dialler.proxy() {
            None => Words::new(
                "设置中没有代理；不读取系统的代理变量",
                "none in the settings; the system's proxy variables are not read",
            ),
            Some(proxy) => Words::new(format!("{proxy} 打开了隧道"), format!("{proxy} opens the tunnel")),
        },
    )
}

fn unreachable(hop: &str, source: &io::Error, is_proxy: bool) -> Finding {
    let what = if is_proxy { ("代理", "the proxy") } else { ("枢纽", "the hub") };
    let (zh, en) = if source.kind() == io::ErrorKind::ConnectionRefused {
        (
            "拒绝连接：该端口没有服务，或被防火墙拒绝",
            "refuses: nothing listens there, or a firewall rejects it",
        )
    } else if source.kind() == io::ErrorKind::TimedOut {
        (
            "没有任何应答：多半是防火墙丢弃了出站连接",
            "does not answer at all: most likely a firewall drops outbound connections",
        )
    } else {
        ("无法连接", "cannot be reached")
    };
    let cause = Words::new(
        format!("{} {hop} {zh}（{source}）", what.0),
        format!("{} at {hop} {en} ({source})", what.1),
    );
    let remedy = if is_proxy {
        ask_it("检查 settings.toml 中 [hub] proxy 的地址。", "Check [hub] proxy in settings.toml. ")
    } else {
        ask_it(
            "请学校信息化部门放行到该地址和端口的出站 TCP；若学校要求走代理，在 settings.toml 写 [hub] proxy。",
            "Have campus IT allow outbound TCP to this address and port; where a proxy is required, set [hub] proxy in settings.toml. ",
        )
    };
    Finding::failed("tcp", cause, remedy)
}

fn proxy_failed(failed: &DialFailed) -> Finding {
    let en = chain_of(failed);
    let (zh, remedy) = match failed {
        DialFailed::Credentials { given: false, .. } => (
            "代理要求用户名和密码（407）",
            Words::new(
                "把 用户名:密码 写进一个权限 0600 的文件，在 settings.toml 用 [hub] proxy_credentials 指明。",
                "Put user:password into a file of mode 0600 and name it in settings.toml: [hub] proxy_credentials.",
            ),
        ),
        DialFailed::Credentials { .. } => (
            "代理不接受所给的用户名或密码（407）",
            Words::new(
                "核对 [hub] proxy_credentials 文件的内容。",
                "Check the file that [hub] proxy_credentials names.",
            ),
        ),
        DialFailed::Refused { .. } => (
            "代理不允许建立到枢纽的隧道",
            ask_it(
                "请代理的管理者允许 CONNECT 到枢纽的地址和端口。",
                "Have the proxy's operator allow CONNECT to the hub's address and port. ",
            ),
        ),
        DialFailed::NoProxy { .. } => (
            "该地址应答的不是 HTTP 代理",
            Words::new("核对 settings.toml 中的 [hub] proxy。", "Check [hub] proxy in settings.toml."),
        ),
        DialFailed::Silent { .. } | DialFailed::Connect { .. } => {
            ("代理没有应答隧道请求", ask_it("请代理的管理者查看。", "Ask the proxy's operator. "))
        }
    };
    Finding::failed("proxy", Words::new(format!("{zh}（{en}）"), en.clone()), remedy)
}

pub(super) fn lost(cause: &io::Error) -> Finding {
    Finding::failed(
        "tls",
        Words::new(
            format!("TLS 握手中断，不用混合密钥交换也一样（{cause}）"),
            format!("the TLS handshake breaks off, without the hybrid key exchange, too ({cause})"),
        ),
        ask_it(
            "确认端口是否正确；途中的设备可能拦截加密连接，请学校信息化部门放行。",
            "Check the port; a device on the way may block encrypted connections, have campus IT let them through. ",
        ),
    )
}

pub(super) fn hybrid_dropped(cause: &io::Error) -> Finding {
    Finding::warning(
        "key-exchange",
        Words::new(
            format!("途中的设备丢弃了较大的握手报文（混合密钥交换，{cause}）；传统密钥交换可以通过"),
            format!(
                "a device on the way drops the larger first message of the hybrid key exchange ({cause}); the classic one gets through"
            ),
        ),
        Words::new(
            "请学校信息化部门更新该设备；此前可在 settings.toml 写 [hub] key_exchange = \"classic\" 继续（对枢纽的验证不变，只是不防将来的量子计算机）。",
            "Have campus IT update the device; until then set [hub] key_exchange = \"classic\" in settings.toml to go on (the hub is verified all the same; what is recorded today is not safe from future quantum computers).",
        ),
    )
}

fn names(shown: &[Shown]) -> (String, String) {
    let own = shown.first();
    let subject = own.map_or_else(|| "?".to_owned(), |own| own.subject.clone());
    let issuer = shown.last().map_or_else(|| "?".to_owned(), |last| last.issuer.clone());
    (subject, issuer)
}

pub(super) fn intercepted(shown: &[Shown]) -> Finding {
    let (subject, issuer) = names(shown);
    Finding::failed(
        "tls",
        Words::new(
            format!("应答的不是枢纽：证书 {subject} 由 {issuer} 签发，连接很可能被其拦截解密"),
            format!(
                "it is not the hub that answers: the certificate {subject} is issued by {issuer}, which most likely intercepts the connection"
            ),
        ),
        ask_it(
            "请学校信息化部门对枢纽的地址关闭 TLS 解密；不要因此安装任何证书。节点不会通过这种连接发送任何内容。",
            "Have campus IT exempt the hub's address from TLS inspection; install no certificate for it. The node sends nothing over such a connection. ",
        ),
    )
}

pub(super) fn unknown_authority(shown: &[Shown]) -> Finding {
    let (subject, issuer) = names(shown);
    Finding::not_checked(
        "tls",
        Words::new(
            format!("证书 {subject} 由 {issuer} 签发；没有邀请码，无法判断是不是枢纽（用 --token 再查一次）"),
            format!(
                "the certificate {subject} is issued by {issuer}; without an invitation nobody can tell whether that is the hub (ask again with --token)"
            ),
        ),
    )
}

/// Why a verified handshake did not come about.
pub(super) fn tls_refused(refused: &Error, shown: &[Shown]) -> Finding {
    use CertificateError as C;
    if let Error::InvalidCertificate(reason) = refused {
        let expired = matches!(
            reason,
            C::Expired | C::ExpiredContext { .. } | C::NotValidYet | C::NotValidYetContext { .. }
        );
        let named = matches!(reason, C::NotValidForName | C::NotValidForNameContext { .. });
        return match (expired, named) {
            (true, _) => out_of_time(shown),
            (false, true) => other_name(shown),
            (false, false) => intercepted(shown),
        };
    }
    if matches!(refused, Error::AlertReceived(AlertDescription::NoApplicationProtocol)) {
        return http2(false);
    }
    Finding::failed(
        "tls",
        Words::new(
            format!("应答的一方不按 TLS 1.3 交谈：{refused}"),
            format!("whatever answers does not speak TLS 1.3: {refused}"),
        ),
        ask_it(
            "核对地址和端口；途中的设备可能只支持旧版 TLS。",
            "Check address and port; a device on the way may know older TLS only. ",
        ),
    )
}

fn out_of_time(shown: &[Shown]) -> Finding {
    let ends = shown.first().map_or(0, |own| own.ends_s);
    let ends = moment(u64::try_from(ends).unwrap_or(0).saturating_mul(1000));
    Finding::failed(
        "tls",
        Words::new(
            format!("枢纽的证书此刻无效（有效期至 {ends}）：证书已过期，或本机时钟不对"),
            format!(
                "the hub's certificate is not valid at this time (until {ends}): it expired, or this machine's clock is wrong"
            ),
        ),
        Words::new(
            "先核对本机时间；若正确，请联系枢纽运行方。",
            "Check this machine's time first; if it is right, tell the hub's operator.",
        ),
    )
}

fn other_name(shown: &[Shown]) -> Finding {
    let (subject, issuer) = names(shown);
    Finding::failed(
        "tls",
        Words::new(
            format!("证书 {subject}（{issuer} 签发）不是给这个名称的"),
            format!("the certificate {subject} (issued by {issuer}) is for another name"),
        ),
        Words::new(
            "核对枢纽的地址；若正确，请联系枢纽运行方。",
            "Check the hub's address; if it is right, tell the hub's operator.",
        ),
    )
}

pub(super) fn http2(agreed: bool) -> Finding {
    if agreed {
        return Finding::ok("http2", Words::new("协商为 HTTP/2", "HTTP/2 is agreed on"));
    }
    Finding::failed(
        "http2",
        Words::new(
            "对方不支持 HTTP/2：途中的设备把协议降级了",
            "the other side does not take HTTP/2: a device on the way lowers the protocol",
        ),
        ask_it(
            "请学校信息化部门对枢纽的地址放行 HTTP/2。",
            "Have campus IT let HTTP/2 through to the hub's address. ",
        ),
    )
}

pub(super) fn greeting_failed(why: &str) -> Finding {
    Finding::failed(
        "greeting",
        Words::new(format!("枢纽没有应答：{why}"), format!("the hub does not answer: {why}")),
        ask_it(
            "稍后再试；若一直如此，请联系枢纽运行方，并请信息化部门确认 HTTP/2 未被拦截。",
            "Try again later; if it stays so, tell the hub's operator, and have campus IT check that HTTP/2 gets through. ",
        ),
    )
}

pub(super) fn unusable(id: &'static str, why: &str) -> Finding {
    Finding::failed(
        id,
        Words::new(format!("检查中断：{why}"), format!("the check broke off: {why}")),
        Words::new(
            "再查一次；若一直如此，附上本结果联系支持。",
            "Check again; if it stays so, send this report along.",
        ),
    )
}

/// How far the two clocks are apart.
pub(super) fn skew(ours_ms: u64, theirs_ms: u64) -> Finding {
    let apart_ms = ours_ms.abs_diff(theirs_ms);
    let (s, tenths) = (apart_ms / 1000, apart_ms % 1000 / 100);
    let (zh, en) = if ours_ms >= theirs_ms { ("快", "ahead of") } else { ("慢", "behind") };
    let seen = Words::new(
        format!("本机时钟比枢纽{zh} {s}.{tenths} 秒"),
        format!("this machine's clock is {s}.{tenths} s {en} the hub's"),
    );
    let remedy =
        Words::new("打开时间同步（NTP，如 chrony）。", "Turn time synchronisation on (NTP, such as chrony).");
    match apart_ms {
        0..=SKEW_WARN_MS => Finding::ok("clock", seen),
        _ if apart_ms <= SKEW_MAX_MS => Finding::warning("clock", seen, remedy),
        _ => Finding::failed("clock", seen, remedy),
    }
}
