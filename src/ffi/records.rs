//! The records of the workspace service as C structs, and how each is filled from the columns of its schema.

use std::ffi::c_char;

use super::views::{Record, Row, columns};
use crate::records::{self, event, group, member, workspace};
use crate::service::Shape;

/// `access_level`: null, absent or a word that this version does not know; see `access_level_name`.
pub const KAL_ACCESS_UNKNOWN: i32 = 0;
/// `"admin"`
pub const KAL_ACCESS_ADMIN: i32 = 1;
/// `"team-member"`
pub const KAL_ACCESS_TEAM_MEMBER: i32 = 2;
/// `"guest"`
pub const KAL_ACCESS_GUEST: i32 = 3;
/// `"viewer"`
pub const KAL_ACCESS_VIEWER: i32 = 4;
/// `"deactivated"`
pub const KAL_ACCESS_DEACTIVATED: i32 = 5;

/// The workspace that the credentials belong to.
///
/// May grow at its end: use it through the pointer, and do not depend on its size.
#[repr(C)]
pub struct kal_workspace {
    /// The id of the workspace; never NULL.
    pub id: *const c_char,
    /// The name of the workspace; NULL where the API has none.
    pub workspace_name: *const c_char,
}

/// A member of the workspace.
///
/// May grow at its end: use it through the pointer, and do not depend on its size.
#[repr(C)]
pub struct kal_workspace_user {
    /// The id of the member; never NULL.
    pub id: *const c_char,
    /// The full name; NULL where the API has none.
    pub full_name: *const c_char,
    /// The preferred name; NULL where the API has none.
    pub preferred_name: *const c_char,
    /// The email address; NULL where the API has none.
    pub email: *const c_char,
    /// One of `KAL_ACCESS_*`.
    pub access_level: i32,
    /// The word that the server sent; NULL where the API has none.
    pub access_level_name: *const c_char,
}

/// A group of members.
///
/// May grow at its end: use it through the pointer, and do not depend on its size.
#[repr(C)]
pub struct kal_workspace_group {
    /// The id of the group; never NULL.
    pub id: *const c_char,
    /// The name of the group; NULL where the API has none.
    pub group_name: *const c_char,
    /// The email address; NULL where the API has none.
    pub email: *const c_char,
    /// The members' ids; never NULL, no element is NULL.
    pub user_ids: *const *const c_char,
    /// The number of `user_ids`.
    pub user_ids_len: usize,
    /// The programs' ids; never NULL, no element is NULL.
    pub program_ids: *const *const c_char,
    /// The number of `program_ids`.
    pub program_ids_len: usize,
}

/// An event of the workspace.
///
/// A string or number from which `event_type_version`, `created_at_us`, `is_bot` or `is_bulk` cannot be read counts as
/// absent, and is logged as a warning. A value of a JSON type that its field cannot have, such as an object or `true`
/// for `created_at`, fails the call with `KAL_BAD_RESPONSE`, as in the official client; the message names the field and
/// quotes the value.
///
/// May grow at its end: use it through the pointer, and do not depend on its size.
#[repr(C)]
pub struct kal_workspace_event {
    /// The id of the event; never NULL.
    pub id: *const c_char,
    /// The type of the event, such as `"create"`; NULL where the API has none.
    pub event_type: *const c_char,
    /// The version of the event type; -1: absent, or not an integer. A -1 from the server looks the same; the JSON
    /// shows the difference.
    pub event_type_version: i64,
    /// When it happened, as sent by the server; NULL where the API has none.
    pub created_at: *const c_char,
    /// The same in microseconds since 1970-01-01 UTC; a time without an offset is taken as UTC. `INT64_MIN`: absent, or
    /// `created_at` is a string or number that is not a time (see DATES), which is logged as a warning.
    pub created_at_us: i64,
    /// The id of the acting user; NULL where the API has none.
    pub event_user_id: *const c_char,
    /// The acting user's name; NULL where the API has none.
    pub full_name: *const c_char,
    /// The acting user's preferred name; NULL where the API has none.
    pub preferred_name: *const c_char,
    /// The id of the resource that the event is about; NULL where the API has none.
    pub resource_id: *const c_char,
    /// The type of the resource, such as `"task"`; NULL where the API has none.
    pub resource_type: *const c_char,
    /// The id of the bulk event that it is part of, else NULL.
    pub parent_bulk_event_id: *const c_char,
    /// The attributes as JSON object text, whose keys depend on `event_type`; never NULL, `{}` where the API has none.
    pub event_attrs: *const c_char,
    /// Whether a bot caused it: 1, 0, or -1: absent, or not a boolean.
    pub is_bot: i8,
    /// Whether it is a bulk event: 1, 0, or -1: absent, or not a boolean.
    pub is_bulk: i8,
}

impl Record for kal_workspace {
    const SHAPE: Shape = Shape::Workspace;

    fn read(row: Row<'_>) -> Self {
        columns!(row, workspace { id: id, workspace_name: text });
        Self { id, workspace_name }
    }
}

impl Record for kal_workspace_user {
    const SHAPE: Shape = Shape::Users;

    fn read(row: Row<'_>) -> Self {
        columns!(row, member { id: id, full_name: text, preferred_name: text, access_level: word, email: text });
        let (access_level_name, word) = access_level;
        let access_level = word.and_then(|word| ACCESS_LEVELS.get(word).copied()).unwrap_or(KAL_ACCESS_UNKNOWN);
        Self { id, full_name, preferred_name, email, access_level, access_level_name }
    }
}

/// In the order of [`records::ACCESS_LEVELS`].
const ACCESS_LEVELS: [i32; records::ACCESS_LEVELS.len()] =
    [KAL_ACCESS_ADMIN, KAL_ACCESS_TEAM_MEMBER, KAL_ACCESS_GUEST, KAL_ACCESS_VIEWER, KAL_ACCESS_DEACTIVATED];

impl Record for kal_workspace_group {
    const SHAPE: Shape = Shape::Groups;

    fn read(row: Row<'_>) -> Self {
        columns!(row, group { id: id, group_name: text, user_ids: list, program_ids: list, email: text });
        let ((user_ids, user_ids_len), (program_ids, program_ids_len)) = (user_ids, program_ids);
        Self { id, group_name, email, user_ids, user_ids_len, program_ids, program_ids_len }
    }
}

impl Record for kal_workspace_event {
    const SHAPE: Shape = Shape::Events;

    fn read(row: Row<'_>) -> Self {
        columns!(
            row,
            event {
                id: id,
                full_name: text,
                preferred_name: text,
                is_bot: bool,
                event_attrs: object,
                created_at: time,
                resource_id: text,
                resource_type: text,
                event_type: text,
                event_type_version: int,
                event_user_id: text,
                parent_bulk_event_id: text,
                is_bulk: bool,
            }
        );
        let (created_at, created_at_us) = created_at;
        Self {
            id,
            event_type,
            event_type_version,
            created_at,
            created_at_us,
            event_user_id,
            full_name,
            preferred_name,
            resource_id,
            resource_type,
            parent_bulk_event_id,
            event_attrs,
            is_bot,
            is_bulk,
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
