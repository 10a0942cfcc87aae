//! The workspace service.

use super::{AnswerFrom, Kind, Method, Param, Shape, WhenEmpty};

/// All of them.
pub static METHODS: [&Method; 6] =
    [&GET_WORKSPACE, &GET_MEMBERS, &GET_MEMBERS_BY_IDS, &GET_GROUPS, &GET_GROUPS_BY_IDS, &GET_EVENTS];

/// The workspace of the credentials.
pub static GET_WORKSPACE: Method = Method {
    name: "workspace.get_workspace",
    params: &[],
    answer: AnswerFrom::Cached("/workspaces/active", WhenEmpty::NotFound),
    shape: Shape::Workspace,
};

/// All members.
pub static GET_MEMBERS: Method = Method {
    name: "workspace.get_members",
    params: &[],
    answer: AnswerFrom::Cached("/workspaces/members", WhenEmpty::BadResponse),
    shape: Shape::Users,
};

/// The members with these ids.
pub static GET_MEMBERS_BY_IDS: Method = Method {
    name: "workspace.get_members_by_ids",
    params: &[Param { name: "ids", kind: Kind::TextList, required: true }],
    answer: AnswerFrom::ByIds(&GET_MEMBERS),
    shape: Shape::Users,
};

/// All groups.
pub static GET_GROUPS: Method = Method {
    name: "workspace.get_groups",
    params: &[],
    answer: AnswerFrom::Cached("/workspaces/groups", WhenEmpty::BadResponse),
    shape: Shape::Groups,
};

/// The groups with these ids.
pub static GET_GROUPS_BY_IDS: Method = Method {
    name: "workspace.get_groups_by_ids",
    params: &[Param { name: "ids", kind: Kind::TextList, required: true }],
    answer: AnswerFrom::ByIds(&GET_GROUPS),
    shape: Shape::Groups,
};

/// One page of events.
pub static GET_EVENTS: Method = Method {
    name: "workspace.get_events",
    params: &[
        Param { name: "page", kind: Kind::Count, required: false },
        Param { name: "page_size", kind: Kind::Count, required: false },
        Param { name: "event_types", kind: Kind::TextList, required: false },
        Param { name: "resource_type", kind: Kind::Text, required: false },
        Param { name: "event_user_ids", kind: Kind::TextList, required: false },
        Param { name: "after_date", kind: Kind::Date, required: false },
        Param { name: "before_date", kind: Kind::Date, required: false },
    ],
    answer: AnswerFrom::Get("/workspaces/events", WhenEmpty::EmptyList),
    shape: Shape::Events,
};
