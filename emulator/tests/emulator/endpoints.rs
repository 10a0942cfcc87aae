//! Endpoints made of faults with `signed_in`: who is let in, and what the others get.

use std::time::{Duration, Instant};

use kal_emulator::{Config, Fault};
use serde_json::{Value, json};

use crate::client::Client;
use crate::{start, start_default};

const PROGRAMS: &str = "/programs";

fn endpoint() -> Value {
    json!({
        "path": PROGRAMS, "times": 1, "signed_in": true, "body": "<p>", "content_type": "text/html", "gzip": true,
        "headers": { "X-Page": "1", "Content-Length": "3", "X-Request-Id": "r1" },
        "drop": "headers", "dribble": { "octets": 1, "every_ms": 1 },
    })
}

/// Red when the settings of the answer were those of the 401, too: the connection closed within it.
#[test]
fn a_request_without_a_token_gets_the_401_of_the_api() {
    let emulator = start_default();
    let mut client = Client::connect(emulator.url());
    let api = client.get("/workspaces/members");
    client.admin("faults", &endpoint());
    for token in ["", "unknown"] {
        client.use_access(token);
        let reply = client.try_get(PROGRAMS, &[]).expect("a response");
        assert_eq!((reply.status, &reply.body), (401, &api.body), "{reply:?}");
        for name in ["content-type", "content-length", "content-encoding", "x-page"] {
            assert_eq!(reply.header(name), api.header(name), "{name}");
        }
        let recorded = emulator.requests().pop().expect("a request");
        assert_eq!((recorded.status, recorded.fault), (Some(401), None));
        assert_eq!(Some(recorded.request_id.as_str()), reply.header("x-request-id"));
    }
    assert_eq!((emulator.faults()[0].used, emulator.faults()[0].active), (0, true));
    client.sign_in(&emulator);
    assert!(client.try_get(PROGRAMS, &[]).is_err(), "dropped");
    assert_eq!(emulator.faults()[0].used, 1);
}

/// Red when such a request was one of those to skip: 401 in place of 501.
#[test]
fn a_request_without_a_token_is_none_of_those_that_a_fault_skips() {
    let emulator = start_default();
    let mut client = Client::signed_in(&emulator);
    emulator.fault(Fault::on(PROGRAMS).signed_in().after(1).json(json!([])));
    let access = std::mem::take(&mut client.access);
    assert_eq!(client.get(PROGRAMS).status, 501);
    assert_eq!(client.get(PROGRAMS).status, 501);
    client.use_access(&access);
    assert_eq!((client.get(PROGRAMS).status, client.get(PROGRAMS).status), (501, 200));
}

/// Red when nothing of the fault remained for such a request: the answer came at once.
#[test]
fn the_401_of_an_endpoint_is_as_slow_as_its_answer() {
    let emulator = start_default();
    emulator.fault(Fault::on(PROGRAMS).signed_in().delay(Duration::from_millis(60)).status(200));
    let begun = Instant::now();
    assert_eq!(Client::connect(emulator.url()).get(PROGRAMS).status, 401);
    assert!(begun.elapsed() >= Duration::from_millis(60));
}

/// Red when the 401 had the settings of the answer: `text/html`.
#[test]
fn a_token_that_the_fault_expires_gets_the_401_once() {
    let emulator = start_default();
    let mut client = Client::signed_in(&emulator);
    client.admin(
        "faults",
        &json!({ "path": PROGRAMS, "signed_in": true, "expire_tokens": true, "body": "<p>", "content_type": "text/html" }),
    );
    let reply = client.get(PROGRAMS);
    assert_eq!(reply.code(), (401, "unauthorized".to_owned()));
    assert_eq!(reply.header("content-type"), Some("application/json; charset=utf-8"));
    assert_eq!(emulator.faults()[0].used, 1);
    client.sign_in(&emulator);
    assert_eq!(client.get(PROGRAMS).status, 501, "it is used up");
}

/// Red when it counted: 1 in place of 0, and the fault was used up.
#[test]
fn a_token_that_expires_during_the_delay_gets_the_401_and_uses_nothing_up() {
    let emulator = start_default();
    let mut client = Client::signed_in(&emulator);
    emulator.fault(Fault::on(PROGRAMS).signed_in().delay(Duration::from_millis(300)).status(200));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while emulator.requests().iter().all(|request| request.path != PROGRAMS) {
                std::thread::sleep(Duration::from_millis(1));
            }
            emulator.expire_tokens();
        });
        assert_eq!(client.get(PROGRAMS).status, 401);
    });
    assert_eq!((emulator.faults()[0].used, emulator.faults()[0].active), (0, true));
    assert_eq!(emulator.requests().pop().expect("a request").fault, None);
}

/// Red when only the routes of the API were behind the proxy: `unauthorized` in place of `iap_required`.
#[test]
fn an_endpoint_is_behind_the_proxy() {
    let emulator = start(Config { iap_token: Some("proxy".into()), ..Config::default() });
    let mut client = Client::connect(emulator.url());
    let proxy = ("authorization", "Bearer proxy");
    let form = "grant_type=client_credentials&client_id=demo-client&client_secret=demo-secret";
    let headers = [proxy, ("content-type", "application/x-www-form-urlencoded")];
    let tokens = client.send("POST", "/auth/oauth/token", &headers, form).expect("tokens").json();
    emulator.fault(Fault::on(PROGRAMS).signed_in().json(json!([])));
    for access in ["", "unknown", tokens["access_token"].as_str().expect("a token")] {
        client.use_access(access);
        let reply = client.get(PROGRAMS);
        assert_eq!(reply.code(), (401, "iap_required".to_owned()), "{access}");
        assert_eq!(reply.header("x-goog-iap-generated-response"), Some("true"));
    }
    assert_eq!(emulator.faults()[0].used, 0);
    assert_eq!(client.get_with(PROGRAMS, &[proxy]).json(), json!([]));
    emulator.fault(Fault::on(PROGRAMS).signed_in().json(json!([])));
    client.use_access("");
    assert_eq!(client.get_with(PROGRAMS, &[proxy]).code(), (401, "unauthorized".to_owned()));
}
