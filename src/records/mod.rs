//! The record decoder: the JSON body of an answer becomes a table of records *in the body's own buffer*.
//!
//! A record type is a `Schema` and no code. A `Decoder` walks the body once and leaves a [`Table`] whose cells point
//! into it: strings are unescaped where they stand and their closing quotes become NULs, so that every text can be
//! handed to C as it is. What was overwritten is remembered, so [`Table::json`] can still give the answer byte for
//! byte as the server sent it.
//!
//! What is accepted is what the documented Python client accepts (strict JSON, then its lenient field conversions),
//! with one difference: a list field that is null counts as empty.
//!
//! Nothing here recurses and no record allocates, so a caller with a very small stack is safe.

#![forbid(unsafe_code)]

mod cell;
mod convert;
mod decode;
mod error;
mod escape;
mod fault;
mod field;
mod original;
mod record;
mod scan;
mod schema;
mod schemas;
mod shape;
mod skip;
mod table;
mod time;

pub(crate) use convert::int_from_text;
pub(crate) use decode::Decoder;
pub(crate) use schema::{Column, Root, Schema, kind};
pub(crate) use schemas::{ACCESS_LEVELS, EVENTS, GROUPS, ID, MEMBERS, WORKSPACE, event, group, member, workspace};
pub(crate) use table::Record;
pub use table::Table;
pub(crate) use time::parse_time_us;

// What the fuzzers hold against `serde_json`.
#[cfg(any(fuzzing, test))]
pub(crate) use convert::{bool_from_number, bool_from_text, int_from_number};
#[cfg(any(fuzzing, test))]
pub(crate) use decode::decode;
#[cfg(any(fuzzing, test))]
pub(crate) use error::DecodeError;
#[cfg(any(fuzzing, test))]
pub(crate) use schema::{Field, Kind};
#[cfg(any(fuzzing, test))]
pub(crate) use time::{from_number as time_from_number, from_text as time_from_text};

#[cfg(test)]
mod tests;
