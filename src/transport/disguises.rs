//! A secret that a server repeats is rarely as it was sent: JSON, HTML and URLs escape it, each in more ways than one, and a
//! server that takes a header for Latin-1 writes two characters for one. A secret is found in all of these, in any mixture.

/// How many bytes of a text one byte of a secret can become: `&quot;`, `\u0022`, and HTML's numbers with zeros before them.
pub(super) const MOST_PER_BYTE: usize = 12;

/// Named in HTML.
const NAMED: [(char, &[u8]); 5] =
    [('&', b"&amp;"), ('<', b"&lt;"), ('>', b"&gt;"), ('"', b"&quot;"), ('\'', b"&apos;")];
/// `\` and a letter, in JSON.
const LETTERS: [(char, u8); 5] = [('\u{8}', b'b'), ('\u{c}', b'f'), ('\n', b'n'), ('\r', b'r'), ('\t', b't')];

/// Where in `text` the longest disguise of `secret` ends that begins at `at`.
pub(super) fn end(text: &[u8], at: usize, secret: &str) -> Option<usize> {
    let mut reached = vec![at];
    let mut next = Vec::new();
    for c in secret.chars() {
        for at in reached.drain(..) {
            disguises(text, at, c, true, &mut |end| next.push(end));
        }
        // The same place can be reached in two ways, and those must not multiply.
        next.sort_unstable();
        next.dedup();
        std::mem::swap(&mut reached, &mut next);
        if reached.is_empty() {
            return None;
        }
    }
    reached.pop()
}

/// Marks the bytes with which a disguise of `secret` can begin.
pub(super) fn beginnings(secret: &str, marked: &mut [bool; 256]) {
    let Some(first) = secret.chars().next() else { return };
    for byte in [b'\\', b'%', b'&', b'+'] {
        marked[usize::from(byte)] = true;
    }
    let mut utf8 = [0; 4];
    marked[usize::from(first.encode_utf8(&mut utf8).as_bytes()[0])] = true;
    if !first.is_ascii() {
        // What was taken for Latin-1 begins with one of these, what was written as Latin-1 with itself.
        marked[0xc2] = true;
        marked[0xc3] = true;
        if let Ok(byte) = u8::try_from(first) {
            marked[usize::from(byte)] = true;
        }
    }
}

/// Tells where each disguise of `c` ends that begins at `at`.
fn disguises(text: &[u8], at: usize, c: char, latin: bool, tell: &mut dyn FnMut(usize)) {
    let Some(rest) = text.get(at..) else { return };
    let mut utf8 = [0; 4];
    let utf8 = c.encode_utf8(&mut utf8).as_bytes();
    if rest.starts_with(utf8) {
        tell(at + utf8.len());
    }
    match rest.first() {
        Some(byte) if latin && *byte >= 0x80 && u8::try_from(c) == Ok(*byte) => tell(at + 1),
        Some(b'+') if c == ' ' => tell(at + 1),
        Some(b'%') if is_percent_encoded(rest, utf8) => tell(at + 3 * utf8.len()),
        Some(b'\\') => {
            if let Some(length) = json(rest, c) {
                tell(at + length);
            }
        }
        Some(b'&') => {
            if let Some(length) = html(rest, c) {
                tell(at + length);
            }
        }
        _ => {}
    }
    if latin && !c.is_ascii() {
        let mut reached = vec![at];
        for byte in utf8 {
            let mut next = Vec::new();
            for at in reached {
                disguises(text, at, char::from(*byte), false, &mut |end| next.push(end));
            }
            reached = next;
        }
        reached.into_iter().for_each(tell);
    }
}

fn is_percent_encoded(rest: &[u8], utf8: &[u8]) -> bool {
    utf8.iter().enumerate().all(|(nth, byte)| {
        let escape = rest.get(3 * nth..3 * nth + 3);
        escape.is_some_and(|escape| escape[0] == b'%' && hex(&escape[1..]) == Some(u32::from(*byte)))
    })
}

fn json(rest: &[u8], c: char) -> Option<usize> {
    match rest.get(1)? {
        b'u' => {
            let mut units = [0; 2];
            let units = c.encode_utf16(&mut units);
            let all = units.iter().enumerate().all(|(nth, unit)| {
                let escape = rest.get(6 * nth..6 * nth + 6);
                escape.is_some_and(|escape| escape.starts_with(b"\\u") && hex(&escape[2..]) == Some(u32::from(*unit)))
            });
            all.then_some(6 * units.len())
        }
        letter if LETTERS.contains(&(c, *letter)) => Some(2),
        // `\"`, `\\` and `\/`, and whatever else somebody thinks must be escaped.
        itself => (c.is_ascii_punctuation() && u32::from(*itself) == u32::from(c)).then_some(2),
    }
}

fn html(rest: &[u8], c: char) -> Option<usize> {
    if let Some((_, name)) = NAMED.iter().find(|(known, _)| *known == c)
        && rest.starts_with(name)
    {
        return Some(name.len());
    }
    let number = rest.strip_prefix(b"&#")?;
    let length = number.iter().take(MOST_PER_BYTE - 2).position(|byte| *byte == b';')?;
    let value = match number.get(..length)? {
        [b'x' | b'X', digits @ ..] => hex(digits)?,
        digits => digits
            .iter()
            .try_fold(0_u32, |value, digit| value.checked_mul(10)?.checked_add(char::from(*digit).to_digit(10)?))?,
    };
    (value == u32::from(c)).then_some(2 + length + 1)
}

fn hex(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0_u32, |value, digit| Some(value.checked_mul(16)? + char::from(*digit).to_digit(16)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_found_in_every_disguise_and_in_any_mixture() {
        let secret = "a /+\"\\<&é\u{1F600}\n";
        for text in [
            "a /+\"\\<&é\u{1F600}\n",
            "a /+\\\"\\\\<&é\u{1F600}\\n",
            "a \\/+\\\"\\\\<&\\u00e9\\ud83d\\uDE00\\u000a",
            "a+%2F%2B%22%5C%3C%26%C3%A9%F0%9F%98%80%0A",
            "a%20%2f%2b%22%5c%3c%26%c3%a9%f0%9f%98%80%0a",
            "a /+&quot;\\&lt;&amp;&#233;&#x1F600;\n",
            "\\u0061 %2F+&#34;\\\\<&amp;é\\ud83d\\ude00\\n",
            "a /+\"\\<&Ã©ð\u{9f}\u{98}\u{80}\n",
        ] {
            let padded = format!("..{text}..");
            assert_eq!(end(padded.as_bytes(), 2, secret), Some(2 + text.len()), "{text}");
            let mut marked = [false; 256];
            beginnings(secret, &mut marked);
            assert!(marked[usize::from(text.as_bytes()[0])], "{text}");
        }
    }

    #[test]
    fn a_secret_is_found_in_latin_1() {
        assert_eq!(end(b"caf\xe9", 0, "café"), Some(4));
        assert_eq!(end(b"\xe9t\xe9", 0, "été"), Some(3));
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
            assert_eq!(end(text.as_bytes(), 0, "secret!"), None, "{text}");
        }
    }

    #[test]
    fn a_disguise_is_no_longer_than_is_said() {
        assert_eq!(end(b"&#000000034;", 0, "\""), Some(MOST_PER_BYTE));
        assert_eq!(end(b"&#0000000034;", 0, "\""), None);
    }
}
