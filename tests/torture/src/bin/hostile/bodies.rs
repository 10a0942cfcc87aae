//! Oversized bodies: of errors, compressed, and of records.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use kal_torture::calls::Method;
use kal_torture::wire::Step;
use kal_torture::wire::answers::{answer, bomb, gzip, sized};
use kaleidoscope::ffi::status::{KAL_BAD_HTTP, KAL_BAD_RESPONSE, KAL_OK, KAL_RESPONSE_TOO_LARGE, KAL_SERVER_ERROR};

use crate::kinds::{Kind, MIB, flood, gzipped, send};

/// The maximum length of a token in a header.
const LONG_TOKEN: usize = 2000;

/// Errors with an endless body.
pub(crate) fn errors() -> Vec<Kind> {
    let error = |name: &str, steps: Vec<Step>| Kind::ends(name, KAL_SERVER_ERROR, move |_| steps.clone()).refusal();
    let whole = |name: &str, body: Vec<u8>| error(name, vec![send(sized("500 No", "", &body))]);
    let full = 128 << 10;
    let token: String = ('a'..='z').cycle().take(LONG_TOKEN).collect();
    let same = "a".repeat(LONG_TOKEN - 1) + "b";
    let echoed = |name: &str, token: &str, body: Vec<u8>| {
        Kind { token: Some(token.into()), ..whole(name, body) }.not_at_sign_in()
    };
    let escaped: String = token.bytes().map(|byte| format!("\\u{byte:04x}")).collect();
    let percent: String = token.bytes().map(|byte| format!("%{byte:02x}")).collect();
    vec![
        error("an error without end", vec![send(answer("500 No", "", b"")), flood(b"no ")]),
        error(
            "an error without end, chunks of one byte",
            vec![send(answer("500 No", "Transfer-Encoding: chunked\r\n", b"")), flood(b"1\r\nn\r\n")],
        ),
        error("an error of spaces, compressed", vec![send(sized("500 No", "Content-Encoding: gzip\r\n", &bomb(256)))]),
        error(
            "an error of empty blocks without end, compressed",
            vec![gzipped("500 No"), send(empty_blocks(0)), flood(EMPTY_BLOCK)],
        ),
        whole("an error of JSON that is nested", b"[".repeat(full)),
        whole("an error of nested objects", br#"{"a":"#.repeat(full / 5)),
        whole("an error of one word of escapes", [br#"{"message":""#, br"\u0061".repeat(full / 6).as_slice()].concat()),
        whole("an error of backslashes", b"\\".repeat(full)),
        whole("an error of percents", b"%25".repeat(full / 3)),
        echoed("an error that echoes a long token", &token, token.repeat(full / LONG_TOKEN).into_bytes()),
        echoed(
            "an error that echoes a long token in JSON's escapes",
            &token,
            escaped.repeat(full / escaped.len()).into_bytes(),
        ),
        echoed(
            "an error that echoes a long token in percents",
            &token,
            percent.repeat(full / percent.len()).into_bytes(),
        ),
        echoed("an error that nearly echoes a long token", &same, b"a".repeat(full)),
    ]
}

const EMPTY_BLOCK: &[u8] = &[0, 0, 0, 0xff, 0xff];
const GZIP_HEAD: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];

/// The beginning of a gzip stream, followed by empty blocks.
pub(crate) fn empty_blocks(count: usize) -> Vec<u8> {
    [&GZIP_HEAD[..], &EMPTY_BLOCK.repeat(count)].concat()
}

/// The beginning of an endless gzip stream: a text, then a block that can be repeated indefinitely.
fn gzip_flood(first: &[u8], piece: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(first).expect("memory");
    encoder.flush().expect("memory");
    let head = std::mem::take(encoder.get_mut());
    let pieces = piece.repeat((1 << 20) / piece.len());
    // It must not refer back to data before it.
    let mut deflate = flate2::write::DeflateEncoder::new(Vec::new(), Compression::best());
    deflate.write_all(&pieces).expect("memory");
    deflate.flush().expect("memory");
    (head, deflate.get_ref().clone())
}

pub(crate) fn compressed() -> Vec<Kind> {
    let named = [&[0x1f, 0x8b, 8, 8, 0, 0, 0, 0, 0, 255][..], b"name"].concat();
    let extra = [0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 255, 255, 255];
    let empty = gzip(b"");
    let bomb = bomb(1024);
    let mut all = vec![
        Kind {
            cap: 64 * MIB,
            ..Kind::ends("gzip of 1 GiB", KAL_RESPONSE_TOO_LARGE, move |_| {
                vec![send(sized("200 OK", "Content-Encoding: gzip\r\n", &bomb))]
            })
        },
        Kind::fills("gzip of nothing, again and again", move |_| vec![gzipped("200 OK"), flood(&empty)]),
        Kind::fills("gzip of empty blocks without end", |_| {
            vec![gzipped("200 OK"), send(empty_blocks(0)), flood(EMPTY_BLOCK)]
        }),
        Kind::ends("gzip whose file name does not end", KAL_RESPONSE_TOO_LARGE, move |_| {
            vec![gzipped("200 OK"), send(named.clone()), flood(b"name")]
        }),
        // After the extra field there is no valid deflate data.
        Kind::ends("gzip with 64 KiB of extra field", KAL_BAD_HTTP, move |_| {
            vec![gzipped("200 OK"), send(extra.to_vec()), flood(b"\xff")]
        }),
    ];
    for (name, first, piece) in [
        ("gzip of spaces without end", "[", " "),
        ("gzip of one record with its id again and again", "[{\"id\":1", ",\"id\":1"),
        ("gzip of records whose id is empty", "[{\"id\":\"\"}", ",{\"id\":\"\"}"),
        ("gzip of records without a field", "[{}", ",{}"),
        ("gzip of small records", "[{\"id\":\"a\"}", ",{\"id\":\"a\"}"),
        ("gzip of a text without end", "[{\"id\":\"a", "aaaaaaaa"),
        ("gzip of nested lists", "[{\"x\":", "["),
        ("gzip of unknown fields", "[{\"id\":\"a\"", ",\"u\":[{}]"),
    ] {
        let (head, more) = gzip_flood(first.as_bytes(), piece.as_bytes());
        all.push(Kind {
            methods: &[Method::Members, Method::Events],
            api: vec![KAL_RESPONSE_TOO_LARGE, KAL_BAD_RESPONSE],
            cap: 16 * MIB,
            ..Kind::ends(name, KAL_RESPONSE_TOO_LARGE, move |_| {
                vec![gzipped("200 OK"), send(head.clone()), flood(&more)]
            })
        });
    }
    all
}

pub(crate) fn bodies() -> Vec<Kind> {
    let endless = |name: &str, first: &'static [u8], piece: &'static [u8]| Kind {
        api: vec![KAL_RESPONSE_TOO_LARGE, KAL_BAD_RESPONSE],
        cap: 16 * MIB,
        ..Kind::ends(name, KAL_RESPONSE_TOO_LARGE, move |_| vec![send(answer("200 OK", "", first)), flood(piece)])
    };
    vec![
        endless("spaces without end", b"[", b" "),
        endless("records without a field", b"[{}", b",{}"),
        endless("a record's text without end", b"[{\"id\":\"", b"aaaaaaaa"),
        endless("escapes without end", b"[{\"id\":\"", b"\\u00e9"),
        Kind { cap: 256 * MIB, clients: 1, ..endless("256 MiB of one record", b"[{\"id\":\"", b"aaaaaaaa") },
        // The cost of a complete answer of the maximum size.
        Kind {
            cap: 256 * MIB,
            clients: 1,
            ..Kind::ends("a whole answer of 32 MiB", KAL_OK, |_| {
                let record = br#"{"id":"a","full_name":"Ada","email":"a@example.org"},"#;
                let mut body = b"[".to_vec();
                body.extend(record.repeat((32 << 20) / record.len()));
                body.extend(br#"{"id":"z"}]"#);
                vec![send(sized("200 OK", "", &body))]
            })
        }
        .not_at_sign_in(),
        one_text("a record of 7 MiB of escapes", br"\n"),
        one_text("a record of 7 MiB of halves of surrogate pairs", br"\ud83d"),
        one_text("a record of 7 MiB, every other letter escaped", br"a\n"),
    ]
}

/// An answer of one record of nearly the maximum size, with a repetitive text.
fn one_text(name: &str, piece: &'static [u8]) -> Kind {
    Kind {
        cap: 32 * MIB,
        clients: 1,
        ..Kind::ends(name, KAL_OK, move |_| {
            let body = [br#"[{"id":""#, piece.repeat((7 << 20) / piece.len()).as_slice(), br#""}]"#].concat();
            vec![send(sized("200 OK", "", &body))]
        })
    }
    .not_at_sign_in()
}
