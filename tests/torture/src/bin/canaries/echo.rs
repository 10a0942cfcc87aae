//! Where in a response a server may echo a request, and in which encoding.

use kal_torture::wire::Step;
use kal_torture::wire::answers::{answer, gzip, sized};

use super::with_header;

/// Where in a response the echo is.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    pub(crate) name: &'static str,
    /// The echo, and a URL of another host.
    pub(crate) answer: fn(&str, &str) -> Vec<Step>,
    /// Whether errors show this part of the response, so that something must have been redacted.
    pub(crate) shown: bool,
}

/// How the server encodes the echo.
#[derive(Clone, Copy)]
pub(crate) struct Encoding {
    pub(crate) name: &'static str,
    pub(crate) of: fn(&str) -> String,
}

pub(crate) const ENCODINGS: [Encoding; 8] = [
    Encoding { name: "as it came", of: str::to_owned },
    Encoding { name: "as JSON", of: json },
    Encoding { name: "as JSON in ASCII", of: json_in_ascii },
    Encoding { name: "as JSON in ASCII, escaped as much as can be", of: json_in_numbers },
    Encoding { name: "as HTML", of: html },
    Encoding { name: "percent-encoded", of: |text| percent(text, false) },
    Encoding { name: "percent-encoded in lower case", of: |text| percent(text, true) },
    Encoding { name: "as if it were Latin-1", of: |text| text.bytes().map(char::from).collect() },
];

const fn place(name: &'static str, answer: fn(&str, &str) -> Vec<Step>) -> Place {
    Place { name, answer, shown: false }
}

const fn shown(name: &'static str, answer: fn(&str, &str) -> Vec<Step>) -> Place {
    Place { name, answer, shown: true }
}

pub(crate) const PLACES: [Place; 29] = [
    shown("the body of a 400", |echo, _| send(sized("400 No", "", echo.as_bytes()))),
    shown("the body of a 503", |echo, _| send(sized("503 No", "", echo.as_bytes()))),
    shown("the body of a 401", |echo, _| send(sized("401 No", "", echo.as_bytes()))),
    shown("the body of a 403 without length", |echo, _| {
        vec![Step::Send(answer("403 No", "", echo.as_bytes())), Step::Close]
    }),
    shown("the compressed body of a 400", |echo, _| {
        send(sized("400 No", "Content-Encoding: gzip\r\n", &gzip(echo.as_bytes())))
    }),
    shown("the message of a 400", |echo, _| send(sized("400 No", "", format!(r#"{{"message":"{echo}"}}"#).as_bytes()))),
    shown("the code of a 400", |echo, _| send(sized("400 No", "", format!(r#"{{"code":"{echo}"}}"#).as_bytes()))),
    shown("the error of a 401", |echo, _| send(sized("401 No", "", format!(r#"{{"error":"{echo}"}}"#).as_bytes()))),
    shown("the error_description of a 400", |echo, _| {
        send(sized("400 No", "", format!(r#"{{"error":"no","error_description":"{echo}"}}"#).as_bytes()))
    }),
    shown("the detail of a 422", |echo, _| send(sized("422 No", "", format!(r#"{{"detail":"{echo}"}}"#).as_bytes()))),
    shown("a list in the detail of a 422", |echo, _| {
        send(sized("422 No", "", format!(r#"{{"detail":[{{"msg":"no","input":"{echo}"}}]}}"#).as_bytes()))
    }),
    shown("the 64th KiB of a 500", |echo, _| {
        send(sized("500 No", "", format!("{}{echo}", " ".repeat(64 * 1024 - echo.len() * 2 / 3)).as_bytes()))
    }),
    shown("a 500 that is full of it", |echo, _| {
        send(sized("500 No", "", echo.repeat(400_000 / echo.len()).as_bytes()))
    }),
    shown("the body of a 400 that has it cut off in many places", |echo, _| {
        let cuts = (0..echo.len()).step_by(17).filter(|cut| echo.is_char_boundary(*cut));
        send(sized("400 No", "", cuts.map(|cut| format!("{}...\n", &echo[..cut])).collect::<String>().as_bytes()))
    }),
    shown("the message of a 400 that has the beginnings of its lines", |echo, _| {
        let beginning = |line: &str| line.chars().take(line.chars().count() * 2 / 3).collect::<String>();
        let lines = echo.lines().map(|line| beginning(line).trim_end_matches('\\').to_owned() + " ");
        send(sized("400 No", "", format!(r#"{{"message":"{}"}}"#, lines.collect::<String>()).as_bytes()))
    }),
    place("a 200 that is no JSON", |echo, _| send(sized("200 OK", "", echo.as_bytes()))),
    place("a 200 of a wrong type", |echo, _| send(sized("200 OK", "", format!(r#"["{echo}"]"#).as_bytes()))),
    place("a wrong field of a 200", |echo, _| {
        send(sized("200 OK", "", format!(r#"[{{"id":["{echo}"],"expires_in":"{echo}","access_token":1}}]"#).as_bytes()))
    }),
    place("a token answer's wrong field", |echo, _| {
        send(sized(
            "200 OK",
            "",
            format!(r#"{{"expires_in":"{echo}","access_token":"a","refresh_token":"r"}}"#).as_bytes(),
        ))
    }),
    shown("the request id of a 400", |echo, _| with_header("400 No", "X-Request-Id", echo, b"{}")),
    place("the request id of a 200", |echo, _| with_header("200 OK", "X-Request-Id", echo, b"what?")),
    place("the request id of an empty 200", |echo, _| with_header("200 OK", "Request-Id", echo, b"")),
    shown("the request id of a redirect", |echo, _| with_header("302 There", "X-Correlation-Id", echo, b"")),
    place("a redirect's target", |echo, elsewhere| {
        with_header("307 There", "Location", &format!("{elsewhere}/?{echo}"), b"")
    }),
    place("other headers of a 400", |echo, _| {
        with_header("400 No", "Retry-After", echo, b"{}")
            .into_iter()
            .chain(with_header("400 No", "WWW-Authenticate", echo, b""))
            .collect()
    }),
    place("the reason phrase", |echo, _| {
        send(format!("HTTP/1.1 400 {}\r\nContent-Length: 0\r\n\r\n", line(echo)).into_bytes())
    }),
    place("the place of the status line", |echo, _| {
        vec![Step::Send(format!("{}\r\n\r\n", line(echo)).into_bytes()), Step::Close]
    }),
    place("the place of a length", |echo, _| {
        vec![Step::Send(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", line(echo)).into_bytes()), Step::Close]
    }),
    place("the place of a chunk's size", |echo, _| {
        let chunk = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{}\r\n\r\n", line(echo));
        vec![Step::Send(chunk.into_bytes()), Step::Close]
    }),
];

fn send(bytes: Vec<u8>) -> Vec<Step> {
    vec![Step::Send(bytes)]
}

fn line(echo: &str) -> String {
    echo.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn json(text: &str) -> String {
    let quoted = serde_json::to_string(text).unwrap_or_default();
    quoted[1..quoted.len() - 1].to_owned()
}

/// As Python's JSON encoder writes it.
fn json_in_ascii(text: &str) -> String {
    let mut units = [0; 2];
    let escape = |c: char, units: &mut [u16; 2]| match c {
        ' '..='~' => c.to_string(),
        _ => c.encode_utf16(units).iter().map(|unit| format!("\\u{unit:04x}")).collect(),
    };
    json(text).chars().map(|c| escape(c, &mut units)).collect()
}

/// As encoders such as PHP's write it, which also escape `/`, `<`, `&`, `'` and `+`.
fn json_in_numbers(text: &str) -> String {
    json_in_ascii(text)
        .chars()
        .map(|c| match c {
            '/' => "\\/".to_owned(),
            '<' | '>' | '&' | '\'' | '+' | '=' => format!("\\u{:04X}", u32::from(c)),
            _ => c.to_string(),
        })
        .collect()
}

fn html(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

fn percent(text: &str, lower: bool) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
            _ if lower => format!("%{byte:02x}"),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}
