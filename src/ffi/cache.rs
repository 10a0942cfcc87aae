//! The cache of a client: how a call uses it, and clearing it.

use super::export::fallible_unit;
use super::kit::handles;
use super::kit::status::kal_status;
use super::types::{kal_client, kal_error};

/// Return the cached result; send a request only when none is cached.
pub const KAL_CACHE_USE: i32 = 0;
/// Send a request and cache its result. If it fails, or all callers that wait for it time out or are cancelled, the
/// cached result is dropped. A call that fails before its request is sent does not change the cache.
pub const KAL_CACHE_REFRESH: i32 = 1;
/// Never send a request: `KAL_NOT_FOUND` when nothing is cached.
pub const KAL_CACHE_ONLY: i32 = 2;

/// Clears the cache of a client. Results that were already returned stay valid; a request in flight completes, but is
/// not cached.
///
/// - `client`: the client.
/// - `error`: receives the error, to be freed with `kal_error_free`, or none. May be NULL.
///
/// Returns: `KAL_OK`; or a common status.
///
/// Since: 0.1.0
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn kal_client_clear_caches(client: kal_client, error: *mut kal_error) -> kal_status {
    // SAFETY: `error` is NULL or the caller's.
    unsafe {
        fallible_unit(error, || {
            handles::get(client)?.clear_caches();
            Ok(())
        })
    }
}
