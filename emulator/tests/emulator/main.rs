//! The emulator over real sockets; every test is named after the claim it checks.

mod admin_fields;
mod bodiless;
mod client;
mod clock;
mod coding;
mod connections;
mod data;
mod endpoints;
mod events;
mod faults;
mod hangs;
mod large_requests;
mod lengths;
mod new_events;
mod own_data;
mod page;
mod program;
mod public;
mod scripting;
mod snapshot;
mod tokens;
mod url_file;
mod workspaces;

use std::time::{Duration, Instant};

use kal_emulator::{Config, Emulator};

fn start(config: Config) -> Emulator {
    Emulator::start(config).expect("the emulator starts")
}

fn start_default() -> Emulator {
    start(Config::default())
}

/// Polls until a condition is true, with a generous deadline.
fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !condition() {
        assert!(Instant::now() < deadline, "timed out: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
