//! A secret that a server repeats is rarely as it was sent: JSON, HTML, URLs and forms escape it, each in more ways than one, and
//! a server that takes UTF-8 for Latin-1 writes two characters for one. Decoding makes one of all of these, in any mixture.

use std::ops::Range;

use memchr::memchr3;
use zeroize::Zeroizing;

/// How often a text is decoded at the most: what is escaped within escapes, such as JSON in JSON, is found so deep.
pub(super) const MAX_LAYERS: usize = 4;

/// Which encodings are taken off.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Backslash,
    Percent,
    Html,
    Latin,
    /// All of them, in any mixture, and `+` and the space become one.
    Any,
    /// The same where the first backslash of several, or of one before another escape, is none: what was escaped begins behind it.
    BackslashBehind,
    AnyBehind,
}

impl Kind {
    fn is_any(self) -> bool {
        matches!(self, Self::Any | Self::AnyBehind)
    }

    fn is_behind(self) -> bool {
        matches!(self, Self::BackslashBehind | Self::AnyBehind)
    }
}

/// What a text is decoded as in turn. Whatever is escaped, and however often, comes to light.
pub(super) const MIXED: [Kind; MAX_LAYERS] = [Kind::Any; MAX_LAYERS];
/// The same for what a backslash stands before, `\\\u0061`: taken for an escape, it leaves of the next one what is none.
pub(super) const BEHIND: [Kind; MAX_LAYERS] = [Kind::AnyBehind, Kind::Any, Kind::Any, Kind::Any];
/// A secret in which an escape may begin, `%41`, is the same after one layer only where no other kind of escape is read.
pub(super) const PURE: [[Kind; 2]; 5] = [
    [Kind::Backslash, Kind::Latin],
    [Kind::BackslashBehind, Kind::Latin],
    [Kind::Percent, Kind::Latin],
    [Kind::Html, Kind::Latin],
    [Kind::Latin, Kind::Latin],
];

/// Named in HTML.
const NAMED: [(&[u8], u32); 5] =
    [(b"&amp;", 0x26), (b"&lt;", 0x3c), (b"&gt;", 0x3e), (b"&quot;", 0x22), (b"&apos;", 0x27)];

/// A text after one layer of encoding is taken off it, and where in that text each of its bytes comes from.
pub(super) struct Decoded {
    /// It may hold secrets. Never longer than what it was decoded from, so it is never moved.
    bytes: Zeroizing<Vec<u8>>,
    /// Where the unit begins that a byte comes from; and where the last one ends.
    from: Vec<usize>,
    /// Where in `bytes` the units end that are escapes.
    escapes: Vec<usize>,
}

impl Decoded {
    /// None where nothing is encoded.
    ///
    /// Every code point up to U+00FF becomes the one byte that it is in Latin-1, however it is written: as UTF-8, as Latin-1 or
    /// escaped; and UTF-8 that was taken for Latin-1 becomes UTF-8, and at the next layer the same byte.
    pub(super) fn new(text: &[u8], kind: Kind) -> Option<Self> {
        let first = [memchr3(b'\\', b'%', b'&', text), memchr3(b'+', 0xc2, 0xc3, text)].into_iter().flatten().min()?;
        let mut decoded = Self {
            bytes: Zeroizing::new(Vec::with_capacity(text.len())),
            from: Vec::with_capacity(text.len() + 1),
            escapes: Vec::new(),
        };
        decoded.bytes.extend_from_slice(&text[..first]);
        decoded.from.extend(0..first);
        let mut at = first;
        let mut changed = false;
        while let Some(byte) = text.get(at) {
            let before = at.checked_sub(1).map(|before| text[before]);
            let skipped = kind.is_behind() && before != Some(b'\\') && stands_before_an_escape(&text[at..]);
            if let Some((length, c)) = unit(&text[at..], kind).filter(|_| !skipped) {
                changed = true;
                decoded.push(at, c, kind);
                if length > 1 {
                    decoded.escapes.push(decoded.bytes.len());
                }
                at += length;
            } else {
                decoded.bytes.push(*byte);
                decoded.from.push(at);
                at += 1;
            }
        }
        decoded.from.push(text.len());
        changed.then_some(decoded)
    }

    fn push(&mut self, from: usize, c: char, kind: Kind) {
        let mut utf8 = [0; 4];
        match u8::try_from(c) {
            Ok(b'+') if kind.is_any() => self.bytes.push(b' '),
            Ok(byte) => self.bytes.push(byte),
            Err(_) => self.bytes.extend_from_slice(c.encode_utf8(&mut utf8).as_bytes()),
        }
        self.from.resize(self.bytes.len(), from);
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn escapes(&self) -> &[usize] {
        &self.escapes
    }

    /// What the bytes in a range come from, in whole units.
    pub(super) fn source(&self, range: Range<usize>) -> Range<usize> {
        let Some(last) = range.end.checked_sub(1) else { return 0..0 };
        let end = self.from[range.end..].iter().find(|from| **from > self.from[last]);
        self.from[range.start]..end.copied().unwrap_or(self.from[last])
    }
}

/// Whether a text begins with a backslash and what may be an escape by itself.
pub(super) fn stands_before_an_escape(text: &[u8]) -> bool {
    matches!(text, [b'\\', b'\\' | b'%' | b'&', ..])
}

/// How many bytes of the end may be an escape that was cut off.
pub(super) fn cut_escape(text: &[u8]) -> usize {
    const LONGEST: usize = 24;
    let end = &text[text.len().saturating_sub(LONGEST)..];
    // What opens another may belong to one itself, at the next layer. Of a pair of surrogates the first half is complete, and says
    // nothing without the second.
    let opens = |byte: &u8| matches!(byte, b'\\' | b'%' | b'&' | 0xc2 | 0xc3);
    let inside = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'#' || opens(byte);
    let opened = |at: &usize| opens(&end[*at]) && end[*at + 1..].iter().all(inside);
    let cut = (0..end.len()).find(opened).map_or(0, |at| end.len() - at);
    let before = text[..text.len() - cut].iter().rev().take(LONGEST).take_while(|byte| **byte == b'\\');
    cut + before.count()
}

/// The escape with which a text begins: how long it is, and what it stands for.
fn unit(text: &[u8], kind: Kind) -> Option<(usize, char)> {
    let of = |wanted: Kind| kind == wanted || kind.is_any();
    match text[0] {
        b'\\' if of(Kind::Backslash) || kind == Kind::BackslashBehind => backslash(text),
        b'%' if of(Kind::Percent) => Some((3, char::from(byte(text.get(1..3)?)?))),
        b'+' if of(Kind::Percent) => Some((1, ' ')),
        b'&' if of(Kind::Html) => html(text),
        lead @ (0xc2 | 0xc3) if of(Kind::Latin) => {
            let trail = text.get(1).filter(|byte| (0x80..0xc0).contains(*byte))?;
            Some((2, char::from((lead & 3) << 6 | (trail & 0x3f))))
        }
        _ => None,
    }
}

/// JSON, and what looks like it: `\'`, `\x41`, and whatever else somebody thinks must be escaped.
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
        let (name, c) = NAMED.iter().find(|(name, _)| text.starts_with(name))?;
        return Some((name.len(), char::from_u32(*c)?));
    };
    let hex = matches!(number.first(), Some(b'x' | b'X'));
    let radix = if hex { 16 } else { 10 };
    let digits = &number[usize::from(hex)..];
    // As many as there are, zeros included: no other escape can begin among them, so that none is read twice.
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
    fn what_is_no_escape_stays() {
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
            assert!(Decoded::new(text.as_bytes(), Kind::Any).is_none(), "{text}");
        }
        for bytes in [&b"\xc3"[..], b"\xc3a", b"\xe9", b"\xc4\x80"] {
            assert!(Decoded::new(bytes, Kind::Any).is_none(), "{bytes:x?}");
        }
    }

    #[test]
    fn every_byte_knows_where_it_comes_from() {
        let text = b"ab\\u20acc%64&#x65;f";
        let decoded = Decoded::new(text, Kind::Any).expect("escapes");
        assert_eq!(decoded.bytes(), "ab€cdef".as_bytes());
        let source = |range: Range<usize>| &text[decoded.source(range)];
        assert_eq!(source(0..2), b"ab");
        // A part of a character is all of it.
        for range in [2..3, 3..4, 2..5, 4..5] {
            assert_eq!(source(range), b"\\u20ac");
        }
        assert_eq!(source(4..8), b"\\u20acc%64&#x65;");
        assert_eq!(source(8..9), b"f");
        assert_eq!(decoded.escapes(), [5, 7, 8]);
    }

    #[test]
    fn an_escape_that_was_cut_off_is_seen() {
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
            assert_eq!(cut_escape(text.as_bytes()), cut, "{text}");
        }
        assert_eq!(cut_escape(b"abc\xc3"), 1);
    }
}
