//! The admin address over a real connection.

use std::net::SocketAddr;

use safeharbor_service::clock::{Clock, ManualClock};
use safeharbor_service::random::{Random, SystemRandom};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use super::super::*;
use crate::opening::{OpenHub, open};
use crate::setup::{Naming, set_up};

struct Served {
    address: SocketAddr,
    shutdown: Shutdown,
    task: JoinHandle<()>,
    cookie: String,
    _hub: OpenHub,
    _folder: tempfile::TempDir,
}

struct Answer {
    head: String,
    body: String,
}

impl Served {
    async fn start() -> Self {
        Self::start_with(pages()).await
    }

    /// With other pages behind the door.
    async fn start_with(pages: Router<AdminState>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::at_ms(1_778_311_773_120));
        let naming = Naming { name: "hub.example".to_owned(), origin: None, tls_names: Vec::new() };
        set_up(folder.path(), &naming, clock.as_ref(), &SystemRandom).unwrap();
        let random: Arc<dyn Random> = Arc::new(SystemRandom);
        let hub = open(folder.path(), &[], (&clock, &random)).unwrap();
        let secret = secrecy::SecretString::from("correct horse battery staple");
        let observer = hub.desk.persons.add("观", safeharbor_service::person::Role::Observer, &secret, None);
        let token = crate::session::begin(&hub.desk, observer.unwrap(), clock.now_ms()).unwrap();
        let cookie = format!("Cookie: {}={}\r\n", door::COOKIE, *token);
        let state = AdminState::new(Office::new(hub.desk.clone(), tokio::sync::mpsc::channel(1).0));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, shutdown) = (listener.local_addr().unwrap(), Shutdown::new());
        let task = tokio::spawn(serve_pages(listener, (state, pages), shutdown.clone()));
        Self { address, shutdown, task, cookie, _hub: hub, _folder: folder }
    }

    async fn ask(&self, method: &str, path: &str, headers: &str) -> Answer {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let request =
            format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n{}{headers}\r\n", self.cookie);
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        Answer { head: head.to_ascii_lowercase(), body: body.to_owned() }
    }

    async fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, "Host: 127.0.0.1\r\n").await
    }
}

impl Answer {
    fn status(&self) -> &str {
        self.head.split(' ').nth(1).unwrap_or_default()
    }
}

#[tokio::test]
async fn an_empty_hub_says_what_will_appear() {
    let served = Served::start().await;
    let page = served.get("/").await;
    assert_eq!(page.status(), "200");
    assert!(page.head.contains("content-type: text/html; charset=utf-8"));
    assert!(page.body.contains("<html lang=\"zh-CN\">"));
    for text in ["内部资料", "尚未接纳任何单位", "safeharbor-hub institution add", "尚无记录"]
    {
        assert!(page.body.contains(text), "{text}");
    }
    let json: Value = serde_json::from_str(&served.get("/board.json").await.body).unwrap();
    assert!(page.body.contains(json["registry"]["root"].as_str().unwrap().trim_end_matches('=')));
    assert_eq!(json["statements"]["logged"], 0);
}

#[tokio::test]
async fn the_language_follows_the_parameter_and_the_browser() {
    let served = Served::start().await;
    let lang = async |path: &str, accept: &str| {
        let headers = format!("Host: localhost\r\nAccept-Language: {accept}\r\n");
        let body = served.ask("GET", path, &headers).await.body;
        if body.contains("<html lang=\"en\">") { "en" } else { "zh" }
    };
    assert_eq!(lang("/", "en-US,en;q=0.9").await, "en");
    assert_eq!(lang("/?lang=zh-CN", "en-US,en;q=0.9").await, "zh");
    assert_eq!(lang("/?lang=en&lang=en&x=%FF", "zh").await, "en");
}

#[tokio::test]
async fn every_answer_carries_the_strict_headers() {
    let served = Served::start().await;
    for (path, status) in [("/", "200"), ("/board.json", "200"), ("/healthz", "200"), ("/admin", "404")] {
        let answer = served.get(path).await;
        assert_eq!(answer.status(), status, "{path}");
        for header in [
            "content-security-policy: default-src 'none'; style-src 'unsafe-inline'; img-src data:;",
            "frame-ancestors 'none'",
            "x-content-type-options: nosniff",
            "referrer-policy: same-origin",
            "cache-control: no-store",
        ] {
            assert!(answer.head.contains(header), "{path}: {header}");
        }
    }
}

#[tokio::test]
async fn only_reading_is_answered() {
    let served = Served::start().await;
    let head = served.ask("HEAD", "/", "Host: [::1]:80\r\n").await;
    assert_eq!((head.status(), head.body.as_str()), ("200", ""));
    for method in ["PUT", "DELETE", "OPTIONS", "TRACE"] {
        for path in ["/", "/board.json", "/healthz", "/nothing"] {
            let answer = served.ask(method, path, "Host: 127.0.0.1\r\n").await;
            assert_eq!(answer.status(), "405", "{method} {path}");
            assert!(answer.head.contains("allow: get, head, post"));
        }
    }
    for (path, status) in [("/", "405"), ("/board.json", "405"), ("/healthz", "405"), ("/nothing", "404")] {
        assert_eq!(served.ask("POST", path, "Host: 127.0.0.1\r\n").await.status(), status, "POST {path}");
    }
}

#[tokio::test]
async fn a_foreign_name_that_points_here_is_not_answered() {
    let served = Served::start().await;
    assert_eq!(served.ask("GET", "/board.json", "Host: evil.example\r\n").await.status(), "421");
    assert_eq!(served.ask("GET", "/board.json", "Host: hub.example:8443\r\n").await.status(), "200");
}

#[tokio::test]
async fn half_a_request_does_not_hold_the_shutdown_up() {
    let served = Served::start().await;
    let mut stream = TcpStream::connect(served.address).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: ").await.unwrap();
    assert_eq!(served.get("/healthz").await.status(), "200");
    served.shutdown.trigger();
    tokio::time::timeout(Duration::from_secs(60), served.task).await.unwrap().unwrap();
}

#[tokio::test]
async fn access_matrix_a_page_that_is_not_in_the_table_is_not_served() {
    let forgotten = || routing::any(async || "what nobody decided about");
    let pages = pages().route("/forgotten", forgotten()).route("/board.json/{of}", forgotten());
    let served = Served::start_with(pages).await;
    for path in ["/forgotten", "/forgotten?lang=zh", "/board.json/x"] {
        for method in ["GET", "HEAD", "POST"] {
            let answer = served.ask(method, path, "Content-Length: 0\r\n").await;
            assert!(answer.head.starts_with("http/1.1 404 "), "{method} {path}: {}", answer.head);
            assert!(!answer.body.contains("nobody decided"), "{method} {path}");
        }
    }
    assert_eq!(served.get("/board.json").await.status(), "200");
}
