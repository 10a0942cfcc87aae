//! The C boundary: handles, arguments, errors and results, and the exported functions. It knows nothing of HTTP.
//!
//! Every export is a few lines: check the arguments, call the client, hand the result over. What repeats is in `guard`
//! (panics and statuses), `handles` (the table), `arguments` (what C passes in) and `views` (what C reads).
#![allow(unsafe_code, reason = "the one place where it is allowed; each use says why it is sound")]
#![allow(non_camel_case_types, reason = "the names are C's")]
#![allow(clippy::missing_safety_doc, reason = "the header says what is asked of the caller, for all functions at once")]
// What a caller passes in must never make the library panic.
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic))]

mod answer;
mod arguments;
mod callbacks;
mod guard;
mod handles;
mod slots;
mod views;

// In the header's order.
pub mod cancel;
pub mod client;
pub mod door;
pub mod errors;
pub mod library;
pub mod log;
pub mod options;
pub mod queue;
pub mod result;
pub mod status;
pub mod stream;
pub mod types;
pub mod workspace;
