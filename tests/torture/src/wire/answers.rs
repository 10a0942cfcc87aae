//! Good responses, and building blocks of bad ones.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

/// The access token in [`token_body`].
pub const ACCESS_TOKEN: &str = "at-of-the-wire-server";

/// A good body for a path of the API or for the token endpoint.
pub fn good_body(path: &str) -> Vec<u8> {
    match path.rsplit('/').next().unwrap_or_default() {
        "active" => r#"{"id":"id-1","workspace_name":"Blue lab"}"#.into(),
        "members" => {
            r#"[{"id":"id-1","full_name":"Ada","access_level":"admin"},{"id":"id-2","email":"b@example.org"}]"#.into()
        }
        "groups" => r#"[{"id":"id-1","group_name":"Chemists","user_ids":["id-1","id-2"],"program_ids":[]}]"#.into(),
        "token" => token_body(3600),
        _ => r#"[{"id":"id-1","event_type":"create","created_at":"2026-01-02T03:04:05.678Z","is_bot":false}]"#.into(),
    }
}

/// The token endpoint's body.
pub fn token_body(expires_in: u64) -> Vec<u8> {
    format!(r#"{{"access_token":"{ACCESS_TOKEN}","refresh_token":"rt-of-the-wire-server","expires_in":{expires_in}}}"#)
        .into()
}

/// A response: status line, headers (each with its line end), blank line, body, with nothing added.
pub fn answer(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let mut answer = format!("HTTP/1.1 {status}\r\n{headers}\r\n").into_bytes();
    answer.extend_from_slice(body);
    answer
}

/// A response with its `Content-Length`.
pub fn sized(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    answer(status, &format!("Content-Type: application/json\r\nContent-Length: {}\r\n{headers}", body.len()), body)
}

/// The good response for a path.
pub fn good(path: &str) -> Vec<u8> {
    sized("200 OK", "", &good_body(path))
}

/// The good response in three chunks.
pub fn chunked(path: &str) -> Vec<u8> {
    let body = good_body(path);
    let (first, rest) = body.split_at(body.len() / 3);
    let (second, third) = rest.split_at(rest.len() / 2);
    let mut text = Vec::new();
    for chunk in [first, second, third, &[]] {
        text.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        text.extend_from_slice(chunk);
        text.extend_from_slice(b"\r\n");
    }
    answer("200 OK", "Transfer-Encoding: chunked\r\n", &text)
}

/// The good response without a length: it ends with the connection.
pub fn unsized_(path: &str) -> Vec<u8> {
    answer("200 OK", "Connection: close\r\n", &good_body(path))
}

/// The good response with a compressed body.
pub fn gzipped(path: &str) -> Vec<u8> {
    sized("200 OK", "Content-Encoding: gzip\r\n", &gzip(&good_body(path)))
}

/// Compresses.
///
/// # Panics
///
/// Never: writing into memory does not fail.
pub fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(body).expect("memory");
    encoder.finish().expect("memory")
}

/// `megabytes` of spaces in a JSON list, compressed a thousandfold.
///
/// # Panics
///
/// Never: writing into memory does not fail.
pub fn bomb(megabytes: usize) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let spaces = vec![b' '; 1 << 20];
    encoder.write_all(b"[").expect("memory");
    for _ in 0..megabytes {
        encoder.write_all(&spaces).expect("memory");
    }
    encoder.write_all(b"]").expect("memory");
    encoder.finish().expect("memory")
}
