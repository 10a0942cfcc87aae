//! The table of the platform's operations, which the typed calls, the generic call and the list of methods use.

mod list_habits;
mod listing;
mod operation;
mod params;
mod path;
mod query;
mod request;
pub mod workspace;

pub(crate) use list_habits::ListHabits;
pub(crate) use listing::listing;
pub(crate) use operation::CacheKey;
pub use operation::{Answers, Endpoint, Operation, Shape, Source, WhenEmpty};
pub(crate) use params::unknown_method;
pub use params::{Kind, Param, Params, Place, Value};
pub(crate) use query::check_length;
pub use request::REQUEST;
pub(crate) use request::Request;

pub use crate::retry::Repeat;

/// All operations: those of the services, and [`REQUEST`].
pub fn operations() -> impl Iterator<Item = &'static Operation> {
    workspace::OPERATIONS.iter().copied().chain(std::iter::once(&REQUEST))
}

/// The operation with this name.
pub fn operation(name: &str) -> Option<&'static Operation> {
    operations().find(|operation| operation.name == name)
}
