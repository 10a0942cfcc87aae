//! The workspace service.

use super::{Answers, Endpoint, Kind, Operation, Param, Shape, Source, WhenEmpty};

/// All operations of the service.
pub static OPERATIONS: [&Operation; 6] =
    [&GET_WORKSPACE, &GET_MEMBERS, &GET_MEMBERS_BY_IDS, &GET_GROUPS, &GET_GROUPS_BY_IDS, &GET_EVENTS];

/// The workspace of the credentials.
pub static GET_WORKSPACE: Operation = Operation {
    name: "workspace.get_workspace",
    params: &[],
    source: Source::Endpoint(Endpoint::cached("/workspaces/active")),
    answers: Answers::Records(Shape::Workspace, WhenEmpty::NotFound),
};

/// All members.
pub static GET_MEMBERS: Operation = Operation {
    name: "workspace.get_members",
    params: &[],
    source: Source::Endpoint(Endpoint::cached("/workspaces/members")),
    answers: Answers::Records(Shape::Users, WhenEmpty::BadResponse),
};

/// The members with these ids.
pub static GET_MEMBERS_BY_IDS: Operation = Operation {
    name: "workspace.get_members_by_ids",
    params: &[Param::local("ids", Kind::TextList).required()],
    source: Source::RowsOf(&GET_MEMBERS),
    answers: Answers::Records(Shape::Users, WhenEmpty::BadResponse),
};

/// All groups.
pub static GET_GROUPS: Operation = Operation {
    name: "workspace.get_groups",
    params: &[],
    source: Source::Endpoint(Endpoint::cached("/workspaces/groups")),
    answers: Answers::Records(Shape::Groups, WhenEmpty::BadResponse),
};

/// The groups with these ids.
pub static GET_GROUPS_BY_IDS: Operation = Operation {
    name: "workspace.get_groups_by_ids",
    params: &[Param::local("ids", Kind::TextList).required()],
    source: Source::RowsOf(&GET_GROUPS),
    answers: Answers::Records(Shape::Groups, WhenEmpty::BadResponse),
};

/// One page of events.
pub static GET_EVENTS: Operation = Operation {
    name: "workspace.get_events",
    params: &[
        Param::query("page", Kind::Count),
        Param::query("page_size", Kind::Count),
        Param::query("event_types", Kind::TextList),
        Param::query("resource_type", Kind::Text),
        Param::query("event_user_ids", Kind::TextList),
        Param::query("after_date", Kind::Date),
        Param::query("before_date", Kind::Date),
    ],
    source: Source::Endpoint(Endpoint::get("/workspaces/events")),
    answers: Answers::Records(Shape::Events, WhenEmpty::EmptyList),
};
