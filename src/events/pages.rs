//! Which page to ask for next, and when there are no more, on a server whose numbering is unknown and whose list grows.
//!
//! The first page is asked for without a number, then come 1, 2, 3 and so on. Where counting begins at 1, page 1 is the first
//! page again; where it begins at 0, it is the second. Both are fine, because what was seen is dropped by its id.
//!
//! An empty page is the end. A page of which everything was seen in this pass is a sign of one of three things: new events
//! have moved the list by a page or more; or there are no more pages and the server gives its last one again; or it takes no
//! notice of the number. Pages of a list that stands still have nothing in common. So the page and the one after it are asked
//! for, and the first page before and after them: if that is the same both times, and the two have events in common, it is
//! the end.
//!
//! What arrives while a pass is under way may be passed over: events that move the list, or that are added to a page after it
//! was read. That is for the next pass to find; what there was when the pass began is always found.

/// How often in a row a page may bring nothing new, in a way that cannot be explained for good, before that is an error.
pub(super) const STRIKES: u32 = 64;

/// One pass over the pages of a query.
#[derive(Debug)]
pub(super) struct Pages {
    stage: Stage,
    strikes: u32,
    first: Vec<Box<str>>,
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
    /// The four steps from a page that brought nothing to the end.
    FirstBefore(u64),
    SamePage(u64),
    NextPage(u64, Vec<Box<str>>),
    FirstAfter(u64),
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
        Self { stage: Stage::First, strikes, first: Vec::new(), from_one, one_is_first: false }
    }

    /// The number of the page to ask for; none: without a number.
    pub(super) fn number(&self) -> Option<u64> {
        match self.stage {
            Stage::First | Stage::FirstBefore(_) | Stage::FirstAfter(_) | Stage::FirstAfterRefusal(_) | Stage::Over => {
                None
            }
            Stage::Number(number) | Stage::Stalled(number) | Stage::SamePage(number) | Stage::RefusedPage(number) => {
                Some(number)
            }
            Stage::NextPage(number, _) => Some(number + 1),
        }
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
            // Whoever gives the last page for all that lie behind it, gives no empty one.
            self.from_one |= self.one_is_first && matches!(self.stage, Stage::Number(2));
            self.stage = Stage::Over;
            return Turn::End;
        }
        let own = || ids.clone().map(Box::from).collect::<Vec<Box<str>>>();
        let same = |known: &[Box<str>]| ids.clone().eq(known.iter().map(|id| &**id));
        self.stage = match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::First => {
                self.first = own();
                Stage::Number(if self.from_one { 2 } else { 1 })
            }
            Stage::Number(1) => {
                self.one_is_first = same(&self.first);
                Stage::Number(2)
            }
            Stage::Number(number) | Stage::RefusedPage(number) | Stage::Stalled(number) => {
                if fresh == 0 {
                    self.stage = Stage::Stalled(number);
                    return Turn::Stalled;
                }
                Stage::Number(number + 1)
            }
            Stage::FirstBefore(number) => {
                self.first = own();
                Stage::SamePage(number)
            }
            Stage::SamePage(number) if fresh > 0 => Stage::Number(number + 1),
            Stage::SamePage(number) => Stage::NextPage(number, own()),
            Stage::NextPage(number, _) if fresh > 0 => Stage::Number(number + 2),
            Stage::NextPage(number, page) => {
                if ids.clone().any(|id| page.iter().any(|known| **known == *id)) {
                    Stage::FirstAfter(number)
                } else {
                    return self.strike(Stage::Number(number + 2));
                }
            }
            Stage::FirstAfter(_) if same(&self.first) => return Turn::End,
            Stage::FirstAfter(number) => return self.strike(Stage::FirstBefore(number + 1)),
            Stage::FirstAfterRefusal(number) => Stage::RefusedPage(number),
            Stage::Over => return Turn::End,
        };
        Turn::Go
    }

    /// After [`Turn::Stalled`]: finds out what it means.
    pub(super) fn verify(&mut self) -> Turn {
        match self.stage {
            Stage::Stalled(number) => self.strike(Stage::FirstBefore(number)),
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
            Stage::Number(number) | Stage::SamePage(number) | Stage::Stalled(number) => *number,
            Stage::NextPage(number, _) => number + 1,
            Stage::First | Stage::FirstBefore(_) | Stage::FirstAfter(_) | Stage::FirstAfterRefusal(_) | Stage::Over => {
                return None;
            }
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
    fn a_last_page_that_is_given_for_ever_is_the_end_once_the_first_page_stood_still() {
        let b: (&[&str], usize) = (&["b"], 0);
        let a: (&[&str], usize) = (&["a"], 0);
        let (asked, turn) = run(&[(&["a"], 1), (&["b"], 1), b, a, b, b, a]);
        assert_eq!(asked, [None, Some(1), Some(2), None, Some(2), Some(3), None]);
        assert_eq!(turn, Turn::End);
        let moved = run(&[(&["a"], 1), (&["b"], 1), b, a, b, b, (&["c"], 1)]);
        assert_eq!(moved.1, Turn::Go);
    }

    #[test]
    fn a_list_that_moved_by_a_page_goes_on() {
        // "c" came between the first two requests: page 1 is "a" again.
        let (asked, turn) = run(&[(&["a"], 1), (&["a"], 0), (&["a"], 0), (&["c"], 1), (&["a"], 0), (&["b"], 1)]);
        assert_eq!(asked, [None, Some(1), Some(2), None, Some(2), Some(3)]);
        assert_eq!(turn, Turn::Go);
    }

    #[test]
    fn pages_that_never_settle_are_an_error_in_the_end() {
        let mut pages = Pages::new(false, 0);
        assert_eq!(pages.turn(["a"].into_iter(), 1), Turn::Go);
        let mut asked = 0;
        while pages.turn(["a"].into_iter(), 0) != Turn::Lost {
            asked += 1;
            assert!(asked < 1_000);
            if matches!(pages.stage, Stage::Stalled(_)) && pages.verify() == Turn::Lost {
                break;
            }
            // The first page is never the same twice.
            pages.first = vec!["z".into()];
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
