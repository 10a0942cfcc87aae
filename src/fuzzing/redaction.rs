//! Fuzz target for the redaction of secrets that a server echoes.

use super::spelling::{find_spelled, forbidden};
use crate::redact::Redaction;

/// As documented: anything shorter is not treated as a secret.
const SHORTEST: usize = 4;
const MARK: &[u8] = b"[redacted]";
/// As documented: a prefix of this many bytes is never shown.
const MIN_REDACTED: usize = 8;
/// In the input, followed by the number of a secret and of the encoding in which it is echoed.
const ECHO: u8 = 0xff;

/// Of secrets echoed in any known encoding, neither the whole nor a prefix remains, wherever the text was cut. Nothing
/// else is added, moved or changed.
///
/// The input starts with two secrets, each preceded by its length.
///
/// Red when only whole secrets are searched for: half of one remained where the text was cut.
pub fn redaction(input: &[u8]) {
    let Some((permanent, rest)) = secret(input) else { return };
    let Some((token, text)) = secret(rest) else { return };
    let secrets = [permanent, token];
    let _input = Input(input);
    let redaction = Redaction::default();
    redaction.add(&secrets[0]);
    redaction.add_token(&secrets[1]);
    let forms = secrets.each_ref().map(|secret| forms(secret));
    let text = echo(text, &forms);

    // The forbidden texts, computed without the code under test.
    let prefixes = secrets.each_ref().map(|secret| prefix_forms(secret));
    let check = |clean: &[u8], text: &[u8]| {
        for form in forms.iter().chain(&prefixes).flatten().filter(|form| form.len() >= SHORTEST) {
            // The mark together with the text beside it may look like a secret by chance.
            let is_shown = pieces(clean).any(|piece| find(piece, form).is_some());
            assert!(!is_shown, "{}: {}\nof {}", form.escape_ascii(), clean.escape_ascii(), text.escape_ascii());
        }
        for secret in &secrets {
            let spelled = pieces(clean).find(|piece| find_spelled(piece, &forbidden(secret, MIN_REDACTED)).is_some());
            assert!(spelled.is_none(), "{secret:?}: {}\nof {}", clean.escape_ascii(), text.escape_ascii());
        }
    };
    let clean = redaction.bytes(&text);
    let both = || format!("{}\nof {}", clean.escape_ascii(), text.escape_ascii());
    check(&clean, &text);
    for cut in [text.len() / 3, text.len() / 2, text.len().saturating_sub(1), text.len().saturating_sub(7)] {
        check(&redaction.bytes(&text[..cut]), &text[..cut]);
    }
    let in_order = |clean: &[u8]| {
        let mut left = &text[..];
        for piece in pieces(clean) {
            let at = find(left, piece).unwrap_or_else(|| panic!("{}\nfor {}", clean.escape_ascii(), both()));
            left = &left[at + piece.len()..];
        }
    };
    in_order(&clean);
    for limit in [0, 1, text.len() / 3, text.len() / 2, text.len()] {
        // Not always a prefix of the redacted text: of a secret cut within an escape, fewer bytes than the minimum may
        // remain.
        let excerpt = redaction.excerpt(&text, true, limit);
        assert!(excerpt.len() <= limit);
        in_order(&excerpt);
        check(&excerpt, &text);
    }
}

/// Prints the input if a check fails, so that it can be added to the corpus.
struct Input<'a>(&'a [u8]);

impl Drop for Input<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the input: b\"{}\"", self.0.escape_ascii());
        }
    }
}

/// A valid secret, and the rest of the input.
fn secret(input: &[u8]) -> Option<(String, &[u8])> {
    let (length, rest) = input.split_first()?;
    let (secret, rest) = rest.split_at_checked(usize::from(*length) % 64)?;
    Some((std::str::from_utf8(secret).ok().filter(|secret| secret.len() >= SHORTEST)?.to_owned(), rest))
}

/// The encodings of a secret: JSON, URL, form, HTML, Latin-1, and UTF-8 mistaken for Latin-1. Uses other libraries
/// where possible.
fn forms(secret: &str) -> Vec<Vec<u8>> {
    let json = serde_json::to_string(secret).expect("a text");
    let json = &json[1..json.len() - 1];
    let mojibake: String = secret.bytes().map(char::from).collect();
    let utf16 = |text: &str| text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect::<String>();
    let percent = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
    let form: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let texts = [
        secret.to_owned(),
        json.to_owned(),
        json.replace('/', "\\/"),
        utf16(secret),
        utf16(secret).to_uppercase().replace("\\U", "\\u"),
        percent(secret),
        percent(secret).to_lowercase(),
        form.replace('+', "%20"),
        form,
        html(secret, false),
        html(secret, true),
        secret.chars().map(|c| format!("&#{};", u32::from(c))).collect(),
        secret.chars().map(|c| format!("&#x{:X};", u32::from(c))).collect(),
        mojibake.clone(),
        utf16(&mojibake),
        html(&mojibake, false),
    ];
    let latin: Option<Vec<u8>> = secret.chars().map(|c| u8::try_from(c).ok()).collect();
    texts.into_iter().map(String::into_bytes).chain(latin).collect()
}

/// The encodings of the shortest forbidden prefix.
fn prefix_forms(secret: &str) -> Vec<Vec<u8>> {
    let end = (MIN_REDACTED..=secret.len()).find(|end| secret.is_char_boundary(*end));
    end.map_or_else(Vec::new, |end| forms(&secret[..end]))
}

fn html(text: &str, apostrophe_by_number: bool) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
    text.replace('\'', if apostrophe_by_number { "&#39;" } else { "&apos;" })
}

/// Inserts the secrets at the places that the text names.
fn echo(text: &[u8], forms: &[Vec<Vec<u8>>; 2]) -> Vec<u8> {
    let mut echoed = Vec::new();
    let mut rest = text.iter();
    while let Some(byte) = rest.next() {
        match (byte, rest.clone().next()) {
            (&ECHO, Some(form)) => {
                let forms = &forms[usize::from(*form) % 2];
                echoed.extend_from_slice(&forms[usize::from(*form / 2) % forms.len()]);
                rest.next();
            }
            _ => echoed.push(*byte),
        }
    }
    echoed
}

fn pieces(mut shown: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut over = false;
    std::iter::from_fn(move || {
        if over {
            return None;
        }
        let end = find(shown, MARK);
        over = end.is_none();
        let (piece, rest) = shown.split_at(end.unwrap_or(shown.len()));
        shown = rest.strip_prefix(MARK).unwrap_or(rest);
        Some(piece)
    })
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    memchr::memmem::find(text, part)
}
