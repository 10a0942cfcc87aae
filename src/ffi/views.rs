//! C structs made of an answer's records: once per answer, pointing into its text.

use std::ffi::c_char;
use std::ptr;

use super::workspace::{
    KAL_ACCESS_ADMIN, KAL_ACCESS_DEACTIVATED, KAL_ACCESS_GUEST, KAL_ACCESS_TEAM_MEMBER, KAL_ACCESS_UNKNOWN,
    KAL_ACCESS_VIEWER, kal_workspace, kal_workspace_event, kal_workspace_group, kal_workspace_user,
};
use crate::answer::Answer;
use crate::records::{self, event, group, member, workspace};
use crate::service::Shape;

/// The records of one answer as C reads them. Kept in the answer, whose text they point into.
pub(super) struct View<R> {
    /// What `pointers` points to; a box does not move.
    _records: Box<[R]>,
    pointers: Box<[*const R]>,
    /// What the lists within the records point to.
    _items: Box<[*const c_char]>,
}

// SAFETY: never written after it was made, and what it points to lives in the same answer and is never written either.
unsafe impl<R> Send for View<R> {}
// SAFETY: as above.
unsafe impl<R> Sync for View<R> {}

/// A record type of the header.
pub(super) trait Record: Sized + 'static {
    const SHAPE: Shape;
    /// The list columns of the record.
    const LISTS: &[usize] = &[];
    /// Makes the struct; `list` gives the elements of a list column.
    fn read(record: records::Record<'_>, list: impl FnMut(usize) -> (*const *const c_char, usize)) -> Self;
}

impl<R: Record> View<R> {
    /// The view of an answer, made at the first look; none when its records are of another kind.
    pub(super) fn of(answer: &Answer) -> Option<(*const *const R, usize)> {
        if answer.shape() != Some(R::SHAPE) {
            return None;
        }
        let table = answer.table()?;
        let view = answer.attachment(|| Self::new(answer, table))?;
        Some((view.pointers.as_ptr(), view.pointers.len()))
    }

    fn new(answer: &Answer, table: &records::Table) -> Self {
        let mut items: Vec<*const c_char> = Vec::new();
        for row in answer.rows() {
            for column in R::LISTS {
                items.extend((0..table.list_len(row, *column)).map(|index| {
                    table.list_item_with_nul(row, *column, index).map_or(ptr::null(), |item| item.as_ptr().cast())
                }));
            }
        }
        let items = items.into_boxed_slice();
        let mut taken = 0;
        let mut records = Vec::with_capacity(answer.rows().len());
        records.extend(answer.rows().filter_map(|row| table.record(row)).map(|record| {
            R::read(record, |column| {
                let len = record.list_len(column);
                let first = items.as_ptr().wrapping_add(taken);
                taken += len;
                (first, len)
            })
        }));
        let records = records.into_boxed_slice();
        let pointers = records.iter().map(ptr::from_ref).collect();
        Self { _records: records, pointers, _items: items }
    }
}

fn text(record: records::Record<'_>, column: usize) -> *const c_char {
    record.text_ptr(column).cast()
}

fn flag(record: records::Record<'_>, column: usize) -> i8 {
    record.boolean(column).map_or(-1, i8::from)
}

impl Record for kal_workspace {
    const SHAPE: Shape = Shape::Workspace;

    fn read(record: records::Record<'_>, _: impl FnMut(usize) -> (*const *const c_char, usize)) -> Self {
        Self { id: text(record, workspace::ID), workspace_name: text(record, workspace::WORKSPACE_NAME) }
    }
}

impl Record for kal_workspace_user {
    const SHAPE: Shape = Shape::Users;

    fn read(record: records::Record<'_>, _: impl FnMut(usize) -> (*const *const c_char, usize)) -> Self {
        Self {
            id: text(record, member::ID),
            full_name: text(record, member::FULL_NAME),
            preferred_name: text(record, member::PREFERRED_NAME),
            email: text(record, member::EMAIL),
            access_level: access_level(record),
            access_level_name: text(record, member::ACCESS_LEVEL),
        }
    }
}

/// In the order of [`records::ACCESS_LEVELS`].
const ACCESS_LEVELS: [i32; records::ACCESS_LEVELS.len()] =
    [KAL_ACCESS_ADMIN, KAL_ACCESS_TEAM_MEMBER, KAL_ACCESS_GUEST, KAL_ACCESS_VIEWER, KAL_ACCESS_DEACTIVATED];

fn access_level(record: records::Record<'_>) -> i32 {
    let word = record.word(member::ACCESS_LEVEL);
    word.and_then(|word| ACCESS_LEVELS.get(word).copied()).unwrap_or(KAL_ACCESS_UNKNOWN)
}

impl Record for kal_workspace_group {
    const SHAPE: Shape = Shape::Groups;
    const LISTS: &[usize] = &[group::USER_IDS, group::PROGRAM_IDS];

    fn read(record: records::Record<'_>, mut list: impl FnMut(usize) -> (*const *const c_char, usize)) -> Self {
        let (user_ids, user_ids_len) = list(group::USER_IDS);
        let (program_ids, program_ids_len) = list(group::PROGRAM_IDS);
        Self {
            id: text(record, group::ID),
            group_name: text(record, group::GROUP_NAME),
            email: text(record, group::EMAIL),
            user_ids,
            user_ids_len,
            program_ids,
            program_ids_len,
        }
    }
}

impl Record for kal_workspace_event {
    const SHAPE: Shape = Shape::Events;

    fn read(record: records::Record<'_>, _: impl FnMut(usize) -> (*const *const c_char, usize)) -> Self {
        Self {
            id: text(record, event::ID),
            event_type: text(record, event::EVENT_TYPE),
            event_type_version: record.int(event::EVENT_TYPE_VERSION).unwrap_or(-1),
            created_at: text(record, event::CREATED_AT),
            created_at_us: record.time_us(event::CREATED_AT).unwrap_or(i64::MIN),
            event_user_id: text(record, event::EVENT_USER_ID),
            full_name: text(record, event::FULL_NAME),
            preferred_name: text(record, event::PREFERRED_NAME),
            resource_id: text(record, event::RESOURCE_ID),
            resource_type: text(record, event::RESOURCE_TYPE),
            parent_bulk_event_id: text(record, event::PARENT_BULK_EVENT_ID),
            event_attrs: match text(record, event::EVENT_ATTRS) {
                attrs if attrs.is_null() => c"{}".as_ptr(),
                attrs => attrs,
            },
            is_bot: flag(record, event::IS_BOT),
            is_bulk: flag(record, event::IS_BULK),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a row counts for includes the struct and the pointer to it; red when a struct grows past that.
    #[test]
    fn a_struct_takes_no_more_than_was_counted_for_it() {
        fn room<R: Record>() -> usize {
            let schema = R::SHAPE.schema().0;
            schema.row_bytes() - schema.cell_bytes()
        }
        assert!(size_of::<kal_workspace>() + size_of::<*const ()>() <= room::<kal_workspace>());
        assert!(size_of::<kal_workspace_user>() + size_of::<*const ()>() <= room::<kal_workspace_user>());
        assert!(size_of::<kal_workspace_group>() + size_of::<*const ()>() <= room::<kal_workspace_group>());
        assert!(size_of::<kal_workspace_event>() + size_of::<*const ()>() <= room::<kal_workspace_event>());
    }
}
