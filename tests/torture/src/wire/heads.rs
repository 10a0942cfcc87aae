//! Responses decided by their head: the body of a response other than 2xx does not change the outcome.
//!
//! Seen red when such a body was read like any other: `KAL_BAD_HTTP`, `KAL_CONNECTION_LOST` and `KAL_TIMED_OUT` for each of them,
//! and no new token after the 401.

use kaleidoscope::ffi::status::KAL_BAD_RESPONSE;

use super::answers::answer;
use super::certificates::{Certificates, Shown};
use super::faults::ELSEWHERE;
use super::{Carrier, Fault, Step};

/// A body, and what follows it.
struct Body {
    what: &'static str,
    headers: &'static str,
    bytes: &'static [u8],
    then: Step,
}

const fn body(what: &'static str, headers: &'static str, bytes: &'static [u8], then: Step) -> Body {
    Body { what, headers, bytes, then }
}

const LONGER: &str = "Content-Length: 200\r\n";
const CHUNKED: &str = "Transfer-Encoding: chunked\r\n";
const NOTHING: Step = Step::Send(Vec::new());

const BROKEN: [Body; 7] = [
    body("gzip that is none", "Content-Encoding: gzip\r\nContent-Length: 2\r\n", b"{}", NOTHING),
    body("FIN in its body", LONGER, b"{\"", Step::Close),
    body("RST in its body", LONGER, b"{\"", Step::Reset),
    body("FIN in its gzip", "Content-Encoding: gzip\r\nContent-Length: 200\r\n", b"\x1f\x8b\x08", Step::Close),
    body("FIN in a chunk", CHUNKED, b"5\r\n{\"", Step::Close),
    body("a chunk that is none", CHUNKED, b"2\r\n{\"\r\nxyz\r\n", NOTHING),
    body("a content encoding of its own", "Content-Encoding: shrunk\r\nContent-Length: 2\r\n", b"\xff\0", NOTHING),
];
/// Each takes as long as the client waits for an error body.
const STALLED: [Body; 2] = [
    body("a body that stalls", LONGER, b"{\"", Step::Silence),
    body("a chunk that stalls", CHUNKED, b"5\r\n{", Step::Silence),
];
const CUT: [Body; 2] = [
    body("a body without length, cut", "Connection: close\r\n", b"{\"", Step::Cut),
    body("RST in its body", LONGER, b"{\"", Step::Reset),
];

pub(super) fn table(certificates: &Certificates) -> Vec<Fault> {
    let good_tls = Carrier::Tls(certificates.server(Shown::Good));
    let mut all = Vec::new();
    for (status, line) in
        [(302, "302 Found"), (401, "401 No"), (403, "403 No"), (404, "404 No"), (429, "429 No"), (503, "503 No")]
    {
        all.extend(BROKEN.iter().map(|body| fault(status, line, body)));
        if matches!(status, 302 | 401 | 403 | 429) {
            all.extend(STALLED.iter().map(|body| fault(status, line, body)));
        }
        all.extend(CUT.iter().map(|body| fault(status, line, body).over(&good_tls)));
    }
    all
}

fn fault(status: i32, line: &'static str, body: &Body) -> Fault {
    let (headers, bytes, then) = (body.headers, body.bytes, body.then.clone());
    let gives = if status < 400 { KAL_BAD_RESPONSE } else { status };
    let fault = Fault::steps(&format!("status {status} and {}", body.what), gives, move |_, _| {
        let interim = answer("103 Early", "Link: </a>\r\n", b"");
        let location = if status == 302 { format!("Location: {ELSEWHERE}\r\n") } else { String::new() };
        let head = answer(line, &format!("{location}{headers}"), bytes);
        vec![Step::Send([interim, head].concat()), then.clone()]
    });
    let fault = if status < 400 { fault } else { fault.refusal() };
    if matches!(status, 401 | 429 | 503) { fault.twice() } else { fault }
}
