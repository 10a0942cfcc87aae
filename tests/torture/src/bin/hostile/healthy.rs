//! A healthy client with its own server, and the latency of its calls.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use kal_torture::calls::{Client, EntryPoint, How, Method, Opening, name};
use kal_torture::process::Thread;
use kal_torture::wire::answers::good;
use kal_torture::wire::{Asked, Script, Server, Step};
use kaleidoscope::ffi::cache::KAL_CACHE_REFRESH;
use kaleidoscope::ffi::client_options::KAL_CLIENT_ALLOW_HTTP;
use kaleidoscope::ffi::status::KAL_OK;

use crate::host;

/// The pause between two calls, so that they do not load the machine.
const PAUSE: Duration = Duration::from_millis(1);
/// Longer than any call waits for a processor, however busy the machine is.
const WAITS_FOR_SOMETHING: Duration = Duration::from_secs(3);
/// After this many calls a new client looks up the name, connects and signs in.
const NEW_CLIENT: usize = 8;

struct Good;

impl Script for Good {
    fn answer(&self, asked: &Asked) -> Vec<Step> {
        vec![Step::Send(good(asked.path()))]
    }
}

/// The healthy client and its server.
pub(crate) struct Healthy {
    server: Server,
    client: Client,
}

/// The latencies of calls, and the failures.
#[derive(Default)]
pub(crate) struct Times {
    /// Wall-clock latencies in milliseconds.
    sorted: Vec<f64>,
    /// The longest delay caused by the library, in milliseconds.
    pub(crate) kept: f64,
    pub(crate) failures: Vec<String>,
}

impl Times {
    pub(crate) fn max(&self) -> f64 {
        self.sorted.last().copied().unwrap_or(0.0)
    }

    pub(crate) fn p99(&self) -> f64 {
        self.sorted.get(self.sorted.len() * 99 / 100).copied().unwrap_or(0.0)
    }

    pub(crate) fn count(&self) -> usize {
        self.sorted.len()
    }

    /// Records a call that took `clock` while the library's thread ran for `work`. The difference counts as waiting for a
    /// processor, unless it is too long for that.
    fn add(&mut self, clock: Duration, work: Option<Duration>) {
        let kept = work.filter(|_| clock < WAITS_FOR_SOMETHING).map_or(clock, |work| work.min(clock));
        self.kept = self.kept.max(kept.as_secs_f64() * 1e3);
        self.sorted.push(clock.as_secs_f64() * 1e3);
    }
}

impl Healthy {
    pub(crate) fn start() -> Self {
        let server = Server::start(Good);
        let client = open(&server);
        // Starts the library's thread.
        client.call(EntryPoint::Typed, Method::Members, How::default());
        Self { server, client }
    }

    /// Makes sequential calls until it is stopped.
    pub(crate) fn call_until(&self, stop: &AtomicBool) -> Times {
        let mut times = Times::default();
        let thread = Thread::named("kal-io");
        let processor_time = || thread.and_then(Thread::processor_time);
        for nth in 0.. {
            if stop.load(Ordering::Acquire) {
                break;
            }
            let (worked, began) = (processor_time(), Instant::now());
            let (mut anew, how) = (None, How { timeout_ms: 60_000, cache: KAL_CACHE_REFRESH, ..How::default() });
            let client = if nth % NEW_CLIENT == 0 { anew.insert(open(&self.server)) } else { &self.client };
            let outcome = client.call(EntryPoint::Typed, Method::Members, how);
            let clock = began.elapsed();
            let work = processor_time().zip(worked).map(|(now, before)| now.saturating_sub(before));
            times.add(clock, work);
            if outcome.status != KAL_OK {
                times.failures.push(format!("healthy: {} ({})", name(outcome.status), outcome.message()));
            }
            thread::sleep(PAUSE);
        }
        times.sorted.sort_by(f64::total_cmp);
        times
    }
}

fn open(server: &Server) -> Client {
    let url = format!("http://{}:{}", host::HEALTHY, server.port());
    let opened = Client::open(&Opening { flags: KAL_CLIENT_ALLOW_HTTP, ..Opening::at(url) });
    opened.unwrap_or_else(|outcome| panic!("the healthy client cannot be opened: {}", outcome.message()))
}
