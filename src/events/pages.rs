//! Which page to ask for next, and when there are no more, on a server whose numbering is unknown and whose list grows.
//!
//! The first page is asked for without a number, then come 1, 2, 3 and so on. Where counting begins at 1, page 1 is the first
//! page again; where it begins at 0, it is the second. Both are fine, because what was seen is dropped by its id.
//!
//! An empty page is the end. A page of which everything was seen in this pass is a sign of one of three things: new events
//! have moved the list by a page or more; or there are no more pages and the server gives its last one again; or it takes no
//! notice of the number. So a page far behind is looked at. If that is empty, the list has moved. If everything on it was
//! seen, it is the last page, or the only one, and this is the end: whoever has seen the last page in its order has seen all.
//!
//! What arrives while a pass is under way may be passed over: events that move the list, or that are added to a page after it
//! was read. That is for the next pass to find; what there was when the pass began is always found.

/// How often in a row a page may bring nothing new, in a way that cannot be explained for good, before that is an error.
pub(super) const STRIKES: u32 = 64;
/// How far behind a page is far behind it. Not farther: there are servers that count no farther than some tens of thousands.
const FAR: u64 = 1_000;

/// One pass over the pages of a query.
#[derive(Debug)]
pub(super) struct Pages {
    stage: Stage,
    strikes: u32,
    first: Vec<Box<str>>,
    /// Pages behind the last one are empty.
    ends_empty: bool,
    /// Page 1 is known to be the first page: it was the same, and page 2 was empty.
    from_one: bool,
    /// Page 1 was the first page, or the server gives its last page for all that lie behind it.
    one_is_first: bool,
}

#[derive(Debug)]
enum Stage {
    First,
    Number(u64),
    /// Everything on this page was seen in this pass.
    Stalled(u64),
    /// Looks at what is far behind a page that brought nothing.
    FarBehind(u64),
    /// The server refused this page: does it still give the first one,
    FirstAfterRefusal(u64),
    /// and refuse that page again?
    RefusedPage(u64),
    Over,
}

/// What a page means for the pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// Ask for the next page.
    Go,
    /// The page brought nothing: begin anew with a narrower query, or call [`Pages::verify`].
    Stalled,
    /// There are no more pages.
    End,
    /// There is no telling whether there are more pages.
    Lost,
}

impl Pages {
    /// `from_one`: page 1 is known to be the first page. `strikes`: how many there are already.
    pub(super) fn new(from_one: bool, strikes: u32) -> Self {
        Self { stage: Stage::First, strikes, first: Vec::new(), ends_empty: false, from_one, one_is_first: false }
    }

    /// The number of the page to ask for; none: without a number.
    pub(super) fn number(&self) -> Option<u64> {
        match self.stage {
            Stage::First | Stage::FirstAfterRefusal(_) | Stage::Over => None,
            Stage::Number(number) | Stage::Stalled(number) | Stage::RefusedPage(number) => Some(number),
            Stage::FarBehind(number) => Some(number + FAR),
        }
    }

    /// Whether the page is only looked at: what is on it is not to be given, because there may be others before it.
    pub(super) fn is_far_behind(&self) -> bool {
        matches!(self.stage, Stage::FarBehind(_))
    }

    pub(super) fn strikes(&self) -> u32 {
        self.strikes
    }

    /// Whether page 1 is known to be the first page; certain only in a list that grows at its end.
    pub(super) fn count_from_one(&self) -> bool {
        self.from_one
    }

    /// Something was given: there is progress.
    pub(super) fn gave(&mut self) {
        self.strikes = 0;
    }

    /// Takes the answer to [`Pages::number`]: the ids on it, how many of them this pass had not seen before.
    pub(super) fn turn<'a>(&mut self, ids: impl ExactSizeIterator<Item = &'a str> + Clone, fresh: usize) -> Turn {
        if ids.len() == 0 {
            if let Stage::FarBehind(number) = self.stage {
                self.ends_empty = true;
                return self.strike(Stage::Number(number + 1));
            }
            // Whoever gives the last page for all that lie behind it, gives no empty one.
            self.from_one |= self.one_is_first && matches!(self.stage, Stage::Number(2));
            self.stage = Stage::Over;
            return Turn::End;
        }
        self.stage = match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::First => {
                self.first = ids.map(Box::from).collect();
                Stage::Number(if self.from_one { 2 } else { 1 })
            }
            Stage::Number(1) => {
                self.one_is_first = ids.eq(self.first.iter().map(|id| &**id));
                Stage::Number(2)
            }
            Stage::Number(number) | Stage::RefusedPage(number) | Stage::Stalled(number) => {
                if fresh == 0 {
                    self.stage = Stage::Stalled(number);
                    return Turn::Stalled;
                }
                Stage::Number(number + 1)
            }
            Stage::FarBehind(_) if fresh == 0 => return Turn::End,
            Stage::FarBehind(number) => return self.strike(Stage::Number(number + 1)),
            Stage::FirstAfterRefusal(number) => Stage::RefusedPage(number),
            Stage::Over => return Turn::End,
        };
        Turn::Go
    }

    /// After [`Turn::Stalled`]: finds out what it means.
    pub(super) fn verify(&mut self) -> Turn {
        match self.stage {
            Stage::Stalled(number) if self.ends_empty => self.strike(Stage::Number(number + 1)),
            Stage::Stalled(number) => {
                self.stage = Stage::FarBehind(number);
                Turn::Go
            }
            _ => Turn::Go,
        }
    }

    /// The server refused the page, as some do behind the end. None: that is an error like any other. Otherwise it is the end
    /// if the first page is still given and this one refused again.
    pub(super) fn refused(&mut self) -> Option<Turn> {
        let number = match &self.stage {
            Stage::RefusedPage(_) => {
                self.stage = Stage::Over;
                return Some(Turn::End);
            }
            Stage::FarBehind(number) => {
                let next = Stage::Number(*number + 1);
                self.ends_empty = true;
                return Some(self.strike(next));
            }
            Stage::Number(number) | Stage::Stalled(number) => *number,
            Stage::First | Stage::FirstAfterRefusal(_) | Stage::Over => return None,
        };
        self.stage = Stage::FirstAfterRefusal(number);
        Some(Turn::Go)
    }

    fn strike(&mut self, then: Stage) -> Turn {
        self.stage = then;
        self.strikes += 1;
        if self.strikes > STRIKES { Turn::Lost } else { Turn::Go }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds pages, each as its ids, and gives the numbers that were asked for and the last turn.
    fn run(answers: &[(&[&str], usize)]) -> (Vec<Option<u64>>, Turn) {
        let mut pages = Pages::new(false, 0);
        let mut asked = Vec::new();
        let mut turn = Turn::Go;
        for (ids, fresh) in answers {
            asked.push(pages.number());
            turn = pages.turn(ids.iter().copied(), *fresh);
            if turn == Turn::Stalled {
                turn = pages.verify();
            }
        }
        (asked, turn)
    }

    #[test]
    fn an_empty_page_is_the_end() {
        assert_eq!(run(&[(&[], 0)]), (vec![None], Turn::End));
        assert_eq!(run(&[(&["a"], 1), (&["b"], 1), (&[], 0)]), (vec![None, Some(1), Some(2)], Turn::End));
    }

    #[test]
    fn page_one_may_be_the_first_page_again() {
        let (asked, turn) = run(&[(&["a"], 1), (&["a"], 0), (&["b"], 1)]);
        assert_eq!((asked, turn), (vec![None, Some(1), Some(2)], Turn::Go));
    }

    #[test]
    fn page_one_is_passed_over_only_once_page_two_was_empty() {
        for (answers, known) in [
            (&[(&["a"][..], 1), (&["a"], 0)][..], false),
            (&[(&["a"], 1), (&["a"], 0), (&["a"], 0)], false),
            (&[(&["a"], 1), (&["a"], 0), (&["b"], 1)], false),
            (&[(&["a"], 1), (&["a"], 0), (&[], 0)], true),
            (&[(&["a"], 1), (&["b"], 1), (&[], 0)], false),
        ] {
            let mut pages = Pages::new(false, 0);
            for (ids, fresh) in answers {
                pages.turn(ids.iter().copied(), *fresh);
            }
            assert_eq!(pages.count_from_one(), known, "{answers:?}");
        }
        let mut pages = Pages::new(true, 0);
        pages.turn(["a"].into_iter(), 1);
        assert_eq!(pages.number(), Some(2));
    }

    #[test]
    fn a_last_page_that_is_given_for_ever_is_the_end() {
        let b: (&[&str], usize) = (&["b"], 0);
        let (asked, turn) = run(&[(&["a"], 1), (&["b"], 1), b, b]);
        assert_eq!((asked, turn), (vec![None, Some(1), Some(2), Some(2 + FAR)], Turn::End));
    }

    #[test]
    fn a_list_that_moved_by_a_page_goes_on() {
        // "c" came between the last two requests: page 2 is "b" again.
        let known = [(&["a"][..], 1), (&["b"], 1), (&["b"], 0)];
        for far in [(&[][..], 0), (&["e"], 1)] {
            let (asked, turn) = run(&[&known[..], &[far, (&["d"], 1)]].concat());
            assert_eq!((asked, turn), (vec![None, Some(1), Some(2), Some(2 + FAR), Some(3)], Turn::Go));
        }
    }

    #[test]
    fn pages_that_never_settle_are_an_error_in_the_end() {
        let mut pages = Pages::new(false, 0);
        assert_eq!(pages.turn(["a"].into_iter(), 1), Turn::Go);
        for asked in 0.. {
            assert!(asked < 1_000);
            // The last page is always another one.
            let turn = pages.turn(["a"].into_iter(), usize::from(pages.is_far_behind()));
            if turn == Turn::Lost || turn == Turn::Stalled && pages.verify() == Turn::Lost {
                break;
            }
        }
        assert!(pages.strikes() > STRIKES);
    }

    #[test]
    fn a_refused_page_is_the_end_when_it_is_refused_twice_and_the_first_page_is_not() {
        let mut pages = Pages::new(false, 0);
        assert_eq!(pages.refused(), None);
        pages.turn(["a"].into_iter(), 1);
        assert_eq!(pages.refused(), Some(Turn::Go));
        assert_eq!(pages.number(), None);
        assert_eq!(pages.refused(), None);
        pages.turn(["a"].into_iter(), 0);
        assert_eq!(pages.number(), Some(1));
        assert_eq!(pages.refused(), Some(Turn::End));
    }
}
