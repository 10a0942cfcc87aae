//! The request of a call, and the operation `request`, whose whole request is given by its parameters.

use bytes::Bytes;
use http::Method;

use super::{Answers, Endpoint, Kind, Operation, Param, Params, Place, Source, Value, path, query};
use crate::error::{Error, Result};
use crate::retry::Repeat;

/// Any endpoint of the platform.
pub static REQUEST: Operation = Operation {
    name: "request",
    params: &[
        Param::local("verb", Kind::Text).required(),
        Param::local("path", Kind::Text).required(),
        Param::local("query", Kind::Object),
        Param::local("body", Kind::Json),
    ],
    source: Source::Request,
    answers: Answers::Json,
};

const VERBS: [Method; 5] = [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];

/// Sent instead of an empty body, which the platform rejects because of the Content-Type of every request. As by its own client.
const NO_BODY: Bytes = Bytes::from_static(b"{}");

/// The part of a request that depends on the call.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) verb: Method,
    /// Path and query, without the path of the base URL.
    pub(crate) target: String,
    /// JSON.
    pub(crate) body: Option<Bytes>,
    pub(crate) repeat: Repeat,
}

impl Params {
    /// The request of this call.
    pub(crate) fn request(&self) -> Result<Request> {
        match &self.operation().source {
            Source::Endpoint(endpoint) => self.endpoint_request(endpoint),
            Source::RowsOf(list) => Params::new(list).request(),
            Source::Request => self.custom_request(),
        }
    }

    fn endpoint_request(&self, endpoint: &Endpoint) -> Result<Request> {
        let path = path::fill(endpoint.path, self)?;
        Ok(Request {
            target: query::path_and_query(path, self),
            body: body_of(&endpoint.verb, self.at(Place::Body).next().map(|(_, value)| value)),
            verb: endpoint.verb.clone(),
            repeat: endpoint.repeat,
        })
    }

    fn custom_request(&self) -> Result<Request> {
        let text = |name| match self.get(name) {
            Some(Value::Text(text)) => Ok(text.as_str()),
            _ => Err(self.missing(name)),
        };
        let name = text("verb")?;
        let verb = VERBS.into_iter().find(|verb| verb.as_str() == name);
        let verb = verb.ok_or_else(|| {
            Error::argument("verb", format_args!("{name:?} is not one of GET, POST, PUT, PATCH, DELETE"))
        })?;
        let path = text("path")?;
        path::check(path)?;
        let mut target = path.to_owned();
        if let Some(Value::Json(object)) = self.get("query") {
            if path.contains('?') {
                return Err(Error::argument("query", "the path already has a query; use only one of them"));
            }
            query::append_json(object, &mut target)?;
        }
        let body = self.get("body");
        if verb == Method::GET && body.is_some() {
            return Err(Error::argument("body", "a GET has no body; put its parameters into the query"));
        }
        let repeat = if verb == Method::GET { Repeat::Safe } else { Repeat::IfNotProcessed };
        Ok(Request { target, body: body_of(&verb, body), verb, repeat })
    }

    /// Whether the request may change data.
    pub(crate) fn is_write(&self) -> bool {
        match self.operation().endpoint() {
            Some(endpoint) => endpoint.verb != Method::GET,
            None => !matches!(self.get("verb"), Some(Value::Text(verb)) if verb == Method::GET.as_str()),
        }
    }

    /// Whether the request, which is a write, may change the answer of this operation.
    pub(crate) fn may_change(&self, cached: &'static Operation) -> bool {
        match &self.operation().source {
            Source::Endpoint(endpoint) => endpoint.clears.iter().any(|cleared| std::ptr::eq(*cleared, cached)),
            Source::RowsOf(_) => false,
            Source::Request => {
                let Some(Value::Text(path)) = self.get("path") else { return false };
                cached.endpoint().is_some_and(|endpoint| first_segment(endpoint.path) == first_segment(path))
            }
        }
    }
}

/// Resources with the same first segment, such as `/workspaces`, are assumed to depend on each other. As servers read it: decoded, and
/// without parameters such as `;v=1`.
fn first_segment(path: &str) -> Vec<u8> {
    let decoded = path::decoded(path.split('?').next().unwrap_or_default());
    let mut segments = decoded.split(|byte| matches!(byte, b'/' | b'\\' | b';'));
    segments.find(|segment| !segment.is_empty()).unwrap_or_default().to_vec()
}

fn body_of(verb: &Method, body: Option<&Value>) -> Option<Bytes> {
    match body {
        Some(Value::Json(body)) => Some(body.clone()),
        _ if *verb == Method::GET => None,
        _ => Some(NO_BODY),
    }
}

#[cfg(test)]
mod tests {
    use super::super::workspace::{GET_EVENTS, GET_GROUPS, GET_MEMBERS, GET_WORKSPACE};
    use super::*;
    use crate::error::ErrorKind;

    fn parse(json: &str) -> Result<Request> {
        Params::from_json(&REQUEST, json)?.request()
    }

    /// Red when the query is read as `serde_json::Value`: the number becomes 1e+30, and 1.10 loses its zero.
    #[test]
    fn strings_of_a_query_are_sent_without_quotes_and_other_values_as_json() {
        let json = r#"{"verb":"GET","path":"/records/search","query":
            {"s":"a b&\u00e9","n":1.10,"big":123456789012345678901234567890,"t":true,"z":null,"l":["a", 1],"o":{"k":[ ]},"a b":""}}"#;
        assert_eq!(
            parse(json).expect("a request").target,
            "/records/search?s=a+b%26%C3%A9&n=1.10&big=123456789012345678901234567890&t=true&z=null&l=%5B%22a%22%2C+1%5D\
             &o=%7B%22k%22%3A%5B+%5D%7D&a+b="
        );
        assert_eq!(parse(r#"{"verb":"GET","path":"/a","query":{}}"#).expect("a request").target, "/a");
    }

    /// Red when the body is parsed and serialized again: "1e+400" and the spaces are gone.
    #[test]
    fn a_body_is_sent_byte_for_byte() {
        let body = r#"{ "n": 1.000, "big":1e400 , "half":"\ud83d", "n": 2 }"#;
        for verb in ["POST", "PUT", "PATCH", "DELETE"] {
            let request = parse(&format!(r#"{{"verb":"{verb}","path":"/a","body":{body}}}"#)).expect("a request");
            assert_eq!(request.body.as_deref(), Some(body.as_bytes()), "{verb}");
            assert_eq!(request.repeat, Repeat::IfNotProcessed, "{verb}");
            let empty = parse(&format!(r#"{{"verb":"{verb}","path":"/a"}}"#)).expect("a request");
            assert_eq!(empty.body.as_deref(), Some(&b"{}"[..]), "{verb}");
        }
        let get = parse(r#"{"verb":"GET","path":"/a"}"#).expect("a request");
        assert_eq!((get.body, get.repeat), (None, Repeat::Safe));
    }

    #[test]
    fn an_invalid_request_is_rejected_by_the_name_of_its_parameter() {
        for (json, expected) in [
            (r#"{"path":"/a"}"#, "verb: missing; request requires it"),
            (r#"{"verb":"GET"}"#, "path: missing; request requires it"),
            (r#"{"verb":"get","path":"/a"}"#, "verb: \"get\" is not one of"),
            (r#"{"verb":"HEAD","path":"/a"}"#, "verb: \"HEAD\" is not one of"),
            (r#"{"verb":"GET /b","path":"/a"}"#, "verb: \"GET /b\" is not one of"),
            (r#"{"verb":"GET","path":"a"}"#, "path: must begin with '/'"),
            (r#"{"verb":"GET","path":"/a?b=1","query":{}}"#, "query: the path already has a query"),
            (r#"{"verb":"GET","path":"/a","query":[]}"#, "query: expected an object"),
            (
                r#"{"verb":"GET","path":"/a","query":{"x":1,"x":2}}"#,
                "query: not a valid JSON object: duplicate member x",
            ),
            (r#"{"verb":"GET","path":"/a","query":{"x":"\ud83d"}}"#, "query: the value of x is not valid Unicode"),
            (r#"{"verb":"GET","path":"/a","body":{}}"#, "body: a GET has no body"),
            (r#"{"verb":1,"path":"/a"}"#, "verb: expected a string"),
            (r#"{"verb":"GET","path":"/a","url":"x"}"#, "url: unknown parameter"),
        ] {
            let error = parse(json).expect_err(json);
            assert_eq!(error.kind(), ErrorKind::InvalidArgument);
            assert!(error.to_string().starts_with(expected), "{json}: {error}");
        }
    }

    #[test]
    fn a_body_and_a_query_nested_a_million_deep_use_no_stack() {
        let deep = format!("{}{}", "[".repeat(1_000_000), "]".repeat(1_000_000));
        let json = format!(r#"{{"verb":"POST","path":"/a","query":{{"q":{deep}}},"body":{deep}}}"#);
        let small = std::thread::Builder::new().stack_size(64 * 1024);
        let body = small.spawn(move || parse(&json).expect("a request").body).expect("a thread").join();
        assert_eq!(body.expect("no overflow").expect("a body").len(), deep.len());
    }

    /// Red when a write clears nothing, or everything. Red when the path is compared as it is spelled: "/%77orkspaces" clears nothing.
    #[test]
    fn a_write_may_change_resources_with_the_same_first_segment() {
        let at = |path: &str| {
            let mut params = Params::new(&REQUEST);
            params.set("path", Value::Text(path.into())).expect("a path");
            [&GET_WORKSPACE, &GET_MEMBERS, &GET_GROUPS].map(|cached| params.may_change(cached))
        };
        for path in [
            "/workspaces",
            "/workspaces/",
            "/workspaces/members",
            "/workspaces?x=1",
            "/workspaces//members",
            "/%77orkspaces/members",
            "/work%73pace%73?x=1",
            "/workspaces%2Fmembers",
            "/workspaces%5Cmembers",
            "/%2Fworkspaces",
            "/workspaces;v=1/members",
        ] {
            assert_eq!(at(path), [true; 3], "{path}");
        }
        for path in
            ["/programs", "/", "/workspaces2/members", "/a/workspaces", "/a?/workspaces", "/%2577orkspaces", "/;"]
        {
            assert_eq!(at(path), [false; 3], "{path}");
        }
        assert!(!Params::new(&GET_EVENTS).may_change(&GET_MEMBERS));
    }
}
