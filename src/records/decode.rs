//! From a body to a table.

use std::fmt::Write as _;
use std::ops::ControlFlow;

use super::cell::{NONE, span};
use super::error::DecodeError;
use super::fault::{Fault, MAX_RECORD_BYTES, Step, TooLarge};
use super::field::Gathered;
use super::original::Original;
use super::record::Reader;
use super::scan::{byte, whitespace};
use super::schema::{Root, Schema};
use super::skip::skip_value;
use super::table::{Reuse, Table};

/// How many rows are read before their average length is trusted for an estimate of how many there will be.
const SAMPLE: usize = 32;
/// What is made of a body may take this many times as much as the body may at most, and a little more.
const KEPT_PER_BODY: usize = 2;
const KEPT_ALWAYS: usize = 64 << 10;

/// Decodes `body`, a whole JSON text, into records of type `schema`.
///
/// The table keeps the body's buffer. On error the body's beginning is given back as it was.
#[cfg(any(fuzzing, test))]
pub(crate) fn decode(body: Vec<u8>, schema: &'static Schema, root: Root) -> Result<Table, DecodeError> {
    Decoder::new(schema, root, usize::MAX).finish(body, None)
}

/// Decodes a body, while it arrives if there is time for it then.
pub(crate) struct Decoder {
    reader: Reader,
    cells: Vec<u64>,
    rows: usize,
    list: bool,
    /// How long the body is, as far as is known.
    whole: usize,
    /// A server may claim any length; this is the longest that is believed.
    max_body: usize,
    /// What comes next, and where.
    next: Next,
    at: usize,
    /// The record that is being read just now, if one is.
    record: Option<Open>,
    /// A value that was cut off is read again when there is twice as much of it: its beginning is not read too often.
    not_until: usize,
    fault: Option<Fault>,
}

/// So much of the body is given back with an error: more than the error shows, and little enough to be restored at once.
pub(crate) const MAX_SHOWN: usize = 128 << 10;

/// The longest answer whose outermost whitespace or value is looked at to say what is wrong with it.
const MAX_JUDGED: usize = MAX_RECORD_BYTES;

#[derive(Clone, Copy)]
enum Next {
    Outermost,
    RowOrEnd,
    Row,
    CommaOrEnd,
    Nothing,
}

/// A record whose end was not read yet.
#[derive(Clone, Copy)]
struct Open {
    start: usize,
    /// Whether its brace was read.
    is_begun: bool,
}

impl Decoder {
    /// For a body of at most `max_body` bytes. What is made of it, the C structs included, takes at most
    /// [`KEPT_PER_BODY`] times as much.
    pub(crate) fn new(schema: &'static Schema, root: Root, max_body: usize) -> Self {
        let list = root == Root::List;
        let limit = max_body.saturating_mul(KEPT_PER_BODY).saturating_add(KEPT_ALWAYS);
        Self {
            reader: Reader::new(schema, list, limit),
            cells: Vec::new(),
            rows: 0,
            list,
            whole: 0,
            max_body: max_body.min(u32::MAX as usize),
            next: Next::Outermost,
            at: 0,
            record: None,
            not_until: 0,
            fault: None,
        }
    }

    /// Reads what is complete in the part of a body that is there by now; `whole` is how long it will be, as far as that is
    /// known. Every part begins with what was there before, as this left it. Breaks when the answer is too large already.
    pub(crate) fn advance(&mut self, body: &mut [u8], whole: usize) -> ControlFlow<()> {
        self.read_part(body, whole);
        match &self.fault {
            Some(fault) if fault.is_too_large => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        }
    }

    /// How much memory it holds besides the body.
    #[cfg(test)]
    pub(super) fn reserved_bytes(&self) -> usize {
        let gathered = &self.reader.gathered;
        8 * (self.cells.capacity() + gathered.items.capacity())
            + gathered.pending.capacity() * size_of::<super::field::Pending>()
            + gathered.original.bytes()
    }

    fn read_part(&mut self, body: &mut [u8], whole: usize) {
        let is_usable = self.fault.is_none() && u32::try_from(body.len()).is_ok();
        if !is_usable || body.len() < self.not_until {
            return;
        }
        if matches!(self.next, Next::Outermost) {
            self.at = whitespace(body, self.at);
            // What is of the wrong kind is judged when it is whole: it would be passed over again with every part.
            if byte(body, self.at) != (if self.list { b'[' } else { b'{' }) {
                return;
            }
        }
        self.whole = whole.min(self.max_body).max(body.len());
        match self.read(body) {
            // What seems to end with the part may go on, as numbers do.
            Err(fault) if fault.is_early_end() || (fault.seen >= body.len() && !fault.is_too_large) => {
                self.suspend(body);
            }
            Err(fault) => self.fault = Some(fault),
            Ok(()) => {}
        }
    }

    /// Reads what is left of the body, which is complete now. Its buffer goes to `reuse` when the table is dropped.
    pub(crate) fn finish(mut self, mut body: Vec<u8>, reuse: Option<Reuse>) -> Result<Table, DecodeError> {
        if u32::try_from(body.len()).is_err() {
            let reason = "longer than 4 GiB".into();
            return Err(DecodeError { path: String::new(), reason, is_too_large: true, offset: 0, body });
        }
        self.whole = body.len();
        let fault = self.fault.take().or_else(|| self.read(&mut body).err());
        let Some(fault) = fault else { return self.into_table(body, reuse) };
        let path = self.path(&fault);
        let shown = fault.seen.min(MAX_SHOWN);
        self.reader.gathered.original.undo(&mut body[..shown], 0..shown);
        body.truncate(MAX_SHOWN);
        let is_too_large = fault.is_too_large;
        Err(DecodeError { path, reason: fault.reason.to_string(), is_too_large, offset: fault.at, body })
    }

    fn read(&mut self, body: &mut [u8]) -> Result<(), Fault> {
        if let Some(record) = self.record {
            self.rest_of_row(body, record)?;
        }
        loop {
            self.at = whitespace(body, self.at);
            let byte = byte(body, self.at);
            match self.next {
                Next::Outermost if self.list && byte == b'[' => self.pass(Next::RowOrEnd),
                Next::Outermost if !self.list && byte == b'{' => self.row(body)?,
                Next::Outermost => return Err(self.wrong_root(body)),
                Next::RowOrEnd if byte == b']' => self.pass(Next::Nothing),
                Next::RowOrEnd | Next::Row => self.row(body)?,
                Next::CommaOrEnd if byte == b',' => self.pass(Next::Row),
                Next::CommaOrEnd if byte == b']' => self.pass(Next::Nothing),
                Next::CommaOrEnd => return Err(Fault::syntax(body, self.at, "expected ',' or ']'")),
                Next::Nothing if self.at < body.len() => return Err(Fault::new(self.at, "more text after the end")),
                Next::Nothing => return Ok(()),
            }
        }
    }

    #[inline]
    fn pass(&mut self, next: Next) {
        self.at += 1;
        self.next = next;
    }

    /// What is wrong with an answer whose outermost value is of the wrong kind, or is none.
    #[cold]
    fn wrong_root(&self, body: &[u8]) -> Fault {
        let expected = if self.list { "a list" } else { "an object" };
        let judged = &body[..body.len().min(self.at + MAX_JUDGED)];
        match skip_value(judged, self.at, 0) {
            Err(fault) if judged.len() < body.len() && fault.is_early_end() => {
                Fault::mismatch(body, self.at, judged.len(), expected).seen_to(self.at)
            }
            Err(fault) => fault,
            Ok(end) => Fault::mismatch(body, self.at, end, expected),
        }
    }

    /// Reads one record into a new row.
    #[inline]
    fn row(&mut self, body: &mut [u8]) -> Result<(), Fault> {
        if self.list && self.cells.len() == self.cells.capacity() {
            self.reserve(self.whole - self.at, self.at);
        }
        self.reader.gathered.row = self.rows;
        self.cells.resize(self.cells.len() + self.reader.schema.width(), NONE);
        self.rest_of_row(body, Open { start: self.at, is_begun: false })
    }

    /// Reads what is left of the record whose row is the last one.
    #[inline]
    fn rest_of_row(&mut self, body: &mut [u8], record: Open) -> Result<(), Fault> {
        let start = record.start;
        self.record = Some(record);
        let end = body.len().min(start + MAX_RECORD_BYTES);
        let after = match self.read_record(&mut body[..end], record) {
            Err(fault) if end < body.len() && (fault.is_early_end() || fault.seen >= end) => {
                return Err(Fault::too_large(start, &TooLarge::Record).seen_to(fault.seen));
            }
            outcome => outcome?,
        };
        let base = self.cells.len() - self.reader.schema.width();
        self.cells[base] = span(start..after);
        self.reader.gathered.row_bytes += self.reader.schema.row_bytes();
        self.reader.gathered.check(after)?;
        self.record = None;
        self.rows += 1;
        self.at = after;
        self.next = if self.list { Next::CommaOrEnd } else { Next::Nothing };
        Ok(())
    }

    #[inline]
    fn read_record(&mut self, body: &mut [u8], record: Open) -> Step {
        if !record.is_begun {
            self.reader.begin(body, record.start)?;
            self.record = Some(Open { is_begun: true, ..record });
        }
        let base = self.cells.len() - self.reader.schema.width();
        self.reader.fields(body, record.start, &mut self.cells[base..])
    }

    /// Takes back what was done to a value whose end is not there yet.
    fn suspend(&mut self, body: &mut [u8]) {
        match self.record {
            Some(record) if record.is_begun => self.at = self.reader.resume.at,
            Some(_) => {
                self.record = None;
                self.cells.truncate(self.cells.len() - self.reader.schema.width());
            }
            None => return,
        }
        self.reader.gathered.original.undo(&mut body[self.at..], self.at..usize::MAX);
        self.reader.gathered.back_to(self.at);
        self.not_until = body.len() + (body.len() - self.at);
    }

    /// Makes room for the rows that `left` more bytes will have if they are like the `read` ones before.
    fn reserve(&mut self, left: usize, read: usize) {
        let width = self.reader.schema.width();
        let rows = if self.rows < SAMPLE {
            SAMPLE.min(left / 2)
        } else {
            let estimate = left as u64 * self.rows as u64 / read.max(1) as u64;
            // Never more memory than what is left of the text: short records may be followed by long ones.
            let most = left / (8 * width);
            usize::try_from(estimate + estimate / 32).unwrap_or(most).min(most)
        };
        let limit = self.reader.gathered.limit / self.reader.schema.row_bytes();
        self.cells.reserve((rows.min(limit) + 1) * width);
    }

    /// The record and field that a fault lies in.
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

    /// Makes the table, now that the whole body is known to be sound but for its encoding.
    fn into_table(self, mut body: Vec<u8>, reuse: Option<Reuse>) -> Result<Table, DecodeError> {
        let Gathered { mut items, mut original, odd, .. } = self.reader.gathered;
        original.cut(&mut body);
        if simdutf8::basic::from_utf8(&body).is_err() {
            return Err(not_utf8(body, &original));
        }
        let mut cells = self.cells;
        if cells.capacity() - cells.len() > cells.len() / 8 {
            cells.shrink_to_fit();
        }
        items.shrink_to_fit();
        original.shrink();
        Ok(Table::new(self.reader.schema, self.rows, body, cells, items, original, reuse).with_odd(odd))
    }
}

/// The encoding is checked last, when all that a single pass over the bytes can find has been found: so the error that
/// is given is that the text ends early even where it ends amid a character, and texts are borrowed without a check.
#[cold]
fn not_utf8(mut body: Vec<u8>, original: &Original) -> DecodeError {
    let place = simdutf8::compat::from_utf8(&body).map_or_else(|error| error.valid_up_to(), str::len);
    let offset = original.offset_of_invalid(place);
    body.truncate(MAX_SHOWN);
    let shown = 0..body.len();
    original.undo(&mut body, shown);
    DecodeError { path: String::new(), reason: "not UTF-8".into(), is_too_large: false, offset, body }
}
