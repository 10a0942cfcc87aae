//! The record decoder: decodes a JSON body into a table of records, in place.
//!
//! A record type is described by a `Schema`. A `Decoder` reads the body once and builds a [`Table`] whose cells point into
//! it: strings are unescaped in place and their closing quotes become NULs, so that C can use them without a copy.
//! Overwritten bytes are saved, so that [`Table::json`] can return the answer byte for byte as the server sent it.
//!
//! The decoder accepts what the documented Python client accepts (strict JSON, then lenient field conversions), with one
//! difference: a null list is an empty list.
//!
//! There is no recursion, so the decoder runs on very small stacks.

#![forbid(unsafe_code)]

mod cell;
mod convert;
mod decode;
mod error;
mod escape;
mod fault;
mod field;
mod key_predictor;
mod original;
mod record;
mod scan;
mod schema;
mod schemas;
mod scratch;
mod skip;
mod table;
mod time;

pub(crate) use convert::int_from_text;
pub(crate) use decode::Decoder;
pub(crate) use schema::{Column, Root, Schema, kind};
pub(crate) use schemas::{ACCESS_LEVELS, EVENTS, GROUPS, ID, MEMBERS, WORKSPACE, event, group, member, workspace};
pub(crate) use table::Record;
pub use table::Table;
pub(crate) use time::{civil, parse_time_us};

// Compared with `serde_json` by the fuzz targets.
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
