//! The JSON of a result is byte for byte what the server sent.

use super::super::schemas::{ID, event};
use super::{EVENTS, EVERYTHING, GROUPS, MEMBERS, OBJECT, TEXT, TIME, Table, list, one};

#[test]
fn json_is_what_was_sent() {
    for text in [
        "[]",
        " [ ] \n",
        r#"[{"id":""}]"#,
        r#"[{"id":"\u0000","text":"\"\\\"\n\ud83d\ude00é","unknown":"\u0000\""}]"#,
        "[ {\"text\" : \"a\" ,\r\n\t\"id\":\"b\"} , {\"id\" :\"c\"}\n]",
        r#"[{"id":"a","object":{"\u0061":"\"","b":[]},"time":1700000000,"list":["\\","x"],"int":"\u0032"}]"#,
        r#"[{"id":"a","object":{},"object":{"a":1} ,"time":1 ,"time":2}]"#,
        r#"[{"id":1,"id":"a\tb","text":"x","text":null}]"#,
        r#"[{"\u0069\u0064":"a"}]"#,
    ] {
        let table = list(&EVERYTHING, text).unwrap();
        assert_eq!(String::from_utf8_lossy(table.json()), text);
        assert_eq!(table.json_with_nul(), format!("{text}\0").as_bytes());
    }
}

#[test]
fn a_record_has_its_own_json() {
    let records = [
        r#"{"id":"a\n\"","object":{"k":"\u0000"}}"#,
        r#"{ "id" : "b", "time":5}"#,
        r#"{"id":"c","object":{},"text":"\\"}"#,
        r#"{"id":"d"}"#,
    ];
    let table = list(&EVERYTHING, format!("[ {} ]", records.join(" ,\n"))).unwrap();
    for (row, record) in records.iter().enumerate() {
        let mut copy = b"before ".to_vec();
        table.copy_element_json(row, &mut copy);
        assert_eq!(String::from_utf8_lossy(&copy), format!("before {record}"));
        assert_eq!(String::from_utf8_lossy(table.element_json(row)), *record);
    }
    assert_eq!(table.element_json(4), b"");
    assert_eq!(one(&EVERYTHING, r#" {"id":"a"} "#).unwrap().element_json(0), br#"{"id":"a"}"#);
}

#[test]
fn objects_and_numbers_keep_their_json_and_end_with_a_nul() {
    let text =
        r#"[{"id":"a","object":{"a": "\n", "b":[1,{}]},"time":1700000000.5},{"time":17e8 ,"object":{} ,"id":"b"}]"#;
    let table = list(&EVERYTHING, text).unwrap();
    assert_eq!(table.text_with_nul(0, OBJECT), Some(&b"{\"a\": \"\\n\", \"b\":[1,{}]}\0"[..]));
    assert_eq!(table.text_with_nul(0, TIME), Some(&b"1700000000.5\0"[..]));
    assert_eq!(table.text_with_nul(1, OBJECT), Some(&b"{}\0"[..]));
    assert_eq!(table.text(1, TIME), Some("17e8"));
    assert_eq!(table.json(), text.as_bytes());
}

#[test]
fn an_empty_table_has_no_records_and_the_json_of_an_empty_array() {
    let table = Table::empty(&MEMBERS);
    assert!(table.is_empty());
    assert_eq!((table.len(), table.json(), table.text(0, ID)), (0, &b"[]"[..], None));
}

#[test]
fn every_text_ends_with_a_nul() {
    let text = r#"[{"id":"a","text":"b\u0041"},{"id":"","text":null}]"#;
    let table = list(&EVERYTHING, text).unwrap();
    assert_eq!(table.text_with_nul(0, super::super::ID), Some(&b"a\0"[..]));
    assert_eq!(table.text_with_nul(0, TEXT), Some(&b"bA\0"[..]));
    assert_eq!(table.text_with_nul(1, super::super::ID), Some(&b"\0"[..]));
    assert_eq!(table.text_with_nul(1, TEXT), None);
    let table = list(&GROUPS, r#"[{"id":"a","user_ids":["u\n",""]}]"#).unwrap();
    assert_eq!(table.list_item_with_nul(0, 2, 0), Some(&b"u\n\0"[..]));
    assert_eq!(table.list_item_with_nul(0, 2, 1), Some(&b"\0"[..]));
    assert_eq!(table.list_item_with_nul(0, 2, 2), None);
}

#[test]
fn a_table_can_be_read_from_many_threads() {
    fn shared<T: Send + Sync>(_: &T) {}
    let table = list(&EVENTS, r#"[{"id":"a\n","event_attrs":{"b":1}}]"#).unwrap();
    shared(&table);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                assert_eq!(table.json(), br#"[{"id":"a\n","event_attrs":{"b":1}}]"#);
                assert_eq!(table.text(0, event::COLUMNS.event_attrs.index()), Some(r#"{"b":1}"#));
            });
        }
    });
}
