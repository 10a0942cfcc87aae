//! A response body, decompressed if the server compressed it, and never longer than its cap.

use std::io::{self, Write};
use std::ops::ControlFlow;

use flate2::write::GzDecoder;

use super::{OnBody, paced};

/// The maximum allocation for a `Content-Length`; beyond it, memory grows as the bytes arrive.
const MAX_PRESIZE: usize = 64 << 20;
/// How much longer than its content a gzip body may be: its header, and the overhead of stored blocks.
const GZIP_EXTRA: usize = 64 << 10;
/// Room for the sentinel that the decoder appends in place.
const PRESIZE_EXTRA: usize = 16;

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
    Corrupt(io::Error),
}

/// How many bytes of gzip are inflated at once; they expand to at most a thousand times as many.
const GZIP_PIECE: usize = 1 << 10;
/// After this many bytes, inflated or decoded, the task yields.
const YIELD_AFTER: usize = 128 << 10;
/// Starting another gzip member takes as long as this many bytes of content.
const MEMBER_COST: usize = 32 << 10;
/// Members with less content count as this many bytes on the wire: a member may have 20 bytes, but takes far longer to process.
const MIN_MEMBER: usize = 4 << 10;

impl Body {
    /// `spare_buffer` returns a buffer of at least the given capacity, if there is one.
    pub(super) fn plain(
        length: Option<usize>,
        cap: usize,
        spare_buffer: impl FnOnce(usize) -> Option<Vec<u8>>,
    ) -> Self {
        let bytes = length.map_or_else(Vec::new, |length| {
            let capacity = length.min(cap).min(MAX_PRESIZE) + PRESIZE_EXTRA;
            spare_buffer(capacity).unwrap_or_else(|| Vec::with_capacity(capacity))
        });
        Self::Plain(Capped { bytes, cap, is_full: false })
    }

    pub(super) fn gzip(cap: usize) -> Self {
        let capped = Capped { bytes: Vec::new(), cap, is_full: false };
        let raw_left = Self::max_raw(true, cap);
        Self::Gzip(Box::new(Gzip {
            member: GzDecoder::new(capped),
            raw_left,
            empty: true,
            members: 0,
            member_begin: 0,
            is_finished: false,
        }))
    }

    /// The maximum number of bytes on the wire of a body of at most `cap` bytes.
    pub(super) fn max_raw(is_gzip: bool, cap: usize) -> usize {
        if is_gzip { cap.saturating_add(cap / 1024).saturating_add(GZIP_EXTRA) } else { cap }
    }

    /// The work done so far, in bytes.
    fn work(&self) -> usize {
        match self {
            Self::Plain(_) => self.len(),
            Self::Gzip(gzip) => self.len() + gzip.members * MEMBER_COST,
        }
    }

    /// The number of bytes received and decompressed so far.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Plain(capped) => capped.bytes.len(),
            Self::Gzip(gzip) => gzip.member.get_ref().bytes.len(),
        }
    }

    /// How many bytes from the wire may be processed without a yield.
    pub(super) fn piece_len(&self) -> usize {
        match self {
            Self::Plain(_) => YIELD_AFTER,
            Self::Gzip(_) => GZIP_PIECE,
        }
    }

    pub(super) fn take(&mut self, chunk: &[u8]) -> Result<(), Stop> {
        match self {
            Self::Plain(capped) => capped.write_all(chunk).map_err(|_| Stop::Full),
            Self::Gzip(gzip) => {
                gzip.raw_left = gzip.raw_left.checked_sub(chunk.len()).ok_or(Stop::Full)?;
                gzip.take(chunk).or_else(|error| gzip.classify(error))
            }
        }
    }

    /// The bytes received and decompressed so far.
    pub(super) fn bytes_mut(&mut self) -> &mut [u8] {
        match self {
            Self::Plain(capped) => &mut capped.bytes,
            Self::Gzip(gzip) => &mut gzip.member.get_mut().bytes,
        }
    }

    /// Makes all bytes available of a body that ended early.
    pub(super) fn flush_truncated(&mut self) {
        if let Self::Gzip(gzip) = self {
            // The decoder buffers its output.
            let _ = gzip.member.flush();
        }
    }

    /// The end of the body: an incomplete gzip member is an error.
    pub(super) fn end(&mut self) -> Result<(), Stop> {
        match self {
            Self::Gzip(gzip) if !gzip.empty && !gzip.is_finished => {
                gzip.member.try_finish().or_else(|error| gzip.classify(error))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        match self {
            Self::Plain(capped) => capped.bytes,
            Self::Gzip(mut gzip) => std::mem::take(&mut gzip.member.get_mut().bytes),
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

/// One or more gzip members, perhaps followed by padding.
pub(super) struct Gzip {
    member: GzDecoder<Capped>,
    /// How many more bytes may arrive on the wire: empty members and padding could be endless.
    raw_left: usize,
    empty: bool,
    /// The number of finished members, and where the content of the current one begins.
    members: usize,
    member_begin: usize,
    /// What follows is padding.
    is_finished: bool,
}

impl Gzip {
    fn take(&mut self, mut chunk: &[u8]) -> io::Result<()> {
        self.empty &= chunk.is_empty();
        while !chunk.is_empty() && !self.is_finished {
            match self.member.write(chunk)? {
                0 => self.next_member()?,
                taken => chunk = &chunk[taken..],
            }
        }
        Ok(())
    }

    fn next_member(&mut self) -> io::Result<()> {
        self.member.try_finish()?;
        let placeholder = Capped { bytes: Vec::new(), cap: 0, is_full: false };
        let mut capped = std::mem::replace(self.member.get_mut(), placeholder);
        let cost = MIN_MEMBER.saturating_sub(capped.bytes.len() - self.member_begin);
        capped.is_full = cost > self.raw_left;
        self.raw_left = self.raw_left.saturating_sub(cost);
        self.member_begin = capped.bytes.len();
        let is_full = capped.is_full;
        self.member = GzDecoder::new(capped);
        self.members += 1;
        if is_full { Err(io::ErrorKind::FileTooLarge.into()) } else { Ok(()) }
    }

    /// Data after a complete member that does not begin like another one is padding, and ignored, as by gzip(1).
    fn classify(&mut self, error: io::Error) -> Result<(), Stop> {
        if self.member.get_ref().is_full {
            return Err(Stop::Full);
        }
        self.is_finished = self.members > 0 && self.member.header().is_none();
        if self.is_finished { Ok(()) } else { Err(Stop::Corrupt(error)) }
    }
}

/// A writer that takes at most `cap` bytes.
pub(super) struct Capped {
    bytes: Vec<u8>,
    cap: usize,
    is_full: bool,
}

impl Write for Capped {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let fits = bytes.len().min(self.cap - self.bytes.len());
        self.bytes.extend_from_slice(&bytes[..fits]);
        if fits < bytes.len() {
            self.is_full = true;
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        Ok(fits)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(text).expect("memory");
        encoder.finish().expect("memory")
    }

    /// Red when the writer does not count: the text is not truncated.
    #[test]
    fn a_body_over_its_cap_is_truncated() {
        let text = vec![b'a'; 100_000];
        for mut body in [Body::plain(None, 1000, |_| None), Body::plain(Some(2000), 1000, |_| None), Body::gzip(1000)] {
            let bytes = if matches!(body, Body::Plain(_)) { text.clone() } else { gzip(&text) };
            assert!(matches!(body.take(&bytes), Err(Stop::Full)));
            assert_eq!(body.into_bytes(), text[..1000]);
        }
        let mut body = Body::gzip(text.len());
        assert!(body.take(&gzip(&text)).is_ok() && body.end().is_ok());
        assert_eq!(body.into_bytes(), text);
    }

    #[test]
    fn gzip_is_read_in_any_pieces_and_with_several_members() {
        let bytes = [gzip(b"one, "), gzip(b"two")].concat();
        for size in 1..bytes.len() {
            let mut body = Body::gzip(100);
            assert!(bytes.chunks(size).all(|chunk| body.take(chunk).is_ok()) && body.end().is_ok(), "{size}");
            assert_eq!(body.into_bytes(), b"one, two");
        }
    }

    /// Red when members count only by their bytes: 3,300 of them fit.
    #[test]
    fn small_gzip_members_count_for_more_than_their_bytes() {
        for text in [&b""[..], b"x"] {
            let mut body = Body::gzip(10_000);
            let taken = (0..10_000).take_while(|_| body.take(&gzip(text)).is_ok()).count();
            assert!((10..100).contains(&taken), "{taken}");
        }
        let mut body = Body::gzip(1 << 20);
        let all = gzip(&[b'x'; MIN_MEMBER]).repeat(256);
        assert!(body.take(&all).is_ok() && body.end().is_ok(), "larger members count by their bytes");
    }

    /// Red when the end is not checked: a truncated body is accepted as complete.
    #[test]
    fn truncated_or_damaged_gzip_is_corrupt() {
        let whole = gzip(b"a text that is long enough to be compressed, compressed, compressed");
        for length in 1..whole.len() {
            let mut body = Body::gzip(1000);
            let outcome = body.take(&whole[..length]).and_then(|()| body.end());
            assert!(matches!(outcome, Err(Stop::Corrupt(_))), "{length}");
        }
        let mut damaged = whole.clone();
        let at = damaged.len() - 8;
        damaged[at] ^= 1;
        let mut body = Body::gzip(1000);
        assert!(matches!(body.take(&damaged).and_then(|()| body.end()), Err(Stop::Corrupt(_))));
    }

    /// Red when padding is read as another member: "incomplete deflate stream", "invalid gzip header".
    #[test]
    fn padding_after_gzip_is_ignored_but_a_truncated_member_is_not() {
        for garbage in [&b"garbage!"[..], b"garbage that is longer than a header", &[0; 512]] {
            let bytes = [&gzip(b"text"), garbage].concat();
            for size in 1..bytes.len() {
                let mut body = Body::gzip(100);
                assert!(bytes.chunks(size).all(|chunk| body.take(chunk).is_ok()) && body.end().is_ok(), "{size}");
                assert_eq!(body.into_bytes(), b"text");
            }
        }
        let second = gzip(b"two");
        let mut body = Body::gzip(100);
        let outcome = body.take(&[&gzip(b"one"), &second[..second.len() - 4]].concat()).and_then(|()| body.end());
        assert!(matches!(outcome, Err(Stop::Corrupt(_))));
    }

    #[test]
    fn an_empty_body_is_not_damaged_gzip() {
        let mut body = Body::gzip(10);
        assert!(body.end().is_ok());
        assert!(body.into_bytes().is_empty());
    }
}
