//! Cached responses, each requested from the emulator on first use.

use std::collections::HashMap;
use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::{Arc, PoisonError, RwLock};

use kal_emulator::{Config, Emulator};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::compressed;

const MEMBERS: usize = 100_000;
const EVENTS: usize = 1_000_000;

pub(crate) struct Answers {
    emulator: Emulator,
    authorization: String,
    token: Arc<Vec<u8>>,
    plain: Rendered,
    compressed: Rendered,
}

/// By target.
type Rendered = RwLock<HashMap<String, Arc<Vec<u8>>>>;

impl Answers {
    pub(crate) fn new() -> io::Result<Self> {
        // Page 1 is the first; page 0 is rejected, which is the emulator's default.
        let config = Config { members: MEMBERS, events: EVENTS, gzip: false, ..Config::default() };
        let emulator = Emulator::start(config)?;
        let form = format!(
            "grant_type=client_credentials&client_id={}&client_secret={}",
            emulator.client_id(),
            emulator.client_secret()
        );
        let head = format!(
            "POST /auth/oauth/token HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}",
            form.len()
        );
        let (_, token) = ask(&emulator, &head, &form)?;
        let answer: Value = serde_json::from_slice(&token)?;
        let authorization =
            format!("X-Kal-Authorization: Bearer {}", answer["access_token"].as_str().unwrap_or_default());
        let token = Arc::new(response("200 OK", &token));
        Ok(Self { emulator, authorization, token, plain: Rendered::default(), compressed: Rendered::default() })
    }

    /// The response of the token endpoint.
    pub(crate) fn token(&self) -> Arc<Vec<u8>> {
        Arc::clone(&self.token)
    }

    /// The response to a GET.
    pub(crate) fn get(&self, target: &str, gzip: bool) -> io::Result<Arc<Vec<u8>>> {
        let rendered = if gzip { &self.compressed } else { &self.plain };
        if let Some(ready) = rendered.read().unwrap_or_else(PoisonError::into_inner).get(target) {
            return Ok(Arc::clone(ready));
        }
        let (status, body) = self.make(target)?;
        let answer = Arc::new(if gzip { compressed::response(&status, &body)? } else { response(&status, &body) });
        rendered.write().unwrap_or_else(PoisonError::into_inner).insert(target.to_owned(), Arc::clone(&answer));
        Ok(answer)
    }

    /// Status and body.
    fn make(&self, target: &str) -> io::Result<(String, Vec<u8>)> {
        let (members, path) = match target.strip_prefix("/n").and_then(|rest| rest.split_once('/')) {
            Some((members, _)) => (members.parse().unwrap_or(MEMBERS), &target[members.len() + 2..]),
            None => (MEMBERS, target),
        };
        let (status, body) = ask(&self.emulator, &format!("GET {path} HTTP/1.1\r\n{}", self.authorization), "")?;
        if path == "/workspaces/members" {
            return Ok((status, resized(&body, members)?));
        }
        Ok((status, body))
    }
}

/// A list of `count` elements that repeats those of `list`.
fn resized(list: &[u8], count: usize) -> io::Result<Vec<u8>> {
    let elements: Vec<&RawValue> = serde_json::from_slice(list)?;
    let texts: Vec<&str> = elements.iter().cycle().take(count).map(|element| element.get()).collect();
    Ok(format!("[{}]", texts.join(",")).into_bytes())
}

/// Head and body in one buffer.
pub(crate) fn response(status: &str, body: &[u8]) -> Vec<u8> {
    let mut whole = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json; charset=utf-8\r\n\
         x-request-id: 00000000-0000-4000-8000-000000000000\r\ncontent-length: {}\r\n\
         date: Mon, 23 Nov 2026 12:00:00 GMT\r\n\r\n",
        body.len()
    )
    .into_bytes();
    whole.extend_from_slice(body);
    whole
}

/// Sends a request to the emulator and returns status, reason and body.
fn ask(emulator: &Emulator, head: &str, body: &str) -> io::Result<(String, Vec<u8>)> {
    let address = emulator.url().trim_start_matches("http://");
    let mut stream = TcpStream::connect(address)?;
    write!(stream, "{head}\r\nHost: {address}\r\nConnection: close\r\n\r\n{body}")?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let wrong = || io::Error::other("the emulator's response is not HTTP");
    let end = memchr::memmem::find(&answer, b"\r\n\r\n").ok_or_else(wrong)?;
    let line = std::str::from_utf8(&answer[..end]).ok().and_then(|head| head.lines().next()).ok_or_else(wrong)?;
    let status = line.split_once(' ').ok_or_else(wrong)?.1.to_owned();
    Ok((status, answer.split_off(end + 4)))
}
