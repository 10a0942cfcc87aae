//! What happens around a request.

use std::fmt::{self, Debug, Formatter};

use super::events::Arrival;

#[derive(Clone, Default)]
pub(super) struct Disturbance {
    /// Events that arrive before it.
    pub(super) arrivals: Vec<Arrival>,
    pub(super) deletes: Delete,
    /// The request fails and is repeated.
    pub(super) fails: bool,
    /// The process ends after the page, and another one resumes from the cursor.
    pub(super) restarts: bool,
}

/// What is deleted before a request.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) enum Delete {
    #[default]
    None,
    /// The last event that was given,
    LastGiven,
    /// the first one that still exists,
    FirstGiven,
    /// or any.
    AnyGiven(usize),
    FiveOfLastPage,
    NotGiven,
}

impl Disturbance {
    pub(super) fn arrival(arrival: Arrival) -> Self {
        Self { arrivals: vec![arrival], ..Self::default() }
    }

    pub(super) fn delete(deletes: Delete) -> Self {
        Self { deletes, ..Self::default() }
    }
}

impl Debug for Disturbance {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (fails, restarts) = (if self.fails { "!" } else { "" }, if self.restarts { "+" } else { "" });
        write!(f, "{:?}", self.arrivals)?;
        if self.deletes != Delete::None {
            write!(f, "-{:?}", self.deletes)?;
        }
        write!(f, "{fails}{restarts}")
    }
}
