//! Reads a list by page number, for events that dates do not tell apart: they have one time or none, or are in no order.
//!
//! The first request has no page number; then follow 1, 2, 3 and so on. If the server counts from 1, page 1 is the first page
//! again; if it counts from 0, it is the second.
//!
//! Page numbers shift when events are deleted, which no page shows. So a list of several pages is read until a whole pass adds
//! nothing to it.

use super::dedup::{Id, SeenIds};
use super::page::Page;
use super::request::{Range, Request};
use super::unknowable::Unknowable;

/// The list changes with every request if so many passes were not enough.
const MAX_PASSES: u32 = 20;
/// After so many shifts, pages that repeat others are taken for the end.
const MAX_SHIFTS: u32 = 64;
/// So often is a list read again because its end was not where it seemed to be.
const MAX_END_CHECKS: u32 = 3;
/// Fewer events than this are not taken for a full page, if the page size is not known.
pub(super) const SMALL_PAGE: usize = 10;

#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent observations of the pages")]
pub(super) struct Pages {
    range: Range,
    /// Page 1 is known to be the first page.
    one_based: bool,
    /// The next number. None: without one.
    number: Option<u64>,
    /// The IDs of the first page.
    first: Vec<Id>,
    /// Page 1 had the same events as the first page.
    page_one_was_first: bool,
    numbering: Option<bool>,
    /// The first pass over this range, the current one, and their number.
    first_pass: u32,
    pass: u32,
    passes: u32,
    /// The distinct events of all passes.
    distinct: usize,
    /// Of the current pass: pages with events not seen earlier in it, the places on them, and whether any was a repeat.
    filled: u32,
    places: usize,
    repeats: bool,
    /// A sum of the events on those pages that had repeats, and that of the pass before.
    repeated: u64,
    repeated_before: Option<u64>,
    news: bool,
    /// The first pass has met dated events that were known before it.
    has_met_known: bool,
    last_len: usize,
    last_times: Vec<i64>,
    /// The IDs of that page, sorted.
    last: Vec<Id>,
    /// Events have moved from page to page within the pass, and how often that was in all passes.
    has_shifted: bool,
    shifts: u32,
    has_repeated_end: bool,
    /// Consecutive pages that add nothing to the pass.
    stalled: u32,
    /// The page that the server rejected.
    rejected: Option<u64>,
    /// The distinct events of the pass.
    unseen: usize,
    end_check: Option<EndCheck>,
    end_checks: u32,
}

/// A page of another size that shows whether the list ends where it seems to.
#[derive(Clone, Copy, Debug)]
struct EndCheck {
    why: Unknowable,
    size: u32,
    number: u64,
    tries_left: u32,
}

/// The number of events on a full page.
#[derive(Clone, Copy, Debug)]
pub(super) struct FullPage {
    pub(super) len: usize,
    /// The caller's page size, or seen on a page that was not the last.
    pub(super) is_certain: bool,
}

/// What a page means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    More,
    /// The pass is over. Call [`Pages::restart`] for the next one.
    NextPass,
    Finished,
    Failed(Unknowable),
}

impl Pages {
    /// Reads the range from its first page on.
    pub(super) fn new(range: Range, one_based: bool, seen: &mut SeenIds) -> Self {
        let pass = seen.begin_pass();
        Self {
            range,
            one_based,
            number: None,
            first: Vec::new(),
            page_one_was_first: false,
            numbering: None,
            first_pass: pass,
            pass,
            passes: 1,
            distinct: 0,
            filled: 0,
            places: 0,
            repeats: false,
            repeated: 0,
            repeated_before: None,
            news: false,
            has_met_known: false,
            last_len: 0,
            last_times: Vec::new(),
            last: Vec::new(),
            has_shifted: false,
            shifts: 0,
            has_repeated_end: false,
            stalled: 0,
            rejected: None,
            unseen: 0,
            end_check: None,
            end_checks: 0,
        }
    }

    /// Continues after the first page of the range, which was read without a number.
    pub(super) fn after_first(range: Range, one_based: bool, page: &Page, seen: &mut SeenIds) -> Self {
        let mut pages = Self::new(range, one_based, seen);
        pages.first = page.id_set();
        pages.count(page, page.len(), page.len());
        pages.unseen = page.len();
        pages.advance();
        pages
    }

    /// Reads the range again, from its first page.
    pub(super) fn restart(&mut self, seen: &mut SeenIds) {
        self.pass = seen.begin_pass();
        self.passes += 1;
        self.repeated_before = Some(std::mem::take(&mut self.repeated));
        self.number = None;
        (self.filled, self.places, self.last_len, self.stalled, self.unseen) = (0, 0, 0, 0, 0);
        (self.repeats, self.news, self.rejected, self.has_shifted) = (false, false, None, false);
    }

    pub(super) fn request(&self) -> Request {
        match self.end_check {
            Some(check) => {
                Request { page: (check.number > 0).then_some(check.number), size: Some(check.size), range: self.range }
            }
            None => Request { page: self.number, size: None, range: self.range },
        }
    }

    /// Whether the request has another page size, to see whether the list ends here.
    pub(super) fn checks_end(&self) -> bool {
        self.end_check.is_some()
    }

    /// The IDs on the first page, sorted.
    pub(super) fn first_page(&self) -> &[Id] {
        &self.first
    }

    /// The times on the last page that had events not seen before it.
    pub(super) fn last_times(&self) -> &[i64] {
        &self.last_times
    }

    /// Whether the pass ended with pages that had been read before.
    pub(super) fn has_repeated_end(&self) -> bool {
        self.has_repeated_end
    }

    /// Whether the first pass has met dated events that were known before it.
    pub(super) fn has_met_known(&self) -> bool {
        self.has_met_known
    }

    /// Whether the pass has found new events.
    pub(super) fn has_news(&self) -> bool {
        self.news
    }

    /// The length of the last page that had events not seen before it.
    pub(super) fn last_len(&self) -> usize {
        self.last_len
    }

    /// How many pages had events not seen before them.
    pub(super) fn filled(&self) -> u32 {
        self.filled
    }

    /// Whether the last pages have added nothing to the pass.
    pub(super) fn has_stalled(&self) -> bool {
        self.stalled > 0
    }

    pub(super) fn passes(&self) -> u32 {
        self.passes
    }

    pub(super) fn is_first_pass(&self) -> bool {
        self.passes == 1
    }

    /// Whether page 1 was the first page, once the answers have shown it.
    pub(super) fn page_one_was_first(&mut self) -> Option<bool> {
        self.numbering.take()
    }

    /// Judges the requested page, before its events are marked as seen. `full`: the number of events on a full page.
    pub(super) fn accept(&mut self, page: &Page, seen: &SeenIds, full: FullPage) -> Outcome {
        self.rejected = None;
        let (mut unseen, mut first_seen) = (0, 0);
        for row in &page.rows {
            let pass = seen.last_pass(row.id);
            self.has_met_known |= self.passes == 1 && row.is_known_dated() && pass != Some(self.pass);
            unseen += usize::from(pass != Some(self.pass));
            first_seen += usize::from(pass.is_none_or(|pass| pass < self.first_pass));
        }
        self.distinct += first_seen;
        self.unseen += unseen;
        if let Some(check) = self.end_check.take() {
            return self.judge_end(check, page, unseen);
        }
        self.news |= page.new > 0;
        match self.number {
            None => self.first = page.id_set(),
            Some(1) if !page.is_empty() && page.id_set() == self.first => {
                self.page_one_was_first = true;
                self.number = Some(2);
                return Outcome::More;
            }
            Some(1) if unseen == page.len() => self.numbering = Some(false),
            // After a page that was not full, others have arrived meanwhile.
            Some(2)
                if self.page_one_was_first
                    && unseen == page.len()
                    && (page.is_empty() || self.last_len >= full.len) =>
            {
                self.numbering = Some(true);
            }
            Some(_) => {}
        }
        if unseen == 0 {
            let ids = page.id_set();
            if !page.is_empty() && self.stalled == 0 && ids != self.first && ids != self.last {
                // Neither the first page again, nor the last one: events inserted meanwhile have shifted the list.
                self.has_shifted = true;
                self.shifts += 1;
                if self.shifts < MAX_SHIFTS {
                    self.advance();
                    return Outcome::More;
                }
            }
            return self.stall(page.is_empty(), full);
        }
        self.count(page, unseen, 0);
        self.advance();
        Outcome::More
    }

    fn count(&mut self, page: &Page, unseen: usize, distinct: usize) {
        self.filled += 1;
        self.places += page.len();
        self.distinct += distinct;
        if unseen < page.len() {
            self.repeats = true;
            self.repeated = page.rows.iter().fold(self.repeated, |sum, row| sum.wrapping_add(row.id[0]));
        }
        self.last_len = page.len();
        self.last_times = page.times().collect();
        self.last = page.id_set();
        self.stalled = 0;
    }

    /// The server rejected the page, as some do past the end. None: it is an error.
    pub(super) fn page_rejected(&mut self, full: FullPage) -> Option<Outcome> {
        let number = self.number?;
        if let Some(check) = self.end_check.take() {
            return Some(self.end_not_shown(check.why));
        }
        if self.rejected == Some(number) {
            return Some(self.stall(true, full));
        }
        // It may have been a passing fault: the page is requested once more.
        self.rejected = Some(number);
        Some(Outcome::More)
    }

    fn advance(&mut self) {
        self.number = Some(match self.number {
            None if self.one_based => 2,
            None => 1,
            Some(number) => number + 1,
        });
    }

    /// A page that adds nothing: the end of the list, or a gap in it, or the list has shifted by a page.
    fn stall(&mut self, is_empty: bool, full: FullPage) -> Outcome {
        self.stalled += 1;
        self.has_repeated_end |= !is_empty;
        let is_full = self.last_len >= full.len && (full.is_certain || self.last_len >= SMALL_PAGE);
        let may_be_full = is_full || self.last_len >= full.len && (self.filled > 1 || !is_empty);
        if may_be_full && self.stalled < 2 && self.filled > 0 {
            self.advance();
            return Outcome::More;
        }
        let why = match self.rejected {
            Some(number) => Unknowable::Rejected(number),
            None if self.filled == 1 && !is_empty => Unknowable::NumbersIgnored,
            None => return self.end_of_pass(),
        };
        if !is_full {
            return self.end_of_pass();
        }
        self.check_end(why, full.len)
    }

    /// Whether the list ends here: with another page size, the page that has its last event is not full.
    fn check_end(&mut self, why: Unknowable, full: usize) -> Outcome {
        // Not a larger one: the server may reduce it.
        let mut sizes = (full.saturating_sub(3)..full).rev();
        let size = sizes.find(|size| *size > 1 && self.unseen % *size != 0);
        let Some(size) = size.and_then(|size| u32::try_from(size).ok()) else { return Outcome::Failed(why) };
        let index = (self.unseen / size as usize) as u64;
        let number = if index > 0 { index + u64::from(self.one_based) } else { 0 };
        self.end_check = Some(EndCheck { why, size, number, tries_left: 2 });
        Outcome::More
    }

    /// The list may have grown since: reads it again, but not for ever.
    fn end_not_shown(&mut self, why: Unknowable) -> Outcome {
        self.end_checks += 1;
        if self.end_checks > MAX_END_CHECKS { Outcome::Failed(why) } else { Outcome::NextPass }
    }

    fn judge_end(&mut self, mut check: EndCheck, page: &Page, unseen: usize) -> Outcome {
        if unseen == 0 && !page.is_empty() && page.len() < check.size as usize {
            return self.end_of_pass();
        }
        let is_inconclusive = page.is_empty() || page.len() == check.size as usize;
        if unseen > 0 || !is_inconclusive || check.tries_left == 0 {
            return match check.why {
                Unknowable::NumbersIgnored if unseen == 0 => Outcome::Failed(check.why),
                why => self.end_not_shown(why),
            };
        }
        // The server may count from 1, and there may be an empty page.
        check.tries_left -= 1;
        check.number += 1;
        self.end_check = Some(check);
        Outcome::More
    }

    fn end_of_pass(&self) -> Outcome {
        let is_certain = self.passes > 1 || !self.has_repeated_end;
        // Ties are listed in another order. Or, where page numbers may be ignored, the first page again has another last event, because
        // one was deleted.
        let is_habit =
            self.distinct >= self.places && (!self.has_repeated_end || self.repeated_before == Some(self.repeated));
        let is_complete = !self.news && !self.has_shifted && is_certain && (!self.repeats || is_habit);
        match self.filled {
            0 | 1 => Outcome::Finished,
            _ if is_complete => Outcome::Finished,
            _ if self.passes == MAX_PASSES => Outcome::Failed(Unknowable::Unstable),
            _ => Outcome::NextPass,
        }
    }
}
