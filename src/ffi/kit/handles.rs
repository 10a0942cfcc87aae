//! The handle table: maps 64-bit handles to objects.
//!
//! A handle is `version << 32 | kind << 29 | epoch << 24 | index`. Index and version are the slot map's: the old handle
//! of a freed slot has an old version and never reaches the new occupant. The kind detects a handle of one type passed
//! as another, and the epoch one that was inherited through `fork`: each process has a table of its own.
//!
//! The version of an occupied slot is odd. Its lowest bit, inverted, is the fourth bit of the kind: there is room for 15.
//! Its other bits are combined with the seed of this copy of the library, so that a handle of another copy in the
//! process is not taken for one of ours.

use std::any::Any;
use std::sync::Arc;

use super::replicas::Replicas;
use super::slots::{INDEX_BITS, Slots};
use crate::error::{Error, ErrorKind, Result};
use crate::runtime::{PerProcess, epoch};

const EPOCH_BITS: u32 = 5;
const EPOCH_MASK: u64 = (1 << EPOCH_BITS) - 1;
const KIND_SHIFT: u32 = INDEX_BITS + EPOCH_BITS;
const LOW_KIND_BITS: u32 = 32 - KIND_SHIFT;
const LOW_KIND_MASK: u64 = (1 << LOW_KIND_BITS) - 1;
/// The lowest bit of the version.
const ODD_VERSION: u64 = 1 << 32;
const MAX_KIND: u64 = 2 * LOW_KIND_MASK + 1;
/// The bits of the version that the kind leaves.
const SEEDED_BITS: u64 = u64::MAX << 33;

type Object = Arc<dyn Any + Send + Sync>;

/// Boxed, here and below: a table for each generation of processes would be 70 KB of initialised data.
static TABLE: PerProcess<Box<Slots<Object>>> = PerProcess::new();

/// The objects of the types that are [`Handle::IN_EVERY_SHARD`].
static IN_EVERY_SHARD: PerProcess<Box<Replicas<Object>>> = PerProcess::new();

/// A handle type of the header. [`handle`] implements it.
pub(in crate::ffi) trait Handle: Copy {
    /// The object behind it.
    type Object: Any + Send + Sync;
    /// The number of the type in the handle; another one for each type.
    const KIND: u64;
    /// The name of the type in the header.
    const NAME: &str;
    /// Whether all threads look up the same few objects, which live long: [`Replicas`] has them.
    const IN_EVERY_SHARD: bool;
    const NONE: Self;
    fn id(self) -> u64;
    fn from_id(id: u64) -> Self;
}

/// `handle!(kal_result, 2, Answer);` makes a struct with the one field `id` a handle type for objects of that type;
/// `handle!(kal_client, 1, Client, in every shard);` one that is [`Handle::IN_EVERY_SHARD`].
macro_rules! handle {
    ($type:ident, $kind:literal, $object:ty) => {
        $crate::ffi::kit::handles::handle!($type, $kind, $object, false);
    };
    ($type:ident, $kind:literal, $object:ty, in every shard) => {
        $crate::ffi::kit::handles::handle!($type, $kind, $object, true);
    };
    ($type:ident, $kind:literal, $object:ty, $in_every_shard:literal) => {
        impl $crate::ffi::kit::handles::Handle for $type {
            type Object = $object;
            const KIND: u64 = $kind;
            const NAME: &str = stringify!($type);
            const IN_EVERY_SHARD: bool = $in_every_shard;
            const NONE: Self = Self { id: 0 };

            #[inline]
            fn id(self) -> u64 {
                self.id
            }

            fn from_id(id: u64) -> Self {
                Self { id }
            }
        }
    };
}
pub(in crate::ffi) use handle;

/// For a check at compile time: whether each kind fits its bits and no two are equal.
#[allow(dead_code, reason = "Rust 1.85 does not count a use in `const _`")]
pub(in crate::ffi) const fn are_distinct(mut kinds: &[u64]) -> bool {
    let mut seen = 0_u64;
    while let [kind, rest @ ..] = kinds {
        if *kind == 0 || *kind > MAX_KIND || seen >> *kind & 1 == 1 {
            return false;
        }
        seen |= 1 << *kind;
        kinds = rest;
    }
    true
}

/// Inserts an object into the table.
pub(in crate::ffi) fn insert<H: Handle>(object: Arc<H::Object>) -> Result<H> {
    let key = if H::IN_EVERY_SHARD {
        of_process(&IN_EVERY_SHARD)?.insert(&(object as Object))
    } else {
        of_process(&TABLE)?.insert(object)
    };
    let key = key.ok_or_else(|| {
        // Not an accident of timing: sixteen million handles are open.
        Error::new(
            ErrorKind::InvalidState,
            format!("no {} can be opened: too many handles are open; free some", H::NAME),
        )
    })?;
    let epoch = u64::from(epoch()) & EPOCH_MASK;
    // Never 0: the slot map counts its slots from 1.
    Ok(H::from_id(with_kind(key | epoch << INDEX_BITS, H::KIND) ^ seed()))
}

/// Differs between the copies of the library in a process, since their tables have different addresses. Async-signal-safe.
#[inline]
fn seed() -> u64 {
    seed_at(std::ptr::from_ref(&TABLE).addr() as u64)
}

/// Fibonacci hashing: neighbouring addresses differ in many bits.
const fn seed_at(address: u64) -> u64 {
    address.wrapping_mul(0x9E37_79B9_7F4A_7C15) & SEEDED_BITS
}

fn with_kind(key: u64, kind: u64) -> u64 {
    let high = if kind > LOW_KIND_MASK { ODD_VERSION } else { 0 };
    key & !high | (kind & LOW_KIND_MASK) << KIND_SHIFT
}

fn kind_of(id: u64) -> u64 {
    let high = if id & ODD_VERSION == 0 { LOW_KIND_MASK + 1 } else { 0 };
    id >> KIND_SHIFT & LOW_KIND_MASK | high
}

/// The key in a handle whose kind was checked.
fn key_of<H: Handle>(handle: H) -> u64 {
    (handle.id() ^ seed()) | ODD_VERSION
}

/// The object behind a handle.
#[inline]
pub(in crate::ffi) fn get<H: Handle>(handle: H) -> Result<Arc<H::Object>> {
    look_up(handle, object_of::<H>)
}

/// What `read` returns for the object behind a handle, which cannot be freed meanwhile: `read` must not block.
#[inline]
pub(in crate::ffi) fn read<H: Handle, R>(handle: H, read: impl FnOnce(&H::Object) -> R) -> Result<R> {
    look_up(handle, |object| object.downcast_ref().map(read))
}

#[inline]
fn look_up<H: Handle, R>(handle: H, read: impl FnOnce(&Object) -> Option<R>) -> Result<R> {
    check(handle)?;
    let key = key_of(handle);
    let found = if H::IN_EVERY_SHARD {
        of_process(&IN_EVERY_SHARD)?.get(key, read)
    } else {
        of_process(&TABLE)?.get(key, read)
    };
    found.ok_or_else(|| invalid(handle))
}

/// Removes an object from the table, so that its handle is stale; none for handles that are none, stale or of another
/// type.
pub(in crate::ffi) fn take<H: Handle>(handle: H) -> Option<Arc<H::Object>> {
    check(handle).ok()?;
    let key = key_of(handle);
    if H::IN_EVERY_SHARD {
        of_process(&IN_EVERY_SHARD).ok()?.take(key, object_of::<H>)
    } else {
        of_process(&TABLE).ok()?.take(key, object_of::<H>)
    }
}

/// Frees a handle; none for handles that are none, stale or of another type.
pub(in crate::ffi) fn release<H: Handle>(handle: H) -> Option<()> {
    if H::IN_EVERY_SHARD {
        return take(handle).map(drop);
    }
    check(handle).ok()?;
    of_process(&TABLE).ok()?.remove(key_of(handle), |object| object.is::<H::Object>())
}

fn object_of<H: Handle>(object: &Object) -> Option<Arc<H::Object>> {
    Arc::clone(object).downcast().ok()
}

/// Whether a handle says that it is of this kind and of this process. Async-signal-safe.
pub(in crate::ffi) fn may_exist<H: Handle>(handle: H) -> bool {
    let id = handle.id();
    id != 0 && kind_of(id) == H::KIND && id >> INDEX_BITS & EPOCH_MASK == u64::from(epoch()) & EPOCH_MASK
}

/// What the handle itself says: its kind, and the process it was made in.
#[inline]
fn check<H: Handle>(handle: H) -> Result<()> {
    let id = handle.id();
    let (kind, from) = (kind_of(id), id >> INDEX_BITS & EPOCH_MASK);
    let now = u64::from(epoch()) & EPOCH_MASK;
    if id == 0 || kind != H::KIND || (from != now && now == 0) {
        Err(invalid(handle))
    } else if from != now {
        let message = format!("this {} belongs to the parent process: it was made before fork; make one here", H::NAME);
        Err(Error::new(ErrorKind::Forked, message))
    } else {
        Ok(())
    }
}

fn invalid<H: Handle>(handle: H) -> Error {
    let reason = if handle.id() == 0 {
        "none (its id is 0)"
    } else {
        "stale (freed), of another type or copy of the library, or forged"
    };
    Error::new(ErrorKind::InvalidHandle, format!("this {} is {reason}", H::NAME))
}

fn of_process<T: Default>(tables: &'static PerProcess<T>) -> Result<&'static T> {
    tables.get().ok_or_else(|| Error::new(ErrorKind::Forked, "the library cannot be used here: too many nested forks"))
}

#[cfg(all(test, not(kal_loom)))]
mod tests {
    use super::*;

    #[derive(Clone, Copy)]
    struct One {
        id: u64,
    }
    handle!(One, 6, i32);

    #[derive(Clone, Copy)]
    struct Other {
        id: u64,
    }
    handle!(Other, 15, String);

    fn one() -> One {
        insert(Arc::new(1)).expect("room")
    }

    #[test]
    fn a_freed_handle_never_reaches_the_slots_next_object() {
        let old = one();
        assert!(get(old).is_ok());
        assert!(take(old).is_some());
        let new = one();
        assert_eq!(get(old).expect_err("stale").kind(), ErrorKind::InvalidHandle);
        assert!(take(old).is_none());
        assert!(release(old).is_none());
        assert!(get(new).is_ok());
        assert!(release(new).is_some());
    }

    /// Red without a seed: both copies count their slots and versions from 1.
    #[test]
    fn a_handle_of_another_copy_is_detected() {
        let ours = one();
        // The same slot and version in copies that are mapped one page, or much more, before and after this one.
        for distance in [1_u64 << 12, 1 << 22, 1 << 40] {
            let here = std::ptr::from_ref(&TABLE).addr() as u64;
            for address in [here.wrapping_add(distance), here.wrapping_sub(distance)] {
                let theirs = One { id: ours.id ^ seed() ^ seed_at(address) };
                assert_eq!(get(theirs).expect_err("another copy's").kind(), ErrorKind::InvalidHandle);
                assert!(take(theirs).is_none());
            }
        }
        assert!(release(ours).is_some());
    }

    #[test]
    fn a_handle_of_another_kind_is_detected() {
        let one = one();
        assert_eq!(get(Other { id: one.id }).expect_err("wrong").kind(), ErrorKind::InvalidHandle);
        assert!(take(Other { id: one.id }).is_none());
        // Even one whose kind bits were changed: the slot knows the type of its object.
        let forged = Other { id: with_kind(one.id & !(LOW_KIND_MASK << KIND_SHIFT), Other::KIND) };
        assert_eq!(kind_of(forged.id), Other::KIND);
        assert_eq!(get(forged).expect_err("forged").kind(), ErrorKind::InvalidHandle);
        assert!(take(forged).is_none());
        assert!(release(forged).is_none());
        assert!(release(one).is_some());
    }

    /// Red when the key keeps the bit that the kind has: no handle of a kind from 8 on is ever found.
    #[test]
    fn every_kind_has_handles() {
        let other = insert::<Other>(Arc::new("text".to_owned())).expect("room");
        assert_eq!(*get(other).expect("live"), "text");
        assert_eq!(get(One { id: other.id }).expect_err("wrong").kind(), ErrorKind::InvalidHandle);
        assert!(take(other).is_some());
        assert_eq!(get(other).expect_err("stale").kind(), ErrorKind::InvalidHandle);
    }

    /// Red when the kinds are not compared: two types of one number pass for each other.
    #[test]
    fn kinds_are_distinct_and_fit_their_bits() {
        assert!(are_distinct(&[1, 2, 15]));
        assert!(!are_distinct(&[1, 2, 1]));
        assert!(!are_distinct(&[0]));
        assert!(!are_distinct(&[16]));
    }
}
