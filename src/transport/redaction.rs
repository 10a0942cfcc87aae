//! Keeps the client's secrets out of everything it shows: what a server echoes is looked through before an error keeps it.

use std::sync::{Mutex, MutexGuard, PoisonError};

use secrecy::{ExposeSecret, SecretString};

use super::disguises;

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
    /// Of the identity-aware proxy. Not among the other tokens: it outlives many of them.
    iap: Vec<SecretString>,
}

impl Secrets {
    fn all(&self) -> impl Iterator<Item = &str> {
        self.lasting.iter().chain(&self.tokens).chain(&self.iap).map(ExposeSecret::expose_secret)
    }
}

impl Redaction {
    /// A secret for as long as the client lives.
    pub(crate) fn add(&self, secret: &str) {
        let mut secrets = self.lock();
        for form in sent(secret) {
            if !secrets.lasting.iter().any(|known| known.expose_secret() == form.expose_secret()) {
                secrets.lasting.push(form);
            }
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

    /// `bytes` with every secret, in whatever form, replaced by `[redacted]`.
    pub(crate) fn bytes(&self, bytes: &[u8]) -> Vec<u8> {
        let secrets = self.lock();
        let mut beginnings = [false; 256];
        secrets.all().for_each(|secret| disguises::beginnings(secret, &mut beginnings));
        let mut clean = Vec::with_capacity(bytes.len());
        // Secrets may overlap: up to here everything belongs to one.
        let mut secret_to = 0;
        for (at, byte) in bytes.iter().enumerate() {
            if beginnings[usize::from(*byte)]
                && let Some(end) = secrets.all().filter_map(|secret| disguises::end(bytes, at, secret)).max()
                && end > secret_to
            {
                if at >= secret_to {
                    clean.extend_from_slice(MARK);
                }
                secret_to = end;
            }
            if at >= secret_to {
                clean.push(*byte);
            }
        }
        clean
    }

    /// The same for the first `limit` bytes, without the half of a secret at their end.
    pub(crate) fn excerpt(&self, bytes: &[u8], limit: usize) -> Vec<u8> {
        let longest = disguises::MOST_PER_BYTE * self.lock().all().map(str::len).max().unwrap_or(0);
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

fn keep(tokens: &mut Vec<SecretString>, token: &str) {
    tokens.extend(sent(token));
    tokens.drain(..tokens.len().saturating_sub(TOKENS_KEPT));
}

/// What may be repeated: a header has a secret as it is, a form has it encoded.
fn sent(secret: &str) -> impl Iterator<Item = SecretString> {
    let encoded: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let encoded = (encoded != secret).then_some(encoded);
    let forms = std::iter::once(secret.to_owned()).chain(encoded);
    forms.filter(|form| form.len() >= SHORTEST).map(SecretString::from)
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
