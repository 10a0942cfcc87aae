//! Decoding a body into a table.

use std::fmt::Write as _;
use std::ops::ControlFlow;

use super::cell::{NONE, span};
use super::error::DecodeError;
use super::fault::{Fault, MAX_RECORD_BYTES, ParseResult, TooLarge};
use super::original::Original;
use super::record::Reader;
use super::scan::{byte, whitespace};
use super::schema::{Root, Schema};
use super::scratch::Scratch;
use super::skip::skip_value;
use super::table::{Reuse, Table};
use crate::platform::prefer_huge_pages;

/// Rows read before the total number of rows is estimated from their average length.
const SAMPLE: usize = 32;
/// So many times the rows that were read are reserved at most: the length of the body may only be claimed.
const MAX_GROWTH: u64 = 64;
/// The memory limit of a decoded answer: this many times the maximum body length, plus a constant.
const MEMORY_PER_BODY_BYTE: usize = 2;
const BASE_MEMORY: usize = 64 << 10;

/// Decodes `body`, a complete JSON text, into records of type `schema`.
///
/// The table owns the body's buffer. An error contains the start of the body as received.
#[cfg(any(fuzzing, test))]
pub(crate) fn decode(body: Vec<u8>, schema: &'static Schema, root: Root) -> Result<Table, DecodeError> {
    Decoder::new(schema, root, usize::MAX).finish(body, None)
}

/// Decodes a body incrementally, while it arrives.
pub(crate) struct Decoder {
    reader: Reader,
    cells: Vec<u64>,
    rows: usize,
    list: bool,
    /// The length of the whole body, as far as known.
    expected_len: usize,
    /// Upper bound for `expected_len`: a server may claim any length.
    max_body: usize,
    /// What is expected next, and its offset.
    expect: Expect,
    at: usize,
    /// The record being read.
    record: Option<PartialRecord>,
    /// A truncated value is retried once twice as much of it has arrived, so that decoding stays linear.
    retry_at: usize,
    fault: Option<Fault>,
}

/// The part of the body kept in an error: more than the error shows, and short enough to restore quickly.
pub(crate) const MAX_ERROR_BODY: usize = 128 << 10;

/// The part of the body that is read to describe an outermost value of the wrong type.
const MAX_ROOT_CHECK: usize = MAX_RECORD_BYTES;

#[derive(Clone, Copy)]
enum Expect {
    Outermost,
    RowOrEnd,
    Row,
    CommaOrEnd,
    End,
}

/// A record that is not complete yet.
#[derive(Clone, Copy)]
struct PartialRecord {
    start: usize,
    /// Whether its opening brace was read.
    is_begun: bool,
}

impl Decoder {
    /// For a body of at most `max_body` bytes. The decoded answer, including its C structs, uses at most
    /// [`MEMORY_PER_BODY_BYTE`] times as much memory, plus [`BASE_MEMORY`].
    pub(crate) fn new(schema: &'static Schema, root: Root, max_body: usize) -> Self {
        let list = root == Root::List;
        let limit = max_body.saturating_mul(MEMORY_PER_BODY_BYTE).saturating_add(BASE_MEMORY);
        Self {
            reader: Reader::new(schema, list, limit),
            cells: Vec::new(),
            rows: 0,
            list,
            expected_len: 0,
            max_body: max_body.min(u32::MAX as usize),
            expect: Expect::Outermost,
            at: 0,
            record: None,
            retry_at: 0,
            fault: None,
        }
    }

    /// Decodes the complete values in `body`, the part that has arrived so far. It must start with the previous part as this
    /// function left it. `expected_len` is the length of the whole body, as far as known. Breaks if the answer is too large.
    pub(crate) fn advance(&mut self, body: &mut [u8], expected_len: usize) -> ControlFlow<()> {
        self.read_part(body, expected_len);
        match &self.fault {
            Some(fault) if fault.is_too_large => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        }
    }

    /// Memory reserved besides the body, in bytes.
    #[cfg(test)]
    pub(super) fn reserved_bytes(&self) -> usize {
        let scratch = &self.reader.scratch;
        8 * (self.cells.capacity() + scratch.items.capacity())
            + scratch.deferred.capacity() * size_of::<super::scratch::DeferredError>()
            + scratch.original.memory()
    }

    fn read_part(&mut self, body: &mut [u8], expected_len: usize) {
        let is_usable = self.fault.is_none() && u32::try_from(body.len()).is_ok();
        if !is_usable || body.len() < self.retry_at {
            return;
        }
        if matches!(self.expect, Expect::Outermost) {
            self.at = whitespace(body, self.at);
            // A value of the wrong type is described once the body is complete, not again for every part.
            if byte(body, self.at) != (if self.list { b'[' } else { b'{' }) {
                return;
            }
        }
        self.expected_len = expected_len.min(self.max_body).max(body.len());
        match self.read(body) {
            // A value that ends with the part may be incomplete, such as a number.
            Err(fault) if fault.is_truncated() || (fault.validated >= body.len() && !fault.is_too_large) => {
                self.suspend(body);
            }
            Err(fault) => self.fault = Some(fault),
            Ok(()) => {}
        }
    }

    /// Decodes the rest of the complete body. Its buffer is passed to `reuse` when the table is dropped.
    pub(crate) fn finish(mut self, mut body: Vec<u8>, reuse: Option<Reuse>) -> Result<Table, DecodeError> {
        if u32::try_from(body.len()).is_err() {
            let reason = "longer than 4 GiB".into();
            return Err(DecodeError { path: String::new(), reason, is_too_large: true, offset: 0, body });
        }
        self.expected_len = body.len();
        let fault = self.fault.take().or_else(|| self.read(&mut body).err());
        let Some(fault) = fault else { return self.into_table(body, reuse) };
        let path = self.path(&fault);
        let shown = fault.validated.min(MAX_ERROR_BODY);
        self.reader.scratch.original.restore(&mut body[..shown], 0..shown);
        body.truncate(MAX_ERROR_BODY);
        let is_too_large = fault.is_too_large;
        Err(DecodeError { path, reason: fault.reason.to_string(), is_too_large, offset: fault.at, body })
    }

    fn read(&mut self, body: &mut [u8]) -> Result<(), Fault> {
        if let Some(record) = self.record {
            self.finish_row(body, record)?;
        }
        loop {
            self.at = whitespace(body, self.at);
            let byte = byte(body, self.at);
            match self.expect {
                Expect::Outermost if self.list && byte == b'[' => self.skip_byte(Expect::RowOrEnd),
                Expect::Outermost if !self.list && byte == b'{' => self.row(body)?,
                Expect::Outermost => return Err(self.wrong_root(body)),
                Expect::RowOrEnd if byte == b']' => self.skip_byte(Expect::End),
                Expect::RowOrEnd | Expect::Row => self.row(body)?,
                Expect::CommaOrEnd if byte == b',' => self.skip_byte(Expect::Row),
                Expect::CommaOrEnd if byte == b']' => self.skip_byte(Expect::End),
                Expect::CommaOrEnd => return Err(Fault::syntax(body, self.at, "expected ',' or ']'")),
                Expect::End if self.at < body.len() => {
                    return Err(Fault::new(self.at, "unexpected text after the end"));
                }
                Expect::End => return Ok(()),
            }
        }
    }

    #[inline]
    fn skip_byte(&mut self, expect: Expect) {
        self.at += 1;
        self.expect = expect;
    }

    /// The fault of an outermost value that is missing or of the wrong type.
    #[cold]
    fn wrong_root(&self, body: &[u8]) -> Fault {
        let expected = if self.list { "an array" } else { "an object" };
        let checked = &body[..body.len().min(self.at + MAX_ROOT_CHECK)];
        match skip_value(checked, self.at, 0) {
            Err(fault) if checked.len() < body.len() && fault.is_truncated() => {
                Fault::mismatch(body, self.at, checked.len(), expected).validated_to(self.at)
            }
            Err(fault) => fault,
            Ok(end) => Fault::mismatch(body, self.at, end, expected),
        }
    }

    /// Reads one record into a new row.
    #[inline]
    fn row(&mut self, body: &mut [u8]) -> Result<(), Fault> {
        if self.list && self.cells.len() == self.cells.capacity() {
            self.reserve(self.expected_len - self.at, self.at);
        }
        self.reader.scratch.row = self.rows;
        self.cells.resize(self.cells.len() + self.reader.schema.width(), NONE);
        self.finish_row(body, PartialRecord { start: self.at, is_begun: false })
    }

    /// Reads the rest of the record of the last row.
    #[inline]
    fn finish_row(&mut self, body: &mut [u8], record: PartialRecord) -> Result<(), Fault> {
        let start = record.start;
        self.record = Some(record);
        let end = body.len().min(start + MAX_RECORD_BYTES);
        let after = match self.read_record(&mut body[..end], record) {
            Err(fault) if end < body.len() && (fault.is_truncated() || fault.validated >= end) => {
                return Err(Fault::too_large(start, &TooLarge::Record).validated_to(fault.validated));
            }
            outcome => outcome?,
        };
        let base = self.cells.len() - self.reader.schema.width();
        self.cells[base] = span(start..after);
        self.reader.scratch.row_bytes += self.reader.schema.row_bytes();
        self.reader.scratch.check_limit(after)?;
        self.record = None;
        self.rows += 1;
        self.at = after;
        self.expect = if self.list { Expect::CommaOrEnd } else { Expect::End };
        Ok(())
    }

    #[inline]
    fn read_record(&mut self, body: &mut [u8], record: PartialRecord) -> ParseResult {
        if !record.is_begun {
            self.reader.begin(body, record.start)?;
            self.record = Some(PartialRecord { is_begun: true, ..record });
        }
        let base = self.cells.len() - self.reader.schema.width();
        self.reader.fields(body, record.start, &mut self.cells[base..])
    }

    /// Undoes the changes to an incomplete value.
    fn suspend(&mut self, body: &mut [u8]) {
        match self.record {
            Some(record) if record.is_begun => self.at = self.reader.resume.at,
            Some(_) => {
                self.record = None;
                self.cells.truncate(self.cells.len() - self.reader.schema.width());
            }
            None => return,
        }
        self.reader.scratch.original.restore(&mut body[self.at..], self.at..usize::MAX);
        self.reader.scratch.rewind_to(self.at);
        self.retry_at = body.len() + (body.len() - self.at);
    }

    /// Reserves rows for `left` more bytes, estimated from the `read` bytes before.
    fn reserve(&mut self, left: usize, read: usize) {
        let width = self.reader.schema.width();
        let rows = if self.rows < SAMPLE {
            SAMPLE.min(left / 2)
        } else {
            let estimate = (left as u64 * self.rows as u64 / read.max(1) as u64).min(self.rows as u64 * MAX_GROWTH);
            // At most as much memory as the rest of the body: short records may be followed by long ones.
            let max = left / (8 * width);
            usize::try_from(estimate + estimate / 32).unwrap_or(max).min(max)
        };
        let limit = self.reader.scratch.limit / self.reader.schema.row_bytes();
        self.cells.reserve((rows.min(limit) + 1) * width);
        prefer_huge_pages(&self.cells);
    }

    /// The path of the record and field of a fault.
    fn path(&self, fault: &Fault) -> String {
        let schema = self.reader.schema;
        let mut path = String::new();
        if self.record.is_none() {
            return path;
        }
        path.push_str(schema.name);
        if self.list {
            let _ = write!(path, "[{}]", self.rows);
        }
        if let Some(field) = fault.column.and_then(|column| schema.fields.get(column)) {
            path.push('.');
            path.push_str(field.name);
        }
        if let Some(item) = fault.item {
            let _ = write!(path, "[{item}]");
        }
        path
    }

    /// Builds the table. The body is valid except perhaps for its encoding.
    fn into_table(self, mut body: Vec<u8>, reuse: Option<Reuse>) -> Result<Table, DecodeError> {
        let Scratch { mut items, mut original, ignored, .. } = self.reader.scratch;
        original.write_terminators(&mut body);
        if simdutf8::basic::from_utf8(&body).is_err() {
            return Err(not_utf8(body, &original));
        }
        let mut cells = self.cells;
        if cells.capacity() - cells.len() > cells.len() / 8 {
            cells.shrink_to_fit();
        }
        items.shrink_to_fit();
        original.shrink_to_fit();
        Ok(Table::new(self.reader.schema, self.rows, body, cells, items, original, reuse).with_ignored(ignored))
    }
}

/// The encoding is checked last, so that a body truncated within a character is reported as truncated.
#[cold]
fn not_utf8(mut body: Vec<u8>, original: &Original) -> DecodeError {
    let place = simdutf8::compat::from_utf8(&body).map_or_else(|error| error.valid_up_to(), str::len);
    let offset = original.offset_of_invalid(place);
    body.truncate(MAX_ERROR_BODY);
    let shown = 0..body.len();
    original.restore(&mut body, shown);
    DecodeError { path: String::new(), reason: "not UTF-8".into(), is_too_large: false, offset, body }
}
