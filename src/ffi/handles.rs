//! The handle table: what a 64-bit handle stands for.
//!
//! A handle is `version << 32 | kind << 29 | epoch << 24 | index`. Index and version are the slot map's: a freed slot's old
//! handle has an old version and never reaches the new occupant. The kind catches a handle of one type passed as another,
//! and the epoch one that was inherited through `fork`: each process has a table of its own.

use std::sync::Arc;

use super::slots::{INDEX_BITS, Slots};
use super::types::{kal_cancel, kal_client, kal_error, kal_queue, kal_result, kal_stream};
use crate::answer::Answer;
use crate::cancel::Cancel;
use crate::client::Client;
use crate::error::{Error, ErrorKind, Result};
use crate::events::Stream;
use crate::ffi::errors::ErrorText;
use crate::ffi::queue::Completion;
use crate::process::{PerProcess, epoch};
use crate::queue::Queue;

const EPOCH_BITS: u32 = 5;
const EPOCH_MASK: u64 = (1 << EPOCH_BITS) - 1;
const KIND_SHIFT: u32 = INDEX_BITS + EPOCH_BITS;
const KIND_MASK: u64 = (1 << (32 - KIND_SHIFT)) - 1;

static TABLE: PerProcess<Slots<Object>> = PerProcess::new();

/// What a slot holds.
pub(super) enum Object {
    Client(Client),
    Result(Arc<Answer>),
    Error(Arc<ErrorText>),
    Cancel(Cancel),
    Stream(Stream),
    Queue(Arc<Queue<Completion>>),
}

/// A handle type of the header.
pub(super) trait Handle: Copy {
    /// What it stands for; cloning takes a reference.
    type Object: Clone;
    const KIND: u64;
    const NAME: &str;
    const NONE: Self;
    fn id(self) -> u64;
    fn of(id: u64) -> Self;
    fn wrap(object: Self::Object) -> Object;
    fn unwrap(object: &Object) -> Option<&Self::Object>;
}

macro_rules! handle {
    ($type:ident, $kind:literal, $variant:ident, $object:ty) => {
        impl Handle for $type {
            type Object = $object;
            const KIND: u64 = $kind;
            const NAME: &str = stringify!($type);
            const NONE: Self = Self { id: 0 };

            fn id(self) -> u64 {
                self.id
            }

            fn of(id: u64) -> Self {
                Self { id }
            }

            fn wrap(object: Self::Object) -> Object {
                Object::$variant(object)
            }

            fn unwrap(object: &Object) -> Option<&Self::Object> {
                match object {
                    Object::$variant(object) => Some(object),
                    _ => None,
                }
            }
        }
    };
}

handle!(kal_client, 1, Client, Client);
handle!(kal_result, 2, Result, Arc<Answer>);
handle!(kal_error, 3, Error, Arc<ErrorText>);
handle!(kal_cancel, 4, Cancel, Cancel);
handle!(kal_stream, 5, Stream, Stream);
handle!(kal_queue, 6, Queue, Arc<Queue<Completion>>);

/// Puts an object into the table.
pub(super) fn insert<H: Handle>(object: H::Object) -> Result<H> {
    let key = table()?.insert(H::wrap(object)).ok_or_else(|| {
        // Sixteen million handles are not an accident of timing: someone does not free.
        Error::new(ErrorKind::InvalidState, "there are too many handles that were not freed")
    })?;
    let epoch = u64::from(epoch()) & EPOCH_MASK;
    Ok(H::of(key | H::KIND << KIND_SHIFT | epoch << INDEX_BITS))
}

/// What a handle stands for.
pub(super) fn get<H: Handle>(handle: H) -> Result<H::Object> {
    check(handle)?;
    table()?.get(handle.id(), |object| H::unwrap(object).cloned()).ok_or_else(|| invalid(handle))
}

/// Takes an object out of the table, so that its handle is stale. None, stale and wrong handles give nothing.
pub(super) fn take<H: Handle>(handle: H) -> Option<H::Object> {
    check(handle).ok()?;
    table().ok()?.take(handle.id(), |object| H::unwrap(object).cloned())
}

/// Frees a handle.
pub(super) fn release<H: Handle>(handle: H) {
    super::guard::infallible((), || {
        check(handle).ok()?;
        table().ok()?.remove(handle.id(), |object| H::unwrap(object).is_some())
    });
}

/// What the handle itself tells: its kind, and the process it was made in.
fn check<H: Handle>(handle: H) -> Result<()> {
    let id = handle.id();
    let (kind, from) = (id >> KIND_SHIFT & KIND_MASK, id >> INDEX_BITS & EPOCH_MASK);
    let now = u64::from(epoch()) & EPOCH_MASK;
    if id == 0 || kind != H::KIND || (from != now && now == 0) {
        Err(invalid(handle))
    } else if from != now {
        Err(Error::new(ErrorKind::Forked, format!("this {} was made before fork, in the parent process", H::NAME)))
    } else {
        Ok(())
    }
}

fn invalid<H: Handle>(handle: H) -> Error {
    let what = if handle.id() == 0 { "none" } else { "freed, or of another kind, or never given out" };
    Error::new(ErrorKind::InvalidHandle, format!("this {} is {what}", H::NAME))
}

fn table() -> Result<&'static Slots<Object>> {
    TABLE.get().ok_or_else(|| Error::new(ErrorKind::Forked, "too many forks, one within another"))
}

#[cfg(all(test, not(kal_loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_freed_handle_never_reaches_the_slots_next_object() {
        let old: kal_cancel = insert(Cancel::default()).expect("room");
        assert!(get(old).is_ok());
        assert!(take(old).is_some());
        let new: kal_cancel = insert(Cancel::default()).expect("room");
        assert_eq!(get(old).err().expect("stale").kind(), ErrorKind::InvalidHandle);
        assert!(take(old).is_none());
        assert!(get(new).is_ok());
        release(new);
    }

    #[test]
    fn a_handle_of_another_kind_is_caught() {
        let cancel: kal_cancel = insert(Cancel::default()).expect("room");
        assert_eq!(get(kal_client { id: cancel.id }).err().expect("wrong").kind(), ErrorKind::InvalidHandle);
        assert!(take(kal_result { id: cancel.id }).is_none());
        // Even one whose kind bits were changed: the slot knows what it holds.
        let forged = cancel.id & !(KIND_MASK << KIND_SHIFT) | kal_client::KIND << KIND_SHIFT;
        assert_eq!(get(kal_client { id: forged }).err().expect("forged").kind(), ErrorKind::InvalidHandle);
        release(cancel);
    }
}
