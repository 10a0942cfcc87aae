//! How the server compares events with `after_date` and `before_date`.

use super::super::request::Range;
use super::events::{DAY, SECOND};

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Dates {
    pub(super) unit: Unit,
    /// An event at the bound matches.
    pub(super) inclusive: bool,
    /// An undated event matches no query with a date.
    pub(super) drops_undated: bool,
    /// It rejects a query whose `after_date` is not before its `before_date`.
    pub(super) rejects_empty: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Unit {
    Exact,
    /// It compares whole seconds.
    Second,
    /// It compares days.
    Day,
    /// It ignores the dates.
    Ignored,
}

impl Default for Dates {
    fn default() -> Self {
        Self { unit: Unit::Exact, inclusive: true, drops_undated: false, rejects_empty: false }
    }
}

impl Dates {
    pub(super) fn rejects(self, range: Range) -> bool {
        self.rejects_empty && range.after.zip(range.before).is_some_and(|(after, before)| after >= before)
    }

    pub(super) fn admit(self, at: Option<i64>, range: Range) -> bool {
        let unit = match self.unit {
            Unit::Exact => 1,
            Unit::Second => SECOND,
            Unit::Day => DAY,
            Unit::Ignored => return true,
        };
        let Some(at) = at else { return !self.drops_undated || range == Range::default() };
        let later = |one: i64, two: i64| {
            let (one, two) = (one.div_euclid(unit), two.div_euclid(unit));
            one > two || (self.inclusive && one == two)
        };
        range.after.is_none_or(|after| later(at, after)) && range.before.is_none_or(|before| later(before, at))
    }
}

/// What is sent: the narrower of the caller's bounds and the engine's, as `src/events/query.rs` does. The engine's are
/// of years that have four digits.
pub(super) fn sent(callers: Range, engines: Range) -> Range {
    let years = -62_135_596_800 * SECOND..253_402_300_800 * SECOND;
    let text = |at: Option<i64>| at.filter(|at| years.contains(at));
    let narrower = |ours: Option<i64>, callers: Option<i64>, choose: fn(i64, i64) -> i64| match (ours, callers) {
        (Some(ours), Some(callers)) => Some(choose(ours, callers)),
        (ours, callers) => ours.or(callers),
    };
    Range {
        after: narrower(text(engines.after), callers.after, i64::max),
        before: narrower(text(engines.before), callers.before, i64::min),
    }
}
