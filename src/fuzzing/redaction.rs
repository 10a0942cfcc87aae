//! Redaction of what a server echoes.

use super::spelling::{forbidden, spelled};
use crate::transport::Redaction;

/// As documented: what is shorter is taken for no secret.
const SHORTEST: usize = 4;
const MARK: &[u8] = b"[redacted]";
/// As documented: of a secret of so many bytes, no beginning of so many is shown.
const MIN_REDACTED: usize = 8;
/// In the input, before the number of a secret and of the form in which it is echoed there.
const ECHO: u8 = 0xff;

/// Of a text that repeats secrets in any of the forms that they are known in, none is left, in whole or from its beginning on,
/// wherever the text was cut; and nothing was added, moved or changed.
///
/// The input begins with two secrets, each after its length.
///
/// Seen red when only whole secrets are looked for: half of one was left where the text was cut.
pub fn redaction(input: &[u8]) {
    let Some((lasting, rest)) = secret(input) else { return };
    let Some((token, text)) = secret(rest) else { return };
    let secrets = [lasting, token];
    let _input = Input(input);
    let redaction = Redaction::default();
    redaction.add(&secrets[0]);
    redaction.add_token(&secrets[1]);
    let forms = secrets.each_ref().map(|secret| forms(secret));
    let text = echo(text, &forms);

    // What must not be there, made without any of what finds it.
    let beginnings = secrets.each_ref().map(|secret| forms_of_beginning(secret));
    let check = |clean: &[u8], text: &[u8]| {
        for form in forms.iter().chain(&beginnings).flatten().filter(|form| form.len() >= SHORTEST) {
            // A mark and what stands beside it may look like a secret, by chance.
            let is_shown = pieces(clean).any(|piece| find(piece, form).is_some());
            assert!(!is_shown, "{}: {}\nof {}", form.escape_ascii(), clean.escape_ascii(), text.escape_ascii());
        }
        for secret in &secrets {
            let spelled = pieces(clean).find(|piece| spelled(piece, &forbidden(secret, MIN_REDACTED)).is_some());
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
        // Not always as the whole text begins: of a secret that was cut off, and before which an escape begins, fewer bytes than
        // count may be left.
        let excerpt = redaction.excerpt(&text, true, limit);
        assert!(excerpt.len() <= limit);
        in_order(&excerpt);
        check(&excerpt, &text);
    }
}

/// Written when a claim fails, so that the case can be kept in the corpus.
struct Input<'a>(&'a [u8]);

impl Drop for Input<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the input: b\"{}\"", self.0.escape_ascii());
        }
    }
}

/// A secret that is one, and what follows it.
fn secret(input: &[u8]) -> Option<(String, &[u8])> {
    let (length, rest) = input.split_first()?;
    let (secret, rest) = rest.split_at_checked(usize::from(*length) % 64)?;
    Some((std::str::from_utf8(secret).ok().filter(|secret| secret.len() >= SHORTEST)?.to_owned(), rest))
}

/// A secret as others write it: in JSON, URLs, forms, HTML, as Latin-1 and as what was taken for Latin-1. Made with other
/// people's code where there is some.
fn forms(secret: &str) -> Vec<Vec<u8>> {
    let json = serde_json::to_string(secret).expect("a text");
    let json = &json[1..json.len() - 1];
    let taken: String = secret.bytes().map(char::from).collect();
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
        taken.clone(),
        utf16(&taken),
        html(&taken, false),
    ];
    let latin: Option<Vec<u8>> = secret.chars().map(|c| u8::try_from(c).ok()).collect();
    texts.into_iter().map(String::into_bytes).chain(latin).collect()
}

/// The shortest beginning that must not be shown.
fn forms_of_beginning(secret: &str) -> Vec<Vec<u8>> {
    let end = (MIN_REDACTED..=secret.len()).find(|end| secret.is_char_boundary(*end));
    end.map_or_else(Vec::new, |end| forms(&secret[..end]))
}

fn html(text: &str, apostrophe_by_number: bool) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
    text.replace('\'', if apostrophe_by_number { "&#39;" } else { "&apos;" })
}

/// The text with the secrets in the places that it names.
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
