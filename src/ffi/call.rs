//! How a call is made: by the typed functions, and by name through `kal_call`.

use std::ffi::{CString, c_char};

use super::call_options::{call_options, kal_call_options};
use super::export::{fallible, infallible};
use super::kit::handles;
use super::kit::status::kal_status;
use super::kit::text;
use super::types::{kal_client, kal_error, kal_result};
use crate::error::Result;
use crate::process::PerProcess;
use crate::service::{self, Operation, Params};

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
            let client = handles::get(client)?;
            let params = params_of(method, params_json)?;
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

/// The method and parameters of a call by name.
///
/// # Safety
/// `method` and `params_json` are NULL or NUL-terminated strings.
pub(super) unsafe fn params_of(method: *const c_char, params_json: *const c_char) -> Result<Params> {
    // SAFETY: required of the caller, here and below.
    let method = unsafe { text::required(method, "method")? };
    let operation = service::operation(method).ok_or_else(|| service::unknown_method(method))?;
    // SAFETY: as above.
    let text = unsafe { text::optional(params_json, "params_json")? };
    Params::from_json(operation, text.unwrap_or_default())
}

/// Makes a typed call: `fill` sets the parameters.
///
/// # Safety
/// The pointers are as the header requires.
pub(super) unsafe fn typed(
    client: kal_client,
    operation: &'static Operation,
    fill: impl FnOnce(&mut Params) -> Result<()>,
    options: *const kal_call_options,
    result: *mut kal_result,
    error: *mut kal_error,
) -> kal_status {
    // SAFETY: required of the caller.
    unsafe {
        fallible(error, result, "result", || {
            let client = handles::get(client)?;
            let mut params = Params::new(operation);
            fill(&mut params)?;
            params.check_complete()?;
            handles::insert(client.call(params, &call_options(options)?)?)
        })
    }
}
