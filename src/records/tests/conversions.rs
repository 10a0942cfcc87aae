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

fn time(text: &str) -> Option<i64> {
    field("time", &quoted(text)).map(|table| table.time_us(0, TIME)).ok().flatten()
}

/// What answers and arguments may have. Red with leap seconds and the year 0000, which were refused.
const RFC_3339: [(&str, i64); 37] = [
    ("2026-01-31T12:30:45Z", MOMENT),
    ("2026-01-31t12:30:45z", MOMENT),
    ("2026-01-31 12:30:45", MOMENT),
    ("2026-01-31 12:30:45z", MOMENT),
    ("2026-01-31T12:30:45", MOMENT),
    ("2026-01-31T12:30:45+00:00", MOMENT),
    ("2026-01-31T12:30:45-00:00", MOMENT),
    ("2026-01-31T14:30:45+02:00", MOMENT),
    ("2026-01-31T04:00:45-08:30", MOMENT),
    ("2026-02-01T12:29:45+23:59", MOMENT),
    ("2026-01-30T12:31:45-23:59", MOMENT),
    ("2026-01-31T12:30:45.1", MOMENT + 100_000),
    ("2026-01-31T12:30:45.123456+00:00", MOMENT + 123_456),
    ("2026-01-31T12:30:45.1234569999999999999999Z", MOMENT + 123_456),
    ("2026-01-31", DATE),
    ("1970-01-01", 0),
    ("1969-12-31T23:59:59.999999Z", -1),
    ("2000-02-29", 11_016 * DAY),
    ("2024-02-29", 19_782 * DAY),
    ("1600-02-29", -135_081 * DAY),
    ("0001-01-01", -719_162 * DAY),
    ("0000-12-31T23:59:59Z", -719_162 * DAY - 1_000_000),
    ("0000-02-29", -719_469 * DAY),
    ("0000-01-01", -719_528 * DAY),
    ("0000-01-01T00:00:00+23:59", -719_528 * DAY - 86_340_000_000),
    ("9999-12-31T23:59:59.999999", 2_932_897 * DAY - 1),
    ("9999-12-31T23:59:59-23:59", 2_932_897 * DAY - 1_000_000 + 86_340_000_000),
    // The last five are those of RFC 3339, section 5.8.
    ("2016-12-31T23:59:60Z", 17_167 * DAY),
    ("2016-12-31T23:59:60.25Z", 17_167 * DAY + 250_000),
    ("2015-06-30t23:59:60", 16_617 * DAY),
    ("2017-01-01T00:59:60+01:00", 17_167 * DAY),
    ("2024-02-29T23:59:60Z", 19_783 * DAY),
    ("1985-04-12T23:20:50.52Z", 482_196_050_520_000),
    ("1996-12-19T16:39:57-08:00", 851_042_397_000_000),
    ("1990-12-31T23:59:60Z", 662_688_000_000_000),
    ("1990-12-31T15:59:60-08:00", 662_688_000_000_000),
    ("1937-01-01T12:00:27.87+00:20", -1_041_337_172_130_000),
];

/// What answers alone may have. Red for arguments, which accepted all of it: "2026-01-31_12:30:45".
const VARIANTS: [(&str, i64); 11] = [
    ("2026-01-31_12:30:45", MOMENT),
    ("2026-01-31_12:30:45Z", MOMENT),
    ("2026-01-31T12:30:45+0000", MOMENT),
    ("2026-01-31T04:00:45-0830", MOMENT),
    ("2026-01-31T04:00:45\u{2212}08:30", MOMENT),
    ("2026-01-31T12:30:45,5", MOMENT + 500_000),
    ("2026-01-31T12:30:45,12345Z", MOMENT + 123_450),
    ("2026-01-31T12:30", MOMENT - 45_000_000),
    ("2026-01-31T12:30Z", MOMENT - 45_000_000),
    ("2026-01-31T13:30+01:00", MOMENT - 45_000_000),
    ("2016-12-31T00:59:60\u{2212}2300", 17_167 * DAY),
];

const NO_DATES: [&str; 72] = [
    "",
    " ",
    "now",
    "2026-01",
    "2026-1-31",
    "2026-01-3",
    "2026-00-31",
    "2026-13-01",
    "2026-01-00",
    "2026-01-32",
    "2026-04-31",
    "2026-02-29",
    "1900-02-29",
    "2100-02-29",
    "0000-00-00",
    "0000-02-30",
    "+2026-01-31",
    "-2026-01-31",
    "10000-01-01",
    "026-01-31",
    "2026-01-31T",
    "2026-01-31Z",
    "2026-01-31+00:00",
    "2026-01-31T12",
    "2026-01-31T12Z",
    "2026-01-31T1:30",
    "2026-01-31T24:00",
    "2026-01-31T24:00:00Z",
    "2026-01-31T12:60",
    "2026-01-31T12:60:00Z",
    "2026-01-31T12:30:60",
    "2026-01-31T23:59:61Z",
    "2026-01-30T23:59:60Z",
    "2026-01-31T23:58:60Z",
    "2026-01-31T22:59:60Z",
    "2026-01-31T23:59:60+01:00",
    "2026-01-31T00:59:60+01:00",
    "2026-02-01T00:00:60Z",
    "2024-02-28T23:59:60Z",
    "2026-01-31T12:30:4",
    "2026-01-31T12:30:4Z",
    "2026-01-31T12:30:450Z",
    "2026-01-31T12:30:",
    "2026-01-31T12:30:45.",
    "2026-01-31T12:30:45.Z",
    "2026-01-31T12:30:45,Z",
    "2026-01-31T12:30:45.+00:00",
    "2026-01-31T12:30:45.5.5Z",
    "2026-01-31T12:30.5",
    "2026-01-31T12:30:45+00",
    "2026-01-31T12:30:45+0",
    "2026-01-31T12:30:45+24:00",
    "2026-01-31T12:30:45-24:00",
    "2026-01-31T12:30:45+99:99",
    "2026-01-31T12:30:45+00:60",
    "2026-01-31T12:30:45+00:0",
    "2026-01-31T12:30:45+00:000",
    "2026-01-31T12:30:45 Z",
    "2026-01-31T12:30:45 +00:00",
    "2026-01-31T12:30:45ZZ",
    "2026-01-31T12:30:45Z ",
    "2026-01-31T12:30:45Z\n",
    "2026-01-31  12:30:45Z",
    " 2026-01-31",
    "2026-01-31x12:30:45",
    "2026/01/31",
    "20260131T123045Z",
    "2026-W05-6",
    "2026-01-31T12:30:45UTC",
    "２026-01-31",
    "2026-01-31T12:30:45\u{2213}08:30",
    "2026\u{2010}01\u{2010}31",
];

#[test]
fn rfc_3339_converts_to_times_in_answers_and_in_arguments() {
    for (text, expected) in RFC_3339 {
        assert_eq!(time(text), Some(expected), "{text}");
        assert_eq!(parse_time_us(text), Some(expected), "{text}");
    }
    for (text, expected) in VARIANTS {
        assert_eq!(time(text), Some(expected), "{text}");
        assert_eq!(parse_time_us(text), None, "{text}");
    }
    for bad in NO_DATES {
        assert_eq!(time(bad), None, "{bad}");
        assert_eq!(parse_time_us(bad), None, "{bad}");
    }
    for bad in [
        "2026-01-31\0",
        "\x002026-01-31",
        "2026-01-31T12:30:45Z\0",
        "2026-01-31\x0012:30:45Z",
        "2026-01-31T12:30:45\0Z",
    ] {
        assert_eq!(parse_time_us(bad), None, "{bad:?}");
    }
}

/// What is one byte away from a date is either a date itself, as RFC 3339's grammar says, or none.
#[test]
fn the_neighbours_of_dates_are_those_of_the_grammar() {
    let mut accepted = 0;
    for base in [
        "2026-01-31T12:30:45.5+01:00",
        "2016-12-31T23:59:60Z",
        "2024-02-29 00:00:00z",
        "0000-01-01",
        "9999-12-31T00:00:00",
    ] {
        for at in 0..base.len() {
            for byte in 0..128_u8 {
                let mut changed = base.as_bytes().to_vec();
                changed[at] = byte;
                let changed = String::from_utf8(changed).unwrap();
                let expected = in_grammar(&changed);
                assert_eq!(parse_time_us(&changed).is_some(), expected, "{changed:?}");
                accepted += usize::from(expected);
            }
            let mut shorter = base.to_owned();
            shorter.remove(at);
            assert_eq!(parse_time_us(&shorter).is_some(), in_grammar(&shorter), "{shorter:?}");
            let (start, end) = base.split_at(at);
            for added in ["0", "9", "-", ":", ".", "Z", " ", "\0", "\u{2212}"] {
                let longer = format!("{start}{added}{end}");
                assert_eq!(parse_time_us(&longer).is_some(), in_grammar(&longer), "{longer:?}");
            }
        }
    }
    assert!(accepted > 400, "{accepted}");
}

/// RFC 3339, sections 5.6 and 5.7, without an offset too, written as a reader of it would.
fn in_grammar(text: &str) -> bool {
    let number = |text: &str, length: usize| {
        let digits = text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<i64>().ok().filter(|_| digits)
    };
    let days_of = |year: i64, month: i64| match month {
        2 if year % 400 == 0 || year % 4 == 0 && year % 100 != 0 => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    let read = || {
        let (date, time) = (text.get(..10)?, text.get(10..)?);
        let date: Vec<&str> = date.split('-').collect();
        let [year, month, day] = date[..] else { return None };
        let (mut year, mut month, mut day) = (number(year, 4)?, number(month, 2)?, number(day, 2)?);
        if !(1..=12).contains(&month) || !(1..=days_of(year, month)).contains(&day) {
            return None;
        }
        if time.is_empty() {
            return Some(());
        }
        let time = time.strip_prefix(['T', 't', ' '])?;
        let (time, offset) = match (time.strip_suffix(['Z', 'z']), time.rfind(['+', '-'])) {
            (Some(time), _) => (time, 0),
            (None, None) => (time, 0),
            (None, Some(sign)) => {
                let (hours, minutes) = time[sign + 1..].split_once(':')?;
                let (hours, minutes) = (number(hours, 2)?, number(minutes, 2)?);
                if hours > 23 || minutes > 59 {
                    return None;
                }
                (&time[..sign], if time[sign..].starts_with('+') { 1 } else { -1 } * (hours * 60 + minutes))
            }
        };
        let time = match time.split_once('.') {
            Some((time, fraction)) => number(fraction, fraction.len()).map(|_| time)?,
            None => time,
        };
        let time: Vec<&str> = time.split(':').collect();
        let [hour, minute, second] = time[..] else { return None };
        let (hour, minute, second) = (number(hour, 2)?, number(minute, 2)?, number(second, 2)?);
        // In UTC, by steps of a day.
        let mut minutes = hour * 60 + minute - offset;
        if minutes < 0 {
            minutes += 1_440;
            day -= 1;
            if day == 0 {
                (year, month) = if month == 1 { (year - 1, 12) } else { (year, month - 1) };
                day = days_of(year, month);
            }
        } else if minutes >= 1_440 {
            minutes -= 1_440;
            day = if day == days_of(year, month) { 1 } else { day + 1 };
            month = if day == 1 { month % 12 + 1 } else { month };
        }
        let is_last_minute = minutes == 1_439 && day == days_of(year, month);
        (hour < 24 && minute < 60 && (second < 60 || second == 60 && is_last_minute)).then_some(())
    };
    read().is_some()
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
    let text = r#"[{"id":"a","time":"2016-12-30T23:59:60Z","int":"v\n2","bool":"maybe","object":null},{"id":"b","time":1e300,"int":1},
        {"id":"c","time":"","int":2.5,"int":3},{"id":"d","time":"Sat, 31 Jan 2026 10:00:00 GMT"}]"#;
    let table = list(&EVERYTHING, text).expect("records");
    let times: Vec<_> = (0..4).map(|row| (table.text(row, TIME), table.time_us(row, TIME))).collect();
    assert_eq!(
        times,
        [
            (Some("2016-12-30T23:59:60Z"), None),
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
        (0, "a", "time", r#""2016-12-30T23:59:60Z""#),
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
