//! The JSON door: every method through one function.

use std::ffi::{CString, c_char};

use super::arguments::{call_options, json_params, required_text};
use super::guard::{fallible, infallible};
use super::handles;
use super::options::kal_call_options;
use super::status::kal_status;
use super::types::{kal_client, kal_error, kal_result};
use crate::client::Client;
use crate::process::PerProcess;
use crate::service;

/// Calls any method by its name: `kal_call(c, "workspace.get_events", "{\"page_size\":50}", NULL, &r, &e)`.
///
/// `params_json` is a JSON object; NULL or `""`: no parameters. A parameter that is `null` counts as not given. The result
/// reads as JSON and, where there is one, through the typed view. `KAL_UNKNOWN_METHOD`; `KAL_INVALID_ARGUMENT` naming the
/// parameter that is unknown, missing or of the wrong type; and whatever the typed function gives.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn kal_call(
    client: kal_client,
    method: *const c_char,
    params_json: *const c_char,
    options: *const kal_call_options,
    result: *mut kal_result,
    error: *mut kal_error,
) -> kal_status {
    // SAFETY: the pointers are as the header asks of the caller.
    unsafe {
        fallible(error, result, "result", || {
            let client: Client = handles::get(client)?;
            let params = json_params(required_text(method, "method")?, params_json)?;
            handles::insert(client.call(params, &call_options(options)?)?)
        })
    }
}

/// Every method that `kal_call` knows, as a JSON list: name, parameters with their types, whether it is cached, what it gives.
///
/// Never NULL; static, never to be freed.
#[unsafe(no_mangle)]
pub extern "C" fn kal_methods() -> *const c_char {
    // Not a `OnceLock` alone: a child may be made while another thread makes the text.
    static TEXT: PerProcess<Listing> = PerProcess::new();
    infallible(c"[]".as_ptr(), || TEXT.get().map(|text| text.0.as_ptr()))
}

struct Listing(CString);

impl Default for Listing {
    fn default() -> Self {
        Self(CString::new(service::listing().to_string()).unwrap_or_default())
    }
}
