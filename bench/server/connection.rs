//! A connection: reads requests and writes cached responses.

use std::io::{self, Read, Write};
use std::sync::atomic::Ordering::Relaxed;
use std::thread;

use crate::Shared;
use crate::answers::response;
use crate::route::Route;

const HEAD_MOST: usize = 16 << 10;

/// Serves requests until the client closes the connection.
pub(crate) fn serve(shared: &Shared, mut stream: impl Read + Write) -> io::Result<()> {
    let mut buffer = vec![0; HEAD_MOST];
    let mut filled = 0;
    let mut counted = false;
    loop {
        let head_length = loop {
            if let Some(at) = memchr::memmem::find(&buffer[..filled], b"\r\n\r\n") {
                break at + 4;
            }
            let read = stream.read(&mut buffer[filled..])?;
            if read == 0 {
                return Ok(());
            }
            filled += read;
        };
        let head = &buffer[..head_length];
        let target = target(head).ok_or_else(|| io::Error::other("no request line"))?;
        let body_length = header(head, "content-length").and_then(|value| value.parse().ok()).unwrap_or(0);
        if target == "/__counts" {
            let counts = format!(
                "{{\"connections\": {}, \"token_requests\": {}}}",
                shared.connections.swap(0, Relaxed),
                shared.token_requests.swap(0, Relaxed)
            );
            stream.write_all(&response("200 OK", counts.as_bytes()))?;
        } else {
            if !std::mem::replace(&mut counted, true) {
                shared.connections.fetch_add(1, Relaxed);
            }
            let route = Route::parse(target);
            if !route.latency.is_zero() {
                thread::sleep(route.latency);
            }
            if route.target.ends_with("/auth/oauth/token") {
                shared.token_requests.fetch_add(1, Relaxed);
                stream.write_all(&shared.answers.token())?;
            } else if header(head, "x-kal-authorization").is_some_and(|token| token.starts_with("Bearer ")) {
                let gzip = route.gzip && header(head, "accept-encoding").is_some_and(|value| value.contains("gzip"));
                stream.write_all(&shared.answers.get(route.target, gzip)?)?;
            } else {
                stream.write_all(&response("401 Unauthorized", b"{}"))?;
            }
        }
        stream.flush()?;
        let used = head_length + body_length;
        while filled < used {
            let read = stream.read(&mut buffer[filled..])?;
            if read == 0 {
                return Ok(());
            }
            filled += read;
        }
        buffer.copy_within(used..filled, 0);
        filled -= used;
    }
}

fn target(head: &[u8]) -> Option<&str> {
    let line = &head[..memchr::memchr(b'\r', head)?];
    std::str::from_utf8(line).ok()?.split(' ').nth(1)
}

fn header<'a>(head: &'a [u8], name: &str) -> Option<&'a str> {
    head.split(|byte| *byte == b'\n').find_map(|line| {
        let (found, value) = line.split_at_checked(name.len())?;
        let value = value.strip_prefix(b":")?;
        found.eq_ignore_ascii_case(name.as_bytes()).then(|| std::str::from_utf8(value).ok().map(str::trim)).flatten()
    })
}
