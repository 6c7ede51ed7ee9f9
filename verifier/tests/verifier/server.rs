//! A web server with the files of a registry, as unreliable as a test wants it.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::registry::Files;

/// What is answered to one request.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    /// The file, or 404 where there is none.
    File,
    /// A status and nothing else.
    Status(u16),
    /// The first half of the file under the length of the whole.
    Half,
    /// Headers that promise more bytes than anybody should read, and bytes without end.
    Endless,
    /// The address of the same file under another prefix.
    Elsewhere(String),
}

type Mood = dyn Fn(&str, usize) -> Answer + Send + Sync;

pub(crate) struct Server {
    pub(crate) url: String,
    asked: Arc<AtomicUsize>,
}

impl Server {
    /// Serves under `/log/`; `mood` says what the n-th request for a path is answered, n from 0.
    pub(crate) fn start(files: Files, mood: impl Fn(&str, usize) -> Answer + Send + Sync + 'static) -> Self {
        Self::start_with(None, files, mood)
    }

    /// Serves under `https://localhost`; answers with the certificate as well, which is its own authority.
    pub(crate) fn start_tls(
        files: Files,
        mood: impl Fn(&str, usize) -> Answer + Send + Sync + 'static,
    ) -> (Self, String) {
        let key = KeyPair::generate().unwrap();
        let certificate =
            CertificateParams::new(["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config =
            ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let chain = vec![certificate.der().clone()];
        let config = config.with_no_client_auth().with_single_cert(chain, key).unwrap();
        (Self::start_with(Some(Arc::new(config)), files, mood), certificate.pem())
    }

    fn start_with(
        tls: Option<Arc<ServerConfig>>,
        files: Files,
        mood: impl Fn(&str, usize) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let host = if tls.is_some() { "https://localhost" } else { "http://127.0.0.1" };
        let url = format!("{host}:{port}/log/");
        let (files, asked) = (Arc::new(Mutex::new(files)), Arc::new(AtomicUsize::new(0)));
        let (mood, times): (Arc<Mood>, Arc<Mutex<BTreeMap<String, usize>>>) =
            (Arc::new(mood), Arc::default());
        let counted = Arc::clone(&asked);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (files, times, mood) = (Arc::clone(&files), Arc::clone(&times), Arc::clone(&mood));
                counted.fetch_add(1, Ordering::Relaxed);
                let tls = tls.clone();
                std::thread::spawn(move || match tls {
                    None => answer(stream.unwrap(), &files, &times, &mood),
                    Some(tls) => answer_tls(stream.unwrap(), tls, &files, &times, &mood),
                });
            }
        });
        Self { url, asked }
    }

    pub(crate) fn honest(files: Files) -> Self {
        Self::start(files, |_, _| Answer::File)
    }

    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

/// A client that does not believe the certificate ends the connection before it asks.
fn answer_tls(
    mut stream: TcpStream,
    tls: Arc<ServerConfig>,
    files: &Mutex<Files>,
    times: &Mutex<BTreeMap<String, usize>>,
    mood: &Arc<Mood>,
) {
    let mut connection = ServerConnection::new(tls).unwrap();
    while connection.is_handshaking() {
        if connection.complete_io(&mut stream).is_err() {
            return;
        }
    }
    let mut stream = StreamOwned::new(connection, stream);
    answer(&mut stream, files, times, mood);
    stream.conn.send_close_notify();
    let _closed = stream.flush();
}

fn answer(
    mut stream: impl Read + Write,
    files: &Mutex<Files>,
    times: &Mutex<BTreeMap<String, usize>>,
    mood: &Arc<Mood>,
) {
    let mut lines = BufReader::new(&mut stream).lines();
    let Some(Ok(request)) = lines.next() else { return };
    while !lines.next().unwrap().unwrap().is_empty() {}
    let path = request.split(' ').nth(1).unwrap().trim_start_matches("/log/").to_owned();
    let nth = {
        let mut times = times.lock().unwrap();
        let nth = times.entry(path.clone()).or_default();
        *nth += 1;
        *nth - 1
    };
    let file = files.lock().unwrap().0.get(&path).cloned();
    let head = |status: u16, length: usize| {
        let dated = "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\nConnection: close";
        format!("HTTP/1.1 {status} X\r\nContent-Length: {length}\r\n{dated}\r\n\r\n")
    };
    let mut send = |bytes: &[u8]| stream.write_all(bytes).is_ok();
    match (mood(&path, nth), file) {
        (Answer::Elsewhere(prefix), _) => {
            let to = format!("HTTP/1.1 302 X\r\nLocation: {prefix}{path}\r\nContent-Length: 0\r\n\r\n");
            let _sent = send(to.as_bytes());
        }
        (Answer::Status(status), _) => {
            let _sent = send(head(status, 0).as_bytes());
        }
        (_, None) => {
            let _sent = send(head(404, 0).as_bytes());
        }
        (Answer::File, Some(bytes)) => {
            let _sent = send(head(200, bytes.len()).as_bytes()) && send(&bytes);
        }
        (Answer::Half, Some(bytes)) => {
            let _sent = send(head(200, bytes.len()).as_bytes()) && send(&bytes[..bytes.len() / 2]);
        }
        (Answer::Endless, Some(_)) => {
            send(head(200, usize::MAX / 2).as_bytes());
            while send(&[0; 65_536]) {}
        }
    }
}
