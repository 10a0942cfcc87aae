//! What the tests of the client share.
#![allow(dead_code, unreachable_pub, reason = "each test program uses what it needs")]

use std::sync::Arc;

use kal_emulator::{Config, Emulator};
use kaleidoscope::service::workspace::GET_EVENTS;
use kaleidoscope::service::{Operation, Params, Value};
use kaleidoscope::{Answer, CallOptions, Client, Result, Settings};

pub fn emulator(config: Config) -> Emulator {
    Emulator::start(config).expect("the emulator starts")
}

/// Settings for this emulator, for a test to modify.
pub fn settings(emulator: &Emulator) -> Settings {
    Settings {
        client_id: Some(emulator.client_id().to_owned()),
        client_secret: Some(emulator.client_secret().to_owned().into()),
        base_url: Some(emulator.url().to_owned()),
        // Retries wait only briefly.
        retry_wait: Some(std::time::Duration::from_millis(5)),
        ..Settings::default()
    }
}

pub fn client(emulator: &Emulator) -> Client {
    Client::open(settings(emulator)).expect("the settings are good")
}

/// A call without parameters and options.
pub fn get(client: &Client, operation: &'static Operation) -> Result<Arc<Answer>> {
    client.call(Params::new(operation), &CallOptions::default())
}

/// Events, so many a page.
pub fn events(page_size: i64) -> Params {
    let mut params = Params::new(&GET_EVENTS);
    params.set("page_size", Value::Count(page_size)).expect("a page size");
    params
}

/// Waits until `done`, however loaded the machine is; fails the test after a minute.
pub fn wait_for(what: &str, done: impl Fn() -> bool) {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while !done() {
        assert!(std::time::Instant::now() < deadline, "{what} did not happen");
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
}
