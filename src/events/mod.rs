//! Events at full length: all that match, each once, and what comes after them.
//!
//! The parts that decide (`pages`, `sweep`, `engine`) do no I/O and know no clock. A [`Stream`] asks the server what they say.

#![forbid(unsafe_code)]

mod backoff;
mod bounds;
mod cursor;
mod dates;
mod delivery;
mod edge;
mod engine;
mod handover;
mod order;
mod pages;
mod query;
mod seen;
mod stream;
mod sweep;

pub(crate) use stream::Delivery;
pub use stream::{Next, Stream};

#[cfg(test)]
mod limits;
#[cfg(test)]
mod model;
