//! `kal_events_query`: which events a call returns.

use std::ffi::c_char;

use super::kit::text;
use super::kit::versioned::{self, Versioned, size_through};
use crate::error::Result;
use crate::service::{Params, Value};

/// `page` of `kal_events_query`: page 0, sent as `page=0`. A `page` of 0 is not sent. The value is one that no program
/// computes by mistake.
pub const KAL_PAGE_ZERO: i32 = -2_147_483_647;

/// Which events to return. Start with `kal_events_query q = KAL_EVENTS_QUERY_INIT;`. Filters that are not set are not
/// sent. NULL instead of a pointer to one means no filter.
///
/// May grow at its end: `struct_size` says which version the program was compiled with.
#[repr(C)]
pub struct kal_events_query {
    /// `sizeof(kal_events_query)`, set by the initialiser.
    pub struct_size: usize,
    /// The number of the page. 0: not sent, and the server returns its first page. `KAL_PAGE_ZERO`: 0, as
    /// `{"page":0}` of `kal_call` sends it. Other negative numbers are `KAL_INVALID_ARGUMENT`.
    pub page: i32,
    /// Events per page. 0: not sent, and the server decides; `kal_call` can send a 0. A stream may request more, but
    /// never returns more.
    pub page_size: i32,
    /// Only events of these types, such as `"create"`. NULL when `event_types_len` is 0.
    pub event_types: *const *const c_char,
    /// The number of `event_types`. 0: not sent.
    pub event_types_len: usize,
    /// Only events about resources of this type, such as `"task"`. NULL: not sent.
    pub resource_type: *const c_char,
    /// Only events of these users. NULL when `event_user_ids_len` is 0.
    pub event_user_ids: *const *const c_char,
    /// The number of `event_user_ids`. 0: not sent.
    pub event_user_ids_len: usize,
    /// Only events after this RFC 3339 time or date, which is validated before anything is sent; see DATES. NULL: not
    /// sent. The server decides whether the bound is inclusive.
    pub after_date: *const c_char,
    /// Only events before this time or date; as `after_date`.
    pub before_date: *const c_char,
}
// SAFETY: integers and raw pointers.
unsafe impl Versioned for kal_events_query {}

/// Initialises a `kal_events_query` as `KAL_EVENTS_QUERY_INIT` does, for languages that have no macros of C.
///
/// - `query`: the struct, of which the fields of 0.2.0 are written, also by later versions; see OPTIONS. NULL is
///   ignored.
///
/// Returns: nothing.
///
/// Since: 0.2.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kal_events_query_init(query: *mut kal_events_query) {
    // SAFETY: the pointer is as the header requires.
    unsafe { versioned::init(query, size_through!(kal_events_query, before_date)) }
}

/// # Safety
/// `query` and everything in it is as the header requires.
pub(super) unsafe fn fill(params: &mut Params, query: *const kal_events_query) -> Result<()> {
    // SAFETY: required of the caller, here and below.
    let Some(query) = (unsafe { versioned::read(query, "query")? }) else { return Ok(()) };
    for (name, count) in [("page", query.page), ("page_size", query.page_size)] {
        match (name, count) {
            (_, 0) => {}
            ("page", KAL_PAGE_ZERO) => params.set(name, Value::Count(0))?,
            _ => params.set(name, Value::Count(count.into()))?,
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
