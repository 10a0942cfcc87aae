//! Where the beginning of a secret stands in a text, however long the two are and whatever is in them: the time that it takes
//! grows with their length and no faster.

use std::cell::Cell;
use std::ops::Range;

use memchr::memmem;
use secrecy::{ExposeSecret, SecretBox};

use super::encodings::{Decoded, Kind, MIXED, cut_escape};

/// Of a secret of that many bytes and more, no beginning of that many bytes is shown.
pub(super) const MIN_REDACTED: usize = 8;
/// A shorter "secret" would tear holes into every text.
pub(super) const SHORTEST: usize = 4;
/// So much of an escape is thought of as characters of its own.
const MAX_ESCAPE: usize = 16;

/// A secret at one layer of decoding.
pub(super) struct Pattern {
    bytes: SecretBox<[u8]>,
    /// So many of its bytes must stand in a text to be taken for it.
    enough: usize,
    pure: bool,
}

/// A text at one layer of decoding.
#[derive(Clone, Copy)]
pub(super) struct Layer<'a> {
    pub(super) text: &'a [u8],
    /// What it was decoded from, and how; none: it is as it came.
    pub(super) decoded: Option<(&'a [u8], &'a Decoded)>,
    pub(super) work: &'a Work,
}

impl Pattern {
    /// The secret as it is and at each layer of decoding: it may look like an escape itself. Its first `public` bytes are no
    /// secret.
    pub(super) fn all(secret: &str, public: usize) -> Vec<Self> {
        let text = secret.as_bytes();
        // What follows may make an escape of its end.
        let looks_encoded = text.iter().any(|byte| matches!(byte, b'\\' | b'%' | b'&'));
        let mut patterns = Vec::new();
        let mut add = |bytes: &[u8], enough: usize, pure: bool| {
            let enough = if text.len() < MIN_REDACTED { bytes.len() } else { enough.min(bytes.len()) };
            // Two characters may have had four bytes.
            if enough >= SHORTEST / 2 {
                patterns.push(Self { bytes: SecretBox::from(Box::<[u8]>::from(bytes)), enough, pure });
            }
        };
        // One byte may stand for two of before: then fewer are as many.
        let enough_of = |decoded: &Decoded, enough: usize| {
            let covered =
                (0..=decoded.bytes().len()).rev().find(|end| decoded.source(0..*end).end <= enough).unwrap_or(0);
            covered.clamp(public.min(covered) + SHORTEST, public + MIN_REDACTED)
        };
        let mut enough = public + MIN_REDACTED;
        add(text, enough, looks_encoded);
        if looks_encoded && let Some(latin) = Decoded::new(text, Kind::Latin) {
            add(latin.bytes(), enough_of(&latin, enough), true);
        }
        let mut decoded: Option<Decoded> = None;
        for kind in MIXED {
            let Some(next) = Decoded::new(decoded.as_ref().map_or(text, Decoded::bytes), kind) else { break };
            enough = enough_of(&next, enough);
            add(next.bytes(), enough, false);
            decoded = Some(next);
        }
        patterns
    }

    /// Whether it is to be looked for in texts of which one kind of encoding is taken off.
    pub(super) fn is_pure(&self) -> bool {
        self.pure
    }

    /// Tells the stretches of `layer`, or rather of what it was decoded from, in which a beginning of this stands that is long
    /// enough. In the order in which they begin, those within an escape apart.
    pub(super) fn find(&self, layer: Layer, tell: &mut dyn FnMut(Range<usize>)) {
        let pattern = self.bytes.expose_secret();
        self.find_from_units(pattern, layer, tell);
        if let Some((source, decoded)) = layer.decoded {
            self.find_from_within_escapes(pattern, layer, source, decoded, tell);
        }
    }

    /// How many bytes of the end of a text that was cut off may belong to the secret, or to an escape of which the rest is gone.
    pub(super) fn cut_off(&self, text: &[u8]) -> usize {
        let escape = cut_escape(text);
        let before = &text[..text.len() - escape];
        let pattern = self.bytes.expose_secret();
        escape + (1..self.enough).rev().find(|length| before.ends_with(&pattern[..*length])).unwrap_or(0)
    }

    fn find_from_units(&self, pattern: &[u8], layer: Layer, tell: &mut dyn FnMut(Range<usize>)) {
        // The end of a short one can be hidden in what looks like an escape.
        let opener = || pattern.iter().position(|byte| matches!(byte, b'\\' | b'%' | b'&' | 0xc2 | 0xc3));
        let needle = match layer.decoded {
            Some(_) if self.enough == pattern.len() => opener().unwrap_or(pattern.len()).max(1),
            _ => self.enough,
        };
        let finder = memmem::Finder::new(&pattern[..needle]);
        let found = finder.find(layer.text);
        layer.work.add_search(found.unwrap_or(layer.text.len()));
        let Some(mut at) = found else { return };
        let mut extender = Extender::new(pattern, layer.work);
        while !layer.work.is_too_much() {
            let length = extender.extend(layer.text, at);
            self.tell_if_enough(pattern, layer, at, length, None, tell);
            at += 1;
            if at >= extender.end {
                let rest = layer.text.get(at..).unwrap_or_default();
                let further = finder.find(rest);
                layer.work.add_search(further.unwrap_or(rest.len()));
                match further {
                    Some(further) => at += further,
                    None => return,
                }
            }
        }
    }

    /// What comes before a secret may make an escape of its first characters: `%` before `ab`.
    fn find_from_within_escapes(
        &self,
        pattern: &[u8],
        layer: Layer,
        source: &[u8],
        decoded: &Decoded,
        tell: &mut dyn FnMut(Range<usize>),
    ) {
        let Some(first) = pattern.first() else { return };
        let mut extenders: [Option<Extender>; MAX_ESCAPE] = Default::default();
        let may_follow = &pattern[1..pattern.len().min(MAX_ESCAPE)];
        for at in decoded.escapes() {
            layer.work.add(Work::ESCAPE);
            if layer.work.is_too_much() {
                return;
            }
            if layer.text.get(*at).is_none_or(|next| !may_follow.contains(next)) {
                continue;
            }
            layer.work.add(Work::ESCAPE_LOOKED_AT);
            let escape = decoded.source(at - 1..*at);
            let (escape, end) = (&source[escape.clone()], escape.end);
            for inside in 1..escape.len().min(MAX_ESCAPE).min(pattern.len()) {
                let is_candidate = escape[escape.len() - inside] == *first
                    && escape.ends_with(&pattern[..inside])
                    && layer.text[*at..].first() == pattern.get(inside);
                if is_candidate {
                    let extender =
                        extenders[inside].get_or_insert_with(|| Extender::new(&pattern[inside..], layer.work));
                    let length = extender.extend(layer.text, *at);
                    self.tell_if_enough(pattern, layer, *at, inside + length, Some((inside, end)), tell);
                }
            }
        }
    }

    /// A secret that is found up to an escape may have its last characters in there.
    fn tell_if_enough(
        &self,
        pattern: &[u8],
        layer: Layer,
        at: usize,
        length: usize,
        within: Option<(usize, usize)>,
        tell: &mut dyn FnMut(Range<usize>),
    ) {
        layer.work.add(Work::FOUND);
        let end = at + length - within.map_or(0, |(inside, _)| inside);
        let Some((source, decoded)) = layer.decoded else {
            if length >= self.enough {
                tell(at..end);
            }
            return;
        };
        let mut found = decoded.source(at..end);
        if let Some((inside, escape_end)) = within {
            found.start = escape_end - inside;
        }
        let rest = &pattern[length..];
        let more = rest.iter().zip(&source[found.end..]).take(MAX_ESCAPE);
        let more = more.take_while(|(expected, there)| expected == there).count();
        if length + more >= self.enough {
            found.end += more;
            tell(found);
        }
    }
}

/// Tells how much of a pattern stands at a place, for places in ascending order (the Z algorithm): no byte of the text that is
/// known from an earlier place is compared again.
struct Extender<'a> {
    pattern: &'a [u8],
    work: &'a Work,
    /// How much of the pattern stands at each place of itself.
    of_itself: Vec<usize>,
    /// The stretch of the text that is known to be a beginning of the pattern and reaches furthest.
    begin: usize,
    end: usize,
}

impl<'a> Extender<'a> {
    fn new(pattern: &'a [u8], work: &'a Work) -> Self {
        let mut extender = Self { pattern, work, of_itself: vec![pattern.len()], begin: 0, end: 0 };
        for at in 1..pattern.len() {
            let length = extender.extend(pattern, at);
            extender.of_itself.push(length);
        }
        (extender.begin, extender.end) = (0, 0);
        extender
    }

    fn extend(&mut self, text: &[u8], at: usize) -> usize {
        self.work.add_compared(1);
        let mut length = 0;
        if at < self.end {
            length = self.of_itself[at - self.begin];
            if at + length < self.end {
                return length;
            }
            length = self.end - at;
        }
        let rest = self.pattern[length..].iter().zip(&text[at + length..]);
        let more = rest.take_while(|(expected, there)| expected == there).count();
        self.work.add_compared(more);
        length += more;
        (self.begin, self.end) = (at, at + length);
        length
    }
}

/// What a search has cost, in steps of about a nanosecond. A server can make up texts, and tokens, for which every secret must be
/// looked at everywhere; the thread that does it is the library's only one, so that there is a limit.
#[derive(Default)]
pub(super) struct Work(Cell<usize>);

impl Work {
    /// Some 30 ms. A body full of escapes can reach it with many secrets to look for, and is hidden then.
    const MAX: usize = 16_000_000;
    pub(super) const DECODED: usize = 6;
    const ESCAPE: usize = 6;
    const ESCAPE_LOOKED_AT: usize = 16;
    const FOUND: usize = 24;

    pub(super) fn add(&self, steps: usize) {
        self.0.set(self.0.get() + steps);
    }

    fn add_compared(&self, bytes: usize) {
        self.add(bytes);
        #[cfg(test)]
        tests::DONE.set(tests::DONE.get() + bytes);
    }

    fn add_search(&self, bytes: usize) {
        self.add(16 + bytes / 16);
    }

    pub(super) fn is_too_much(&self) -> bool {
        self.0.get() > Self::MAX
    }
}

#[cfg(test)]
mod tests {
    use super::super::redaction::Redaction;
    use super::*;

    thread_local! {
        /// What was compared: no clock tells the tests what a search costs.
        pub(super) static DONE: Cell<usize> = const { Cell::new(0) };
    }

    fn redacted(secret: &str, text: &[u8]) -> String {
        let redaction = Redaction::default();
        redaction.add(secret);
        redaction.bytes(text).escape_ascii().to_string()
    }

    #[test]
    fn a_secret_is_found_in_every_encoding_and_in_any_mixture() {
        let secret = "a /+\"\\<&é\u{1F600}\n";
        for text in [
            "a /+\"\\<&é\u{1F600}\n",
            "a /+\\\"\\\\<&é\u{1F600}\\n",
            "a \\/+\\\"\\\\<&\\u00e9\\ud83d\\uDE00\\u000a",
            "a+%2F%2B%22%5C%3C%26%C3%A9%F0%9F%98%80%0A",
            "a%20%2f%2b%22%5c%3c%26%c3%a9%f0%9f%98%80%0a",
            "a%20%2f%2b%22%5c%3c%26%e9%f0%9f%98%80%0a",
            "a /+&quot;\\&lt;&amp;&#233;&#x1F600;\n",
            "\\u0061 %2F+&#34;\\\\<&amp;é\\ud83d\\ude00\\n",
            "\\x61 \\x2f+&#000000000000000034;\\\\<&amp;é&#X0001f600;\\n",
            "a /+\"\\<&Ã©ð\u{9f}\u{98}\u{80}\n",
            "a%2520%252F%252B%2522%255C%253C%2526%25C3%25A9%25F0%259F%2598%2580%250A",
            "a /+\\\\\\\"\\\\\\\\<&\\\\u00e9\\\\ud83d\\\\ude00\\\\n",
        ] {
            assert_eq!(redacted(secret, format!("..{text}..").as_bytes()), "..[redacted]..", "{text}");
        }
    }

    #[test]
    fn a_secret_is_found_in_latin_1() {
        assert_eq!(redacted("café", b"[caf\xe9]"), "[[redacted]]");
        assert_eq!(redacted("été!", b"\xe9t\xe9!"), "[redacted]");
        assert_eq!(redacted("éàüöß", "é\\u00c3\\u00a0%FC\u{c3}\u{b6}&#223;".as_bytes()), "[redacted]");
    }

    /// Red when only what is decoded is looked at: `%ab` is a byte then, and the token is not there.
    #[test]
    fn what_stands_beside_a_secret_does_not_hide_it() {
        for (text, clean) in [
            ("100%ab\\u0063defghij", "100%[redacted]"),
            ("\\ab\\u0063defghij", "\\\\[redacted]"),
            ("&#abcdefgh&#105;j;", "&#[redacted];"),
            ("\\u00abcdefgh\\/ij", "\\\\u00[redacted]\\\\/ij"),
        ] {
            assert_eq!(redacted("abcdefghij", text.as_bytes()), clean, "{text}");
        }
        for (secret, text) in [("abcd%", "\\u0061bcd%20"), ("abc%4", "\\u0061bc%41"), ("secret=12%", "secret%3D12%41")]
        {
            assert!(redacted(secret, text.as_bytes()).starts_with("[redacted]"), "{secret} in {text}");
        }
    }

    /// Red when a backslash always makes an escape of what is behind it, and when a secret with but half an escape in it is looked
    /// for in mixed encodings only.
    #[test]
    fn a_secret_that_looks_encoded_is_found_beside_what_opens_or_closes_an_escape() {
        for (secret, text) in [
            (r";\+;", r"\\u003b\u005c\u002b\u003b"),
            (r"%41%41%41%41", r"\\u0025\u0034\u0031\u0025\u0034\u0031\u0025\u0034\u0031\u0025\u0034\u0031"),
            ("é\"u;&#x3", r"\%C3%A9%22u%3B%26%23x3;"),
        ] {
            let shown = redacted(secret, text.as_bytes());
            let (before, after) = shown.split_once("[redacted]").unwrap_or_else(|| panic!("{secret}: {shown}"));
            assert!(before.trim_matches('\\').is_empty() && after.trim_matches(';').is_empty(), "{secret}: {shown}");
        }
    }

    /// Without the limit such a text took seconds.
    #[test]
    fn a_text_made_up_to_take_long_is_not_shown_at_all() {
        let redaction = Redaction::default();
        for n in 0..40 {
            redaction.add(&format!("{}{n:02}", "\\".repeat(16 * 1024 - 2)));
        }
        let text = format!("shown{}", "\\".repeat(128 * 1024));
        assert_eq!(redaction.bytes(text.as_bytes()), b"[redacted]");
        assert_eq!(redaction.excerpt(text.as_bytes(), true, 64 * 1024), b"[redacted]");
        assert_eq!(redaction.excerpt(text.as_bytes(), true, 70_000), b"[redacted]");
        assert_eq!(redaction.bytes(b"shown"), b"shown");
    }

    #[test]
    fn what_is_not_the_secret_is_not_found() {
        for text in [
            "secre",
            "secret",
            "Secret!",
            "secret%2",
            "secret\\u0022",
            "secret&#3;",
            "secret&#;",
            "secret&#x;",
            "secret\\",
        ] {
            assert_eq!(redacted("secret!", text.as_bytes()), text.as_bytes().escape_ascii().to_string());
        }
    }

    #[test]
    fn seven_bytes_of_a_beginning_may_be_shown_and_eight_may_not() {
        for (secret, seven, eight) in [
            ("token-1234567890", "token-1", "token-12"),
            ("token-1234567890", "%74oken-1", "%74oken-12"),
            ("token-1234567890", "\\u0074oken-1", "\\u0074oken-12"),
            ("tokén-1234567890", "tokén-", "tokén-1"),
            ("ééééééééé", "&#233;&#233;&#233;", "&#233;&#233;&#233;&#233;"),
            ("%41%42%43%44%45", "%41%42%", "%41%42%4"),
        ] {
            let with = |part: &str| redacted(secret, format!("a {part}... b").as_bytes());
            assert_eq!(with(seven), format!("a {seven}... b").as_bytes().escape_ascii().to_string());
            assert_eq!(with(eight), "a [redacted]... b", "{eight}");
        }
        // What is shorter than that is a secret as a whole.
        assert_eq!(redacted("token-1", b"a token- b token-1"), "a token- b [redacted]");
    }

    /// Red when what is known from an earlier place is compared again: 2,147,762,175 steps, for a's in a's. (The search before this
    /// one took 48 s for that.)
    #[test]
    fn the_work_grows_with_the_text_and_no_faster() {
        const TEXT: usize = 128 * 1024;
        const SECRET: usize = 16 * 1024;
        let a = |n: usize| "a".repeat(n);
        let ab = |n: usize| "ab".repeat(n / 2);
        let secrets = [
            a(SECRET),
            a(SECRET - 1) + "b",
            ab(SECRET),
            ab(SECRET) + "c",
            "%61".repeat(SECRET / 3),
            "61".repeat(SECRET / 2),
        ];
        let texts = [
            a(TEXT),
            ab(TEXT),
            "%61".repeat(TEXT / 3),
            "%2561".repeat(TEXT / 5),
            "%25252561".repeat(TEXT / 9),
            "&#97;".repeat(TEXT / 5),
            "\\u0061".repeat(TEXT / 6),
            "\\".repeat(TEXT),
            "&#0".repeat(TEXT / 3),
            format!("&#{}", "0".repeat(TEXT - 2)),
            (a(SECRET - 1) + "c").repeat(TEXT / SECRET),
        ];
        for text in &texts {
            for secret in &secrets {
                let redaction = Redaction::default();
                redaction.add(secret);
                DONE.take();
                redaction.bytes(text.as_bytes());
                let steps = DONE.take();
                // Some decoded layers, and some patterns of a secret that is an escape.
                assert!(steps < 20 * (TEXT + SECRET), "{steps} for {secret:.12} in {text:.12}");
            }
        }
    }
}
