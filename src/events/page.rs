//! A page, compared with what was seen before.

use super::dedup::{Id, SeenIds, id_of};

/// The ID and time of an event.
#[derive(Clone, Copy, Debug)]
pub(super) struct Item<'a> {
    pub(super) id: &'a [u8],
    /// Unix microseconds. An event without a time is deduplicated by ID alone.
    pub(super) at: Option<i64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    New,
    /// Its ID was seen.
    Known,
    /// Its ID was not seen, but it is at or before the time up to which everything was delivered.
    Old,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    pub(super) id: Id,
    pub(super) at: Option<i64>,
    pub(super) kind: Kind,
    /// Its position in the order in which events were first seen.
    pub(super) number: Option<u32>,
}

impl Row {
    pub(super) fn is_known_dated(&self) -> bool {
        self.kind != Kind::New && self.at.is_some()
    }
}

#[derive(Debug)]
pub(super) struct Page {
    pub(super) rows: Vec<Row>,
    pub(super) new: usize,
}

impl Page {
    /// `is_old`: whether an event with this time was delivered earlier, in case that its ID is not known.
    pub(super) fn new(items: &[Item<'_>], seen: &SeenIds, is_old: impl Fn(i64) -> bool) -> Self {
        let row = |item: &Item<'_>| {
            let id = id_of(item.id);
            let number = seen.number(id);
            let kind = if number.is_some() {
                Kind::Known
            } else if item.at.is_some_and(&is_old) {
                Kind::Old
            } else {
                Kind::New
            };
            Row { id, at: item.at, kind, number }
        };
        let rows: Vec<_> = items.iter().map(row).collect();
        let new = rows.iter().filter(|row| row.kind == Kind::New).count();
        Self { rows, new }
    }

    /// In a newest-first list, events without a time that follow one up to `done` are old too.
    pub(super) fn drop_undated_after(&mut self, done: i64) {
        let old = self.rows.iter().position(|row| row.at.is_some_and(|at| at <= done));
        let Some(old) = old else { return };
        for row in self.rows[old..].iter_mut().filter(|row| row.kind == Kind::New && row.at.is_none()) {
            row.kind = Kind::Old;
            self.new -= 1;
        }
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The number of events that were delivered before.
    pub(super) fn known(&self) -> usize {
        self.len() - self.new
    }

    /// Those of them that have a time: the others show nothing about dates.
    pub(super) fn known_dated(&self) -> usize {
        self.rows.iter().filter(|row| row.is_known_dated()).count()
    }

    pub(super) fn times(&self) -> impl Iterator<Item = i64> {
        self.rows.iter().filter_map(|row| row.at)
    }

    /// The IDs, in an order of their own, to compare pages whose ties are reordered.
    pub(super) fn id_set(&self) -> Vec<Id> {
        let mut ids: Vec<_> = self.rows.iter().map(|row| row.id).collect();
        ids.sort_unstable();
        ids
    }
}
