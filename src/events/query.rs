//! The caller's query, validated for streams, and the parameters of each request.

use super::cursor::Start;
use super::dates::narrower;
use super::request::Request;
use crate::error::{Error, Result};
use crate::service::workspace::GET_EVENTS;
use crate::service::{Params, Value};

const FILTERS: [&str; 3] = ["event_types", "resource_type", "event_user_ids"];

#[derive(Debug)]
pub(super) struct Query {
    params: Params,
    fingerprint: String,
}

impl Query {
    pub(super) fn new(params: Params) -> Result<Self> {
        if !std::ptr::eq(params.operation(), &raw const GET_EVENTS) {
            return Err(Error::argument("query", "not parameters of workspace.get_events"));
        }
        if params.get("page").is_some() {
            return Err(Error::argument("page", "not allowed, because a stream requests every page; remove it"));
        }
        let fingerprint = fingerprint(&params);
        Ok(Self { params, fingerprint })
    }

    /// Where to start following this query.
    pub(super) fn start(&self, cursor: Option<&str>) -> Result<Start> {
        if self.params.get("before_date").is_some() {
            return Err(Error::argument("before_date", "not allowed when following events; remove it"));
        }
        match cursor {
            Some(text) => Start::parse(text, &self.fingerprint),
            None if self.params.get("after_date").is_some() => Ok(Start::Beginning),
            None => Ok(Start::Present),
        }
    }

    /// Identifies the filters other than the dates: a cursor contains its own position.
    pub(super) fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// The caller's page size.
    pub(super) fn page_size(&self) -> Option<u32> {
        match self.params.get("page_size") {
            Some(Value::Count(count)) => u32::try_from(*count).ok().filter(|count| *count > 0),
            _ => None,
        }
    }

    pub(super) fn params(&self, request: Request) -> Result<Params> {
        let mut params = self.params.clone();
        if let Some(page) = request.page {
            params.set("page", Value::Count(i64::try_from(page).unwrap_or(i64::MAX)))?;
        }
        if let Some(size) = request.size {
            params.set("page_size", Value::Count(size.into()))?;
        }
        for (name, ours, later) in
            [("after_date", request.range.after, true), ("before_date", request.range.before, false)]
        {
            let callers = match params.get(name) {
                Some(Value::Text(text)) => Some(text.as_str()),
                _ => None,
            };
            if let Some(date) = narrower(ours, callers, later) {
                params.set(name, Value::Text(date))?;
            }
        }
        Ok(params)
    }
}

/// FNV-1a: stable across versions and machines. A collision attack would gain nothing.
fn fingerprint(params: &Params) -> String {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut add = |text: &str| {
        for byte in text.bytes().chain([0xff]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    };
    for name in FILTERS {
        add(name);
        match params.get(name) {
            Some(Value::Text(text)) => add(text),
            Some(Value::TextList(texts)) => {
                let mut texts = texts.clone();
                texts.sort_unstable();
                texts.dedup();
                for text in &texts {
                    add(text);
                }
            }
            Some(Value::Count(_) | Value::Json(_)) | None => {}
        }
    }
    format!("{hash:016x}")
}

#[cfg(test)]
mod tests {
    use super::super::request::Range;
    use super::*;
    use crate::error::ErrorKind;

    fn query(json: &str) -> Query {
        Query::new(Params::from_json(&GET_EVENTS, json).expect(json)).expect(json)
    }

    #[test]
    fn page_and_before_date_are_rejected_by_name() {
        let params = Params::from_json(&GET_EVENTS, r#"{"page":1}"#).expect("parameters");
        let error = Query::new(params).expect_err("a page");
        assert_eq!((error.kind(), error.to_string().starts_with("page: ")), (ErrorKind::InvalidArgument, true));
        let error = query(r#"{"before_date":"2026-01-01"}"#).start(None).expect_err("an end");
        assert!(error.to_string().starts_with("before_date: "), "{error}");
    }

    #[test]
    fn a_cursor_matches_the_same_filters_in_any_order_and_with_any_dates() {
        let one = query(r#"{"event_types":["a","b"],"after_date":"2026-01-01","page_size":5}"#);
        let two = query(r#"{"event_types":["b","a","b"]}"#);
        let other = query(r#"{"event_types":["ab"]}"#);
        let text = super::super::cursor::Cursor::Present.into_text(one.fingerprint());
        assert_eq!(two.start(Some(&text)).expect("the same filters"), Start::Present);
        assert!(other.start(Some(&text)).is_err());
    }

    #[test]
    fn a_request_is_the_callers_query_narrowed() {
        let query = query(r#"{"resource_type":"task","page_size":7,"after_date":"2026-01-01"}"#);
        let range = Range { after: Some(1_767_323_045_000_000), before: Some(1_767_409_445_000_000) };
        let params = query.params(Request { page: Some(3), size: None, range }).expect("parameters");
        assert_eq!(params.get("page"), Some(&Value::Count(3)));
        assert_eq!(params.get("page_size"), Some(&Value::Count(7)));
        assert_eq!(params.get("after_date"), Some(&Value::Text("2026-01-02T03:04:05+00:00".into())));
        assert_eq!(params.get("before_date"), Some(&Value::Text("2026-01-03T03:04:05+00:00".into())));
        let params = query
            .params(Request { page: None, size: Some(9), range: Range { after: Some(0), before: None } })
            .expect("parameters");
        assert_eq!(params.get("after_date"), Some(&Value::Text("2026-01-01".into())));
        assert_eq!((params.get("page"), params.get("before_date")), (None, None));
    }
}
