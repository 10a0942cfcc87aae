//! libkaleidoscope: the workspace service of the Kaleidoscope platform for programs in C and in whatever can call C.
//!
//! Two halves: a safe client that knows nothing of C (`Client` and what it is made of), and the C boundary in `ffi`, that knows
//! nothing of HTTP. `unsafe` is in `ffi`, and in `platform`, the boundary to the operating system. C programs read `include/kaleidoscope.h`; Rust programs may use
//! [`Client`] directly.

mod answer;
mod auth;
mod cache;
mod cancel;
mod client;
mod client_log;
mod clock;
mod config;
mod environment;
mod error;
mod events;
mod fetch;
pub mod ffi;
#[cfg(any(fuzzing, test))]
pub mod fuzzing;
mod http;
mod json;
mod loopback;
mod not_json;
mod platform;
mod progress;
mod proxy;
mod queue;
pub mod records;
mod redact;
mod retry;
mod runtime;
pub mod service;
mod stats;
mod sync;

pub use answer::Answer;
pub use cancel::Cancel;
pub use client::{CacheUse, CallOptions, Client};
pub use client_log::LogSink;
pub use config::{DEFAULT_URL, ENV_CLIENT_ID, ENV_CLIENT_SECRET, ENV_URL, IapTokenProvider, Settings};
pub use error::{BODY_LIMIT, Details, Error, ErrorKind, Result, Retry};
pub use events::{Next, Stream};
pub use stats::Stats;
