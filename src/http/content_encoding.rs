//! `Content-Encoding` (RFC 9110, 8.4): the codings of a body, of which only gzip is supported.

use http::header::{CONTENT_ENCODING, HeaderMap, HeaderValue};

pub(super) const GZIP: &str = "gzip";
/// The maximum length of an unknown encoding in a message, in characters.
const MAX_SHOWN: usize = 80;

/// The encoding of a body.
pub(super) enum Encoding {
    Identity,
    Gzip,
    /// Any other value of the header.
    Unknown(String),
}

impl Encoding {
    /// Names are case-insensitive, a list may have empty elements, and several header lines are one list.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let values = headers.get_all(CONTENT_ENCODING);
        let names =
            values.iter().flat_map(|value| value.as_bytes().split(|byte| *byte == b',')).map(<[u8]>::trim_ascii);
        let mut found = Self::Identity;
        for name in names.filter(|name| !name.is_empty() && !name.eq_ignore_ascii_case(b"identity")) {
            let is_gzip = name.eq_ignore_ascii_case(GZIP.as_bytes()) || name.eq_ignore_ascii_case(b"x-gzip");
            if !is_gzip || matches!(found, Self::Gzip) {
                let values: Vec<_> = values.iter().map(HeaderValue::as_bytes).collect();
                let all = String::from_utf8_lossy(&values.join(&b", "[..])).into_owned();
                return Self::Unknown(all.chars().filter(|c| !c.is_control()).take(MAX_SHOWN).collect());
            }
            found = Self::Gzip;
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Red when the value is compared with `gzip` as it is: all but the first of the second list are unknown.
    #[test]
    fn encodings_are_parsed_as_in_rfc_9110() {
        let of = |lines: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(CONTENT_ENCODING, HeaderValue::from_static(line));
            }
            match Encoding::of(&headers) {
                Encoding::Identity => "identity".to_owned(),
                Encoding::Gzip => GZIP.to_owned(),
                Encoding::Unknown(name) => format!("({name})"),
            }
        };
        for lines in [&[][..], &[""], &["identity"], &["Identity, IDENTITY"], &[" , ,", ""]] {
            assert_eq!(of(lines), "identity", "{lines:?}");
        }
        for lines in [
            &["gzip"][..],
            &["GZIP"],
            &["x-gzip"],
            &["X-Gzip"],
            &["identity, gzip"],
            &["gzip ,\tidentity,"],
            &["identity", "gzip"],
        ] {
            assert_eq!(of(lines), "gzip", "{lines:?}");
        }
        for (lines, name) in [
            (&["br"][..], "(br)"),
            (&["gzip, gzip"], "(gzip, gzip)"),
            (&["gzip", "x-gzip"], "(gzip, x-gzip)"),
            (&["deflate", "gzip"], "(deflate, gzip)"),
            (&["gzip;q=1"], "(gzip;q=1)"),
        ] {
            assert_eq!(of(lines), name, "{lines:?}");
        }
    }
}
