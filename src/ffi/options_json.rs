//! `kal_client_options` as JSON text, for languages without structs.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;
use serde_json::value::RawValue;

use super::client_options::set_flags;
use super::kit::millis::millis;
use crate::config::Settings;
use crate::error::{Error, Result};
use crate::json::{members, type_of};

/// Where an option is stored.
enum Place<'a> {
    Text(&'a mut Option<String>),
    Secret(&'a mut Option<SecretString>),
    Path(&'a mut Option<PathBuf>),
    /// Milliseconds of 32 bits, of which the largest number is for ever.
    Millis(&'a mut Option<Duration>),
    /// Milliseconds of 64 bits.
    LongMillis(&'a mut Option<Duration>),
    Count(&'a mut Option<u32>),
    Bytes(&'a mut Option<u64>),
    Headers(&'a mut Vec<(String, String)>),
    Flags(&'a mut Settings),
}

/// Finds the place of an option.
type Find = for<'a> fn(&'a mut Settings) -> Place<'a>;

/// The fields of `kal_client_options` that JSON can express.
const OPTIONS: [(&str, Find); 21] = [
    ("client_id", |settings| Place::Text(&mut settings.client_id)),
    ("client_secret", |settings| Place::Secret(&mut settings.client_secret)),
    ("base_url", |settings| Place::Text(&mut settings.base_url)),
    ("headers", |settings| Place::Headers(&mut settings.headers)),
    ("ca_bundle_path", |settings| Place::Path(&mut settings.ca_bundle_path)),
    ("proxy_url", |settings| Place::Text(&mut settings.proxy_url)),
    ("user_agent", |settings| Place::Text(&mut settings.user_agent)),
    ("connect_timeout_ms", |settings| Place::Millis(&mut settings.connect_timeout)),
    ("timeout_ms", |settings| Place::Millis(&mut settings.timeout)),
    ("max_attempts", |settings| Place::Count(&mut settings.max_attempts)),
    ("flags", |settings| Place::Flags(settings)),
    ("max_response_bytes", |settings| Place::Bytes(&mut settings.max_response_bytes)),
    ("cache_ttl_ms", |settings| Place::LongMillis(&mut settings.cache_ttl)),
    ("max_in_flight", |settings| Place::Count(&mut settings.max_in_flight)),
    ("retry_wait_ms", |settings| Place::LongMillis(&mut settings.retry_wait)),
    ("ca_bundle_pem", |settings| Place::Text(&mut settings.ca_bundle_pem)),
    ("client_certificate_path", |settings| Place::Path(&mut settings.client_certificate_path)),
    ("client_certificate_pem", |settings| Place::Text(&mut settings.client_certificate_pem)),
    ("client_key_path", |settings| Place::Path(&mut settings.client_key_path)),
    ("client_key_pem", |settings| Place::Secret(&mut settings.client_key_pem)),
    ("name", |settings| Place::Text(&mut settings.name)),
];

/// The fields that are functions of C, and what goes with them.
const CALLBACKS: [&str; 2] = ["iap_token_provider", "log_callback"];
const OF_CALLBACKS: [&str; 3] = ["iap_user_data", "log_user_data", "log_level"];

/// The settings in a JSON object. Nothing but whitespace means none.
#[cold]
pub(super) fn settings(text: &str) -> Result<Settings> {
    let mut settings = Settings::default();
    if text.trim_ascii().is_empty() {
        return Ok(settings);
    }
    for (name, json) in object("options_json", text)? {
        let find = OPTIONS.iter().find(|(known, _)| *known == name);
        let is_given = json.get() != "null";
        match find {
            Some((_, find)) if is_given => set(find(&mut settings), &name, json)?,
            Some(_) => {}
            None => {
                let reason = if CALLBACKS.contains(&name.as_str()) {
                    "a callback cannot be given in JSON; use kal_client_open"
                } else if OF_CALLBACKS.contains(&name.as_str()) {
                    "cannot be given in JSON: it goes with a callback; use kal_client_open"
                } else {
                    return Err(unknown(&name));
                };
                if is_given {
                    return Err(invalid(&name, reason));
                }
            }
        }
    }
    Ok(settings)
}

#[cold]
fn set(place: Place<'_>, name: &str, json: &RawValue) -> Result<()> {
    match place {
        Place::Text(place) => *place = Some(text(name, json)?),
        Place::Secret(place) => *place = Some(text(name, json)?.into()),
        Place::Path(place) => *place = Some(text(name, json)?.into()),
        Place::Millis(place) => *place = millis(small(name, json)?),
        Place::LongMillis(place) => *place = not_zero(number(name, json, u64::MAX)?).map(Duration::from_millis),
        Place::Count(place) => *place = Some(small(name, json)?).filter(|count| *count != 0),
        Place::Bytes(place) => *place = not_zero(number(name, json, u64::MAX)?),
        Place::Headers(place) => *place = headers(name, json)?,
        Place::Flags(settings) => set_flags(settings, small(name, json)?)?,
    }
    Ok(())
}

/// Errors begin with the key, or its element, such as `headers[0].value`, and never quote the value.
#[cold]
fn invalid(name: &str, reason: &str) -> Error {
    Error::argument(name, reason)
}

#[cold]
fn expected(name: &str, what: &str, json: &RawValue) -> Error {
    invalid(name, &format!("expected {what}, not {}", type_of(json)))
}

#[cold]
fn unknown(name: &str) -> Error {
    let known: Vec<_> = OPTIONS.iter().map(|(known, _)| *known).collect();
    invalid(name, &format!("unknown option; the options are {}", known.join(", ")))
}

fn not_zero(number: u64) -> Option<u64> {
    Some(number).filter(|number| *number != 0)
}

#[cold]
fn object<'a>(name: &str, text: &'a str) -> Result<Vec<(String, &'a RawValue)>> {
    members(text).map_err(|reason| invalid(name, &reason))
}

#[cold]
fn text(name: &str, json: &RawValue) -> Result<String> {
    if !json.get().starts_with('"') {
        return Err(expected(name, "a string", json));
    }
    let text: String =
        serde_json::from_str(json.get()).map_err(|_| invalid(name, "the string is not valid Unicode"))?;
    // No other way of opening a client can pass one.
    if text.contains('\0') { Err(invalid(name, "contains a NUL")) } else { Ok(text) }
}

#[cold]
fn number(name: &str, json: &RawValue, max: u64) -> Result<u64> {
    let number = json.get().parse().ok().filter(|number| *number <= max);
    number.ok_or_else(|| invalid(name, &format!("must be an integer from 0 to {max}")))
}

fn small(name: &str, json: &RawValue) -> Result<u32> {
    number(name, json, u32::MAX.into()).map(|number| u32::try_from(number).unwrap_or(u32::MAX))
}

/// `{"X-Name":"value"}`, or `[{"name":"X-Name","value":"value"}]` as in C, where a name may occur twice.
#[cold]
fn headers(name: &str, json: &RawValue) -> Result<Vec<(String, String)>> {
    let mut headers = Vec::new();
    let wrong = || expected(name, "an object or a list of objects", json);
    if json.get().starts_with('[') {
        let list: Vec<&RawValue> = serde_json::from_str(json.get()).map_err(|_| wrong())?;
        for (index, json) in list.into_iter().enumerate() {
            headers.push(header(&format!("headers[{index}]"), json)?);
        }
    } else if json.get().starts_with('{') {
        for (index, (key, json)) in object(name, json.get())?.into_iter().enumerate() {
            headers.push((key, text(&format!("headers[{index}].value"), json)?));
        }
    } else {
        return Err(wrong());
    }
    Ok(headers)
}

/// A `kal_header` as JSON.
#[cold]
fn header(name: &str, json: &RawValue) -> Result<(String, String)> {
    let (mut key, mut value) = (None, None);
    for (part, json) in object(name, json.get())? {
        let path = format!("{name}.{part}");
        match part.as_str() {
            "name" => key = Some(text(&path, json)?),
            "value" => value = Some(text(&path, json)?),
            _ => return Err(invalid(&path, "unknown; a header has a name and a value")),
        }
    }
    key.zip(value).ok_or_else(|| invalid(name, "a header has a name and a value"))
}

#[cfg(all(test, not(kal_loom)))]
mod tests {
    use std::ffi::c_char;
    use std::mem::MaybeUninit;

    use secrecy::ExposeSecret;

    use super::super::client_options::{self, kal_client_options, kal_header};
    use super::super::kit::versioned::Versioned;
    use super::*;
    use crate::error::ErrorKind;

    /// Every setting by its name: one that is added does not compile before it is compared.
    fn shown(settings: Settings) -> String {
        let Settings {
            client_id,
            client_secret,
            base_url,
            headers,
            ca_bundle_path,
            ca_bundle_pem,
            client_certificate_path,
            client_certificate_pem,
            client_key_path,
            client_key_pem,
            proxy_url,
            proxy_from_env,
            insecure_tls,
            allow_http,
            user_agent,
            connect_timeout,
            timeout,
            max_attempts,
            retry_wait,
            max_response_bytes,
            cache_ttl,
            max_in_flight,
            iap,
            name,
            log,
        } = settings;
        let secret = |secret: Option<SecretString>| secret.map(|secret| secret.expose_secret().to_owned());
        let texts = [
            client_id,
            secret(client_secret),
            base_url,
            ca_bundle_pem,
            client_certificate_pem,
            proxy_url,
            user_agent,
            name,
        ];
        let paths = [ca_bundle_path, client_certificate_path, client_key_path];
        let flags = [proxy_from_env, insecure_tls, allow_http, iap.is_some(), log.is_some()];
        let times = [connect_timeout, timeout, retry_wait, cache_ttl];
        let counts = [max_attempts.map(u64::from), max_response_bytes, max_in_flight.map(u64::from)];
        format!("{texts:?} {:?} {paths:?} {headers:?} {flags:?} {times:?} {counts:?}", secret(client_key_pem))
    }

    fn zeroed<T: Versioned>() -> T {
        // SAFETY: `Versioned` says that zeros are valid.
        unsafe { MaybeUninit::<T>::zeroed().assume_init() }
    }

    fn c(text: &'static std::ffi::CStr) -> *const c_char {
        text.as_ptr()
    }

    /// Red with two keys that set the same field, and with `cache_ttl_ms` in seconds.
    #[test]
    fn every_option_means_the_same_in_json_and_in_the_struct() {
        let headers = [kal_header { name: c(c"X-A"), value: c(c"1") }, kal_header { name: c(c"X-B"), value: c(c"2") }];
        let options = kal_client_options {
            struct_size: size_of::<kal_client_options>(),
            client_id: c(c"a"),
            client_secret: c(c"b"),
            base_url: c(c"c"),
            headers: headers.as_ptr(),
            headers_len: 2,
            ca_bundle_path: c(c"d"),
            proxy_url: c(c"e"),
            user_agent: c(c"f"),
            connect_timeout_ms: 1,
            timeout_ms: u32::MAX,
            max_attempts: 3,
            flags: 5,
            max_response_bytes: 4,
            cache_ttl_ms: 5,
            max_in_flight: 6,
            retry_wait_ms: u64::MAX,
            ca_bundle_pem: c(c"g"),
            client_certificate_path: c(c"h"),
            client_certificate_pem: c(c"i"),
            client_key_path: c(c"j"),
            client_key_pem: c(c"k"),
            name: c(c"l"),
            ..zeroed()
        };
        let json = r#"{
            "client_id": "a", "client_secret": "b", "base_url": "c", "headers": {"X-A": "1", "X-B": "2"},
            "ca_bundle_path": "d", "proxy_url": "e", "user_agent": "f", "connect_timeout_ms": 1, "timeout_ms": 4294967295,
            "max_attempts": 3, "flags": 5, "max_response_bytes": 4, "cache_ttl_ms": 5, "max_in_flight": 6,
            "retry_wait_ms": 18446744073709551615, "ca_bundle_pem": "g", "client_certificate_path": "h",
            "client_certificate_pem": "i", "client_key_path": "j", "client_key_pem": "k", "name": "l",
            "iap_token_provider": null}"#;
        // SAFETY: the struct and its texts are there.
        let from_struct = unsafe { client_options::settings(&raw const options) }.expect("a struct");
        assert_eq!(shown(settings(json).expect("JSON")), shown(from_struct));
        for (key, _) in OPTIONS {
            assert!(json.contains(&format!("\"{key}\": ")), "{key} is not compared");
        }
    }

    #[test]
    fn zero_null_and_nothing_are_the_default() {
        let zeros = r#"{"connect_timeout_ms":0,"timeout_ms":0,"max_attempts":0,"flags":0,"max_response_bytes":0,
            "cache_ttl_ms":0,"max_in_flight":0,"retry_wait_ms":0,"headers":{},"client_id":null}"#;
        for text in ["", " \n", "{}", zeros, r#"{"headers":[]}"#] {
            assert_eq!(shown(settings(text).expect(text)), shown(Settings::default()), "{text}");
        }
    }

    #[test]
    fn a_header_may_occur_twice_in_a_list() {
        let list = r#"{"headers":[{"name":"X-A","value":"1"},{"value":"2","name":"X-A"}]}"#;
        let given = settings(list).expect("a list").headers;
        assert_eq!(given, [("X-A".to_owned(), "1".to_owned()), ("X-A".to_owned(), "2".to_owned())]);
    }

    /// Each message begins with the key. Red when a wrong value is quoted.
    #[test]
    fn an_option_that_cannot_be_used_is_named_and_its_value_is_not() {
        for (text, expected) in [
            (r#"{"client_idd":"s3cret"}"#, "client_idd: unknown option; the options are client_id, client_secret, "),
            (r#"{"struct_size":8}"#, "struct_size: unknown option; "),
            (r#"{"headers_len":8}"#, "headers_len: unknown option; "),
            (r#"{"Client_id":null}"#, "Client_id: unknown option; "),
            (r#"{"client_secret":["s3cret"]}"#, "client_secret: expected a string, not a list"),
            (r#"{"client_secret":12345}"#, "client_secret: expected a string, not a number"),
            (r#"{"client_secret":"s3cret\ud800"}"#, "client_secret: the string is not valid Unicode"),
            (r#"{"client_secret":"s3cret\u0000"}"#, "client_secret: contains a NUL"),
            (r#"{"timeout_ms":"s3cret"}"#, "timeout_ms: must be an integer from 0 to 4294967295"),
            (r#"{"timeout_ms":4294967296}"#, "timeout_ms: must be an integer from 0 to 4294967295"),
            (r#"{"timeout_ms":-1}"#, "timeout_ms: must be an integer from 0 to 4294967295"),
            (r#"{"timeout_ms":1.5}"#, "timeout_ms: must be an integer from 0 to 4294967295"),
            (r#"{"cache_ttl_ms":true}"#, "cache_ttl_ms: must be an integer from 0 to 18446744073709551615"),
            (r#"{"flags":8}"#, "flags: 0x8 is unknown"),
            (r#"{"headers":"s3cret"}"#, "headers: expected an object or a list of objects, not a string"),
            (r#"{"headers":["s3cret"]}"#, "headers[0]: not a valid JSON object: expected an object"),
            (r#"{"headers":{"X-A":["s3cret"]}}"#, "headers[0].value: expected a string, not a list"),
            (
                r#"{"headers":{"X-A":"s3cret","X-A":"s3cret"}}"#,
                "headers: not a valid JSON object: duplicate member X-A",
            ),
            (r#"{"headers":[{"name":"X-A"}]}"#, "headers[0]: a header has a name and a value"),
            (r#"{"headers":[{"value":"s3cret"}]}"#, "headers[0]: a header has a name and a value"),
            (
                r#"{"headers":[{"name":"X-A","values":"s3cret"}]}"#,
                "headers[0].values: unknown; a header has a name and a value",
            ),
            (r#"{"iap_token_provider":"s3cret"}"#, "iap_token_provider: a callback cannot be given in JSON"),
            (r#"{"log_callback":1}"#, "log_callback: a callback cannot be given in JSON; use kal_client_open"),
            (
                r#"{"iap_user_data":1}"#,
                "iap_user_data: cannot be given in JSON: it goes with a callback; use kal_client_open",
            ),
            (
                r#"{"log_user_data":1}"#,
                "log_user_data: cannot be given in JSON: it goes with a callback; use kal_client_open",
            ),
            (r#"{"log_level":4}"#, "log_level: cannot be given in JSON: it goes with a callback; use kal_client_open"),
            (
                r#"{"client_secret":"s3cret","client_secret":"s3cret"}"#,
                "options_json: not a valid JSON object: duplicate",
            ),
            (r#"{"client_secret":"s3cret"#, "options_json: not a valid JSON object: EOF"),
            (r#""s3cret""#, "options_json: not a valid JSON object: expected an object"),
            ("null", "options_json: not a valid JSON object: expected an object"),
        ] {
            let error = settings(text).err().expect(text);
            let message = error.to_string();
            assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{text}");
            assert!(message.starts_with(expected) && !message.contains("s3cret"), "{text}: {message}");
        }
    }
}
