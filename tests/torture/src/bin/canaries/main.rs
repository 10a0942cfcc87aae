//! Secrets with a marker, through every path that shows text: errors, logs, `Debug`, standard output and error, other hosts. None
//! may appear.
//!
//! Every secret has [`MARKER`] on both sides of the characters that encodings change, so that it is found in any encoding. The
//! servers echo whole requests, in many encodings, in every part of a response. The row runs in a child process whose standard
//! output and error are searched as well.

use std::ffi::{CStr, c_char, c_void};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kal_torture::calls::{Client, EntryPoint, How, Method, Opening, Outcome, name};
use kal_torture::report::{Form, Row};
use kal_torture::wire::answers::{answer, good, sized};
use kal_torture::wire::certificates::{Certificates, Shown};
use kal_torture::wire::server::Script;
use kal_torture::wire::{Asked, Carrier, Server, Step};
use kaleidoscope::ffi::log::kal_set_log;
use kaleidoscope::ffi::logger::KAL_LOG_DEBUG;
use kaleidoscope::ffi::status::{KAL_OK, kal_status};
use kaleidoscope::service::{Params, workspace};
use kaleidoscope::{CallOptions, Settings};

mod echo;
mod panics;
mod proxy;

use echo::{ENCODINGS, PLACES};

/// Contained in every secret, twice.
const MARKER: &str = "kAnArY";
const CLIENT_SECRET: &str = "cs-kAnArY0001 +/\"é&<%'\\;=-kAnArY0002";
const HEADER: &str = "hk-kAnArY0003 +/\"é&<%'\\;=-kAnArY0004";
const IAP_TOKEN: &str = "ia-kAnArY0005+/\"é&<%'\\;=-kAnArY0006";
/// Access tokens of the server: valid header values.
const ACCESS: &str = "+/\"é&<%'\\;= -kAnArY";
/// Refresh tokens of the server: sent in forms only.
const REFRESH: &str = "+/\"é\u{7}\u{2028}&<%'\\;= -kAnArY";

static LOGGED: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn logged() -> MutexGuard<'static, Vec<String>> {
    LOGGED.lock().unwrap_or_else(PoisonError::into_inner)
}

#[allow(unsafe_code, reason = "it calls the C API")]
extern "C" fn log(_: *mut c_void, _: i32, message: *const c_char) {
    // SAFETY: the library passes a text that is valid during the call.
    let message = unsafe { CStr::from_ptr(message) }.to_string_lossy().into_owned();
    logged().push(message);
}

#[allow(unsafe_code, reason = "it calls the C API")]
unsafe extern "C" fn iap_token(_: *mut c_void, buffer: *mut c_char, capacity: usize, length: *mut usize) -> kal_status {
    assert!(IAP_TOKEN.len() <= capacity);
    // SAFETY: the library passes a buffer of that capacity, and a valid pointer for the length.
    unsafe {
        buffer.cast::<u8>().copy_from_nonoverlapping(IAP_TOKEN.as_ptr(), IAP_TOKEN.len());
        *length = IAP_TOKEN.len();
    }
    KAL_OK
}

struct IapToken;

impl kaleidoscope::IapTokenProvider for IapToken {
    fn token(&self) -> Result<secrecy::SecretString, String> {
        Ok(IAP_TOKEN.to_owned().into())
    }
}

/// The part of the marker's base64 that does not depend on the surrounding bytes, at each of the three alignments.
const IN_BASE64: [&str; 3] = ["a0FuQXJZ", "tBbkFyW", "rQW5Bcl"];

/// Whether a text contains the marker, plain or in base64.
fn sings(text: &[u8]) -> bool {
    let found = |what: &str| text.windows(what.len()).any(|part| part == what.as_bytes());
    found(MARKER) || IN_BASE64.into_iter().any(found)
}

/// A failure to be printed, with the marker removed.
fn quiet(text: &str) -> String {
    let text: String = text.chars().take(1500).collect();
    IN_BASE64.into_iter().fold(text.replace(MARKER, "k*n*r*"), |text, marker| text.replace(marker, "[base64]"))
}

/// Which requests are answered with an echo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    /// Requests to the API.
    Api,
    /// Every token request.
    SignIn,
    /// Every token request but the first: a refresh, and the sign-in with credentials after it.
    Refresh,
    /// Requests to the API, after more tokens were replaced than the client remembers.
    ApiAfterManyTokens,
}

const PLACES_OF_REQUESTS: [At; 4] = [At::Api, At::SignIn, At::Refresh, At::ApiAfterManyTokens];
const MANY: u64 = 12;

struct Echoing {
    at: At,
    place: echo::Place,
    encoding: echo::Encoding,
    elsewhere: String,
    issued: AtomicU64,
    echoed: Arc<AtomicU64>,
}

impl Script for Echoing {
    fn answer(&self, asked: &Asked) -> Vec<Step> {
        let issued = self.issued.load(Ordering::Relaxed);
        let echoes = match self.at {
            At::Api => !asked.is_sign_in(),
            At::SignIn => asked.is_sign_in(),
            At::Refresh => asked.is_sign_in() && issued > 0,
            At::ApiAfterManyTokens => !asked.is_sign_in() && issued >= MANY,
        };
        if echoes {
            let echo = (self.encoding.of)(&String::from_utf8_lossy(&asked.raw));
            if sings(echo.as_bytes()) {
                self.echoed.fetch_add(1, Ordering::Relaxed);
            }
            return (self.place.answer)(&echo, &self.elsewhere);
        }
        if asked.is_sign_in() {
            self.issued.fetch_add(1, Ordering::Relaxed);
            let expires_in = if matches!(self.at, At::Refresh | At::ApiAfterManyTokens) { 0 } else { 3600 };
            let body = serde_json::json!({
                "access_token": format!("at-{MARKER}{issued}{ACCESS}"),
                "refresh_token": format!("rt-{MARKER}{issued}{REFRESH}"),
                "expires_in": expires_in,
            });
            return vec![Step::Send(sized("200 OK", "", body.to_string().as_bytes()))];
        }
        vec![Step::Send(good(asked.path()))]
    }
}

/// The target of redirects.
struct Elsewhere(Arc<AtomicU64>);

impl Script for Elsewhere {
    fn answer(&self, asked: &Asked) -> Vec<Step> {
        self.0.fetch_add(1, Ordering::Relaxed);
        vec![Step::Send(good(asked.path()))]
    }
}

fn opening(base_url: String) -> Opening {
    Opening {
        client_secret: CLIENT_SECRET.into(),
        headers: vec![("X-Lab-Key".into(), HEADER.into())],
        iap_token_provider: Some(iap_token),
        max_attempts: 1,
        timeout_ms: 20_000,
        ..Opening::at(base_url)
    }
}

fn settings(base_url: String) -> Settings {
    Settings {
        client_id: Some("demo-client".into()),
        client_secret: Some(CLIENT_SECRET.to_owned().into()),
        base_url: Some(base_url),
        headers: vec![("X-Lab-Key".into(), HEADER.into())],
        iap: Some(Arc::new(IapToken)),
        max_attempts: Some(1),
        ..Settings::default()
    }
}

/// Every string of an error that contains the marker.
fn singing(outcome: &Outcome) -> Vec<String> {
    const NAMES: [&str; 6] = ["message", "method", "url", "code", "request_id", "body"];
    let texts = NAMES.iter().zip(&outcome.texts).filter_map(|(name, text)| Some((name, text.as_deref()?)));
    texts
        .filter(|(_, text)| sings(text))
        .map(|(name, text)| format!("{name}: {}", quiet(&String::from_utf8_lossy(text))))
        .collect()
}

fn main() {
    let form = Form::from_args();
    let row = Row::begin("canaries");
    let part = |name: &str| std::env::args().any(|argument| argument == name);
    if part(panics::PART) {
        panics::quote_nothing(&row);
    }
    if !part("--inner") {
        overhear(&row, form);
    }
    // The callback is valid for the whole program.
    let status = kal_set_log(KAL_LOG_DEBUG, Some(log), std::ptr::null_mut());
    assert_eq!(status, KAL_OK);

    let echoed = echoes(&row, form);
    refused_when_opened(&row);
    proxy::is_told_nothing(&row);

    let lines = logged();
    let failures: Vec<_> = lines.iter().filter(|line| sings(line.as_bytes())).map(|line| quiet(line)).collect();
    row.claim("no line of the log at the debug level contains a secret", lines.len() as u64, &failures);
    row.end(&format!("{echoed} echoes, {} lines of log", lines.len()))
}

/// Runs the two parts of this program as child processes and captures their output.
fn overhear(row: &Row, form: Form) -> ! {
    let mut details = Vec::new();
    for part in ["--inner", panics::PART] {
        let this = std::env::current_exe().expect("its own path");
        let said = Command::new(this)
            .args([part, form.pick("--short", "--long")])
            .stdin(Stdio::null())
            .output()
            .expect("the child process");
        let (output, error) = (String::from_utf8_lossy(&said.stdout), String::from_utf8_lossy(&said.stderr));
        let mut ended_well = false;
        for line in output.lines() {
            match serde_json::from_str::<serde_json::Value>(line) {
                Ok(summary) => {
                    let sum = |name: &str| summary[name].as_u64().unwrap_or(0);
                    row.add(sum("tried"), sum("failed"));
                    details.push(summary["detail"].as_str().unwrap_or_default().to_owned());
                    ended_well = true;
                }
                Err(_) => println!("{line}"),
            }
        }
        eprint!("{}", quiet(&error));
        row.check("the process of the other claims exits successfully", ended_well, &format!("{}", said.status));
        let seen = format!("{} and {} bytes", output.len(), error.len());
        row.check(
            "standard output and error contain no secret",
            !sings(output.as_bytes()) && !sings(error.as_bytes()),
            &seen,
        );
        row.check("standard error is empty", error.is_empty(), &seen);
    }
    row.end(&details.join("; "))
}

/// Seen red without redaction: 22 of the first 27 places, a proxy's error response, and 78 lines of the log; with the request id
/// not redacted: "x-kal-authorization: Bearer at-...", in the four places that have one.
fn echoes(row: &Row, form: Form) -> u64 {
    let strayed = Arc::new(AtomicU64::new(0));
    let elsewhere = Server::start(Elsewhere(Arc::clone(&strayed)));
    let mut all = 0;
    for (number, place) in PLACES.into_iter().enumerate() {
        let (mut tried, mut failures) = (0, Vec::new());
        let mut marks = 0;
        for (encoding_number, encoding) in ENCODINGS.into_iter().enumerate() {
            for at in PLACES_OF_REQUESTS {
                // This takes many requests.
                let skipped = at == At::ApiAfterManyTokens && number % ENCODINGS.len() != encoding_number;
                if form == Form::Short && skipped {
                    continue;
                }
                let echoed = Arc::new(AtomicU64::new(0));
                let server = || {
                    Server::start(Echoing {
                        at,
                        place,
                        encoding,
                        elsewhere: elsewhere.http(),
                        issued: AtomicU64::new(0),
                        echoed: Arc::clone(&echoed),
                    })
                };
                let calls = if at == At::ApiAfterManyTokens { MANY } else { 2 };
                for entry_point in form.pick(&EntryPoint::ALL[1..2], &EntryPoint::ALL) {
                    let server = server();
                    let client = Client::open(&opening(server.http())).expect("a client");
                    for method in [Method::Workspace, Method::Events]
                        .into_iter()
                        .cycle()
                        .take(usize::try_from(calls).unwrap_or(usize::MAX))
                    {
                        let outcome = client.call(*entry_point, method, How { cache: 1, ..How::default() });
                        tried += 1;
                        marks += outcome
                            .texts
                            .iter()
                            .flatten()
                            .filter(|text| text.windows(10).any(|part| part == b"[redacted]"))
                            .count();
                        failures.extend(
                            singing(&outcome).into_iter().map(|what| format!("{} {at:?} {what}", encoding.name)),
                        );
                    }
                }
                let server = server();
                let client = kaleidoscope::Client::open(settings(server.http())).expect("a client");
                for _ in 0..calls {
                    let outcome = client.call(Params::new(&workspace::GET_EVENTS), &CallOptions::default());
                    tried += 1;
                    if let Err(error) = outcome {
                        let shown = format!("{error} {error:?} {error:#?} {:?}", error.details());
                        if sings(shown.as_bytes()) {
                            failures.push(format!("{} {at:?} Debug: {}", encoding.name, quiet(&shown)));
                        }
                    }
                }
                let echoed = echoed.load(Ordering::Relaxed);
                if echoed == 0 {
                    failures.push(format!("{} {at:?}: nothing was echoed, so nothing was shown", encoding.name));
                }
                all += echoed;
            }
        }
        if place.shown && marks == 0 {
            failures.push("nothing was redacted, so nothing was looked at".into());
        }
        row.claim(&format!("an echo in {} shows no secret", place.name), tried, &failures);
    }
    let strayed = strayed.load(Ordering::Relaxed);
    row.check(
        "no other host received a request",
        strayed == 0 && elsewhere.accepted() == 0,
        &format!("{strayed} requests"),
    );
    all
}

/// Errors of `kal_client_open` do not quote values that may contain a secret.
fn refused_when_opened(row: &Row) {
    let with = |change: fn(&mut Opening)| {
        let mut opening = opening("http://127.0.0.1:1".into());
        change(&mut opening);
        opening
    };
    let openings = [
        ("a header's value with a line break", with(|o| o.headers[0].1 = format!("{MARKER}\r\nX: {MARKER}"))),
        ("a header's name that is none", with(|o| o.headers[0].0 = format!("{MARKER} {MARKER}"))),
        ("credentials in the base URL", with(|o| o.base_url = format!("https://{MARKER}:{MARKER}@127.0.0.1"))),
        (
            "credentials in an invalid base URL",
            with(|o| o.base_url = format!("https://{MARKER}:{MARKER}@127.0.0.1:99999")),
        ),
        ("a query in the base URL", with(|o| o.base_url = format!("https://127.0.0.1/?key={MARKER}"))),
        ("an invalid proxy URL", with(|o| o.proxy_url = Some(format!("http://{MARKER}:{MARKER}@127.0.0.1:99999")))),
        ("a proxy of an unknown scheme", with(|o| o.proxy_url = Some(format!("gopher://{MARKER}:{MARKER}@127.0.0.1")))),
    ];
    let mut failures = Vec::new();
    for (what, opening) in &openings {
        match Client::open(opening) {
            // The name of a header is not a secret; nothing else of these may be quoted.
            Ok(client) => failures.extend(singing(&client.call(EntryPoint::Typed, Method::Members, How::default()))),
            Err(outcome) => failures.extend(singing(&outcome).into_iter().map(|text| format!("{what}: {text}"))),
        }
    }
    row.claim("kal_client_open does not quote rejected values", openings.len() as u64, &failures);
}

/// A TLS setup for a scripted server.
fn tls(certificates: &Certificates) -> Carrier {
    Carrier::Tls(certificates.server(Shown::Good))
}

/// A response with `echo` in a header, as far as header syntax allows.
fn with_header(status: &str, name: &str, echo: &str, body: &[u8]) -> Vec<Step> {
    let value: String = echo.chars().map(|c| if c.is_control() { ' ' } else { c }).take(8000).collect();
    vec![Step::Send(answer(status, &format!("Content-Length: {}\r\n{name}: {value}\r\n", body.len()), body))]
}
