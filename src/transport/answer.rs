//! How the body of an answer is read, once its head is there.
//!
//! The head of an answer that is no 2xx says what there is to do about it, whatever becomes of the body: that one is read for
//! what it may explain, as far as it comes in a short time. A 2xx without its whole body is a failure.

use std::ops::ControlFlow;
use std::time::Duration;

use http::StatusCode;
use http::header::HeaderMap;
use reqwest::Response;

use super::body::{self, Body, Stop};
use super::content_encoding::Encoding;
use super::peer::Peer;
use super::{Arriving, failure};
use crate::error::{BODY_LIMIT, Error, ErrorKind, Result};

/// So much of an error's body is read: what errors keep, and room to see that a secret begins before the cut.
const MAX_ERROR_BODY: usize = 2 * BODY_LIMIT;
/// How long, and for which part of the time that a call has left.
const MAX_ERROR_BODY_TIME: Duration = Duration::from_secs(1);
const ERROR_BODY_TIME_PART: u32 = 4;

/// What is known of an answer before its body.
pub(super) struct Head {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) encoding: Encoding,
    /// Of the body on the wire, as far as it is told.
    length: Option<usize>,
}

/// A body, or what came of it.
pub(super) struct Part {
    pub(super) bytes: Vec<u8>,
    /// Nothing of it is missing.
    pub(super) is_whole: bool,
    /// The connection has nothing more of this response.
    pub(super) is_at_end: bool,
}

impl Head {
    pub(super) fn of(response: &mut Response) -> Self {
        let length = response.content_length().and_then(|length| usize::try_from(length).ok());
        let headers = std::mem::take(response.headers_mut());
        Self { status: response.status(), encoding: Encoding::of(&headers), headers, length }
    }

    /// Reads the body of a 2xx answer: all of it, or as much as `arriving` wants.
    pub(super) async fn read_whole(
        &self,
        response: &mut Response,
        cap: usize,
        arriving: Option<&mut Arriving<'_>>,
        spare: impl FnOnce(usize) -> Option<Vec<u8>>,
        peer: &Peer,
    ) -> Result<Part> {
        let read = self.read_to_cap(response, cap, arriving, spare, peer).await;
        read.map_err(|error| error.with(|details| details.http_status = Some(self.status.as_u16())))
    }

    async fn read_to_cap(
        &self,
        response: &mut Response,
        cap: usize,
        mut arriving: Option<&mut Arriving<'_>>,
        spare: impl FnOnce(usize) -> Option<Vec<u8>>,
        peer: &Peer,
    ) -> Result<Part> {
        let is_gzip = matches!(self.encoding, Encoding::Gzip);
        if self.length.is_some_and(|length| length > Body::max_raw(is_gzip, cap)) {
            return Err(too_large(cap, peer));
        }
        // The length of a gzip says nothing of the text in it.
        let length = self.length.filter(|_| !is_gzip);
        let mut body = if is_gzip { Body::gzip(cap) } else { Body::plain(length, cap, spare) };
        let mut is_at_end = false;
        let outcome = loop {
            let chunk = response.chunk().await.map_err(|error| failure::reading(&error, peer))?;
            let Some(chunk) = chunk else {
                is_at_end = true;
                break body.end();
            };
            if let Encoding::Unknown(name) = &self.encoding
                && !chunk.is_empty()
            {
                return Err(unreadable(name, peer));
            }
            match body::take(&mut body, &chunk, arriving.as_deref_mut(), length.unwrap_or(0)).await {
                Ok(ControlFlow::Continue(())) => {}
                Ok(ControlFlow::Break(())) => break Ok(()),
                Err(stop) => break Err(stop),
            }
        };
        match outcome {
            Ok(()) => Ok(Part { bytes: body.into_bytes(), is_whole: is_at_end, is_at_end }),
            Err(Stop::Full) => Err(too_large(cap, peer)),
            Err(Stop::Corrupt(why)) => {
                let message = format!("the answer of {peer} is said to be gzip and is not, or is damaged: {why}");
                Err(Error::new(ErrorKind::BadHttp, message).with(|details| details.sent = true))
            }
        }
    }

    /// Reads what comes of the body of an answer that is no 2xx, when its call has so much time left. Nothing fails here.
    pub(super) async fn read_refusal(&self, response: &mut Response, left: Duration) -> Part {
        let is_gzip = matches!(self.encoding, Encoding::Gzip);
        let mut body =
            if is_gzip { Body::gzip(MAX_ERROR_BODY) } else { Body::plain(self.length, MAX_ERROR_BODY, |_| None) };
        // As it came, in case that it is no gzip.
        let mut raw = Vec::new();
        let (mut is_at_end, mut is_whole) = (false, false);
        let reading = async {
            let mut stopped = None;
            loop {
                let chunk = match response.chunk().await {
                    Ok(Some(chunk)) => chunk,
                    Ok(None) => break,
                    Err(_) => return,
                };
                if is_gzip {
                    raw.extend_from_slice(&chunk[..chunk.len().min(MAX_ERROR_BODY - raw.len())]);
                }
                if stopped.is_none() {
                    stopped = body::take(&mut body, &chunk, None, 0).await.err();
                }
                if matches!(stopped, Some(Stop::Full)) || raw.len() == MAX_ERROR_BODY {
                    return;
                }
            }
            is_at_end = true;
            is_whole = stopped.is_none() && body.end().is_ok();
        };
        // In time or not: what came is there.
        let _ = tokio::time::timeout(MAX_ERROR_BODY_TIME.min(left / ERROR_BODY_TIME_PART), reading).await;
        if !is_whole {
            body.cut();
        }
        let mut bytes = body.into_bytes();
        if bytes.is_empty() && is_text(&raw) {
            (bytes, is_whole) = (raw, is_at_end);
        }
        if matches!(self.encoding, Encoding::Unknown(_)) && !is_text(&bytes) {
            bytes.clear();
        }
        Part { bytes, is_whole, is_at_end }
    }
}

/// Whether somebody could read this, which may have been cut within a character.
fn is_text(bytes: &[u8]) -> bool {
    let text = match str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default(),
        Err(_) => return false,
    };
    !text.contains(|c: char| c.is_control() && !c.is_ascii_whitespace())
}

fn too_large(cap: usize, peer: &Peer) -> Error {
    Error::new(ErrorKind::ResponseTooLarge, format!("the answer of {peer} is longer than {cap} bytes"))
        .with(|details| details.sent = true)
}

fn unreadable(encoding: &str, peer: &Peer) -> Error {
    let message =
        format!("the answer of {peer} cannot be read: its Content-Encoding is {encoding}, and gzip was asked for");
    Error::new(ErrorKind::BadResponse, message).with(|details| details.sent = true)
}
