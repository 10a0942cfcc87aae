//! Fuzz target for cursors.

use std::collections::HashSet;
use std::sync::OnceLock;

use serde_json::Value;

use crate::error::{ErrorKind, Result};
use crate::events::Stream;
use crate::service::Params;
use crate::service::workspace::GET_EVENTS;
use crate::{CallOptions, Client, Settings};

/// As documented in the header.
const MAX_IDS: usize = 1_000;
const MAX_ID_BYTES: usize = 64 * 1024;

/// A text is a valid cursor, or it is rejected with an error that names the cursor. A stream resumed from it has the
/// IDs that the dates do not cover, or the latest of them if there are too many. Its own cursor contains the same,
/// within the documented limits, and so does that of a stream resumed from there.
///
/// Red without limits on the cursor: a text of 90 KiB.
pub fn cursor(text: &[u8]) {
    // The C boundary has checked for UTF-8 and NULs.
    let Ok(text) = std::str::from_utf8(text) else { return };
    let first = match follow(text) {
        Ok(stream) => stream.cursor(),
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{text}");
            assert!(error.to_string().starts_with("cursor: "), "{error}");
            return;
        }
    };
    assert!(!first.contains(|c: char| c < ' '), "{first}");
    let again = follow(&first).unwrap_or_else(|error| panic!("{error}: {first}")).cursor();
    assert_eq!(first, again);

    let (parsed, resumed) = (decode(text), decode(&first));
    let bytes = |ids: &[(Value, String)]| ids.iter().map(|(_, id)| id.len()).sum::<usize>();
    assert!(resumed.ids.len() <= MAX_IDS && bytes(&resumed.ids) <= MAX_ID_BYTES, "{first}");
    assert_eq!(
        (&parsed.present, &parsed.done, &parsed.band),
        (&resumed.present, &resumed.done, &resumed.band),
        "{text}"
    );
    let dropped = parsed.ids.len() - resumed.ids.len();
    assert_eq!(parsed.ids[dropped..], resumed.ids, "{text}");
    if let Some((_, id)) = dropped.checked_sub(1).map(|last| &parsed.ids[last]) {
        assert!(resumed.ids.len() == MAX_IDS || bytes(&resumed.ids) + id.len() > MAX_ID_BYTES, "lost: {text}");
    }
}

fn follow(cursor: &str) -> Result<Stream> {
    static CLIENT: OnceLock<Client> = OnceLock::new();
    let client = CLIENT.get_or_init(|| {
        let settings = Settings {
            client_id: Some("id".into()),
            client_secret: Some("secret".to_owned().into()),
            // Nothing is sent to it.
            base_url: Some("http://127.0.0.1:9".into()),
            ..Settings::default()
        };
        Client::open(settings).expect("good settings")
    });
    Stream::follow(client, Params::new(&GET_EVENTS), Some(cursor), CallOptions::default())
}

/// The contents of a cursor, decoded without the library.
struct Decoded {
    present: bool,
    done: Option<i64>,
    band: Option<(i64, i64)>,
    /// Times and IDs, without duplicates and without those that the dates cover.
    ids: Vec<(Value, String)>,
}

fn decode(cursor: &str) -> Decoded {
    let cursor: Value = serde_json::from_str(cursor).expect("JSON");
    let present = cursor["present"] == true;
    if present {
        return Decoded { present, done: None, band: None, ids: Vec::new() };
    }
    let done = cursor["done"].as_i64();
    let band = cursor["band"][0].as_i64().zip(cursor["band"][1].as_i64());
    let covers = |at: &Value| {
        at.as_i64().is_some_and(|at| {
            done.is_some_and(|done| at <= done) || band.is_some_and(|(floor, top)| floor < at && at <= top)
        })
    };
    let mut seen = HashSet::new();
    let groups = cursor["ids"].as_array().into_iter().flatten();
    let ids = groups.flat_map(|group| {
        group[1]
            .as_array()
            .into_iter()
            .flatten()
            .map(|id| (group[0].clone(), id.as_str().unwrap_or_default().to_owned()))
    });
    let ids = ids.filter(|(_, id)| seen.insert(id.clone())).filter(|(at, _)| !covers(at)).collect();
    Decoded { present, done, band, ids }
}
