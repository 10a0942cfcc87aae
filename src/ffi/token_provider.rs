//! `kal_token_provider`: the host's function for Google IAP tokens.

use std::ffi::{c_char, c_void};
use std::sync::Arc;

use secrecy::SecretString;
use zeroize::Zeroizing;

use super::kit::status::{KAL_OK, kal_status};
use crate::config::IapTokenProvider;
use crate::redact::MAX_SECRET_LEN;

/// Called for the Google IAP ID token of a server behind an identity-aware proxy.
///
/// - `user_data`: `iap_user_data` of the client's options.
/// - `buffer`: where to write the token; no NUL is needed.
/// - `capacity`: the size of `buffer` in bytes (16,384).
/// - `length`: where to write the length of the token in bytes.
///
/// Runs on the thread that makes a call (never on the library's own), before the request is sent, on one thread at a
/// time for each client. The token is used for 50 minutes (time in suspend counts), or until the `exp` of a JWT if that
/// is earlier, or until the proxy refuses it: with a 401, a 403 or a redirect to its login that Google's proxy marks as
/// its own; with a 403 that is not a JSON object; with a 401 or 403 that remains after signing in again; or with one
/// from the token endpoint without an OAuth error code. A blocking call, `kal_stream_next` included, then requests
/// another token and is repeated once. A submitted call fails with that status; it is `retryable` if the token worked
/// before, and the next submission requests another token.
///
/// Other calls of the client wait for the same token and share its failure; `kal_submit` and `kal_stream_submit_next`
/// return at once in the meantime. Their deadlines and cancellation and `kal_client_close` take effect while they wait;
/// `kal_client_shutdown` waits until the function has returned.
/// The call on whose thread the function runs cannot be interrupted, but the time counts: it fails with `KAL_TIMED_OUT`
/// afterwards if none is left.
///
/// The function must return. An exception or `pthread_exit` that leaves it ends the process (with musl, `pthread_exit`
/// ends the thread alone). After a `longjmp` out of it the call's memory is lost, a submission was not started (no
/// completion follows), and calls of the client on other threads and `kal_client_shutdown` time out until this thread
/// makes another one or ends; `pthread_cancel` takes effect after the call. Inside it, a call that would block, or that
/// needs a token from a provider, fails with `KAL_WOULD_DEADLOCK`; cached reads work.
///
/// Returns: `KAL_OK` when the token was written. Any other status fails the call with `KAL_AUTH_FAILED`.
///
/// Since: 0.1.0
pub type kal_token_provider = Option<
    unsafe extern "C" fn(
        user_data: *mut c_void,
        buffer: *mut c_char,
        capacity: usize,
        length: *mut usize,
    ) -> kal_status,
>;

type Function = unsafe extern "C" fn(*mut c_void, *mut c_char, usize, *mut usize) -> kal_status;

pub(super) struct HostTokenProvider {
    function: Function,
    user_data: *mut c_void,
}

// SAFETY: the header says that the function is called on whatever thread makes a call, and that `user_data` must allow
// that.
unsafe impl Send for HostTokenProvider {}
// SAFETY: as above; the client calls it on one thread at a time.
unsafe impl Sync for HostTokenProvider {}

impl HostTokenProvider {
    pub(super) fn shared(function: kal_token_provider, user_data: *mut c_void) -> Option<Arc<dyn IapTokenProvider>> {
        Some(Arc::new(Self { function: function?, user_data }))
    }
}

impl IapTokenProvider for HostTokenProvider {
    fn token(&self) -> Result<SecretString, String> {
        // On the heap: the host's thread may have a small stack.
        let mut buffer = Zeroizing::new(vec![0_u8; MAX_SECRET_LEN]);
        let mut length = 0;
        // SAFETY: the header says what the function may do with the buffer and the length.
        let status =
            unsafe { (self.function)(self.user_data, buffer.as_mut_ptr().cast(), MAX_SECRET_LEN, &raw mut length) };
        if status != KAL_OK {
            return Err(format!("it returned {status}"));
        }
        let token = buffer
            .get(..length)
            .ok_or_else(|| format!("it returned a length of {length}, over the capacity of {MAX_SECRET_LEN}"))?;
        let token = std::str::from_utf8(token).map_err(|_| "it returned a token that is not valid UTF-8".to_owned())?;
        if token.is_empty() {
            return Err("it returned an empty token".into());
        }
        Ok(token.to_owned().into())
    }
}
