//! What a stream gave and the host has not picked up yet, and the cursor behind what it has.
//!
//! The cursor is what the host goes on from after a restart. So it moves when a page is picked up, not when it arrives, and never
//! past a page that was not: one that nobody picked up any more (its queue was closed) goes back to the stream.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::stream::Next;
use crate::answer::Answer;

/// A cursor's text, with a NUL.
type Text = Arc<[u8]>;

/// What the stream gives, and its place in the order of all that it gives.
pub(super) struct Given {
    pub(super) next: Next,
    /// None: nothing came, not even a cursor.
    number: Option<u64>,
}

impl Given {
    /// What one who waits too long is told.
    pub(super) fn nothing() -> Self {
        Self { next: Next::NothingYet, number: None }
    }
}

/// The state of the deliveries of one stream.
pub(super) struct Deliveries {
    /// Those from number `first` on: the cursor behind each, and whether it was picked up. The first one was not.
    under_way: VecDeque<(Text, bool)>,
    first: u64,
    /// Pages that were not picked up and are to be given again.
    returned: BTreeMap<u64, Arc<Answer>>,
    /// Behind everything up to the first that was not picked up.
    cursor: Text,
    /// Cursors whose place in memory the host was told.
    shown: Vec<Text>,
}

impl Deliveries {
    pub(super) fn new(cursor: Text) -> Self {
        Self { under_way: VecDeque::new(), first: 0, returned: BTreeMap::new(), cursor, shown: Vec::new() }
    }

    /// Gives something new, with the cursor behind it.
    pub(super) fn give(&mut self, next: Next, cursor: Text) -> Given {
        let number = self.first + self.under_way.len() as u64;
        self.under_way.push_back((cursor, false));
        Given { next, number: Some(number) }
    }

    /// A page that came back, the oldest first.
    pub(super) fn give_again(&mut self) -> Option<Given> {
        self.returned.pop_first().map(|(number, page)| Given { next: Next::Page(page), number: Some(number) })
    }

    /// The host has it.
    pub(super) fn pick_up(&mut self, given: Given) -> Next {
        self.is_dealt_with(given.number);
        given.next
    }

    /// The host will not get it. There is nothing to lose but pages.
    pub(super) fn take_back(&mut self, given: Given) {
        match (given.next, given.number) {
            (Next::Page(page), Some(number)) => drop(self.returned.insert(number, page)),
            (_, number) => self.is_dealt_with(number),
        }
    }

    fn is_dealt_with(&mut self, number: Option<u64>) {
        let place = number.and_then(|number| usize::try_from(number.checked_sub(self.first)?).ok());
        if let Some((_, picked_up)) = place.and_then(|place| self.under_way.get_mut(place)) {
            *picked_up = true;
        }
        while self.under_way.front().is_some_and(|(_, picked_up)| *picked_up) {
            let Some((cursor, _)) = self.under_way.pop_front() else { break };
            self.first += 1;
            // The place in memory stays, too, while the text is the same.
            if cursor != self.cursor {
                self.cursor = cursor;
            }
        }
    }

    pub(super) fn cursor(&self) -> &Text {
        &self.cursor
    }

    /// The cursor at a place that it keeps until `forget_shown`.
    pub(super) fn show(&mut self) -> *const u8 {
        if self.shown.last().is_none_or(|last| !Arc::ptr_eq(last, &self.cursor)) {
            self.shown.push(Arc::clone(&self.cursor));
        }
        self.cursor.as_ptr()
    }

    /// The host does not read any more what it was shown.
    pub(super) fn forget_shown(&mut self) {
        self.shown.clear();
    }
}

#[cfg(all(test, not(kal_loom)))]
mod tests {
    use super::*;
    use crate::records::Table;
    use crate::service::Shape;

    fn page(deliveries: &mut Deliveries, cursor: &str) -> Given {
        let page = Answer::new(Shape::Events, Table::empty(Shape::Events.schema().0));
        deliveries.give(Next::Page(Arc::new(page)), cursor.as_bytes().into())
    }

    fn cursor(deliveries: &Deliveries) -> &str {
        std::str::from_utf8(deliveries.cursor()).expect("text")
    }

    fn start() -> Deliveries {
        Deliveries::new(b"0".as_slice().into())
    }

    /// Red when the cursor moves with `give`, and when it is that of the page picked up last.
    #[test]
    fn the_cursor_is_behind_what_was_picked_up_without_a_gap() {
        let mut all = start();
        let (one, two, three) = (page(&mut all, "1"), page(&mut all, "2"), page(&mut all, "3"));
        assert_eq!(cursor(&all), "0");
        all.pick_up(two);
        assert_eq!(cursor(&all), "0");
        all.pick_up(one);
        assert_eq!(cursor(&all), "2");
        all.pick_up(three);
        assert_eq!(cursor(&all), "3");
    }

    /// Red when what comes back counts as picked up: the cursor is "2" and the page is lost to who goes on from there.
    #[test]
    fn a_page_that_comes_back_is_given_again_and_holds_the_cursor_until_then() {
        let mut all = start();
        let (one, two) = (page(&mut all, "1"), page(&mut all, "2"));
        all.take_back(one);
        all.pick_up(two);
        assert_eq!(cursor(&all), "0");
        let again = all.give_again().expect("the page");
        assert!(all.give_again().is_none());
        assert!(matches!(all.pick_up(again), Next::Page(_)));
        assert_eq!(cursor(&all), "2");
    }

    #[test]
    fn pages_that_come_back_keep_their_order() {
        let mut all = start();
        let (one, two) = (page(&mut all, "1"), page(&mut all, "2"));
        all.take_back(two);
        all.take_back(one);
        let again = all.give_again().expect("the first page");
        all.pick_up(again);
        assert_eq!(cursor(&all), "1");
    }

    #[test]
    fn nothing_is_lost_with_an_answer_that_has_no_page() {
        let mut all = start();
        let nothing = all.give(Next::NothingYet, b"1".as_slice().into());
        all.take_back(nothing);
        all.take_back(Given::nothing());
        assert_eq!(cursor(&all), "1");
        assert!(all.give_again().is_none());
    }

    /// Red when `show` lets go of an earlier text: two threads that ask free each other's.
    #[test]
    fn what_was_shown_keeps_its_place_until_it_is_forgotten() {
        let mut all = start();
        let first = Arc::downgrade(all.cursor());
        let place = all.show();
        assert_eq!(all.show(), place);
        let nothing = all.give(Next::NothingYet, b"0".as_slice().into());
        all.pick_up(nothing);
        assert_eq!(all.show(), place, "the same text");
        let one = page(&mut all, "1");
        all.pick_up(one);
        assert_ne!(all.show(), place);
        assert!(first.upgrade().is_some_and(|text| text.as_ptr() == place));
        all.forget_shown();
        assert!(first.upgrade().is_none());
        assert_eq!(cursor(&all), "1");
    }
}
