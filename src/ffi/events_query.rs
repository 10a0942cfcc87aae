//! `kal_events_query`: which events a call returns.

use std::ffi::c_char;

use super::kit::text;
use super::kit::versioned::{self, Versioned};
use crate::error::Result;
use crate::service::{Params, Value};

/// Which events to get. Unset filters are not sent. NULL wherever it is taken: no filter.
#[repr(C)]
pub struct kal_events_query {
    /// `sizeof(kal_events_query)`, set by the initialiser.
    pub struct_size: usize,
    /// The page's number; 0: not sent, the server gives its first page.
    pub page: i32,
    /// Events a page; 0: not sent, the server decides.
    pub page_size: i32,
    /// Only events of these types, such as `"create"`.
    pub event_types: *const *const c_char,
    /// The number of `event_types`; 0: not sent.
    pub event_types_len: usize,
    /// Only events about resources of this type, such as `"task"`.
    pub resource_type: *const c_char,
    /// Only events of these users.
    pub event_user_ids: *const *const c_char,
    /// The number of `event_user_ids`; 0: not sent.
    pub event_user_ids_len: usize,
    /// RFC 3339, or a bare date; checked before anything is sent. Whether the bound is inclusive is the server's affair.
    pub after_date: *const c_char,
    /// As `after_date`.
    pub before_date: *const c_char,
}
// SAFETY: integers and raw pointers.
unsafe impl Versioned for kal_events_query {}

/// # Safety
/// `query` and everything in it is as the header requires.
pub(super) unsafe fn fill(params: &mut Params, query: *const kal_events_query) -> Result<()> {
    // SAFETY: required of the caller, here and below.
    let Some(query) = (unsafe { versioned::read(query, "query")? }) else { return Ok(()) };
    for (name, count) in [("page", query.page), ("page_size", query.page_size)] {
        if count != 0 {
            params.set(name, Value::Count(count.into()))?;
        }
    }
    let lists = [
        ("event_types", query.event_types, query.event_types_len),
        ("event_user_ids", query.event_user_ids, query.event_user_ids_len),
    ];
    for (name, first, len) in lists {
        // SAFETY: as above.
        let given = unsafe { text::list(first, len, name)? };
        if !given.is_empty() {
            params.set(name, Value::TextList(given))?;
        }
    }
    let single =
        [("resource_type", query.resource_type), ("after_date", query.after_date), ("before_date", query.before_date)];
    for (name, text) in single {
        // SAFETY: as above.
        if let Some(text) = unsafe { text::owned(text, name)? } {
            params.set(name, Value::Text(text))?;
        }
    }
    Ok(())
}
