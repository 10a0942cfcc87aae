//! The emulator over real sockets; every test is named as the claim it checks.

mod client;
mod connections;
mod data;
mod events;
mod faults;
mod program;
mod tokens;

use std::time::{Duration, Instant};

use kal_emulator::{Config, Emulator};

fn start(config: Config) -> Emulator {
    Emulator::start(config).expect("the emulator starts")
}

fn start_default() -> Emulator {
    start(Config::default())
}

/// Waits for something that has to come, without guessing how long it takes.
fn eventually(what: &str, mut come: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !come() {
        assert!(Instant::now() < deadline, "in vain: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
