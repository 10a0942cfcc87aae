//! What every C boundary needs, whatever it exports: the guard around an export, handles, versioned structs, pointers,
//! text and statuses.
//!
//! It imports nothing else of `ffi`, and of the crate only what lies below the client: the error type, what is kept per
//! process or sharded by thread, and the lock types that the loom models replace.

pub(super) mod guard;
pub(super) mod handles;
pub(super) mod millis;
pub(super) mod pointer;
mod replicas;
mod slots;
pub mod status;
pub(super) mod text;
pub(super) mod versioned;
