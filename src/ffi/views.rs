//! C structs made of an answer's records: once per answer, pointing into its text.

use std::ffi::c_char;
use std::ptr;

use super::workspace::{
    KAL_ACCESS_ADMIN, KAL_ACCESS_DEACTIVATED, KAL_ACCESS_GUEST, KAL_ACCESS_TEAM_MEMBER, KAL_ACCESS_UNKNOWN,
    KAL_ACCESS_VIEWER, kal_workspace, kal_workspace_event, kal_workspace_group, kal_workspace_user,
};
use crate::answer::Answer;
use crate::records::{Table, event, group, member, workspace};
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
    fn read(table: &Table, row: usize, list: impl FnMut(usize) -> (*const *const c_char, usize)) -> Self;
}

impl<R: Record> View<R> {
    /// The view of an answer, made at the first look; none when its records are of another kind.
    pub(super) fn of(answer: &Answer) -> Option<(*const *const R, usize)> {
        if answer.shape() != R::SHAPE {
            return None;
        }
        let view = answer.attachment(|| Self::new(answer))?;
        Some((view.pointers.as_ptr(), view.pointers.len()))
    }

    fn new(answer: &Answer) -> Self {
        let table = answer.table();
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
        let records: Box<[R]> = answer
            .rows()
            .map(|row| {
                R::read(table, row, |column| {
                    let len = table.list_len(row, column);
                    let first = items.as_ptr().wrapping_add(taken);
                    taken += len;
                    (first, len)
                })
            })
            .collect();
        let pointers = records.iter().map(ptr::from_ref).collect();
        Self { _records: records, pointers, _items: items }
    }
}

fn text(table: &Table, row: usize, column: usize) -> *const c_char {
    table.text_with_nul(row, column).map_or(ptr::null(), |text| text.as_ptr().cast())
}

fn flag(table: &Table, row: usize, column: usize) -> i8 {
    table.boolean(row, column).map_or(-1, i8::from)
}

impl Record for kal_workspace {
    const SHAPE: Shape = Shape::Workspace;

    fn read(table: &Table, row: usize, _: impl FnMut(usize) -> (*const *const c_char, usize)) -> Self {
        Self { id: text(table, row, workspace::ID), workspace_name: text(table, row, workspace::WORKSPACE_NAME) }
    }
}

impl Record for kal_workspace_user {
    const SHAPE: Shape = Shape::Users;

    fn read(table: &Table, row: usize, _: impl FnMut(usize) -> (*const *const c_char, usize)) -> Self {
        Self {
            id: text(table, row, member::ID),
            full_name: text(table, row, member::FULL_NAME),
            preferred_name: text(table, row, member::PREFERRED_NAME),
            email: text(table, row, member::EMAIL),
            access_level: access_level(table.text_with_nul(row, member::ACCESS_LEVEL)),
            access_level_name: text(table, row, member::ACCESS_LEVEL),
        }
    }
}

fn access_level(word: Option<&[u8]>) -> i32 {
    match word {
        Some(b"admin\0") => KAL_ACCESS_ADMIN,
        Some(b"team-member\0") => KAL_ACCESS_TEAM_MEMBER,
        Some(b"guest\0") => KAL_ACCESS_GUEST,
        Some(b"viewer\0") => KAL_ACCESS_VIEWER,
        Some(b"deactivated\0") => KAL_ACCESS_DEACTIVATED,
        _ => KAL_ACCESS_UNKNOWN,
    }
}

impl Record for kal_workspace_group {
    const SHAPE: Shape = Shape::Groups;
    const LISTS: &[usize] = &[group::USER_IDS, group::PROGRAM_IDS];

    fn read(table: &Table, row: usize, mut list: impl FnMut(usize) -> (*const *const c_char, usize)) -> Self {
        let (user_ids, user_ids_len) = list(group::USER_IDS);
        let (program_ids, program_ids_len) = list(group::PROGRAM_IDS);
        Self {
            id: text(table, row, group::ID),
            group_name: text(table, row, group::GROUP_NAME),
            email: text(table, row, group::EMAIL),
            user_ids,
            user_ids_len,
            program_ids,
            program_ids_len,
        }
    }
}

impl Record for kal_workspace_event {
    const SHAPE: Shape = Shape::Events;

    fn read(table: &Table, row: usize, _: impl FnMut(usize) -> (*const *const c_char, usize)) -> Self {
        Self {
            id: text(table, row, event::ID),
            event_type: text(table, row, event::EVENT_TYPE),
            event_type_version: table.int(row, event::EVENT_TYPE_VERSION).unwrap_or(-1),
            created_at: text(table, row, event::CREATED_AT),
            created_at_us: table.time_us(row, event::CREATED_AT).unwrap_or(i64::MIN),
            event_user_id: text(table, row, event::EVENT_USER_ID),
            full_name: text(table, row, event::FULL_NAME),
            preferred_name: text(table, row, event::PREFERRED_NAME),
            resource_id: text(table, row, event::RESOURCE_ID),
            resource_type: text(table, row, event::RESOURCE_TYPE),
            parent_bulk_event_id: text(table, row, event::PARENT_BULK_EVENT_ID),
            event_attrs: table
                .text_with_nul(row, event::EVENT_ATTRS)
                .map_or(c"{}".as_ptr(), |attrs| attrs.as_ptr().cast()),
            is_bot: flag(table, row, event::IS_BOT),
            is_bulk: flag(table, row, event::IS_BULK),
        }
    }
}
