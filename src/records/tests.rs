//! Tests of the decoder.

mod acceptance;
mod conversions;
mod errors;
mod limits;
mod original;
mod random;
mod records;

use super::error::DecodeError;
use super::schema::{Field, Kind, Root, Schema};
use super::table::Table;
use super::{EVENTS, GROUPS, MEMBERS, decode};

/// A record type without fields: any valid JSON is accepted.
static UNKNOWN: Schema = Schema::new("unknown", &[]);

/// A record type with every kind of field.
static EVERYTHING: Schema = Schema::new(
    "everything",
    &[
        Field::new("id", Kind::Id),
        Field::new("text", Kind::Text),
        Field::new("int", Kind::Int),
        Field::new("bool", Kind::Bool),
        Field::new("time", Kind::Time),
        Field::new("list", Kind::TextList),
        Field::new("object", Kind::Object),
        Field::new("word", Kind::Word(&["a", "bc"])),
    ],
);
const TEXT: usize = 1;
const INT: usize = 2;
const BOOL: usize = 3;
const TIME: usize = 4;
const LIST: usize = 5;
const OBJECT: usize = 6;

fn one(schema: &'static Schema, text: impl AsRef<[u8]>) -> Result<Table, DecodeError> {
    decode(text.as_ref().to_vec(), schema, Root::Object)
}

fn list(schema: &'static Schema, text: impl AsRef<[u8]>) -> Result<Table, DecodeError> {
    decode(text.as_ref().to_vec(), schema, Root::List)
}

/// Decodes a record with `id` and one more field: `field("int", "2")`.
fn field(name: &str, value: &str) -> Result<Table, DecodeError> {
    one(&EVERYTHING, format!(r#"{{"id":"x","{name}":{value}}}"#))
}

fn items(table: &Table, row: usize, column: usize) -> Vec<&str> {
    let items = 0..table.list_len(row, column);
    items.filter_map(|item| table.list_item(row, column, item)).collect()
}
