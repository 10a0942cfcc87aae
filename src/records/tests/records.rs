//! Columns, absent and unknown keys, and keys in any order.

use super::super::schemas::{WORKSPACE, event, group, member, workspace};
use super::{BOOL, EVENTS, EVERYTHING, GROUPS, INT, LIST, MEMBERS, OBJECT, TEXT, TIME, items, list, one};

/// Red when the columns are numbered from 1.
#[test]
fn column_constants_match_the_schemas() {
    let table = [
        (&WORKSPACE, "id", workspace::COLUMNS.id.index()),
        (&WORKSPACE, "workspace_name", workspace::COLUMNS.workspace_name.index()),
        (&MEMBERS, "access_level", member::COLUMNS.access_level.index()),
        (&GROUPS, "program_ids", group::COLUMNS.program_ids.index()),
        (&EVENTS, "is_bulk", event::COLUMNS.is_bulk.index()),
    ];
    for (schema, name, column) in table {
        assert_eq!(schema.column(name), Some(column), "{name} of {}", schema.name);
    }
}

#[test]
fn every_kind_is_decoded() {
    let table = one(
        &EVERYTHING,
        r#"{"id":"a","text":"b","int":-3,"bool":true,"time":"1970-01-01T00:00:01Z","list":["c","d"],"object":{"e":1}}"#,
    )
    .unwrap();
    assert_eq!(table.len(), 1);
    assert_eq!(table.text(0, TEXT), Some("b"));
    assert_eq!(table.int(0, INT), Some(-3));
    assert_eq!(table.boolean(0, BOOL), Some(true));
    assert_eq!(table.time_us(0, TIME), Some(1_000_000));
    assert_eq!(items(&table, 0, LIST), ["c", "d"]);
    assert_eq!(table.text(0, OBJECT), Some(r#"{"e":1}"#));
}

#[test]
fn absent_and_null_are_none() {
    let text = r#"[{"id":"a"},{"id":"b","text":null,"int":null,"bool":null,"time":null,"list":null}]"#;
    let table = list(&EVERYTHING, text).unwrap();
    for row in 0..2 {
        assert_eq!(table.text(row, TEXT), None);
        assert_eq!(table.int(row, INT), None);
        assert_eq!(table.boolean(row, BOOL), None);
        assert_eq!(table.time_us(row, TIME), None);
        assert_eq!(table.text(row, TIME), None);
        assert_eq!(table.list_len(row, LIST), 0);
        assert_eq!(table.text(row, OBJECT), None);
    }
}

#[test]
fn a_column_of_another_kind_and_an_unknown_row_are_none() {
    let table = one(&EVERYTHING, r#"{"id":"a","text":"b","int":1,"bool":true,"time":1,"list":["c"]}"#).unwrap();
    for (row, columns) in [(0, [INT, BOOL, LIST, 99]), (1, [0, TEXT, TIME, OBJECT]), (usize::MAX, [0, TEXT, TIME, 99])]
    {
        for column in columns {
            assert_eq!(table.text(row, column), None);
            assert_eq!(table.text_with_nul(row, column), None);
        }
    }
    assert_eq!(table.int(0, TEXT), None);
    assert_eq!(table.int(0, BOOL), None);
    assert_eq!(table.int(0, TIME), None);
    assert_eq!(table.boolean(0, INT), None);
    assert_eq!(table.time_us(0, INT), None);
    assert_eq!((table.list_len(0, TEXT), table.list_len(1, LIST)), (0, 0));
    assert_eq!(table.list_item(0, LIST, 1), None);
}

#[test]
fn the_last_duplicate_wins() {
    let table = one(
        &EVERYTHING,
        r#"{"id":"a","id":"b","text":"c","text":null,"list":["d"],"list":["e","f"],"int":1,"int":2,"time":1,"time":null,
        "object":{"a":1},"object":{},"bool":null,"bool":false}"#,
    )
    .unwrap();
    assert_eq!(table.text(0, 0), Some("b"));
    assert_eq!(table.text(0, TEXT), None);
    assert_eq!(items(&table, 0, LIST), ["e", "f"]);
    assert_eq!(table.int(0, INT), Some(2));
    assert_eq!((table.text(0, TIME), table.time_us(0, TIME)), (None, None));
    assert_eq!(table.text(0, OBJECT), Some("{}"));
    assert_eq!(table.boolean(0, BOOL), Some(false));
}

#[test]
fn keys_are_unescaped_and_compared_exactly() {
    let table =
        one(&EVERYTHING, r#"{"\u0069d":"a","te\u0078t":"b","te\u0078":"c","Text":"d","text ":"e","i\u0064\u0000":1}"#);
    let table = table.unwrap();
    assert_eq!((table.text(0, 0), table.text(0, TEXT)), (Some("a"), Some("b")));
    assert!(one(&EVERYTHING, r#"{"\u0069dx":"a"}"#).is_err());
    assert!(one(&EVERYTHING, r#"{"\u0069":"a"}"#).is_err());
}

#[test]
fn records_with_different_keys_and_whitespace_are_decoded() {
    let shapes = [
        r#"{"id":"a","text":"b","int":1}"#,
        r#"{"id":"a","int":1,"text":"b"}"#,
        r#"{ "text" : "b" , "unknown":{"id":"x"}, "int" : 1 , "id" : "a" }"#,
        r#"{"text":   "b","id": "a","int":1}"#,
        r#"{"an unknown key that is much longer than what is learned":0,"id":"a","text":"b","int":1}"#,
        "{\n    \"id\": \"a\",\n    \"text\": \"b\",\n    \"int\": 1\n}",
        r#"{"id":"a","id":"a","int":1,"x":[],"text":"b"}"#,
    ];
    // Every pair in both orders: a wrong prediction must not change the result.
    let pairs = shapes.iter().flat_map(|first| shapes.iter().flat_map(move |second| [*first, *second]));
    let records: Vec<_> = pairs.collect();
    let table = list(&EVERYTHING, format!("[{}]", records.join(","))).unwrap();
    assert_eq!(table.len(), records.len());
    for (row, record) in records.iter().enumerate() {
        assert_eq!((table.text(row, 0), table.text(row, TEXT), table.int(row, INT)), (Some("a"), Some("b"), Some(1)));
        assert_eq!(table.element_json(row), record.as_bytes());
    }
}

#[test]
fn more_keys_than_are_learned_are_decoded() {
    let keys: Vec<_> = (0..500).map(|key| format!(r#""k{key}":{key}"#)).collect();
    let record = format!(r#"{{{},"id":"a"}}"#, keys.join(","));
    let table = list(&EVERYTHING, format!("[{record},{record},{record}]")).unwrap();
    assert_eq!((table.len(), table.text(2, 0)), (3, Some("a")));
}
