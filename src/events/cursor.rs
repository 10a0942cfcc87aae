//! The text of a cursor: what was given, for another process to go on from. Opaque to whoever keeps it.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::bounds::{Band, Bounds};
use super::edge::Edge;
use crate::error::{Error, Result};

const VERSION: u32 = 1;

/// Where to begin to follow.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// With what comes from now on.
    Present,
    /// With the oldest event of the query.
    Beginning,
    /// Where a cursor was taken.
    From(Given),
}

/// What was given before the cursor was taken.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Given {
    pub(super) bounds: Bounds,
    pub(super) ids: Vec<(Option<i64>, String)>,
}

/// What a cursor says.
#[derive(Debug)]
pub(super) enum Cursor<'a> {
    Present,
    From(Edge<'a>),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Text<'a> {
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
    /// Ids of neighbours with the same time are together.
    #[serde(default, skip_serializing_if = "Vec::is_empty", borrow)]
    ids: Vec<(Option<i64>, Vec<Cow<'a, str>>)>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_false(value: &bool) -> bool {
    !*value
}

impl Cursor<'_> {
    /// One line of JSON. Takes the cursor: dropped elsewhere, valgrind would see the length of a list looked at that is not there.
    pub(super) fn into_text(self, fingerprint: &str) -> String {
        let mut text =
            Text { v: VERSION, q: fingerprint.into(), present: false, done: None, band: None, ids: Vec::new() };
        match self {
            Self::Present => text.present = true,
            Self::From(Edge { bounds, ids }) => {
                text.done = bounds.done;
                text.band = bounds.band.map(|band| (band.floor, band.top));
                for (at, id) in ids {
                    match text.ids.last_mut() {
                        Some((last, ids)) if *last == at => ids.push(id.into()),
                        _ => text.ids.push((at, vec![id.into()])),
                    }
                }
            }
        }
        // Numbers and strings: nothing that JSON cannot hold.
        serde_json::to_string(&text).unwrap_or_default()
    }
}

impl Start {
    /// Reads a cursor that was taken from a query of this fingerprint.
    pub(super) fn parse(text: &str, fingerprint: &str) -> Result<Self> {
        let refuse = |why: std::fmt::Arguments<'_>| Error::argument("cursor", why);
        // serde would take a list for the fields in their order.
        if !text.starts_with('{') {
            return Err(refuse(format_args!("this is no text of kal_stream_cursor")));
        }
        let read: Text<'_> = serde_json::from_str(text)
            .map_err(|error| refuse(format_args!("this is no text of kal_stream_cursor: {error}")))?;
        if read.v != VERSION {
            return Err(refuse(format_args!("it is of version {}, this library knows version {VERSION}", read.v)));
        }
        if read.q != fingerprint {
            return Err(refuse(format_args!(
                "it was taken from a stream with other filters (event_types, resource_type or event_user_ids)"
            )));
        }
        let band = read.band.map(|(floor, top)| Band { floor, top });
        if band.is_some_and(|band| band.floor >= band.top) {
            return Err(refuse(format_args!("it contradicts itself")));
        }
        if read.present {
            return Ok(Self::Present);
        }
        let ids = read.ids.into_iter().flat_map(|(at, ids)| ids.into_iter().map(move |id| (at, id.into_owned())));
        Ok(Self::From(Given { bounds: Bounds { done: read.done, band }, ids: ids.collect() }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn a_cursor_reads_as_it_was_written() {
        let bounds = Bounds { done: Some(-5), band: Some(Band { floor: 7, top: 9 }) };
        let ids = vec![(Some(3), "a"), (Some(3), "b\0\"é"), (None, "c"), (Some(4), "d")];
        let text = Cursor::From(Edge { bounds, ids: ids.clone() }).into_text("f");
        assert!(!text.contains(['\n', '\0']), "{text}");
        let owned = ids.into_iter().map(|(at, id)| (at, id.to_owned())).collect();
        assert_eq!(Start::parse(&text, "f").expect("a cursor"), Start::From(Given { bounds, ids: owned }));
        assert_eq!(Start::parse(&Cursor::Present.into_text("f"), "f").expect("a cursor"), Start::Present);
    }

    #[test]
    fn what_is_no_cursor_is_refused_by_name() {
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
