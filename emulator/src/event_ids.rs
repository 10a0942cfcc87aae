//! The ids that generated events must not have: those of added events, and of removed ones.

use std::collections::{BTreeSet, HashMap};

use crate::config::MAX_EVENTS;

/// The length of a generated id, a UUID.
pub(crate) const GENERATED_ID: usize = 36;

#[derive(Debug, Default)]
pub(crate) struct EventIds {
    /// Of the events that were added and are there, and whether they were given: those that are generated do not return.
    added: HashMap<Box<str>, bool>,
    /// Of events that were given and removed: they may be copies of events that have not been generated yet. Bounded, so that a test
    /// that replaces its events for days does not fill the memory.
    removed: BTreeSet<Box<str>>,
}

impl EventIds {
    pub(crate) fn add(&mut self, id: Option<&str>, is_given: bool) {
        self.added.extend(id.map(|id| (Box::from(id), is_given)));
    }

    pub(crate) fn remove(&mut self, id: &str) {
        if let Some((id, is_given)) = self.added.remove_entry(id) {
            self.keep(id, is_given);
        }
    }

    pub(crate) fn remove_all(&mut self) {
        for (id, is_given) in std::mem::take(&mut self.added) {
            self.keep(id, is_given);
        }
    }

    fn keep(&mut self, id: Box<str>, is_given: bool) {
        if is_given && id.len() == GENERATED_ID && self.removed.len() < MAX_EVENTS {
            self.removed.insert(id);
        }
    }

    /// Whether an added event has it.
    pub(crate) fn is_there(&self, id: &str) -> bool {
        self.added.contains_key(id)
    }

    /// Whether an added event has it, or had it.
    pub(crate) fn is_taken(&self, id: &str) -> bool {
        self.is_there(id) || self.removed.contains(id)
    }

    pub(crate) fn removed(&self) -> &BTreeSet<Box<str>> {
        &self.removed
    }

    pub(crate) fn set_removed(&mut self, ids: BTreeSet<Box<str>>) {
        self.removed = ids;
    }
}
