//! A server that sends scripted bytes, for responses that no HTTP library would produce.
#![allow(unreachable_pub, dead_code, reason = "a part of several test programs")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use kaleidoscope::Settings;

pub const TOKEN: &str = r#"{"access_token":"at-raw","refresh_token":"rt-raw","expires_in":3600}"#;

/// What the server does after it has sent a response.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// Read the next request.
    GoOn,
    /// Close the connection.
    Close,
    /// Send nothing more and keep the connection open.
    Stall,
}

/// The first byte of a TLS connection.
const CLIENT_HELLO: u8 = 0x16;

type Script = dyn Fn(&str, usize) -> (Vec<u8>, Then) + Send + Sync;

/// Runs until the test ends.
pub struct Raw {
    pub url: String,
    pub host: String,
    requested: Arc<Mutex<Vec<String>>>,
    connections: Arc<AtomicUsize>,
}

impl Raw {
    /// `script` receives the path of a request and the number of earlier requests for that path.
    pub fn start(script: impl Fn(&str, usize) -> (Vec<u8>, Then) + Send + Sync + 'static) -> Self {
        Self::with_queries(move |target, nth| script(path_of(target), nth))
    }

    /// The same, with the query after the path.
    pub fn with_queries(script: impl Fn(&str, usize) -> (Vec<u8>, Then) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let host = listener.local_addr().expect("an address").to_string();
        let requested = Arc::<Mutex<Vec<String>>>::default();
        let (seen, script): (_, Arc<Script>) = (Arc::clone(&requested), Arc::new(script));
        let connections = Arc::<AtomicUsize>::default();
        let opened = Arc::clone(&connections);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                opened.fetch_add(1, Ordering::Relaxed);
                let (seen, script) = (Arc::clone(&seen), Arc::clone(&script));
                std::thread::spawn(move || serve(&stream, &seen, &*script));
            }
        });
        Self { url: format!("http://{host}"), host, requested, connections }
    }

    /// A server that accepts every sign-in and sends this response to every other request.
    pub fn answering(answer: impl Into<Vec<u8>>, then: Then) -> Self {
        let answer = answer.into();
        Self::start(move |path, _| if path == "/auth/oauth/token" { token() } else { (answer.clone(), then) })
    }

    pub fn settings(&self) -> Settings {
        Settings {
            client_id: Some("id".into()),
            client_secret: Some("raw-secret".to_owned().into()),
            base_url: Some(self.url.clone()),
            ..Settings::default()
        }
    }

    /// The number of connections that clients opened.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    /// The number of requests for a path.
    pub fn count(&self, path: &str) -> usize {
        self.requested.lock().expect("no panic").iter().filter(|requested| *requested == path).count()
    }
}

/// A successful response of the token endpoint.
pub fn token() -> (Vec<u8>, Then) {
    (sized("200 OK", "", TOKEN.as_bytes()), Then::GoOn)
}

pub fn sized(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n{headers}\r\n", body.len());
    [head.as_bytes(), body].concat()
}

fn serve(stream: &TcpStream, seen: &Mutex<Vec<String>>, script: &Script) {
    let mut reader = BufReader::new(stream);
    if reader.fill_buf().is_ok_and(|begin| begin.first() == Some(&CLIENT_HELLO)) {
        // The response of a typical plain-HTTP server to a TLS handshake.
        reader.consume(reader.buffer().len());
        let mut writer = stream;
        let _ = writer.write_all(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
        return;
    }
    while let Some(target) = request(&mut reader) {
        let nth = {
            let (mut seen, path) = (seen.lock().expect("no panic"), path_of(&target));
            seen.push(path.to_owned());
            seen.iter().filter(|requested| *requested == path).count() - 1
        };
        let (bytes, then) = script(&target, nth);
        let mut writer = stream;
        if writer.write_all(&bytes).is_err() || then == Then::Close {
            break;
        }
        if then == Then::Stall {
            // Until the client disconnects.
            let _ = reader.read(&mut [0]);
            break;
        }
    }
}

fn path_of(target: &str) -> &str {
    target.split('?').next().unwrap_or(target)
}

/// The path and query of the next request. Reads and discards its body.
fn request(reader: &mut impl BufRead) -> Option<String> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|length| *length > 0)?;
    let target = line.split(' ').nth(1)?.to_owned();
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|length| *length > 0)?;
        if line.trim().is_empty() {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
    }
    reader.take(length).read_to_end(&mut Vec::new()).ok()?;
    Some(target)
}
