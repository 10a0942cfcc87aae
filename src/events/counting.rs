//! The end of a walk: whether the dates hid events.

use super::audit::{Audit, Finding};
use super::dates::Grain;
use super::engine::{Engine, Stage};
use super::order::Order;
use super::page::{Kind, Page};
use super::page_outcome::Gaps;
use super::request::Range;
use super::unknowable::Unknowable;
use super::walk::Walk;

/// So often is a list read on that grew while its events were counted.
const MAX_AUDITS: u32 = 3;

impl Engine {
    pub(super) fn gaps(&self) -> Gaps {
        // A stream counts its events instead.
        let is_checked = self.is_first_pass || self.is_baseline || self.setup.habits.short_page_is_last;
        match (self.has_gaps, is_checked) {
            (true, _) => Gaps::Known,
            (false, false) => Gaps::Unknown,
            (false, true) => Gaps::None,
        }
    }

    /// The dates lead no further.
    pub(super) fn finish_walk(&mut self, walk: Walk) {
        let is_single_page = self.ledger.known_in(self.wanted.0, true) < self.full && self.grain != Grain::Day;
        let is_trusted = self.is_first_pass
            && self.setup.habits.shows_all_by_date
            && self.evidence.is_strong()
            && self.evidence.disorder() == 0
            && !self.ledger.has_undated
            && !self.has_gaps;
        if self.evidence.order() != Some(walk.order()) && !self.is_baseline && !is_single_page {
            // A page of a few late events has feigned this order.
            return self.read_by_number();
        }
        // The IDs to be counted are gone.
        let is_uncountable = !self.is_first_pass && self.ledger.seen.has_evicted();
        if self.is_baseline
            || is_uncountable
            || !walk.can_be_counted()
            || self.first_page.is_empty()
            || is_single_page
            || is_trusted
        {
            return self.finish_with(&walk);
        }
        self.start_audit(walk);
    }

    pub(super) fn start_audit(&mut self, walk: Walk) {
        let page_len = self.full.max(self.first_page.len());
        let range = walk.start_range();
        let delivered = if self.is_first_pass {
            // Some of their IDs may have been evicted.
            self.ledger.delivered
        } else {
            self.ledger.known_in(self.wanted.0, range == Range::default())
        };
        let one_based = self.setup.habits.is_one_based();
        let if_first_again = match self.is_first_pass {
            // As many events may have arrived as are before that page. More than a page is unlikely, and the dates are known to
            // lead through the list.
            true if self.evidence.is_strong() && !self.ledger.has_undated && delivered >= 2 * page_len => {
                Finding::Complete
            }
            true => Finding::Next,
            false => Finding::Missing,
        };
        let audit = Audit::new(range, delivered + walk.old_at_start(), page_len, one_based, if_first_again);
        self.stage = Stage::Auditing(audit, walk);
    }

    /// Judges the page that was requested to count the events.
    pub(super) fn audit(&mut self, mut audit: Audit, mut walk: Walk, page: &Page) -> Vec<u32> {
        if page.is_empty() && walk.is_at_start() && !walk.stops_at_known() {
            // Or it is an empty page in the middle.
            self.count_rejected(walk);
            return Vec::new();
        }
        match audit.accept(page, &self.first_page, |id| Some(*id) == self.last_id) {
            Finding::Next => self.stage = Stage::Auditing(audit, walk),
            Finding::Complete => {
                self.setup.habits.shows_all_by_date |= self.is_first_pass && self.evidence.is_strong();
                self.finish_with(&walk);
            }
            Finding::Missing if self.ledger.seen.has_evicted() => self.stage = Stage::Failed(Unknowable::Hidden),
            Finding::Missing => {
                self.retries.audits += 1;
                let is_later = |at: Option<i64>| at.zip(walk.last()).is_some_and(|(at, last)| at >= last);
                let mut new = page.rows.iter().filter(|row| row.kind == Kind::New);
                let has_grown = page.new > 0 && walk.order() == Order::OldestFirst && new.all(|row| is_later(row.at));
                let is_early = walk.is_at_start() && !walk.stops_at_known();
                if is_early {
                    // Counted before anything but the first page was read.
                    walk.skip_start(self.assumed_full());
                }
                if is_early && !walk.is_at_start() || has_grown && self.retries.audits <= MAX_AUDITS {
                    self.stage = Stage::Walking(walk);
                } else if walk.order() == Order::NewestFirst
                    && self.retries.audits <= MAX_AUDITS
                    && self.retries.counted != Some(self.ledger.delivered)
                {
                    self.retries.counted = Some(self.ledger.delivered);
                    // Events that have arrived meanwhile are at the start of the list.
                    let seen = self.ledger.seen.next_number();
                    self.stage = Stage::Walking(self.new_walk(walk.order()).only_to_known(seen));
                } else {
                    self.retries.missing = Some((self.ledger.delivered, self.top));
                    self.read_by_number();
                }
            }
        }
        Vec::new()
    }

    /// There is no page where the next event would be.
    pub(super) fn count_rejected(&mut self, mut walk: Walk) {
        if walk.is_at_start() && self.retries.audits == 0 {
            // Or the server limits page numbers.
            self.retries.audits += 1;
            walk.skip_start(self.assumed_full());
            self.stage = Stage::Walking(walk);
            return;
        }
        self.setup.habits.shows_all_by_date |= self.is_first_pass && self.evidence.is_strong();
        self.finish_with(&walk);
    }
}
