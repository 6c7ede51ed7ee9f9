//! A web server that tells what it was given to tell, one answer a connection.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

/// One answer.
#[derive(Debug, Clone)]
pub(crate) enum Told {
    Answer {
        status: u16,
        headers: Vec<String>,
        body: Vec<u8>,
    },
    /// The connection ends without one.
    Nothing,
}

impl Told {
    pub(crate) fn xml(text: String) -> Self {
        Self::Answer { status: 200, headers: Vec::new(), body: text.into_bytes() }
    }

    pub(crate) fn status(status: u16, headers: &[&str]) -> Self {
        let headers = headers.iter().map(|header| (*header).to_owned()).collect();
        Self::Answer { status, headers, body: Vec::new() }
    }

    /// The same, packed by gzip with stored blocks (RFC 1951, section 3.2.4).
    pub(crate) fn packed(self) -> Self {
        let Self::Answer { status, mut headers, body } = self else { return self };
        headers.push("Content-Encoding: gzip".to_owned());
        Self::Answer { status, headers, body: gzip(&body) }
    }
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut packed = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    let length = u16::try_from(body.len()).unwrap();
    packed.push(1);
    packed.extend(length.to_le_bytes());
    packed.extend((!length).to_le_bytes());
    packed.extend(body);
    let crc = body.iter().fold(!0_u32, |crc, byte| {
        (0..8)
            .fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 & (0_u32.wrapping_sub(crc & 1))))
    });
    packed.extend((!crc).to_le_bytes());
    packed.extend(u32::from(length).to_le_bytes());
    packed
}

/// Which answer is for which request.
#[derive(Debug)]
pub(crate) enum Answering {
    /// As they come.
    InOrder(Vec<Told>),
    /// `GetRecord` is answered by the record that names the identifier, everything else as it comes.
    ByIdentifier { others: Vec<Told>, records: Vec<Told> },
}

impl Answering {
    fn answer(&mut self, asked: &BTreeMap<String, String>) -> Told {
        match self {
            Self::InOrder(answers) => answers.remove(0),
            Self::ByIdentifier { others, records } => match asked.get("identifier") {
                None => others.remove(0),
                Some(identifier) => {
                    let named = format!("identifier=\"{identifier}\"");
                    let fits = |told: &&Told| match told {
                        Told::Answer { body, .. } => String::from_utf8_lossy(body).contains(&named),
                        Told::Nothing => false,
                    };
                    records.iter().find(fits).cloned().unwrap()
                }
            },
        }
    }
}

/// A server on a port of its own; it ends with the test.
pub(crate) struct Server {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<BTreeMap<String, String>>>>,
}

impl Server {
    pub(crate) fn start(mut answering: Answering) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&asked);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let Some(request) = read_request(&stream) else { continue };
                noted.lock().unwrap().push(request.clone());
                if let Told::Answer { status, headers, body } = answering.answer(&request) {
                    let headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
                    let head = format!(
                        "HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n{headers}\r\n",
                        body.len()
                    );
                    stream.write_all(&[head.as_bytes(), &body].concat()).unwrap();
                }
            }
        });
        Self { address, asked }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}//oai/request", self.address)
    }

    pub(crate) fn asked(&self) -> Vec<BTreeMap<String, String>> {
        self.asked.lock().unwrap().clone()
    }
}

/// The arguments of a request; none if nothing was asked.
fn read_request(stream: &TcpStream) -> Option<BTreeMap<String, String>> {
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    let first = lines.next()?;
    lines.find(String::is_empty)?;
    let query = first.split(' ').nth(1)?.split_once('?')?.1.to_owned();
    let argument = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap();
        (name.to_owned(), decode(value))
    };
    Some(query.split('&').map(argument).collect())
}

fn decode(value: &str) -> String {
    let (mut bytes, mut rest) = (Vec::new(), value.as_bytes());
    while let Some((&first, behind)) = rest.split_first() {
        if first == b'%' {
            let hex = std::str::from_utf8(&behind[..2]).unwrap();
            bytes.push(u8::from_str_radix(hex, 16).unwrap());
            rest = &behind[2..];
        } else {
            bytes.push(first);
            rest = behind;
        }
    }
    String::from_utf8(bytes).unwrap()
}

/// A recorded answer beside the checkout, or none with a visible note.
#[expect(
    clippy::disallowed_methods,
    reason = "the data folder is outside the checkout; its place comes from the environment"
)]
pub(crate) fn recorded(name: &str) -> Option<Told> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data");
    let folder = std::env::var("SAFEHARBOR_DATA").unwrap_or_else(|_| beside.to_owned());
    let file = PathBuf::from(folder).join("oai-pmh-real").join(name);
    if !file.exists() {
        eprintln!("skipped: no data at {}", file.display());
        return None;
    }
    Some(Told::Answer { status: 200, headers: Vec::new(), body: std::fs::read(file).unwrap() })
}
