//! A model of the server's list of events.

use std::collections::BTreeSet;
use std::fmt::{self, Debug, Formatter};

use super::super::request::Request;

pub(super) const EPOCH: i64 = 1_700_000_000_000_000;

#[derive(Clone, Debug)]
pub(super) struct Event {
    pub(super) id: String,
    pub(super) at: Option<i64>,
    /// Its position in the list.
    pub(super) place: (i64, usize),
}

/// What the server does for a page past the last one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum PastEnd {
    Empty,
    LastPage,
    Rejected,
    /// It ignores the page number.
    Ignored,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Traits {
    pub(super) first_page: u64,
    pub(super) newest_first: bool,
    pub(super) inclusive: bool,
    /// Sorted by storage time instead of creation time.
    pub(super) by_arrival: bool,
    pub(super) page_size: usize,
    pub(super) past_end: PastEnd,
}

#[derive(Debug)]
pub(super) struct Server {
    pub(super) traits: Traits,
    pub(super) events: Vec<Event>,
}

/// Events that arrive between two requests.
#[derive(Clone)]
pub(super) struct Arrival {
    pub(super) count: usize,
    pub(super) gap: i64,
    /// Older than the newest event by this much.
    pub(super) late: Option<i64>,
    pub(super) undated: bool,
}

impl Server {
    pub(super) fn new(traits: Traits, gaps: &[Arrival]) -> Self {
        let mut server = Self { traits, events: Vec::new() };
        for arrival in gaps {
            server.arrive(arrival);
        }
        server
    }

    pub(super) fn newest(&self) -> i64 {
        self.events.iter().filter_map(|event| event.at).max().unwrap_or(EPOCH)
    }

    pub(super) fn arrive(&mut self, arrival: &Arrival) {
        for _ in 0..arrival.count {
            let at = match arrival.late {
                Some(late) => self.newest() - late,
                None => self.newest() + arrival.gap,
            };
            let arrived = self.events.len();
            let place = match (self.traits.by_arrival, arrival.undated) {
                (true, _) => 0,
                (false, true) => self.newest(),
                (false, false) => at,
            };
            let at = (!arrival.undated).then_some(at);
            self.events.push(Event { id: format!("e{arrived}"), at, place: (place, arrived) });
        }
    }

    pub(super) fn ids(&self) -> BTreeSet<String> {
        self.events.iter().map(|event| event.id.clone()).collect()
    }

    /// None: the page is rejected.
    pub(super) fn answer(&self, request: Request) -> Option<Vec<(String, Option<i64>)>> {
        let edge = i64::from(!self.traits.inclusive);
        let in_range = |at: i64| {
            request.range.after.is_none_or(|after| at >= after + edge)
                && request.range.before.is_none_or(|before| at <= before - edge)
        };
        let mut list: Vec<_> = self.events.iter().filter(|event| event.at.is_none_or(in_range)).collect();
        list.sort_by_key(|event| event.place);
        if self.traits.newest_first {
            list.reverse();
        }
        let mut pages = list.chunks(self.traits.page_size);
        let number = match request.page {
            _ if self.traits.past_end == PastEnd::Ignored => 0,
            None => 0,
            Some(page) => page
                .checked_sub(self.traits.first_page)
                .and_then(|page| usize::try_from(page).ok())
                .expect("no page before the first"),
        };
        let final_page = pages.len().saturating_sub(1);
        let page = match self.traits.past_end {
            PastEnd::Rejected if number > final_page => return None,
            PastEnd::LastPage => pages.nth(number.min(final_page)),
            _ => pages.nth(number),
        };
        Some(page.unwrap_or_default().iter().map(|event| (event.id.clone(), event.at)).collect())
    }
}

impl Debug for Arrival {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}*{}{}", self.count, self.gap, if self.undated { "?" } else { "" })?;
        self.late.map_or(Ok(()), |late| write!(f, "(-{late})"))
    }
}
