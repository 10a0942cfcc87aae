//! `kal_request`: any endpoint of the platform.

use std::ffi::c_char;

use super::call_options::{call_options, kal_call_options};
use super::export::fallible;
use super::kit::handles;
use super::kit::status::kal_status;
use super::kit::text;
use super::types::{kal_client, kal_error, kal_result};
use crate::error::{Error, ErrorKind};
use crate::service::{Params, REQUEST, Value};

/// Sends a request to any endpoint of the platform, with the client's sign-in, deadline, redaction and errors. Not cached.
///
/// - `client`: the client.
/// - `verb`: `"GET"`, `"POST"`, `"PUT"`, `"PATCH"` or `"DELETE"`.
/// - `path`: starts with `/`, percent-encoded, without the path of `base_url`. It has no host, no fragment, and no `.` or `..`
///   segments, encoded or not. It may have a query if `query_json` is NULL.
/// - `query_json`: a JSON object; NULL or `""` means no query. Strings are sent as they are, any other value as its JSON text:
///   `{"ids":["a"]}` as `ids=%5B%22a%22%5D`, null as `null`.
/// - `body_json`: JSON text, sent byte for byte; NULL means none. Then `{}` is sent, except with a GET, because the platform
///   rejects an empty body. A GET takes no body.
/// - `options`: NULL means the defaults. `KAL_CACHE_REFRESH` has no effect.
/// - `result`: receives the result, to be freed with `kal_result_free`; on failure none. It holds the JSON of the response
///   as it was sent, `null` for a response without a body; the `kal_result_workspace_*` functions return NULL for it.
/// - `error`: receives the error, to be freed with `kal_error_free`, or none. May be NULL.
///
/// A GET is retried like every read. Any other verb is sent again only if the server cannot have carried it out: the request
/// was not sent, the token was refused (401), or the response was 429 or 503 with `Retry-After`. After every other failure, such
/// as `KAL_CONNECTION_LOST`, `KAL_TIMED_OUT` or a 502, it may have been carried out: check before you send it again; `retryable`
/// is false. A verb other than GET, unless it was certainly not carried out, clears the cached reads under the same first
/// segment of the path (`/workspaces/...`: workspace, members and groups); after other writes that change these, call
/// `kal_client_clear_caches`.
///
/// Returns: `KAL_OK` for a 2xx response; `KAL_INVALID_ARGUMENT` naming the argument that cannot be sent; 400 to 599 for a
/// response with that status (404 is `KAL_NOT_FOUND`); `KAL_BAD_RESPONSE` for a redirect, and for a 2xx response that is
/// not JSON; `KAL_RESPONSE_TOO_LARGE` above `max_response_bytes`; `KAL_NOT_FOUND` for `KAL_CACHE_ONLY`;
/// `KAL_WOULD_DEADLOCK` from a callback; another status of a request; or a common status.
///
/// Since: 0.2.0
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn kal_request(
    client: kal_client,
    verb: *const c_char,
    path: *const c_char,
    query_json: *const c_char,
    body_json: *const c_char,
    options: *const kal_call_options,
    result: *mut kal_result,
    error: *mut kal_error,
) -> kal_status {
    // SAFETY: the pointers are as the header requires.
    unsafe {
        fallible(error, result, "result", || {
            let client = handles::get(client)?;
            let mut params = Params::new(&REQUEST);
            params.set("verb", Value::Text(text::required(verb, "verb")?.to_owned()))?;
            params.set("path", Value::Text(text::required(path, "path")?.to_owned()))?;
            if let Some(query) = text::optional(query_json, "query_json")?.filter(|query| !query.is_empty()) {
                params.set("query", Value::Json(query.to_owned().into())).map_err(named_as_in_c)?;
            }
            if let Some(body) = text::optional(body_json, "body_json")? {
                params.set("body", Value::Json(body.to_owned().into())).map_err(named_as_in_c)?;
            }
            params.check_complete().map_err(named_as_in_c)?;
            handles::insert(client.call(params, &call_options(options)?).map_err(named_as_in_c)?)
        })
    }
}

/// An error of a parameter, by the name of its argument.
fn named_as_in_c(error: Error) -> Error {
    if error.kind() != ErrorKind::InvalidArgument {
        return error;
    }
    error.with(|details| {
        for (param, argument) in [("query: ", "query_json: "), ("body: ", "body_json: ")] {
            if let Some(reason) = details.message.strip_prefix(param) {
                details.message = [argument, reason].concat();
            }
        }
    })
}
