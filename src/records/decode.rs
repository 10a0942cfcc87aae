//! From a body to a table.

use std::fmt::Write as _;

use super::cell::{NONE, span};
use super::error::DecodeError;
use super::fault::{Fault, Step};
use super::field::Gathered;
use super::original::Original;
use super::record::Reader;
use super::scan::{byte, whitespace};
use super::schema::{Root, Schema};
use super::skip::skip_value;
use super::table::Table;

/// How many rows are read before their average length is trusted for an estimate of how many there will be.
const SAMPLE: usize = 32;

/// Decodes `body`, a whole JSON text, into records of type `schema`.
///
/// The table keeps the body's buffer. On error the body is given back as it was.
pub(crate) fn decode(mut body: Vec<u8>, schema: &'static Schema, root: Root) -> Result<Table, DecodeError> {
    if u32::try_from(body.len()).is_err() {
        return Err(DecodeError { path: String::new(), reason: "longer than 4 GiB".into(), offset: 0, body });
    }
    let mut document = Document::new(schema, root);
    if let Err(fault) = document.read(&mut body, root) {
        let path = document.path(&fault);
        let original = document.reader.gathered.original;
        original.undo(&mut body[..fault.seen], 0..fault.seen);
        return Err(DecodeError { path, reason: fault.reason.to_string(), offset: fault.at, body });
    }
    document.finish(body)
}

/// A body while it is read.
struct Document {
    reader: Reader,
    cells: Vec<u64>,
    rows: usize,
    /// Whether a record is being read just now.
    inside: bool,
    list: bool,
}

impl Document {
    fn new(schema: &'static Schema, root: Root) -> Self {
        let list = root == Root::List;
        Self { reader: Reader::new(schema, if list { 2 } else { 1 }), cells: Vec::new(), rows: 0, inside: false, list }
    }

    fn read(&mut self, body: &mut [u8], root: Root) -> Result<(), Fault> {
        let start = whitespace(body, 0);
        let after = match (root, byte(body, start)) {
            (Root::List, b'[') => self.list(body, start)?,
            (Root::Object, b'{') => self.row(body, start)?,
            _ => {
                let end = skip_value(body, start, 0)?;
                let expected = if self.list { "a list" } else { "an object" };
                return Err(Fault::mismatch(body, start, end, expected));
            }
        };
        let end = whitespace(body, after);
        if end < body.len() {
            return Err(Fault::new(end, "more text after the end"));
        }
        Ok(())
    }

    fn list(&mut self, body: &mut [u8], at: usize) -> Step {
        let start = at;
        let mut at = whitespace(body, at + 1);
        if byte(body, at) == b']' {
            return Ok(at + 1);
        }
        loop {
            if self.cells.len() == self.cells.capacity() {
                self.reserve(body.len() - at, at - start);
            }
            at = self.row(body, at)?;
            at = whitespace(body, at);
            match byte(body, at) {
                b',' => at = whitespace(body, at + 1),
                b']' => return Ok(at + 1),
                _ => return Err(Fault::syntax(body, at, "expected ',' or ']'")),
            }
        }
    }

    /// Reads one record into a new row.
    #[inline]
    fn row(&mut self, body: &mut [u8], at: usize) -> Step {
        let base = self.cells.len();
        self.cells.resize(base + self.reader.schema.width(), NONE);
        self.inside = true;
        let row = &mut self.cells[base..];
        let after = self.reader.record(body, at, row)?;
        row[0] = span(at..after);
        self.inside = false;
        self.rows += 1;
        Ok(after)
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
        self.cells.reserve((rows + 1) * width);
    }

    /// The record and field that a fault lies in.
    fn path(&self, fault: &Fault) -> String {
        let schema = self.reader.schema;
        let mut path = String::new();
        if !self.inside {
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
    fn finish(self, mut body: Vec<u8>) -> Result<Table, DecodeError> {
        let Gathered { mut items, mut original, .. } = self.reader.gathered;
        original.cut(&mut body);
        match String::from_utf8(body) {
            Ok(text) => {
                let mut cells = self.cells;
                if cells.capacity() - cells.len() > cells.len() / 8 {
                    cells.shrink_to_fit();
                }
                items.shrink_to_fit();
                original.shrink();
                Ok(Table::new(self.reader.schema, self.rows, text, cells, items, original))
            }
            Err(error) => Err(not_utf8(error.into_bytes(), &original)),
        }
    }
}

/// The encoding is checked last, when all that a single pass over the bytes can find has been found: so the error that
/// is given is that the text ends early even where it ends amid a character, and texts are borrowed without a check.
#[cold]
fn not_utf8(mut body: Vec<u8>, original: &Original) -> DecodeError {
    let all = 0..body.len();
    original.undo(&mut body, all);
    let offset = std::str::from_utf8(&body).map_or_else(|error| error.valid_up_to(), str::len);
    DecodeError { path: String::new(), reason: "not UTF-8".into(), offset, body }
}
