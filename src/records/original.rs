//! What the server sent, from a buffer that has been written over.

use std::ops::Range;

/// Remembers every byte that was overwritten, except for closing quotes: a NUL cannot occur in JSON,
/// so a NUL that nothing else explains was a quote.
#[derive(Debug, Default)]
pub(super) struct Original {
    /// In the order of their places, without overlap.
    patches: Vec<Patch>,
    saved: Vec<u8>,
    cuts: Vec<u32>,
}

/// Bytes that stood at `place`; they are in `saved` from `from` to where the next patch's begin.
#[derive(Debug)]
struct Patch {
    place: u32,
    from: u32,
}

impl Original {
    /// How much memory it takes.
    #[inline]
    pub(super) fn bytes(&self) -> usize {
        self.saved.len() + self.patches.len() * size_of::<Patch>() + self.cuts.len() * size_of::<u32>()
    }

    /// Forgets what was remembered of places behind `at`; the buffer is to be restored before. What stands at `at` itself was
    /// noted with the value before it.
    pub(super) fn back_to(&mut self, at: usize) {
        let kept = self.patches.partition_point(|patch| patch.place as usize <= at);
        if let Some(first) = self.patches.get(kept) {
            self.saved.truncate(first.from as usize);
        }
        self.patches.truncate(kept);
        self.cuts.truncate(self.cuts.partition_point(|place| *place as usize <= at));
    }

    /// Remembers `bytes`, which stand at `place` and will be written over.
    pub(super) fn save(&mut self, place: usize, bytes: &[u8]) {
        let (place, from) = (narrow(place), narrow(self.saved.len()));
        self.patches.push(Patch { place, from });
        self.saved.extend_from_slice(bytes);
    }

    /// Notes that the byte at `place` is to become a NUL as soon as it has been read by the decoder itself.
    pub(super) fn cut_later(&mut self, body: &[u8], place: usize) {
        if let Some(byte) = body.get(place..=place) {
            self.save(place, byte);
            self.cuts.push(narrow(place));
        }
    }

    /// Makes the cuts that were noted.
    pub(super) fn cut(&mut self, body: &mut [u8]) {
        for place in std::mem::take(&mut self.cuts) {
            body[place as usize] = 0;
        }
    }

    /// Gives back memory that was reserved and not used.
    pub(super) fn shrink(&mut self) {
        self.patches.shrink_to_fit();
        self.saved.shrink_to_fit();
    }

    /// The offset in the original of the first byte that is not UTF-8, which in the buffer is at `place`.
    pub(super) fn offset_of_invalid(&self, place: usize) -> usize {
        let Some(index) = self.patches.partition_point(|patch| patch.place as usize <= place).checked_sub(1) else {
            return place;
        };
        let patch = &self.patches[index];
        let end = self.patches.get(index + 1).map_or(self.saved.len(), |next| next.from as usize);
        let saved = &self.saved[patch.from as usize..end];
        if place - patch.place as usize >= saved.len() {
            return place;
        }
        patch.place as usize + std::str::from_utf8(saved).map_or_else(|error| error.valid_up_to(), str::len)
    }

    /// Appends the original of `body[range]` to `out`. A range never begins inside a string.
    pub(super) fn copy(&self, body: &[u8], range: Range<usize>, out: &mut Vec<u8>) {
        let base = out.len();
        out.extend_from_slice(&body[range.clone()]);
        self.undo(&mut out[base..], range);
    }

    /// Turns `part`, a copy of the buffer's bytes in `range`, into what they were.
    pub(super) fn undo(&self, part: &mut [u8], range: Range<usize>) {
        for byte in part.iter_mut() {
            if *byte == 0 {
                *byte = b'"';
            }
        }
        let first = self.patches.partition_point(|patch| (patch.place as usize) < range.start);
        for (index, patch) in self.patches.iter().enumerate().skip(first) {
            let place = patch.place as usize;
            if place >= range.end {
                break;
            }
            let end = self.patches.get(index + 1).map_or(self.saved.len(), |next| next.from as usize);
            let saved = &self.saved[patch.from as usize..end];
            // The part may end inside a string.
            let part = &mut part[place - range.start..];
            let length = saved.len().min(part.len());
            part[..length].copy_from_slice(&saved[..length]);
        }
    }
}

/// Offsets fit because longer bodies are refused, and no more can be saved than the body has bytes.
pub(super) fn narrow(offset: usize) -> u32 {
    u32::try_from(offset).unwrap_or(u32::MAX)
}
