//! How the server cuts a list into pages.

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Paging {
    /// The number of the first page.
    pub(super) first_page: u64,
    pub(super) page_zero: PageZero,
    /// Events on a page, unless the request has a size.
    pub(super) page_size: usize,
    pub(super) sizes: Sizes,
    pub(super) past_end: PastEnd,
    /// It rejects pages beyond this many events, though there are more.
    pub(super) window: Option<usize>,
    /// This page, counted from 0, is empty; the events continue on the next one.
    pub(super) empty_page: Option<usize>,
    /// It removes rows from a page after it has cut the page: some pages are short.
    pub(super) hides_rows: bool,
}

/// Page 0, where the first page is page 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum PageZero {
    First,
    Rejected,
    Empty,
}

/// What the server makes of a page size in the request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Sizes {
    Honoured,
    /// More than the page size are never on a page.
    Capped,
    /// It ignores the size.
    Ignored,
    /// It rejects a size larger than its own.
    Rejected,
}

/// What the server does for a page past the last one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum PastEnd {
    Empty,
    LastPage,
    FirstPage,
    /// The first page follows the last one, and so on.
    Wraps,
    Rejected,
    /// It ignores the page number altogether.
    Ignored,
}

pub(super) const PAST_ENDS: [PastEnd; 6] =
    [PastEnd::Empty, PastEnd::LastPage, PastEnd::FirstPage, PastEnd::Wraps, PastEnd::Rejected, PastEnd::Ignored];

/// Every seventh row is hidden: with a page size that is not a multiple of seven, the length of the pages varies.
const HIDDEN_EVERY: usize = 7;
const HIDDEN_AT: usize = 3;

impl Default for Paging {
    fn default() -> Self {
        Self {
            first_page: 0,
            page_zero: PageZero::First,
            page_size: 10,
            sizes: Sizes::Honoured,
            past_end: PastEnd::Empty,
            window: None,
            empty_page: None,
            hides_rows: false,
        }
    }
}

impl Paging {
    /// The most events with which a page can be filled without a size in the request.
    pub(super) fn fewest_on_full_page(&self) -> usize {
        if self.hides_rows { self.page_size - self.page_size.div_ceil(HIDDEN_EVERY) } else { self.page_size }
    }

    /// A page of a list. None: the request is rejected.
    pub(super) fn page<T: Copy>(&self, list: &[T], number: Option<u64>, asked: Option<u32>) -> Option<Vec<T>> {
        let asked = asked.and_then(|size| usize::try_from(size).ok()).filter(|size| *size > 0);
        let size = match (self.sizes, asked) {
            (Sizes::Capped, Some(asked)) => asked.min(self.page_size),
            (Sizes::Rejected, Some(asked)) if asked > self.page_size => return None,
            (Sizes::Honoured | Sizes::Rejected, Some(asked)) => asked,
            (Sizes::Ignored, _) | (_, None) => self.page_size,
        };
        let rows = self.rows(list);
        let index = match number {
            _ if self.past_end == PastEnd::Ignored => 0,
            None => 0,
            Some(number) => match (number.checked_sub(self.first_page), self.page_zero) {
                (Some(index), _) => usize::try_from(index).unwrap_or(usize::MAX),
                (None, PageZero::First) => 0,
                (None, PageZero::Rejected) => return None,
                (None, PageZero::Empty) => return Some(Vec::new()),
            },
        };
        if self.window.is_some_and(|window| index > 0 && index.saturating_add(1).saturating_mul(size) > window) {
            return None;
        }
        let full = rows.len().div_ceil(size);
        let empty = self.empty_page.filter(|empty| *empty < full);
        let total = full + usize::from(empty.is_some());
        let index = match self.past_end {
            _ if index < total || index == 0 => index,
            PastEnd::Empty | PastEnd::Ignored => return Some(Vec::new()),
            PastEnd::Rejected => return None,
            PastEnd::LastPage => total.saturating_sub(1),
            PastEnd::FirstPage => 0,
            PastEnd::Wraps => index.checked_rem(total).unwrap_or(0),
        };
        let chunk = match empty {
            Some(empty) if index == empty => return Some(Vec::new()),
            Some(empty) if index > empty => index - 1,
            _ => index,
        };
        Some(rows.chunks(size).nth(chunk).unwrap_or_default().iter().copied().flatten().collect())
    }

    /// None: a hidden row.
    fn rows<T: Copy>(&self, list: &[T]) -> Vec<Option<T>> {
        let mut rows = Vec::with_capacity(list.len() * 2);
        for event in list {
            if self.hides_rows && rows.len() % HIDDEN_EVERY == HIDDEN_AT {
                rows.push(None);
            }
            rows.push(Some(*event));
        }
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The events on pages 0 to 5, of a list of five.
    fn pages(paging: Paging) -> Vec<Option<Vec<u8>>> {
        let paging = Paging { page_size: 2, ..paging };
        (0..6).map(|number| paging.page(&[1, 2, 3, 4, 5], Some(number), None)).collect()
    }

    #[expect(clippy::unnecessary_wraps, reason = "as the answers")]
    fn page(events: &[u8]) -> Option<Vec<u8>> {
        Some(events.to_vec())
    }

    #[test]
    fn each_habit_past_the_end() {
        let pages = |past_end| pages(Paging { past_end, ..Paging::default() });
        let (one, two, last) = (page(&[1, 2]), page(&[3, 4]), page(&[5]));
        for past_end in PAST_ENDS.into_iter().filter(|past_end| *past_end != PastEnd::Ignored) {
            assert_eq!(pages(past_end)[..3], [one.clone(), two.clone(), last.clone()], "{past_end:?}");
        }
        assert_eq!(pages(PastEnd::Empty)[3..], [page(&[]), page(&[]), page(&[])]);
        assert_eq!(pages(PastEnd::LastPage)[3..], [last.clone(), last.clone(), last.clone()]);
        assert_eq!(pages(PastEnd::FirstPage)[3..], [one.clone(), one.clone(), one.clone()]);
        assert_eq!(pages(PastEnd::Wraps)[3..], [one.clone(), two, last]);
        assert_eq!(pages(PastEnd::Rejected)[3..], [None, None, None]);
        assert_eq!(pages(PastEnd::Ignored), vec![one; 6]);
    }

    #[test]
    fn page_zero_of_a_one_based_server() {
        for (page_zero, zero) in
            [(PageZero::First, page(&[1, 2])), (PageZero::Rejected, None), (PageZero::Empty, page(&[]))]
        {
            let pages = pages(Paging { first_page: 1, page_zero, ..Paging::default() });
            assert_eq!(pages[..3], [zero, page(&[1, 2]), page(&[3, 4])]);
        }
    }

    #[test]
    fn windows_empty_pages_and_hidden_rows() {
        let [one, two, last] = [page(&[1, 2]), page(&[3, 4]), page(&[5])];
        let window = pages(Paging { window: Some(4), past_end: PastEnd::LastPage, ..Paging::default() });
        assert_eq!(window[..4], [one.clone(), two.clone(), None, None]);
        let empty = pages(Paging { empty_page: Some(1), past_end: PastEnd::LastPage, ..Paging::default() });
        assert_eq!(empty[..5], [one.clone(), page(&[]), two, last.clone(), last]);
        let hidden = pages(Paging { hides_rows: true, ..Paging::default() });
        assert_eq!(hidden[..4], [one, page(&[3]), page(&[4, 5]), page(&[])]);
    }

    #[test]
    fn sizes() {
        for (sizes, small, large) in [
            (Sizes::Honoured, page(&[1]), page(&[1, 2, 3])),
            (Sizes::Capped, page(&[1]), page(&[1, 2])),
            (Sizes::Ignored, page(&[1, 2]), page(&[1, 2])),
            (Sizes::Rejected, page(&[1]), None),
        ] {
            let paging = Paging { page_size: 2, sizes, ..Paging::default() };
            let answer = |size| paging.page(&[1, 2, 3, 4, 5], None, Some(size));
            assert_eq!((answer(1), answer(3)), (small, large), "{sizes:?}");
        }
    }
}
