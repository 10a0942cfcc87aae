//! A response body, decompressed if the server compressed it, and never longer than its cap.

use std::ops::ControlFlow;

use super::gzip::{self, Gzip};
use super::spare_buffer::SENTINEL;
use super::{OnBody, paced};
use crate::platform::prefer_huge_pages;

/// The maximum allocation for a `Content-Length`; beyond it, memory grows as the bytes arrive.
const MAX_PRESIZE: usize = 64 << 20;

/// So much of a body has to arrive before its buffer may have huge pages: its length may only be claimed.
const LARGE: usize = 4 << 20;

/// A body that is being received.
pub(super) enum Body {
    Plain(Capped),
    Gzip(Box<Gzip>),
}

/// Why a body was rejected.
pub(super) enum Stop {
    /// It is longer than the cap; it was truncated there.
    Full,
    /// It is not valid gzip, as its `Content-Encoding` declares.
    Corrupt(String),
}

/// After this many bytes, inflated or decoded, the task yields.
const YIELD_AFTER: usize = 128 << 10;

impl Body {
    /// `length` is that of the content, if known. `spare_buffer` returns a buffer of at least that capacity, or of any if it is not
    /// known, if there is one.
    pub(super) fn new(
        is_gzip: bool,
        length: Option<usize>,
        cap: usize,
        spare_buffer: impl FnOnce(Option<usize>) -> Option<Vec<u8>>,
    ) -> Self {
        let capacity = length.map(|length| length.min(cap).min(MAX_PRESIZE) + SENTINEL);
        let bytes = spare_buffer(capacity).unwrap_or_else(|| Vec::with_capacity(capacity.unwrap_or(0)));
        if is_gzip { Self::Gzip(Box::new(Gzip::new(bytes, cap))) } else { Self::Plain(Capped { bytes, cap }) }
    }

    /// The maximum number of bytes on the wire of a body of at most `cap` bytes.
    pub(super) fn max_raw(is_gzip: bool, cap: usize) -> usize {
        if is_gzip { Gzip::max_raw(cap) } else { cap }
    }

    /// The work done so far, in bytes.
    fn work(&self) -> usize {
        match self {
            Self::Plain(_) => self.len(),
            Self::Gzip(gzip) => gzip.work(),
        }
    }

    /// The number of bytes received and decompressed so far.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Plain(capped) => capped.bytes.len(),
            Self::Gzip(gzip) => gzip.bytes().len(),
        }
    }

    /// How many bytes from the wire may be processed without a yield.
    pub(super) fn piece_len(&self) -> usize {
        match self {
            Self::Plain(_) => YIELD_AFTER,
            Self::Gzip(_) => gzip::PIECE,
        }
    }

    pub(super) fn take(&mut self, chunk: &[u8]) -> Result<(), Stop> {
        match self {
            Self::Plain(capped) => capped.take(chunk),
            Self::Gzip(gzip) => gzip.take(chunk),
        }
    }

    /// The bytes received and decompressed so far.
    pub(super) fn bytes_mut(&mut self) -> &mut [u8] {
        match self {
            Self::Plain(capped) => &mut capped.bytes,
            Self::Gzip(gzip) => gzip.bytes_mut(),
        }
    }

    /// The end of the body: an incomplete gzip member is an error.
    pub(super) fn end(&self) -> Result<(), Stop> {
        match self {
            Self::Plain(_) => Ok(()),
            Self::Gzip(gzip) => gzip.end(),
        }
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        match self {
            Self::Plain(capped) => capped.bytes,
            Self::Gzip(gzip) => gzip.into_bytes(),
        }
    }
}

/// Appends a chunk in pieces, calls `on_body` after each, and yields in between.
pub(super) async fn take(
    body: &mut Body,
    chunk: &[u8],
    mut on_body: Option<&mut OnBody<'_>>,
    total_len: usize,
) -> Result<ControlFlow<()>, Stop> {
    paced::chunk_taken();
    let mut work_at_yield = body.work();
    for piece in chunk.chunks(body.piece_len()) {
        let mut shown = body.bytes_mut().len();
        body.take(piece)?;
        if body.work() - work_at_yield >= YIELD_AFTER {
            work_at_yield = body.work();
            tokio::task::yield_now().await;
        }
        let Some(on_body) = &mut on_body else { continue };
        let bytes = body.bytes_mut();
        while shown < bytes.len() {
            shown = bytes.len().min(shown + YIELD_AFTER);
            if on_body(&mut bytes[..shown], total_len).is_break() {
                return Ok(ControlFlow::Break(()));
            }
            if shown < bytes.len() {
                tokio::task::yield_now().await;
            }
        }
    }
    Ok(ControlFlow::Continue(()))
}

/// A body of at most `cap` bytes.
pub(super) struct Capped {
    bytes: Vec<u8>,
    cap: usize,
}

impl Capped {
    fn take(&mut self, chunk: &[u8]) -> Result<(), Stop> {
        let fits = chunk.len().min(self.cap - self.bytes.len());
        let (length, capacity) = (self.bytes.len(), self.bytes.capacity());
        self.bytes.extend_from_slice(&chunk[..fits]);
        if self.bytes.capacity() != capacity || (length..self.bytes.len()).contains(&LARGE) {
            prefer_huge_pages(&self.bytes);
        }
        if fits < chunk.len() { Err(Stop::Full) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn plain(length: Option<usize>, cap: usize) -> Body {
        Body::new(false, length, cap, |_| None)
    }

    fn gzipped(cap: usize) -> Body {
        Body::new(true, None, cap, |_| None)
    }

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(text).expect("memory");
        encoder.finish().expect("memory")
    }

    /// Red when the writer does not count: the text is not truncated.
    #[test]
    fn a_body_over_its_cap_is_truncated() {
        let text = vec![b'a'; 100_000];
        for mut body in [plain(None, 1000), plain(Some(2000), 1000), gzipped(1000)] {
            let bytes = if matches!(body, Body::Plain(_)) { text.clone() } else { gzip(&text) };
            assert!(matches!(body.take(&bytes), Err(Stop::Full)));
            assert_eq!(body.into_bytes(), text[..1000]);
        }
        let mut body = gzipped(text.len());
        assert!(body.take(&gzip(&text)).is_ok() && body.end().is_ok());
        assert_eq!(body.into_bytes(), text);
    }

    #[test]
    fn gzip_is_read_in_any_pieces_and_with_several_members() {
        let bytes = [gzip(b"one, "), gzip(b"two")].concat();
        for size in 1..bytes.len() {
            let mut body = gzipped(100);
            assert!(bytes.chunks(size).all(|chunk| body.take(chunk).is_ok()) && body.end().is_ok(), "{size}");
            assert_eq!(body.into_bytes(), b"one, two");
        }
    }

    /// Red when members count only by their bytes: 3,300 of them fit.
    #[test]
    fn small_gzip_members_count_for_more_than_their_bytes() {
        for text in [&b""[..], b"x"] {
            let mut body = gzipped(10_000);
            let taken = (0..10_000).take_while(|_| body.take(&gzip(text)).is_ok()).count();
            assert!((10..100).contains(&taken), "{taken}");
        }
        let mut body = gzipped(1 << 20);
        let all = gzip(&[b'x'; gzip::MIN_MEMBER]).repeat(256);
        assert!(body.take(&all).is_ok() && body.end().is_ok(), "larger members count by their bytes");
    }

    /// Red when the end is not checked: a truncated body is accepted as complete.
    #[test]
    fn truncated_or_damaged_gzip_is_corrupt() {
        let whole = gzip(b"a text that is long enough to be compressed, compressed, compressed");
        for length in 1..whole.len() {
            let mut body = gzipped(1000);
            let outcome = body.take(&whole[..length]).and_then(|()| body.end());
            assert!(matches!(outcome, Err(Stop::Corrupt(_))), "{length}");
        }
        let mut damaged = whole.clone();
        let at = damaged.len() - 8;
        damaged[at] ^= 1;
        let mut body = gzipped(1000);
        assert!(matches!(body.take(&damaged).and_then(|()| body.end()), Err(Stop::Corrupt(_))));
    }

    /// Red when padding is read as another member: "incomplete deflate stream", "invalid gzip header".
    #[test]
    fn padding_after_gzip_is_ignored_but_a_truncated_member_is_not() {
        for garbage in [&b"garbage!"[..], b"garbage that is longer than a header", &[0; 512]] {
            let bytes = [&gzip(b"text"), garbage].concat();
            for size in 1..bytes.len() {
                let mut body = gzipped(100);
                assert!(bytes.chunks(size).all(|chunk| body.take(chunk).is_ok()) && body.end().is_ok(), "{size}");
                assert_eq!(body.into_bytes(), b"text");
            }
        }
        let second = gzip(b"two");
        let mut body = gzipped(100);
        let outcome = body.take(&[&gzip(b"one"), &second[..second.len() - 4]].concat()).and_then(|()| body.end());
        assert!(matches!(outcome, Err(Stop::Corrupt(_))));
    }

    /// Red when the claimed length is enough, and when only what grows is advised.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_buffer_has_huge_pages_once_much_has_arrived() {
        use crate::platform::prefers_huge_pages;

        let mut body = Capped { bytes: Vec::with_capacity(MAX_PRESIZE + SENTINEL), cap: MAX_PRESIZE };
        assert!(body.take(&[b' '; 1000]).is_ok());
        assert_ne!(prefers_huge_pages(&body.bytes), Some(true));
        assert!(body.take(&vec![b' '; LARGE]).is_ok());
        assert_ne!(prefers_huge_pages(&body.bytes), Some(false));
    }

    #[test]
    fn an_empty_body_is_not_damaged_gzip() {
        let body = gzipped(10);
        assert!(body.end().is_ok());
        assert!(body.into_bytes().is_empty());
    }

    /// Red when the buffer grows by doubling alone: it has twice the cap.
    #[test]
    fn a_decompression_bomb_takes_no_more_memory_than_the_cap() {
        let bomb = gzip(&vec![b' '; 8 << 20]);
        let mut body = gzipped(5 << 20);
        assert!(matches!(body.take(&bomb), Err(Stop::Full)));
        let bytes = body.into_bytes();
        assert!(bytes.len() == 5 << 20 && bytes.capacity() <= (5 << 20) + 1, "{}", bytes.capacity());
    }

    /// Red when any byte after a member begins another one: one that is cut in its first two bytes counts as truncated.
    #[test]
    fn what_begins_like_a_member_is_one() {
        for (rest, is_padding) in [(&[0x1F][..], true), (&[0x1F, 0x8B], true), (&[0x1F, 0x8B, 8], false)] {
            let mut body = gzipped(100);
            assert!(body.take(&[&gzip(b"text"), rest].concat()).is_ok());
            assert_eq!(body.end().is_ok(), is_padding, "{rest:?}");
        }
        let mut body = gzipped(100);
        assert!(body.take(&[&gzip(b"text")[..], &[0x1F, 0x8B, 7, 0, 0, 0, 0, 0, 0, 0]].concat()).is_ok());
        assert!(body.end().is_ok(), "not deflate: padding");
    }
}
