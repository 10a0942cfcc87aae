//! Chooses the next page to request, and detects the last one, on a server whose page numbering is unknown and whose
//! list grows.
//!
//! The first request has no page number; then follow 1, 2, 3 and so on. If the server counts from 1, page 1 is the
//! first page again; if it counts from 0, it is the second. Both are fine, because events are deduplicated by ID.
//!
//! An empty page is the end. A page with only events seen in this pass has one of three causes: new events have
//! shifted the list by a page or more; there are no more pages, and the server returns the last one again; or the
//! server ignores the page number. To find out, a page far beyond is requested, as a probe. If it is empty, the list
//! has shifted. If all its events were seen, it is the last page or the only one, and this is the end.
//!
//! Events that arrive during a pass may be missed, because they shift the list or are added to a page already read.
//! The next pass finds them. Events that existed when the pass started are always found.

/// The maximum number of consecutive pages without new events that have no lasting explanation.
pub(super) const MAX_STRIKES: u32 = 64;
/// How far beyond the current page the probe is. Some servers support only a few ten thousand pages.
const PROBE_DISTANCE: u64 = 1_000;

/// The paging state of one pass over a query.
#[derive(Debug)]
pub(super) struct Pager {
    stage: Stage,
    strikes: u32,
    first: Vec<Box<str>>,
    /// Pages past the last one are empty or rejected.
    ends_with_empty_pages: bool,
    /// Page 1 is known to be the first page: it had the same events, and page 2 was empty.
    one_based: bool,
    /// Page 1 had the same events as the first page, or the server returns the last page for every page past the end.
    page_one_was_first: bool,
}

#[derive(Debug)]
enum Stage {
    First,
    Number(u64),
    /// Everything on this page was seen in this pass.
    Stalled(u64),
    /// Requesting a page far beyond this one, which had no unseen events.
    Probe(u64),
    /// The server rejected this page; checking whether it still returns the first page,
    FirstAfterRejection(u64),
    /// and then whether it rejects this page again.
    RejectedPage(u64),
    Over,
}

/// What a page means for the pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PageOutcome {
    /// Request the next page.
    Continue,
    /// The page had no unseen events: start over with a narrower query, or call [`Pager::verify`].
    Stalled,
    /// That was the last page.
    End,
    /// The end of the list cannot be determined.
    GaveUp,
}

impl Pager {
    /// `one_based`: page 1 is known to be the first page. `strikes`: those of the pass so far.
    pub(super) fn new(one_based: bool, strikes: u32) -> Self {
        Self {
            stage: Stage::First,
            strikes,
            first: Vec::new(),
            ends_with_empty_pages: false,
            one_based,
            page_one_was_first: false,
        }
    }

    /// The number of the page to request. None: without a number.
    pub(super) fn number(&self) -> Option<u64> {
        match self.stage {
            Stage::First | Stage::FirstAfterRejection(_) | Stage::Over => None,
            Stage::Number(number) | Stage::Stalled(number) | Stage::RejectedPage(number) => Some(number),
            Stage::Probe(number) => Some(number + PROBE_DISTANCE),
        }
    }

    /// Whether the next page is a probe: its events must not be delivered, because pages before it were skipped.
    pub(super) fn is_probing(&self) -> bool {
        matches!(self.stage, Stage::Probe(_))
    }

    pub(super) fn strikes(&self) -> u32 {
        self.strikes
    }

    /// Whether page 1 is known to be the first page. Only certain in an oldest-first list.
    pub(super) fn is_one_based(&self) -> bool {
        self.one_based
    }

    /// New events were delivered: the pass makes progress.
    pub(super) fn reset_strikes(&mut self) {
        self.strikes = 0;
    }

    /// Processes the requested page: its IDs, and how many of them were not seen before in this pass.
    pub(super) fn accept<'a>(
        &mut self,
        ids: impl ExactSizeIterator<Item = &'a str> + Clone,
        unseen: usize,
    ) -> PageOutcome {
        if ids.len() == 0 {
            if let Stage::Probe(number) = self.stage {
                self.ends_with_empty_pages = true;
                return self.strike(Stage::Number(number + 1));
            }
            // A server that returns the last page for every page past the end never returns an empty one.
            self.one_based |= self.page_one_was_first && matches!(self.stage, Stage::Number(2));
            self.stage = Stage::Over;
            return PageOutcome::End;
        }
        self.stage = match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::First => {
                self.first = ids.map(Box::from).collect();
                Stage::Number(if self.one_based { 2 } else { 1 })
            }
            Stage::Number(1) => {
                self.page_one_was_first = ids.eq(self.first.iter().map(|id| &**id));
                Stage::Number(2)
            }
            Stage::Number(number) | Stage::RejectedPage(number) | Stage::Stalled(number) => {
                if unseen == 0 {
                    self.stage = Stage::Stalled(number);
                    return PageOutcome::Stalled;
                }
                Stage::Number(number + 1)
            }
            Stage::Probe(_) if unseen == 0 => return PageOutcome::End,
            Stage::Probe(number) => return self.strike(Stage::Number(number + 1)),
            Stage::FirstAfterRejection(number) => Stage::RejectedPage(number),
            Stage::Over => return PageOutcome::End,
        };
        PageOutcome::Continue
    }

    /// After [`PageOutcome::Stalled`]: finds out the cause.
    pub(super) fn verify(&mut self) -> PageOutcome {
        match self.stage {
            Stage::Stalled(number) if self.ends_with_empty_pages => self.strike(Stage::Number(number + 1)),
            Stage::Stalled(number) => {
                self.stage = Stage::Probe(number);
                PageOutcome::Continue
            }
            _ => PageOutcome::Continue,
        }
    }

    /// The server rejected the page, as some do past the end. None: handle it as an ordinary error. Otherwise it is
    /// the end if the server still returns the first page and rejects this one again.
    pub(super) fn page_rejected(&mut self) -> Option<PageOutcome> {
        let number = match &self.stage {
            Stage::RejectedPage(_) => {
                self.stage = Stage::Over;
                return Some(PageOutcome::End);
            }
            Stage::Probe(number) => {
                let next = Stage::Number(*number + 1);
                self.ends_with_empty_pages = true;
                return Some(self.strike(next));
            }
            Stage::Number(number) | Stage::Stalled(number) => *number,
            Stage::First | Stage::FirstAfterRejection(_) | Stage::Over => return None,
        };
        self.stage = Stage::FirstAfterRejection(number);
        Some(PageOutcome::Continue)
    }

    fn strike(&mut self, then: Stage) -> PageOutcome {
        self.stage = then;
        self.strikes += 1;
        if self.strikes > MAX_STRIKES { PageOutcome::GaveUp } else { PageOutcome::Continue }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Processes pages, each given as its IDs and the number of unseen ones. Returns the requested page numbers and
    /// the last outcome.
    fn run(answers: &[(&[&str], usize)]) -> (Vec<Option<u64>>, PageOutcome) {
        let mut pager = Pager::new(false, 0);
        let mut requested = Vec::new();
        let mut outcome = PageOutcome::Continue;
        for (ids, unseen) in answers {
            requested.push(pager.number());
            outcome = pager.accept(ids.iter().copied(), *unseen);
            if outcome == PageOutcome::Stalled {
                outcome = pager.verify();
            }
        }
        (requested, outcome)
    }

    #[test]
    fn an_empty_page_is_the_end() {
        assert_eq!(run(&[(&[], 0)]), (vec![None], PageOutcome::End));
        assert_eq!(run(&[(&["a"], 1), (&["b"], 1), (&[], 0)]), (vec![None, Some(1), Some(2)], PageOutcome::End));
    }

    #[test]
    fn page_one_may_be_the_first_page_again() {
        let (requested, outcome) = run(&[(&["a"], 1), (&["a"], 0), (&["b"], 1)]);
        assert_eq!((requested, outcome), (vec![None, Some(1), Some(2)], PageOutcome::Continue));
    }

    #[test]
    fn page_one_is_skipped_only_after_page_two_was_empty() {
        for (answers, known) in [
            (&[(&["a"][..], 1), (&["a"], 0)][..], false),
            (&[(&["a"], 1), (&["a"], 0), (&["a"], 0)], false),
            (&[(&["a"], 1), (&["a"], 0), (&["b"], 1)], false),
            (&[(&["a"], 1), (&["a"], 0), (&[], 0)], true),
            (&[(&["a"], 1), (&["b"], 1), (&[], 0)], false),
        ] {
            let mut pager = Pager::new(false, 0);
            for (ids, unseen) in answers {
                pager.accept(ids.iter().copied(), *unseen);
            }
            assert_eq!(pager.is_one_based(), known, "{answers:?}");
        }
        let mut pager = Pager::new(true, 0);
        pager.accept(["a"].into_iter(), 1);
        assert_eq!(pager.number(), Some(2));
    }

    #[test]
    fn a_last_page_returned_for_every_page_past_it_is_the_end() {
        let b: (&[&str], usize) = (&["b"], 0);
        let (requested, outcome) = run(&[(&["a"], 1), (&["b"], 1), b, b]);
        assert_eq!((requested, outcome), (vec![None, Some(1), Some(2), Some(2 + PROBE_DISTANCE)], PageOutcome::End));
    }

    #[test]
    fn a_list_shifted_by_a_page_continues() {
        // "c" arrived between the last two requests: page 2 is "b" again.
        let known = [(&["a"][..], 1), (&["b"], 1), (&["b"], 0)];
        for far in [(&[][..], 0), (&["e"], 1)] {
            let (requested, outcome) = run(&[&known[..], &[far, (&["d"], 1)]].concat());
            assert_eq!(
                (requested, outcome),
                (vec![None, Some(1), Some(2), Some(2 + PROBE_DISTANCE), Some(3)], PageOutcome::Continue)
            );
        }
    }

    #[test]
    fn pages_that_never_settle_make_the_pager_give_up() {
        let mut pager = Pager::new(false, 0);
        assert_eq!(pager.accept(["a"].into_iter(), 1), PageOutcome::Continue);
        for requested in 0.. {
            assert!(requested < 1_000);
            // Every probe has unseen events.
            let outcome = pager.accept(["a"].into_iter(), usize::from(pager.is_probing()));
            if outcome == PageOutcome::GaveUp
                || outcome == PageOutcome::Stalled && pager.verify() == PageOutcome::GaveUp
            {
                break;
            }
        }
        assert!(pager.strikes() > MAX_STRIKES);
    }

    #[test]
    fn a_page_rejected_twice_is_the_end_if_the_first_page_is_not_rejected() {
        let mut pager = Pager::new(false, 0);
        assert_eq!(pager.page_rejected(), None);
        pager.accept(["a"].into_iter(), 1);
        assert_eq!(pager.page_rejected(), Some(PageOutcome::Continue));
        assert_eq!(pager.number(), None);
        assert_eq!(pager.page_rejected(), None);
        pager.accept(["a"].into_iter(), 0);
        assert_eq!(pager.number(), Some(1));
        assert_eq!(pager.page_rejected(), Some(PageOutcome::End));
    }
}
