//! The serialized cursor: the delivered events, from which another process can resume. Opaque to the host.

use std::hash::Hasher;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde::{Deserialize, Serialize};
use siphasher::sip::SipHasher13;

use super::coverage::{Band, Coverage};
use super::dedup::Id;
use super::snapshot::Snapshot;
use crate::error::{Error, Result};

const VERSION: u32 = 2;

/// Where a follower starts.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// With events created from now on.
    Present,
    /// With the oldest event that matches the query.
    Beginning,
    /// Where a cursor was taken.
    Snapshot(Snapshot),
}

/// A cursor to serialize.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Cursor {
    Present,
    Snapshot(Snapshot),
}

/// The JSON form of a cursor, without its checksum.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Json {
    v: u32,
    /// The fingerprint of the query.
    q: String,
    #[serde(default, skip_serializing_if = "is_false")]
    present: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    done: Option<i64>,
    /// Floor and top.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    band: Option<(i64, i64)>,
    /// A time, and the hashes of IDs with this time in base64.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    ids: Vec<(Option<i64>, String)>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature serde requires")]
fn is_false(value: &bool) -> bool {
    !*value
}

impl Cursor {
    /// One line of JSON. Takes `self` because valgrind reports a false positive if the cursor is dropped by the caller.
    pub(super) fn into_text(self, fingerprint: &str) -> String {
        let mut json =
            Json { v: VERSION, q: fingerprint.into(), present: false, done: None, band: None, ids: Vec::new() };
        match self {
            Self::Present => json.present = true,
            Self::Snapshot(Snapshot { coverage, mut ids }) => {
                json.done = coverage.done;
                json.band = coverage.band.map(|band| (band.floor, band.top));
                ids.sort_by_key(|(at, _)| *at);
                json.ids = ids.chunk_by(|one, two| one.0 == two.0).map(|ids| (ids[0].0, encoded(ids))).collect();
            }
        }
        // Cannot fail: only numbers and strings.
        let mut text = serde_json::to_string(&json).unwrap_or_default();
        text.pop();
        let sum = checksum(&text);
        text.push_str(&sum);
        text
    }
}

fn encoded(ids: &[(Option<i64>, Id)]) -> String {
    let bytes: Vec<u8> = ids.iter().flat_map(|(_, id)| *id).flat_map(u64::to_le_bytes).collect();
    STANDARD_NO_PAD.encode(bytes)
}

fn decoded(text: &str) -> Option<Vec<Id>> {
    let bytes = STANDARD_NO_PAD.decode(text).ok()?;
    let ids = bytes.chunks_exact(16);
    let half = |id: &[u8], half: usize| u64::from_le_bytes(std::array::from_fn(|byte| id[half * 8 + byte]));
    ids.remainder().is_empty().then(|| ids.map(|id| [half(id, 0), half(id, 1)]).collect())
}

/// The end of a cursor's text: a hash of what precedes it. A damaged cursor would lose or repeat events.
fn checksum(text: &str) -> String {
    let mut hasher = SipHasher13::new();
    hasher.write(text.as_bytes());
    format!(r#","sum":"{:016x}"}}"#, hasher.finish())
}

impl Start {
    /// Parses a cursor taken from a query with this fingerprint.
    pub(super) fn parse(text: &str, fingerprint: &str) -> Result<Self> {
        let error = |why: std::fmt::Arguments<'_>| Error::argument("cursor", why);
        // serde also deserializes a struct from an array.
        let body = text.rfind(r#","sum":"#).filter(|_| text.starts_with('{')).map(|end| text.split_at(end));
        let Some((body, sum)) = body else {
            return Err(error(format_args!("not a cursor from kal_stream_cursor")));
        };
        if sum != checksum(body) {
            return Err(error(format_args!("damaged: its checksum does not match")));
        }
        let json: Json = serde_json::from_str(&format!("{body}}}"))
            .map_err(|cause| error(format_args!("not a cursor from kal_stream_cursor: {cause}")))?;
        if json.v != VERSION {
            return Err(error(format_args!(
                "version {} is not supported; this library supports version {VERSION}",
                json.v
            )));
        }
        if json.q != fingerprint {
            return Err(error(format_args!(
                "taken from a stream with other filters (event_types, resource_type or event_user_ids)"
            )));
        }
        let band = json.band.map(|(floor, top)| Band { floor, top });
        if band.is_some_and(|band| band.floor >= band.top) {
            return Err(error(format_args!("its time range is empty")));
        }
        if json.present {
            return Ok(Self::Present);
        }
        let mut ids = Vec::new();
        for (at, text) in json.ids {
            let Some(decoded) = decoded(&text) else { return Err(error(format_args!("its event ids are not valid"))) };
            ids.extend(decoded.into_iter().map(|id| (at, id)));
        }
        Ok(Self::Snapshot(Snapshot { coverage: Coverage { done: json.done, band }, ids }))
    }
}

#[cfg(test)]
mod tests {
    use super::super::dedup::id_of;
    use super::*;
    use crate::error::ErrorKind;

    fn snapshot() -> Snapshot {
        let coverage = Coverage { done: Some(-5), band: Some(Band { floor: 7, top: 9 }) };
        let ids = [(None, "c"), (Some(3), "a"), (Some(3), "b\0\"é"), (Some(4), "d")];
        Snapshot { coverage, ids: ids.map(|(at, id)| (at, id_of(id.as_bytes()))).into() }
    }

    #[test]
    fn a_serialized_cursor_parses_to_the_same_snapshot() {
        let text = Cursor::Snapshot(snapshot()).into_text("f");
        assert!(!text.contains(['\n', '\0']), "{text}");
        assert_eq!(Start::parse(&text, "f").expect("a cursor"), Start::Snapshot(snapshot()));
        assert_eq!(Start::parse(&Cursor::Present.into_text("f"), "f").expect("a cursor"), Start::Present);
    }

    /// Red without the checksum: half of these texts are cursors of other events.
    #[test]
    fn a_cursor_with_a_flipped_bit_or_a_missing_end_is_refused() {
        let text = Cursor::Snapshot(snapshot()).into_text("f").into_bytes();
        for bit in 0..text.len() * 8 {
            let mut damaged = text.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            if let Ok(damaged) = String::from_utf8(damaged) {
                Start::parse(&damaged, "f").expect_err(&damaged);
            }
        }
        for len in 0..text.len() {
            let cut = std::str::from_utf8(&text[..len]).expect("ASCII");
            Start::parse(cut, "f").expect_err(cut);
        }
    }

    #[test]
    fn an_invalid_cursor_is_an_invalid_argument_that_names_the_cursor() {
        let summed = |body: &str| format!("{body}{}", checksum(body));
        for text in [
            String::new(),
            "{}".into(),
            "null".into(),
            r#"{"v":1,"q":"f"}"#.into(),
            summed(r#"{"v":1,"q":"f""#),
            summed(r#"{"v":2,"q":"other""#),
            summed(r#"{"v":2,"q":"f","more":1"#),
            summed(r#"{"v":2,"q":"f","done":"x""#),
            summed(r#"{"v":2,"q":"f","done":1e99"#),
            summed(r#"{"v":2,"q":"f","band":[2,1]"#),
            summed(r#"{"v":2,"q":"f","ids":[["a"]]"#),
            summed(r#"{"v":2,"q":"f","ids":[[1,"abc"]]"#),
            summed(r#"{"v":2,"q":"f"} x"#),
            summed(r#"[2,"f",true"#),
        ] {
            let error = Start::parse(&text, "f").expect_err(&text);
            assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{text}");
            assert!(error.to_string().starts_with("cursor: "), "{error}");
        }
    }
}
