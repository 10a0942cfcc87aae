//! Whether a text spells a secret: tried character by character, each in every way in which others may write it. Slow, and made
//! without any of what finds secrets in the library.

/// The characters of the beginning of a secret that must not be shown: as documented.
pub(super) fn forbidden(secret: &str, max_shown: usize) -> Vec<char> {
    let end = (max_shown.min(secret.len())..=secret.len()).find(|end| secret.is_char_boundary(*end));
    secret[..end.unwrap_or(secret.len())].chars().collect()
}

/// Where in `text` these characters are spelled, in any mixture of encodings.
pub(super) fn spelled(text: &[u8], characters: &[char]) -> Option<usize> {
    let literal: Vec<String> = (0..characters.len()).map(|n| characters[n..].iter().collect()).collect();
    let spellings: Vec<_> = characters.iter().map(|c| spellings(*c)).collect();
    (0..text.len()).find(|at| {
        let mut ends = vec![*at];
        for (spellings, literal) in spellings.iter().zip(&literal) {
            let next = |end: &usize| {
                let rest = &text[*end..];
                // What opens an escape stands for itself only where the secret holds the whole of it, and it is not of the same
                // character: `%25`.
                let is_encoded = spellings.iter().any(|spelling| spelling.len() > 1 && begins(rest, spelling));
                let is_itself = !is_encoded && escape(rest).is_none_or(|escape| literal.as_bytes().starts_with(escape));
                let counts = |spelling: &&Vec<u8>| {
                    begins(rest, spelling) && (is_itself || !matches!(spelling[..], [b'\\' | b'%' | b'&']))
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

/// The whole escape with which a text begins, whatever it stands for.
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

/// The digits and letters of an escape may be of either case; what stands for itself may not, and is its only byte.
fn begins(text: &[u8], spelling: &[u8]) -> bool {
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
