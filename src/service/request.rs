//! What is sent for a call, and the operation `request`, for which the caller gives all of it.

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
    source: Source::Given,
    answers: Answers::Json,
};

const VERBS: [Method; 5] = [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];

/// The platform refuses an empty body of the type that every request has; its own client sends this where it has nothing to say.
const NO_BODY: Bytes = Bytes::from_static(b"{}");

/// What is sent for a call, without what every request has.
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
            Source::Endpoint(endpoint) => self.to_endpoint(endpoint),
            Source::RowsOf(list) => Params::new(list).request(),
            Source::Given => self.as_given(),
        }
    }

    fn to_endpoint(&self, endpoint: &Endpoint) -> Result<Request> {
        let path = path::fill(endpoint.path, self)?;
        Ok(Request {
            target: query::path_and_query(path, self),
            body: body_of(&endpoint.verb, self.given(Place::Body).next().map(|(_, value)| value)),
            verb: endpoint.verb.clone(),
            repeat: endpoint.repeat,
        })
    }

    fn as_given(&self) -> Result<Request> {
        let text = |name| match self.get(name) {
            Some(Value::Text(text)) => Ok(text.as_str()),
            _ => Err(Error::argument(name, format_args!("{} needs it", self.operation().name))),
        };
        let name = text("verb")?;
        let verb = VERBS.into_iter().find(|verb| verb.as_str() == name);
        let verb = verb.ok_or_else(|| {
            Error::argument("verb", format_args!("{name:?} is not one of GET, POST, PUT, PATCH, DELETE"))
        })?;
        let path = text("path")?;
        path::check(path)?;
        let mut target = path.to_owned();
        if let Some(Value::Json(given)) = self.get("query") {
            if path.contains('?') {
                return Err(Error::argument("query", "the path has a query already; give one of the two"));
            }
            query::append_json(given, &mut target)?;
        }
        let body = self.get("body");
        if verb == Method::GET && body.is_some() {
            return Err(Error::argument("body", "a GET has no body; parameters of a GET go into the query"));
        }
        let repeat = if verb == Method::GET { Repeat::Safe } else { Repeat::IfNotProcessed };
        Ok(Request { target, body: body_of(&verb, body), verb, repeat })
    }

    /// Whether the request of this call may change something.
    pub(crate) fn is_write(&self) -> bool {
        match self.operation().endpoint() {
            Some(endpoint) => endpoint.verb != Method::GET,
            None => !matches!(self.get("verb"), Some(Value::Text(verb)) if verb == Method::GET.as_str()),
        }
    }

    /// Whether the request of this call, which may have changed something, may have changed what this operation answers.
    pub(crate) fn may_change(&self, cached: &'static Operation) -> bool {
        match &self.operation().source {
            Source::Endpoint(endpoint) => endpoint.clears.iter().any(|cleared| std::ptr::eq(*cleared, cached)),
            Source::RowsOf(_) => false,
            Source::Given => {
                let Some(Value::Text(path)) = self.get("path") else { return false };
                cached.endpoint().is_some_and(|endpoint| first_segment(endpoint.path) == first_segment(path))
            }
        }
    }
}

/// What is under one first segment, such as `/workspaces`, is taken to belong together.
fn first_segment(path: &str) -> &str {
    path.split(['/', '?']).find(|segment| !segment.is_empty()).unwrap_or_default()
}

fn body_of(verb: &Method, given: Option<&Value>) -> Option<Bytes> {
    match given {
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

    fn given(json: &str) -> Result<Request> {
        Params::from_json(&REQUEST, json)?.request()
    }

    /// Red when the query is read as `serde_json::Value`: the number becomes 1e+30, and 1.10 loses its zero.
    #[test]
    fn strings_of_a_query_go_as_they_are_and_everything_else_as_its_text() {
        let json = r#"{"verb":"GET","path":"/records/search","query":
            {"s":"a b&\u00e9","n":1.10,"big":123456789012345678901234567890,"t":true,"z":null,"l":["a", 1],"o":{"k":[ ]},"a b":""}}"#;
        assert_eq!(
            given(json).expect("a request").target,
            "/records/search?s=a+b%26%C3%A9&n=1.10&big=123456789012345678901234567890&t=true&z=null&l=%5B%22a%22%2C+1%5D\
             &o=%7B%22k%22%3A%5B+%5D%7D&a+b="
        );
        assert_eq!(given(r#"{"verb":"GET","path":"/a","query":{}}"#).expect("a request").target, "/a");
    }

    /// Red when the body is read and written again: "1e+400" and the spaces are gone.
    #[test]
    fn a_body_is_sent_as_it_is() {
        let body = r#"{ "n": 1.000, "big":1e400 , "half":"\ud83d", "n": 2 }"#;
        for verb in ["POST", "PUT", "PATCH", "DELETE"] {
            let request = given(&format!(r#"{{"verb":"{verb}","path":"/a","body":{body}}}"#)).expect("a request");
            assert_eq!(request.body.as_deref(), Some(body.as_bytes()), "{verb}");
            assert_eq!(request.repeat, Repeat::IfNotProcessed, "{verb}");
            let empty = given(&format!(r#"{{"verb":"{verb}","path":"/a"}}"#)).expect("a request");
            assert_eq!(empty.body.as_deref(), Some(&b"{}"[..]), "{verb}");
        }
        let get = given(r#"{"verb":"GET","path":"/a"}"#).expect("a request");
        assert_eq!((get.body, get.repeat), (None, Repeat::Safe));
    }

    #[test]
    fn what_cannot_be_sent_is_refused_by_name() {
        for (json, expected) in [
            (r#"{"path":"/a"}"#, "verb: request needs it"),
            (r#"{"verb":"GET"}"#, "path: request needs it"),
            (r#"{"verb":"get","path":"/a"}"#, "verb: \"get\" is not one of"),
            (r#"{"verb":"HEAD","path":"/a"}"#, "verb: \"HEAD\" is not one of"),
            (r#"{"verb":"GET /b","path":"/a"}"#, "verb: \"GET /b\" is not one of"),
            (r#"{"verb":"GET","path":"a"}"#, "path: it must begin with '/'"),
            (r#"{"verb":"GET","path":"/a?b=1","query":{}}"#, "query: the path has a query already"),
            (r#"{"verb":"GET","path":"/a","query":[]}"#, "query: an object is expected"),
            (
                r#"{"verb":"GET","path":"/a","query":{"x":1,"x":2}}"#,
                "query: a JSON object is expected: x is given twice",
            ),
            (r#"{"verb":"GET","path":"/a","query":{"x":"\ud83d"}}"#, "query: the value of x is not valid Unicode"),
            (r#"{"verb":"GET","path":"/a","body":{}}"#, "body: a GET has no body"),
            (r#"{"verb":1,"path":"/a"}"#, "verb: a string is expected"),
            (r#"{"verb":"GET","path":"/a","url":"x"}"#, "url: there is no such parameter"),
        ] {
            let error = given(json).expect_err(json);
            assert_eq!(error.kind(), ErrorKind::InvalidArgument);
            assert!(error.to_string().starts_with(expected), "{json}: {error}");
        }
    }

    #[test]
    fn a_body_and_a_query_a_million_deep_cost_no_stack() {
        let deep = format!("{}{}", "[".repeat(1_000_000), "]".repeat(1_000_000));
        let json = format!(r#"{{"verb":"POST","path":"/a","query":{{"q":{deep}}},"body":{deep}}}"#);
        let small = std::thread::Builder::new().stack_size(64 * 1024);
        let body = small.spawn(move || given(&json).expect("a request").body).expect("a thread").join();
        assert_eq!(body.expect("no overflow").expect("a body").len(), deep.len());
    }

    /// Red when a write clears nothing, or everything.
    #[test]
    fn a_write_may_change_what_is_under_the_same_first_segment() {
        let at = |path: &str| {
            let mut params = Params::new(&REQUEST);
            params.set("path", Value::Text(path.into())).expect("a path");
            [&GET_WORKSPACE, &GET_MEMBERS, &GET_GROUPS].map(|cached| params.may_change(cached))
        };
        for path in ["/workspaces", "/workspaces/", "/workspaces/members", "/workspaces?x=1"] {
            assert_eq!(at(path), [true; 3], "{path}");
        }
        for path in ["/programs", "/", "/workspaces2/members", "/a/workspaces"] {
            assert_eq!(at(path), [false; 3], "{path}");
        }
        assert!(!Params::new(&GET_EVENTS).may_change(&GET_MEMBERS));
    }
}
