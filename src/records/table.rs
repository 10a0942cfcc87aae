//! Decoded records: rows of cells over the buffer they were read from.

use std::ops::Range;
use std::sync::OnceLock;

use super::cell::{PRESENT, range};
use super::original::Original;
use super::schema::{Kind, Schema};

/// The records of one answer, immutable and shared freely between threads.
///
/// Columns are the schema's, by index. A column of another kind than was asked for, a row or a column that does not
/// exist, null and absent all read as `None`. An error in the answer never gets this far.
#[derive(Debug)]
pub struct Table {
    schema: &'static Schema,
    rows: usize,
    /// The body, with NULs after the texts.
    text: String,
    cells: Vec<u64>,
    items: Vec<u64>,
    original: Original,
    json: OnceLock<Vec<u8>>,
}

impl Table {
    pub(super) fn new(
        schema: &'static Schema,
        rows: usize,
        text: String,
        cells: Vec<u64>,
        items: Vec<u64>,
        original: Original,
    ) -> Self {
        Self { schema, rows, text, cells, items, original, json: OnceLock::new() }
    }

    /// A list without records, whose JSON is `[]`: for an answer that has no body where a list was due.
    pub fn empty(schema: &'static Schema) -> Self {
        let original = Original::default();
        Self::new(schema, 0, "[]".to_owned(), Vec::new(), Vec::new(), original)
    }

    /// The type of the records.
    pub fn schema(&self) -> &'static Schema {
        self.schema
    }

    /// How many records there are.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether there are no records.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// The text of an `Id`, `Text`, `Time` or `Object` field, the last as JSON.
    pub fn text(&self, row: usize, column: usize) -> Option<&str> {
        self.text.get(self.text_range(row, column)?)
    }

    /// The same with the NUL that follows it.
    pub fn text_with_nul(&self, row: usize, column: usize) -> Option<&[u8]> {
        self.with_nul(self.text_range(row, column)?)
    }

    /// The value of an `Int` field.
    pub fn int(&self, row: usize, column: usize) -> Option<i64> {
        match self.cells(row, column, Kind::Int)? {
            [PRESENT, value, ..] => Some(value.cast_signed()),
            _ => None,
        }
    }

    /// The value of a `Bool` field.
    pub fn boolean(&self, row: usize, column: usize) -> Option<bool> {
        match self.cells(row, column, Kind::Bool)? {
            [0, ..] => Some(false),
            [1, ..] => Some(true),
            _ => None,
        }
    }

    /// The value of a `Time` field in Unix microseconds.
    pub fn time_us(&self, row: usize, column: usize) -> Option<i64> {
        match self.cells(row, column, Kind::Time)? {
            [text, value, ..] if range(*text).is_some() => Some(value.cast_signed()),
            _ => None,
        }
    }

    /// How many strings a `TextList` field has.
    pub fn list_len(&self, row: usize, column: usize) -> usize {
        self.list(row, column).len()
    }

    /// One string of a `TextList` field.
    pub fn list_item(&self, row: usize, column: usize, item: usize) -> Option<&str> {
        self.text.get(range(*self.list(row, column).get(item)?)?)
    }

    /// The same with the NUL that follows it.
    pub fn list_item_with_nul(&self, row: usize, column: usize, item: usize) -> Option<&[u8]> {
        self.with_nul(range(*self.list(row, column).get(item)?)?)
    }

    /// The answer byte for byte as the server sent it. Restored when first asked for, then kept.
    pub fn json(&self) -> &[u8] {
        let json = self.json_with_nul();
        &json[..json.len() - 1]
    }

    /// The same with a NUL after it.
    pub fn json_with_nul(&self) -> &[u8] {
        self.json.get_or_init(|| {
            let mut json = Vec::with_capacity(self.text.len() + 1);
            let all = 0..self.text.len();
            self.original.copy(self.text.as_bytes(), all, &mut json);
            json.push(0);
            json
        })
    }

    /// Where a record stands in the answer; empty if there is no such record.
    pub fn element_range(&self, row: usize) -> Range<usize> {
        let place = self.row(row).and_then(|cells| range(*cells.first()?));
        place.unwrap_or_default()
    }

    /// The JSON of one record as the server sent it; empty if there is no such record.
    pub fn element_json(&self, row: usize) -> &[u8] {
        &self.json()[self.element_range(row)]
    }

    /// Appends the JSON of one record to `out`, without restoring the whole answer for it.
    pub fn copy_element_json(&self, row: usize, out: &mut Vec<u8>) {
        let range = self.element_range(row);
        self.original.copy(self.text.as_bytes(), range, out);
    }

    fn row(&self, row: usize) -> Option<&[u64]> {
        let width = self.schema.width();
        let start = row.checked_mul(width)?;
        self.cells.get(start..start.checked_add(width)?)
    }

    fn cells(&self, row: usize, column: usize, kind: Kind) -> Option<&[u64]> {
        if self.schema.fields.get(column)?.kind != kind {
            return None;
        }
        self.row(row)?.get(self.schema.slot(column)..)
    }

    fn text_range(&self, row: usize, column: usize) -> Option<Range<usize>> {
        match self.schema.fields.get(column)?.kind {
            Kind::Int | Kind::Bool | Kind::TextList => None,
            kind => range(*self.cells(row, column, kind)?.first()?),
        }
    }

    fn with_nul(&self, text: Range<usize>) -> Option<&[u8]> {
        self.text.as_bytes().get(text.start..=text.end)
    }

    fn list(&self, row: usize, column: usize) -> &[u64] {
        self.cells(row, column, Kind::TextList)
            .and_then(|cells| range(*cells.first()?))
            .and_then(|items| self.items.get(items))
            .unwrap_or_default()
    }
}
