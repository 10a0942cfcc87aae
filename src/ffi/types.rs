//! The handle types. A handle is a value, never a pointer: `kit/handles.rs` has the layout of the number.

/// A client: one set of credentials, one workspace, one cache. `id` 0 is none.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct kal_client {
    /// Opaque.
    pub id: u64,
}

/// The result of a successful call. `id` 0 is none.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct kal_result {
    /// Opaque.
    pub id: u64,
}

/// The details of a failed call. `id` 0 is none.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct kal_error {
    /// Opaque.
    pub id: u64,
}

/// A stream of events. `id` 0 is none.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct kal_stream {
    /// Opaque.
    pub id: u64,
}

/// A queue of completions of submitted calls. `id` 0 is none.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct kal_queue {
    /// Opaque.
    pub id: u64,
}

/// A cancellation token, for any number of calls. `id` 0 is none.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct kal_cancel {
    /// Opaque.
    pub id: u64,
}
