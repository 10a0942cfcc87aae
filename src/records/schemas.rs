//! The record types of the workspace service. Each is declared once: the decoder's schema and the typed columns by which its
//! values are read both come from the same lines.

use super::schema::{Field, Kind, Schema};

/// The column of `id` in every record type.
pub(crate) const ID: usize = 0;

/// Declares record types. From `schema "path" in module { field: Kind, ... }` it makes the [`Schema`], whose keys are the names of
/// the fields, and in the module `COLUMNS`, with a `Column` for each field under its name.
macro_rules! record_types {
    ($($(#[$doc:meta])* $schema:ident $path:literal in $module:ident {
        $($field:ident: $kind:ident $(($words:expr))?,)*
    })*) => {$(
        $(#[$doc])*
        pub(crate) static $schema: Schema =
            Schema::new($path, &[$(Field::new(stringify!($field), Kind::$kind $(($words))?)),*]);

        #[doc = concat!("The columns of [`", stringify!($schema), "`].")]
        pub(crate) mod $module {
            use crate::records::schema::{Column, kind};

            /// A column for each field.
            pub(crate) struct Columns {
                $(pub(crate) $field: Column<kind::$kind>,)*
            }

            pub(crate) const COLUMNS: Columns = {
                let mut next = 0;
                Columns { $($field: { next += 1; Column::new(next - 1) },)* }
            };

            const _: () = assert!(COLUMNS.id.index() == super::ID);
        }
    )*};
}

/// The access levels that are known.
pub(crate) const ACCESS_LEVELS: [&str; 5] = ["admin", "team-member", "guest", "viewer", "deactivated"];

record_types! {
    /// The workspace itself: one object.
    WORKSPACE "workspace" in workspace {
        id: Id,
        workspace_name: Text,
    }

    /// The members of the workspace.
    MEMBERS "members" in member {
        id: Id,
        full_name: Text,
        preferred_name: Text,
        access_level: Word(&ACCESS_LEVELS),
        email: Text,
    }

    /// The groups of the workspace.
    GROUPS "groups" in group {
        id: Id,
        group_name: Text,
        user_ids: TextList,
        program_ids: TextList,
        email: Text,
    }

    /// The events of the workspace.
    EVENTS "events" in event {
        id: Id,
        full_name: Text,
        preferred_name: Text,
        is_bot: Bool,
        event_attrs: Object,
        created_at: Time,
        resource_id: Text,
        resource_type: Text,
        event_type: Text,
        event_type_version: Int,
        event_user_id: Text,
        parent_bulk_event_id: Text,
        is_bulk: Bool,
    }
}
