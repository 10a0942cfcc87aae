//! The encodings that a server may echo a secret in: JSON, HTML, URLs and forms escape it, each in several ways, and a server that
//! mistakes UTF-8 for Latin-1 writes two characters for one. Decoding maps all of these, in any mixture, to the same bytes.

use std::ops::Range;

use memchr::memchr3;
use zeroize::Zeroizing;

/// The maximum depth of nested encodings, such as JSON in JSON, that are decoded.
pub(super) const MAX_LAYERS: usize = 4;

/// Which encodings one layer of decoding removes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Backslash,
    Percent,
    Html,
    Latin1,
    /// All of them, in any mixture; `+` decodes to a space.
    Any,
    /// The same, but a backslash before another escape character is literal, and the escape begins after it.
    BackslashSkipFirst,
    AnySkipFirst,
}

impl Encoding {
    fn is_any(self) -> bool {
        matches!(self, Self::Any | Self::AnySkipFirst)
    }

    fn skips_first_backslash(self) -> bool {
        matches!(self, Self::BackslashSkipFirst | Self::AnySkipFirst)
    }
}

/// The layers that decode any mixture of encodings.
pub(super) const MIXED: [Encoding; MAX_LAYERS] = [Encoding::Any; MAX_LAYERS];
/// The same for a text in which a literal backslash precedes an escape, `\\\u0061`: decoded as an escape itself, it would break the
/// next one.
pub(super) const SKIP_FIRST_BACKSLASH: [Encoding; MAX_LAYERS] =
    [Encoding::AnySkipFirst, Encoding::Any, Encoding::Any, Encoding::Any];
/// Layers of a single kind of escape: a secret that itself contains an escape, `%41`, is found only if no other kind is decoded.
pub(super) const SINGLE: [[Encoding; 2]; 5] = [
    [Encoding::Backslash, Encoding::Latin1],
    [Encoding::BackslashSkipFirst, Encoding::Latin1],
    [Encoding::Percent, Encoding::Latin1],
    [Encoding::Html, Encoding::Latin1],
    [Encoding::Latin1, Encoding::Latin1],
];

/// The named character references of HTML that text is escaped with.
const HTML_NAMES: [(&[u8], u32); 5] =
    [(b"&amp;", 0x26), (b"&lt;", 0x3c), (b"&gt;", 0x3e), (b"&quot;", 0x22), (b"&apos;", 0x27)];

/// A text with one layer of encoding removed, and the position in the source that each of its bytes comes from.
pub(super) struct Decoded {
    /// May contain secrets. Never longer than the source, so that it is never reallocated.
    bytes: Zeroizing<Vec<u8>>,
    /// For each byte, where its unit begins in the source; then the length of the source.
    offsets: Vec<usize>,
    /// Where in `bytes` the decoded escapes end.
    escape_ends: Vec<usize>,
}

impl Decoded {
    /// Returns none if nothing in the text is encoded.
    ///
    /// Every code point up to U+00FF becomes its Latin-1 byte, however it is written: as UTF-8, as Latin-1 or escaped. UTF-8 that
    /// was mistaken for Latin-1 becomes UTF-8, and at the next layer the same byte.
    pub(super) fn new(text: &[u8], encoding: Encoding) -> Option<Self> {
        let first = [memchr3(b'\\', b'%', b'&', text), memchr3(b'+', 0xc2, 0xc3, text)].into_iter().flatten().min()?;
        let mut decoded = Self {
            bytes: Zeroizing::new(Vec::with_capacity(text.len())),
            offsets: Vec::with_capacity(text.len() + 1),
            escape_ends: Vec::new(),
        };
        decoded.bytes.extend_from_slice(&text[..first]);
        decoded.offsets.extend(0..first);
        let mut at = first;
        let mut changed = false;
        while let Some(byte) = text.get(at) {
            let before = at.checked_sub(1).map(|before| text[before]);
            let skipped = encoding.skips_first_backslash() && before != Some(b'\\') && precedes_escape(&text[at..]);
            if let Some((length, c)) = decode_unit(&text[at..], encoding).filter(|_| !skipped) {
                changed = true;
                decoded.push(at, c, encoding);
                if length > 1 {
                    decoded.escape_ends.push(decoded.bytes.len());
                }
                at += length;
            } else {
                decoded.bytes.push(*byte);
                decoded.offsets.push(at);
                at += 1;
            }
        }
        decoded.offsets.push(text.len());
        changed.then_some(decoded)
    }

    fn push(&mut self, offset: usize, c: char, encoding: Encoding) {
        let mut utf8 = [0; 4];
        match u8::try_from(c) {
            Ok(b'+') if encoding.is_any() => self.bytes.push(b' '),
            Ok(byte) => self.bytes.push(byte),
            Err(_) => self.bytes.extend_from_slice(c.encode_utf8(&mut utf8).as_bytes()),
        }
        self.offsets.resize(self.bytes.len(), offset);
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn escape_ends(&self) -> &[usize] {
        &self.escape_ends
    }

    /// Maps a range of the decoded bytes to the range of the source, in whole units.
    pub(super) fn source(&self, range: Range<usize>) -> Range<usize> {
        let Some(last) = range.end.checked_sub(1) else { return 0..0 };
        let end = self.offsets[range.end..].iter().find(|offset| **offset > self.offsets[last]);
        self.offsets[range.start]..end.copied().unwrap_or(self.offsets[last])
    }
}

/// Whether a text begins with a backslash and another character that may begin an escape.
pub(super) fn precedes_escape(text: &[u8]) -> bool {
    matches!(text, [b'\\', b'\\' | b'%' | b'&', ..])
}

/// How many bytes at the end of a text may be an incomplete escape.
pub(super) fn truncated_escape_len(text: &[u8]) -> usize {
    const LONGEST: usize = 24;
    let end = &text[text.len().saturating_sub(LONGEST)..];
    // An escape character may itself be part of an escape at the next layer. The first half of a surrogate pair is a complete escape
    // that means nothing without the second.
    let opens = |byte: &u8| matches!(byte, b'\\' | b'%' | b'&' | 0xc2 | 0xc3);
    let inside = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'#' || opens(byte);
    let opened = |at: &usize| opens(&end[*at]) && end[*at + 1..].iter().all(inside);
    let cut = (0..end.len()).find(opened).map_or(0, |at| end.len() - at);
    let before = text[..text.len() - cut].iter().rev().take(LONGEST).take_while(|byte| **byte == b'\\');
    cut + before.count()
}

/// Decodes the escape at the beginning of a text: its length and its character.
fn decode_unit(text: &[u8], encoding: Encoding) -> Option<(usize, char)> {
    let of = |wanted: Encoding| encoding == wanted || encoding.is_any();
    match text[0] {
        b'\\' if of(Encoding::Backslash) || encoding == Encoding::BackslashSkipFirst => backslash(text),
        b'%' if of(Encoding::Percent) => Some((3, char::from(byte(text.get(1..3)?)?))),
        b'+' if of(Encoding::Percent) => Some((1, ' ')),
        b'&' if of(Encoding::Html) => html(text),
        lead @ (0xc2 | 0xc3) if of(Encoding::Latin1) => {
            let trail = text.get(1).filter(|byte| (0x80..0xc0).contains(*byte))?;
            Some((2, char::from((lead & 3) << 6 | (trail & 0x3f))))
        }
        _ => None,
    }
}

/// JSON, and similar escapes of other languages: `\'`, `\x41`, any escaped punctuation.
fn backslash(text: &[u8]) -> Option<(usize, char)> {
    match *text.get(1)? {
        b'u' => {
            let first = code_unit(text)?;
            if let Some(c) = char::from_u32(first) {
                return Some((6, c));
            }
            let pair = [u16::try_from(first).ok()?, u16::try_from(code_unit(&text[6..])?).ok()?];
            Some((12, char::decode_utf16(pair).next()?.ok()?))
        }
        b'x' => Some((4, char::from(byte(text.get(2..4)?)?))),
        b'b' => Some((2, '\u{8}')),
        b'f' => Some((2, '\u{c}')),
        b'n' => Some((2, '\n')),
        b'r' => Some((2, '\r')),
        b't' => Some((2, '\t')),
        itself => itself.is_ascii_punctuation().then_some((2, char::from(itself))),
    }
}

fn code_unit(text: &[u8]) -> Option<u32> {
    let digits = text.get(2..6).filter(|_| text.starts_with(b"\\u"))?;
    digits.iter().try_fold(0, |value, digit| Some(value << 4 | char::from(*digit).to_digit(16)?))
}

fn byte(digits: &[u8]) -> Option<u8> {
    digits
        .iter()
        .try_fold(0, |value: u8, digit| Some(value << 4 | u8::try_from(char::from(*digit).to_digit(16)?).ok()?))
}

fn html(text: &[u8]) -> Option<(usize, char)> {
    let Some(number) = text.strip_prefix(b"&#") else {
        let (name, c) = HTML_NAMES.iter().find(|(name, _)| text.starts_with(name))?;
        return Some((name.len(), char::from_u32(*c)?));
    };
    let hex = matches!(number.first(), Some(b'x' | b'X'));
    let radix = if hex { 16 } else { 10 };
    let digits = &number[usize::from(hex)..];
    // All digits, leading zeros included: no other escape can begin among them, so that no byte is read twice.
    let length = digits.iter().position(|digit| !char::from(*digit).is_digit(radix)).filter(|length| *length > 0)?;
    let value = digits[..length]
        .iter()
        .try_fold(0_u32, |value, digit| value.checked_mul(radix)?.checked_add(char::from(*digit).to_digit(radix)?))?;
    let is_closed = digits[length] == b';';
    Some((2 + usize::from(hex) + length + 1, char::from_u32(value).filter(|_| is_closed)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_without_escapes_is_not_decoded() {
        for text in [
            "%",
            "%2",
            "%2g",
            "%g2",
            "\\",
            "\\u",
            "\\u002",
            "\\u002g",
            "\\ud83d",
            "\\ude00",
            "\\x4",
            "\\q",
            "&",
            "&#",
            "&#;",
            "&#x;",
            "&#3",
            "&#3a;",
            "&#x110000;",
            "&#99999999999;",
            "&nbsp;",
            "&quot",
            "plain",
        ] {
            assert!(Decoded::new(text.as_bytes(), Encoding::Any).is_none(), "{text}");
        }
        for bytes in [&b"\xc3"[..], b"\xc3a", b"\xe9", b"\xc4\x80"] {
            assert!(Decoded::new(bytes, Encoding::Any).is_none(), "{bytes:x?}");
        }
    }

    #[test]
    fn decoded_bytes_map_to_their_source() {
        let text = b"ab\\u20acc%64&#x65;f";
        let decoded = Decoded::new(text, Encoding::Any).expect("escapes");
        assert_eq!(decoded.bytes(), "ab€cdef".as_bytes());
        let source = |range: Range<usize>| &text[decoded.source(range)];
        assert_eq!(source(0..2), b"ab");
        // Part of a character maps to its whole escape.
        for range in [2..3, 3..4, 2..5, 4..5] {
            assert_eq!(source(range), b"\\u20ac");
        }
        assert_eq!(source(4..8), b"\\u20acc%64&#x65;");
        assert_eq!(source(8..9), b"f");
        assert_eq!(decoded.escape_ends(), [5, 7, 8]);
    }

    #[test]
    fn an_incomplete_escape_at_the_end_is_recognised() {
        for (text, cut) in [
            ("abc", 0),
            ("abc%", 1),
            ("abc%4", 2),
            ("abc\\", 1),
            ("abc\\u00", 4),
            ("abc\\ud83d\\ude", 10),
            ("abc&quo", 4),
            ("abc&#x0000", 7),
            ("abc\\%", 2),
            ("abc%25", 3),
            ("a & b", 0),
            ("100% sure", 0),
        ] {
            assert_eq!(truncated_escape_len(text.as_bytes()), cut, "{text}");
        }
        assert_eq!(truncated_escape_len(b"abc\xc3"), 1);
    }
}
