//! A model of the server's list of events, with every habit that its documentation leaves open.

use std::collections::BTreeSet;

use super::super::request::Range;
use super::dates::{Dates, sent};
use super::events::{Arrival, EPOCH, Event, Ids, scramble};
use super::paging::Paging;

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Traits {
    pub(super) order: ListOrder,
    pub(super) newest_first: bool,
    pub(super) paging: Paging,
    pub(super) dates: Dates,
    pub(super) ids: Ids,
    /// The server's clock minus the client's.
    pub(super) clock_error: i64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) enum ListOrder {
    /// By `created_at`; equal times by storage.
    #[default]
    Time,
    /// By `created_at`; equal times in another order for each request.
    TimeAlone,
    /// By storage.
    Arrival,
    /// None that an engine could use.
    None,
}

/// The caller's own query.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Caller {
    pub(super) range: Range,
    pub(super) page_size: Option<u32>,
}

/// A page of IDs and times.
pub(super) type Page = Vec<(String, Option<i64>)>;

#[derive(Debug)]
pub(super) struct Server {
    pub(super) traits: Traits,
    pub(super) caller: Caller,
    /// All that ever were, in the order of storage.
    pub(super) events: Vec<Event>,
    pub(super) deleted: BTreeSet<String>,
    /// The events that exist, oldest first in the order of the list.
    list: Vec<usize>,
    /// Its time, and that of the newest event, late ones and those ahead excepted.
    pub(super) clock: i64,
    /// The events that arrived since the last answer, the most that did between two, and the full pages of them.
    arrived: usize,
    pub(super) most_arrived: usize,
    pub(super) pages_arrived: usize,
    requests: usize,
}

impl Server {
    pub(super) fn new(traits: Traits, caller: Caller, initial: &[Arrival]) -> Self {
        let mut server = Self {
            traits,
            caller,
            events: Vec::new(),
            deleted: BTreeSet::new(),
            list: Vec::new(),
            clock: EPOCH,
            most_arrived: 0,
            pages_arrived: 0,
            arrived: 0,
            requests: 0,
        };
        for arrival in initial {
            server.arrive(*arrival);
        }
        (server.most_arrived, server.arrived) = (0, 0);
        server
    }

    /// The time of the client.
    pub(super) fn client_clock(&self) -> i64 {
        self.clock - self.traits.clock_error
    }

    pub(super) fn arrive(&mut self, arrival: Arrival) {
        self.arrived += arrival.count;
        self.most_arrived = self.most_arrived.max(self.arrived);
        let mut clock = self.clock;
        for event in arrival.store(&mut clock, self.traits.ids, self.events.len()) {
            let place = self.place(&event);
            let position = self.list.partition_point(|other| self.place(&self.events[*other]) < place);
            self.list.insert(position, event.number);
            self.events.push(event);
        }
        self.clock = clock;
    }

    fn place(&self, event: &Event) -> (i64, usize) {
        let first = match self.traits.order {
            ListOrder::Time | ListOrder::TimeAlone => event.at.unwrap_or(event.stored_at),
            ListOrder::Arrival => 0,
            // Up and down, so that no page is sorted by chance.
            ListOrder::None => i64::try_from(event.number.reverse_bits() >> 1).unwrap_or(0),
        };
        (first, event.number)
    }

    pub(super) fn delete(&mut self, id: &str) {
        let Some(number) = self.events.iter().position(|event| event.id == id) else { return };
        self.list.retain(|other| *other != number);
        self.deleted.insert(id.to_owned());
    }

    /// The events that match the caller's query and exist.
    pub(super) fn matching(&self) -> impl Iterator<Item = &Event> {
        let (dates, range) = (self.traits.dates, self.caller.range);
        self.list.iter().map(|number| &self.events[*number]).filter(move |event| dates.admit(event.at, range))
    }

    pub(super) fn ids(&self) -> BTreeSet<String> {
        self.matching().map(|event| event.id.clone()).collect()
    }

    /// Answers a request of the engine. None: it is rejected.
    pub(super) fn answer(&mut self, number: Option<u64>, size: Option<u32>, range: Range) -> Option<Page> {
        self.requests += 1;
        self.pages_arrived += self.arrived / self.traits.paging.fewest_on_full_page();
        self.arrived = 0;
        let (traits, range) = (self.traits, sent(self.caller.range, range));
        if traits.dates.rejects(range) {
            return None;
        }
        let mut list: Vec<_> =
            self.list.iter().copied().filter(|number| traits.dates.admit(self.events[*number].at, range)).collect();
        if traits.order == ListOrder::TimeAlone {
            list.sort_by_key(|number| (self.place(&self.events[*number]).0, scramble(*number, self.requests)));
        }
        if traits.newest_first {
            list.reverse();
        }
        let page = traits.paging.page(&list, number, size.or(self.caller.page_size))?;
        Some(page.into_iter().map(|number| (self.events[number].id.clone(), self.events[number].at)).collect())
    }
}
