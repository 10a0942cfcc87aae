//! Cursors.

use std::collections::HashSet;
use std::sync::OnceLock;

use serde_json::Value;

use crate::error::{ErrorKind, Result};
use crate::events::Stream;
use crate::service::Params;
use crate::service::workspace::GET_EVENTS;
use crate::{CallOptions, Client, Settings};

/// As the header has it.
const IDS_MOST: usize = 1_000;
const BYTES_MOST: usize = 64 * 1024;

/// Any text is a cursor or is refused by name. A stream that begins at one knows the ids in it that its dates do not cover, the
/// latest of them if they are too many; its own cursor says so, within the bounds that the header gives, and another stream that
/// begins there says the same.
///
/// Seen red without the bounds of a cursor: a text of 90 KiB was given.
pub fn cursor(text: &[u8]) {
    // What C passes in has been checked to be UTF-8 without NULs.
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

    let (given, kept) = (known(text), known(&first));
    let bytes = |ids: &[(Value, String)]| ids.iter().map(|(_, id)| id.len()).sum::<usize>();
    assert!(kept.ids.len() <= IDS_MOST && bytes(&kept.ids) <= BYTES_MOST, "{first}");
    assert_eq!((&given.present, &given.done, &given.band), (&kept.present, &kept.done, &kept.band), "{text}");
    let latest = given.ids.len() - kept.ids.len();
    assert_eq!(given.ids[latest..], kept.ids, "{text}");
    if let Some((_, id)) = latest.checked_sub(1).map(|last| &given.ids[last]) {
        assert!(kept.ids.len() == IDS_MOST || bytes(&kept.ids) + id.len() > BYTES_MOST, "lost: {text}");
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

/// What a cursor says, read without the library.
struct Known {
    present: bool,
    done: Option<i64>,
    band: Option<(i64, i64)>,
    /// Times and ids, each id once, without those that the dates cover.
    ids: Vec<(Value, String)>,
}

fn known(cursor: &str) -> Known {
    let cursor: Value = serde_json::from_str(cursor).expect("JSON");
    let present = cursor["present"] == true;
    if present {
        return Known { present, done: None, band: None, ids: Vec::new() };
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
    Known { present, done, band, ids }
}
