//! `kal_client`: opening, closing, caches, figures.

use std::sync::Arc;

use super::client_options::{kal_client_options, settings};
use super::export::{fallible, fallible_unit, infallible};
use super::kit::handles::{self, handle};
use super::kit::status::kal_status;
use super::kit::versioned::{OutStruct, Versioned};
use super::types::{kal_client, kal_error};
use crate::client::Client;

handle!(kal_client, 1, Client);

/// What a client did since it was opened.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct kal_stats {
    /// `sizeof(kal_stats)`, set by the initialiser.
    pub struct_size: usize,
    /// HTTP requests sent, token requests and retries included.
    pub requests: u64,
    /// How many of them were retries.
    pub retries: u64,
    /// How many of them were token requests.
    pub token_requests: u64,
    /// Calls answered from the cache.
    pub cache_hits: u64,
    /// Calls that waited for another call's request instead of sending their own.
    pub shared_requests: u64,
    /// Bytes of answers received, after decompression.
    pub bytes_received: u64,
}

// SAFETY: integers.
unsafe impl Versioned for kal_stats {}

/// Opens a client. No I/O: names, certificates and credentials are first used by the first call.
///
/// `options` NULL: everything from the environment and the defaults. On success `*client` owns the client; close it with
/// `kal_client_close`. `KAL_NO_CREDENTIALS`, `KAL_INVALID_ARGUMENT`, `KAL_INVALID_UTF8`.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn kal_client_open(
    options: *const kal_client_options,
    client: *mut kal_client,
    error: *mut kal_error,
) -> kal_status {
    // SAFETY: the pointers are as the header asks of the caller.
    unsafe { fallible(error, client, "client", || handles::insert(Arc::new(Client::open(settings(options)?)?))) }
}

/// Closes a client. Its calls that are still under way end with `KAL_CANCELLED`; results, errors and streams that came from
/// it stay valid until they are freed themselves. None and stale handles are accepted quietly.
#[unsafe(no_mangle)]
pub extern "C" fn kal_client_close(client: kal_client) {
    infallible((), || handles::take(client).map(|client| client.close()));
}

/// Writes the client's figures to `stats`, whose `struct_size` says how much of it the caller knows.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn kal_client_stats(
    client: kal_client,
    stats: *mut kal_stats,
    error: *mut kal_error,
) -> kal_status {
    // SAFETY: the pointers are as the header asks of the caller.
    unsafe {
        fallible_unit(error, || {
            let out = OutStruct::new(stats, "stats")?;
            let now = handles::get(client)?.stats();
            out.write(&kal_stats {
                struct_size: 0,
                requests: now.requests,
                retries: now.retries,
                token_requests: now.token_requests,
                cache_hits: now.cache_hits,
                shared_requests: now.shared_requests,
                bytes_received: now.bytes_received,
            });
            Ok(())
        })
    }
}
