//! Parameters as a query string, encoded as the platform's own client does (`quote_plus`).

use super::{Params, Value};

/// The request target for a path and what was given. Unset parameters are not sent.
pub(crate) fn path_and_query(path: &str, params: &Params) -> String {
    let mut target = path.to_owned();
    for (name, value) in params.given() {
        target.push(if target.len() == path.len() { '?' } else { '&' });
        target.push_str(name);
        target.push('=');
        match value {
            Value::Count(count) => target.push_str(&count.to_string()),
            Value::Text(text) => quote(text, &mut target),
            // One parameter that holds a JSON array.
            Value::TextList(texts) => quote(&serde_json::Value::from(texts.as_slice()).to_string(), &mut target),
        }
    }
    target
}

fn quote(text: &str, target: &mut String) {
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.' | b'-' | b'~' => target.push(byte.into()),
            b' ' => target.push('+'),
            _ => {
                target.push('%');
                for digit in [byte >> 4, byte & 15] {
                    target.push(char::from_digit(digit.into(), 16).unwrap_or('0').to_ascii_uppercase());
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::workspace::GET_EVENTS;
    use super::*;

    fn query(json: &str) -> String {
        path_and_query("/e", &Params::from_json(&GET_EVENTS, json).expect(json))
    }

    #[test]
    fn values_travel_as_the_recorded_ones() {
        assert_eq!(query("{}"), "/e");
        let json = r#"{"page":2,"page_size":50,"event_types":["create","update é"],"resource_type":"task & \"x\"",
                       "event_user_ids":["u-1"],"after_date":"2026-01-02T03:04:05Z","before_date":"2026-02-03T04:05:06+00:00"}"#;
        assert_eq!(
            query(json),
            "/e?page=2&page_size=50&event_types=%5B%22create%22%2C%22update+%C3%A9%22%5D&resource_type=task+%26+%22x%22\
             &event_user_ids=%5B%22u-1%22%5D&after_date=2026-01-02T03%3A04%3A05Z&before_date=2026-02-03T04%3A05%3A06%2B00%3A00"
        );
    }

    #[test]
    fn the_order_is_the_methods_not_the_callers() {
        assert_eq!(query(r#"{"page_size":1,"page":0}"#), "/e?page=0&page_size=1");
    }

    #[test]
    fn only_the_unreserved_stay_as_they_are() {
        assert_eq!(query(r#"{"resource_type":"aZ09_.-~ /%+\u0000"}"#), "/e?resource_type=aZ09_.-~+%2F%25%2B%00");
    }
}
