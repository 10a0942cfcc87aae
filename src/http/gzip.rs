//! Decompressing a gzip body: one or more members, perhaps followed by padding.

use flate2::{Decompress, FlushDecompress};

use super::body::Stop;
use crate::platform::prefer_huge_pages;

/// How much longer than its content a gzip body may be: its header, and the overhead of stored blocks.
const MAX_OVERHEAD: usize = 64 << 10;
/// How many bytes are inflated at once; they expand to at most a thousand times as many.
pub(super) const PIECE: usize = 4 << 10;
/// Starting another member takes as long as this many bytes of content.
const MEMBER_COST: usize = 32 << 10;
/// Members with less content count as this many bytes on the wire: a member may have 20 bytes, but takes far longer to process.
pub(super) const MIN_MEMBER: usize = 4 << 10;
/// The first buffer, if there is none to reuse.
const MIN_CAPACITY: usize = 32 << 10;
/// The base-2 logarithm of the largest window.
const WINDOW_BITS: u8 = 15;
/// How a member begins: the identification and the compression method, deflate (RFC 1952, section 2.3).
const MAGIC: [u8; 3] = [0x1F, 0x8B, 8];

/// A body that is being decompressed, straight into its buffer.
pub(super) struct Gzip {
    inflater: Decompress,
    bytes: Vec<u8>,
    /// The maximum length of `bytes`.
    cap: usize,
    /// How many more bytes may arrive on the wire: empty members and padding could be endless.
    raw_left: usize,
    place: Place,
    /// The number of finished members, and where the content of the current one begins.
    members: usize,
    member_begin: usize,
}

#[derive(Clone, Copy)]
enum Place {
    /// Before the first byte.
    Start,
    Member,
    /// After a member, and this many bytes that begin another.
    After(usize),
    /// After a member, in what is not another: it is ignored, as by gzip(1).
    Padding,
}

impl Gzip {
    /// Appends to `buffer`, which is empty, at most `cap` bytes.
    pub(super) fn new(buffer: Vec<u8>, cap: usize) -> Self {
        Self {
            inflater: Decompress::new_gzip(WINDOW_BITS),
            bytes: buffer,
            cap,
            raw_left: Self::max_raw(cap),
            place: Place::Start,
            members: 0,
            member_begin: 0,
        }
    }

    /// The maximum number of bytes on the wire of a body of at most `cap` bytes.
    pub(super) fn max_raw(cap: usize) -> usize {
        cap.saturating_add(cap / 1024).saturating_add(MAX_OVERHEAD)
    }

    /// The work done so far, in bytes of content.
    pub(super) fn work(&self) -> usize {
        self.bytes.len() + self.members * MEMBER_COST
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.bytes
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    pub(super) fn take(&mut self, mut chunk: &[u8]) -> Result<(), Stop> {
        self.raw_left = self.raw_left.checked_sub(chunk.len()).ok_or(Stop::Full)?;
        while let Some(first) = chunk.first() {
            let part = match self.place {
                Place::Padding => return Ok(()),
                Place::After(matched) if *first == MAGIC[matched] => {
                    self.place = if matched + 1 == MAGIC.len() { Place::Member } else { Place::After(matched + 1) };
                    &chunk[..1]
                }
                Place::After(_) => {
                    self.place = Place::Padding;
                    return Ok(());
                }
                Place::Start | Place::Member => {
                    self.place = Place::Member;
                    chunk
                }
            };
            chunk = &chunk[self.inflate(part)?..];
        }
        Ok(())
    }

    /// Inflates `part` as far as the current member goes. Returns how many bytes of it that was.
    fn inflate(&mut self, part: &[u8]) -> Result<usize, Stop> {
        let mut taken = 0;
        loop {
            self.reserve();
            let before = self.inflater.total_in();
            let status = self.inflater.decompress_vec(&part[taken..], &mut self.bytes, FlushDecompress::None);
            taken += usize::try_from(self.inflater.total_in() - before).unwrap_or(usize::MAX);
            if self.bytes.len() > self.cap {
                self.bytes.truncate(self.cap);
                return Err(Stop::Full);
            }
            match status {
                Err(error) => return Err(Stop::Corrupt(error.to_string())),
                Ok(flate2::Status::StreamEnd) => {
                    self.end_member()?;
                    return Ok(taken);
                }
                // With room left, all that could be inflated was.
                Ok(_) if self.bytes.len() < self.bytes.capacity() => return Ok(taken),
                Ok(_) => {}
            }
        }
    }

    /// Makes room for at least one byte, also at the cap: what is longer must be noticed.
    fn reserve(&mut self) {
        let length = self.bytes.len();
        if length == self.bytes.capacity() {
            self.bytes.reserve_exact(length.max(MIN_CAPACITY).min(self.cap.saturating_add(1) - length));
            prefer_huge_pages(&self.bytes);
        }
    }

    fn end_member(&mut self) -> Result<(), Stop> {
        let cost = MIN_MEMBER.saturating_sub(self.bytes.len() - self.member_begin);
        self.raw_left = self.raw_left.checked_sub(cost).ok_or(Stop::Full)?;
        self.member_begin = self.bytes.len();
        self.members += 1;
        self.place = Place::After(0);
        self.inflater.reset(true);
        Ok(())
    }

    /// The end of the body: an incomplete member is an error.
    pub(super) fn end(&self) -> Result<(), Stop> {
        match self.place {
            Place::Member => Err(Stop::Corrupt("it ends within the compressed data".to_owned())),
            _ => Ok(()),
        }
    }
}
