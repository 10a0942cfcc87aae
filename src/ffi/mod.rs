//! The C boundary: the exported functions, and the structs that C passes in and reads. It knows nothing of HTTP.
//!
//! Each export is a few lines: it checks the arguments, calls the client, and returns the result. What every boundary
//! needs is in `kit`, which imports nothing from the modules beside it; `export` runs an export's body in the guard of
//! a process that `setup` has prepared.
#![allow(unsafe_code, reason = "the one place where it is allowed; each use says why it is sound")]
#![allow(non_camel_case_types, reason = "the names are C's")]
#![allow(
    clippy::missing_safety_doc,
    reason = "the header says what is required of the caller, for all functions at once"
)]
// What a caller passes in must never make the library panic.
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic))]

mod export;
mod kit;
mod options_json;
mod setup;
mod views;

// In the header's order.
pub use kit::status;
pub mod types;

pub mod client;
pub mod client_options;
pub mod logger;
pub mod token_provider;

pub mod call;
pub mod call_options;
pub mod events_query;
pub mod request;
pub mod workspace;

pub mod records;
pub mod result;

pub mod error;
pub mod error_info;

pub mod cache;

pub mod stream;

pub mod completion;
pub mod queue;
pub mod workspace_submit;

pub mod cancel;

pub mod log;

pub mod library;

// Two types of one kind would pass for each other.
const _: () = {
    use kit::handles::{Handle, are_distinct};
    use types::{kal_cancel, kal_client, kal_error, kal_queue, kal_result, kal_stream};
    assert!(are_distinct(&[
        kal_client::KIND,
        kal_result::KIND,
        kal_error::KIND,
        kal_cancel::KIND,
        kal_stream::KIND,
        kal_queue::KIND,
    ]));
};
