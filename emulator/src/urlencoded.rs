//! A strict parser for `application/x-www-form-urlencoded`, to detect clients that encode incorrectly, and a lenient one.

use std::fmt;

/// Why a form or query is malformed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Malformed {
    /// A `%` without two hexadecimal digits after it, or octets that are not UTF-8.
    Escape,
    /// A name without `=`.
    NoValue,
}

impl fmt::Display for Malformed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Escape => "invalid percent escape or UTF-8",
            Self::NoValue => "a field has no value",
        })
    }
}

/// Returns the pairs in order.
pub(crate) fn parse(text: &str) -> Result<Vec<(String, String)>, Malformed> {
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').ok_or(Malformed::NoValue)?;
            Ok((decode(name)?, decode(value)?))
        })
        .collect()
}

/// The pairs that can be read, in order; one without `=` has an empty value.
pub(crate) fn readable(text: &str) -> Vec<(String, String)> {
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    let read = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        Some((decode(name).ok()?, decode(value).ok()?))
    };
    pairs.filter_map(read).collect()
}

fn decode(text: &str) -> Result<String, Malformed> {
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        octets.push(match byte {
            b'+' => b' ',
            b'%' => {
                let (high, low) = (rest.next().and_then(hex), rest.next().and_then(hex));
                high.zip(low).map(|(high, low)| high << 4 | low).ok_or(Malformed::Escape)?
            }
            plain => plain,
        });
    }
    String::from_utf8(octets).map_err(|_| Malformed::Escape)
}

fn hex(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Malformed, parse};

    #[test]
    fn a_recorded_query_is_parsed() {
        let pairs = parse("event_types=%5B%22create%22%2C+%22update+%5Cu00e9%22%5D&a=%c3%A9&empty=").expect("readable");
        let pairs: Vec<_> = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(pairs, [("event_types", "[\"create\", \"update \\u00e9\"]"), ("a", "é"), ("empty", "")]);
    }

    #[test]
    fn broken_escapes_are_rejected() {
        for text in ["a=%", "a=%4", "a=%zz", "a=%ff", "%=1"] {
            assert_eq!(parse(text), Err(Malformed::Escape), "{text}");
        }
        assert_eq!(parse("a"), Err(Malformed::NoValue));
        assert_eq!(parse(""), Ok(vec![]));
    }
}
