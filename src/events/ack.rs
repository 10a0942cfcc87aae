//! Which results the host has acknowledged, and the cursor after them.
//!
//! The host resumes from the cursor after a restart, so the cursor moves when a page is acknowledged, not when it arrives, and
//! never past an unacknowledged page. A page that can no longer be acknowledged, because its queue was closed, is delivered
//! again.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::lazy_cursor::LazyCursor;
use super::stream::Next;
use crate::answer::Answer;

/// A result that the host has not acknowledged yet.
pub(super) struct Unacked {
    pub(super) next: Next,
    /// The position in the sequence of results; none for a timeout that has no cursor of its own.
    number: Option<u64>,
}

impl Unacked {
    /// The result of a call that timed out.
    pub(super) fn timed_out() -> Self {
        Self { next: Next::NothingYet, number: None }
    }
}

/// Tracks the results of one stream.
pub(super) struct AckTracker {
    /// The results from number `first` on: the cursor after each, and whether it was acknowledged. The first one was not.
    window: VecDeque<(Arc<LazyCursor>, bool)>,
    first: u64,
    /// Pages to deliver again.
    requeued: BTreeMap<u64, Arc<Answer>>,
    /// The cursor after everything before the first unacknowledged result.
    cursor: Arc<LazyCursor>,
    /// Cursors that the host may hold pointers to.
    pinned: Vec<Arc<LazyCursor>>,
}

impl AckTracker {
    pub(super) fn new(cursor: Arc<LazyCursor>) -> Self {
        Self { window: VecDeque::new(), first: 0, requeued: BTreeMap::new(), cursor, pinned: Vec::new() }
    }

    /// Adds a new result and the cursor after it. Returns what is delivered next: a requeued page goes first.
    pub(super) fn deliver(&mut self, next: Next, cursor: Arc<LazyCursor>) -> Unacked {
        let Some(requeued) = self.redeliver() else { return self.add(next, cursor) };
        if matches!(next, Next::Page(_)) {
            let later = self.add(next, cursor);
            self.requeue(later);
        }
        requeued
    }

    fn add(&mut self, next: Next, cursor: Arc<LazyCursor>) -> Unacked {
        let number = self.first + self.window.len() as u64;
        self.window.push_back((cursor, false));
        Unacked { next, number: Some(number) }
    }

    /// The oldest requeued page, if there is one.
    pub(super) fn redeliver(&mut self) -> Option<Unacked> {
        self.requeued.pop_first().map(|(number, page)| Unacked { next: Next::Page(page), number: Some(number) })
    }

    /// The host has received the result.
    pub(super) fn acknowledge(&mut self, unacked: Unacked) -> Next {
        self.advance_past(unacked.number);
        unacked.next
    }

    /// The host will not receive the result. Pages are delivered again; other results need not be.
    pub(super) fn requeue(&mut self, unacked: Unacked) {
        match (unacked.next, unacked.number) {
            (Next::Page(page), Some(number)) => drop(self.requeued.insert(number, page)),
            (_, number) => self.advance_past(number),
        }
    }

    fn advance_past(&mut self, number: Option<u64>) {
        let index = number.and_then(|number| usize::try_from(number.checked_sub(self.first)?).ok());
        if let Some((_, acknowledged)) = index.and_then(|index| self.window.get_mut(index)) {
            *acknowledged = true;
        }
        while self.window.front().is_some_and(|(_, acknowledged)| *acknowledged) {
            let Some((cursor, _)) = self.window.pop_front() else { break };
            self.first += 1;
            // An unchanged cursor keeps its address.
            if !cursor.has_text_of(&self.cursor) {
                self.cursor = cursor;
            }
        }
    }

    pub(super) fn cursor(&self) -> &Arc<LazyCursor> {
        &self.cursor
    }

    /// A pointer to the cursor, valid until `unpin_cursors`.
    pub(super) fn pin_cursor(&mut self) -> *const u8 {
        if self.pinned.last().is_none_or(|last| !Arc::ptr_eq(last, &self.cursor)) {
            self.pinned.push(Arc::clone(&self.cursor));
        }
        self.cursor.text().as_ptr()
    }

    /// The host no longer uses pointers to cursors.
    pub(super) fn unpin_cursors(&mut self) {
        self.pinned.clear();
    }
}

#[cfg(all(test, not(kal_loom)))]
mod tests {
    use super::super::coverage::Coverage;
    use super::super::cursor::Cursor;
    use super::super::snapshot::Snapshot;
    use super::*;
    use crate::records::Table;
    use crate::service::Shape;

    fn deliver_page(tracker: &mut AckTracker, cursor: &str) -> Unacked {
        let page = Answer::new(Shape::Events, Table::empty(Shape::Events.schema().0));
        tracker.deliver(Next::Page(Arc::new(page)), done(cursor))
    }

    /// The cursor after everything up to this time.
    fn done(time: &str) -> Arc<LazyCursor> {
        let coverage = Coverage { done: time.parse().ok(), band: None };
        let cursor = Cursor::Snapshot(Snapshot { coverage, ids: Vec::new() });
        Arc::new(LazyCursor::new(cursor, "f"))
    }

    /// The time of the cursor.
    fn cursor(tracker: &AckTracker) -> &str {
        let text = std::str::from_utf8(tracker.cursor().text()).expect("text");
        let (_, time) = text.split_once("\"done\":").expect("a time");
        time.split_once(',').map_or(time, |(time, _)| time)
    }

    fn tracker() -> AckTracker {
        AckTracker::new(done("0"))
    }

    /// Red when the cursor moves with `deliver`, and when it is that of the page acknowledged last.
    #[test]
    fn the_cursor_follows_the_pages_acknowledged_without_a_gap() {
        let mut tracker = tracker();
        let (one, two, three) =
            (deliver_page(&mut tracker, "1"), deliver_page(&mut tracker, "2"), deliver_page(&mut tracker, "3"));
        assert_eq!(cursor(&tracker), "0");
        tracker.acknowledge(two);
        assert_eq!(cursor(&tracker), "0");
        tracker.acknowledge(one);
        assert_eq!(cursor(&tracker), "2");
        tracker.acknowledge(three);
        assert_eq!(cursor(&tracker), "3");
    }

    /// Red when a requeued page counts as acknowledged: the cursor is "2", and resuming from there loses the page.
    #[test]
    fn a_requeued_page_is_delivered_again_and_holds_the_cursor_until_then() {
        let mut tracker = tracker();
        let (one, two) = (deliver_page(&mut tracker, "1"), deliver_page(&mut tracker, "2"));
        tracker.requeue(one);
        tracker.acknowledge(two);
        assert_eq!(cursor(&tracker), "0");
        let again = tracker.redeliver().expect("the page");
        assert!(tracker.redeliver().is_none());
        assert!(matches!(tracker.acknowledge(again), Next::Page(_)));
        assert_eq!(cursor(&tracker), "2");
    }

    #[test]
    fn requeued_pages_keep_their_order() {
        let mut tracker = tracker();
        let (one, two) = (deliver_page(&mut tracker, "1"), deliver_page(&mut tracker, "2"));
        tracker.requeue(two);
        tracker.requeue(one);
        let again = tracker.redeliver().expect("the first page");
        tracker.acknowledge(again);
        assert_eq!(cursor(&tracker), "1");
    }

    /// Red when `deliver` returns its own result.
    #[test]
    fn a_page_requeued_while_a_later_one_arrives_goes_first() {
        let mut tracker = tracker();
        let one = deliver_page(&mut tracker, "1");
        tracker.requeue(one);
        let again = deliver_page(&mut tracker, "2");
        tracker.acknowledge(again);
        assert_eq!(cursor(&tracker), "1");
        let two = tracker.redeliver().expect("the later page");
        tracker.requeue(two);
        let two = tracker.deliver(Next::End, done("2"));
        assert!(matches!(tracker.acknowledge(two), Next::Page(_)));
        assert_eq!(cursor(&tracker), "2");
    }

    #[test]
    fn a_requeued_result_without_a_page_is_not_delivered_again() {
        let mut tracker = tracker();
        let timeout = tracker.deliver(Next::NothingYet, done("1"));
        tracker.requeue(timeout);
        tracker.requeue(Unacked::timed_out());
        assert_eq!(cursor(&tracker), "1");
        assert!(tracker.redeliver().is_none());
    }

    /// Red when `pin_cursor` releases an earlier cursor: two threads that call it free each other's.
    #[test]
    fn a_pinned_cursor_keeps_its_address_until_unpinned() {
        let mut tracker = tracker();
        let first = Arc::downgrade(tracker.cursor());
        let pointer = tracker.pin_cursor();
        assert_eq!(tracker.pin_cursor(), pointer);
        let timeout = tracker.deliver(Next::NothingYet, done("0"));
        tracker.acknowledge(timeout);
        assert_eq!(tracker.pin_cursor(), pointer, "the same text");
        let one = deliver_page(&mut tracker, "1");
        tracker.acknowledge(one);
        assert_ne!(tracker.pin_cursor(), pointer);
        assert!(first.upgrade().is_some_and(|cursor| cursor.text().as_ptr() == pointer));
        tracker.unpin_cursors();
        assert!(first.upgrade().is_none());
        assert_eq!(cursor(&tracker), "1");
    }
}
