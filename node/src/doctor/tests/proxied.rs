//! The whole way, to the hub's own word, through an HTTP proxy that asks for a password.

use safeharbor_service::clock::{Clock as _, SystemClock};
use safeharbor_service::doctor::State;
use safeharbor_service::secret_file;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::{Hub, check, examine, line};
use crate::doctor::Line;
use crate::layout::Layout;
use crate::settings;
use crate::sync::Dialler;

/// A proxy that tunnels for `campus:geheim` and asks everybody else for a password.
async fn proxy() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((inside, _)) = listener.accept().await {
            tokio::spawn(serve(inside));
        }
    });
    address
}

async fn serve(mut inside: TcpStream) -> Option<()> {
    let mut asked = Vec::new();
    while !asked.ends_with(b"\r\n\r\n") {
        asked.push(inside.read_u8().await.ok()?);
    }
    let asked = String::from_utf8(asked).ok()?;
    if !asked.contains("Proxy-Authorization: Basic Y2FtcHVzOmdlaGVpbQ==\r\n") {
        inside.write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n").await.ok()?;
        inside.read_to_end(&mut Vec::new()).await.ok()?;
        return None;
    }
    let address = asked.strip_prefix("CONNECT ")?.split(' ').next()?;
    let mut outside = TcpStream::connect(address).await.ok()?;
    inside.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await.ok()?;
    tokio::io::copy_bidirectional(&mut inside, &mut outside).await.ok()?;
    Some(())
}

/// The way through the proxy at `address`, as settings and a file in `folder` say.
fn through(folder: &std::path::Path, address: &str, credentials: Option<&str>) -> Dialler {
    let mut text = format!("proxy = 'http://{address}'\nkey_exchange = 'hybrid'\n");
    if let Some(credentials) = credentials {
        secret_file::replace(&folder.join("proxy"), credentials.as_bytes()).unwrap();
        text.push_str("proxy_credentials = 'proxy'\n");
    }
    let hub: settings::Hub = toml::from_str(&text).unwrap();
    Dialler::load(&Layout::at(folder), &hub).unwrap()
}

#[tokio::test]
async fn the_hub_is_reached_and_verified_through_a_proxy_with_a_password() {
    let (hub, folder) = (Hub::tells(SystemClock.now_ms()).await, tempfile::tempdir().unwrap());
    let dialler = through(folder.path(), &proxy().await, Some("campus:geheim\n"));
    let report = examine(&Line { dialler, ..line(hub.pinned()) }).await;
    check(&report, "proxy", State::Ok, "opens the tunnel");
    for id in ["tls", "http2", "greeting", "clock"] {
        check(&report, id, State::Ok, "");
    }
}

#[tokio::test]
async fn a_proxy_that_wants_a_password_says_so_and_no_secret_is_in_the_report() {
    let (hub, folder) = (Hub::tells(0).await, tempfile::tempdir().unwrap());
    let address = proxy().await;
    let without = through(folder.path(), &address, None);
    let report = examine(&Line { dialler: without, ..line(hub.pinned()) }).await;
    check(&report, "tcp", State::Ok, "");
    check(&report, "proxy", State::Failed, "wants a user and a password (407)");
    let wrong = through(folder.path(), &address, Some("campus:falsch\n"));
    let report = examine(&Line { dialler: wrong, ..line(hub.pinned()) }).await;
    check(&report, "proxy", State::Failed, "another user or password");
    let all = report.to_json().to_string();
    assert!(!all.contains("falsch") && !all.contains("Y2Ft"), "{all}");
}
