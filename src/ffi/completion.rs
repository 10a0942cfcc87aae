//! `kal_completion`: how a submitted call ended.

use std::ffi::c_void;
use std::sync::Arc;

use super::kit::guard::ErrorHandle;
use super::kit::handles::{self, Handle, handle};
use super::kit::status::{self, KAL_DONE, KAL_NOT_READY, KAL_OK, kal_status};
use super::kit::versioned::{self, Versioned, size_through};
use super::types::{kal_error, kal_queue, kal_result};
use crate::answer::Answer;
use crate::error::Result;
use crate::events::{Delivery, Next};
use crate::queue::{Queue, Ticket};

handle!(kal_queue, 6, Queue<Completion>);

/// A completed call. Start with `kal_completion c = KAL_COMPLETION_INIT;`.
///
/// May grow at its end: `struct_size` says which version the program was compiled with.
#[repr(C)]
pub struct kal_completion {
    /// `sizeof(kal_completion)`, set by the initialiser.
    pub struct_size: usize,
    /// The pointer passed to `kal_submit` or `kal_stream_submit_next`.
    pub user_data: *mut c_void,
    /// The status of the call.
    pub status: kal_status,
    /// The result, to be freed with `kal_result_free`. None unless `status` is `KAL_OK`.
    pub result: kal_result,
    /// The error, to be freed with `kal_error_free`. None when the call did not fail.
    pub error: kal_error,
}

// SAFETY: integers and a raw pointer.
unsafe impl Versioned for kal_completion {}

/// Initialises a `kal_completion` as `KAL_COMPLETION_INIT` does, for languages that have no macros of C.
///
/// - `completion`: the struct, of which the fields of 0.2.0 are written, also by later versions; see OPTIONS. NULL is
///   ignored.
///
/// Returns: nothing.
///
/// Since: 0.2.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kal_completion_init(completion: *mut kal_completion) {
    // SAFETY: the pointer is as the header requires.
    unsafe { versioned::init(completion, size_through!(kal_completion, error)) }
}

/// An entry of a queue. Its handles are made when the host picks it up, so that closing the queue leaks none.
pub(super) struct Completion {
    user_data: UserData,
    outcome: Result<Outcome>,
}

/// How a submitted call succeeded.
pub(super) enum Outcome {
    Answer(Arc<Answer>),
    /// Of a stream. When it is dropped with a closed queue, the page returns to the stream.
    Next(Delivery),
}

/// The host's pointer, never dereferenced.
struct UserData(*mut c_void);

// SAFETY: it is returned unchanged to the thread that picks it up, and never dereferenced.
unsafe impl Send for UserData {}

/// Adds an outcome to a queue, unless that is closed by then.
pub(super) fn deliver_to(
    ticket: Ticket<Completion>,
    user_data: *mut c_void,
) -> impl FnOnce(Result<Outcome>) + Send + use<> {
    let user_data = UserData(user_data);
    move |outcome| ticket.complete(Completion { user_data, outcome })
}

impl kal_completion {
    pub(super) const EMPTY: Self = Self {
        struct_size: 0,
        user_data: std::ptr::null_mut(),
        status: KAL_OK,
        result: kal_result::NONE,
        error: kal_error::NONE,
    };
}

impl Completion {
    /// The completion as C reads it, with new handles.
    pub(super) fn to_c(&self) -> Result<kal_completion> {
        let mut out = kal_completion { user_data: self.user_data.0, ..kal_completion::EMPTY };
        match &self.outcome {
            Ok(Outcome::Answer(answer)) => out.result = handles::insert(Arc::clone(answer))?,
            Ok(Outcome::Next(delivery)) => match delivery.next() {
                Next::Page(page) => out.result = handles::insert(Arc::clone(page))?,
                Next::NothingYet => out.status = KAL_NOT_READY,
                Next::End => out.status = KAL_DONE,
            },
            Err(error) => {
                out.status = status::of(error);
                out.error = kal_error::open(error)?;
            }
        }
        Ok(out)
    }

    /// Marks it as received by the host.
    pub(super) fn acknowledge(self) {
        if let Ok(Outcome::Next(delivery)) = self.outcome {
            delivery.acknowledge();
        }
    }
}
