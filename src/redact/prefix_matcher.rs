//! The Z algorithm: how long a prefix of a pattern stands at each place of a text, in time linear in the text.

use super::budget::Budget;

/// Returns prefix lengths for places in ascending order. A byte of the text that an earlier place has matched is not compared
/// again.
pub(super) struct PrefixMatcher<'a> {
    pattern: &'a [u8],
    budget: &'a Budget,
    /// The Z array: how long a prefix of the pattern stands at each place of the pattern itself.
    z: Vec<usize>,
    /// The range of the text that is known to be a prefix of the pattern and ends last.
    begin: usize,
    end: usize,
}

impl<'a> PrefixMatcher<'a> {
    pub(super) fn new(pattern: &'a [u8], budget: &'a Budget) -> Self {
        let mut matcher = Self { pattern, budget, z: vec![pattern.len()], begin: 0, end: 0 };
        for at in 1..pattern.len() {
            let length = matcher.prefix_len(pattern, at);
            matcher.z.push(length);
        }
        (matcher.begin, matcher.end) = (0, 0);
        matcher
    }

    /// Where the text has been compared to.
    pub(super) fn end(&self) -> usize {
        self.end
    }

    /// How many bytes of the pattern stand at `at`.
    pub(super) fn prefix_len(&mut self, text: &[u8], at: usize) -> usize {
        self.budget.spend_compared(1);
        let mut length = 0;
        if at < self.end {
            length = self.z[at - self.begin];
            if at + length < self.end {
                return length;
            }
            length = self.end - at;
        }
        let rest = self.pattern[length..].iter().zip(&text[at + length..]);
        let more = rest.take_while(|(expected, actual)| expected == actual).count();
        self.budget.spend_compared(more);
        length += more;
        (self.begin, self.end) = (at, at + length);
        length
    }
}
