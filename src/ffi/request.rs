//! `kal_request`: any endpoint of the platform.

use std::ffi::c_char;

use super::call_options::{call_options, kal_call_options};
use super::export::fallible;
use super::kit::handles;
use super::kit::status::kal_status;
use super::kit::text;
use super::types::{kal_client, kal_error, kal_result};
use crate::error::Error;
use crate::service::{Params, REQUEST, Value};

/// Sends a request to any endpoint of the platform, with the client's sign-in, deadline, redaction and errors. Not cached.
///
/// `verb`: `"GET"`, `"POST"`, `"PUT"`, `"PATCH"` or `"DELETE"`. `path`: from `/` on, percent-encoded, without the path of
/// `base_url`; no host, no fragment, and no `.` or `..` segments, encoded or not. It may have a query only where `query_json` is NULL.
/// `query_json`: a JSON object; its strings are sent as they are, everything else as its JSON text (`{"ids":["a"]}` as
/// `ids=%5B%22a%22%5D`, null as `null`); NULL or `""`: no query. `body_json`: JSON text, sent byte for byte; NULL: none, for which `{}`
/// is sent except with a GET, because the platform refuses an empty body. A GET takes no body. The texts are copied. `options` may be
/// NULL; `KAL_CACHE_REFRESH` has no effect. `*result` is yours to free. It holds the answer's JSON as it was sent, or `null` for an
/// answer without a body; the `kal_result_workspace_*` functions return NULL for it.
///
/// A GET is retried like every read. Any other verb is sent again only when the server cannot have carried it out: the request was
/// not sent, the token was refused (401), or the server answered 429 or 503 with `Retry-After`. In every other failure, such as
/// `KAL_CONNECTION_LOST`, `KAL_TIMED_OUT` or a 502, it may have been carried out: look before you send it again; `retryable` is false.
/// A verb other than GET, unless it was certainly not carried out, drops the cached reads under the same first segment of the path
/// (`/workspaces/...`: workspace, members and groups); for other writes that change these, see `kal_client_clear_caches`.
///
/// Returns: `KAL_OK` for a 2xx answer; `KAL_INVALID_ARGUMENT` naming what cannot be sent (nothing was sent); 400 to 599 for an answer
/// of that status (404 is `KAL_NOT_FOUND`); `KAL_BAD_RESPONSE` for a redirect, and for a 2xx answer that is not JSON;
/// `KAL_RESPONSE_TOO_LARGE` above `max_response_bytes`; `KAL_NOT_FOUND` with `KAL_CACHE_ONLY`; and the statuses of `kal_call`.
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
            handles::insert(client.call(params, &call_options(options)?)?)
        })
    }
}

/// An error of a parameter, by the name of its argument.
fn named_as_in_c(error: Error) -> Error {
    error.with(|details| {
        for (param, argument) in [("query: ", "query_json: "), ("body: ", "body_json: ")] {
            if let Some(reason) = details.message.strip_prefix(param) {
                details.message = [argument, reason].concat();
            }
        }
    })
}
