//! Restores the original body from a buffer that was decoded in place.

use std::ops::Range;

/// Saves every overwritten byte except closing quotes: JSON contains no NUL, so a NUL without a patch was a quote.
#[derive(Debug, Default)]
pub(super) struct Original {
    /// Sorted by place, without overlap.
    patches: Vec<Patch>,
    saved: Vec<u8>,
    /// Offsets that become NULs once decoding is complete.
    terminators: Vec<u32>,
}

/// The original bytes at `place`: those in `saved` from `from` to the start of the next patch.
#[derive(Debug)]
struct Patch {
    place: u32,
    from: u32,
}

impl Original {
    /// Memory used, in bytes.
    #[inline]
    pub(super) fn memory(&self) -> usize {
        self.saved.len() + self.patches.len() * size_of::<Patch>() + self.terminators.len() * size_of::<u32>()
    }

    /// Discards patches after `at`; call [`Self::restore`] first. A patch at `at` belongs to the value before it.
    pub(super) fn rewind_to(&mut self, at: usize) {
        let kept = self.patches.partition_point(|patch| patch.place as usize <= at);
        if let Some(first) = self.patches.get(kept) {
            self.saved.truncate(first.from as usize);
        }
        self.patches.truncate(kept);
        self.terminators.truncate(self.terminators.partition_point(|place| *place as usize <= at));
    }

    /// Saves `bytes`, which are at `place` and about to be overwritten.
    pub(super) fn save(&mut self, place: usize, bytes: &[u8]) {
        let (place, from) = (offset_u32(place), offset_u32(self.saved.len()));
        self.patches.push(Patch { place, from });
        self.saved.extend_from_slice(bytes);
    }

    /// Schedules a NUL at `place`: the decoder still has to read the byte there.
    pub(super) fn terminate_after_decode(&mut self, body: &[u8], place: usize) {
        if let Some(byte) = body.get(place..=place) {
            self.save(place, byte);
            self.terminators.push(offset_u32(place));
        }
    }

    /// Writes the scheduled NULs.
    pub(super) fn write_terminators(&mut self, body: &mut [u8]) {
        for place in std::mem::take(&mut self.terminators) {
            body[place as usize] = 0;
        }
    }

    pub(super) fn shrink_to_fit(&mut self) {
        self.patches.shrink_to_fit();
        self.saved.shrink_to_fit();
    }

    /// The offset in the original body of the invalid UTF-8 found at `place` of the buffer.
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

    /// Appends the original of `body[range]` to `out`. A range must not start inside a string.
    pub(super) fn copy_original(&self, body: &[u8], range: Range<usize>, out: &mut Vec<u8>) {
        let base = out.len();
        out.extend_from_slice(&body[range.clone()]);
        self.restore(&mut out[base..], range);
    }

    /// Restores `part`, a copy of the buffer's bytes in `range`.
    pub(super) fn restore(&self, part: &mut [u8], range: Range<usize>) {
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
            // `range` may end inside a string.
            let part = &mut part[place - range.start..];
            let length = saved.len().min(part.len());
            part[..length].copy_from_slice(&saved[..length]);
        }
    }
}

/// Cannot overflow: longer bodies are rejected, and at most the whole body is saved.
pub(super) fn offset_u32(offset: usize) -> u32 {
    u32::try_from(offset).unwrap_or(u32::MAX)
}
