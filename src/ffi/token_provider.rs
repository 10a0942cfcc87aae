//! `kal_token_provider`: the host's function for Google IAP tokens.

use std::ffi::{c_char, c_void};
use std::sync::Arc;

use secrecy::SecretString;
use zeroize::Zeroizing;

use super::kit::status::{KAL_OK, kal_status};
use crate::config::IapTokenProvider;
use crate::transport::MAX_SECRET_LEN;

/// Gives the Google IAP ID token, for servers behind an identity-aware proxy.
///
/// Writes at most `capacity` bytes of token (16 KiB; no NUL needed) to `buffer`, its length to `length`, and returns `KAL_OK`; any
/// other status fails the call with `KAL_AUTH_FAILED`. Called on the thread that makes a call (never on the library's own),
/// before the request is sent, by one thread at a time. It is asked again after 50 minutes (time that the machine slept counts),
/// earlier where the token is a JWT whose `exp` comes earlier, and when the proxy refuses the token.
///
/// That is a 401, a 403 or a redirect to its login that Google's proxy marks as its own, a 403 that is no JSON object, a 401 or 403
/// that remains after the library has signed in anew, or one of the token endpoint without an OAuth error code. A call that blocks,
/// `kal_stream_next` included, asks for another token then and is repeated once. What was submitted fails with that status, and
/// is `retryable` if the token was good before: the next submission asks.
///
/// The other calls of the client wait for what that thread gets, and share its failure; `kal_submit` and
/// `kal_stream_submit_next` return at once. Their deadlines, their cancels and `kal_client_close` hold meanwhile. The call on
/// whose thread the function runs cannot be interrupted, but the time counts: it ends with `KAL_TIMED_OUT` afterwards if it has
/// none left.
///
/// The function must return: no `longjmp`, no exception. Within it, and within a log callback, every call on any client that
/// would wait or needs a token from a provider gives `KAL_WOULD_DEADLOCK`; what is cached can be read.
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

// SAFETY: the header says that the function is called on whatever thread makes a call, and that `user_data` must bear it.
unsafe impl Send for HostTokenProvider {}
// SAFETY: as above; the client has one thread at a time ask.
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
        let token = buffer.get(..length).ok_or_else(|| format!("it gave a length of {length}, over the capacity"))?;
        let token = std::str::from_utf8(token).map_err(|_| "the token is not UTF-8".to_owned())?;
        if token.is_empty() {
            return Err("it gave an empty token".into());
        }
        Ok(token.to_owned().into())
    }
}
