//! The services of the platform as one table of methods: the typed calls, the JSON door and the list of methods all read it.

mod listing;
mod params;
mod query;
pub mod workspace;

pub(crate) use listing::listing;
pub(crate) use params::unknown_method;
pub use params::{Kind, Param, Params, Value};
pub(crate) use query::{check_length, path_and_query};

use crate::records::{self, Root, Schema};

/// A method of a service. To add one, add a row to its service's table.
#[derive(Debug)]
pub struct Method {
    /// Such as `workspace.get_members`, as the platform's documentation has it.
    pub name: &'static str,
    /// What it takes.
    pub params: &'static [Param],
    /// How it is answered.
    pub answer: AnswerFrom,
    /// What the answer's records are.
    pub shape: Shape,
}

/// Where a method's answer comes from.
#[derive(Debug)]
pub enum AnswerFrom {
    /// A GET of this path, every time.
    Get(&'static str, WhenEmpty),
    /// The same, kept in the cache.
    Cached(&'static str, WhenEmpty),
    /// The rows of another method's answer whose id is in the parameter `ids`.
    ByIds(&'static Method),
}

/// What a 2xx answer without a body (204, empty, `null`) means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenEmpty {
    /// There is no such thing.
    NotFound,
    /// An error: there must be a body.
    BadResponse,
    /// A list without elements.
    EmptyList,
}

/// The kinds of records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// One workspace.
    Workspace,
    /// A list of members.
    Users,
    /// A list of groups.
    Groups,
    /// A list of events.
    Events,
}

impl Shape {
    pub(crate) fn schema(self) -> (&'static Schema, Root) {
        match self {
            Self::Workspace => (&records::WORKSPACE, Root::Object),
            Self::Users => (&records::MEMBERS, Root::List),
            Self::Groups => (&records::GROUPS, Root::List),
            Self::Events => (&records::EVENTS, Root::List),
        }
    }

    /// The name of the C type that a result of this shape is read as.
    pub(crate) fn record_name(self) -> &'static str {
        match self {
            Self::Workspace => "kal_workspace",
            Self::Users => "kal_workspace_user",
            Self::Groups => "kal_workspace_group",
            Self::Events => "kal_workspace_event",
        }
    }
}

impl Method {
    /// The method whose request answers this one: itself, or the list that it takes its rows from.
    pub(crate) fn list(&'static self) -> &'static Self {
        match self.answer {
            AnswerFrom::ByIds(list) => list,
            AnswerFrom::Get(..) | AnswerFrom::Cached(..) => self,
        }
    }

    /// What its answers are kept under; none: they are not.
    pub(crate) fn cache_key(&self) -> Option<&'static str> {
        match self.answer {
            AnswerFrom::Get(..) => None,
            AnswerFrom::Cached(path, _) => Some(path),
            AnswerFrom::ByIds(list) => list.cache_key(),
        }
    }

    pub(crate) fn is_cached(&self) -> bool {
        self.cache_key().is_some()
    }

    /// The path of its request, and what an answer without a body means.
    pub(crate) fn request(&self) -> (&'static str, WhenEmpty) {
        match self.answer {
            AnswerFrom::Get(path, when_empty) | AnswerFrom::Cached(path, when_empty) => (path, when_empty),
            AnswerFrom::ByIds(list) => list.request(),
        }
    }
}

/// Every method of every service.
pub fn methods() -> impl Iterator<Item = &'static Method> {
    workspace::METHODS.iter().copied()
}

/// The method of this name.
pub fn method(name: &str) -> Option<&'static Method> {
    methods().find(|method| method.name == name)
}
