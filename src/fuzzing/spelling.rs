//! Finds a secret spelled in any mixture of encodings, character by character. Slow, and independent of the code under
//! test.

/// The characters of the shortest prefix of a secret that must not be shown, as documented.
pub(super) fn forbidden(secret: &str, max_shown: usize) -> Vec<char> {
    let end = (max_shown.min(secret.len())..=secret.len()).find(|end| secret.is_char_boundary(*end));
    secret[..end.unwrap_or(secret.len())].chars().collect()
}

/// The offset in `text` at which these characters are spelled, in any mixture of encodings.
pub(super) fn find_spelled(text: &[u8], characters: &[char]) -> Option<usize> {
    let literal: Vec<String> = (0..characters.len()).map(|n| characters[n..].iter().collect()).collect();
    let spellings: Vec<_> = characters.iter().map(|c| spellings(*c)).collect();
    (0..text.len()).find(|at| {
        let mut ends = vec![*at];
        for (spellings, literal) in spellings.iter().zip(&literal) {
            let next = |end: &usize| {
                let rest = &text[*end..];
                // The first byte of an escape stands for itself only if the secret contains the whole escape, and the
                // escape is not an encoding of the same character: `%25`.
                let is_encoded = spellings.iter().any(|spelling| spelling.len() > 1 && starts_with(rest, spelling));
                let is_itself = !is_encoded && escape(rest).is_none_or(|escape| literal.as_bytes().starts_with(escape));
                let counts = |spelling: &&Vec<u8>| {
                    starts_with(rest, spelling) && (is_itself || !matches!(spelling[..], [b'\\' | b'%' | b'&']))
                };
                spellings.iter().filter(counts).map(|spelling| *end + spelling.len()).collect::<Vec<_>>()
            };
            ends = ends.iter().flat_map(next).collect();
            ends.sort_unstable();
            ends.dedup();
        }
        !ends.is_empty()
    })
}

/// The escape at the start of a text, whatever it encodes.
fn escape(text: &[u8]) -> Option<&[u8]> {
    let text = &text[..text.len().min(12)];
    let digits = |from: usize| text.iter().skip(from).take_while(|byte| byte.is_ascii_hexdigit()).count();
    let length = match text {
        [b'%', ..] => Some(3).filter(|_| digits(1) >= 2),
        [b'\\', b'u', ..] => Some(6).filter(|_| digits(2) >= 4),
        [b'\\', b'x', ..] => Some(4).filter(|_| digits(2) >= 2),
        [b'\\', ..] => Some(2),
        [b'&', ..] => text.iter().position(|byte| *byte == b';').map(|end| end + 1),
        _ => None,
    };
    text.get(..length?)
}

/// Digits and letters of an escape match in either case; a literal character must match exactly.
fn starts_with(text: &[u8], spelling: &[u8]) -> bool {
    let is_escape = spelling.len() > 2 && spelling.is_ascii();
    text.get(..spelling.len()).is_some_and(|there| {
        there == spelling
            || is_escape && there[..2] == spelling[..2] && there[2..].eq_ignore_ascii_case(&spelling[2..])
            || is_escape && spelling[0] == b'%' && there.eq_ignore_ascii_case(spelling)
    })
}

fn spellings(c: char) -> Vec<Vec<u8>> {
    let code = u32::from(c);
    let percent = |bytes: &[u8]| bytes.iter().map(|byte| format!("%{byte:02x}")).collect::<String>();
    let text = c.to_string();
    let mut texts = vec![
        text.clone(),
        percent(text.as_bytes()),
        c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect(),
        format!("&#{code};"),
        format!("&#x{code:x};"),
    ];
    if let Ok(byte) = u8::try_from(c) {
        texts.extend([percent(&[byte]), format!("\\x{byte:02x}")]);
    }
    let short = match c {
        '\n' => "\\n",
        '\t' => "\\t",
        '\r' => "\\r",
        ' ' => "+",
        '&' => "&amp;",
        '<' => "&lt;",
        '>' => "&gt;",
        '"' => "&quot;",
        '\'' => "&apos;",
        _ => "",
    };
    texts.extend(Some(short.to_owned()).filter(|short| !short.is_empty()));
    if matches!(c, '"' | '\\' | '/' | '\'') {
        texts.push(format!("\\{c}"));
    }
    texts.into_iter().map(String::into_bytes).collect()
}
