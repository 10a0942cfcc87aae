//! Responses as a proxy such as nginx sends them: gzip, level 6, chunked, because it starts to send before it knows the length.

use std::io::{self, Write as _};

use flate2::Compression;
use flate2::write::GzEncoder;

const LEVEL: u32 = 6;
/// Two pages of memory: nginx compresses into buffers of one, and sends those that are full together.
const CHUNK: usize = 8 << 10;

/// Head and body in one buffer.
pub(crate) fn response(status: &str, body: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(LEVEL));
    encoder.write_all(body)?;
    let compressed = encoder.finish()?;
    let mut whole = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json; charset=utf-8\r\n\
         x-request-id: 00000000-0000-4000-8000-000000000000\r\n\
         transfer-encoding: chunked\r\nvary: accept-encoding\r\ncontent-encoding: gzip\r\n\
         date: Mon, 23 Nov 2026 12:00:00 GMT\r\n\r\n"
    )
    .into_bytes();
    for chunk in compressed.chunks(CHUNK) {
        write!(whole, "{:x}\r\n", chunk.len())?;
        whole.extend_from_slice(chunk);
        whole.extend_from_slice(b"\r\n");
    }
    whole.extend_from_slice(b"0\r\n\r\n");
    Ok(whole)
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use flate2::read::GzDecoder;

    use super::*;

    /// The body's chunks, joined, and how many there were.
    fn joined(mut rest: &[u8]) -> (Vec<u8>, usize) {
        let (mut body, mut count) = (Vec::new(), 0);
        loop {
            let end = memchr::memmem::find(rest, b"\r\n").unwrap();
            let length = usize::from_str_radix(std::str::from_utf8(&rest[..end]).unwrap(), 16).unwrap();
            let (chunk, after) = rest[end + 2..].split_at(length);
            rest = after.strip_prefix(b"\r\n").unwrap();
            if length == 0 {
                assert!(rest.is_empty());
                return (body, count);
            }
            body.extend_from_slice(chunk);
            count += 1;
        }
    }

    #[test]
    fn a_body_is_compressed_and_chunked_without_a_length() {
        // A generator of text that gzip cannot make much smaller.
        let mut state = 1_u32;
        let body: Vec<u8> = std::iter::repeat_with(|| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            b'a' + (state >> 24) as u8 % 26
        })
        .take(100_000)
        .collect();
        let whole = response("200 OK", &body).unwrap();
        let end = memchr::memmem::find(&whole, b"\r\n\r\n").unwrap();
        let head = std::str::from_utf8(&whole[..end]).unwrap();
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
        assert!(head.contains("content-encoding: gzip") && !head.contains("content-length"), "{head}");
        let (compressed, chunks) = joined(&whole[end + 4..]);
        assert_eq!(chunks, compressed.len().div_ceil(CHUNK));
        assert!(compressed.len() < body.len(), "{} bytes", compressed.len());
        let mut back = Vec::new();
        GzDecoder::new(&*compressed).read_to_end(&mut back).unwrap();
        assert!(back == body, "the body is another one");
    }
}
