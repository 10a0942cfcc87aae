//! Limits on the memory of a decoded answer, whatever the server sends or claims.

use super::{EVENTS, EVERYTHING, GROUPS, MEMBERS, Root, decode, list};
use crate::records::Decoder;
use crate::records::decode::MAX_ERROR_BODY;
use crate::records::error::DecodeError;
use crate::records::fault::MAX_RECORD_BYTES;
use crate::records::schema::Schema;
use crate::records::table::Table;

/// The maximum body length, and the memory limit that follows from it.
const MAX_BODY: usize = 1 << 20;
const LIMIT: usize = 2 * MAX_BODY + (64 << 10);

/// Decodes `text` in chunks of `size` bytes, until it is too large.
fn decode_chunks(schema: &'static Schema, text: &[u8], size: usize) -> Result<Table, DecodeError> {
    let mut decoder = Decoder::new(schema, Root::List, MAX_BODY);
    let mut body = Vec::new();
    for chunk in text.chunks(size) {
        body.extend_from_slice(chunk);
        let continues = decoder.advance(&mut body, usize::MAX).is_continue();
        assert!(decoder.reserved_bytes() <= 2 * LIMIT, "{} bytes reserved", decoder.reserved_bytes());
        if !continues {
            break;
        }
    }
    decoder.finish(body, None)
}

/// The first offset at which two bodies differ.
fn difference(one: &[u8], other: &[u8]) -> Option<usize> {
    one.iter().zip(other).position(|(one, other)| one != other)
}

fn repeated(first: &str, again: &str, last: &str, length: usize) -> Vec<u8> {
    let mut text = first.as_bytes().to_vec();
    text.extend(again.bytes().cycle().take((length / again.len()) * again.len()));
    text.extend_from_slice(last.as_bytes());
    text
}

/// Red when memory is not counted: the answers are accepted, and an event of ten bytes uses 256.
#[test]
fn records_over_the_memory_limit_are_rejected() {
    let cases = [
        (&EVENTS, repeated("[", r#"{"id":""},"#, r#"{"id":""}]"#, MAX_BODY - 64)),
        (&MEMBERS, repeated("[", r#"{"id":""},"#, r#"{"id":""}]"#, MAX_BODY - 64)),
        (&GROUPS, repeated(r#"[{"id":"","user_ids":["#, r#""","#, r#"""]}]"#, MAX_BODY - 64)),
        (&GROUPS, repeated("[", r#"{"id":"","user_ids":["",""]},"#, r#"{"id":""}]"#, MAX_BODY - 64)),
        (&EVENTS, repeated("[", r#"{"id":"","event_attrs":{}},"#, r#"{"id":""}]"#, MAX_BODY - 64)),
    ];
    for (schema, text) in cases {
        let shown = String::from_utf8_lossy(&text[..40]).into_owned();
        let whole = Decoder::new(schema, Root::List, MAX_BODY).finish(text.clone(), None).expect_err(&shown);
        assert!(whole.is_too_large, "{shown}: {whole}");
        assert!(whole.to_string().contains("max_response_bytes"), "{whole}");
        let shown_of = &text[..MAX_ERROR_BODY.min(text.len())];
        assert!(whole.body == shown_of, "{shown}: {:?}", difference(&whole.body, &text));
        for size in [7_000, 100_000] {
            let parts = decode_chunks(schema, &text, size).expect_err(&shown);
            assert!(parts.is_too_large && parts.offset == whole.offset, "{shown}: {parts}");
            assert!(text.starts_with(&parts.body), "{shown}: {:?}", difference(&parts.body, &text));
        }
        assert!(list(schema, &text).is_ok(), "{shown}: accepted without a limit");
    }
}

/// Red when realistic records count for more than their text.
#[test]
fn realistic_records_are_accepted_up_to_the_maximum_body() {
    let member =
        r#"{"id":"0193f0c4-7c5e-7d1e-a1c4-3f6b0d8e9a2c","full_name":"Ada Lovelace","email":"ada@example.com"},"#;
    let event = r#"{"id":"0193f0c4-7c5e-7d1e-a1c4-3f6b0d8e9a2c","created_at":"2026-01-31T10:00:00Z","event_type":"create","event_user_id":"0193f0c4-7c5e-7d1e-a1c4-3f6b0d8e9a2c"},"#;
    for (schema, record) in [(&MEMBERS, member), (&EVENTS, event)] {
        let text = repeated("[", record, r#"{"id":""}]"#, MAX_BODY - 64);
        assert!(Decoder::new(schema, Root::List, MAX_BODY).finish(text.clone(), None).is_ok(), "{record}");
        assert!(decode_chunks(schema, &text, 8_000).is_ok(), "{record}");
    }
}

#[test]
fn of_several_wrong_duplicates_the_last_is_reported() {
    let error = list(&EVERYTHING, r#"[{"id":"a","int":"x","int":5,"int":true,"int":[]}]"#).expect_err("no integer");
    assert_eq!(error.to_string(), "everything[0].int: expected an integer, found an array: [] (at byte 46)");
}

/// Red when the claimed length is reserved, and when rows are reserved for all of it.
#[test]
fn a_claimed_length_reserves_no_memory() {
    let text = repeated("[", r#"{"id":"a"},"#, "", 4_000);
    for max_body in [MAX_BODY, 1 << 30] {
        let mut decoder = Decoder::new(&EVENTS, Root::List, max_body);
        assert!(decoder.advance(&mut text.clone(), usize::MAX).is_continue());
        assert!(decoder.reserved_bytes() <= LIMIT, "{max_body}: {} bytes", decoder.reserved_bytes());
    }
}

/// Red when the length of a record is not limited: decoding it blocks the I/O thread.
#[test]
fn a_record_over_the_maximum_length_is_rejected() {
    for (first, again, last) in [
        (r#"[{"id":"a"},{"id":"b","x":""#, "0123456789", r#""}]"#),
        (r#"[{"id":"a"},{"id":"b","x":["#, "[],", "0]}]"),
        (r#"[{"id":"a"},{"id":"b","#, r#""id":1,"#, r#""id":"b"}]"#),
    ] {
        let text = repeated(first, again, last, MAX_RECORD_BYTES);
        let error = list(&MEMBERS, &text).expect_err(first);
        assert_eq!(error.to_string(), "members[1]: the record is longer than 8 MiB (at byte 12)");
        assert!(error.is_too_large && error.body == text[..MAX_ERROR_BODY], "{first}");
        let text = repeated(first, again, last, MAX_RECORD_BYTES - 64);
        assert!(list(&MEMBERS, &text).is_ok(), "{first}");
    }
    let object = repeated(r#"{"id":"b","x":""#, "0123456789", r#""}"#, MAX_RECORD_BYTES);
    assert!(decode(object, &MEMBERS, Root::Object).expect_err("too long").is_too_large);
}

#[test]
fn a_long_answer_of_the_wrong_type_is_described_without_reading_all_of_it() {
    let text = repeated("{\"x\":[", "[],", "0]}", MAX_RECORD_BYTES + 10);
    assert_eq!(
        list(&MEMBERS, &text).expect_err("no list").reason,
        "expected an array, found an object: {\"x\":[[],[],[],[],[],[],[],[],[],[],[],[…"
    );
}

/// Red when the scratch data of a truncated value is not discarded: it is added again with the next chunk.
#[test]
fn a_value_that_is_read_again_counts_once() {
    let text = repeated(
        r#"[{"id":"a"},{"id":"b","object":{},"list":["#,
        r#""\n","x\u0041","#,
        r#"""],"time":1,"int":"y","text":"\t"}]"#,
        2_000,
    );
    let scratch_bytes = |size| {
        let mut decoder = Decoder::new(&EVERYTHING, Root::List, MAX_BODY);
        let mut body = Vec::new();
        for chunk in text.chunks(size) {
            body.extend_from_slice(chunk);
            assert!(decoder.advance(&mut body, 0).is_continue());
        }
        decoder.finish(body, None).expect("records").scratch_bytes()
    };
    let whole = scratch_bytes(text.len());
    for size in [1, 2, 3, 7, 100] {
        assert_eq!(scratch_bytes(size), whole, "in chunks of {size}");
    }
}
