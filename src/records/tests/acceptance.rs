//! Which texts are accepted as JSON, in values that are stored and in values that are skipped.

use std::thread;

use super::{EVERYTHING, OBJECT, Root, TEXT, UNKNOWN, decode, field, list, one};

/// Whether `value` is accepted for an unknown key. The result must be the same inside an unknown array.
fn is_json(value: &str) -> bool {
    let accepted = one(&UNKNOWN, format!(r#"{{"a":{value}}}"#)).is_ok();
    let nested = one(&UNKNOWN, format!(r#"{{"a":[0,{{"b":{value}}}]}}"#)).is_ok();
    assert_eq!(accepted, nested, "{value}");
    accepted
}

#[test]
fn numbers_follow_the_grammar() {
    for good in ["0", "-0", "10", "0.0", "-1.25", "1e5", "1E+5", "1.0e-05", "0e0", "1e999", "123456789012345678901"] {
        assert!(is_json(good), "{good}");
    }
    for bad in ["", "-", "+1", "01", "-01", ".5", "1.", "1.e5", "1e", "1e+", "0x1", "1_0", "--1", "Infinity", "NaN"] {
        assert!(!is_json(bad), "{bad}");
    }
}

#[test]
fn literals_are_exact() {
    for good in ["true", "false", "null"] {
        assert!(is_json(good), "{good}");
    }
    for bad in ["trux", "nulx", "falsx", "True", "tru", "truee", "nul", "none", "fals", "nulll", "tr ue", "undefined"] {
        assert!(!is_json(bad), "{bad}");
    }
}

#[test]
fn structure_is_exact() {
    for good in ["[]", "{}", "[ ]", "{ }", "[1]", "[[],[]]", r#"{"":{}}"#, r#"{"a":1,"a":2}"#, "[\n\t\r 1 , 2\n]"] {
        assert!(is_json(good), "{good}");
    }
    for bad in [
        "[1,]",
        "[,1]",
        "[,]",
        "[1 2]",
        "{,}",
        r#"{"a":1,}"#,
        r#"{"a"}"#,
        r#"{"a":}"#,
        r#"{"a" 1}"#,
        "{1:2}",
        "{a:1}",
        "[}",
        "{]",
        "[1}",
        r#"{"a":1]"#,
        "[",
        "{",
        "]",
        "}",
        "[1",
        "'a'",
        "[\u{b}1]",
        "[\u{a0}1]",
        "/**/1",
    ] {
        assert!(!is_json(bad), "{bad}");
    }
}

#[test]
fn only_whitespace_may_surround_the_text() {
    for good in ["[]", " [] ", "\r\n\t []\n"] {
        assert!(list(&UNKNOWN, good).is_ok(), "{good:?}");
    }
    for bad in ["", " ", "[]]", "[],", "[] []", "[]x", "\u{feff}[]", "[]\0", "\0[]", "x"] {
        assert!(list(&UNKNOWN, bad).is_err(), "{bad:?}");
    }
}

#[test]
fn commas_are_checked_even_between_predicted_keys() {
    let good = r#"{"id":"a","text":"b"}"#;
    for bad in [
        r#"{,"id":"a","text":"b"}"#,
        r#"{"id":"a","text":"b",}"#,
        r#"{"id":"a""text":"b"}"#,
        r#"{"id":"a",,"text":"b"}"#,
        r#"{"text":"b","id":"a" "x":1}"#,
        r#"{,"text":"b","id":"a"}"#,
        r#"{"id" "a"}"#,
        r#"{"id":"a","text"}"#,
    ] {
        assert!(list(&EVERYTHING, format!("[{good},{good},{bad}]")).is_err(), "{bad}");
    }
    // After a separator too long to be learned, the next one must not be taken for the first.
    let long = format!(r#"{{"{}":1,"id":"a","text":"b"}}"#, "k".repeat(99));
    let text = format!(r#"[{long},{long},{{,"id":"a"}}]"#);
    assert!(list(&EVERYTHING, text).is_err());
}

#[test]
fn every_escape_is_resolved() {
    let table = field("text", r#""\"\\\/\b\f\n\r\t\u0041\u00e9\u20AC\uD83D\ude00!""#).unwrap();
    assert_eq!(table.text(0, TEXT), Some("\"\\/\u{8}\u{c}\n\r\tAé€😀!"));
}

/// Servers that truncate text by UTF-16 units send lone surrogates. Red when they are rejected: "half of a surrogate pair in a
/// string".
#[test]
fn a_lone_surrogate_becomes_a_replacement_character() {
    for (sent, read) in [
        (r"\ud800", "\u{fffd}"),
        (r"\udc00", "\u{fffd}"),
        (r"cut \ud83d", "cut \u{fffd}"),
        (r"\ud800x", "\u{fffd}x"),
        (r"\ud800\n", "\u{fffd}\n"),
        (r"\ud800\\u", "\u{fffd}\\u"),
        (r"\ud800\ud800", "\u{fffd}\u{fffd}"),
        (r"\ud800\ud83d\ude00", "\u{fffd}😀"),
        (r"\ud800\u0041", "\u{fffd}A"),
        (r"\ude00\ud83d", "\u{fffd}\u{fffd}"),
        (r"\ud83d\ude00\ude00", "😀\u{fffd}"),
    ] {
        assert!(is_json(&format!("\"{sent}\"")), "{sent}");
        assert!(is_json(&format!("{{\"{sent}\":1}}")), "{sent}");
        let table = field("text", &format!("\"{sent}\"")).expect(sent);
        assert_eq!(table.text(0, TEXT), Some(read), "{sent}");
        assert_eq!(table.json(), format!(r#"{{"id":"x","text":"{sent}"}}"#).as_bytes());
        let table = field("object", &format!("{{\"a\":\"{sent}\"}}")).expect(sent);
        assert_eq!(table.text(0, OBJECT), Some(&*format!("{{\"a\":\"{sent}\"}}")), "kept as sent");
    }
}

#[test]
fn escapes_are_checked_in_every_string() {
    let bad = [
        r"\x",
        r"\u",
        r"\u00",
        r"\u00g0",
        r"\U0041",
        r"\",
        r"\'",
        r"\u+041",
        r"\ud83d\u",
        r"\ud83d\u00g0",
        "\n",
        "\u{1}",
        "\0",
        "\u{1f}",
        "aaaaaaaaaaaaaaaaaaaa\u{1f}",
    ];
    for bad in bad {
        assert!(!is_json(&format!("\"{bad}\"")), "{bad:?}");
        assert!(!is_json(&format!("{{\"{bad}\":1}}")), "{bad:?}");
        assert!(field("text", &format!("\"{bad}\"")).is_err(), "{bad:?}");
        assert!(field("list", &format!("[\"{bad}\"]")).is_err(), "{bad:?}");
    }
    for good in ["\u{7f}", "\u{80}", "é", "\u{2028}", "😀", r"\u0000", r"\ud83d\ude00"] {
        assert!(is_json(&format!("\"{good}\"")), "{good:?}");
        assert!(field("text", &format!("\"{good}\"")).is_ok(), "{good:?}");
    }
}

#[test]
fn nul_becomes_a_replacement_character() {
    let table = field("text", r#""a\u0000b\u0000""#).unwrap();
    assert_eq!(table.text(0, TEXT), Some("a\u{fffd}b\u{fffd}"));
    assert_eq!(table.text_with_nul(0, TEXT), Some("a\u{fffd}b\u{fffd}\0".as_bytes()));
}

#[test]
fn a_string_of_any_length_is_read_to_its_end() {
    for length in 0..70 {
        let plain = "x".repeat(length);
        for (sent, read) in [("", ""), (r"\n", "\n"), ("é", "é"), (r"\ud83d\ude00", "😀")] {
            let table = field("text", &format!("\"{plain}{sent}{plain}\"")).unwrap();
            assert_eq!(table.text(0, TEXT), Some(format!("{plain}{read}{plain}").as_str()));
        }
    }
}

#[test]
fn invalid_utf8_is_rejected() {
    for bad in [&b"\xff"[..], b"\xc3", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\x80", b"\xc3\\n\xa9"] {
        for (before, after) in [("{\"id\":\"", "\"}"), ("{\"id\":\"\",\"x\":\"", "\"}"), ("{\"id\":\"\",\"", "\":1}")] {
            let text = [before.as_bytes(), bad, after.as_bytes()].concat();
            let error = one(&EVERYTHING, &text).unwrap_err();
            assert_eq!((error.reason.as_str(), error.body), ("not UTF-8", text));
            assert_eq!(error.offset, before.len());
        }
    }
}

#[test]
fn the_maximum_depth_is_that_of_serde_json() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    for depth in [1, 2, 126, 127, 128, 129, 100_000] {
        let expected = serde_json::from_str::<serde_json::Value>(&nested(depth)).is_ok();
        assert_eq!(expected, depth < 128);
        if depth < 3 {
            continue;
        }
        let in_object = format!(r#"{{"id":"","x":{}}}"#, nested(depth - 1));
        assert_eq!(one(&EVERYTHING, in_object).is_ok(), expected, "{depth}");
        let in_list = format!(r#"[{{"id":"","x":{}}}]"#, nested(depth - 2));
        assert_eq!(list(&EVERYTHING, in_list).is_ok(), expected, "{depth}");
        let kept = format!(r#"{{"id":"","object":{{"x":{}}}}}"#, nested(depth - 2));
        assert_eq!(one(&EVERYTHING, kept).is_ok(), expected, "{depth}");
        let wrong = format!(r#"{{"id":"","list":[{}],"list":[]}}"#, nested(depth - 2));
        assert_eq!(one(&EVERYTHING, wrong).is_ok(), expected, "{depth}");
        assert!(list(&EVERYTHING, nested(depth)).is_err());
    }
}

#[test]
fn the_decoder_runs_on_a_small_stack() {
    let nested = format!(r#"[{{"id":"","object":{{"x":{}1{}}}}}]"#, "[".repeat(124), "]".repeat(124));
    let decoding = thread::Builder::new().stack_size(32 * 1024).spawn(move || {
        let table = decode(nested.into_bytes(), &EVERYTHING, Root::List);
        table.is_ok_and(|table| table.len() == 1)
    });
    assert!(decoding.unwrap().join().unwrap());
}

#[test]
fn a_truncated_body_is_reported_as_truncated() {
    let record = r#"{"id":"a\u00e9\ud83d\ude00é€","text":"b" , "int":-2.5e-1,"int":2,"bool":true,"time":"2026-01-31T10:00Z",
        "list":["a","\n"],"object":{"a":[1,{"b":null}],"c":false},"unknown":[[],{},-0.5E+7,"\\"]}"#;
    let whole = format!("[{record},{record}\n]").into_bytes();
    assert!(list(&EVERYTHING, &whole).is_ok());
    for end in 0..whole.len() {
        let error = list(&EVERYTHING, &whole[..end]).unwrap_err();
        assert_eq!(error.reason, "unexpected end of input", "{}", String::from_utf8_lossy(&whole[..end]));
        assert_eq!((error.offset, error.body.as_slice()), (end, &whole[..end]));
    }
}
