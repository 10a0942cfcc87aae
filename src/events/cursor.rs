//! The serialized cursor: the delivered events, from which another process can resume. Opaque to the host.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::coverage::{Band, Coverage};
use super::snapshot::Snapshot;
use crate::error::{Error, Result};

const VERSION: u32 = 1;

/// Where a follower starts.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// With events created from now on.
    Present,
    /// With the oldest event that matches the query.
    Beginning,
    /// Where a cursor was taken.
    Snapshot(Snapshot<String>),
}

/// A cursor to serialize.
#[derive(Debug)]
pub(super) enum Cursor<'a> {
    Present,
    Snapshot(Snapshot<&'a str>),
}

/// The JSON form of a cursor.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Json<'a> {
    v: u32,
    /// The fingerprint of the query.
    #[serde(borrow)]
    q: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "is_false")]
    present: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    done: Option<i64>,
    /// Floor and top.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    band: Option<(i64, i64)>,
    /// Consecutive IDs with the same time are grouped.
    #[serde(default, skip_serializing_if = "Vec::is_empty", borrow)]
    ids: Vec<(Option<i64>, Vec<Cow<'a, str>>)>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature serde requires")]
fn is_false(value: &bool) -> bool {
    !*value
}

impl Cursor<'_> {
    /// One line of JSON. Takes `self` because valgrind reports a false positive if the cursor is dropped by the caller.
    pub(super) fn into_text(self, fingerprint: &str) -> String {
        let mut json =
            Json { v: VERSION, q: fingerprint.into(), present: false, done: None, band: None, ids: Vec::new() };
        match self {
            Self::Present => json.present = true,
            Self::Snapshot(Snapshot { coverage, ids }) => {
                json.done = coverage.done;
                json.band = coverage.band.map(|band| (band.floor, band.top));
                for (at, id) in ids {
                    match json.ids.last_mut() {
                        Some((last, ids)) if *last == at => ids.push(id.into()),
                        _ => json.ids.push((at, vec![id.into()])),
                    }
                }
            }
        }
        // Cannot fail: only numbers and strings.
        serde_json::to_string(&json).unwrap_or_default()
    }
}

impl Start {
    /// Parses a cursor taken from a query with this fingerprint.
    pub(super) fn parse(text: &str, fingerprint: &str) -> Result<Self> {
        let error = |why: std::fmt::Arguments<'_>| Error::argument("cursor", why);
        // serde also deserializes a struct from an array.
        if !text.starts_with('{') {
            return Err(error(format_args!("not a cursor from kal_stream_cursor")));
        }
        let json: Json<'_> = serde_json::from_str(text)
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
        let ids = json.ids.into_iter().flat_map(|(at, ids)| ids.into_iter().map(move |id| (at, id.into_owned())));
        Ok(Self::Snapshot(Snapshot { coverage: Coverage { done: json.done, band }, ids: ids.collect() }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn a_serialized_cursor_parses_to_the_same_snapshot() {
        let coverage = Coverage { done: Some(-5), band: Some(Band { floor: 7, top: 9 }) };
        let ids = vec![(Some(3), "a"), (Some(3), "b\0\"é"), (None, "c"), (Some(4), "d")];
        let text = Cursor::Snapshot(Snapshot { coverage, ids: ids.clone() }).into_text("f");
        assert!(!text.contains(['\n', '\0']), "{text}");
        let ids = ids.into_iter().map(|(at, id)| (at, id.to_owned())).collect();
        assert_eq!(Start::parse(&text, "f").expect("a cursor"), Start::Snapshot(Snapshot { coverage, ids }));
        assert_eq!(Start::parse(&Cursor::Present.into_text("f"), "f").expect("a cursor"), Start::Present);
    }

    #[test]
    fn an_invalid_cursor_is_an_invalid_argument_that_names_the_cursor() {
        for text in [
            "",
            "{}",
            "null",
            r#"{"v":2,"q":"f"}"#,
            r#"{"v":1,"q":"other"}"#,
            r#"{"v":1,"q":"f","more":1}"#,
            r#"{"v":1,"q":"f","done":"x"}"#,
            r#"{"v":1,"q":"f","done":1e99}"#,
            r#"{"v":1,"q":"f","band":[2,1]}"#,
            r#"{"v":1,"q":"f","ids":[["a"]]}"#,
            r#"{"v":1,"q":"f"} x"#,
            r#"[1,"f",true]"#,
        ] {
            let error = Start::parse(text, "f").expect_err(text);
            assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{text}");
            assert!(error.to_string().starts_with("cursor: "), "{error}");
        }
    }
}
