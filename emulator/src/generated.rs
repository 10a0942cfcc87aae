//! The events that were generated at the start, as a snapshot has them: a million of them take no room in it.

use serde::{Deserialize, Serialize};

use crate::config::{MAX_EVENTS, MAX_MEMBERS};

/// What the events that were generated at the start depend on, and which of them are gone.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Generated {
    pub(crate) members: usize,
    pub(crate) events: usize,
    /// Their positions.
    pub(crate) removed: Vec<usize>,
}

impl Generated {
    pub(crate) fn check(&self) -> Result<(), String> {
        for (name, value, max) in [("members", self.members, MAX_MEMBERS), ("events", self.events, MAX_EVENTS)] {
            if value > max {
                return Err(format!("{name} is {value}, the maximum is {max}"));
            }
        }
        match self.removed.iter().find(|index| **index >= self.events) {
            Some(index) => Err(format!("removed: there is no event {index}, only {} events", self.events)),
            None => Ok(()),
        }
    }
}
