//! Servers that echo secrets: no part of them is shown, and redacting does not block other calls.

mod common;

use std::time::Duration;

use common::{client, emulator, get, settings};
use kal_emulator::{Config, Emulator, Fault};
use kaleidoscope::service::Params;
use kaleidoscope::service::workspace::GET_EVENTS;
use kaleidoscope::{CallOptions, Client, Error, ErrorKind, Settings};

const TOKEN: &str = "/auth/oauth/token";
const EVENTS: &str = "/workspaces/events";
/// How much of an error's body is read; half of it is kept.
const READ: usize = 128 * 1024;

/// Makes the emulator issue this access token.
fn issue_token(emulator: &Emulator, access: &str) {
    let body = format!(r#"{{"access_token":"{access}","refresh_token":"r-0123456789","expires_in":3600}}"#);
    emulator.fault(Fault::on(TOKEN).status(200).body(body));
}

/// 5.4 KiB in which no sequence of eight characters repeats.
fn token() -> String {
    let token: String = (0..691).map(|n: u32| format!("{:08x}", n.wrapping_mul(0x9e37_79b9))).collect();
    format!("{token}.")
}

fn shown(error: &Error) -> Vec<String> {
    let details = error.details();
    let body = details.body.as_deref().map(|body| String::from_utf8_lossy(body).into_owned());
    [Some(details.message.clone()), details.url.clone(), details.code.clone(), details.request_id.clone(), body]
        .into_iter()
        .flatten()
        .collect()
}

/// Contains no eight consecutive characters of the token's beginning.
fn check(error: &Error, secret: &str) {
    for text in shown(error) {
        let at = text.find(&secret[..8]);
        assert!(at.is_none(), "{at:?}: {:.200}", &text[at.unwrap_or(0)..]);
    }
}

/// Red when only whole secrets are searched for: the half that was read was shown, 2,952 bytes of it for the first cut.
#[test]
fn a_token_truncated_at_the_read_limit_is_redacted() {
    let token = token();
    for cut in [2952, 7, 8, 9, 1, token.len() - 1] {
        let begin = READ - cut;
        // Each of them leaves room for the text that follows.
        let mut body = token.repeat(begin / token.len());
        body.push_str(&" ".repeat(begin - body.len()));
        body.push_str(&token);
        for fault in [Fault::on(EVENTS).status(500).body(&body), Fault::on(EVENTS).status(500).body(&body).gzip()] {
            let emulator = emulator(Config::default());
            issue_token(&emulator, &token);
            emulator.fault(fault.times(0));
            let settings = Settings { max_attempts: Some(1), ..settings(&emulator) };
            let error = get(&Client::open(settings).expect("good settings"), &GET_EVENTS).expect_err("a failure");
            assert_eq!(error.http_status(), Some(500));
            let body = error.details().body.as_deref().expect("a body");
            assert!(body.ends_with(b" ") || body.ends_with(b"[redacted]"), "{cut}");
            check(&error, &token);
        }
    }
}

/// Red when only whole secrets are searched for, in each case: "the token 70f3ac... is invalid".
#[test]
fn a_prefix_of_a_token_is_redacted_everywhere() {
    let token = token();
    let part = &token[..100];
    for fault in [
        Fault::on(EVENTS).status(400).body(format!("the token {part}... is invalid")),
        Fault::on(EVENTS).status(400).body(format!(r#"{{"message":"{part}...","code":"{part}"}}"#)),
        Fault::on(EVENTS).status(400).body(format!(r#"{{"error":{{"message":"\u0022{part}"}}}}"#)),
        Fault::on(EVENTS).redirect(format!("https://elsewhere.example/?token={part}")),
        Fault::on(EVENTS).status(200).body(format!(r#"[{{"id":"{part}"]"#)),
    ] {
        let emulator = emulator(Config::default());
        issue_token(&emulator, &token);
        emulator.fault(fault.clone());
        let error = get(&client(&emulator), &GET_EVENTS).expect_err("a failure");
        assert!(shown(&error).iter().any(|text| text.contains("[redacted]")), "{fault:?}: {error:?}");
        check(&error, &token);
    }
}

/// Red without a limit: the token is accepted.
#[test]
fn a_token_over_16_kib_is_rejected() {
    let emulator = emulator(Config::default());
    issue_token(&emulator, &"t".repeat(60_000));
    let error = get(&client(&emulator), &GET_EVENTS).expect_err("a refusal");
    assert_eq!((error.kind(), error.http_status()), (ErrorKind::BadResponse, Some(200)));
    assert!(error.to_string().contains("access_token is longer than 16384 bytes"), "{error}");
    check(&error, "tttttttt");
}

/// Red with a quadratic search: the other client's call timed out. All clients share one thread.
#[test]
fn redacting_a_long_echoed_token_does_not_delay_other_clients() {
    let (echoing, healthy) = (emulator(Config::default()), emulator(Config::default()));
    issue_token(&echoing, &format!("{}b", "a".repeat(16 * 1024 - 1)));
    echoing.fault(Fault::on(EVENTS).status(500).body("a".repeat(READ)).times(0));
    let patient = CallOptions { timeout: Some(Duration::from_secs(20)), ..CallOptions::default() };
    let (one, other) = (client(&echoing), client(&healthy));
    std::thread::scope(|scope| {
        let failing = scope.spawn(|| get(&one, &GET_EVENTS).expect_err("a failure"));
        while !failing.is_finished() {
            other.call(Params::new(&GET_EVENTS), &patient).expect("events, in time");
        }
    });
}
