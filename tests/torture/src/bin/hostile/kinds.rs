//! The kinds of hostile and slow peers. To add one, add a line: its name, the statuses of its calls, what its server sends.

use std::sync::Arc;
use std::time::Duration;

use kal_torture::calls::Method;
use kal_torture::wire::answers::{answer, good_body, gzip, sized};
use kal_torture::wire::certificates::{Certificates, Shown};
use kal_torture::wire::{Asked, Carrier, Handshake, Step};
use kaleidoscope::ffi::status::{
    KAL_AUTH_FAILED, KAL_BAD_HTTP, KAL_BAD_RESPONSE, KAL_CONNECT_FAILED, KAL_CONNECTION_LOST, KAL_OK, KAL_RATE_LIMITED,
    KAL_RESPONSE_TOO_LARGE, KAL_SERVER_ERROR, KAL_TIMED_OUT, KAL_TLS_FAILED, KAL_UNAUTHORIZED, kal_status,
};

use crate::bodies::{bodies, compressed, empty_blocks, errors};
use crate::host::HANGS;

type Answer = dyn Fn(&Asked) -> Vec<Step> + Send + Sync;

pub(crate) const MIB: u64 = 1 << 20;
const CAP: u64 = 4 * MIB;
/// The interval of the slow ones.
const MS: Duration = Duration::from_millis(1);
/// The size of each write of an endless response: enough to fill a socket buffer.
const FLOOD: usize = 256 << 10;

/// A hostile or slow peer.
pub(crate) struct Kind {
    pub(crate) name: String,
    /// The connection, instead of plain TCP and TLS.
    pub(crate) plain: Option<Carrier>,
    pub(crate) tls: Option<Carrier>,
    /// Only over TCP, or only over TLS.
    pub(crate) over: Over,
    /// A host name instead of the loopback address.
    pub(crate) host: Option<String>,
    pub(crate) answer: Arc<Answer>,
    /// The statuses that a call may return.
    pub(crate) api: Vec<kal_status>,
    /// The statuses when the token endpoint is hostile; `None` if not tried there.
    pub(crate) sign_in: Vec<kal_status>,
    /// It lasts until the call's deadline.
    pub(crate) lasts: bool,
    pub(crate) methods: &'static [Method],
    pub(crate) cap: u64,
    pub(crate) max_attempts: u32,
    /// The access token.
    pub(crate) token: Option<String>,
    /// The maximum number of concurrent clients.
    pub(crate) clients: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Over {
    Both,
    Tcp,
    Tls,
}

impl Kind {
    /// Calls end before the deadline, with this status.
    pub(crate) fn ends(
        name: &str,
        status: kal_status,
        answer: impl Fn(&Asked) -> Vec<Step> + Send + Sync + 'static,
    ) -> Self {
        Self {
            name: name.into(),
            plain: None,
            tls: None,
            over: Over::Both,
            host: None,
            answer: Arc::new(answer),
            api: vec![status],
            sign_in: vec![status],
            lasts: false,
            methods: &[Method::Members],
            cap: CAP,
            max_attempts: 1,
            token: None,
            clients: 8,
        }
    }

    /// Calls last until the deadline.
    pub(crate) fn lasts(name: &str, answer: impl Fn(&Asked) -> Vec<Step> + Send + Sync + 'static) -> Self {
        Self { lasts: true, ..Self::ends(name, KAL_TIMED_OUT, answer) }
    }

    /// It lasts until the deadline or until `max_response_bytes` is reached, whichever is first.
    pub(crate) fn fills(name: &str, answer: impl Fn(&Asked) -> Vec<Step> + Send + Sync + 'static) -> Self {
        let either = vec![KAL_TIMED_OUT, KAL_RESPONSE_TOO_LARGE];
        Self { api: either.clone(), sign_in: either, ..Self::lasts(name, answer) }
    }

    /// An HTTP error status: at the token endpoint it rejects the sign-in.
    pub(crate) fn refusal(self) -> Self {
        Self { sign_in: vec![KAL_AUTH_FAILED], ..self }
    }

    pub(crate) fn not_at_sign_in(self) -> Self {
        Self { sign_in: vec![], ..self }
    }

    fn only(self, over: Over) -> Self {
        Self { over, ..self }
    }

    /// A failing handshake.
    fn handshake(name: &str, status: kal_status, how: Handshake) -> Self {
        let tls = Some(Carrier::Broken(how));
        Self { tls, lasts: status == KAL_TIMED_OUT, ..Self::ends(name, status, |_| vec![]) }.only(Over::Tls)
    }
}

/// All of them.
pub(crate) fn all(certificates: &Certificates) -> Vec<Kind> {
    let mut all = interim();
    all.extend(drips());
    all.extend(framing());
    all.extend(heads());
    all.extend(errors());
    all.extend(compressed());
    all.extend(bodies());
    all.extend(storms());
    all.extend(tls(certificates));
    all.extend(names());
    all
}

pub(crate) fn send(bytes: Vec<u8>) -> Step {
    Step::Send(bytes)
}

/// Repeats a piece, so that each write is long.
pub(crate) fn flood(piece: &[u8]) -> Step {
    Step::Forever(piece.repeat(FLOOD / piece.len() + 1))
}

fn chunked() -> Step {
    send(answer("200 OK", "Transfer-Encoding: chunked\r\n", b""))
}

pub(crate) fn gzipped(status: &str) -> Step {
    send(answer(status, "Content-Encoding: gzip\r\n", b""))
}

/// Endless interim responses, so that the final response never arrives.
fn interim() -> Vec<Kind> {
    let flooded = |name: &str, piece: Vec<u8>| {
        Kind::ends(&format!("{name} without end"), KAL_BAD_HTTP, move |_| vec![flood(&piece)])
    };
    let link = "Link: </style.css>; rel=preload\r\n";
    let many: String = (0..50).map(|n| format!("X-Lab-{n}: blue\r\n")).collect();
    let one = b"HTTP/1.1 102 Processing\r\n\r\n";
    vec![
        flooded("100", b"HTTP/1.1 100 Continue\r\n\r\n".to_vec()),
        flooded("100 of HTTP/1.0", b"HTTP/1.0 100\r\n\r\n".to_vec()),
        flooded("102", one.to_vec()),
        flooded("103 with a header", answer("103 Early Hints", link, b"")),
        flooded("199 with 50 headers", answer("199 Wait", &many, b"")),
        flooded("100 and empty lines", b"HTTP/1.1 100 Continue\r\n\r\n\r\n\n".to_vec()),
        Kind::lasts("a 102 every 10 ms", move |_| vec![vec![send(one.to_vec()), Step::Pause(10 * MS)]; 100].concat()),
        Kind::lasts("a 102 by bytes, one every ms", move |_| vec![Step::Drip(one.repeat(100), MS)]),
        Kind::ends("300 times 102, then the answer", KAL_OK, move |asked| {
            vec![send([one.repeat(300), sized("200 OK", "", &good_body(asked.path()))].concat())]
        }),
    ]
}

/// One byte after another.
fn drips() -> Vec<Kind> {
    let mut all = Vec::new();
    for (pause, told) in [(MS, "ms"), (10 * MS, "10 ms")] {
        let drip = |what: &str, head: Vec<u8>, rest: Vec<u8>| {
            Kind::lasts(&format!("{what} by bytes, one every {told}"), move |_| {
                vec![send(head.clone()), Step::Drip(rest.clone(), pause)]
            })
        };
        all.push(drip("a head", vec![], answer("200 OK", &format!("X-Lab: {}\r\n", "b".repeat(8000)), b"")));
        all.push(drip("a body", answer("200 OK", "Content-Length: 9000\r\n", b""), vec![b' '; 9000]));
        // The head is enough.
        let error = drip("an error's body", answer("500 No", "Content-Length: 9000\r\n", b""), vec![b' '; 9000]);
        all.push(Kind { api: vec![KAL_SERVER_ERROR], ..error }.refusal());
        all.push(drip("chunks", answer("200 OK", "Transfer-Encoding: chunked\r\n", b""), b"1\r\n \r\n".repeat(1500)));
        let noise: Vec<u8> = (0..4000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
        all.push(drip("gzip", answer("200 OK", "Content-Encoding: gzip\r\n", b""), gzip(&noise)));
    }
    all
}

/// Chunks, chunk sizes and extensions.
fn framing() -> Vec<Kind> {
    let chunks = |name: &str, piece: &'static [u8]| Kind::fills(name, move |_| vec![chunked(), flood(piece)]);
    let after = |name: &str, status, first: &'static [u8], then: &'static [u8]| {
        Kind::ends(name, status, move |_| vec![chunked(), send(first.to_vec()), flood(then)])
    };
    let endless = |name: &str, first: &'static [u8], then: &'static [u8]| {
        Kind::lasts(name, move |_| vec![chunked(), send(first.to_vec()), flood(then)])
    };
    vec![
        chunks("chunks of one byte", b"1\r\n \r\n"),
        Kind::fills("gzip in chunks of one byte", |_| {
            let chunks: Vec<u8> = empty_blocks(2000).iter().flat_map(|byte| [b'1', 13, 10, *byte, 13, 10]).collect();
            vec![
                send(answer("200 OK", "Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n", b"")),
                send(chunks),
                flood(b"1\r\n\0\r\n1\r\n\0\r\n1\r\n\0\r\n1\r\n\xff\r\n1\r\n\xff\r\n"),
            ]
        }),
        after("a chunk's extension without end", KAL_BAD_HTTP, b"1;", b"x"),
        after("chunks that have extensions", KAL_BAD_HTTP, b"", b"1;name=value\r\n \r\n"),
        endless("a chunk's size of zeros without end", b"", b"0"),
        endless("a chunk's size and spaces without end", b"1", b" "),
        after("trailers without end", KAL_BAD_HTTP, b"1\r\n[\r\n0\r\n", b"X-T: 1\r\n"),
        after("a trailer without end", KAL_BAD_HTTP, b"1\r\n[\r\n0\r\nX-T: ", b"1"),
        after("a chunk of ffffffffffffffff bytes", KAL_RESPONSE_TOO_LARGE, b"ffffffffffffffff\r\n", b" "),
        Kind::ends("Content-Length 10^15", KAL_RESPONSE_TOO_LARGE, |_| {
            vec![send(answer("200 OK", "Content-Length: 1000000000000000\r\n", b"")), flood(b" ")]
        }),
        Kind::ends("Content-Length 10^15 and gzip, then silence", KAL_RESPONSE_TOO_LARGE, |_| {
            let head = "Content-Encoding: gzip\r\nContent-Length: 1000000000000000\r\n";
            vec![send(answer("200 OK", head, &gzip(b"[]"))), Step::Silence]
        }),
        Kind::ends("an error of Content-Length 10^15, then silence", KAL_SERVER_ERROR, |_| {
            vec![send(answer("500 No", "Content-Length: 1000000000000000\r\n", b"[]")), Step::Silence]
        })
        .refusal(),
    ]
}

/// Endless heads.
fn heads() -> Vec<Kind> {
    let endless = |name: &str, first: &'static [u8], then: &'static [u8]| {
        Kind::ends(name, KAL_BAD_HTTP, move |_| vec![send(first.to_vec()), flood(then)])
    };
    vec![
        endless("headers without end", b"HTTP/1.1 200 OK\r\n", b"X-Lab: blue\r\n"),
        endless("a header without end", b"HTTP/1.1 200 OK\r\nX-Lab: ", b"b"),
        endless("a status line without end", b"HTTP/1.1 200 ", b"O"),
        endless("a 100 whose header does not end", b"HTTP/1.1 100 Continue\r\nX-Lab: ", b"b"),
        endless("empty lines", b"", b"\r\n"),
        endless("spaces instead of a status line", b"", b" "),
        Kind::lasts("silence instead of an answer", |_| vec![Step::Silence]),
        Kind::lasts("half a head, then silence", |_| vec![send(b"HTTP/1.1 200 OK\r\nX-L".to_vec()), Step::Silence]),
        Kind::lasts("half a body, then silence", |_| {
            vec![send(answer("200 OK", "Content-Length: 100\r\n", b"[{\"id\":")), Step::Silence]
        }),
    ]
}

/// Responses that make the client retry as often as allowed.
fn storms() -> Vec<Kind> {
    let storm = |name: &str, status, bytes: Vec<u8>, last: Vec<Step>| Kind {
        max_attempts: 4,
        ..Kind::ends(name, status, move |_| [vec![send(bytes.clone())], last.clone()].concat())
    };
    let closed = |name: &str, how: Handshake| {
        let carrier = Some(Carrier::Broken(how));
        let lost = vec![KAL_CONNECTION_LOST, KAL_CONNECT_FAILED];
        Kind {
            plain: carrier.clone(),
            tls: carrier,
            api: lost.clone(),
            max_attempts: 3,
            ..Kind::ends(name, KAL_CONNECTION_LOST, |_| vec![])
        }
        .not_at_sign_in()
    };
    vec![
        storm("redirects", KAL_BAD_RESPONSE, sized("302 Found", "Location: /elsewhere\r\n", b""), vec![]),
        storm("the token refused each time", KAL_UNAUTHORIZED, sized("401 No", "", b"{}"), vec![]).refusal(),
        // Each retry waits, as after every 429.
        Kind {
            max_attempts: 2,
            ..storm("429 with Retry-After: 0", KAL_RATE_LIMITED, sized("429 No", "Retry-After: 0\r\n", b"{}"), vec![])
        }
        .refusal(),
        storm("503, and the connection closed", 503, sized("503 No", "Retry-After: 0\r\n", b"{}"), vec![Step::Close])
            .refusal(),
        closed("connections closed at once", Handshake::Close),
        closed("connections reset at once", Handshake::Reset),
        Kind {
            plain: Some(Carrier::Broken(Handshake::Silence)),
            ..Kind::lasts("connections on which nothing happens", |_| vec![])
        }
        .not_at_sign_in()
        .only(Over::Tcp),
    ]
}

fn tls(certificates: &Certificates) -> Vec<Kind> {
    let config = certificates.server(Shown::Good);
    let mut many_tickets = (*config).clone();
    many_tickets.send_tls13_tickets = 5000;
    let record = |kind: u8, body: &[u8]| {
        let length = u16::try_from(body.len()).expect("a record").to_be_bytes();
        [&[kind, 3, 3][..], &length, body].concat()
    };
    // A handshake message of 16 MiB that never completes.
    let mut half = record(22, &[[2, 0xff, 0xff, 0xff].as_slice(), &[0; 1000]].concat());
    half.extend(record(22, &[0; 1000]));
    let flooded = |name: &str, piece: Vec<u8>| {
        Kind::handshake(name, KAL_TLS_FAILED, Handshake::Forever(vec![], piece.repeat(FLOOD / piece.len() + 1)))
    };
    let records = |name: &str, head: Vec<u8>| {
        Kind::fills(name, move |_| vec![send(head.clone()), Step::Records(vec![b' '; 1000])]).only(Over::Tls)
    };
    vec![
        Kind::handshake("a handshake by bytes, one every ms", KAL_TIMED_OUT, Handshake::Drip(config, MS)),
        Kind::handshake("silence instead of a handshake", KAL_TIMED_OUT, Handshake::Silence),
        flooded("a handshake message without end", half),
        flooded("empty handshake records", record(22, b"")),
        flooded("changes of cipher without end", record(20, b"\x01")),
        flooded("warnings without end", record(21, b"\x01\x5a")),
        records("TLS records of one byte", answer("200 OK", "", b"")),
        // At one byte per record it takes long to reach the limit of the head.
        Kind {
            api: vec![KAL_TIMED_OUT, KAL_BAD_HTTP],
            sign_in: vec![KAL_TIMED_OUT, KAL_BAD_HTTP],
            ..records("a head in TLS records of one byte", b"HTTP/1.1 200 OK\r\nX-Lab: ".to_vec())
        },
        Kind::ends("new keys without end", KAL_TLS_FAILED, |_| vec![Step::KeyUpdates]).only(Over::Tls),
        Kind {
            tls: Some(Carrier::Tls(Arc::new(many_tickets))),
            // More than rustls buffers is an error.
            api: vec![KAL_OK, KAL_BAD_HTTP],
            ..Kind::ends("5000 session tickets", KAL_OK, |asked| {
                vec![send(sized("200 OK", "", &good_body(asked.path())))]
            })
        }
        .only(Over::Tls)
        .not_at_sign_in(),
    ]
}

/// Names whose lookup hangs: in one client, and in many.
fn names() -> Vec<Kind> {
    vec![
        Kind { host: Some(format!("{{n}}{HANGS}")), ..Kind::lasts("names whose lookup hangs", |_| vec![]) }
            .not_at_sign_in()
            .only(Over::Tcp),
    ]
}
