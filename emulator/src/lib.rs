//! A local server that implements the Kaleidoscope API, for demos, tests and benchmarks.
//!
//! It enforces the rules that matter to clients (expiring access tokens, single-use refresh tokens, pages, filters), serves
//! data generated from a seed, and injects server and network failures on demand:
//!
//! ```
//! use kal_emulator::{Config, Emulator, Fault};
//!
//! let emulator = Emulator::start(Config { events: 1000, ..Config::default() })?;
//! emulator.fault(Fault::on("/workspaces/members").status(503).times(2).header("Retry-After", "1"));
//! // ... run the client under test against emulator.url() ...
//! assert_eq!(emulator.counts().token_requests, 0);
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! Tests in other languages start the program `kal-emulator` and use its admin requests, which do the same.

#![forbid(unsafe_code)]

mod abortable_stream;
mod admin;
mod answer;
mod certificate;
mod clock;
mod config;
mod connection;
mod data;
mod data_requests;
mod echo;
mod emulator;
mod event_ids;
mod event_query;
mod event_record;
mod event_store;
mod fault;
mod fault_list;
mod generated;
mod given_json;
mod group_members;
mod journal;
mod json_object;
mod json_text;
mod members;
mod names;
mod new_events;
mod own_origin;
mod page;
mod pattern;
mod payload;
mod record_check;
mod recorded;
mod rendered;
mod request_body;
mod rng;
mod routes;
mod server;
mod service;
mod snapshot;
mod state;
mod surplus;
mod timestamp;
mod tls;
mod token_endpoint;
mod tokens;
mod urlencoded;
mod words;
mod workspace;

pub use certificate::{Certificate, Contents, Purpose};
pub use config::{Config, DateBounds, EventOrder, PageZero};
pub use data::Data;
pub use emulator::Emulator;
pub use fault::{Dribble, DropPoint, Fault};
pub use fault_list::ListedFault;
pub use given_json::GivenJson;
pub use journal::{Counts, RecordedRequest};
pub use new_events::NewEvents;
