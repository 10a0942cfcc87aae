//! A request as received.

use std::io::{self, Read};

/// A request.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// `GET`, `POST`, `CONNECT`.
    pub method: String,
    /// Path and query.
    pub target: String,
    /// In the order received; names in lower case.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body, by its `Content-Length`.
    pub body: Vec<u8>,
    /// All bytes as received.
    pub raw: Vec<u8>,
    /// Its index on its connection, from 0.
    pub nth: usize,
    /// The connection's number.
    pub connection: u64,
}

impl Asked {
    /// The target without its query.
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// The first header of this name (in lower case).
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_slice())
    }

    /// Whether it is a token request.
    pub fn is_sign_in(&self) -> bool {
        self.path().ends_with("/auth/oauth/token")
    }

    /// A form field of its body.
    pub fn field(&self, name: &str) -> Option<String> {
        url::form_urlencoded::parse(&self.body).find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
    }

    /// Reads the next request; `None` if the client has disconnected.
    pub(super) fn read(stream: &mut impl Read) -> io::Result<Option<Self>> {
        let mut raw = Vec::new();
        let mut chunk = [0; 4096];
        let head = loop {
            if let Some(at) = raw.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            match stream.read(&mut chunk)? {
                0 => return Ok(None),
                n => raw.extend_from_slice(&chunk[..n]),
            }
        };
        let text = String::from_utf8_lossy(&raw[..head]).into_owned();
        let mut words = text.lines().next().unwrap_or_default().split(' ').map(str::to_owned);
        let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let headers = raw[..head]
            .split(|byte| *byte == b'\n')
            .skip(1)
            .filter_map(|line| {
                let line = line.strip_suffix(b"\r").unwrap_or(line);
                let colon = line.iter().position(|byte| *byte == b':')?;
                Some((String::from_utf8_lossy(&line[..colon]).to_lowercase(), line[colon + 1..].trim_ascii().to_vec()))
            })
            .collect();
        let mut asked = Self { method, target, headers, ..Self::default() };
        let length = asked.header("content-length").and_then(|value| std::str::from_utf8(value).ok()?.parse().ok());
        let all = head + length.unwrap_or(0);
        while raw.len() < all {
            match stream.read(&mut chunk)? {
                0 => return Ok(None),
                n => raw.extend_from_slice(&chunk[..n]),
            }
        }
        asked.body = raw[head..].to_vec();
        asked.raw = raw;
        Ok(Some(asked))
    }
}
