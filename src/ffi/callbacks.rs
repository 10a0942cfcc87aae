//! The host's own functions, called as the header says.

use std::ffi::c_void;
use std::sync::Arc;

use secrecy::SecretString;
use zeroize::Zeroizing;

use super::options::kal_token_provider;
use super::status::{KAL_OK, kal_status};
use crate::config::IapTokenProvider;
use crate::transport::MAX_SECRET_LEN;

type Function = unsafe extern "C" fn(*mut c_void, *mut std::ffi::c_char, usize, *mut usize) -> kal_status;

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
