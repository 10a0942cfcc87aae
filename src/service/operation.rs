//! An operation of the platform as data: its request, its answer, and its effect on the cache.

use http::Method;

use super::params::Place;
use super::{Param, Params};
use crate::records::{self, Root, Schema};
use crate::retry::Repeat;

/// An operation of a service. To add one, add a row to its service's table.
#[derive(Debug)]
pub struct Operation {
    /// As in the platform's documentation, such as `workspace.get_members`.
    pub name: &'static str,
    /// Its parameters, each with its place in the request.
    pub params: &'static [Param],
    /// The source of its answer.
    pub source: Source,
    /// The contents of a successful answer.
    pub answers: Answers,
}

/// The source of an operation's answer.
#[derive(Debug)]
pub enum Source {
    /// A request to this endpoint.
    Endpoint(Endpoint),
    /// The rows of another operation's answer whose id is in the parameter `ids`. That operation has no parameters.
    RowsOf(&'static Operation),
    /// A request whose verb, path, query and body are the parameters.
    Request,
}

/// An endpoint of the platform.
#[derive(Debug)]
pub struct Endpoint {
    /// The HTTP method.
    pub verb: Method,
    /// The path, with parameter names in braces: `/activities/{activity_id}`.
    pub path: &'static str,
    /// When the request may be sent again.
    pub repeat: Repeat,
    /// Whether answers are cached, under the operation and its parameters.
    pub cached: bool,
    /// The operations whose cached answers are dropped, because the request changes their data.
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

/// The contents of the body of a 2xx response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answers {
    /// Records.
    Records(Shape, WhenEmpty),
    /// Any JSON, kept as it was sent; an empty body is `null`.
    Json,
    /// Nothing of interest: the body is ignored, and the answer is `null`.
    Nothing,
}

/// The meaning of a 2xx response without a body (204, empty, `null`) where records are expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenEmpty {
    /// The record does not exist.
    NotFound,
    /// An error: a body is required.
    BadResponse,
    /// An empty list.
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

    /// The name of the C struct for its records.
    pub(crate) fn record_name(self) -> &'static str {
        match self {
            Self::Workspace => "kal_workspace",
            Self::Users => "kal_workspace_user",
            Self::Groups => "kal_workspace_group",
            Self::Events => "kal_workspace_event",
        }
    }
}

/// The key of a cached answer.
#[derive(Clone, Debug)]
pub(crate) struct CacheKey {
    pub(crate) operation: &'static Operation,
    /// Encoded as a query.
    params: String,
}

impl PartialEq for CacheKey {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.operation, other.operation) && self.params == other.params
    }
}

impl Operation {
    /// The operation whose request is sent: this one, or the list that it selects rows of.
    pub(crate) fn list(&'static self) -> &'static Self {
        match self.source {
            Source::RowsOf(list) => list,
            Source::Endpoint(_) | Source::Request => self,
        }
    }

    pub(crate) fn endpoint(&self) -> Option<&Endpoint> {
        match &self.source {
            Source::Endpoint(endpoint) => Some(endpoint),
            Source::RowsOf(list) => list.endpoint(),
            Source::Request => None,
        }
    }

    /// Whether a part of the path comes from the caller, and may be one that cannot be sent.
    pub(super) fn takes_part_of_path(&self) -> bool {
        matches!(self.source, Source::Request) || self.params.iter().any(|param| param.place == Place::Path)
    }

    pub(crate) fn is_cached(&self) -> bool {
        self.endpoint().is_some_and(|endpoint| endpoint.cached)
    }

    /// The kind of records in its answer. None: JSON without records.
    pub(crate) fn shape(&self) -> Option<Shape> {
        match self.answers {
            Answers::Records(shape, _) => Some(shape),
            Answers::Json | Answers::Nothing => None,
        }
    }
}

impl Params {
    /// The key under which the answer of this call is cached. None: it is not cached.
    #[inline]
    pub(crate) fn cache_key(&self) -> Option<CacheKey> {
        let operation = self.operation();
        let list = operation.list();
        if !list.is_cached() {
            return None;
        }
        // A list has no parameters, and nearly all that is cached is one.
        let has_params = std::ptr::eq(list, operation) && !operation.params.is_empty();
        let params = if has_params { self.encoded() } else { String::new() };
        Some(CacheKey { operation: list, params })
    }
}
