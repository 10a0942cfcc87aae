//! Reading the body of a request, in bounded memory.

use std::io;

use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use hyper::body::{Body as _, Incoming};

use crate::token_endpoint;

/// Of the body of an API request. As text it has up to three times as many octets; the journal has room for that.
const MAX_KEPT: usize = 16 << 20;

/// Of a form for tokens, whose fields take far more room than it.
const MAX_FORM: usize = 1 << 20;

/// What is read beyond that, so that the client can send its request to the end and read the response.
const MAX_DROPPED: u64 = 1 << 30;

/// The body of an API request, or its beginning.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    pub(crate) octets: Vec<u8>,
    pub(crate) is_whole: bool,
}

/// How much of a body is kept.
pub(crate) fn max_kept(path: &str) -> usize {
    if path == token_endpoint::PATH { MAX_FORM } else { MAX_KEPT }
}

/// Whether the client says that it will send more.
pub(crate) fn declares_more(body: &Incoming, max: usize) -> bool {
    body.size_hint().lower() > max as u64
}

/// Reads to the end, and keeps the beginning.
pub(crate) async fn keep(mut body: Incoming, max: usize) -> io::Result<Kept> {
    let (mut octets, mut dropped) = (Vec::new(), 0);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(io::Error::other)?;
        let Some(data) = frame.data_ref() else { continue };
        let kept = data.get(..max - octets.len()).unwrap_or(data);
        octets.extend_from_slice(kept);
        dropped += (data.len() - kept.len()) as u64;
        if dropped > MAX_DROPPED {
            break;
        }
    }
    Ok(Kept { octets, is_whole: dropped == 0 })
}

/// The whole body; `None` if it exceeds `max`.
pub(crate) async fn collect(body: Incoming, max: usize) -> io::Result<Option<Bytes>> {
    if declares_more(&body, max) {
        return Ok(None);
    }
    match Limited::new(body, max).collect().await {
        Ok(body) => Ok(Some(body.to_bytes())),
        Err(why) if why.is::<http_body_util::LengthLimitError>() => Ok(None),
        Err(why) => Err(io::Error::other(why)),
    }
}
