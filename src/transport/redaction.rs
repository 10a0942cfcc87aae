//! Keeps the client's secrets out of everything it shows: what a server echoes is looked through before an error keeps it.

use std::sync::{Mutex, MutexGuard, PoisonError};

use memchr::memmem;
use secrecy::{ExposeSecret, SecretString};

const MARK: &[u8] = b"[redacted]";
/// A shorter "secret" would tear holes into every text.
const SHORTEST: usize = 4;
/// A server that echoes an old token is thought of, too: so many are kept, the oldest go first.
const TOKENS_KEPT: usize = 16;

/// The secrets of one client.
#[derive(Default)]
pub(crate) struct Redaction {
    secrets: Mutex<Secrets>,
}

#[derive(Default)]
struct Secrets {
    lasting: Vec<SecretString>,
    tokens: Vec<SecretString>,
}

impl Secrets {
    fn all(&self) -> impl Iterator<Item = &[u8]> {
        self.lasting.iter().chain(&self.tokens).map(|secret| secret.expose_secret().as_bytes())
    }
}

impl Redaction {
    /// A secret for as long as the client lives, in the forms in which it goes over the wire.
    pub(crate) fn add(&self, secret: &str) {
        let encoded: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        let quoted = serde_json::to_string(secret).unwrap_or_default();
        let quoted = quoted.trim_matches('"');
        let mut secrets = self.lock();
        for form in [secret, &encoded, quoted] {
            if form.len() >= SHORTEST && !secrets.lasting.iter().any(|known| known.expose_secret() == form) {
                secrets.lasting.push(form.to_owned().into());
            }
        }
    }

    /// A token that will be replaced.
    pub(crate) fn add_token(&self, token: &str) {
        if token.len() < SHORTEST {
            return;
        }
        let mut secrets = self.lock();
        if secrets.tokens.len() >= TOKENS_KEPT {
            secrets.tokens.remove(0);
        }
        secrets.tokens.push(token.to_owned().into());
    }

    /// `bytes` with every secret replaced by `[redacted]`.
    pub(crate) fn bytes(&self, bytes: &[u8]) -> Vec<u8> {
        let secrets = self.lock();
        let mut clean = bytes.to_vec();
        let mut known: Vec<&[u8]> = secrets.all().collect();
        // One that begins with another must go first, or its end would stay.
        known.sort_unstable_by_key(|secret| std::cmp::Reverse(secret.len()));
        for secret in known {
            if memmem::find(&clean, secret).is_some() {
                let mut replaced = Vec::with_capacity(clean.len());
                let mut rest = 0;
                for at in memmem::find_iter(&clean, secret) {
                    replaced.extend_from_slice(&clean[rest..at]);
                    replaced.extend_from_slice(MARK);
                    rest = at + secret.len();
                }
                replaced.extend_from_slice(&clean[rest..]);
                clean = replaced;
            }
        }
        clean
    }

    /// The same for the first `limit` bytes, without the half of a secret at their end.
    pub(crate) fn excerpt(&self, bytes: &[u8], limit: usize) -> Vec<u8> {
        let longest = self.lock().all().map(<[u8]>::len).max().unwrap_or(0);
        let window = &bytes[..bytes.len().min(limit + longest)];
        let mut clean = self.bytes(window);
        // What was cut off may have begun within so many bytes of the end.
        let doubtful = if window.len() < bytes.len() { longest.saturating_sub(1) } else { 0 };
        clean.truncate(limit.min(clean.len().saturating_sub(doubtful)));
        clean
    }

    /// The same for a text.
    pub(crate) fn text(&self, text: &str) -> String {
        String::from_utf8(self.bytes(text.as_bytes())).unwrap_or_else(|_| String::from_utf8_lossy(MARK).into_owned())
    }

    fn lock(&self) -> MutexGuard<'_, Secrets> {
        self.secrets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
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
    fn an_excerpt_shows_no_half_of_a_secret() {
        let redaction = Redaction::default();
        redaction.add("secret");
        for limit in 0..40 {
            let shown = String::from_utf8(redaction.excerpt(b"....secret....secret....secret", limit)).expect("ASCII");
            assert!(shown.len() <= limit && !shown.contains("se"), "{limit}: {shown}");
        }
        // Secrets are longer than their mark here, so that what was cut off moves to the front.
        let redaction = Redaction::default();
        redaction.add("a secret of a length");
        let text = "a secret of a length".repeat(9);
        for limit in 0..200 {
            let shown = String::from_utf8(redaction.excerpt(text.as_bytes(), limit)).expect("ASCII");
            assert!(!shown.contains("a s"), "{limit}: {shown}");
        }
        assert_eq!(redaction.excerpt(b"short", 100), b"short");
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
            redaction.add_token(&format!("token-{n:04}"));
        }
        assert_eq!(redaction.text("token-0000 token-0001"), "token-0000 [redacted]");
    }
}
