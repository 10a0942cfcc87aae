//! The table of faults. To add one, add a line: its name, the outcome of a call, what the server sends.
//!
//! The statuses are those of the header: a connection that breaks before the response is complete is `KAL_CONNECTION_LOST` and is
//! retried; invalid HTTP is `KAL_BAD_HTTP`, valid HTTP without a valid answer is `KAL_BAD_RESPONSE`, and neither is retried.

use kaleidoscope::ffi::status::{
    KAL_BAD_HTTP, KAL_BAD_RESPONSE, KAL_CONNECT_FAILED, KAL_CONNECTION_LOST, KAL_OK, KAL_RESPONSE_TOO_LARGE,
    KAL_SERVER_ERROR, KAL_TIMED_OUT, KAL_TLS_FAILED,
};

use super::answers::{answer, bomb, chunked, good, good_body, gzip, gzipped, sized, unsized_};
use super::certificates::{Certificates, Shown};
use super::fault::{Cuts, DRIP, Fault, Gives, Patience, Tries};
use super::heads;
use super::{Asked, Carrier, Handshake, Step};

/// `max_response_bytes` of the test's clients.
pub const CAP: usize = 1 << 20;

/// The target of redirects.
pub const ELSEWHERE: &str = "{elsewhere}";

/// The whole table.
pub fn table(certificates: &Certificates) -> Vec<Fault> {
    let mut all = cut_off();
    all.extend(framing());
    all.extend(no_http());
    all.extend(statuses());
    all.extend(heads::table(certificates));
    all.extend(bodies());
    all.extend(too_much());
    all.extend(reused());
    all.extend(tls(certificates));
    all
}

fn send(bytes: Vec<u8>) -> Step {
    Step::Send(bytes)
}

/// Responses that stop at a byte.
fn cut_off() -> Vec<Fault> {
    fn stop(whole: fn(&str) -> Vec<u8>, how: Step) -> impl Fn(&Asked, usize) -> Vec<Step> + Send + Sync {
        move |asked, at| {
            let mut whole = whole(asked.path());
            whole.truncate(at);
            vec![send(whole), how.clone()]
        }
    }
    let lost =
        |name, whole, how| Fault::steps(name, KAL_CONNECTION_LOST, stop(whole, how)).at(Cuts::Anywhere(whole)).twice();
    vec![
        lost("RST at a byte", good, Step::Reset),
        lost("FIN at a byte", good, Step::Close),
        lost("RST at a byte of a chunked answer", chunked, Step::Reset),
        lost("FIN at a byte of a chunked answer", chunked, Step::Close),
        lost("FIN at a byte of a compressed answer", gzipped, Step::Close),
        // Only the JSON shows whether such a body is complete.
        Fault::steps("FIN in a body without length", KAL_BAD_RESPONSE, stop(unsized_, Step::Close))
            .at(Cuts::Body(unsized_)),
        Fault::steps("RST in a body without length", KAL_CONNECTION_LOST, stop(unsized_, Step::Reset))
            .at(Cuts::Body(unsized_))
            .twice(),
        Fault::steps("silence from a byte on", KAL_TIMED_OUT, stop(good, Step::Silence))
            .at(Cuts::Anywhere(good))
            .endless(),
        Fault::steps("one byte at a time", KAL_TIMED_OUT, |asked, _| vec![Step::Drip(good(asked.path()), DRIP)])
            .endless(),
        Fault::steps("the last chunk never comes", KAL_TIMED_OUT, |asked, _| {
            let mut whole = chunked(asked.path());
            whole.truncate(whole.len() - 5);
            vec![send(whole), Step::Silence]
        })
        .endless(),
    ]
}

/// Inconsistent lengths and chunks.
fn framing() -> Vec<Fault> {
    let length = |name: &str, status, header: &'static str| {
        Fault::bytes(name, status, move |asked| answer("200 OK", header, &good_body(asked.path())))
    };
    let chunks = |name: &str, status, body: &'static str| {
        Fault::bytes(name, status, move |_| answer("200 OK", "Transfer-Encoding: chunked\r\n", body.as_bytes()))
    };
    vec![
        Fault::bytes("Content-Length too short", KAL_BAD_RESPONSE, |asked| {
            let body = good_body(asked.path());
            answer("200 OK", &format!("Content-Length: {}\r\n", body.len() - 7), &body)
        }),
        Fault::steps("Content-Length too long, then FIN", KAL_CONNECTION_LOST, |asked, _| {
            let body = good_body(asked.path());
            vec![send(answer("200 OK", &format!("Content-Length: {}\r\n", body.len() + 7), &body)), Step::Close]
        })
        .twice(),
        Fault::steps("Content-Length too long, then silence", KAL_TIMED_OUT, |asked, _| {
            let body = good_body(asked.path());
            vec![send(answer("200 OK", &format!("Content-Length: {}\r\n", body.len() + 7), &body)), Step::Silence]
        })
        .endless(),
        length("Content-Length negative", KAL_BAD_HTTP, "Content-Length: -5\r\n"),
        length("Content-Length no number", KAL_BAD_HTTP, "Content-Length: many\r\n"),
        length("Content-Length hexadecimal", KAL_BAD_HTTP, "Content-Length: 0x40\r\n"),
        length("Content-Length of 30 digits", KAL_BAD_HTTP, "Content-Length: 999999999999999999999999999999\r\n"),
        length("Content-Length of 16 EiB", KAL_RESPONSE_TOO_LARGE, "Content-Length: 18446744073709551000\r\n"),
        length("Content-Length over the cap", KAL_RESPONSE_TOO_LARGE, "Content-Length: 1048577\r\n"),
        length("Content-Length of 1 PB", KAL_RESPONSE_TOO_LARGE, "Content-Length: 1000000000000000\r\n"),
        // Seen red when the Content-Length was passed to the decoder: "memory allocation of 1000000000000904 bytes failed".
        Fault::bytes("gzip and a Content-Length of 1 PB", KAL_RESPONSE_TOO_LARGE, |asked| {
            let headers = "Content-Encoding: gzip\r\nContent-Length: 1000000000000000\r\n";
            answer("200 OK", headers, &gzip(&rows(asked.path(), 2000)))
        }),
        Fault::steps("gzip and a Content-Length of the cap, then FIN", KAL_CONNECTION_LOST, |asked, _| {
            let headers = format!("Content-Encoding: gzip\r\nContent-Length: {CAP}\r\n");
            vec![send(answer("200 OK", &headers, &gzip(&rows(asked.path(), 2000)))), Step::Close]
        })
        .twice()
        .not_at_sign_in(),
        length("Content-Length twice and different", KAL_BAD_HTTP, "Content-Length: 40\r\nContent-Length: 41\r\n"),
        Fault::bytes("Content-Length twice and the same", KAL_OK, |asked| {
            let body = good_body(asked.path());
            let length = format!("Content-Length: {}\r\n", body.len());
            answer("200 OK", &format!("{length}{length}"), &body)
        }),
        Fault::bytes("chunked and Content-Length", KAL_OK, |asked| {
            let text = String::from_utf8_lossy(&chunked(asked.path())).replacen("\r\n", "\r\nContent-Length: 3\r\n", 1);
            text.into_bytes()
        }),
        chunks("chunk size no number", KAL_BAD_HTTP, "xyz\r\n[]\r\n0\r\n\r\n"),
        chunks("chunk size negative", KAL_BAD_HTTP, "-2\r\n[]\r\n0\r\n\r\n"),
        chunks("chunk size over 64 bits", KAL_BAD_HTTP, "fffffffffffffffff\r\n[]\r\n0\r\n\r\n"),
        chunks("chunk size missing", KAL_BAD_HTTP, "\r\n[]\r\n0\r\n\r\n"),
        chunks("chunk longer than its size", KAL_BAD_HTTP, "1\r\n[]\r\n0\r\n\r\n"),
        chunks("chunk extension", KAL_BAD_RESPONSE, "1;name=value\r\n[\r\n0\r\n\r\n"),
        Fault::steps("chunk extension without end", KAL_BAD_HTTP, |_, _| {
            vec![send(answer("200 OK", "Transfer-Encoding: chunked\r\n", b"1;")), Step::Forever(vec![b'x'; 4096])]
        }),
        Fault::steps("trailers without end", KAL_BAD_HTTP, |_, _| {
            let chunks = b"1\r\n[\r\n0\r\n";
            vec![
                send(answer("200 OK", "Transfer-Encoding: chunked\r\n", chunks)),
                Step::Forever(b"X-T: 1\r\n".repeat(64)),
            ]
        }),
        // It ends with the connection, and its content cannot be decoded.
        Fault::steps("an unknown transfer encoding", KAL_BAD_RESPONSE, |asked, _| {
            let body = gzip(&good_body(asked.path()));
            vec![send(answer("200 OK", "Transfer-Encoding: shrunk\r\nContent-Length: 20\r\n", &body)), Step::Close]
        }),
    ]
}

/// Invalid heads.
fn no_http() -> Vec<Fault> {
    let raw = |name: &str, bytes: &'static [u8]| {
        Fault::steps(name, KAL_BAD_HTTP, move |_, _| vec![send(bytes.to_vec()), Step::Close])
    };
    let head = |name: &str, status, lines: &'static [u8]| {
        Fault::bytes(name, status, move |asked| {
            let good = good(asked.path());
            let line = good.iter().position(|byte| *byte == b'\n').map_or(0, |at| at + 1);
            [&good[..line], lines, &good[line..]].concat()
        })
    };
    vec![
        raw("garbage", b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03\xff\xfe\xfd\xfc\r\n\r\n"),
        raw("another protocol", b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"),
        raw("HTTP/0.9", b"<html><body>welcome to the lab</body></html>\r\n"),
        raw("HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\x12\x04\0\0\0\0\0\0\x03\0\0\0\x80"),
        raw("an HTTP/2 frame", b"\0\0\x12\x04\0\0\0\0\0\0\x03\0\0\0\x80\0\x04\0\x01\0\0\0\x05\0\xff\xff\xff"),
        raw("status line of HTTP/2", b"HTTP/2 200 OK\r\nContent-Length: 2\r\n\r\n[]"),
        raw("status line of HTTP/3.7", b"HTTP/3.7 200 OK\r\nContent-Length: 2\r\n\r\n[]"),
        raw("a request", b"GET / HTTP/1.1\r\nHost: you\r\n\r\n"),
        raw("a status of two digits", b"HTTP/1.1 20 OK\r\nContent-Length: 2\r\n\r\n[]"),
        raw("a status of four digits", b"HTTP/1.1 2000 OK\r\nContent-Length: 2\r\n\r\n[]"),
        raw("a status that is no number", b"HTTP/1.1 two OK\r\nContent-Length: 2\r\n\r\n[]"),
        raw("status 0", b"HTTP/1.1 000 OK\r\nContent-Length: 2\r\n\r\n[]"),
        raw("NUL in the status line", b"HTTP/1.1 200 O\0K\r\nContent-Length: 2\r\n\r\n[]"),
        head("NUL in a header", KAL_BAD_HTTP, b"X-Lab: a\0b\r\n"),
        head("a lone CR in a header", KAL_BAD_HTTP, b"X-Lab: a\rb\r\n"),
        head("a header without a colon", KAL_BAD_HTTP, b"X-Lab\r\n"),
        head("a header without a name", KAL_BAD_HTTP, b": blue\r\n"),
        head("a space before the colon", KAL_BAD_HTTP, b"X-Lab : blue\r\n"),
        // Seen red when they were not allowed: `KAL_BAD_HTTP`.
        head("a folded header", KAL_OK, b"X-Lab: blue\r\n and green\r\n"),
        head("a header folded more than once", KAL_OK, b"X-Lab:\r\n\tblue\r\n   and\r\n\t green\r\n \r\n"),
        head("a fold before the first header", KAL_BAD_HTTP, b" X-Lab: blue\r\n"),
        header_lines(100, KAL_OK),
        header_lines(101, KAL_BAD_HTTP).says("more than 100 header lines"),
        head("a header that is not UTF-8", KAL_OK, b"X-Request-Id: \xff\xfe\x80\r\nX-Lab: \xc3\x28\r\n"),
        header_lines(10_000, KAL_BAD_HTTP),
        Fault::bytes("a header of 1 MiB", KAL_BAD_HTTP, |_| {
            answer("200 OK", &format!("X-Lab: {}\r\n", "b".repeat(1 << 20)), b"[]")
        }),
        Fault::steps("a header without end", KAL_BAD_HTTP, |_, _| {
            vec![send(b"HTTP/1.1 200 OK\r\nX-Lab: ".to_vec()), Step::Forever(vec![b'b'; 4096])]
        }),
        Fault::steps("headers without end", KAL_BAD_HTTP, |_, _| {
            vec![send(b"HTTP/1.1 200 OK\r\n".to_vec()), Step::Forever(b"X-Lab: blue\r\n".repeat(32))]
        }),
        Fault::steps("a status line without end", KAL_BAD_HTTP, |_, _| {
            vec![send(b"HTTP/1.1 200 ".to_vec()), Step::Forever(vec![b'O'; 4096])]
        }),
        Fault::steps("empty lines without end", KAL_BAD_HTTP, |_, _| vec![Step::Forever(b"\r\n".repeat(64))]),
    ]
}

/// A good response with this many header lines.
fn header_lines(count: usize, status: i32) -> Fault {
    Fault::bytes(&format!("{count} header lines"), status, move |asked| {
        // Two are already present.
        let lines: String = (2..count).map(|n| format!("X-Lab-{n}: blue\r\n")).collect();
        sized("200 OK", &lines, &good_body(asked.path()))
    })
}

/// Usual and unusual statuses.
fn statuses() -> Vec<Fault> {
    let mut all: Vec<Fault> =
        [400, 402, 403, 404, 405, 406, 409, 410, 413, 415, 418, 422, 451, 499, 501, 505, 520, 599]
            .into_iter()
            .map(|status| error(status).refusal())
            .collect();
    all.extend([408, 429, 500, 502, 503, 504].map(|status| error(status).refusal().twice()));
    // One request with each of two tokens.
    all.push(Fault { tries: Tries::Both, ..error(401).refusal() });
    all.extend([100, 103].map(|status| {
        Fault::bytes(&format!("status {status} before the answer"), KAL_OK, move |asked| {
            [answer(&format!("{status} Wait"), "Link: </a>\r\n", b""), good(asked.path())].concat()
        })
    }));
    all.push(Fault::steps("1xx without end", KAL_BAD_HTTP, |_, _| {
        vec![Step::Forever(b"HTTP/1.1 100 Continue\r\n\r\n".to_vec())]
    }));
    all.push(Fault::bytes("status 101", KAL_BAD_HTTP, |_| {
        answer("101 Switching Protocols", "Upgrade: lab\r\nConnection: upgrade\r\n", b"")
    }));
    // A 1xx has no body, so the body of a 199 is where the answer's status line should be.
    all.extend([199, 600, 999].map(|status| {
        Fault::bytes(&format!("status {status}"), KAL_BAD_HTTP, move |asked| {
            sized(&format!("{status} What"), "", &good_body(asked.path()))
        })
    }));
    all.push(Fault::bytes("status 299", KAL_OK, |asked| sized("299 Fine", "", &good_body(asked.path()))));
    all.extend([204, 205].map(|status| {
        Fault::bytes(&format!("status {status}"), KAL_OK, move |_| {
            answer(&format!("{status} Nothing"), "Content-Length: 0\r\n", b"")
        })
        .without_body()
    }));
    all.push(
        Fault::bytes("status 204 with a body", KAL_OK, |asked| sized("204 No Content", "", &good_body(asked.path())))
            .without_body(),
    );
    all.push(Fault::bytes("status 304", KAL_BAD_RESPONSE, |_| answer("304 Not Modified", "", b"")));
    for status in [301, 302, 303, 307, 308] {
        all.push(Fault::bytes(&format!("status {status} to another host"), KAL_BAD_RESPONSE, move |asked| {
            sized(&format!("{status} Moved"), &format!("Location: {ELSEWHERE}{}\r\n", asked.path()), b"{}")
        }));
    }
    all.push(Fault::bytes("a redirect to nowhere", KAL_BAD_RESPONSE, |_| sized("302 Found", "", b"{}")));
    all.push(Fault::bytes("a redirect to what is no URL", KAL_BAD_RESPONSE, |_| {
        sized("302 Found", "Location: http://[::\r\n", b"{}")
    }));
    all
}

fn error(status: u16) -> Fault {
    Fault::bytes(&format!("status {status}"), status.into(), move |_| {
        sized(&format!("{status} No"), "", br#"{"code":"no","message":"not today"}"#)
    })
}

/// Bodies with unexpected content or a wrong type.
fn bodies() -> Vec<Fault> {
    let body = |name: &str, status, body: Vec<u8>| Fault::bytes(name, status, move |_| sized("200 OK", "", &body));
    let encoded = |name: &str, status, encoding: &'static str, body: fn(&str) -> Vec<u8>| {
        Fault::bytes(name, status, move |asked| {
            sized("200 OK", &format!("Content-Encoding: {encoding}\r\n"), &body(asked.path()))
        })
    };
    vec![
        body("no body", KAL_OK, vec![]).without_body(),
        body("only spaces", KAL_OK, b" \r\n\t ".to_vec()).without_body(),
        body("null", KAL_OK, b"null".to_vec()).without_body(),
        Fault::steps("no body and no length", KAL_OK, |_, _| vec![send(answer("200 OK", "", b"")), Step::Close])
            .without_body(),
        body("HTML", KAL_BAD_RESPONSE, b"<!doctype html><title>Sign in</title>".to_vec()),
        body("a byte order mark", KAL_BAD_RESPONSE, [b"\xef\xbb\xbf".as_slice(), &good_body("/members")].concat()),
        body("a number", KAL_BAD_RESPONSE, b"42".to_vec()),
        body("a record without its id", KAL_BAD_RESPONSE, br#"[{"full_name":"Ada"}]"#.to_vec()),
        body("a list in a list", KAL_BAD_RESPONSE, b"[[]]".to_vec()),
        body("two values", KAL_BAD_RESPONSE, b"[] []".to_vec()),
        body("NUL bytes", KAL_BAD_RESPONSE, vec![0; 64]),
        body("nested 100,000 deep", KAL_BAD_RESPONSE, b"[".repeat(100_000)).at_sign_in(KAL_RESPONSE_TOO_LARGE),
        body("nested 60,000 deep", KAL_BAD_RESPONSE, b"[".repeat(60_000)),
        nested(100, KAL_OK),
        nested(20_000, KAL_BAD_RESPONSE).at_sign_in(KAL_OK),
        Fault::bytes("a text that is not UTF-8", KAL_BAD_RESPONSE, |asked| {
            let good = good_body(asked.path());
            let at = good.windows(4).position(|four| four == b"id-1").unwrap_or(20);
            sized("200 OK", "", &[&good[..at], b"\xff\xc3\x28", &good[at..]].concat())
        }),
        encoded("gzip", KAL_OK, "gzip", |path| gzip(&good_body(path))),
        encoded("gzip in other letters", KAL_OK, "GZip", |path| gzip(&good_body(path))),
        encoded("x-gzip", KAL_OK, "x-gzip", |path| gzip(&good_body(path))),
        encoded("gzip and identity", KAL_OK, " identity ,, gzip\t, Identity,", |path| gzip(&good_body(path))),
        encoded("gzip in a header line of its own", KAL_OK, "identity\r\nContent-Encoding: gzip", |path| {
            gzip(&good_body(path))
        }),
        encoded("identity", KAL_OK, "Identity", good_body),
        encoded("an empty content encoding", KAL_OK, "", good_body),
        encoded("gzip in two header lines", KAL_BAD_RESPONSE, "gzip\r\nContent-Encoding: gzip", |path| {
            gzip(&gzip(&good_body(path)))
        }),
        encoded("an unknown content encoding and no body", KAL_OK, "br", |_| vec![]).without_body(),
        encoded("gzip that is none", KAL_BAD_HTTP, "gzip", good_body),
        encoded("gzip that ends early", KAL_BAD_HTTP, "gzip", |path| {
            let mut body = gzip(&good_body(path));
            body.truncate(body.len() - 12);
            body
        }),
        encoded("gzip with a wrong checksum", KAL_BAD_HTTP, "gzip", |path| {
            let mut body = gzip(&good_body(path));
            let at = body.len() - 8;
            body[at] ^= 1;
            body
        }),
        encoded("gzip with garbage behind it", KAL_OK, "gzip", |path| {
            [gzip(&good_body(path)), b"garbage!".to_vec()].concat()
        }),
        encoded("gzip and nothing in it", KAL_OK, "gzip", |_| gzip(b"")).without_body(),
        encoded("gzip and not even that", KAL_OK, "gzip", |_| vec![]).without_body(),
        encoded("gzip twice", KAL_BAD_RESPONSE, "gzip, gzip", |path| gzip(&gzip(&good_body(path)))),
        encoded("an unknown content encoding", KAL_BAD_RESPONSE, "shrunk", |path| gzip(&good_body(path))),
    ]
}

/// A record with an unknown field of deeply nested lists.
fn nested(deep: usize, status: i32) -> Fault {
    Fault::bytes(&format!("nested {deep} deep in an unknown field"), status, move |asked| {
        let deep = format!("{{\"deep\":{}{},", "[".repeat(deep), "]".repeat(deep));
        sized("200 OK", "", String::from_utf8_lossy(&good_body(asked.path())).replacen('{', &deep, 1).as_bytes())
    })
}

/// A good body with more rows in it, where it is a list.
fn rows(path: &str, count: usize) -> Vec<u8> {
    let body = String::from_utf8_lossy(&good_body(path)).into_owned();
    match body.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(rows) => format!("[{}]", vec![rows; count].join(",")).into_bytes(),
        None => body.into_bytes(),
    }
}

/// Oversized responses.
fn too_much() -> Vec<Fault> {
    let megabyte = || vec![b' '; 1 << 20];
    let boundary = |name: &str, status, length: usize| {
        Fault::bytes(name, status, move |asked| {
            let mut body = good_body(asked.path());
            body.resize(length, b' ');
            sized("200 OK", "", &body)
        })
        .not_at_sign_in()
    };
    let bomb = bomb(1024);
    // A response of 15 MiB, mostly repetitive.
    let millions = |name: &str, gives, first: &str, again: &str, last: &str| {
        let mut body = first.as_bytes().to_vec();
        body.extend(again.as_bytes().repeat((15 << 20) / again.len()));
        body.extend_from_slice(last.as_bytes());
        let (list, object) = (gzip(&body), gzip(&body[1..body.len() - 1]));
        let answer = move |asked: &Asked, _| {
            let body = if asked.path().ends_with("/active") { &object } else { &list };
            vec![send(sized("200 OK", "Content-Encoding: gzip\r\n", body))]
        };
        Fault { gives, ..Fault::steps(name, KAL_RESPONSE_TOO_LARGE, answer).not_at_sign_in() }
    };
    let small_members = |name, text: &'static [u8]| {
        Fault::steps(name, KAL_RESPONSE_TOO_LARGE, move |_, _| {
            let members = gzip(text).repeat(4096);
            vec![send(answer("200 OK", "Content-Encoding: gzip\r\n", b"")), Step::Forever(members)]
        })
    };
    // Over the limit of most clients here, below that of the clients whose memory is measured.
    let too_large_or_bad = Gives::Either(KAL_RESPONSE_TOO_LARGE, KAL_BAD_RESPONSE);
    vec![
        millions("a millionfold id that is no text", too_large_or_bad, "[{", "\"id\":1,", "\"id\":1}]"),
        millions("a million records of ten bytes", too_large_or_bad, "[", "{\"id\":\"\"},", "{\"id\":\"\"}]"),
        millions(
            "empty texts without number",
            Gives::Either(KAL_RESPONSE_TOO_LARGE, KAL_OK),
            "[{\"id\":\"\",\"user_ids\":[",
            "\"\",",
            "1]}]",
        ),
        // Seen red when only the text was counted: the call ended by its deadline.
        small_members("gzip members without text, without end", b""),
        // Seen red when they counted by their bytes: 20 s did not suffice on a busy machine.
        small_members("gzip members of one byte, without end", b" "),
        boundary("a body of just the cap", KAL_OK, CAP),
        boundary("a body of one byte more than the cap", KAL_RESPONSE_TOO_LARGE, CAP + 1),
        Fault::bytes("gzip of 1 GiB", KAL_RESPONSE_TOO_LARGE, move |_| {
            sized("200 OK", "Content-Encoding: gzip\r\n", &bomb)
        }),
        Fault::steps("a body without end", KAL_RESPONSE_TOO_LARGE, move |_, _| {
            vec![send(answer("200 OK", "", b"")), Step::Forever(megabyte())]
        }),
        Fault::steps("chunks without end", KAL_RESPONSE_TOO_LARGE, |_, _| {
            vec![
                send(answer("200 OK", "Transfer-Encoding: chunked\r\n", b"")),
                Step::Forever(b"4\r\n    \r\n".repeat(1000)),
            ]
        }),
        Fault::steps("one chunk without end", KAL_RESPONSE_TOO_LARGE, move |_, _| {
            vec![
                send(answer("200 OK", "Transfer-Encoding: chunked\r\n", b"7fffffffffffffff\r\n")),
                Step::Forever(megabyte()),
            ]
        }),
        // The beginning of an error's or a redirect's body is enough.
        Fault::steps("an error without end", KAL_SERVER_ERROR, move |_, _| {
            vec![send(answer("500 No", "", b"")), Step::Forever(megabyte())]
        })
        .refusal()
        .twice(),
        Fault::steps("a redirect without end", KAL_BAD_RESPONSE, move |_, _| {
            vec![send(answer("302 Found", &format!("Location: {ELSEWHERE}\r\n"), b"")), Step::Forever(megabyte())]
        }),
    ]
}

/// Faults of reused connections.
fn reused() -> Vec<Fault> {
    let stale = |name: &str, how: Step| {
        Fault::steps(
            name,
            KAL_OK,
            move |asked, _| {
                if asked.nth == 0 { vec![send(good(asked.path()))] } else { vec![how.clone()] }
            },
        )
        .twice()
        .not_at_sign_in()
    };
    vec![
        stale("FIN when a connection is used again", Step::Close),
        stale("RST when a connection is used again", Step::Reset),
        Fault::bytes("Connection: close, and then not", KAL_OK, |asked| {
            sized("200 OK", "Connection: close\r\n", &good_body(asked.path()))
        }),
        Fault::steps("FIN right after the answer", KAL_OK, |asked, _| vec![send(good(asked.path())), Step::Close]),
        Fault::bytes("a second, unsolicited response", KAL_OK, |asked| {
            let unasked = sized("200 OK", "", br#"[{"id":"poison"}]"#);
            [good(asked.path()), unasked].concat()
        }),
    ]
}

/// Handshakes and certificates.
fn tls(certificates: &Certificates) -> Vec<Fault> {
    let shown = |shown| Carrier::Tls(certificates.server(shown));
    let refused = |name: &str, which| Fault::connection(name, KAL_TLS_FAILED, shown(which));
    let broken = |name: &str, status, how| Fault::connection(name, status, Carrier::Broken(how));
    let alert = |code: u8| Handshake::Bytes(vec![0x15, 3, 3, 0, 2, 2, code]);
    let config = certificates.server(Shown::Good);
    let flight = |part, reset| Handshake::Flight { config: config.clone(), part, reset };
    let good_tls = shown(Shown::Good);
    let mut all = vec![
        refused("TLS: a certificate whose time is over", Shown::Expired)
            .says("expired on Fri, 01 Jan 2021 00:00:00 GMT"),
        refused("TLS: a certificate whose time has not come", Shown::NotYetValid)
            .says("not valid before Sun, 01 Jan 2090 00:00:00 GMT"),
        refused("TLS: a certificate of another host", Shown::OtherHost)
            .says("not valid for 127.0.0.1, only for elsewhere.example"),
        refused("TLS: a self-signed certificate", Shown::SelfSigned).says("set ca_bundle_path"),
        refused("TLS: a certificate of an unknown authority", Shown::UnknownAuthority).says("ca_bundle_path"),
        refused("TLS: a certificate that is not for servers", Shown::ForClients).says("not a server certificate"),
        // Seen red with rustls' own message: "invalid peer certificate: Other(OtherError(CaUsedAsEndEntity))".
        refused("TLS: a certificate of an authority, for itself", Shown::Authority).says("(CA:TRUE)"),
        broken("TLS: alert 40, handshake failure", KAL_TLS_FAILED, alert(40)).says("handshake failure"),
        broken("TLS: alert 70, protocol version", KAL_TLS_FAILED, alert(70)).says("neither TLS 1.2 nor 1.3"),
        broken("TLS: alert 112, unrecognized name", KAL_TLS_FAILED, alert(112)).says("does not serve this host name"),
        broken("TLS: plain HTTP", KAL_TLS_FAILED, Handshake::Bytes(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()))
            .says("may be one for plain http"),
        broken("TLS: garbage", KAL_TLS_FAILED, Handshake::Bytes(vec![0xff; 64])).says("does not speak TLS"),
        broken("TLS: FIN before the handshake", KAL_CONNECT_FAILED, Handshake::Close).twice(),
        broken("TLS: RST before the handshake", KAL_CONNECT_FAILED, Handshake::Reset).twice(),
    ];
    for part in [1, 64, 128, 192, 255] {
        all.push(
            broken(&format!("TLS: FIN {part}/256 into the handshake"), KAL_CONNECT_FAILED, flight(part, false)).twice(),
        );
        all.push(
            broken(&format!("TLS: RST {part}/256 into the handshake"), KAL_CONNECT_FAILED, flight(part, true)).twice(),
        );
    }
    all.push(Fault {
        patience: Patience::ShortToConnect,
        ..broken("TLS: silence instead of a handshake", KAL_CONNECT_FAILED, Handshake::Silence).twice()
    });
    all.push(broken("TLS: silence past the deadline", KAL_TIMED_OUT, Handshake::Silence).endless());
    all.push(Fault { tls: false, ..broken("FIN as soon as connected", KAL_CONNECTION_LOST, Handshake::Close) }.twice());
    all.push(
        Fault {
            tls: false,
            // Whether the RST arrives before the connection is reported as open depends on the kernel.
            gives: Gives::Either(KAL_CONNECTION_LOST, KAL_CONNECT_FAILED),
            ..broken("RST as soon as connected", KAL_CONNECTION_LOST, Handshake::Reset)
        }
        .twice(),
    );
    all.push(
        Fault { tls: false, ..broken("silence as soon as connected", KAL_TIMED_OUT, Handshake::Silence) }.endless(),
    );
    all.extend(cut_off().into_iter().take(4).map(|fault| fault.over(&good_tls)));
    // TLS marks the end of the stream: an attacker who cuts the connection cannot fake it.
    all.push(
        Fault::steps("a body without length, cut", KAL_CONNECTION_LOST, |asked, _| {
            vec![send(unsized_(asked.path())), Step::Cut]
        })
        .twice()
        .over(&good_tls),
    );
    all.push(
        Fault::steps("a body without length, ended in order", KAL_OK, |asked, _| {
            vec![send(unsized_(asked.path())), Step::Close]
        })
        .over(&good_tls),
    );
    all.push(
        Fault::steps("a complete answer, then cut", KAL_OK, |asked, _| vec![send(good(asked.path())), Step::Cut])
            .over(&good_tls),
    );
    all.push(
        Fault::steps("a record that is garbage", KAL_TLS_FAILED, |asked, _| {
            let mut half = good(asked.path());
            half.truncate(half.len() - 20);
            vec![send(half), Step::Beneath([b"\x17\x03\x03\x00\x20".as_slice(), &[0; 32]].concat()), Step::Silence]
        })
        .over(&good_tls),
    );
    all
}
