//! How a call is made: by the typed functions, and by name through `kal_call`.

use std::ffi::{CString, c_char};

use super::call_options::{call_options, kal_call_options};
use super::export::{fallible_at_once, infallible};
use super::kit::handles;
use super::kit::status::kal_status;
use super::kit::text;
use super::types::{kal_client, kal_error, kal_result};
use crate::client::{CallOptions, select_ids};
use crate::error::Result;
use crate::platform::DeferCancel;
use crate::runtime::PerProcess;
use crate::service::{self, Operation, Params};

/// Calls a method by its name: `kal_call(c, "workspace.get_events", "{\"page_size\":50}", NULL, &r, &e)`.
///
/// - `client`: the client.
/// - `method`: one of the names in `kal_methods`.
/// - `params_json`: the parameters as a JSON object; NULL or `""` means none. A parameter that is `null` counts as not
///   given.
/// - `options`: NULL means the defaults.
/// - `result`: receives the result, to be freed with `kal_result_free`; on failure none. It reads as JSON, and as the
///   structs of the typed function.
/// - `error`: receives the error, to be freed with `kal_error_free`, or none. May be NULL.
///
/// Returns: `KAL_OK`; `KAL_UNKNOWN_METHOD`; `KAL_INVALID_ARGUMENT` naming the parameter that is unknown, missing or of
/// the wrong type; or whatever the typed function returns.
///
/// Since: 0.1.0
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
    // SAFETY: the pointers are as the header requires.
    unsafe { make(client, || params_of(method, params_json), options, result, error) }
}

/// Lists the methods of `kal_call` as JSON: name, parameters with their types, whether it is cached, and the type of
/// its records.
///
/// Returns: a static string, never NULL.
///
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub extern "C" fn kal_methods() -> *const c_char {
    // Not a `OnceLock` alone: the process may fork while another thread initialises it.
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
    unsafe { make(client, || filled(operation, fill), options, result, error) }
}

/// Makes a call with the parameters that `params` returns.
///
/// # Safety
/// The pointers are as the header requires.
unsafe fn make(
    client: kal_client,
    params: impl FnOnce() -> Result<Params>,
    options: *const kal_call_options,
    result: *mut kal_result,
    error: *mut kal_error,
) -> kal_status {
    // SAFETY: required of the caller.
    unsafe {
        fallible_at_once(error, result, "result", || {
            answer(client, params().and_then(|params| Ok((params, call_options(options)?))))
        })
    }
}

/// Makes a call, unless its arguments are an error: that of the client comes first.
fn answer(client: kal_client, call: Result<(Params, CallOptions)>) -> Result<kal_result> {
    // Without a reference of this call's own, whose count all threads would write to.
    let ready = handles::read(client, |client| {
        let (params, options) = call.as_ref().ok()?;
        client.without_request(params, options)
    })?;
    let (params, options) = call?;
    match ready {
        Some(answer) => handles::insert(select_ids(answer?, &params)),
        None => request(client, params, &options),
    }
}

/// Makes a call that needs a request.
#[inline(never)]
fn request(client: kal_client, params: Params, options: &CallOptions) -> Result<kal_result> {
    let _cancel = DeferCancel::new();
    handles::insert(handles::get(client)?.call_with_request(params, options)?)
}

/// The parameters of a typed call, which `fill` sets.
pub(super) fn filled(operation: &'static Operation, fill: impl FnOnce(&mut Params) -> Result<()>) -> Result<Params> {
    let mut params = Params::new(operation);
    fill(&mut params)?;
    params.check_complete()?;
    Ok(params)
}
