//! A text with one layer of encoding after another removed.

use std::ops::Range;

use super::budget::{self, Budget};
use super::encodings::{Decoded, Encoding, truncated_escape_len};

/// A text, and what it decodes to layer by layer.
pub(super) struct Layers<'a> {
    text: &'a [u8],
    decoded: Vec<Decoded>,
    pub(super) budget: &'a Budget,
}

/// The text at one layer of decoding.
#[derive(Clone, Copy)]
pub(super) struct Layer<'a> {
    pub(super) text: &'a [u8],
    /// The text that it was decoded from, and the decoding; none: this is the original text.
    pub(super) decoded: Option<(&'a [u8], &'a Decoded)>,
    pub(super) budget: &'a Budget,
}

impl<'a> Layers<'a> {
    /// Removes `encodings` in order. If the text is `truncated`, an incomplete escape at its end is left out of the next layer: it
    /// may itself be part of another incomplete escape.
    pub(super) fn new(text: &'a [u8], truncated: bool, encodings: &[Encoding], budget: &'a Budget) -> Self {
        let mut layers = Self { text, decoded: Vec::new(), budget };
        for encoding in encodings {
            if budget.is_exceeded() {
                break;
            }
            let last = layers.at(layers.depth()).text;
            let complete = last.len() - if truncated { truncated_escape_len(last) } else { 0 };
            budget.spend(complete * budget::DECODED_BYTE);
            let Some(next) = Decoded::new(&last[..complete], *encoding) else { break };
            layers.decoded.push(next);
        }
        layers
    }

    /// The number of layers below the original text.
    pub(super) fn depth(&self) -> usize {
        self.decoded.len()
    }

    pub(super) fn at(&self, depth: usize) -> Layer<'_> {
        let text = |depth: usize| depth.checked_sub(1).map_or(self.text, |above| self.decoded[above].bytes());
        let decoded = depth.checked_sub(1).map(|above| (text(above), &self.decoded[above]));
        Layer { text: text(depth), decoded, budget: self.budget }
    }

    /// Maps a range of a layer to the range of the original text that it was decoded from.
    pub(super) fn source(&self, depth: usize, range: Range<usize>) -> Range<usize> {
        self.decoded[..depth].iter().rev().fold(range, |range, decoded| decoded.source(range))
    }
}
