//! Event streams: every matching event once, and optionally new events as they are created.
//!
//! The `engine` decides which page to request and which events are new, in `passes`, `numbered` and `counting`, with what
//! `page_outcome`, `pages`, `audit` and `present` make of a page. It does no I/O and has no clock; a [`Stream`] sends the
//! requests.

#![forbid(unsafe_code)]

mod ack;
mod ahead;
mod audit;
mod backoff;
mod claim;
mod counting;
mod coverage;
mod cursor;
mod dates;
mod dedup;
mod delivery;
mod engine;
mod fetch_loop;
mod in_flight;
mod lazy_cursor;
mod ledger;
mod numbered;
mod order;
mod page;
mod page_outcome;
mod pages;
mod passes;
mod pending_next;
mod present;
mod query;
mod request;
mod snapshot;
mod stream;
mod unknowable;
mod walk;

pub(crate) use delivery::Delivery;
pub use stream::{Next, Stream};

#[cfg(test)]
mod limits;
#[cfg(test)]
mod model;
