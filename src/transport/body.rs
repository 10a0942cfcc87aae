//! The body of an answer: decompressed where the server compressed it, and never longer than its cap.

use std::io::{self, Write};

use flate2::write::MultiGzDecoder;

/// A longer `Content-Length` is believed when the bytes arrive.
const PRESIZE_MOST: usize = 64 << 20;
/// The decoder puts a sentinel behind the text without moving it.
const PRESIZE_EXTRA: usize = 16;

/// A body as it comes in.
pub(super) enum Body {
    Plain(Capped),
    Gzip { decoder: Box<MultiGzDecoder<Capped>>, empty: bool },
}

/// Why a body is not taken further.
pub(super) enum Stop {
    /// It is longer than the cap; so much as fits is there.
    Full,
    /// It is not what its `Content-Encoding` says.
    Corrupt(io::Error),
}

impl Body {
    pub(super) fn plain(length: Option<usize>, cap: usize) -> Self {
        let bytes = length
            .map_or_else(Vec::new, |length| Vec::with_capacity(length.min(cap).min(PRESIZE_MOST) + PRESIZE_EXTRA));
        Self::Plain(Capped { bytes, cap, full: false })
    }

    pub(super) fn gzip(cap: usize) -> Self {
        let capped = Capped { bytes: Vec::new(), cap, full: false };
        Self::Gzip { decoder: Box::new(MultiGzDecoder::new(capped)), empty: true }
    }

    pub(super) fn take(&mut self, chunk: &[u8]) -> Result<(), Stop> {
        match self {
            Self::Plain(capped) => capped.write_all(chunk).map_err(|_| Stop::Full),
            Self::Gzip { decoder, empty } => {
                *empty &= chunk.is_empty();
                decoder.write_all(chunk).map_err(|error| stop(decoder, error))
            }
        }
    }

    /// No more will come.
    pub(super) fn end(&mut self) -> Result<(), Stop> {
        match self {
            Self::Gzip { decoder, empty: false } => decoder.try_finish().map_err(|error| stop(decoder, error)),
            _ => Ok(()),
        }
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        match self {
            Self::Plain(capped) => capped.bytes,
            Self::Gzip { mut decoder, .. } => std::mem::take(&mut decoder.get_mut().bytes),
        }
    }
}

fn stop(decoder: &MultiGzDecoder<Capped>, error: io::Error) -> Stop {
    if decoder.get_ref().full { Stop::Full } else { Stop::Corrupt(error) }
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
        for mut body in [Body::plain(None, 1000), Body::plain(Some(2000), 1000), Body::gzip(1000)] {
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

    #[test]
    fn a_body_that_is_empty_is_no_damaged_gzip() {
        let mut body = Body::gzip(10);
        assert!(body.end().is_ok());
        assert!(body.into_bytes().is_empty());
    }
}
