//! The cache of a client: how a call uses it, and clearing it.

use super::export::fallible_unit;
use super::kit::handles;
use super::kit::status::kal_status;
use super::types::{kal_client, kal_error};

/// Answer from the cache, and ask the server only when nothing is there.
pub const KAL_CACHE_USE: i32 = 0;
/// Ask the server and keep the answer. When none comes (the request fails, or everybody who waits for it gives up, out of time
/// or cancelled), what was cached is dropped. A call that fails before it asks leaves the cache as it is.
pub const KAL_CACHE_REFRESH: i32 = 1;
/// Never ask the server: `KAL_NOT_FOUND` where nothing is cached.
pub const KAL_CACHE_ONLY: i32 = 2;

/// Forgets everything cached. Results already handed out stay valid; a request under way is not kept when it comes back.
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
