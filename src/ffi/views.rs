//! The C structs of an answer's records: made once per answer, pointing into its text.

use std::ffi::c_char;
use std::ptr;

use crate::answer::Answer;
use crate::platform::prefer_huge_pages;
use crate::records::{self, Column, kind};
use crate::service::Shape;

/// The records of one answer as C reads them. Stored in the answer, whose text they point into.
pub(super) struct View<R> {
    /// What `pointers` points to; a box does not move.
    _records: Box<[R]>,
    pointers: Box<[*const R]>,
    /// What the lists in the records point to.
    _items: Box<[*const c_char]>,
}

// SAFETY: never written after it was made, and what it points to lives in the same answer and is never written either.
unsafe impl<R> Send for View<R> {}
// SAFETY: as above.
unsafe impl<R> Sync for View<R> {}

/// A record type of the header.
pub(super) trait Record: Sized + 'static {
    const SHAPE: Shape;
    fn read(row: Row<'_>) -> Self;
}

/// One record of the answer. Each method reads a column of one kind, so that a column of another kind does not compile.
#[derive(Clone, Copy)]
pub(super) struct Row<'a> {
    record: records::Record<'a>,
    /// The items of its lists, one list after the other.
    items: *const *const c_char,
    /// The list columns of the schema, in its order.
    lists: &'a [usize],
}

impl Row<'_> {
    pub(super) fn id(self, column: Column<kind::Id>) -> *const c_char {
        self.record.text_ptr(column.index()).cast()
    }

    /// NULL where the API has none.
    pub(super) fn text(self, column: Column<kind::Text>) -> *const c_char {
        self.record.text_ptr(column.index()).cast()
    }

    /// The text, and the index of the word among those that are known.
    pub(super) fn word(self, column: Column<kind::Word>) -> (*const c_char, Option<usize>) {
        (self.record.text_ptr(column.index()).cast(), self.record.word(column.index()))
    }

    /// The text, and the microseconds; `INT64_MIN` where there are none.
    pub(super) fn time(self, column: Column<kind::Time>) -> (*const c_char, i64) {
        (self.record.text_ptr(column.index()).cast(), self.record.time_us(column.index()).unwrap_or(i64::MIN))
    }

    /// -1 where there is none.
    pub(super) fn int(self, column: Column<kind::Int>) -> i64 {
        self.record.int(column.index()).unwrap_or(-1)
    }

    /// 1, 0, or -1 where there is none.
    pub(super) fn bool(self, column: Column<kind::Bool>) -> i8 {
        self.record.boolean(column.index()).map_or(-1, i8::from)
    }

    /// JSON text; `{}` where the API has none.
    pub(super) fn object(self, column: Column<kind::Object>) -> *const c_char {
        let text = self.record.text_ptr(column.index()).cast::<c_char>();
        if text.is_null() { c"{}".as_ptr() } else { text }
    }

    /// The items and their number.
    pub(super) fn list(self, column: Column<kind::TextList>) -> (*const *const c_char, usize) {
        let before = self.lists.iter().take_while(|list| **list < column.index());
        let offset = before.map(|list| self.record.list_len(*list)).sum();
        (self.items.wrapping_add(offset), self.record.list_len(column.index()))
    }
}

/// `columns!(row, member { id: id, full_name: text, ... });` binds each name to the value of the column of that name.
/// Every column of the schema has to be named, with a method of [`Row`] for its kind; the struct is then filled by
/// field shorthand. So a schema, a struct and its view that disagree do not compile.
macro_rules! columns {
    ($row:ident, $schema:ident { $($column:ident: $kind:ident),* $(,)? }) => {
        let $schema::Columns { $($column),* } = $schema::COLUMNS;
        $(let $column = $row.$kind($column);)*
    };
}
pub(super) use columns;

impl<R: Record> View<R> {
    /// The view of an answer, made when first read; none when its records are of another kind.
    pub(super) fn of(answer: &Answer) -> Option<(*const *const R, usize)> {
        if answer.shape() != Some(R::SHAPE) {
            return None;
        }
        let table = answer.table()?;
        let view = answer.attachment(|| Self::new(answer, table))?;
        Some((view.pointers.as_ptr(), view.pointers.len()))
    }

    fn new(answer: &Answer, table: &records::Table) -> Self {
        let lists = table.schema().list_columns();
        let mut items: Vec<*const c_char> = Vec::new();
        for row in answer.rows() {
            for list in &lists {
                items.extend((0..table.list_len(row, *list)).map(|index| {
                    table.list_item_with_nul(row, *list, index).map_or(ptr::null(), |item| item.as_ptr().cast())
                }));
            }
        }
        let items = items.into_boxed_slice();
        let mut next = items.as_ptr();
        let mut records = Vec::with_capacity(answer.rows().len());
        prefer_huge_pages(&records);
        records.extend(answer.rows().filter_map(|row| table.record(row)).map(|record| {
            let row = Row { record, items: next, lists: &lists };
            next = next.wrapping_add(lists.iter().map(|list| record.list_len(*list)).sum());
            R::read(row)
        }));
        let records = records.into_boxed_slice();
        let pointers = records.iter().map(ptr::from_ref).collect();
        Self { _records: records, pointers, _items: items }
    }
}
