//! The events of the model, and how they come into being.

use std::fmt::{self, Debug, Formatter};

pub(super) const SECOND: i64 = 1_000_000;
pub(super) const MINUTE: i64 = 60 * SECOND;
pub(super) const HOUR: i64 = 60 * MINUTE;
pub(super) const DAY: i64 = 24 * HOUR;
pub(super) const YEAR: i64 = 365 * DAY;
/// Noon, so that the neighbouring events are of the same day.
pub(super) const EPOCH: i64 = 19_700 * DAY + 12 * HOUR;

#[derive(Clone, Debug)]
pub(super) struct Event {
    pub(super) id: String,
    pub(super) at: Option<i64>,
    /// The server's time when it was stored: where an undated event is listed among dated ones.
    pub(super) stored_at: i64,
    /// The position in the order of storage.
    pub(super) number: usize,
}

/// Events that arrive one after another.
#[derive(Clone, Copy, Default, PartialEq)]
pub(super) struct Arrival {
    pub(super) count: usize,
    /// How far the clock advances before each.
    pub(super) gap: i64,
    pub(super) stamp: Stamp,
}

/// `created_at` of an event, relative to the clock of the server.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) enum Stamp {
    #[default]
    Now,
    /// It appears late: created this long before the newest event.
    Late(i64),
    /// By a clock that is ahead by this much.
    Ahead(i64),
    Undated,
}

/// How the server makes its IDs.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) enum Ids {
    #[default]
    Plain,
    /// In pairs that differ only in U+0000 and U+FFFD.
    Nul,
}

impl Ids {
    fn id(self, number: usize) -> String {
        match (self, number % 2) {
            (Self::Plain, _) => format!("e{number}"),
            (Self::Nul, 0) => format!("e{}\0", number / 2),
            (Self::Nul, _) => format!("e{}\u{FFFD}", number / 2),
        }
    }
}

impl Arrival {
    pub(super) fn new(count: usize, gap: i64) -> Self {
        Self { count, gap, stamp: Stamp::Now }
    }

    pub(super) fn stamped(self, stamp: Stamp) -> Self {
        Self { stamp, ..self }
    }

    /// One after another, on a clock.
    pub(super) fn store(self, clock: &mut i64, ids: Ids, first: usize) -> impl Iterator<Item = Event> {
        (first..first + self.count).map(move |number| {
            let at = match self.stamp {
                Stamp::Late(late) => Some(*clock - late),
                Stamp::Now | Stamp::Ahead(_) | Stamp::Undated => {
                    *clock += self.gap;
                    match self.stamp {
                        Stamp::Ahead(ahead) => Some(*clock + ahead),
                        Stamp::Undated => None,
                        Stamp::Now | Stamp::Late(_) => Some(*clock),
                    }
                }
            };
            Event { id: ids.id(number), at, stored_at: *clock, number }
        })
    }
}

impl Debug for Arrival {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}*{}", self.count, self.gap)?;
        if self.stamp == Stamp::Now { Ok(()) } else { write!(f, "({:?})", self.stamp) }
    }
}

/// A number that looks random, but is the same for the same arguments.
pub(super) fn scramble(one: usize, two: usize) -> u64 {
    let mixed = (one as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (two as u64).wrapping_mul(0xc2b2_ae3d_27d4_eb4f);
    let mixed = (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (mixed ^ (mixed >> 32)).wrapping_mul(0x94d0_49bb_1331_11eb) >> 8
}
