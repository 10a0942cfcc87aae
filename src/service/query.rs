//! Parameters as a query string, encoded as the platform's own client does (`quote_plus`).

use super::{Params, Value};
use crate::error::{Error, Result};

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

/// No request has a longer target, that of the server's own URL included. Servers take far less.
const TARGET_MOST: usize = u16::MAX as usize - 1;

/// A target that is too long to be sent is refused by the name of its longest parameter.
pub(crate) fn check_length(target: &str, base: &str) -> Result<()> {
    let length = base.len() + target.len();
    if length <= TARGET_MOST {
        return Ok(());
    }
    let parameters = target.split_once('?').map_or("", |(_, query)| query).split('&');
    let longest = parameters.max_by_key(|parameter| parameter.len()).unwrap_or_default();
    let name = longest.split_once('=').map_or("base_url", |(name, _)| name);
    Err(Error::argument(
        name,
        format_args!("the request's target has {length} bytes with it; {TARGET_MOST} are the most"),
    ))
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
    #[test]
    fn the_longest_parameter_is_what_makes_a_target_too_long() {
        let long = "x".repeat(40_000);
        let target = query(&format!(r#"{{"page":2,"resource_type":"{long}","event_user_ids":["u"]}}"#));
        assert!(check_length(&target, "/api").is_ok());
        let told = check_length(&target, &long).expect_err("too long").to_string();
        assert!(told.contains("resource_type: "), "{told}");
        let room = TARGET_MOST - target.len();
        assert!(check_length(&target, &long[..room]).is_ok());
        assert!(check_length(&target, &long[..=room]).is_err());
    }
}
