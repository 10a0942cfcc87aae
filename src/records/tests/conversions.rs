//! Lenient conversions of integers, booleans and times. The expected results are those of the Python client.

use super::super::parse_time_us;
use super::{BOOL, EVERYTHING, INT, OBJECT, TIME, field, items, list};

/// Quotes `text` as a JSON string.
fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}

#[test]
fn numbers_and_booleans_convert_to_integers() {
    let int = |value: &str| field("int", value).map(|table| table.int(0, INT)).ok();
    for (value, expected) in [
        ("2", 2),
        ("-2", -2),
        ("-0", 0),
        ("2.0", 2),
        ("-0.0", 0),
        ("2e3", 2000),
        ("20e-1", 2),
        ("9223372036854775807", i64::MAX),
        ("-9223372036854775808", i64::MIN),
        ("9007199254740993.0", 9_007_199_254_740_992),
        ("true", 1),
        ("false", 0),
    ] {
        assert_eq!(int(value), Some(Some(expected)), "{value}");
    }
    assert_eq!(int("null"), Some(None));
    for ignored in ["2.5", "25E-1", "9223372036854775808", "9.3e18", "1e999", "-1e999", "\"v2\""] {
        assert_eq!(int(ignored), Some(None), "{ignored}");
    }
    for bad in ["[]", "{}", "[2]"] {
        assert_eq!(int(bad), None, "{bad}");
    }
}

#[test]
fn strings_convert_to_integers() {
    let int = |value: &str| field("int", &quoted(value)).map(|table| table.int(0, INT)).ok().flatten();
    for (text, expected) in [
        ("2", 2),
        ("-2", -2),
        ("+2", 2),
        ("2.0", 2),
        ("2.000", 2),
        (" 2 ", 2),
        ("\t2\n", 2),
        ("\u{a0}2\u{3000}", 2),
        ("0012", 12),
        ("-0012", -12),
        ("1_000", 1000),
        ("1_0.0", 10),
        ("0_1", 1),
        ("0__1", 1),
        ("0", 0),
        ("-0", 0),
        ("00", 0),
        ("0_0.0", 0),
        ("9223372036854775807", i64::MAX),
        ("-9223372036854775808", i64::MIN),
    ] {
        assert_eq!(int(text), Some(expected), "{text:?}");
    }
    for bad in [
        "",
        " ",
        "+",
        "-",
        "++2",
        "+-2",
        "-+2",
        "--2",
        "- 2",
        "2.",
        ".0",
        "-.0",
        "2.5",
        "2.0.0",
        "1e3",
        "0x10",
        "1_",
        "_1",
        "+_1",
        "1__0",
        "1.0_0",
        "0_.0",
        "0_",
        "1 000",
        "٢",
        "2\u{200b}",
        "9223372036854775808",
        "-9223372036854775809",
        "true",
        "null",
        "0-5",
    ] {
        assert_eq!(int(bad), None, "{bad:?}");
    }
    assert_eq!(field("int", r#""\u0032""#).unwrap().int(0, INT), Some(2));
}

#[test]
fn numbers_and_strings_convert_to_booleans() {
    let boolean = |value: &str| field("bool", value).map(|table| table.boolean(0, BOOL)).ok();
    let yes = ["true", "1", "1.0", "10e-1", "\"1\"", "\"t\"", "\"Y\"", "\"yes\"", "\"ON\"", "\"True\"", r#""\u0074""#];
    let no = ["false", "0", "-0", "0.0", "-0.0", "\"0\"", "\"f\"", "\"N\"", "\"no\"", "\"Off\"", "\"FALSE\""];
    for value in yes {
        assert_eq!(boolean(value), Some(Some(true)), "{value}");
    }
    for value in no {
        assert_eq!(boolean(value), Some(Some(false)), "{value}");
    }
    assert_eq!(boolean("null"), Some(None));
    for ignored in ["2", "-1", "0.5", "1e999", "\"\"", "\" true\"", "\"true \"", "\"1.0\"", "\"o\"", "\"null\""] {
        assert_eq!(boolean(ignored), Some(None), "{ignored}");
    }
    for bad in ["[]", "{}"] {
        assert_eq!(boolean(bad), None, "{bad}");
    }
}

const DAY: i64 = 86_400_000_000;
/// 2026-01-31.
const DATE: i64 = 20_484 * DAY;
/// 2026-01-31 12:30:45.
const MOMENT: i64 = DATE + 45_045_000_000;

#[test]
fn rfc_3339_and_its_variants_convert_to_times() {
    let time = |text: &str| field("time", &quoted(text)).map(|table| table.time_us(0, TIME)).ok().flatten();
    for (text, expected) in [
        ("2026-01-31T12:30:45Z", MOMENT),
        ("2026-01-31t12:30:45z", MOMENT),
        ("2026-01-31 12:30:45", MOMENT),
        ("2026-01-31_12:30:45", MOMENT),
        ("2026-01-31T12:30:45+00:00", MOMENT),
        ("2026-01-31T12:30:45+0000", MOMENT),
        ("2026-01-31T14:30:45+02:00", MOMENT),
        ("2026-01-31T04:00:45-0830", MOMENT),
        ("2026-01-31T04:00:45\u{2212}08:30", MOMENT),
        ("2026-02-01T12:29:45+23:59", MOMENT),
        ("2026-01-31T12:30:45.1", MOMENT + 100_000),
        ("2026-01-31T12:30:45,12345Z", MOMENT + 123_450),
        ("2026-01-31T12:30:45.123456+00:00", MOMENT + 123_456),
        ("2026-01-31T12:30:45.1234569999999999999999Z", MOMENT + 123_456),
        ("2026-01-31T12:30", MOMENT - 45_000_000),
        ("2026-01-31T12:30Z", MOMENT - 45_000_000),
        ("2026-01-31", DATE),
        ("1970-01-01", 0),
        ("1969-12-31T23:59:59.999999Z", -1),
        ("2000-02-29", 11_016 * DAY),
        ("2024-02-29", 19_782 * DAY),
        ("1600-02-29", -135_081 * DAY),
        ("0001-01-01", -719_162 * DAY),
        ("9999-12-31T23:59:59.999999", 2_932_897 * DAY - 1),
    ] {
        assert_eq!(time(text), Some(expected), "{text}");
        assert_eq!(parse_time_us(text), Some(expected), "{text}");
    }
    for bad in [
        "",
        " ",
        "now",
        "2026-01",
        "2026-1-31",
        "2026-00-31",
        "2026-13-01",
        "2026-01-00",
        "2026-01-32",
        "2026-02-29",
        "1900-02-29",
        "2100-02-29",
        "0000-01-01",
        "+2026-01-31",
        "-2026-01-31",
        "10000-01-01",
        "2026-01-31T",
        "2026-01-31Z",
        "2026-01-31T12",
        "2026-01-31T1:30",
        "2026-01-31T24:00",
        "2026-01-31T12:60",
        "2026-01-31T12:30:60",
        "2026-01-31T12:30:4",
        "2026-01-31T12:30:",
        "2026-01-31T12:30:45.",
        "2026-01-31T12:30:45.Z",
        "2026-01-31T12:30.5",
        "2026-01-31T12:30:45+00",
        "2026-01-31T12:30:45+0",
        "2026-01-31T12:30:45+24:00",
        "2026-01-31T12:30:45+00:60",
        "2026-01-31T12:30:45+00:0",
        "2026-01-31T12:30:45 Z",
        "2026-01-31T12:30:45ZZ",
        "2026-01-31T12:30:45Z ",
        " 2026-01-31",
        "2026-01-31x12:30:45",
        "2026/01/31",
        "2026-01-31T12:30:45UTC",
        "２026-01-31",
        "2026-01-31T12:30:45\u{2213}08:30",
    ] {
        assert_eq!(time(bad), None, "{bad}");
        assert_eq!(parse_time_us(bad), None, "{bad}");
    }
}

#[test]
fn unix_times_convert_to_times() {
    let time = |value: &str| field("time", value).map(|table| table.time_us(0, TIME)).ok().flatten();
    for (number, expected) in [
        ("0", 0),
        ("-0", 0),
        ("-1", -1_000_000),
        ("1700000000", 1_700_000_000_000_000),
        ("1700000000123", 1_700_000_000_123_000),
        ("1700000000.25", 1_700_000_000_250_000),
        ("1700000000123.4567", 1_700_000_000_123_457),
        ("-6.25", -6_250_000),
        ("-30000000000.25", -30_000_000_000_250),
        ("0.9999999", 1_000_000),
        ("20000000000", 20_000_000_000_000_000),
        ("20000000001", 20_000_000_001_000),
        ("-20000000000", -20_000_000_000_000_000),
        ("-20000000001", -20_000_000_001_000),
        ("253402300799999", 253_402_300_799_999_000),
    ] {
        assert_eq!(time(number), Some(expected), "{number}");
        assert_eq!(time(&quoted(number)), Some(expected), "{number}");
        assert_eq!(parse_time_us(number), None, "{number}");
    }
    assert_eq!(time("1e3"), Some(1_000_000_000));
    for (text, expected) in
        [("+1", 1_000_000), ("1.", 1_000_000), (".5", 500_000), ("1.5e3", 1_500_000_000), ("007", 7_000_000)]
    {
        assert_eq!(time(&quoted(text)), Some(expected), "{text}");
    }
    for bad in ["253402300800000", "-62135596800001", "9223372036854775808", "1e300", "1e999", "true", "[]", "{}"] {
        assert_eq!(time(bad), None, "{bad}");
    }
    for bad in [
        "1e3",
        ".",
        "+",
        "-",
        "+-1",
        "1_0",
        " 1",
        "1 ",
        "1.5e",
        "1.0.0",
        "inf",
        "nan",
        "1.5inf",
        "18446744073709551617",
    ] {
        assert_eq!(time(&quoted(bad)), None, "{bad}");
    }
}

#[test]
fn a_time_keeps_its_text() {
    for (sent, text) in [("\"2026-01-31\"", "2026-01-31"), ("\"\\u0032026-01-31\"", "2026-01-31"), ("17e8", "17e8")] {
        let table = field("time", sent).unwrap();
        assert_eq!(table.text(0, TIME), Some(text));
        assert_eq!(table.text_with_nul(0, TIME), Some(format!("{text}\0").as_bytes()));
    }
    let table = field("time", "null").unwrap();
    assert_eq!((table.text(0, TIME), table.time_us(0, TIME)), (None, None));
}

#[test]
fn arrays_of_strings_convert_to_lists() {
    let read = |value: &str| {
        let table = field("list", value).ok()?;
        Some(items(&table, 0, super::LIST).iter().map(ToString::to_string).collect::<Vec<_>>())
    };
    assert_eq!(read("[]"), Some(vec![]));
    assert_eq!(read("[ ]"), Some(vec![]));
    assert_eq!(read("null"), Some(vec![]));
    assert_eq!(read(r#"["a"]"#), Some(vec!["a".into()]));
    assert_eq!(read(r#"[ "a" , "", "\n\u0000" ]"#), Some(vec!["a".into(), String::new(), "\n\u{fffd}".into()]));
    for bad in
        ["[null]", r#"["a",1]"#, r#"["a",null,"b"]"#, "[[]]", "{}", "\"a\"", "1", "true", r#"["a",]"#, r#"["a""b"]"#]
    {
        assert_eq!(read(bad), None, "{bad}");
    }
}

/// Red when such a value is an error: one record made the whole answer fail.
#[test]
fn a_value_that_cannot_be_converted_reads_as_absent_and_is_listed() {
    let text = r#"[{"id":"a","time":"2016-12-31T23:59:60Z","int":"v\n2","bool":"maybe","object":null},{"id":"b","time":1e300,"int":1},
        {"id":"c","time":"","int":2.5,"int":3},{"id":"d","time":"Sat, 31 Jan 2026 10:00:00 GMT"}]"#;
    let table = list(&EVERYTHING, text).expect("records");
    let times: Vec<_> = (0..4).map(|row| (table.text(row, TIME), table.time_us(row, TIME))).collect();
    assert_eq!(
        times,
        [
            (Some("2016-12-31T23:59:60Z"), None),
            (Some("1e300"), None),
            (Some(""), None),
            (Some("Sat, 31 Jan 2026 10:00:00 GMT"), None)
        ]
    );
    assert_eq!((table.int(0, INT), table.boolean(0, BOOL), table.text(0, OBJECT)), (None, None, None));
    assert_eq!((table.int(1, INT), table.int(2, INT)), (Some(1), Some(3)));
    assert_eq!(table.json(), text.as_bytes());
    let listed: Vec<_> = table
        .ignored_values(100)
        .map(|(place, json)| (place.row, place.id.to_owned(), place.field, String::from_utf8(json).expect("UTF-8")))
        .collect();
    let expected = [
        (0, "a", "time", r#""2016-12-31T23:59:60Z""#),
        (0, "a", "int", r#""v\n2""#),
        (0, "a", "bool", r#""maybe""#),
        (1, "b", "time", "1e300"),
        (2, "c", "time", r#""""#),
        (3, "d", "time", r#""Sat, 31 Jan 2026 10:00:00 GMT""#),
    ];
    assert_eq!(listed, expected.map(|(row, id, field, json)| (row, id.to_owned(), field, json.to_owned())));
    let first = table.ignored_values(3).map(|(_, json)| json).nth(1);
    assert_eq!(first.expect("an ignored value"), br#""v\"#, "limited to 3 bytes");
    let many = format!("[{}]", vec![r#"{"id":"a","time":"x"}"#; 100].join(","));
    assert_eq!(list(&EVERYTHING, many).expect("records").ignored_values(100).count(), 8, "MAX_IGNORED");
}
