//! The body of an answer: decompressed where the server compressed it, and never longer than its cap.

use std::io::{self, Write};
use std::ops::ControlFlow;

use flate2::write::GzDecoder;

use super::{Arriving, paced};

/// A longer `Content-Length` is believed when the bytes arrive.
const PRESIZE_MOST: usize = 64 << 20;
/// How much longer than its text a gzip may be: its header, and what stored blocks need for text that cannot be compressed.
const GZIP_EXTRA: usize = 64 << 10;
/// The decoder puts a sentinel behind the text without moving it.
const PRESIZE_EXTRA: usize = 16;

/// A body as it comes in.
pub(super) enum Body {
    Plain(Capped),
    Gzip(Box<Gzip>),
}

/// Why a body is not taken further.
pub(super) enum Stop {
    /// It is longer than the cap; so much as fits is there.
    Full,
    /// It is not what its `Content-Encoding` says.
    Corrupt(io::Error),
}

/// How many bytes of gzip are inflated at once: they become a thousand times as many at most.
const GZIP_PIECE: usize = 1 << 10;
/// After so many bytes of text, inflated or decoded, other tasks get the thread.
const TURN: usize = 128 << 10;
/// Beginning another member of a gzip takes as long as so many bytes of text.
const MEMBER_WORK: usize = 32 << 10;
/// A member with less text counts as that much on the wire: it may have 20 bytes, and takes far more time than they do.
const MIN_MEMBER: usize = 4 << 10;

impl Body {
    /// `spare` may have a buffer with so much room.
    pub(super) fn plain(length: Option<usize>, cap: usize, spare: impl FnOnce(usize) -> Option<Vec<u8>>) -> Self {
        let bytes = length.map_or_else(Vec::new, |length| {
            let room = length.min(cap).min(PRESIZE_MOST) + PRESIZE_EXTRA;
            spare(room).unwrap_or_else(|| Vec::with_capacity(room))
        });
        Self::Plain(Capped { bytes, cap, full: false })
    }

    pub(super) fn gzip(cap: usize) -> Self {
        let capped = Capped { bytes: Vec::new(), cap, full: false };
        let raw_left = Self::max_raw(true, cap);
        Self::Gzip(Box::new(Gzip {
            member: GzDecoder::new(capped),
            raw_left,
            empty: true,
            members: 0,
            member_begins: 0,
            over: false,
        }))
    }

    /// How many bytes a body of at most `cap` bytes has at most on the wire.
    pub(super) fn max_raw(is_gzip: bool, cap: usize) -> usize {
        if is_gzip { cap.saturating_add(cap / 1024).saturating_add(GZIP_EXTRA) } else { cap }
    }

    /// What has been done so far, in bytes.
    fn work(&self) -> usize {
        match self {
            Self::Plain(capped) => capped.bytes.len(),
            Self::Gzip(gzip) => gzip.member.get_ref().bytes.len() + gzip.members * MEMBER_WORK,
        }
    }

    /// How many bytes from the wire are to be taken at once, so that it does not last long.
    pub(super) fn piece(&self) -> usize {
        match self {
            Self::Plain(_) => TURN,
            Self::Gzip(_) => GZIP_PIECE,
        }
    }

    pub(super) fn take(&mut self, chunk: &[u8]) -> Result<(), Stop> {
        match self {
            Self::Plain(capped) => capped.write_all(chunk).map_err(|_| Stop::Full),
            Self::Gzip(gzip) => {
                gzip.raw_left = gzip.raw_left.checked_sub(chunk.len()).ok_or(Stop::Full)?;
                gzip.take(chunk).or_else(|error| gzip.judge(error))
            }
        }
    }

    /// What is there by now.
    pub(super) fn so_far(&mut self) -> &mut [u8] {
        match self {
            Self::Plain(capped) => &mut capped.bytes,
            Self::Gzip(gzip) => &mut gzip.member.get_mut().bytes,
        }
    }

    /// No more will come, and what is there is wanted though it is not whole.
    pub(super) fn cut(&mut self) {
        if let Self::Gzip(gzip) = self {
            // It holds some back until it is asked.
            let _ = gzip.member.flush();
        }
    }

    /// No more will come.
    pub(super) fn end(&mut self) -> Result<(), Stop> {
        match self {
            Self::Gzip(gzip) if !gzip.empty && !gzip.over => {
                gzip.member.try_finish().or_else(|error| gzip.judge(error))
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

/// Takes a chunk in pieces, and shows `arriving` what is there after each. Other tasks get the thread in between.
pub(super) async fn take(
    body: &mut Body,
    chunk: &[u8],
    mut arriving: Option<&mut Arriving<'_>>,
    whole: usize,
) -> Result<ControlFlow<()>, Stop> {
    paced::chunk_taken();
    let mut turn_began = body.work();
    for piece in chunk.chunks(body.piece()) {
        let mut shown = body.so_far().len();
        body.take(piece)?;
        if body.work() - turn_began >= TURN {
            turn_began = body.work();
            tokio::task::yield_now().await;
        }
        let Some(arriving) = &mut arriving else { continue };
        let so_far = body.so_far();
        while shown < so_far.len() {
            shown = so_far.len().min(shown + TURN);
            if arriving(&mut so_far[..shown], whole).is_break() {
                return Ok(ControlFlow::Break(()));
            }
            if shown < so_far.len() {
                tokio::task::yield_now().await;
            }
        }
    }
    Ok(ControlFlow::Continue(()))
}

/// One or more members of gzip, and perhaps padding behind them.
pub(super) struct Gzip {
    member: GzDecoder<Capped>,
    /// How many more bytes there may be on the wire: members without text, or padding, could go on without end.
    raw_left: usize,
    empty: bool,
    /// How many members before this one came to their end, and where the text of this one begins.
    members: usize,
    member_begins: usize,
    over: bool,
}

impl Gzip {
    fn take(&mut self, mut chunk: &[u8]) -> io::Result<()> {
        self.empty &= chunk.is_empty();
        while !chunk.is_empty() && !self.over {
            match self.member.write(chunk)? {
                0 => self.next_member()?,
                taken => chunk = &chunk[taken..],
            }
        }
        Ok(())
    }

    fn next_member(&mut self) -> io::Result<()> {
        self.member.try_finish()?;
        let nothing = Capped { bytes: Vec::new(), cap: 0, full: false };
        let mut capped = std::mem::replace(self.member.get_mut(), nothing);
        let cost = MIN_MEMBER.saturating_sub(capped.bytes.len() - self.member_begins);
        capped.full = cost > self.raw_left;
        self.raw_left = self.raw_left.saturating_sub(cost);
        self.member_begins = capped.bytes.len();
        let is_full = capped.full;
        self.member = GzDecoder::new(capped);
        self.members += 1;
        if is_full { Err(io::ErrorKind::FileTooLarge.into()) } else { Ok(()) }
    }

    /// What follows a whole member and does not begin like another is no part of the text, and is left alone, as gzip itself does.
    fn judge(&mut self, error: io::Error) -> Result<(), Stop> {
        if self.member.get_ref().full {
            return Err(Stop::Full);
        }
        self.over = self.members > 0 && self.member.header().is_none();
        if self.over { Ok(()) } else { Err(Stop::Corrupt(error)) }
    }
}

/// Takes no more than its cap.
pub(super) struct Capped {
    bytes: Vec<u8>,
    cap: usize,
    full: bool,
}

impl Write for Capped {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let fits = bytes.len().min(self.cap - self.bytes.len());
        self.bytes.extend_from_slice(&bytes[..fits]);
        if fits < bytes.len() {
            self.full = true;
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

    /// Red when the sink does not count: the text comes out whole.
    #[test]
    fn a_body_that_grows_past_its_cap_is_cut_there() {
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
    fn gzip_comes_in_any_pieces_and_in_several_members() {
        let bytes = [gzip(b"one, "), gzip(b"two")].concat();
        for size in 1..bytes.len() {
            let mut body = Body::gzip(100);
            assert!(bytes.chunks(size).all(|chunk| body.take(chunk).is_ok()) && body.end().is_ok(), "{size}");
            assert_eq!(body.into_bytes(), b"one, two");
        }
    }

    /// Red when they are counted by their bytes alone: 3,300 of them fit.
    #[test]
    fn small_members_count_for_more_than_their_bytes() {
        for text in [&b""[..], b"x"] {
            let mut body = Body::gzip(10_000);
            let taken = (0..10_000).take_while(|_| body.take(&gzip(text)).is_ok()).count();
            assert!((10..100).contains(&taken), "{taken}");
        }
        let mut body = Body::gzip(1 << 20);
        let all = gzip(&[b'x'; MIN_MEMBER]).repeat(256);
        assert!(body.take(&all).is_ok() && body.end().is_ok(), "larger ones do not");
    }

    /// Red when the end is not looked at: a truncated body passes for a whole one.
    #[test]
    fn gzip_that_is_cut_off_or_damaged_is_corrupt() {
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

    /// Red when it is taken for another member: "incomplete deflate stream", "invalid gzip header".
    #[test]
    fn what_follows_gzip_and_is_none_is_left_alone_but_a_member_that_is_cut_off_is_not() {
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
    fn a_body_that_is_empty_is_no_damaged_gzip() {
        let mut body = Body::gzip(10);
        assert!(body.end().is_ok());
        assert!(body.into_bytes().is_empty());
    }
}
