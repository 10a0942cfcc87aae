//! Decoding one record: keys, fields, and the check for required fields.

use super::cell::{INVALID, NONE, span};
use super::escape::{read_string, skip_string, unescapes_to};
use super::fault::{Fault, ParseResult};
use super::field::{Place, read};
use super::key_predictor::{KeyPosition, KeyPredictor};
use super::scan::{byte, whitespace};
use super::schema::{Kind, Schema};
use super::scratch::{DeferredError, Scratch};
use super::skip::{colon, key, skip_value};

/// Reads the records of one answer.
pub(super) struct Reader {
    pub(super) schema: &'static Schema,
    /// The required columns and their cells.
    required: Vec<(usize, usize)>,
    /// The nesting depth inside a record: the record, and the array around it.
    depth: u32,
    predictor: KeyPredictor,
    /// Where to resume the current record: after its last complete value.
    pub(super) resume: Resume,
    pub(super) scratch: Scratch,
}

/// A position in a record.
#[derive(Clone, Copy)]
pub(super) struct Resume {
    pub(super) at: usize,
    position: KeyPosition,
}

impl Reader {
    pub(super) fn new(schema: &'static Schema, is_list: bool, limit: usize) -> Self {
        let columns = 0..schema.fields.len();
        let required = columns.filter(|column| schema.fields[*column].kind == Kind::Id);
        Self {
            schema,
            required: required.map(|column| (column, schema.slot(column))).collect(),
            depth: if is_list { 2 } else { 1 },
            predictor: KeyPredictor::new(!is_list),
            resume: Resume { at: 0, position: KeyPosition::START },
            scratch: Scratch::new(limit),
        }
    }

    /// Reads the opening brace of the object at `start`.
    pub(super) fn begin(&mut self, body: &[u8], start: usize) -> Result<(), Fault> {
        if byte(body, start) != b'{' {
            let after = skip_value(body, start, self.depth - 1)?;
            return Err(Fault::mismatch(body, start, after, "an object"));
        }
        self.resume = Resume { at: start + 1, position: KeyPosition::START };
        Ok(())
    }

    /// Reads the rest of the object that starts at `start` into `row`. Returns the offset after it.
    pub(super) fn fields(&mut self, body: &mut [u8], start: usize, row: &mut [u64]) -> ParseResult {
        let mut resume = self.resume;
        let outcome = self.fields_from(&mut resume, body, start, row);
        if outcome.is_err() {
            self.resume = resume;
        }
        outcome
    }

    /// Keeps the resume position in registers.
    #[inline]
    fn fields_from(&mut self, resume: &mut Resume, body: &mut [u8], start: usize, row: &mut [u64]) -> ParseResult {
        let Resume { mut at, mut position } = *resume;
        loop {
            // A value that ends with the body may be incomplete, such as a number.
            if at < body.len() {
                *resume = Resume { at, position };
            }
            let column;
            if let Some((value, separator)) = self.predictor.predict(body, at, position) {
                (at, position) = (value, separator.position);
                // Fast path for text fields and unknown strings.
                if byte(body, at) == b'"' {
                    if separator.text_slot != 0 {
                        let kept = read_string(body, &mut self.scratch.original, at + 1);
                        let (end, after) = kept.map_err(|fault| fault.in_optional_column(separator.column))?;
                        row[usize::from(separator.text_slot)] = span(at + 1..end);
                        at = after;
                        continue;
                    }
                    if separator.column.is_none() {
                        at = skip_string(body, at + 1)?;
                        continue;
                    }
                }
                column = separator.column.map(usize::from);
            } else {
                match self.next_key(body, at, position)? {
                    NextKey::Value(value, found, next) => (at, column, position) = (value, found, next),
                    NextKey::End(end) => {
                        at = end;
                        break;
                    }
                }
            }
            at = match column {
                Some(column) => self.field(body, at, column, row).map_err(|fault| fault.in_column(column))?,
                None => skip_value(body, at, self.depth)?,
            };
        }
        self.check(body, row, start, at)?;
        Ok(at)
    }

    #[inline]
    fn field(&mut self, body: &mut [u8], at: usize, column: usize, row: &mut [u64]) -> ParseResult {
        let kind = self.schema.fields[column].kind;
        let cells = &mut row[self.schema.slot(column)..];
        let depth = self.depth;
        read(body, at, kind, cells, Place { column, depth }, &mut self.scratch)
    }

    /// Reads from the end of a value, at `from`, to the start of the next one.
    fn next_key(&mut self, body: &[u8], from: usize, position: KeyPosition) -> Result<NextKey, Fault> {
        let first = position == KeyPosition::START;
        let mut at = whitespace(body, from);
        match byte(body, at) {
            b'}' => return Ok(NextKey::End(at + 1)),
            b',' if !first => at = whitespace(body, at + 1),
            _ if first => {}
            _ => return Err(Fault::syntax(body, at, "expected ',' or '}'")),
        }
        let end = key(body, at)?;
        let column = self.column(&body[at + 1..end - 1]);
        let value = colon(body, end)?;
        let position = self.predictor.learn(self.schema, position, &body[from..value], column);
        Ok(NextKey::Value(value, column, position))
    }

    /// The column of a key, which may contain escapes.
    fn column(&self, raw: &[u8]) -> Option<usize> {
        let first = raw.first();
        let matches = |name: &[u8]| name.len() == raw.len() && name.first() == first && name == raw;
        let plain = self.schema.fields.iter().position(|field| matches(field.name.as_bytes()));
        if plain.is_none() && memchr::memchr(b'\\', raw).is_some() {
            return self.schema.fields.iter().position(|field| unescapes_to(raw, field.name));
        }
        plain
    }

    /// Fails if a required field is missing or a conversion error was deferred in the record from `start` to `end`.
    #[inline]
    fn check(&mut self, body: &[u8], row: &[u64], start: usize, end: usize) -> Result<(), Fault> {
        for (column, slot) in &self.required {
            if row[*slot] == NONE {
                return Err(missing(start, end, *column));
            }
        }
        if self.scratch.deferred.is_empty() { Ok(()) } else { self.check_deferred(body, row, end) }
    }

    /// Returns the first deferred error whose key has no valid later duplicate.
    #[cold]
    fn check_deferred(&mut self, body: &[u8], row: &[u64], end: usize) -> Result<(), Fault> {
        let is_invalid = |error: &&DeferredError| row[self.schema.slot(error.column)] == INVALID;
        if let Some(error) = self.scratch.deferred.iter().filter(is_invalid).min_by_key(|error| error.at) {
            return Err(error.to_fault(body).validated_to(end));
        }
        self.scratch.deferred.clear();
        Ok(())
    }
}

/// What follows a value in an object.
enum NextKey {
    /// A value: its offset, its column, and the key position.
    Value(usize, Option<usize>, KeyPosition),
    /// The end of the object: the offset after it.
    End(usize),
}

#[cold]
fn missing(start: usize, end: usize, column: usize) -> Fault {
    Fault::new(start, "a required field is missing").in_column(column).validated_to(end)
}
