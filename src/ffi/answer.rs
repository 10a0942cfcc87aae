//! What every export that makes a call does.

use super::arguments::call_options;
use super::guard::fallible;
use super::handles;
use super::options::kal_call_options;
use super::status::kal_status;
use super::types::{kal_client, kal_error, kal_result};
use crate::client::Client;
use crate::error::Result;
use crate::service::{Operation, Params};

/// Makes a typed call: `fill` gives the parameters.
///
/// # Safety
/// The pointers are as the header asks.
pub(super) unsafe fn typed(
    client: kal_client,
    operation: &'static Operation,
    fill: impl FnOnce(&mut Params) -> Result<()>,
    options: *const kal_call_options,
    result: *mut kal_result,
    error: *mut kal_error,
) -> kal_status {
    // SAFETY: asked of the caller.
    unsafe {
        fallible(error, result, "result", || {
            let client: Client = handles::get(client)?;
            let mut params = Params::new(operation);
            fill(&mut params)?;
            params.check_complete()?;
            handles::insert(client.call(params, &call_options(options)?)?)
        })
    }
}
