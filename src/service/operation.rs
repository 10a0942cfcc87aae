//! An operation of the platform as data: what is sent for it, what it answers, and what it does to the cache.

use http::Method;

use super::params::Place;
use super::{Param, Params};
use crate::records::{self, Root, Schema};
use crate::retry::Repeat;

/// An operation of a service. To add one, add a row to its service's table.
#[derive(Debug)]
pub struct Operation {
    /// Such as `workspace.get_members`, as the platform's documentation has it.
    pub name: &'static str,
    /// Its parameters, and which part of the request each of them becomes.
    pub params: &'static [Param],
    /// Where its answer comes from.
    pub source: Source,
    /// What a successful answer holds.
    pub answers: Answers,
}

/// Where an operation's answer comes from.
#[derive(Debug)]
pub enum Source {
    /// A request to this endpoint.
    Endpoint(Endpoint),
    /// The rows of another operation's answer whose id is in the parameter `ids`. The list takes no parameters.
    RowsOf(&'static Operation),
    /// A request whose verb, path, query and body are the parameters.
    Given,
}

/// An endpoint of the platform.
#[derive(Debug)]
pub struct Endpoint {
    /// The HTTP method.
    pub verb: Method,
    /// The path, with the names of parameters in braces: `/activities/{activity_id}`.
    pub path: &'static str,
    /// When the request may be sent again.
    pub repeat: Repeat,
    /// Whether answers are cached, under the operation and its parameters.
    pub cached: bool,
    /// The operations whose cached answers are dropped, because the request changes what they hold.
    pub clears: &'static [&'static Operation],
}

impl Endpoint {
    /// A GET of this path.
    pub(super) const fn get(path: &'static str) -> Self {
        Self { verb: Method::GET, path, repeat: Repeat::Safe, cached: false, clears: &[] }
    }

    /// A GET of this path whose answers are cached.
    pub(super) const fn cached(path: &'static str) -> Self {
        Self { verb: Method::GET, path, repeat: Repeat::Safe, cached: true, clears: &[] }
    }
}

/// What the body of a 2xx answer holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answers {
    /// Records.
    Records(Shape, WhenEmpty),
    /// Any JSON, kept as it was sent; no body is `null`.
    Json,
    /// Nothing of interest: the body is not looked at, and the answer is `null`.
    Nothing,
}

/// What a 2xx answer without a body (204, empty, `null`) means where records are expected.
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

/// What an answer is cached under.
#[derive(Clone, Debug)]
pub(crate) struct CacheKey {
    pub(crate) operation: &'static Operation,
    /// As they would be in a query.
    params: String,
}

impl PartialEq for CacheKey {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.operation, other.operation) && self.params == other.params
    }
}

impl Operation {
    /// The operation whose request answers this one: itself, or the list that it takes its rows from.
    pub(crate) fn list(&'static self) -> &'static Self {
        match self.source {
            Source::RowsOf(list) => list,
            Source::Endpoint(_) | Source::Given => self,
        }
    }

    pub(crate) fn endpoint(&self) -> Option<&Endpoint> {
        match &self.source {
            Source::Endpoint(endpoint) => Some(endpoint),
            Source::RowsOf(list) => list.endpoint(),
            Source::Given => None,
        }
    }

    /// Whether a part of the path comes from the caller, and may be one that cannot be sent.
    pub(super) fn takes_part_of_path(&self) -> bool {
        matches!(self.source, Source::Given) || self.params.iter().any(|param| param.place == Place::Path)
    }

    pub(crate) fn is_cached(&self) -> bool {
        self.endpoint().is_some_and(|endpoint| endpoint.cached)
    }

    /// The kind of records that it answers.
    pub(crate) fn shape(&self) -> Option<Shape> {
        match self.answers {
            Answers::Records(shape, _) => Some(shape),
            Answers::Json | Answers::Nothing => None,
        }
    }
}

impl Params {
    /// What the answer of this call is cached under; none: it is not.
    pub(crate) fn cache_key(&self) -> Option<CacheKey> {
        let operation = self.operation();
        let list = operation.list();
        if !list.is_cached() {
            return None;
        }
        let params = if std::ptr::eq(list, operation) { self.encoded() } else { String::new() };
        Some(CacheKey { operation: list, params })
    }
}
