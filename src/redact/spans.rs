//! The spans of a text that are replaced by the mark.

use std::ops::Range;

use super::MARK;
use super::layers::Layers;
use super::pattern::Pattern;

pub(super) struct Spans<'a> {
    text: &'a [u8],
    /// By first byte of a span, the end of the longest one that begins there. Empty until the first span is found.
    end_at: Vec<usize>,
    /// The text from here on is not shown: it may be part of a secret that was truncated.
    shown_len: usize,
}

impl<'a> Spans<'a> {
    pub(super) fn new(text: &'a [u8]) -> Self {
        Self { text, end_at: Vec::new(), shown_len: text.len() }
    }

    /// Searches all layers from `depth` on for the patterns.
    pub(super) fn find<'p>(
        &mut self,
        layers: &Layers,
        depth: usize,
        truncated: bool,
        patterns: &(impl Iterator<Item = &'p Pattern> + Clone),
    ) {
        for depth in depth..=layers.depth() {
            let layer = layers.at(depth);
            for pattern in patterns.clone() {
                if layers.budget.is_exceeded() {
                    return;
                }
                pattern.find(layer, &mut |range| self.add(layers.source(depth.saturating_sub(1), range)));
                if truncated {
                    let cut = layer.text.len() - pattern.truncated_len(layer.text);
                    self.shown_len = self.shown_len.min(layers.source(depth, cut..layer.text.len()).start);
                }
            }
        }
    }

    fn add(&mut self, span: Range<usize>) {
        if self.end_at.is_empty() {
            self.end_at.resize(self.text.len(), 0);
        }
        let begin = char_around(self.text, span.start).map_or(span.start, |around| around.start);
        let end = char_around(self.text, span.end).map_or(span.end, |around| around.end);
        self.end_at[begin] = self.end_at[begin].max(end);
    }

    /// Returns the text with each span replaced by the mark, at most `limit` bytes.
    pub(super) fn render(&self, limit: usize) -> Vec<u8> {
        let mut clean = Vec::with_capacity(self.shown_len.min(limit));
        // Spans may overlap: everything before this belongs to one.
        let mut hidden_to = 0;
        for (at, byte) in self.text[..self.shown_len].iter().enumerate() {
            let end = self.end_at.get(at).copied().unwrap_or(0);
            let is_hidden = at < hidden_to;
            hidden_to = hidden_to.max(end);
            if is_hidden {
                continue;
            }
            let piece = if at < hidden_to { MARK } else { std::slice::from_ref(byte) };
            if clean.len() + piece.len() > limit {
                break;
            }
            clean.extend_from_slice(piece);
        }
        clean
    }
}

/// The UTF-8 character that contains the byte at `at`, if that byte is not its first.
fn char_around(text: &[u8], at: usize) -> Option<Range<usize>> {
    text.get(at).filter(|byte| (0x80..0xc0).contains(*byte))?;
    let begin = (at.saturating_sub(3)..at).rev().find(|begin| text[*begin] >= 0xc0)?;
    let length = match text[begin] {
        ..=0xdf => 2,
        0xe0..=0xef => 3,
        _ => 4,
    };
    let around = begin..begin + length;
    (around.end > at && std::str::from_utf8(text.get(around.clone())?).is_ok()).then_some(around)
}
