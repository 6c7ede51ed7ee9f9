//! A web server with the files of a registry, as unreliable as a test wants it.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

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
}

type Mood = dyn Fn(&str, usize) -> Answer + Send + Sync;

pub(crate) struct Server {
    pub(crate) url: String,
    asked: Arc<AtomicUsize>,
}

impl Server {
    /// Serves under `/log/`; `mood` says what the n-th request for a path is answered, n from 0.
    pub(crate) fn start(files: Files, mood: impl Fn(&str, usize) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/log/", listener.local_addr().unwrap());
        let (files, asked) = (Arc::new(Mutex::new(files)), Arc::new(AtomicUsize::new(0)));
        let (mood, times): (Arc<Mood>, Arc<Mutex<BTreeMap<String, usize>>>) =
            (Arc::new(mood), Arc::default());
        let counted = Arc::clone(&asked);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (files, times, mood) = (Arc::clone(&files), Arc::clone(&times), Arc::clone(&mood));
                counted.fetch_add(1, Ordering::Relaxed);
                std::thread::spawn(move || answer(stream.unwrap(), &files, &times, &mood));
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

fn answer(
    mut stream: TcpStream,
    files: &Mutex<Files>,
    times: &Mutex<BTreeMap<String, usize>>,
    mood: &Arc<Mood>,
) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
    let request = lines.next().unwrap().unwrap();
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
