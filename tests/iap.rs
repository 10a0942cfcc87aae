//! A token for the identity-aware proxy that expires earlier than the client expects.

mod common;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use common::{emulator, get, settings};
use kal_emulator::{Config, Emulator, Fault};
use kaleidoscope::service::Params;
use kaleidoscope::service::workspace::{GET_EVENTS, GET_MEMBERS};
use kaleidoscope::{CallOptions, Client, ErrorKind, IapTokenProvider, Next, Settings, Stream};

const EVENTS: &str = "/workspaces/events";
const TOKEN: &str = "/auth/oauth/token";
const MARK: &str = "X-Goog-IAP-Generated-Response";

/// Returns these tokens in order, then the last one again and again.
struct Host {
    tokens: Mutex<Vec<String>>,
    asked: AtomicUsize,
}

impl IapTokenProvider for Host {
    fn token(&self) -> Result<secrecy::SecretString, String> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let mut tokens = self.tokens.lock().expect("no panic");
        let token = if tokens.len() > 1 { tokens.remove(0) } else { tokens[0].clone() };
        Ok(token.into())
    }
}

fn behind_proxy(emulator: &Emulator, tokens: &[&str]) -> (Client, Arc<Host>) {
    let tokens = Mutex::new(tokens.iter().map(ToString::to_string).collect());
    let host = Arc::new(Host { tokens, asked: AtomicUsize::new(0) });
    let iap: Option<Arc<dyn IapTokenProvider>> = Some(host.clone());
    (Client::open(Settings { iap, ..settings(emulator) }).expect("good settings"), host)
}

fn asked(host: &Host) -> usize {
    host.asked.load(Ordering::Relaxed)
}

fn sent(emulator: &Emulator, path: &str) -> u64 {
    emulator.counts().paths.get(path).copied().unwrap_or(0)
}

/// Responses of a proxy to an expired token: Google's, and other proxies', which carry no marker.
fn refusals() -> Vec<Fault> {
    let html = "<!doctype html><title>Sign in</title>";
    vec![
        Fault::on(EVENTS).status(401).header(MARK, "true").body("Invalid IAP credentials: JWT expired"),
        Fault::on(EVENTS).status(403).header(MARK, "true").body(html),
        Fault::on(EVENTS).status(403).header(MARK, "true").body(r#"{"message":"an object, and of the proxy"}"#),
        Fault::on(EVENTS).redirect("https://accounts.google.com/").header(MARK, "true"),
        Fault::on(EVENTS).status(403).body(html),
        Fault::on(EVENTS).status(403).body(""),
    ]
}

/// Red when the client does not check who rejected the request: the call fails, and so does each later one for 50 minutes.
#[test]
fn a_call_whose_proxy_token_was_rejected_is_replayed_once_with_a_new_one() {
    for refusal in refusals() {
        let emulator = emulator(Config::default());
        let (client, host) = behind_proxy(&emulator, &["one", "two"]);
        get(&client, &GET_EVENTS).expect("events");
        emulator.fault(refusal.clone());
        get(&client, &GET_EVENTS).unwrap_or_else(|error| panic!("{refusal:?}: {error}"));
        assert_eq!((asked(&host), sent(&emulator, EVENTS), sent(&emulator, TOKEN)), (2, 3, 1), "{refusal:?}");
        let last = emulator.requests().pop().expect("requests");
        assert_eq!(last.header("authorization"), Some("Bearer two"));
        get(&client, &GET_EVENTS).expect("events");
        assert_eq!(asked(&host), 2);
    }
}

/// A 401 without a marker may be the API's own: the client first replaces the API token.
#[test]
fn an_unmarked_401_first_replaces_the_api_token() {
    let emulator = emulator(Config::default());
    let (client, host) = behind_proxy(&emulator, &["one", "two"]);
    get(&client, &GET_EVENTS).expect("events");
    emulator.fault(Fault::on(EVENTS).status(401));
    get(&client, &GET_EVENTS).expect("events, with a new API token");
    assert_eq!((asked(&host), sent(&emulator, TOKEN)), (1, 2));
    // Like a proxy without a marker, for every path.
    emulator.fault(Fault::on(EVENTS).status(401).body("<html>"));
    emulator.fault(Fault::on(TOKEN).status(401).body("<html>"));
    get(&client, &GET_EVENTS).expect("events, with another token of the host");
    assert_eq!(asked(&host), 2);
    emulator.fault(Fault::on(EVENTS).status(401).body(r#"{"message":"no"}"#).times(2));
    get(&client, &GET_EVENTS).expect("events, with another token of the host");
    assert_eq!(asked(&host), 3);
    assert_eq!(emulator.counts().reused_refresh_tokens, 0);
}

/// The token endpoint is behind the proxy, too. Red when only API responses are checked: "sign-in failed".
#[test]
fn a_sign_in_rejected_by_the_proxy_is_replayed_with_a_new_proxy_token() {
    let emulator = emulator(Config { iap_token: Some("two".into()), ..Config::default() });
    let (client, host) = behind_proxy(&emulator, &["one", "two"]);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| get(&client, &GET_MEMBERS).expect("members"));
        }
    });
    assert_eq!(asked(&host), 2, "for all of them");
    assert_eq!(emulator.counts().reused_refresh_tokens, 0);
    // Wrong credentials are rejected as RFC 6749 specifies; a new proxy token would not help.
    let wrong =
        Settings { client_secret: Some("wrong".to_owned().into()), iap: Some(host.clone()), ..settings(&emulator) };
    let error = get(&Client::open(wrong).expect("good settings"), &GET_EVENTS).expect_err("refused");
    assert_eq!((error.kind(), error.http_status(), asked(&host)), (ErrorKind::AuthFailed, Some(401), 3));
}

#[test]
fn a_proxy_that_rejects_every_token_gets_two_requests_per_call() {
    let emulator = emulator(Config::default());
    let (client, host) = behind_proxy(&emulator, &["one"]);
    emulator.fault(Fault::on(EVENTS).status(403).header(MARK, "true").times(0));
    for calls in 1..4 {
        let error = get(&client, &GET_EVENTS).expect_err("refused");
        assert_eq!((error.http_status(), error.is_retryable()), (Some(403), false));
        assert_eq!((asked(&host) as u64, sent(&emulator, EVENTS)), (calls + 1, 2 * calls));
    }
    // The API's own error is reported at once.
    emulator.reset();
    emulator.fault(Fault::on(EVENTS).status(403).body(r#"{"code":"forbidden"}"#));
    assert_eq!(get(&client, &GET_EVENTS).expect_err("refused").http_status(), Some(403));
    assert_eq!(sent(&emulator, EVENTS), 1);
}

/// Eight threads share the token that one of them gets. Red when each discards the current token: eight calls of the provider.
#[test]
fn threads_whose_proxy_token_was_rejected_share_one_new_token() {
    let emulator = emulator(Config::default());
    let (client, host) = behind_proxy(&emulator, &["one", "two"]);
    get(&client, &GET_EVENTS).expect("events");
    emulator.fault(Fault::on(EVENTS).status(401).header(MARK, "true").delay(Duration::from_millis(300)).times(8));
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| get(&client, &GET_EVENTS).expect("events"));
        }
    });
    assert_eq!(asked(&host), 2);
}

/// Red when a stream returns the error response: HTTP 401 although a new token is available.
#[test]
fn a_stream_continues_with_a_new_proxy_token() {
    let emulator = emulator(Config::default());
    let (client, host) = behind_proxy(&emulator, &["one", "two"]);
    let stream = Stream::open(&client, Params::new(&GET_EVENTS), CallOptions::default()).expect("a stream");
    emulator.fault(Fault::on(EVENTS).status(401).header(MARK, "true"));
    for timeout in [None, Some(Duration::from_secs(30))] {
        assert!(matches!(stream.next(timeout).expect("events"), Next::Page(_)));
        emulator.fault(Fault::on(EVENTS).status(403).header(MARK, "true"));
    }
    assert_eq!(asked(&host), 3);
}

fn jwt(lifetime: Duration) -> String {
    let now = SystemTime::UNIX_EPOCH.elapsed().expect("a clock");
    let claims = format!(r#"{{"iat":{},"exp":{}}}"#, now.as_secs(), (now + lifetime).as_secs());
    format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims))
}

/// Red when the token's `exp` is ignored: the second call sends the expired token, which the proxy would have rejected.
#[test]
fn a_proxy_token_with_an_exp_claim_is_replaced_before_it_expires() {
    let emulator = emulator(Config::default());
    let (brief, long) = (jwt(Duration::from_secs(4)), jwt(Duration::from_secs(60 * 60)));
    let (client, host) = behind_proxy(&emulator, &[&brief, &long]);
    get(&client, &GET_EVENTS).expect("events");
    assert_eq!(asked(&host), 1);
    std::thread::sleep(Duration::from_secs(4));
    for _ in 0..3 {
        get(&client, &GET_EVENTS).expect("events");
        let last = emulator.requests().pop().expect("requests");
        assert_eq!(last.header("authorization"), Some(format!("Bearer {long}").as_str()));
    }
    assert_eq!(asked(&host), 2);
}
