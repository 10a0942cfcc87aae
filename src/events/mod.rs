//! Event streams: every matching event once, and optionally new events as they are created.
//!
//! `pager`, `sweep` and `engine` decide which page to request and which events are new. They do no I/O and have no clock; a
//! [`Stream`] sends the requests.

#![forbid(unsafe_code)]

mod ack;
mod backoff;
mod claim;
mod coverage;
mod cursor;
mod dates;
mod dedup;
mod delivery;
mod engine;
mod fetch_loop;
mod in_flight;
mod order;
mod pager;
mod pending_next;
mod query;
mod request;
mod snapshot;
mod stream;
mod sweep;

pub(crate) use delivery::Delivery;
pub use stream::{Next, Stream};

#[cfg(test)]
mod limits;
#[cfg(test)]
mod model;
