//! The slots of `max_in_flight`: calls wait for them, the sign-in that calls wait for does not.

mod common;

use std::thread;
use std::time::Duration;

use common::{emulator, get, settings, wait_for};
use kal_emulator::{Config, DropPoint, Emulator, Fault};
use kaleidoscope::service::Params;
use kaleidoscope::service::workspace::{GET_EVENTS, GET_MEMBERS};
use kaleidoscope::{CallOptions, Cancel, Client, ErrorKind, Settings};

const EVENTS: &str = "/workspaces/events";
const TOKEN: &str = "/auth/oauth/token";

fn brief() -> CallOptions {
    CallOptions { timeout: Some(Duration::from_millis(500)), ..CallOptions::default() }
}

/// The number of requests for a path that the emulator received.
fn count(emulator: &Emulator, path: &str) -> u64 {
    emulator.counts().paths.get(path).copied().unwrap_or(0)
}

/// Red when a sign-in waits for a slot among `max_in_flight` requests: no token request until the first call has ended.
#[test]
fn a_sign_in_does_not_wait_for_slow_calls() {
    let emulator = emulator(Config { expires_in: 1, ..Config::default() });
    let client = Client::open(Settings { max_in_flight: Some(1), ..settings(&emulator) }).expect("good settings");
    emulator.fault(Fault::on(EVENTS).drop_connection(DropPoint::Hang));
    let cancel = Cancel::default();
    let hanging = CallOptions { cancel: Some(cancel.clone()), ..CallOptions::default() };
    thread::scope(|scope| {
        let slow = scope.spawn(|| client.call(Params::new(&GET_EVENTS), &hanging));
        wait_for("the slow call", || count(&emulator, EVENTS) == 1);
        let signed_in = count(&emulator, TOKEN);
        wait_for("the next sign-in", || {
            // Its own request waits for the slot.
            let error = client.call(Params::new(&GET_MEMBERS), &brief()).expect_err("no slot");
            assert_eq!(error.kind(), ErrorKind::TimedOut, "{error}");
            count(&emulator, TOKEN) > signed_in
        });
        assert_eq!(count(&emulator, "/workspaces/members"), 0);
        cancel.fire();
        assert!(slow.join().expect("no panic").is_err());
    });
    get(&client, &GET_MEMBERS).expect("members");
}

/// Red as above, if the calls that wait for the token keep their slots: they wait for each other.
#[test]
fn calls_whose_token_was_rejected_share_a_sign_in_with_any_number_of_slots() {
    for max_in_flight in [1, 2, 64] {
        let emulator = emulator(Config::default());
        let client = Client::open(Settings { max_in_flight: Some(max_in_flight), ..settings(&emulator) });
        let client = client.expect("good settings");
        get(&client, &GET_EVENTS).expect("events");
        emulator.expire_tokens();
        thread::scope(|scope| {
            for _ in 0..16 {
                scope.spawn(|| get(&client, &GET_EVENTS).expect("events"));
            }
        });
        assert_eq!(count(&emulator, TOKEN), 2);
        let stats = client.stats();
        assert_eq!((stats.requests, stats.token_requests, stats.retries), (emulator.counts().total, 2, 0));
    }
}
