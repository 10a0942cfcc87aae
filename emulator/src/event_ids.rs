//! The ids that generated events must not have: those of added events, and of removed ones.

use std::collections::{BTreeSet, HashSet};

use crate::config::MAX_EVENTS;

/// The length of a generated id, a UUID.
pub(crate) const GENERATED_ID: usize = 36;

#[derive(Debug, Default)]
pub(crate) struct EventIds {
    /// Of the events that were added and are there.
    added: HashSet<Box<str>>,
    /// Of events that were added and removed: they may be copies of events that have not been generated yet. Bounded, so that a test
    /// that replaces its events for days does not fill the memory.
    removed: BTreeSet<Box<str>>,
}

impl EventIds {
    pub(crate) fn add(&mut self, id: Option<&str>) {
        self.added.extend(id.map(Box::from));
    }

    pub(crate) fn remove(&mut self, id: &str) {
        if let Some(id) = self.added.take(id) {
            self.keep(id);
        }
    }

    pub(crate) fn remove_all(&mut self) {
        for id in std::mem::take(&mut self.added) {
            self.keep(id);
        }
    }

    fn keep(&mut self, id: Box<str>) {
        if id.len() == GENERATED_ID && self.removed.len() < MAX_EVENTS {
            self.removed.insert(id);
        }
    }

    /// Whether an added event has it.
    pub(crate) fn is_there(&self, id: &str) -> bool {
        self.added.contains(id)
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
