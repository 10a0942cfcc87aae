//! Redaction of secrets in everything the client shows: response bodies and headers that a server fills are searched before an
//! error or a log line quotes them.

mod budget;
mod encodings;
mod layers;
mod pattern;
mod prefix_matcher;
mod spans;

use std::sync::{Mutex, MutexGuard, PoisonError};

use budget::Budget;
use encodings::{MIXED, SINGLE, SKIP_FIRST_BACKSLASH, precedes_escape};
use layers::Layers;
use pattern::{MIN_SECRET_LEN, Pattern};
use spans::Spans;

const MARK: &[u8] = b"[redacted]";
/// The maximum length of a token, client secret or header value, in bytes. Servers reject longer header lines, and it limits
/// what each secret costs to search for.
pub(crate) const MAX_SECRET_LEN: usize = 16 * 1024;
/// How many replaced tokens are kept, because a server may echo an old one. The oldest are dropped first.
const MAX_TOKENS: usize = 16;
/// Common beginnings of header values that are not secret: unrelated text begins like this, too.
const PUBLIC_PREFIXES: [&str; 10] =
    ["https://", "http://", "application/", "multipart/", "text/", "image/", "audio/", "video/", "font/", "model/"];
/// Authentication schemes: what follows is a secret by itself.
const AUTH_SCHEMES: [&str; 7] = ["Bearer ", "Basic ", "Token ", "ApiKey ", "Api-Key ", "Digest ", "Negotiate "];

/// The secrets of one client.
#[derive(Default)]
pub(crate) struct Redaction {
    secrets: Mutex<Secrets>,
}

#[derive(Default)]
struct Secrets {
    permanent: Vec<Secret>,
    tokens: Vec<Secret>,
    /// Tokens of the identity-aware proxy. Kept apart because each outlives many of the other tokens.
    iap_tokens: Vec<Secret>,
}

/// One secret, at each layer of decoding.
type Secret = Vec<Pattern>;

impl Redaction {
    /// Adds a secret for the lifetime of the client.
    pub(crate) fn add(&self, secret: &str) {
        if secret.len() >= MIN_SECRET_LEN {
            self.lock().permanent.push(Pattern::all(secret, 0));
        }
    }

    /// Adds the value of a header for the lifetime of the client.
    pub(crate) fn add_header_value(&self, value: &str) {
        let has_prefix =
            |prefix: &&&str| value.get(..prefix.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(prefix));
        let scheme = AUTH_SCHEMES.iter().find(has_prefix);
        let public_len = scheme.or_else(|| PUBLIC_PREFIXES.iter().find(has_prefix)).map_or(0, |prefix| prefix.len());
        if scheme.is_some() {
            self.add(value[public_len..].trim_ascii_start());
        }
        if value.len() >= MIN_SECRET_LEN {
            self.lock().permanent.push(Pattern::all(value, public_len));
        }
    }

    /// Adds an access or refresh token, which will be replaced by others.
    pub(crate) fn add_token(&self, token: &str) {
        push_token(&mut self.lock().tokens, token);
    }

    /// Adds a token for the identity-aware proxy.
    pub(crate) fn add_iap_token(&self, token: &str) {
        push_token(&mut self.lock().iap_tokens, token);
    }

    /// Returns `bytes` with every secret, and every sufficiently long prefix of one, replaced by `[redacted]`, however it is
    /// encoded.
    pub(crate) fn bytes(&self, bytes: &[u8]) -> Vec<u8> {
        self.lock().redact(bytes, false, usize::MAX)
    }

    /// Returns at most `limit` bytes of the redacted text, without a partial secret or a partial mark at the end. A text that is
    /// not `complete` was truncated before.
    pub(crate) fn excerpt(&self, bytes: &[u8], complete: bool, limit: usize) -> Vec<u8> {
        // Redaction shortens the text, so that later bytes move into the excerpt.
        let window = limit.saturating_mul(2);
        self.lock().redact(&bytes[..bytes.len().min(window)], !complete || bytes.len() >= window, limit)
    }

    /// [`Redaction::bytes`] for UTF-8 text.
    pub(crate) fn text(&self, text: &str) -> String {
        String::from_utf8(self.bytes(text.as_bytes())).unwrap_or_else(|_| String::from_utf8_lossy(MARK).into_owned())
    }

    fn lock(&self) -> MutexGuard<'_, Secrets> {
        self.secrets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn push_token(tokens: &mut Vec<Secret>, token: &str) {
    if token.len() >= MIN_SECRET_LEN {
        tokens.push(Pattern::all(token, 0));
    }
    tokens.drain(..tokens.len().saturating_sub(MAX_TOKENS));
}

impl Secrets {
    fn patterns(&self) -> impl Iterator<Item = &Pattern> + Clone {
        self.permanent.iter().chain(&self.tokens).chain(&self.iap_tokens).flatten()
    }

    /// `truncated`: the text continued beyond its end.
    fn redact(&self, text: &[u8], truncated: bool, limit: usize) -> Vec<u8> {
        let budget = Budget::default();
        let mut spans = Spans::new(text);
        spans.find(&Layers::new(text, truncated, &MIXED, &budget), 0, truncated, &self.patterns());
        if memchr::memchr_iter(b'\\', text).any(|at| precedes_escape(&text[at..])) {
            let layers = Layers::new(text, truncated, &SKIP_FIRST_BACKSLASH, &budget);
            spans.find(&layers, 1, truncated, &self.patterns());
        }
        if self.patterns().any(Pattern::is_single_encoding) {
            for encodings in &SINGLE {
                let patterns = self.patterns().filter(|pattern| pattern.is_single_encoding());
                spans.find(&Layers::new(text, truncated, encodings, &budget), 1, truncated, &patterns);
            }
        }
        if budget.is_exceeded() {
            // The part that was not searched may contain anything.
            return if MARK.len() > limit { Vec::new() } else { MARK.to_vec() };
        }
        spans.render(limit)
    }
}

#[cfg(test)]
mod tests {
    use proptest::strategy::Strategy as _;

    use super::*;

    #[test]
    fn an_echoed_secret_is_redacted_in_every_encoding() {
        let redaction = Redaction::default();
        redaction.add("se cret+/\"é");
        redaction.add_token("token-12345");
        let echoed = "a=se cret+/\"é b=se+cret%2B%2F%22%C3%A9 c=\"se cret+/\\\"é\" d=token-12345token-12345";
        let clean = redaction.text(echoed);
        assert_eq!(clean, "a=[redacted] b=[redacted] c=\"[redacted]\" d=[redacted][redacted]");
    }

    #[test]
    fn a_secret_that_begins_with_another_is_redacted_whole() {
        let redaction = Redaction::default();
        redaction.add("secret");
        redaction.add("secret-of-many-words");
        assert_eq!(redaction.text("a secret-of-many-words, a secret"), "a [redacted], a [redacted]");
    }

    #[test]
    fn overlapping_secrets_are_redacted_whole() {
        let redaction = Redaction::default();
        redaction.add("first-half");
        redaction.add("half-and-more");
        redaction.add_token("half");
        assert_eq!(redaction.text("a first-half-and-more b half-and-more"), "a [redacted] b [redacted]");
    }

    #[test]
    fn an_iap_token_is_kept_while_other_tokens_are_replaced() {
        let redaction = Redaction::default();
        redaction.add_iap_token("iap-token");
        for n in 0..3 * MAX_TOKENS {
            redaction.add_token(&format!("token-{n:04}"));
        }
        assert_eq!(redaction.text("iap-token"), "[redacted]");
    }

    #[test]
    fn an_excerpt_shows_no_part_of_a_secret() {
        let redaction = Redaction::default();
        redaction.add("secret");
        for limit in 0..40 {
            let shown =
                String::from_utf8(redaction.excerpt(b"....secret....secret....secret", true, limit)).expect("ASCII");
            assert!(shown.len() <= limit && !shown.contains("se"), "{limit}: {shown}");
        }
        // The secret is longer than the mark here, so that the end of the text moves into the excerpt.
        let redaction = Redaction::default();
        redaction.add("a secret of a length");
        let text = "a secret of a length".repeat(9);
        for limit in 0..200 {
            let shown = String::from_utf8(redaction.excerpt(text.as_bytes(), true, limit)).expect("ASCII");
            assert!(!shown.contains("a s"), "{limit}: {shown}");
        }
        assert_eq!(redaction.excerpt(b"short", true, 100), b"short");
        // Red when only the length decides whether the text was truncated: the prefix of the secret is shown.
        assert_eq!(redaction.excerpt(b"short a se", false, 100), b"short ");
    }

    #[test]
    fn a_value_too_short_to_be_a_secret_is_not_redacted() {
        let redaction = Redaction::default();
        redaction.add("1.1");
        assert_eq!(redaction.text("HTTP/1.1"), "HTTP/1.1");
    }

    #[test]
    fn the_oldest_tokens_are_dropped_first() {
        let redaction = Redaction::default();
        for n in 0..=MAX_TOKENS {
            redaction.add_token(&format!("{n:04}-token"));
        }
        assert_eq!(redaction.text("0000-token 0001-token"), "0000-token [redacted]");
    }

    /// A pseudo-random token, different for each seed.
    fn token(seed: u64, length: usize) -> String {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            char::from(alphabet[usize::try_from(state >> 20 & 63).expect("6 bits")])
        };
        (0..length).map(|_| next()).collect()
    }

    fn longest_shown_prefix(shown: &[u8], secret: &str) -> usize {
        let is_shown = |length: &usize| memchr::memmem::find(shown, &secret.as_bytes()[..*length]).is_some();
        (1..=secret.len()).take_while(is_shown).last().unwrap_or(0)
    }

    /// Red when only whole secrets are found: 2,952 bytes of the token were shown. The secrets before it are longer than the
    /// mark, so that the end of the body moves into the excerpt.
    #[test]
    fn a_truncated_body_shows_no_part_of_a_secret() {
        const READ: usize = 128 * 1024;
        let secret = token(1, 5529);
        let redaction = Redaction::default();
        redaction.add_token(&secret);
        let escaped = |secret: &str, unit: &dyn Fn(u8) -> String| secret.bytes().map(unit).collect::<String>();
        let encodings: [&dyn Fn(u8) -> String; 6] = [
            &|byte| char::from(byte).to_string(),
            &|byte| format!("%{byte:02X}"),
            &|byte| format!("%25{byte:02x}"),
            &|byte| format!("\\u{byte:04x}"),
            &|byte| format!("\\\\u{byte:04x}"),
            &|byte| format!("&#{byte};"),
        ];
        for encoding in encodings {
            let encoded = escaped(&secret, encoding);
            for shown in [1, 2, 3, 4, 5, 7, 8, 9, 23, 25, 40, 2952, 5528] {
                let begin = READ - shown;
                let mut text = secret.repeat(begin / secret.len());
                text.push_str(&" ".repeat(begin - text.len()));
                text.push_str(&encoded);
                let clean = redaction.excerpt(&text.as_bytes()[..READ], true, READ / 2);
                let clean = String::from_utf8(clean).expect("ASCII");
                // Nor any part of an incomplete escape.
                let end = clean.trim_end_matches("[redacted]").chars().last();
                assert!(end.is_none_or(|c| c == ' ' || c == ']'), "{shown}: {:?}", &clean[clean.len() - 40..]);
            }
        }
    }

    /// A server, a proxy or a log may have truncated the secret. Red as above.
    #[test]
    fn a_prefix_of_a_secret_is_found_anywhere() {
        let secret = token(2, 5529);
        let redaction = Redaction::default();
        redaction.add_token(&secret);
        for length in [7, 8, 9, 100, 5528] {
            for (before, after) in
                [("the token ", "… is invalid"), ("{\"token\":\"", "\"}"), ("", ""), ("é", "é"), ("%", "%")]
            {
                let clean = redaction.text(&format!("{before}{}{after}", &secret[..length]));
                let expected = if length < 8 { &secret[..length] } else { "[redacted]" };
                assert_eq!(clean, format!("{before}{expected}{after}"));
                assert!(longest_shown_prefix(clean.as_bytes(), &secret) < 8);
            }
        }
    }

    #[test]
    fn an_excerpt_shows_no_part_of_a_mark() {
        let redaction = Redaction::default();
        redaction.add("a secret");
        for limit in 0..40 {
            let shown = String::from_utf8(redaction.excerpt(b"...a secret...a secret...", true, limit)).expect("ASCII");
            assert!("...[redacted]...[redacted]...".starts_with(&shown), "{limit}: {shown}");
            assert!(
                shown.len() <= limit && shown.replace("[redacted]", "").trim_matches('.').is_empty(),
                "{limit}: {shown}"
            );
        }
    }

    #[test]
    fn text_stays_utf8_when_a_match_ends_within_a_character() {
        let redaction = Redaction::default();
        redaction.add("seven..é or more");
        assert_eq!(redaction.text("a seven..è b"), "a [redacted] b");
        assert_eq!(redaction.text("a seven..é b"), "a [redacted]b");
        assert_eq!(redaction.bytes(b"a seven..\xe9 \xff\xc3"), b"a [redacted]\xff\xc3");
    }

    #[test]
    fn secrets_with_a_common_prefix_are_redacted_whole() {
        let redaction = Redaction::default();
        redaction.add_token("eyJhbGciOi.one.one");
        redaction.add_token("eyJhbGciOi.one.two");
        redaction.add_token("eyJhbGciOi.one");
        let text = "eyJhbGciOi.one.two eyJhbGciOi.one.one.one eyJhbGciOi.three eyJhbGc";
        assert_eq!(redaction.text(text), "[redacted] [redacted].one [redacted]three eyJhbGc");
    }

    /// Red when the minimum of eight bytes includes the public prefix: "[redacted]json", "[redacted]elsewhere.example".
    #[test]
    fn the_public_prefix_of_a_header_value_is_not_redacted() {
        let redaction = Redaction::default();
        for value in ["application/vnd.foo", "https://lab.example/", "Bearer canary-1234567890", "bearer of-old"] {
            redaction.add_header_value(value);
        }
        for text in ["application/json", "https://elsewhere.example", "Bearer can", "the Bearer of news", "text/html"] {
            assert_eq!(redaction.text(text), text);
        }
        for (text, clean) in [
            ("a canary-12… b", "a [redacted]… b"),
            ("a Bearer canary-1… b", "a [redacted]… b"),
            ("Bearer canary-1234567890", "[redacted]"),
            ("https://lab.example/", "[redacted]"),
            ("https://lab.exam…", "[redacted]…"),
        ] {
            assert_eq!(redaction.text(text), clean);
        }
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig {
            failure_persistence: None,
            ..Default::default()
        })]

        /// The fuzz target's claims, for secrets and texts with many escapes. Red when only whole secrets are searched for.
        #[test]
        fn no_secret_is_shown_in_any_encoding(
            secrets in proptest::array::uniform2("([a-f0-9%&;#u \\\\+/é😀\"<n]|%41|&#x3|\\\\u00){4,12}"),
            text in proptest::collection::vec(proptest::prop_oneof![
                proptest::prelude::Just(vec![0xff]),
                proptest::prelude::any::<u8>().prop_map(|form| vec![0xff, form]),
                "[a-f0-9%&;#u\\\\+é\"]{1,3}".prop_map(String::into_bytes),
            ], 0..12),
        ) {
            let mut input = Vec::new();
            for secret in &secrets {
                input.push(u8::try_from(secret.len()).expect("short"));
                input.extend_from_slice(secret.as_bytes());
            }
            input.extend(text.concat());
            crate::fuzzing::redaction(&input);
        }
    }
}
