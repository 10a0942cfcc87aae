//! Reads the body of a response after its head.
//!
//! A 2xx response without its complete body is a failure. The body of an error response only explains the status: as much of it
//! is read as arrives within a short time, and failures to read it are ignored.

use std::ops::ControlFlow;
use std::time::Duration;

use http::StatusCode;
use http::header::HeaderMap;
use reqwest::Response;

use super::body::{self, Body, Stop};
use super::content_encoding::Encoding;
use super::route::Route;
use super::{OnBody, failure};
use crate::error::{BODY_LIMIT, Error, ErrorKind, Result};
use crate::stats::Counter;

/// The maximum number of bytes read of an error response: what errors keep, and as much again so that redaction sees a secret that
/// begins before the cut.
const MAX_ERROR_BODY: usize = 2 * BODY_LIMIT;
/// The maximum time to read it, and the fraction (1/4) of the call's remaining time.
const MAX_ERROR_BODY_TIME: Duration = Duration::from_secs(1);
const ERROR_BODY_TIME_DIVISOR: u32 = 4;

/// The status and headers of a response.
pub(super) struct ResponseHead {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) encoding: Encoding,
    /// The `Content-Length`, if known.
    length: Option<usize>,
}

/// The body of a response, as far as it was read.
pub(super) struct ResponseBody {
    pub(super) bytes: Vec<u8>,
    pub(super) is_complete: bool,
    /// The connection has nothing more of this response.
    pub(super) is_at_end: bool,
}

impl ResponseHead {
    pub(super) fn take_from(response: &mut Response) -> Self {
        let length = response.content_length().and_then(|length| usize::try_from(length).ok());
        let headers = std::mem::take(response.headers_mut());
        Self { status: response.status(), encoding: Encoding::of(&headers), headers, length }
    }

    /// Reads the body of a 2xx response: all of it, or until `on_body` breaks.
    pub(super) async fn read_body(
        &self,
        response: &mut Response,
        cap: usize,
        on_body: Option<&mut OnBody<'_>>,
        spare_buffer: impl FnOnce(Option<usize>) -> Option<Vec<u8>>,
        received: &Counter,
        route: &Route,
    ) -> Result<ResponseBody> {
        let read = self.read_to_cap(response, cap, on_body, spare_buffer, received, route).await;
        read.map_err(|error| error.with(|details| details.http_status = Some(self.status.as_u16())))
    }

    async fn read_to_cap(
        &self,
        response: &mut Response,
        cap: usize,
        mut on_body: Option<&mut OnBody<'_>>,
        spare_buffer: impl FnOnce(Option<usize>) -> Option<Vec<u8>>,
        received: &Counter,
        route: &Route,
    ) -> Result<ResponseBody> {
        let is_gzip = matches!(self.encoding, Encoding::Gzip);
        if self.length.is_some_and(|length| length > Body::max_raw(is_gzip, cap)) {
            return Err(too_large(cap, route));
        }
        // The length of a gzip body does not tell the length of its content.
        let length = self.length.filter(|_| !is_gzip);
        let mut body = Body::new(is_gzip, length, cap, spare_buffer);
        let mut is_at_end = false;
        let mut counted = 0;
        let outcome = loop {
            let chunk = response.chunk().await.map_err(|error| failure::read_error(&error, route))?;
            let Some(chunk) = chunk else {
                is_at_end = true;
                let end = body.end();
                count(&body, &mut counted, received);
                break end;
            };
            if let Encoding::Unknown(name) = &self.encoding {
                if !chunk.is_empty() {
                    return Err(unknown_encoding(name, route));
                }
            }
            let taken = body::take(&mut body, &chunk, on_body.as_deref_mut(), length.unwrap_or(0)).await;
            count(&body, &mut counted, received);
            match taken {
                Ok(ControlFlow::Continue(())) => {}
                Ok(ControlFlow::Break(())) => break Ok(()),
                Err(stop) => break Err(stop),
            }
        };
        match outcome {
            Ok(()) => Ok(ResponseBody { bytes: body.into_bytes(), is_complete: is_at_end, is_at_end }),
            Err(Stop::Full) => Err(too_large(cap, route)),
            Err(Stop::Corrupt(why)) => {
                let message =
                    format!("the response from {route} cannot be decompressed (Content-Encoding: gzip): {why}");
                Err(Error::new(ErrorKind::BadHttp, message).with(|details| details.sent = true))
            }
        }
    }

    /// Reads the body of an error response, as far as it arrives in a part of the call's `remaining` time.
    pub(super) async fn read_error_body(
        &self,
        response: &mut Response,
        remaining: Duration,
        received: &Counter,
    ) -> ResponseBody {
        let is_gzip = matches!(self.encoding, Encoding::Gzip);
        let length = self.length.filter(|_| !is_gzip);
        let mut body = Body::new(is_gzip, length, MAX_ERROR_BODY, |_| None);
        // The body as received, in case it is not gzip.
        let mut raw = Vec::new();
        let (mut is_at_end, mut is_complete) = (false, false);
        let mut counted = 0;
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
                    count(&body, &mut counted, received);
                }
                if matches!(stopped, Some(Stop::Full)) || raw.len() == MAX_ERROR_BODY {
                    return;
                }
            }
            is_at_end = true;
            is_complete = stopped.is_none() && body.end().is_ok();
        };
        // A timeout is not an error: what has arrived is used.
        let _ = tokio::time::timeout(MAX_ERROR_BODY_TIME.min(remaining / ERROR_BODY_TIME_DIVISOR), reading).await;
        count(&body, &mut counted, received);
        let mut bytes = body.into_bytes();
        if bytes.is_empty() && is_text(&raw) {
            received.add(raw.len() as u64);
            (bytes, is_complete) = (raw, is_at_end);
        }
        if matches!(self.encoding, Encoding::Unknown(_)) && !is_text(&bytes) {
            bytes.clear();
        }
        ResponseBody { bytes, is_complete, is_at_end }
    }
}

/// Counts what a body has received since the last time.
fn count(body: &Body, counted: &mut usize, received: &Counter) {
    received.add((body.len() - *counted) as u64);
    *counted = body.len();
}

/// Whether this is readable text, perhaps truncated within a character.
fn is_text(bytes: &[u8]) -> bool {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default()
        }
        Err(_) => return false,
    };
    !text.contains(|c: char| c.is_control() && !c.is_ascii_whitespace())
}

fn too_large(cap: usize, route: &Route) -> Error {
    Error::new(ErrorKind::ResponseTooLarge, format!("the response from {route} is longer than {cap} bytes"))
        .with(|details| details.sent = true)
}

fn unknown_encoding(encoding: &str, route: &Route) -> Error {
    let message = format!(
        "the response from {route} cannot be decoded: its Content-Encoding is {encoding}; only gzip is supported"
    );
    Error::new(ErrorKind::BadResponse, message).with(|details| details.sent = true)
}
