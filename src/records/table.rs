//! Decoded records: rows of cells that point into the body.

use std::fmt;
use std::mem;
use std::ops::Range;
use std::ptr;
use std::sync::OnceLock;

use super::cell::{NO_TIME, PRESENT, range, to_int};
use super::original::Original;
use super::schema::{Kind, Schema};
use super::scratch::IgnoredSpan;

/// The records of one answer. Immutable and thread-safe.
///
/// Columns are indexes into the schema's fields. A column of another kind, an unknown row or column, null and absent all read
/// as `None`.
pub struct Table {
    schema: &'static Schema,
    rows: usize,
    /// The body with its strings unescaped and NUL-terminated. UTF-8.
    text: Vec<u8>,
    cells: Vec<u64>,
    items: Vec<u64>,
    original: Original,
    json: OnceLock<Vec<u8>>,
    ignored: Vec<IgnoredSpan>,
    reuse: Option<Reuse>,
}

/// A value that reads as absent because it could not be converted.
pub(crate) struct IgnoredValue<'a> {
    pub(crate) row: usize,
    pub(crate) id: &'a str,
    pub(crate) field: &'static str,
}

/// Receives a buffer that is no longer needed.
pub(crate) type Reuse = Box<dyn Fn(Vec<u8>) + Send + Sync>;

impl Table {
    pub(super) fn new(
        schema: &'static Schema,
        rows: usize,
        text: Vec<u8>,
        cells: Vec<u64>,
        items: Vec<u64>,
        original: Original,
        reuse: Option<Reuse>,
    ) -> Self {
        Self { schema, rows, text, cells, items, original, json: OnceLock::new(), ignored: Vec::new(), reuse }
    }

    pub(super) fn with_ignored(mut self, ignored: Vec<IgnoredSpan>) -> Self {
        self.ignored = ignored;
        self
    }

    /// The first values that read as absent because they could not be converted, with the first `limit` bytes of their JSON.
    pub(crate) fn ignored_values(&self, limit: usize) -> impl Iterator<Item = (IgnoredValue<'_>, Vec<u8>)> {
        // A later duplicate of the key may be valid.
        let is_absent = |ignored: &&IgnoredSpan| {
            self.int(ignored.row, ignored.column).is_none()
                && self.boolean(ignored.row, ignored.column).is_none()
                && self.time_us(ignored.row, ignored.column).is_none()
        };
        self.ignored.iter().filter(is_absent).map(move |ignored| {
            let mut json = Vec::new();
            let Range { start, end } = ignored.place;
            self.original.copy_original(&self.text, start..end.min(start.saturating_add(limit)), &mut json);
            let field = self.schema.fields.get(ignored.column).map_or("", |field| field.name);
            (IgnoredValue { row: ignored.row, id: self.text(ignored.row, 0).unwrap_or_default(), field }, json)
        })
    }

    /// An empty table, whose JSON is `[]`: for an answer without a body where an array was expected.
    pub fn empty(schema: &'static Schema) -> Self {
        let original = Original::default();
        Self::new(schema, 0, b"[]".to_vec(), Vec::new(), Vec::new(), original, None)
    }

    /// Memory used besides text and rows, in bytes.
    #[cfg(test)]
    pub(super) fn scratch_bytes(&self) -> usize {
        self.items.len() * size_of::<u64>() + self.original.memory()
    }

    /// The record type.
    pub fn schema(&self) -> &'static Schema {
        self.schema
    }

    /// The number of records.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether the table is empty.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// The text of an `Id`, `Text`, `Word`, `Time` or `Object` field. An object is JSON.
    pub fn text(&self, row: usize, column: usize) -> Option<&str> {
        self.str_at(self.record(row)?.text_range(column)?)
    }

    /// As [`Table::text`], including the terminating NUL.
    pub fn text_with_nul(&self, row: usize, column: usize) -> Option<&[u8]> {
        self.record(row)?.text_with_nul(column)
    }

    /// The value of an `Int` field.
    pub fn int(&self, row: usize, column: usize) -> Option<i64> {
        self.record(row)?.int(column)
    }

    /// The value of a `Bool` field.
    pub fn boolean(&self, row: usize, column: usize) -> Option<bool> {
        self.record(row)?.boolean(column)
    }

    /// The value of a `Time` field in Unix microseconds.
    pub fn time_us(&self, row: usize, column: usize) -> Option<i64> {
        self.record(row)?.time_us(column)
    }

    /// The number of strings in a `TextList` field.
    pub fn list_len(&self, row: usize, column: usize) -> usize {
        self.record(row).map_or(0, |record| record.list_len(column))
    }

    /// One string of a `TextList` field.
    pub fn list_item(&self, row: usize, column: usize, item: usize) -> Option<&str> {
        self.str_at(range(*self.record(row)?.list(column).get(item)?)?)
    }

    /// As [`Table::list_item`], including the terminating NUL.
    pub fn list_item_with_nul(&self, row: usize, column: usize, item: usize) -> Option<&[u8]> {
        self.with_nul(range(*self.record(row)?.list(column).get(item)?)?)
    }

    /// One record.
    pub(crate) fn record(&self, row: usize) -> Option<Record<'_>> {
        Some(Record { table: self, cells: self.row(row)? })
    }

    /// The answer byte for byte as the server sent it. Restored on first use, then cached.
    pub fn json(&self) -> &[u8] {
        let json = self.json_with_nul();
        &json[..json.len() - 1]
    }

    /// As [`Table::json`], including a terminating NUL.
    pub fn json_with_nul(&self) -> &[u8] {
        self.json.get_or_init(|| {
            let mut json = Vec::with_capacity(self.text.len() + 1);
            let all = 0..self.text.len();
            self.original.copy_original(&self.text, all, &mut json);
            json.push(0);
            json
        })
    }

    /// The span of a record in the answer; empty for an unknown row.
    pub fn element_range(&self, row: usize) -> Range<usize> {
        let place = self.row(row).and_then(|cells| range(*cells.first()?));
        place.unwrap_or_default()
    }

    /// The JSON of a record as the server sent it; empty for an unknown row.
    pub fn element_json(&self, row: usize) -> &[u8] {
        &self.json()[self.element_range(row)]
    }

    /// Appends the JSON of a record to `out`, without restoring the whole answer.
    pub fn copy_element_json(&self, row: usize, out: &mut Vec<u8>) {
        let range = self.element_range(row);
        self.original.copy_original(&self.text, range, out);
    }

    fn row(&self, row: usize) -> Option<&[u64]> {
        let width = self.schema.width();
        let start = row.checked_mul(width)?;
        self.cells.get(start..start.checked_add(width)?)
    }

    /// The buffer is UTF-8, but only a check proves that to the compiler.
    fn str_at(&self, text: Range<usize>) -> Option<&str> {
        std::str::from_utf8(self.text.get(text)?).ok()
    }

    fn with_nul(&self, text: Range<usize>) -> Option<&[u8]> {
        self.text.get(text.start..=text.end)
    }
}

/// Omits the contents of the records.
impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table").field("schema", &self.schema.name).field("rows", &self.rows).finish_non_exhaustive()
    }
}

impl Drop for Table {
    fn drop(&mut self) {
        if let Some(reuse) = self.reuse.take() {
            reuse(mem::take(&mut self.text));
        }
    }
}

/// One record of a table. Cheaper than [`Table`] for reading several fields.
#[derive(Clone, Copy)]
pub(crate) struct Record<'a> {
    table: &'a Table,
    cells: &'a [u64],
}

impl<'a> Record<'a> {
    /// A NUL-terminated text that points into the table; NULL if absent.
    #[inline]
    pub(crate) fn text_ptr(self, column: usize) -> *const u8 {
        let start = self.text_range(column).map(|text| text.start);
        start.map_or(ptr::null(), |start| self.table.text.as_ptr().wrapping_add(start))
    }

    pub(crate) fn text_with_nul(self, column: usize) -> Option<&'a [u8]> {
        self.table.with_nul(self.text_range(column)?)
    }

    /// As [`Table::text`], without a check that proves to the compiler that it is UTF-8.
    #[inline]
    pub(crate) fn text_bytes(self, column: usize) -> Option<&'a [u8]> {
        self.table.text.get(self.text_range(column)?)
    }

    #[inline]
    pub(crate) fn int(self, column: usize) -> Option<i64> {
        match self.cells(column, Kind::Int)? {
            [PRESENT, value, ..] => Some(to_int(*value)),
            _ => None,
        }
    }

    #[inline]
    pub(crate) fn boolean(self, column: usize) -> Option<bool> {
        match self.cells(column, Kind::Bool)? {
            [0, ..] => Some(false),
            [1, ..] => Some(true),
            _ => None,
        }
    }

    /// The index of the word that a `Word` field holds, if it is a known one.
    #[inline]
    pub(crate) fn word(self, column: usize) -> Option<usize> {
        let schema = self.table.schema;
        match (schema.fields.get(column)?.kind, self.cells.get(schema.slot(column)..)?) {
            (Kind::Word(words), [text, word, ..]) if range(*text).is_some() => {
                usize::try_from(*word).ok().filter(|word| *word < words.len())
            }
            _ => None,
        }
    }

    #[inline]
    pub(crate) fn time_us(self, column: usize) -> Option<i64> {
        match self.cells(column, Kind::Time)? {
            [text, value, ..] if *value != NO_TIME && range(*text).is_some() => Some(to_int(*value)),
            _ => None,
        }
    }

    pub(crate) fn list_len(self, column: usize) -> usize {
        self.list(column).len()
    }

    fn list(self, column: usize) -> &'a [u64] {
        self.cells(column, Kind::TextList)
            .and_then(|cells| range(*cells.first()?))
            .and_then(|items| self.table.items.get(items))
            .unwrap_or_default()
    }

    #[inline]
    fn text_range(self, column: usize) -> Option<Range<usize>> {
        let schema = self.table.schema;
        match schema.fields.get(column)?.kind {
            Kind::Int | Kind::Bool | Kind::TextList => None,
            _ => range(*self.cells.get(schema.slot(column))?),
        }
    }

    #[inline]
    fn cells(self, column: usize, kind: Kind) -> Option<&'a [u64]> {
        let schema = self.table.schema;
        if schema.fields.get(column)?.kind != kind {
            return None;
        }
        self.cells.get(schema.slot(column)..)
    }
}
