//! `kal_client`: opening, closing, caches, figures.

use std::ffi::c_char;
use std::sync::Arc;

use super::client_options::{kal_client_options, settings};
use super::export::{fallible, fallible_unit, infallible_io};
use super::kit::handles::{self, handle};
use super::kit::millis::wait;
use super::kit::status::kal_status;
use super::kit::text;
use super::kit::versioned::{self, OutStruct, Versioned, size_through};
use super::options_json;
use super::types::{kal_client, kal_error};
use crate::client::Client;
use crate::config::Settings;
use crate::error::Result;

handle!(kal_client, 1, Client, in every shard);

/// What a client has done since it was opened. Start with `kal_stats s = KAL_STATS_INIT;`.
///
/// May grow at its end: `struct_size` says which version the program was compiled with.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct kal_stats {
    /// `sizeof(kal_stats)`, set by the initialiser.
    pub struct_size: usize,
    /// HTTP requests sent, token requests included. Each is counted once there is a connection to send it on: an attempt
    /// that gets no connection, and the CONNECT to a proxy, are not.
    pub requests: u64,
    /// The number of them that were retries (RETRIES). The repetition with a new token after a 401 is not.
    pub retries: u64,
    /// The number of them that were token requests.
    pub token_requests: u64,
    /// Calls answered from the cache, with what another call cached after they began included.
    pub cache_hits: u64,
    /// Calls that joined another call's request instead of sending their own, counted as they join it.
    pub shared_requests: u64,
    /// Bytes of response bodies after decompression, errors and token responses included, counted as they arrive.
    pub bytes_received: u64,
}

// SAFETY: integers.
unsafe impl Versioned for kal_stats {}

/// Initialises a `kal_stats` as `KAL_STATS_INIT` does, for languages that have no macros of C.
///
/// - `stats`: the struct, of which the fields of 0.2.0 are written, also by later versions; see OPTIONS. NULL is
///   ignored.
///
/// Returns: nothing.
///
/// Since: 0.2.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kal_stats_init(stats: *mut kal_stats) {
    // SAFETY: the pointer is as the header requires.
    unsafe { versioned::init(stats, size_through!(kal_stats, bytes_received)) }
}

/// Opens a client. It does no I/O: name lookup, certificates and sign-in follow with the first request.
///
/// - `options`: NULL means everything from the environment and the defaults.
/// - `client`: receives the client; on failure none. Close it with `kal_client_close`.
/// - `error`: receives the error, to be freed with `kal_error_free`, or none. May be NULL.
///
/// Returns: `KAL_OK`; `KAL_NO_CREDENTIALS` when neither the options nor the environment have the client id and secret;
/// `KAL_INVALID_ARGUMENT` or `KAL_INVALID_UTF8` naming the field or environment variable; `KAL_INVALID_STATE` when no
/// handle is left; or a common status.
///
/// Since: 0.1.0
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn kal_client_open(
    options: *const kal_client_options,
    client: *mut kal_client,
    error: *mut kal_error,
) -> kal_status {
    // SAFETY: the pointers are as the header requires.
    unsafe { open(&|| settings(options), client, error) }
}

/// Opens a client with options in JSON, for languages without structs:
/// `{"base_url":"https://api.example.com","timeout_ms":5000}`. As `kal_client_open`, it does no I/O.
///
/// - `options_json`: a JSON object whose keys are fields of `kal_client_options`; NULL or `""` means everything from the
///   environment and the defaults. Texts are strings; numbers and `flags` are integers, of which 0 is the default; `null`
///   counts as not given. `headers` is an object, `{"X-Name":"value"}`, or a list of `{"name":"X-Name","value":"value"}`.
///   Callbacks and what goes with them cannot be given in JSON: `iap_token_provider`, `iap_user_data`, `log_callback`,
///   `log_user_data` and `log_level` are `KAL_INVALID_ARGUMENT` unless `null`.
/// - `client`: receives the client; on failure none. Close it with `kal_client_close`.
/// - `error`: receives the error, to be freed with `kal_error_free`, or none. May be NULL.
///
/// Messages of errors name the key, and quote no value.
///
/// Returns: `KAL_OK`; `KAL_INVALID_ARGUMENT` naming the key that is unknown, given twice or of the wrong type; or as
/// `kal_client_open`.
///
/// Since: 0.2.0
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn kal_client_open_json(
    options_json: *const c_char,
    client: *mut kal_client,
    error: *mut kal_error,
) -> kal_status {
    // SAFETY: the pointers are as the header requires.
    unsafe {
        let settings = || {
            let text = text::optional(options_json, "options_json")?;
            options_json::settings(text.unwrap_or_default())
        };
        open(&settings, client, error)
    }
}

/// # Safety
/// The pointers are as the header requires.
unsafe fn open(settings: &dyn Fn() -> Result<Settings>, client: *mut kal_client, error: *mut kal_error) -> kal_status {
    // SAFETY: required of the caller.
    unsafe { fallible(error, client, "client", || handles::insert(Arc::new(Client::open(settings()?)?))) }
}

/// Closes a client. Calls in progress fail with `KAL_CANCELLED`. Its results, errors and streams stay valid until each
/// is freed.
///
/// - `client`: the client. None and stale handles are ignored.
///
/// No callback of the client is called any more. Those that run on other threads are not waited for: before their code
/// is unloaded or their `user_data` freed, call `kal_client_shutdown`.
///
/// Returns: nothing.
///
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub extern "C" fn kal_client_close(client: kal_client) {
    infallible_io((), || handles::take(client).map(|client| client.close()));
}

/// Ends the calls and the callbacks of a client, and waits for the callbacks. When it returns `KAL_OK`,
/// `iap_token_provider` and `log_callback` of the client are not running and will not be called again, on any thread:
/// their code may be unloaded, and their `user_data` freed. See PLUGINS AND UNLOADING.
///
/// - `client`: the client. Its calls in progress, and later ones that need a request, fail with `KAL_CANCELLED`. Close
///   it with `kal_client_close` afterwards.
/// - `timeout_ms`: milliseconds to wait; `KAL_WAIT_FOREVER` has no limit. Do not hold a lock that a callback takes.
/// - `error`: receives the error, to be freed with `kal_error_free`, or none. May be NULL.
///
/// Any number of threads may call it, also again.
///
/// Returns: `KAL_OK`; `KAL_TIMED_OUT` when a callback has not returned in time: call it again; `KAL_WOULD_DEADLOCK` from
/// a callback, and nothing has changed; or a common status.
///
/// Since: 0.2.0
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn kal_client_shutdown(client: kal_client, timeout_ms: u32, error: *mut kal_error) -> kal_status {
    // SAFETY: the pointers are as the header requires.
    unsafe { fallible_unit(error, || handles::get(client)?.shutdown(wait(timeout_ms))) }
}

/// Reads the statistics of a client.
///
/// - `client`: the client.
/// - `stats`: filled as far as its `struct_size`, which must be set.
/// - `error`: receives the error, to be freed with `kal_error_free`, or none. May be NULL.
///
/// Returns: `KAL_OK`; or a common status.
///
/// Since: 0.1.0
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn kal_client_stats(
    client: kal_client,
    stats: *mut kal_stats,
    error: *mut kal_error,
) -> kal_status {
    // SAFETY: the pointers are as the header requires.
    unsafe {
        fallible_unit(error, || {
            let out = OutStruct::new(stats, "stats")?;
            out.write(&kal_stats::default());
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
