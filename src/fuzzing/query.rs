//! Fuzz target for the query builder.

use url::Url;

use crate::service::workspace::GET_EVENTS;
use crate::service::{Params, Value};

/// Separators of values and of list elements in the input. These bytes do not occur in UTF-8.
const VALUE_SEPARATOR: u8 = 0xff;
const TEXT_SEPARATOR: u8 = 0xfe;

/// For any values, the target is visible ASCII, and a server parses exactly the given pairs from it.
///
/// Red when `&` is not escaped: a server parsed two pairs instead of one.
pub fn query(input: &[u8]) {
    let params = input.split(|byte| *byte == VALUE_SEPARATOR).zip(GET_EVENTS.params).fold(
        Params::new(&GET_EVENTS),
        |mut params, (value, param)| {
            let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
            let value = match param.name {
                _ if value.is_empty() => return params,
                "page" | "page_size" => {
                    let bytes = value.iter().take(8);
                    Value::Count(bytes.fold(0_i64, |count, byte| count << 8 | i64::from(*byte)))
                }
                "event_types" | "event_user_ids" => {
                    Value::TextList(value.split(|byte| *byte == TEXT_SEPARATOR).map(text).collect())
                }
                _ => Value::Text(text(value)),
            };
            if let Err(error) = params.set(param.name, value) {
                assert!(error.to_string().starts_with(&format!("{}: ", param.name)), "{error}");
                assert_eq!(params.get(param.name), None, "{error}");
            }
            params
        },
    );
    let target = params.request().expect("all of it is in the query").target;
    assert!(target.bytes().all(|byte| byte.is_ascii_graphic()), "{target}");
    let url = Url::parse(&format!("https://host/prefix{target}")).expect("a URL");
    // What is built is what is sent: the parser changes nothing.
    assert_eq!(url.as_str(), format!("https://host/prefix{target}"));
    assert_eq!((url.path(), url.fragment()), ("/prefix/workspaces/events", None));
    let given = GET_EVENTS.params.iter().filter_map(|param| Some((param.name, params.get(param.name)?)));
    let given: Vec<_> = given.map(|(name, value)| (name.to_owned(), value.clone())).collect();
    let read = url.query_pairs().zip(&given).map(|((name, text), (_, like))| {
        let value = match like {
            Value::Count(_) => Value::Count(text.parse().expect("a number")),
            Value::Text(_) => Value::Text(text.into_owned()),
            Value::TextList(_) => Value::TextList(serde_json::from_str(&text).expect("a list of texts")),
            Value::Json(_) => unreachable!("no filter of events is JSON"),
        };
        (name.into_owned(), value)
    });
    assert_eq!((url.query_pairs().count(), read.collect::<Vec<_>>()), (given.len(), given), "{target}");
}
