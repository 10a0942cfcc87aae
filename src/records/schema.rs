//! The schema of a record type: the names and kinds of its fields.

use std::marker::PhantomData;

/// The schema of a record type. The decoder reads any type that has one.
#[derive(Debug)]
pub struct Schema {
    /// The name that error paths begin with, such as `members`.
    pub name: &'static str,
    /// The fields in the order of their columns.
    pub fields: &'static [Field],
    /// The offset of each column's cells in a row. The first cell of a row is the position of the record in the text.
    slots: [u8; Schema::MAX_FIELDS],
    /// The number of cells in a row.
    width: u8,
}

/// One field of a record type.
#[derive(Debug)]
pub struct Field {
    /// The key in the JSON object.
    pub name: &'static str,
    /// The kind of its value.
    pub kind: Kind,
}

/// The kind of a field's value, and the type that it is converted to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A required string, which may be empty.
    Id,
    /// A string, which may be null or absent. A number is an error.
    Text,
    /// A string, as `Text`, usually one of these words. The decoder looks it up.
    Word(&'static [&'static str]),
    /// A 64-bit integer: also as a string, or as a number whose fraction is zero. Another string or number counts as absent.
    Int,
    /// A boolean: also as 0 or 1, or as a word such as `"yes"`. Another string or number counts as absent.
    Bool,
    /// An instant: RFC 3339 and its variants, or Unix seconds or milliseconds. The text is kept as sent; if it is in none of
    /// these formats, the instant counts as absent.
    Time,
    /// A list of strings. Absent and null count as empty; an element of another type is an error.
    TextList,
    /// An object, kept as JSON text. Null counts as absent.
    Object,
}

/// The kinds as types, for [`Column`].
pub(crate) mod kind {
    macro_rules! kinds {
        ($($kind:ident)*) => {$(
            #[doc = concat!("`Kind::", stringify!($kind), "`")]
            #[derive(Clone, Copy, Debug)]
            pub(crate) enum $kind {}
        )*};
    }
    kinds!(Id Text Word Int Bool Time TextList Object);
}

/// A column of a record type, with the kind of its values as `K`: what reads one kind does not compile with another.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column<K> {
    index: usize,
    kind: PhantomData<K>,
}

impl<K> Column<K> {
    pub(super) const fn new(index: usize) -> Self {
        Self { index, kind: PhantomData }
    }

    /// The number of the column in the schema.
    pub(crate) const fn index(&self) -> usize {
        self.index
    }
}

/// What an answer's outermost value must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Root {
    /// One record.
    Object,
    /// A list of records.
    List,
}

impl Field {
    /// Describes one field.
    pub const fn new(name: &'static str, kind: Kind) -> Self {
        Self { name, kind }
    }
}

impl Kind {
    /// How many 8-byte cells a value takes: a time keeps its text and its instant, a word its text and which it is, an
    /// integer whether it is there.
    const fn cells(self) -> u8 {
        match self {
            Self::Time | Self::Int | Self::Word(_) => 2,
            Self::Id | Self::Text | Self::Bool | Self::TextList | Self::Object => 1,
        }
    }
}

impl Schema {
    /// The most fields a record type may have.
    pub const MAX_FIELDS: usize = 48;

    /// Describes a record type.
    ///
    /// # Panics
    ///
    /// With more than [`Schema::MAX_FIELDS`] fields; in a `static`, that is an error at compile time.
    pub const fn new(name: &'static str, fields: &'static [Field]) -> Self {
        assert!(fields.len() <= Self::MAX_FIELDS, "too many fields");
        let mut slots = [0; Self::MAX_FIELDS];
        let mut width = 1;
        let mut column = 0;
        while column < fields.len() {
            slots[column] = width;
            width += fields[column].kind.cells();
            column += 1;
        }
        Self { name, fields, slots, width }
    }

    /// The column whose key is `name`.
    pub fn column(&self, name: &str) -> Option<usize> {
        self.fields.iter().position(|field| field.name == name)
    }

    /// The columns that hold lists.
    pub(crate) fn list_columns(&self) -> Vec<usize> {
        (0..self.fields.len()).filter(|column| self.fields[*column].kind == Kind::TextList).collect()
    }

    /// The cell of a column that is a text and nothing else.
    pub(super) fn text_slot(&self, column: usize) -> Option<u8> {
        let is_text = matches!(self.fields.get(column)?.kind, Kind::Id | Kind::Text);
        self.slots.get(column).copied().filter(|_| is_text)
    }

    pub(super) fn slot(&self, column: usize) -> usize {
        usize::from(self.slots[column])
    }

    pub(super) fn width(&self) -> usize {
        usize::from(self.width)
    }

    /// What a row takes: its cells, and as much again and two pointers for the struct that the boundary makes of it.
    pub(crate) fn row_bytes(&self) -> usize {
        2 * self.cell_bytes() + 2 * size_of::<usize>()
    }

    pub(crate) fn cell_bytes(&self) -> usize {
        self.width() * size_of::<u64>()
    }
}
