//! One record: an object's keys, its fields, and whether all that must be there is.

use super::cell::{INVALID, NONE, span};
use super::escape::{keep_string, reads, skip_string};
use super::fault::{Fault, Step};
use super::field::{Gathered, Pending, Place, read};
use super::scan::{byte, whitespace};
use super::schema::{Kind, Schema};
use super::shape::{After, Shape};
use super::skip::{colon, key, skip_value};

/// Reads records of one type one after another.
pub(super) struct Reader {
    pub(super) schema: &'static Schema,
    /// The columns that must be there, and where their cells are.
    required: Vec<(usize, usize)>,
    /// How many lists and objects are open inside a record: the record itself, and the list around it.
    depth: u32,
    shape: Shape,
    /// Where the record that is being read can be gone on with: behind its last value that is known to be complete.
    pub(super) resume: Resume,
    pub(super) gathered: Gathered,
}

/// A place within a record.
#[derive(Clone, Copy)]
pub(super) struct Resume {
    pub(super) at: usize,
    place: After,
}

impl Reader {
    pub(super) fn new(schema: &'static Schema, is_list: bool, limit: usize) -> Self {
        let columns = 0..schema.fields.len();
        let required = columns.filter(|column| schema.fields[*column].kind == Kind::Id);
        Self {
            schema,
            required: required.map(|column| (column, schema.slot(column))).collect(),
            depth: if is_list { 2 } else { 1 },
            shape: Shape::new(!is_list),
            resume: Resume { at: 0, place: After::START },
            gathered: Gathered::new(limit),
        }
    }

    /// Reads the beginning of the object at `start`.
    pub(super) fn begin(&mut self, body: &[u8], start: usize) -> Result<(), Fault> {
        if byte(body, start) != b'{' {
            let after = skip_value(body, start, self.depth - 1)?;
            return Err(Fault::mismatch(body, start, after, "an object"));
        }
        self.resume = Resume { at: start + 1, place: After::START };
        Ok(())
    }

    /// Reads what is left of the object that began at `start` into `row`; gives the offset after it.
    pub(super) fn fields(&mut self, body: &mut [u8], start: usize, row: &mut [u64]) -> Step {
        let mut resume = self.resume;
        let outcome = self.fields_from(&mut resume, body, start, row);
        if outcome.is_err() {
            self.resume = resume;
        }
        outcome
    }

    /// The same, with the place to go on from in registers.
    #[inline]
    fn fields_from(&mut self, resume: &mut Resume, body: &mut [u8], start: usize, row: &mut [u64]) -> Step {
        let Resume { mut at, mut place } = *resume;
        loop {
            // What ends with the text may go on, as numbers do.
            if at < body.len() {
                *resume = Resume { at, place };
            }
            let column;
            if let Some((value, separator)) = self.shape.follow(body, at, place) {
                (at, place) = (value, separator.place);
                // Most of what there is, and what nobody wants, in a few instructions.
                if byte(body, at) == b'"' {
                    if separator.text != 0 {
                        let kept = keep_string(body, &mut self.gathered.original, at + 1);
                        let (end, after) = kept.map_err(|fault| fault.in_column_of(separator.column))?;
                        row[usize::from(separator.text)] = span(at + 1..end);
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
                match self.next_key(body, at, place)? {
                    Next::Value(value, found, next) => (at, column, place) = (value, found, next),
                    Next::End(end) => {
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
    fn field(&mut self, body: &mut [u8], at: usize, column: usize, row: &mut [u64]) -> Step {
        let kind = self.schema.fields[column].kind;
        let cells = &mut row[self.schema.slot(column)..];
        let depth = self.depth;
        read(body, at, kind, cells, Place { column, depth }, &mut self.gathered)
    }

    /// Reads what stands between the value that ends at `from` and the next one.
    fn next_key(&mut self, body: &[u8], from: usize, place: After) -> Result<Next, Fault> {
        let first = place == After::START;
        let mut at = whitespace(body, from);
        match byte(body, at) {
            b'}' => return Ok(Next::End(at + 1)),
            b',' if !first => at = whitespace(body, at + 1),
            _ if first => {}
            _ => return Err(Fault::syntax(body, at, "expected ',' or '}'")),
        }
        let end = key(body, at)?;
        let column = self.column(&body[at + 1..end - 1]);
        let value = colon(body, end)?;
        let place = self.shape.learn(self.schema, place, &body[from..value], column);
        Ok(Next::Value(value, column, place))
    }

    /// The column of a key, which may have escapes.
    fn column(&self, raw: &[u8]) -> Option<usize> {
        let first = raw.first();
        let is_it = |name: &[u8]| name.len() == raw.len() && name.first() == first && name == raw;
        let plain = self.schema.fields.iter().position(|field| is_it(field.name.as_bytes()));
        if plain.is_none() && raw.contains(&b'\\') {
            return self.schema.fields.iter().position(|field| reads(raw, field.name));
        }
        plain
    }

    /// Complains about what is missing or could not be converted in the record from `start` to `end`.
    #[inline]
    fn check(&mut self, body: &[u8], row: &[u64], start: usize, end: usize) -> Result<(), Fault> {
        for (column, slot) in &self.required {
            if row[*slot] == NONE {
                return Err(missing(start, end, *column));
            }
        }
        if self.gathered.pending.is_empty() { Ok(()) } else { self.settle(body, row, end) }
    }

    /// The first pending complaint that no later duplicate of the key has settled.
    #[cold]
    fn settle(&mut self, body: &[u8], row: &[u64], end: usize) -> Result<(), Fault> {
        let counts = |pending: &&Pending| row[self.schema.slot(pending.column)] == INVALID;
        if let Some(pending) = self.gathered.pending.iter().filter(counts).min_by_key(|pending| pending.at) {
            return Err(pending.to_fault(body).seen_to(end));
        }
        self.gathered.pending.clear();
        Ok(())
    }
}

/// What follows a value in an object.
enum Next {
    /// Another value: where it begins, its column, and the place in the order of keys.
    Value(usize, Option<usize>, After),
    /// Nothing: the offset after the object.
    End(usize),
}

#[cold]
fn missing(start: usize, end: usize, column: usize) -> Fault {
    Fault::new(start, "a required field is missing").in_column(column).seen_to(end)
}
