//! Proxies that tunnel, refuse, fall silent or are none, on real sockets.

use proptest::prelude::*;
use std::os::unix::fs::PermissionsExt as _;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;

use super::*;

const HUB: &str = "hub.example.org:7443";

/// Answers one connection with `answer` and returns what was asked.
async fn proxy(answer: &'static [u8]) -> (Dialler, tokio::task::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let asked = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut asked = Vec::new();
        while !asked.ends_with(b"\r\n\r\n") {
            asked.push(stream.read_u8().await.unwrap());
        }
        stream.write_all(answer).await.unwrap();
        // Held open until the other side is done, so that nothing written is lost to a reset.
        stream.read_to_end(&mut Vec::new()).await.ok();
        String::from_utf8(asked).unwrap()
    });
    let proxy = Proxy { address, authorization: None };
    (Dialler { proxy: Some(proxy), ..Dialler::default() }, asked)
}

fn with_credentials(dialler: Dialler) -> Dialler {
    let mut proxy = dialler.proxy.unwrap();
    proxy.authorization = Some(Arc::new(authorization_of(b"campus:geheim\n").unwrap()));
    Dialler { proxy: Some(proxy), ..dialler }
}

async fn refused(answer: &'static [u8]) -> DialFailed {
    let (dialler, _asked) = proxy(answer).await;
    dialler.waiting(Duration::from_millis(200)).dial(HUB).await.unwrap_err()
}

#[tokio::test]
async fn a_tunnel_carries_what_follows_the_answer_and_the_proxy_learns_the_address_alone() {
    let (dialler, asked) = proxy(b"HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\nTLS").await;
    let mut stream = with_credentials(dialler).dial(HUB).await.unwrap();
    let mut first = [0; 3];
    stream.read_exact(&mut first).await.unwrap();
    assert_eq!(&first, b"TLS");
    drop(stream);
    let expected = format!(
        "CONNECT {HUB} HTTP/1.1\r\nHost: {HUB}\r\nProxy-Authorization: Basic Y2FtcHVzOmdlaGVpbQ==\r\n\r\n"
    );
    assert_eq!(asked.await.unwrap(), expected);
}

#[tokio::test]
async fn every_refusal_of_a_proxy_has_its_own_words() {
    let wants = refused(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n").await;
    assert!(wants.to_string().contains("wants a user and a password (407)"), "{wants}");
    let forbids = refused(b"HTTP/1.0 403 Forbidden\r\n\r\n").await;
    assert!(matches!(&forbids, DialFailed::Refused { status: 403, .. }), "{forbids}");
    assert!(matches!(refused(b"SSH-2.0-OpenSSH\r\n\r\n").await, DialFailed::NoProxy { .. }));
    assert!(matches!(refused(b"HTTP/1.1 hello\r\n\r\n").await, DialFailed::NoProxy { .. }));
    assert!(matches!(refused(b"HTTP/1.1 200 OK\r\n").await, DialFailed::Silent { .. }));
}

#[tokio::test]
async fn other_credentials_are_asked_for_where_some_were_given() {
    let (dialler, _asked) = proxy(b"HTTP/1.1 407 No\r\n\r\n").await;
    let wants = with_credentials(dialler).dial(HUB).await.unwrap_err();
    assert!(wants.to_string().contains("another user or password"), "{wants}");
}

#[tokio::test]
async fn an_endless_answer_is_not_read_to_its_end() {
    let long: &'static [u8] = Box::leak([b"HTTP/1.1 200 OK\r\n".as_slice(), &[b'x'; 20_000]].concat().into());
    assert!(matches!(refused(long).await, DialFailed::NoProxy { .. }));
}

#[tokio::test]
async fn the_system_probes_a_silent_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let stream = Dialler::default().dial(&listener.local_addr().unwrap().to_string()).await.unwrap();
    assert!(SockRef::from(&stream).keepalive().unwrap());
    assert_eq!(SockRef::from(&stream).tcp_keepalive_time().unwrap(), TCP_KEEP_ALIVE);
}

#[test]
fn credentials_come_from_a_closed_file_and_are_never_shown() {
    let folder = tempfile::tempdir().unwrap();
    let layout = Layout::at(folder.path());
    let hub: settings::Hub = toml::from_str(
        "proxy = 'http://proxy.example:8080'\nproxy_credentials = 'proxy'\nkey_exchange = 'classic'",
    )
    .unwrap();
    let file = folder.path().join("proxy");
    std::fs::write(&file, "campus:geheim\n").unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    assert!(matches!(Dialler::load(&layout, &hub), Err(LoadDialFailed::Secret(_))));
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    let dialler = Dialler::load(&layout, &hub).unwrap();
    assert_eq!(dialler.proxy(), Some("proxy.example:8080"));
    let shown = format!("{dialler:?}");
    assert!(!shown.contains("geheim") && !shown.contains("Y2Ft"), "{shown}");
    std::fs::write(&file, "geheim").unwrap();
    let refused = Dialler::load(&layout, &hub).unwrap_err();
    assert!(matches!(refused, LoadDialFailed::Form) && !refused.to_string().contains("geheim"));
}

proptest! {
    #[test]
    fn no_answer_makes_it_panic(answer in proptest::collection::vec(any::<u8>(), 0..60)) {
        status_of(&answer);
        status_of(&[b"HTTP/1.1 ", answer.as_slice(), b"\r\n\r\n"].concat());
        authorization_of(&answer).ok();
    }
}
