//! The record types of the workspace service, and names for their columns.

use super::schema::{Field, Kind, Schema};

/// The column of `id` in every record type.
pub(crate) const ID: usize = 0;

/// Columns of [`WORKSPACE`].
pub(crate) mod workspace {
    /// `id`
    pub(crate) const ID: usize = 0;
    /// `workspace_name`
    pub(crate) const WORKSPACE_NAME: usize = 1;
}

/// Columns of [`MEMBERS`].
pub(crate) mod member {
    /// `id`
    pub(crate) const ID: usize = 0;
    /// `full_name`
    pub(crate) const FULL_NAME: usize = 1;
    /// `preferred_name`
    pub(crate) const PREFERRED_NAME: usize = 2;
    /// `access_level`
    pub(crate) const ACCESS_LEVEL: usize = 3;
    /// `email`
    pub(crate) const EMAIL: usize = 4;
}

/// Columns of [`GROUPS`].
pub(crate) mod group {
    /// `id`
    pub(crate) const ID: usize = 0;
    /// `group_name`
    pub(crate) const GROUP_NAME: usize = 1;
    /// `user_ids`
    pub(crate) const USER_IDS: usize = 2;
    /// `program_ids`
    pub(crate) const PROGRAM_IDS: usize = 3;
    /// `email`
    pub(crate) const EMAIL: usize = 4;
}

/// Columns of [`EVENTS`].
pub(crate) mod event {
    /// `id`
    pub(crate) const ID: usize = 0;
    /// `full_name`
    pub(crate) const FULL_NAME: usize = 1;
    /// `preferred_name`
    pub(crate) const PREFERRED_NAME: usize = 2;
    /// `is_bot`
    pub(crate) const IS_BOT: usize = 3;
    /// `event_attrs`
    pub(crate) const EVENT_ATTRS: usize = 4;
    /// `created_at`
    pub(crate) const CREATED_AT: usize = 5;
    /// `resource_id`
    pub(crate) const RESOURCE_ID: usize = 6;
    /// `resource_type`
    pub(crate) const RESOURCE_TYPE: usize = 7;
    /// `event_type`
    pub(crate) const EVENT_TYPE: usize = 8;
    /// `event_type_version`
    pub(crate) const EVENT_TYPE_VERSION: usize = 9;
    /// `event_user_id`
    pub(crate) const EVENT_USER_ID: usize = 10;
    /// `parent_bulk_event_id`
    pub(crate) const PARENT_BULK_EVENT_ID: usize = 11;
    /// `is_bulk`
    pub(crate) const IS_BULK: usize = 12;
}

/// The workspace itself: one object.
pub(crate) static WORKSPACE: Schema =
    Schema::new("workspace", &[Field::new("id", Kind::Id), Field::new("workspace_name", Kind::Text)]);

/// The access levels that are known.
pub(crate) const ACCESS_LEVELS: [&str; 5] = ["admin", "team-member", "guest", "viewer", "deactivated"];

/// The members of the workspace.
pub(crate) static MEMBERS: Schema = Schema::new(
    "members",
    &[
        Field::new("id", Kind::Id),
        Field::new("full_name", Kind::Text),
        Field::new("preferred_name", Kind::Text),
        Field::new("access_level", Kind::Word(&ACCESS_LEVELS)),
        Field::new("email", Kind::Text),
    ],
);

/// The groups of the workspace.
pub(crate) static GROUPS: Schema = Schema::new(
    "groups",
    &[
        Field::new("id", Kind::Id),
        Field::new("group_name", Kind::Text),
        Field::new("user_ids", Kind::TextList),
        Field::new("program_ids", Kind::TextList),
        Field::new("email", Kind::Text),
    ],
);

/// The events of the workspace.
pub(crate) static EVENTS: Schema = Schema::new(
    "events",
    &[
        Field::new("id", Kind::Id),
        Field::new("full_name", Kind::Text),
        Field::new("preferred_name", Kind::Text),
        Field::new("is_bot", Kind::Bool),
        Field::new("event_attrs", Kind::Object),
        Field::new("created_at", Kind::Time),
        Field::new("resource_id", Kind::Text),
        Field::new("resource_type", Kind::Text),
        Field::new("event_type", Kind::Text),
        Field::new("event_type_version", Kind::Int),
        Field::new("event_user_id", Kind::Text),
        Field::new("parent_bulk_event_id", Kind::Text),
        Field::new("is_bulk", Kind::Bool),
    ],
);
