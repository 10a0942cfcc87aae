//! Finds prefixes of a secret in a text, in time linear in both, whatever they contain.

use std::ops::Range;

use memchr::memmem;
use secrecy::{ExposeSecret, SecretBox};

use super::budget;
use super::encodings::{Decoded, Encoding, MIXED, truncated_escape_len};
use super::layers::Layer;
use super::prefix_matcher::PrefixMatcher;

/// Prefixes of a secret are redacted from this length on, in bytes.
pub(super) const MIN_PREFIX_LEN: usize = 8;
/// Shorter values are not treated as secrets: they occur by chance in any text.
pub(super) const MIN_SECRET_LEN: usize = 4;
/// At most this many bytes of an escape are also compared as they stand.
const MAX_ESCAPE_LEN: usize = 16;

/// A secret at one layer of decoding.
pub(super) struct Pattern {
    bytes: SecretBox<[u8]>,
    /// A match has at least this many bytes.
    min_match: usize,
    single_encoding: bool,
}

impl Pattern {
    /// The secret itself and what each layer of decoding makes of it, as it may look like an escape. Its first `public_len` bytes
    /// are not secret.
    pub(super) fn all(secret: &str, public_len: usize) -> Vec<Self> {
        let text = secret.as_bytes();
        // The end of the secret and the text after it may form an escape.
        let looks_encoded = text.iter().any(|byte| matches!(byte, b'\\' | b'%' | b'&'));
        let mut patterns = Vec::new();
        let mut add = |bytes: &[u8], min_match: usize, single_encoding: bool| {
            let min_match = if text.len() < MIN_PREFIX_LEN { bytes.len() } else { min_match.min(bytes.len()) };
            // Decoding may have made two characters of four bytes.
            if min_match >= MIN_SECRET_LEN / 2 {
                patterns.push(Self { bytes: SecretBox::from(Box::<[u8]>::from(bytes)), min_match, single_encoding });
            }
        };
        // A decoded byte may stand for several, so that fewer decoded bytes are as long a match.
        let decoded_min_match = |decoded: &Decoded, min_match: usize| {
            let covered =
                (0..=decoded.bytes().len()).rev().find(|end| decoded.source(0..*end).end <= min_match).unwrap_or(0);
            covered.clamp(public_len.min(covered) + MIN_SECRET_LEN, public_len + MIN_PREFIX_LEN)
        };
        let mut min_match = public_len + MIN_PREFIX_LEN;
        add(text, min_match, looks_encoded);
        if let Some(latin1) = looks_encoded.then(|| Decoded::new(text, Encoding::Latin1)).flatten() {
            add(latin1.bytes(), decoded_min_match(&latin1, min_match), true);
        }
        let mut decoded: Option<Decoded> = None;
        for encoding in MIXED {
            let Some(next) = Decoded::new(decoded.as_ref().map_or(text, Decoded::bytes), encoding) else { break };
            min_match = decoded_min_match(&next, min_match);
            add(next.bytes(), min_match, false);
            decoded = Some(next);
        }
        patterns
    }

    /// Whether it is also searched for in texts of which a single kind of encoding is removed.
    pub(super) fn is_single_encoding(&self) -> bool {
        self.single_encoding
    }

    /// Calls `report` with each range that holds a prefix of at least the minimum length, as a range of the text that `layer` was
    /// decoded from. The ranges ascend by their start, except those that begin within an escape.
    pub(super) fn find(&self, layer: Layer, report: &mut dyn FnMut(Range<usize>)) {
        let pattern = self.bytes.expose_secret();
        self.find_at_units(pattern, layer, report);
        if let Some((source, decoded)) = layer.decoded {
            self.find_within_escapes(pattern, layer, source, decoded, report);
        }
    }

    /// How many bytes at the end of a truncated text may belong to the secret, or to an incomplete escape.
    pub(super) fn truncated_len(&self, text: &[u8]) -> usize {
        let escape = truncated_escape_len(text);
        let before = &text[..text.len() - escape];
        let pattern = self.bytes.expose_secret();
        escape + (1..self.min_match).rev().find(|length| before.ends_with(&pattern[..*length])).unwrap_or(0)
    }

    fn find_at_units(&self, pattern: &[u8], layer: Layer, report: &mut dyn FnMut(Range<usize>)) {
        // The end of a short secret can be hidden in what looks like an escape.
        let first_opener = || pattern.iter().position(|byte| matches!(byte, b'\\' | b'%' | b'&' | 0xc2 | 0xc3));
        let needle_len = match layer.decoded {
            Some(_) if self.min_match == pattern.len() => first_opener().unwrap_or(pattern.len()).max(1),
            _ => self.min_match,
        };
        let finder = memmem::Finder::new(&pattern[..needle_len]);
        let found = finder.find(layer.text);
        layer.budget.spend_searched(found.unwrap_or(layer.text.len()));
        let Some(mut at) = found else { return };
        let mut matcher = PrefixMatcher::new(pattern, layer.budget);
        while !layer.budget.is_exceeded() {
            let length = matcher.prefix_len(layer.text, at);
            self.report_match(pattern, layer, at, length, None, report);
            at += 1;
            if at >= matcher.end() {
                let rest = layer.text.get(at..).unwrap_or_default();
                let next = finder.find(rest);
                layer.budget.spend_searched(next.unwrap_or(rest.len()));
                match next {
                    Some(next) => at += next,
                    None => return,
                }
            }
        }
    }

    /// The text before a secret may form an escape with its first characters: `%` before `ab`.
    fn find_within_escapes(
        &self,
        pattern: &[u8],
        layer: Layer,
        source: &[u8],
        decoded: &Decoded,
        report: &mut dyn FnMut(Range<usize>),
    ) {
        let Some(first) = pattern.first() else { return };
        let mut matchers: [Option<PrefixMatcher>; MAX_ESCAPE_LEN] = Default::default();
        let may_follow = &pattern[1..pattern.len().min(MAX_ESCAPE_LEN)];
        for at in decoded.escape_ends() {
            layer.budget.spend(budget::ESCAPE);
            if layer.budget.is_exceeded() {
                return;
            }
            if layer.text.get(*at).is_none_or(|next| !may_follow.contains(next)) {
                continue;
            }
            layer.budget.spend(budget::ESCAPE_COMPARED);
            let escape = decoded.source(at - 1..*at);
            let (escape, end) = (&source[escape.clone()], escape.end);
            for inside in 1..escape.len().min(MAX_ESCAPE_LEN).min(pattern.len()) {
                let is_candidate = escape[escape.len() - inside] == *first
                    && escape.ends_with(&pattern[..inside])
                    && layer.text[*at..].first() == pattern.get(inside);
                if is_candidate {
                    let matcher =
                        matchers[inside].get_or_insert_with(|| PrefixMatcher::new(&pattern[inside..], layer.budget));
                    let length = matcher.prefix_len(layer.text, *at);
                    self.report_match(pattern, layer, *at, inside + length, Some((inside, end)), report);
                }
            }
        }
    }

    /// Reports a match that is long enough. If it ends before an escape, the source of that escape may continue it.
    fn report_match(
        &self,
        pattern: &[u8],
        layer: Layer,
        at: usize,
        length: usize,
        within_escape: Option<(usize, usize)>,
        report: &mut dyn FnMut(Range<usize>),
    ) {
        layer.budget.spend(budget::MATCH);
        let end = at + length - within_escape.map_or(0, |(inside, _)| inside);
        let Some((source, decoded)) = layer.decoded else {
            if length >= self.min_match {
                report(at..end);
            }
            return;
        };
        let mut found = decoded.source(at..end);
        if let Some((inside, escape_end)) = within_escape {
            found.start = escape_end - inside;
        }
        let rest = &pattern[length..];
        let more = rest.iter().zip(&source[found.end..]).take(MAX_ESCAPE_LEN);
        let more = more.take_while(|(expected, actual)| expected == actual).count();
        if length + more >= self.min_match {
            found.end += more;
            report(found);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Redaction;
    use super::super::budget::COMPARED;

    fn redacted(secret: &str, text: &[u8]) -> String {
        let redaction = Redaction::default();
        redaction.add(secret);
        redaction.bytes(text).escape_ascii().to_string()
    }

    #[test]
    fn a_secret_is_found_in_any_mixture_of_encodings() {
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

    /// Red when only the decoded text is searched: `%ab` is one byte there, and the token is not found.
    #[test]
    fn adjacent_text_does_not_hide_a_secret() {
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

    /// Red when a backslash always escapes what follows it, and red when a secret that contains an incomplete escape is searched
    /// for in mixed encodings only.
    #[test]
    fn a_secret_that_looks_encoded_is_found_beside_escape_characters() {
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

    /// Red without the budget: such a text took seconds.
    #[test]
    fn a_text_that_exceeds_the_budget_is_not_shown() {
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
    fn similar_text_is_not_redacted() {
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
    fn a_prefix_is_redacted_from_eight_bytes_on() {
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
        // A shorter secret is redacted only whole.
        assert_eq!(redacted("token-1", b"a token- b token-1"), "a token- b [redacted]");
    }

    /// Red when matched bytes are compared again: 2,147,762,175 steps for a's in a's. (A naive search took 48 s.)
    #[test]
    fn the_search_is_linear_in_the_text() {
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
                COMPARED.take();
                redaction.bytes(text.as_bytes());
                let steps = COMPARED.take();
                // A few decoded layers, and a few patterns for a secret that is itself an escape.
                assert!(steps < 20 * (TEXT + SECRET), "{steps} for {secret:.12} in {text:.12}");
            }
        }
    }
}
