//! Keeps the client's secrets out of everything it shows: what a server echoes is looked through before an error keeps it.

use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::beginnings::{Layer, Pattern, SHORTEST, Work};
use super::encodings::{BEHIND, Decoded, Kind, MIXED, PURE, cut_escape, stands_before_an_escape};

const MARK: &[u8] = b"[redacted]";
/// The longest token, client secret and header value, in bytes. Servers take no longer header lines, and what each of them costs
/// stays small.
pub(crate) const MAX_SECRET_LEN: usize = 16 * 1024;
/// A server that echoes an old token is thought of, too: so many are kept, the oldest go first.
const TOKENS_KEPT: usize = 16;
/// What the values of headers begin with that is no secret: texts that have nothing to do with them begin like this, too.
const PUBLIC_BEGINNINGS: [&str; 10] =
    ["https://", "http://", "application/", "multipart/", "text/", "image/", "audio/", "video/", "font/", "model/"];
/// The same, before what is a secret by itself.
const SCHEMES: [&str; 7] = ["Bearer ", "Basic ", "Token ", "ApiKey ", "Api-Key ", "Digest ", "Negotiate "];

/// The secrets of one client.
#[derive(Default)]
pub(crate) struct Redaction {
    secrets: Mutex<Secrets>,
}

#[derive(Default)]
struct Secrets {
    lasting: Vec<Secret>,
    tokens: Vec<Secret>,
    /// Of the identity-aware proxy. Not among the other tokens: it outlives many of them.
    iap: Vec<Secret>,
}

/// The same secret at each layer of decoding.
type Secret = Vec<Pattern>;

impl Redaction {
    /// A secret for as long as the client lives.
    pub(crate) fn add(&self, secret: &str) {
        if secret.len() >= SHORTEST {
            self.lock().lasting.push(Pattern::all(secret, 0));
        }
    }

    /// The value of a header, for as long as the client lives.
    pub(crate) fn add_header_value(&self, value: &str) {
        let begins_with =
            |public: &&&str| value.get(..public.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(public));
        let scheme = SCHEMES.iter().find(begins_with);
        let public = scheme.or_else(|| PUBLIC_BEGINNINGS.iter().find(begins_with)).map_or(0, |public| public.len());
        if scheme.is_some() {
            self.add(value[public..].trim_ascii_start());
        }
        if value.len() >= SHORTEST {
            self.lock().lasting.push(Pattern::all(value, public));
        }
    }

    /// A token that will be replaced.
    pub(crate) fn add_token(&self, token: &str) {
        keep(&mut self.lock().tokens, token);
    }

    /// A token for the identity-aware proxy.
    pub(crate) fn add_iap_token(&self, token: &str) {
        keep(&mut self.lock().iap, token);
    }

    /// `bytes` with every secret, and every beginning of one that is long enough, replaced by `[redacted]`, however it is
    /// encoded.
    pub(crate) fn bytes(&self, bytes: &[u8]) -> Vec<u8> {
        self.lock().redact(bytes, false, usize::MAX)
    }

    /// The same for the first `limit` bytes of what there is, without the part of a secret, or of a mark, at their end. What is
    /// not `whole` was cut before.
    pub(crate) fn excerpt(&self, bytes: &[u8], whole: bool, limit: usize) -> Vec<u8> {
        // What is redacted gets shorter, and what follows moves up.
        let window = limit.saturating_mul(2);
        self.lock().redact(&bytes[..bytes.len().min(window)], !whole || bytes.len() >= window, limit)
    }

    /// The same for a text.
    pub(crate) fn text(&self, text: &str) -> String {
        String::from_utf8(self.bytes(text.as_bytes())).unwrap_or_else(|_| String::from_utf8_lossy(MARK).into_owned())
    }

    fn lock(&self) -> MutexGuard<'_, Secrets> {
        self.secrets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn keep(tokens: &mut Vec<Secret>, token: &str) {
    if token.len() >= SHORTEST {
        tokens.push(Pattern::all(token, 0));
    }
    tokens.drain(..tokens.len().saturating_sub(TOKENS_KEPT));
}

impl Secrets {
    fn patterns(&self) -> impl Iterator<Item = &Pattern> + Clone {
        self.lasting.iter().chain(&self.tokens).chain(&self.iap).flatten()
    }

    /// `is_cut` is a text that went on.
    fn redact(&self, text: &[u8], is_cut: bool, limit: usize) -> Vec<u8> {
        let work = Work::default();
        let mut stretches = Stretches { text, end_at: Vec::new(), shown: text.len() };
        stretches.find(&Layers::of(text, is_cut, &MIXED, &work), 0, is_cut, &self.patterns());
        if memchr::memchr_iter(b'\\', text).any(|at| stands_before_an_escape(&text[at..])) {
            stretches.find(&Layers::of(text, is_cut, &BEHIND, &work), 1, is_cut, &self.patterns());
        }
        if self.patterns().any(Pattern::is_pure) {
            for kinds in &PURE {
                let pure = self.patterns().filter(|pattern| pattern.is_pure());
                stretches.find(&Layers::of(text, is_cut, kinds, &work), 1, is_cut, &pure);
            }
        }
        if work.is_too_much() {
            // What was not looked at may be anything.
            return if MARK.len() > limit { Vec::new() } else { MARK.to_vec() };
        }
        stretches.render(limit)
    }
}

/// A text with each layer of encoding taken off.
struct Layers<'a> {
    text: &'a [u8],
    decoded: Vec<Decoded>,
    work: &'a Work,
}

impl<'a> Layers<'a> {
    /// Where it `is_cut`, an escape that is not whole is of no use to the next layer, and may be within one that is not either.
    fn of(text: &'a [u8], is_cut: bool, kinds: &[Kind], work: &'a Work) -> Self {
        let mut layers = Self { text, decoded: Vec::new(), work };
        for kind in kinds {
            if work.is_too_much() {
                break;
            }
            let last = layers.at(layers.decoded.len()).text;
            let whole = last.len() - if is_cut { cut_escape(last) } else { 0 };
            work.add(whole * Work::DECODED);
            let Some(next) = Decoded::new(&last[..whole], *kind) else { break };
            layers.decoded.push(next);
        }
        layers
    }

    fn at(&self, depth: usize) -> Layer<'_> {
        let text = |depth: usize| depth.checked_sub(1).map_or(self.text, |above| self.decoded[above].bytes());
        let decoded = depth.checked_sub(1).map(|above| (text(above), &self.decoded[above]));
        Layer { text: text(depth), decoded, work: self.work }
    }

    /// Where in the text as it came a part of a layer comes from.
    fn source(&self, depth: usize, range: Range<usize>) -> Range<usize> {
        self.decoded[..depth].iter().rev().fold(range, |range, decoded| decoded.source(range))
    }
}

/// What of a text is to be redacted.
struct Stretches<'a> {
    text: &'a [u8],
    /// Where the longest stretch ends that begins at a byte; none was found while it is empty.
    end_at: Vec<usize>,
    /// What follows is not shown: it may be a part of a secret that was cut off.
    shown: usize,
}

impl Stretches<'_> {
    fn find<'p>(
        &mut self,
        layers: &Layers,
        depth: usize,
        is_cut: bool,
        patterns: &(impl Iterator<Item = &'p Pattern> + Clone),
    ) {
        for depth in depth..=layers.decoded.len() {
            let layer = layers.at(depth);
            for pattern in patterns.clone() {
                if layers.work.is_too_much() {
                    return;
                }
                pattern.find(layer, &mut |range| self.add(layers.source(depth.saturating_sub(1), range)));
                if is_cut {
                    let cut = layer.text.len() - pattern.cut_off(layer.text);
                    self.shown = self.shown.min(layers.source(depth, cut..layer.text.len()).start);
                }
            }
        }
    }

    fn add(&mut self, stretch: Range<usize>) {
        if self.end_at.is_empty() {
            self.end_at.resize(self.text.len(), 0);
        }
        let begin = character(self.text, stretch.start).map_or(stretch.start, |around| around.start);
        let end = character(self.text, stretch.end).map_or(stretch.end, |around| around.end);
        self.end_at[begin] = self.end_at[begin].max(end);
    }

    /// The text with its stretches replaced, and of that no more than `limit` bytes.
    fn render(&self, limit: usize) -> Vec<u8> {
        let mut clean = Vec::with_capacity(self.shown.min(limit));
        // Stretches may overlap: up to here everything belongs to one.
        let mut hidden_to = 0;
        for (at, byte) in self.text[..self.shown].iter().enumerate() {
            let end = self.end_at.get(at).copied().unwrap_or(0);
            let is_hidden = at < hidden_to;
            hidden_to = hidden_to.max(end);
            if is_hidden {
                continue;
            }
            let piece = if at < hidden_to { MARK } else { std::slice::from_ref(byte) };
            if clean.len() + piece.len() > limit {
                break;
            }
            clean.extend_from_slice(piece);
        }
        clean
    }
}

/// The character of UTF-8 that a place is within.
fn character(text: &[u8], at: usize) -> Option<Range<usize>> {
    text.get(at).filter(|byte| (0x80..0xc0).contains(*byte))?;
    let begin = (at.saturating_sub(3)..at).rev().find(|begin| text[*begin] >= 0xc0)?;
    let length = match text[begin] {
        ..=0xdf => 2,
        0xe0..=0xef => 3,
        _ => 4,
    };
    let around = begin..begin + length;
    (around.end > at && std::str::from_utf8(text.get(around.clone())?).is_ok()).then_some(around)
}

#[cfg(test)]
mod tests {
    use proptest::strategy::Strategy as _;

    use super::*;

    #[test]
    fn an_echoed_secret_is_replaced_in_each_of_its_forms() {
        let redaction = Redaction::default();
        redaction.add("se cret+/\"é");
        redaction.add_token("token-12345");
        let echoed = "a=se cret+/\"é b=se+cret%2B%2F%22%C3%A9 c=\"se cret+/\\\"é\" d=token-12345token-12345";
        let clean = redaction.text(echoed);
        assert_eq!(clean, "a=[redacted] b=[redacted] c=\"[redacted]\" d=[redacted][redacted]");
    }

    #[test]
    fn a_secret_that_begins_with_another_goes_whole() {
        let redaction = Redaction::default();
        redaction.add("secret");
        redaction.add("secret-of-many-words");
        assert_eq!(redaction.text("a secret-of-many-words, a secret"), "a [redacted], a [redacted]");
    }

    #[test]
    fn secrets_that_overlap_go_whole() {
        let redaction = Redaction::default();
        redaction.add("first-half");
        redaction.add("half-and-more");
        redaction.add_token("half");
        assert_eq!(redaction.text("a first-half-and-more b half-and-more"), "a [redacted] b [redacted]");
    }

    #[test]
    fn the_proxys_token_outlives_many_of_ours() {
        let redaction = Redaction::default();
        redaction.add_iap_token("iap-token");
        for n in 0..3 * TOKENS_KEPT {
            redaction.add_token(&format!("token-{n:04}"));
        }
        assert_eq!(redaction.text("iap-token"), "[redacted]");
    }

    #[test]
    fn an_excerpt_shows_no_half_of_a_secret() {
        let redaction = Redaction::default();
        redaction.add("secret");
        for limit in 0..40 {
            let shown =
                String::from_utf8(redaction.excerpt(b"....secret....secret....secret", true, limit)).expect("ASCII");
            assert!(shown.len() <= limit && !shown.contains("se"), "{limit}: {shown}");
        }
        // Secrets are longer than their mark here, so that what was cut off moves to the front.
        let redaction = Redaction::default();
        redaction.add("a secret of a length");
        let text = "a secret of a length".repeat(9);
        for limit in 0..200 {
            let shown = String::from_utf8(redaction.excerpt(text.as_bytes(), true, limit)).expect("ASCII");
            assert!(!shown.contains("a s"), "{limit}: {shown}");
        }
        assert_eq!(redaction.excerpt(b"short", true, 100), b"short");
        // Red when only the length tells: the beginning of the secret is shown.
        assert_eq!(redaction.excerpt(b"short a se", false, 100), b"short ");
    }

    #[test]
    fn a_value_too_short_to_be_a_secret_tears_no_holes() {
        let redaction = Redaction::default();
        redaction.add("1.1");
        assert_eq!(redaction.text("HTTP/1.1"), "HTTP/1.1");
    }

    #[test]
    fn old_tokens_are_forgotten_in_order() {
        let redaction = Redaction::default();
        for n in 0..=TOKENS_KEPT {
            redaction.add_token(&format!("{n:04}-token"));
        }
        assert_eq!(redaction.text("0000-token 0001-token"), "0000-token [redacted]");
    }

    /// A token as a server gives one, and not like another.
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

    fn longest_shown(shown: &[u8], secret: &str) -> usize {
        let is_shown = |length: &usize| memchr::memmem::find(shown, &secret.as_bytes()[..*length]).is_some();
        (1..=secret.len()).take_while(is_shown).last().unwrap_or(0)
    }

    /// Red when only whole secrets are found: 2,952 bytes of the token were shown. The secrets before it are longer than their
    /// marks, so that the end of what was read moves up into what is kept.
    #[test]
    fn a_body_that_was_cut_where_it_was_read_shows_no_part_of_a_secret() {
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
                // Of an escape that was cut off, neither.
                let end = clean.trim_end_matches("[redacted]").chars().last();
                assert!(end.is_none_or(|c| c == ' ' || c == ']'), "{shown}: {:?}", &clean[clean.len() - 40..]);
            }
        }
    }

    /// A server, a proxy or a log may have cut it before it came. Red as above.
    #[test]
    fn half_a_secret_is_found_wherever_it_stands() {
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
                assert!(longest_shown(clean.as_bytes(), &secret) < 8);
            }
        }
    }

    #[test]
    fn an_excerpt_shows_no_half_of_a_mark() {
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
    fn a_text_stays_one_when_only_a_part_of_a_character_belongs_to_a_secret() {
        let redaction = Redaction::default();
        redaction.add("seven..é or more");
        assert_eq!(redaction.text("a seven..è b"), "a [redacted] b");
        assert_eq!(redaction.text("a seven..é b"), "a [redacted]b");
        assert_eq!(redaction.bytes(b"a seven..\xe9 \xff\xc3"), b"a [redacted]\xff\xc3");
    }

    #[test]
    fn secrets_that_share_a_beginning_go_whole() {
        let redaction = Redaction::default();
        redaction.add_token("eyJhbGciOi.one.one");
        redaction.add_token("eyJhbGciOi.one.two");
        redaction.add_token("eyJhbGciOi.one");
        let text = "eyJhbGciOi.one.two eyJhbGciOi.one.one.one eyJhbGciOi.three eyJhbGc";
        assert_eq!(redaction.text(text), "[redacted] [redacted].one [redacted]three eyJhbGc");
    }

    /// Red when the eight bytes are counted from the first: "[redacted]json", "[redacted]elsewhere.example".
    #[test]
    fn what_the_value_of_a_header_begins_with_is_no_secret() {
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

        /// What the fuzzer claims, of secrets and texts in which escapes are many. Red with the search for whole secrets.
        #[test]
        fn no_secret_is_shown_in_any_form(
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
